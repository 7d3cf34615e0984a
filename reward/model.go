package reward

import (
	"context"
	"strings"
	"unicode/utf8"
)

// modelDecomposer has a language model list the steps of a trace.
type modelDecomposer struct {
	writer    Writer
	prompt    func(Trace) Prompt
	minChars  int
	grounding float64
}

// NewModelDecomposer returns a decomposer that asks a language model, by the prompt, the
// grounding and the shortest trace of the options. A reply without a step means that the trace
// has none; an empty one is missing.
func NewModelDecomposer(w Writer, o Options) Decomposer {
	prompt := DecomposePrompt
	if o.Decomposer.Prompt == PromptFewShot {
		prompt = FewShotPrompt
	}
	return modelDecomposer{w, prompt, o.MinTraceChars, o.Grounding}
}

// Decompose asks for all traces that are long enough at once.
func (d modelDecomposer) Decompose(ctx context.Context, traces []Trace) ([]Decomposition, error) {
	out := make([]Decomposition, len(traces))
	var prompts []Prompt
	var shown []Trace
	var places []int
	for i, t := range traces {
		t = Shown(t)
		if t.Text == "" || utf8.RuneCountInString(t.Text) < d.minChars {
			continue
		}
		prompts, shown, places = append(prompts, d.prompt(t)), append(shown, t), append(places, i)
	}
	if len(prompts) == 0 {
		return out, nil
	}
	replies, err := d.writer.Write(ctx, prompts)
	if err != nil {
		return nil, err
	}
	for i, at := range places {
		if i >= len(replies) {
			out[at].Missing = "decomposer: " + CauseUnreadable + ": no reply"
			continue
		}
		out[at] = d.read(shown[i], replies[i])
	}
	return out, nil
}

// read finds the steps of the trace in a reply.
func (d modelDecomposer) read(t Trace, r Reply) (out Decomposition) {
	switch {
	case r.Missing != "":
		return Decomposition{Missing: "decomposer: " + r.Missing}
	case strings.TrimSpace(r.Text) == "":
		return Decomposition{Missing: "decomposer: " + CauseUnreadable + ": an empty reply"}
	}
	out.Cut = r.Cut
	if r.Cut {
		r.Text = wholeSteps(r.Text)
	}
	g := newGrounds(d.grounding, t.Text)
	for _, s := range ParseSteps(r.Text) {
		if g.holds(s) {
			out.Steps = append(out.Steps, s)
		} else {
			out.Ungrounded++
		}
	}
	return out
}

// wholeSteps returns a reply that was cut without its last step, which may lack its end.
func wholeSteps(text string) string {
	at, last := 0, 0
	for line := range strings.Lines(text) {
		if m := header.FindStringSubmatch(line); m != nil && m[1] != "" {
			last = at
		}
		at += len(line)
	}
	return text[:last]
}

// modelJudge has a language model compare.
type modelJudge struct {
	chooser   Chooser
	threshold float64
}

// NewModelJudge returns a judge that asks a language model: two texts say the same if the
// probability of yes against no is above the threshold.
func NewModelJudge(c Chooser, threshold float64) Judge { return modelJudge{c, threshold} }

// Judge asks all questions at once.
func (j modelJudge) Judge(ctx context.Context, questions []Question) ([]Verdict, error) {
	prompts := make([]Prompt, len(questions))
	for i, q := range questions {
		prompts[i] = JudgePrompt(q)
	}
	beliefs, err := j.chooser.Choose(ctx, prompts)
	if err != nil {
		return nil, err
	}
	out := make([]Verdict, min(len(beliefs), len(questions)))
	for i := range out {
		out[i] = j.read(beliefs[i])
	}
	return out, nil
}

// read turns a belief into a verdict.
func (j modelJudge) read(b Belief) Verdict {
	if b.Missing != "" {
		return Verdict{Missing: "judge: " + b.Missing, By: "judge"}
	}
	p := b.Yes / (b.Yes + b.No)
	if !(b.Yes >= 0 && b.No >= 0 && p >= 0 && p <= 1) {
		return Verdict{Missing: "judge: " + CauseUnreadable + ": neither yes nor no", By: "judge"}
	}
	return Verdict{Same: p > j.threshold, By: "judge", P: &p}
}
