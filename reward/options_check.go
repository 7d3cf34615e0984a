package reward

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Check returns the first invalid value: its key below the section structure, and what is
// wrong with it; both are empty when all are valid.
func (o Options) Check() (key, problem string) {
	backends := []string{BackendRules, BackendLocal, BackendOpenAI}
	for _, c := range []struct {
		key, got string
		want     []string
	}{
		{"normalize", o.Normalize, []string{NormalizeNone, NormalizeTeacher}},
		{"answer_check", o.AnswerCheck, []string{VerifierFirst, JudgeOnly}},
		{"decomposer.backend", o.Decomposer.Backend, backends},
		{"judge.backend", o.Judge.Backend, backends},
	} {
		if !slices.Contains(c.want, c.got) {
			return c.key, fmt.Sprintf("want %s, got %q", strings.Join(c.want, " or "), c.got)
		}
	}
	if o.MinTraceChars < 0 {
		return "min_trace_chars", fmt.Sprintf("want 0 or more, got %d", o.MinTraceChars)
	}
	if !(o.Grounding >= 0 && o.Grounding <= 1) {
		return "grounding", fmt.Sprintf("want a share from 0 to 1, got %g", o.Grounding)
	}
	if !(o.MaxMissing >= 0 && o.MaxMissing <= 1) {
		return "max_missing", fmt.Sprintf("want a share from 0 to 1, got %g", o.MaxMissing)
	}
	if key, problem = o.Decomposer.check(); key != "" {
		return "decomposer." + key, problem
	}
	if key, problem = o.Judge.check(); key != "" {
		return "judge." + key, problem
	}
	if o.Cache != "" && o.Decomposer.Backend == BackendRules && o.Judge.Backend == BackendRules {
		return "cache", "there is no model whose answers to keep: both backends are rules"
	}
	return "", ""
}

// check returns the first invalid key of the section.
func (d DecomposerOptions) check() (key, problem string) {
	switch {
	case d.Prompt != "" && d.Backend == BackendRules:
		return "prompt", "of no use to the backend rules; remove it"
	case d.Prompt != "" && d.Prompt != PromptGSRM && d.Prompt != PromptFewShot:
		return "prompt", fmt.Sprintf("want %s or %s, got %q", PromptGSRM, PromptFewShot, d.Prompt)
	}
	return d.BackendOptions.check()
}

// check returns the first invalid key of the section.
func (j JudgeOptions) check() (key, problem string) {
	switch {
	case !(j.Threshold >= 0 && j.Threshold < 1):
		return "threshold", fmt.Sprintf("want from 0 to below 1, got %g", j.Threshold)
	case j.MaxTokens != 0:
		return "max_tokens", "of no use to a judge, who says yes or no; remove it"
	}
	return j.BackendOptions.check()
}

// check returns the first key that is missing, out of range or of no use to the backend.
func (b BackendOptions) check() (key, problem string) {
	for _, c := range []struct {
		key string
		set bool
		use []string // the backends it is for
	}{
		{"model", b.Model != "", []string{BackendLocal, BackendOpenAI}},
		{"adapter", b.Adapter != "", []string{BackendLocal}},
		{"base_url", b.BaseURL != "", []string{BackendOpenAI}},
		{"api_key_env", b.APIKeyEnv != "", []string{BackendOpenAI}},
		{"timeout", b.Timeout != 0, []string{BackendOpenAI}},
		{"retries", b.Retries != nil, []string{BackendOpenAI}},
		{"concurrency", b.Concurrency != 0, []string{BackendLocal, BackendOpenAI}},
		{"max_tokens", b.MaxTokens != 0, []string{BackendLocal, BackendOpenAI}},
	} {
		if c.set && !slices.Contains(c.use, b.Backend) {
			return c.key, fmt.Sprintf("of no use to the backend %s; remove it", b.Backend)
		}
	}
	switch address, err := url.Parse(b.BaseURL); {
	case b.Timeout < 0:
		return "timeout", fmt.Sprintf("want a time above 0, got %s", b.Timeout)
	case b.Retries != nil && *b.Retries < 0:
		return "retries", fmt.Sprintf("want 0 or more, got %d", *b.Retries)
	case b.Concurrency < 0:
		return "concurrency", fmt.Sprintf("want 1 or more, got %d", b.Concurrency)
	case b.MaxTokens < 0:
		return "max_tokens", fmt.Sprintf("want 1 or more, got %d", b.MaxTokens)
	case b.Backend == BackendLocal && b.Model == "" && b.Adapter == "":
		return "model", "the backend local needs a model or an adapter"
	case b.Backend == BackendOpenAI && b.Model == "":
		return "model", "the backend openai needs the model's name on the server"
	case b.Backend == BackendOpenAI && (err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https"):
		return "base_url", fmt.Sprintf("want an address such as http://localhost:8000/v1, got %q", b.BaseURL)
	}
	return "", ""
}
