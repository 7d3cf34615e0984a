package trainer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// evalStep stands for the training step in the random streams of evaluations. All of them
// use it: two students answer the same problem by the same random numbers, which makes their
// difference less noisy.
const evalStep = math.MaxUint64

// Evaluation is how a student does on held-out problems.
type Evaluation struct {
	Name        string              `json:"name"`
	Problems    int                 `json:"problems"`
	Generations int                 `json:"generations"` // completions per problem
	Dropped     int                 `json:"dropped"`     // problems whose prompt is too long
	Truncated   int                 `json:"truncated"`   // completions cut at the limit
	Missing     map[string]int      `json:"missing"`     // completions without a reward, by its name, and by name/cause
	Metrics     map[string]Estimate `json:"metrics"`     // means over problems with 95 % intervals
	PerProblem  []ProblemResult     `json:"per_problem"`
	Samples     []EvaluationSample  `json:"-"`
}

// ProblemResult are the means over a problem's completions; a metric that none of them has is
// absent.
type ProblemResult struct {
	Row    int                `json:"row"`
	Values map[string]float64 `json:"values"`
}

// EvaluationSample is one completion of an evaluation with its score.
type EvaluationSample struct {
	Rollout
	Score reward.Score
}

// Difference is how an evaluation differs from another on the same problems.
type Difference struct {
	From    string              `json:"from"`
	To      string              `json:"to"`
	Metrics map[string]Estimate `json:"metrics"` // mean of to - from per problem, 95 % interval
}

// Evaluator samples and scores completions of held-out problems.
type Evaluator struct {
	Config   *Config
	Scorer   *reward.Scorer
	Problems []Problem
	Watch    Watch
}

// Evaluate samples eval.num_generations completions of each problem and scores them.
func (e *Evaluator) Evaluate(ctx context.Context, name string, s *Student) (*Evaluation, error) {
	c := e.Config
	if err := s.fitsEvaluation(c); err != nil {
		return nil, err
	}
	problems, dropped, err := s.prompts(c.SystemPrompt, e.Problems, c.MaxPromptLength)
	if err != nil {
		return nil, err
	}
	if len(problems) == 0 {
		return nil, fmt.Errorf("evaluation: none of the %d problems has a prompt within max_prompt_length (%d tokens)", dropped, c.MaxPromptLength)
	}
	e.Watch.stage(Stage{Name: "evaluate " + name, Steps: len(problems) * c.Eval.NumGenerations, Sampling: true})
	rollouts, err := e.sampler(s).sample(problems)
	if err != nil {
		return nil, fmt.Errorf("evaluation: %w", err)
	}
	scores, err := e.Scorer.Score(ctx, items(rollouts))
	if err != nil {
		return nil, fmt.Errorf("evaluation: %w", err)
	}
	out := &Evaluation{Name: name, Problems: len(problems), Generations: c.Eval.NumGenerations, Dropped: dropped}
	for i, r := range rollouts {
		out.Samples = append(out.Samples, EvaluationSample{r, scores[i]})
	}
	out.summarise(c)
	return out, nil
}

// evalLength is the most tokens of a completion in an evaluation.
func (c *Config) evalLength() int {
	return cmp.Or(c.Eval.MaxCompletionLength, c.MaxCompletionLength)
}

// fitsEvaluation fails if a prompt with a completion of an evaluation is more than the model can take.
func (s *Student) fitsEvaluation(c *Config) error {
	return s.fits("max_prompt_length + the evaluation's max_completion_length", c.MaxPromptLength+c.evalLength())
}

func (e *Evaluator) sampler(s *Student) *sampler {
	c := e.Config
	return &sampler{
		student:     s,
		sampling:    model.Sampling{Temperature: c.Eval.Temperature, TopK: c.Eval.TopK, TopP: c.Eval.TopP},
		generations: c.Eval.NumGenerations, maxTokens: c.evalLength(), rows: c.Eval.BatchSize,
		uniform: func(row, sample, position int) float32 {
			return rng.Uniform(c.Seed, evalStep, uint64(row), uint64(sample), uint64(position))
		},
		progress: func(tokens, ended int) error {
			if e.Watch.stopped() {
				return ErrStopped
			}
			return e.Watch.sampled(tokens, ended)
		},
		note: e.Watch.note,
	}
}

// summarise fills in everything that follows from the samples.
func (e *Evaluation) summarise(c *Config) {
	for at := 0; at < len(e.Samples); at += e.Generations {
		e.PerProblem = append(e.PerProblem, e.problem(e.Samples[at:at+e.Generations], c.Eval.PassK))
	}
	e.Missing = countMissing(e.Samples)
	e.Metrics = map[string]Estimate{}
	for i, name := range MetricNames(c) {
		values := make([]float64, len(e.PerProblem))
		for j, p := range e.PerProblem {
			values[j] = p.value(name)
		}
		if m := Bootstrap(values, c.Eval.BootstrapSamples, c.Seed, uint64(i)); !math.IsNaN(m.Mean) {
			e.Metrics[name] = m
		}
	}
}

// countMissing counts the rewards that completions do not have, by name, and by name and cause
// with a slash between.
func countMissing(samples []EvaluationSample) map[string]int {
	counts := map[string]int{}
	for _, s := range samples {
		for _, v := range named(s.Score) {
			if v.Missing != "" {
				counts[v.name]++
				counts[v.name+"/"+reward.Cause(v.Missing)]++
			}
		}
	}
	return counts
}

// MetricNames lists what an evaluation measures, in the order it is shown.
func MetricNames(c *Config) []string {
	names := []string{"accuracy"}
	for _, k := range c.Eval.PassK {
		names = append(names, fmt.Sprintf("pass@%d", k))
	}
	return append(names, "format", "tag_count", "structure", "reward", "finished", "length")
}

// problem averages the completions of one problem.
func (e *Evaluation) problem(samples []EvaluationSample, passK []int) ProblemResult {
	r := ProblemResult{Row: samples[0].Problem.Row, Values: map[string]float64{}}
	lists := map[string][]float64{}
	right := 0
	for _, s := range samples {
		for _, v := range named(s.Score) {
			if v.Missing == "" {
				lists[v.name] = append(lists[v.name], v.V)
			}
		}
		if s.Score.Accuracy.Missing == "" && s.Score.Accuracy.V == 1 {
			right++
		}
		finished := 1.0
		if !s.Finished {
			finished = 0
			e.Truncated++
		}
		lists["finished"] = append(lists["finished"], finished)
		lists["length"] = append(lists["length"], float64(len(s.Completion)))
	}
	for name, list := range lists {
		r.Values[name] = mean(list)
	}
	if judged := len(lists["accuracy"]); judged > 0 {
		for _, k := range passK {
			if p := PassAtK(judged, right, k); !math.IsNaN(p) {
				r.Values[fmt.Sprintf("pass@%d", k)] = p
			}
		}
	}
	return r
}

// value is a metric of the problem, NaN if there is none.
func (p ProblemResult) value(name string) float64 {
	if v, ok := p.Values[name]; ok {
		return v
	}
	return math.NaN()
}

// namedValue is a part of a score under the name it has in metrics.
type namedValue struct {
	name string
	reward.Value
}

// named lists the parts of a score, and the total as "reward".
func named(s reward.Score) []namedValue {
	return []namedValue{
		{"accuracy", s.Accuracy}, {"format", s.Format}, {"tag_count", s.TagCount},
		{"structure", s.Structure}, {"reward", s.Total},
	}
}

// Compare returns the paired differences of two evaluations, problem by problem.
func Compare(from, to *Evaluation, c *Config) Difference {
	d := Difference{From: from.Name, To: to.Name, Metrics: map[string]Estimate{}}
	before := map[int]ProblemResult{}
	for _, p := range from.PerProblem {
		before[p.Row] = p
	}
	for i, name := range MetricNames(c) {
		a, b := make([]float64, len(to.PerProblem)), make([]float64, len(to.PerProblem))
		for j, p := range to.PerProblem {
			a[j], b[j] = before[p.Row].value(name), p.value(name)
		}
		if m := PairedDifference(a, b, c.Eval.BootstrapSamples, c.Seed, uint64(i)); !math.IsNaN(m.Mean) {
			d.Metrics[name] = m
		}
	}
	return d
}

// WriteSamples writes each completion with its score and what was decided, a line per completion.
func (e *Evaluation) WriteSamples(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, s := range e.Samples {
		if err := enc.Encode(newRow(s.Rollout, &s.Score)); err != nil {
			return err
		}
	}
	return nil
}

// save writes the evaluation to base.json and its completions to base.jsonl.
func (e *Evaluation) save(base string) error {
	err := WriteFileAtomic(base+".jsonl", func(w io.Writer) error { return e.WriteSamples(w) })
	if err != nil {
		return err
	}
	return WriteFileAtomic(base+".json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(e)
	})
}
