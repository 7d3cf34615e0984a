package reward

import "fmt"

// The values of the keys normalize, answer_check and backend.
const (
	NormalizeNone    = "none"
	NormalizeTeacher = "teacher"
	VerifierFirst    = "verifier-first"
	JudgeOnly        = "judge"
	BackendRules     = "rules"
)

// Options is the section structure of a configuration: how reasoning is taken apart and compared.
type Options struct {
	// Normalize is none for the sum over steps, teacher to divide it by the teacher's number of
	// steps, so that a full match is 1. Default teacher.
	Normalize string `yaml:"normalize"`
	// AnswerCheck is verifier-first to show answers to the math verifier and only those it cannot
	// settle to the judge, or judge to show the judge all. Default verifier-first.
	AnswerCheck string `yaml:"answer_check"`
	// MinTraceChars is the number of characters below which a trace has no steps. Default 40.
	MinTraceChars int `yaml:"min_trace_chars"`
	// MaxMissing is the share of missing structure rewards in a step above which a run stops. Default 0.2.
	MaxMissing float64 `yaml:"max_missing"`
	// Decomposer finds the steps of a trace.
	Decomposer DecomposerOptions `yaml:"decomposer"`
	// Judge compares the parts of two steps.
	Judge JudgeOptions `yaml:"judge"`
}

// DecomposerOptions is the section structure.decomposer.
type DecomposerOptions struct {
	// Backend is rules: sentences and equations, without a model. Default rules.
	Backend string `yaml:"backend"`
}

// JudgeOptions is the section structure.judge.
type JudgeOptions struct {
	// Backend is rules: content words and numbers, without a model. Default rules.
	Backend string `yaml:"backend"`
	// Threshold is the share of the content words of two texts that both must have, exclusive,
	// for the texts to be about the same; from 0 up to, not including, 1. Default 0.5.
	Threshold float64 `yaml:"threshold"`
}

// DefaultOptions returns the options of an empty section.
func DefaultOptions() Options {
	return Options{
		Normalize: NormalizeTeacher, AnswerCheck: VerifierFirst, MinTraceChars: 40, MaxMissing: 0.2,
		Decomposer: DecomposerOptions{Backend: BackendRules},
		Judge:      JudgeOptions{Backend: BackendRules, Threshold: 0.5},
	}
}

// Check returns the first invalid value: its key below the section structure, and what is
// wrong with it; both are empty when all are valid.
func (o Options) Check() (key, problem string) {
	for _, c := range []struct {
		key, got string
		want     [2]string
	}{
		{"normalize", o.Normalize, [2]string{NormalizeNone, NormalizeTeacher}},
		{"answer_check", o.AnswerCheck, [2]string{VerifierFirst, JudgeOnly}},
		{"decomposer.backend", o.Decomposer.Backend, [2]string{BackendRules}},
		{"judge.backend", o.Judge.Backend, [2]string{BackendRules}},
	} {
		if c.got == "" || c.got != c.want[0] && c.got != c.want[1] {
			want := c.want[0]
			if c.want[1] != "" {
				want += " or " + c.want[1]
			}
			return c.key, fmt.Sprintf("want %s, got %q", want, c.got)
		}
	}
	if o.MinTraceChars < 0 {
		return "min_trace_chars", fmt.Sprintf("want 0 or more, got %d", o.MinTraceChars)
	}
	if !(o.MaxMissing >= 0 && o.MaxMissing <= 1) {
		return "max_missing", fmt.Sprintf("want a share from 0 to 1, got %g", o.MaxMissing)
	}
	if !(o.Judge.Threshold >= 0 && o.Judge.Threshold < 1) {
		return "judge.threshold", fmt.Sprintf("want from 0 to below 1, got %g", o.Judge.Threshold)
	}
	return "", ""
}
