package reward

import (
	"cmp"
	"time"
)

// The values of the keys normalize, answer_check, backend and prompt.
const (
	NormalizeNone    = "none"
	NormalizeTeacher = "teacher"
	VerifierFirst    = "verifier-first"
	JudgeOnly        = "judge"
	BackendRules     = "rules"
	BackendLocal     = "local"
	BackendOpenAI    = "openai"
	PromptGSRM       = "gsrm"
	PromptFewShot    = "few-shot"
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
	// Grounding is the least share of the content words of a model's step that must stand in the
	// trace, as the numbers of its answer must; a step below it is dropped. 0 turns both off. Default 0.5.
	Grounding float64 `yaml:"grounding"`
	// MaxMissing is the share of missing structure rewards in a step above which a run stops. Default 0.2.
	MaxMissing float64 `yaml:"max_missing"`
	// Cache is the file that keeps what models answered, for later runs too; several may share
	// it. Default empty: none.
	Cache string `yaml:"cache"`
	// Decomposer finds the steps of a trace.
	Decomposer DecomposerOptions `yaml:"decomposer"`
	// Judge compares the parts of two steps.
	Judge JudgeOptions `yaml:"judge"`
}

// BackendOptions says what answers: rules, or a model and how to reach it. Keys that the
// backend has no use for must not be set.
type BackendOptions struct {
	// Backend is rules for words, sentences and equations without a model, local for a model in
	// this process, openai for one behind an OpenAI-compatible server. Default rules.
	Backend string `yaml:"backend"`
	// Model is the path of a local model, or its name on the server. Default empty.
	Model string `yaml:"model"`
	// Adapter is the path of a LoRA adapter for a local model; without a model, for the student's
	// base. Default empty.
	Adapter string `yaml:"adapter"`
	// BaseURL is the server's address up to and with /v1. Default empty.
	BaseURL string `yaml:"base_url"`
	// APIKeyEnv names the environment variable that holds the server's key. Default empty: no key.
	APIKeyEnv string `yaml:"api_key_env"`
	// Timeout is the time limit of one request to the server. Default 60s.
	Timeout time.Duration `yaml:"timeout"`
	// Retries is how often a request that failed is sent again. Default 3.
	Retries *int `yaml:"retries"`
	// Concurrency is the most requests under way at once. Default 8.
	Concurrency int `yaml:"concurrency"`
	// MaxTokens is the most tokens of a decomposition; the judge has no such key. Default 1024.
	MaxTokens int `yaml:"max_tokens"`
}

// DecomposerOptions is the section structure.decomposer.
type DecomposerOptions struct {
	BackendOptions `yaml:",inline"`
	// Prompt is gsrm for the prompt that decomposers are trained on, few-shot for one with an
	// example, for models that were not. Default gsrm.
	Prompt string `yaml:"prompt"`
}

// JudgeOptions is the section structure.judge.
type JudgeOptions struct {
	BackendOptions `yaml:",inline"`
	// Threshold is, exclusive, for a model the probability of yes against no, and for rules the
	// share of the content words of two texts that both must have, for the texts to be about the
	// same; from 0 up to, not including, 1. Default 0.5.
	Threshold float64 `yaml:"threshold"`
}

// DefaultOptions returns the options of an empty section. The keys of a backend that have a
// default but are of no use to rules are 0 there: see [BackendOptions.Filled].
func DefaultOptions() Options {
	rules := BackendOptions{Backend: BackendRules}
	return Options{
		Normalize: NormalizeTeacher, AnswerCheck: VerifierFirst, MinTraceChars: 40, Grounding: 0.5, MaxMissing: 0.2,
		Decomposer: DecomposerOptions{BackendOptions: rules},
		Judge:      JudgeOptions{BackendOptions: rules, Threshold: 0.5},
	}
}

// Filled returns the options with the defaults of the keys that are not set.
func (b BackendOptions) Filled() BackendOptions {
	retries := 3
	b.Timeout = cmp.Or(b.Timeout, time.Minute)
	b.Retries = cmp.Or(b.Retries, &retries)
	b.Concurrency = cmp.Or(b.Concurrency, 8)
	b.MaxTokens = cmp.Or(b.MaxTokens, 1024)
	return b
}
