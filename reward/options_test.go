package reward

import (
	"math"
	"testing"
)

func TestOptionsCheck(t *testing.T) {
	if key, problem := DefaultOptions().Check(); key != "" {
		t.Errorf("the defaults are invalid: %s: %s", key, problem)
	}
	for want, spoil := range map[string]func(*Options){
		"normalize":          func(o *Options) { o.Normalize = "students" },
		"answer_check":       func(o *Options) { o.AnswerCheck = "" },
		"min_trace_chars":    func(o *Options) { o.MinTraceChars = -1 },
		"max_missing":        func(o *Options) { o.MaxMissing = 1.5 },
		"decomposer.backend": func(o *Options) { o.Decomposer.Backend = "oracle" },
		"judge.backend":      func(o *Options) { o.Judge.Backend = "" },
		"grounding":          func(o *Options) { o.Grounding = 2 },
		"cache":              func(o *Options) { o.Cache = "answers.db" },
		"decomposer.model":   func(o *Options) { o.Decomposer.Backend = BackendLocal },
		"judge.model":        func(o *Options) { o.Judge.Backend = BackendOpenAI; o.Judge.BaseURL = "http://localhost/v1" },
		"judge.base_url":     func(o *Options) { o.Judge.Backend = BackendOpenAI; o.Judge.Model = "m" },
		"judge.adapter":      func(o *Options) { o.Judge.Adapter = "a" },
		"judge.max_tokens":   func(o *Options) { o.Judge.Backend, o.Judge.Model, o.Judge.MaxTokens = BackendLocal, "m", 9 },
		"decomposer.retries": func(o *Options) { o.Decomposer.Retries = new(int) },
		"decomposer.timeout": func(o *Options) {
			o.Decomposer.Backend, o.Decomposer.Model, o.Decomposer.Timeout = BackendLocal, "m", 1
		},
		"decomposer.prompt": func(o *Options) { o.Decomposer.Prompt = PromptFewShot },
		"judge.threshold":   func(o *Options) { o.Judge.Threshold = math.NaN() },
	} {
		o := DefaultOptions()
		spoil(&o)
		if key, problem := o.Check(); key != want || problem == "" {
			t.Errorf("got %q, %q; want the key %s and what is wrong", key, problem, want)
		}
		if _, err := NewScorer(DefaultWeights(), o); err == nil {
			t.Errorf("NewScorer takes a bad %s", want)
		}
	}
}
