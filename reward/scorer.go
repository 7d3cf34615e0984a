package reward

import (
	"context"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/rlkd/rlkd/reward/verify"
)

// Scorer computes the rewards of completions. It keeps the steps of the texts it was given as
// the teacher's, so that a second epoch takes none apart again. It is safe for concurrent use
// when its decomposer and judge are.
type Scorer struct {
	weights    Weights
	options    Options
	decomposer Decomposer
	judge      Judge

	mu      sync.Mutex
	teacher map[Trace]Decomposition
}

// NewScorer returns a scorer whose backends are rules. It fails on the first invalid option, and
// on one that names a model.
func NewScorer(w Weights, o Options) (*Scorer, error) { return NewScorerOpening(w, o, nil) }

// NewScorerOpening returns a scorer with the backends that the options name, and has open open
// the models among them. It fails on the first invalid option, and on a model that open fails on.
func NewScorerOpening(w Weights, o Options, open func(BackendOptions) (LM, error)) (*Scorer, error) {
	if key, problem := o.Check(); key != "" {
		return nil, fmt.Errorf("structure.%s: %s", key, problem)
	}
	var d Decomposer = Rules{}
	var j Judge = Rules{Threshold: o.Judge.Threshold}
	if o.Decomposer.Backend != BackendRules {
		lm, err := opened("decomposer", o.Decomposer.BackendOptions, open)
		if err != nil {
			return nil, err
		}
		d = NewModelDecomposer(lm, o)
	}
	if o.Judge.Backend != BackendRules {
		lm, err := opened("judge", o.Judge.BackendOptions, open)
		if err != nil {
			return nil, err
		}
		j = NewModelJudge(lm, o.Judge.Threshold)
	}
	return NewScorerWith(w, o, d, j), nil
}

// opened opens the model of a section.
func opened(section string, b BackendOptions, open func(BackendOptions) (LM, error)) (LM, error) {
	if open == nil {
		return nil, fmt.Errorf("structure.%s.backend: no models can be opened here; want %s, got %q", section, BackendRules, b.Backend)
	}
	lm, err := open(b.Filled())
	if err != nil {
		return nil, fmt.Errorf("structure.%s: %w", section, err)
	}
	return lm, nil
}

// NewScorerWith returns a scorer with the given backends, whatever the options name. The
// options must be valid.
func NewScorerWith(w Weights, o Options, d Decomposer, j Judge) *Scorer {
	return &Scorer{weights: w, options: o, decomposer: d, judge: j, teacher: map[Trace]Decomposition{}}
}

// Score returns the scores of a batch, in its order. A reward that could not be computed is
// missing in its score; the only error is that of a cancelled context.
func (s *Scorer) Score(ctx context.Context, items []Item) ([]Score, error) {
	pairs, err := s.decomposePairs(ctx, items)
	if err != nil {
		return nil, err
	}
	scores, err := s.compare(ctx, pairs)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		scores[i].Accuracy = accuracy(item)
		scores[i].Format = Value{V: Format(item.Completion)}
		scores[i].TagCount = Value{V: TagCount(item.Completion)}
		scores[i].Total = s.weights.total(scores[i])
	}
	return scores, nil
}

// accuracy checks the completion's answer; a gold answer that does not parse makes it missing.
func accuracy(item Item) Value {
	v, err := verify.Accuracy(item.Answer, item.Completion)
	if err != nil {
		return Value{Missing: "accuracy: " + CauseGold + ": " + err.Error()}
	}
	return Value{V: v}
}

// Decompose returns the steps of traces, in their order, equal ones asked for once. The
// reasoning of a trace is its text before the first </think>. The only error is that of a
// cancelled context.
func (s *Scorer) Decompose(ctx context.Context, traces []Trace) ([]Decomposition, error) {
	found, err := s.decompose(ctx, traces)
	if err != nil {
		return nil, err
	}
	out := make([]Decomposition, len(traces))
	for i, t := range traces {
		out[i] = found[t]
	}
	return out, nil
}

// decomposePairs takes the students' and the teachers' texts apart in one batch.
func (s *Scorer) decomposePairs(ctx context.Context, items []Item) ([]pair, error) {
	known := map[Trace]Decomposition{}
	var traces []Trace
	s.mu.Lock()
	for _, item := range items {
		teacher := Trace{item.Problem, item.Generation}
		if d, ok := s.teacher[teacher]; ok {
			known[teacher] = d
		} else if item.TeacherSteps == nil {
			traces = append(traces, teacher)
		}
		traces = append(traces, item.trace())
	}
	s.mu.Unlock()
	found, err := s.decompose(ctx, traces)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pairs := make([]pair, len(items))
	for i, item := range items {
		if item.TeacherSteps != nil {
			pairs[i] = pair{item.Problem, found[item.trace()], Decomposition{Steps: item.TeacherSteps}}
			continue
		}
		teacher := Trace{item.Problem, item.Generation}
		d, ok := known[teacher]
		if !ok {
			d = found[teacher]
		}
		if d.Cut {
			d = Decomposition{Missing: CauseUnreadable + ": the decomposition was cut at max_tokens"}
		}
		if d.Missing == "" {
			s.teacher[teacher] = d
		}
		pairs[i] = pair{item.Problem, found[item.trace()], d}
	}
	return pairs, nil
}

// decompose asks the decomposer for the steps of the traces that are long enough to have any.
func (s *Scorer) decompose(ctx context.Context, traces []Trace) (map[Trace]Decomposition, error) {
	found := make(map[Trace]Decomposition, len(traces))
	var asked, cut []Trace
	for _, t := range traces {
		if _, known := found[t]; known {
			continue
		}
		found[t] = Decomposition{}
		text := Reasoning(t.Text)
		if text != "" && utf8.RuneCountInString(text) >= s.options.MinTraceChars {
			asked = append(asked, t)
			cut = append(cut, Trace{t.Problem, text})
		}
	}
	if len(asked) == 0 {
		return found, nil
	}
	replies, err := s.decomposer.Decompose(ctx, cut)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for i, t := range asked {
		switch {
		case err != nil:
			found[t] = Decomposition{Missing: "decomposer: " + err.Error()}
		case i >= len(replies):
			found[t] = Decomposition{Missing: "decomposer: no reply"}
		default:
			found[t] = replies[i]
		}
	}
	return found, nil
}
