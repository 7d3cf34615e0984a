package trainer

import (
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/rlkd/rlkd/reward"
)

// Config is everything a run can be told. A YAML file, the command line's --set and
// [DefaultConfig] fill it; [LoadConfig] is the one way in. Keys are named as TRL's GRPOConfig
// names them where it has them. Paths are relative to the working directory. Lengths and
// budgets are in tokens, rates are per optimizer step, and every probability is a share of 1.
type Config struct {
	// Model is the student: a Hugging Face directory or a .gguf file. Required.
	Model string `yaml:"model"`
	// Adapter is a directory with a LoRA adapter for the model, as PEFT or this program writes it:
	// eval uses it, training goes on with it and leaves the model frozen. Empty = none. Default empty.
	Adapter string `yaml:"adapter"`
	// Dataset is the JSONL file of {problem, answer, generation} to train on. Required by train.
	Dataset string `yaml:"dataset"`
	// EvalDataset is the held-out JSONL file. Where it is given, train evaluates at the start,
	// after the warm-up and at the end. Required by eval and by eval_steps.
	EvalDataset string `yaml:"eval_dataset"`
	// OutputDir receives checkpoints, metrics.jsonl, rollouts and the effective config.yaml.
	// Required by train and sft.
	OutputDir string `yaml:"output_dir"`
	// Seed fixes the order of the data and every sampled token. Default 42.
	Seed uint64 `yaml:"seed"`
	// Device is auto, cpu, cuda or cuda:N; auto takes a GPU when there is one. Default auto.
	Device string `yaml:"device"`
	// DType is the type of the forward and backward pass: auto, f32 or bf16; the master weights
	// are f32 in any case. auto takes bf16 where the device or our own kernels compute in it. Default auto.
	DType string `yaml:"dtype"`
	// SystemPrompt opens every conversation; empty = none. Default [DefaultSystemPrompt].
	SystemPrompt string `yaml:"system_prompt"`

	// MaxSteps is the number of rollout steps. Default 100.
	MaxSteps int `yaml:"max_steps"`
	// NumGenerations is G, the completions sampled for a prompt. Default 8.
	NumGenerations int `yaml:"num_generations"`
	// PromptsPerStep is the number of prompts, so of groups, in a step. Default 8.
	PromptsPerStep int `yaml:"prompts_per_step"`
	// MaxPromptLength drops problems whose rendered prompt is longer, in tokens. Default 512.
	MaxPromptLength int `yaml:"max_prompt_length"`
	// MaxCompletionLength ends a completion, in tokens. Default 1024.
	MaxCompletionLength int `yaml:"max_completion_length"`

	// Temperature divides the logits, in sampling and in every log-probability. Default 1.
	Temperature float64 `yaml:"temperature"`
	// TopP keeps the smallest set of tokens that has this share of the probability. Default 1 = all.
	TopP float64 `yaml:"top_p"`
	// TopK keeps the K likeliest tokens. Default 0 = all.
	TopK int `yaml:"top_k"`
	// MinP keeps tokens at least this share as likely as the likeliest. Default 0 = all.
	MinP float64 `yaml:"min_p"`

	// LearningRate is AdamW's peak rate. Default 1e-6.
	LearningRate float64 `yaml:"learning_rate"`
	// LRSchedulerType shapes the rate after the warm-up: constant, linear or cosine. Default constant.
	LRSchedulerType SchedulerType `yaml:"lr_scheduler_type"`
	// WarmupRatio is the share of the steps in which the rate rises from 0. Default 0.1.
	WarmupRatio float64 `yaml:"warmup_ratio"`
	// WeightDecay is AdamW's decoupled decay. Default 0.
	WeightDecay float64 `yaml:"weight_decay"`
	// AdamBeta1 is the decay of the gradient's mean. Default 0.9.
	AdamBeta1 float64 `yaml:"adam_beta1"`
	// AdamBeta2 is the decay of the squared gradient's mean. Default 0.999.
	AdamBeta2 float64 `yaml:"adam_beta2"`
	// AdamEpsilon is added to the root of the second moment. Default 1e-8.
	AdamEpsilon float64 `yaml:"adam_epsilon"`
	// MaxGradNorm scales a larger global gradient norm down to this; 0 = no clipping. Default 1.
	MaxGradNorm float64 `yaml:"max_grad_norm"`

	// Beta weighs the KL term against the frozen start; 0 = no term, no second model. Default 0.
	Beta float64 `yaml:"beta"`
	// Epsilon clips the probability ratio from below at 1 - epsilon. Default 0.2.
	Epsilon float64 `yaml:"epsilon"`
	// EpsilonHigh clips it from above at 1 + epsilon_high; null = epsilon. Default null.
	EpsilonHigh *float64 `yaml:"epsilon_high"`
	// NumIterations is the number of updates made with each step's rollouts. Default 1.
	NumIterations int `yaml:"num_iterations"`
	// LossType is grpo, bnpo, dapo or dr_grpo: how token losses become one; see GRPO. Default dapo.
	LossType string `yaml:"loss_type"`
	// ScaleRewards divides advantages by the standard deviation of the rewards of the group or
	// of the batch, or by none; true means group, false none. Default group.
	ScaleRewards RewardScale `yaml:"scale_rewards"`
	// MaskTruncatedCompletions keeps completions that were cut off out of the loss. Default false.
	MaskTruncatedCompletions bool `yaml:"mask_truncated_completions"`
	// MicroBatchTokens bounds the tokens, prompt and padding included, of one forward and backward
	// pass; a longer sequence is a pass of its own. It changes memory, not results. Default 4096.
	MicroBatchTokens int `yaml:"micro_batch_tokens"`
	// GradientCheckpointing recomputes each layer in the backward pass to save memory. Default false.
	GradientCheckpointing bool `yaml:"gradient_checkpointing"`

	// LoRA trains an adapter in place of the model's own weights, in train, sft and step. What they
	// save is then an adapter as PEFT has it. Null = train all weights. Default null.
	LoRA *LoRAConfig `yaml:"lora"`

	// RewardWeights are the factors of the total reward. Default 15, 10, 10, 15.
	RewardWeights reward.Weights `yaml:"reward_weights"`
	// Structure says how reasoning is taken apart and compared.
	Structure reward.Options `yaml:"structure"`

	// SaveSteps is the number of steps between checkpoints; the last step is always saved. Default 50.
	SaveSteps int `yaml:"save_steps"`
	// SaveTotalLimit is the number of checkpoints kept, newest first; 0 = all. Default 2.
	SaveTotalLimit int `yaml:"save_total_limit"`
	// LoggingSteps is the number of steps between log lines; metrics.jsonl has every step. Default 1.
	LoggingSteps int `yaml:"logging_steps"`
	// EvalSteps is the number of steps between evaluations in the course of the run; 0 = none.
	// Default 0.
	EvalSteps int `yaml:"eval_steps"`
	// LogCompletions writes every step's completions and verdicts to rollouts/. Default true.
	LogCompletions bool `yaml:"log_completions"`

	// SFT is supervised fine-tuning. A train with this section warms the student up by it first;
	// one without does not. The sft command takes its defaults when there is none. Default null.
	SFT *SFTConfig `yaml:"sft"`
	// Eval is the evaluation, of train and of the eval command.
	Eval EvalConfig `yaml:"eval"`
}

// SFTConfig is the section sft: supervised fine-tuning with the loss on the completion alone.
// What it has no key for (seed, adam_*, micro_batch_tokens, save_steps, …) is as at the top level.
type SFTConfig struct {
	// Dataset is the JSONL file of {problem, generation}; empty = the top-level dataset. Default empty.
	Dataset string `yaml:"dataset"`
	// Target is what the model learns to write: generation, the teacher's text after the problem;
	// or steps, the labelled steps of a reasoning after that reasoning, which makes a generative
	// structure reward model out of rows {problem, generation, steps}. Default generation.
	Target string `yaml:"target"`
	// MaxSteps is the number of optimizer steps. Default 100.
	MaxSteps int `yaml:"max_steps"`
	// BatchSize is the number of rows in a step. Default 16.
	BatchSize int `yaml:"batch_size"`
	// LearningRate is AdamW's peak rate. Default 5e-5.
	LearningRate float64 `yaml:"learning_rate"`
	// LRSchedulerType is as at the top level. Default linear.
	LRSchedulerType SchedulerType `yaml:"lr_scheduler_type"`
	// WarmupRatio is as at the top level. Default 0.1.
	WarmupRatio float64 `yaml:"warmup_ratio"`
	// WeightDecay is as at the top level. Default 1e-4.
	WeightDecay float64 `yaml:"weight_decay"`
	// MaxGradNorm is as at the top level. Default 1.
	MaxGradNorm float64 `yaml:"max_grad_norm"`
	// MaxLength drops rows whose prompt and completion are longer together, in tokens. Default 1024.
	MaxLength int `yaml:"max_length"`
}

// EvalConfig is the section eval: sampling on held-out problems.
type EvalConfig struct {
	// NumProblems is how many rows of eval_dataset, from the first, a train evaluates on; 0 = all.
	// rlkd eval takes all. Default 0.
	NumProblems int `yaml:"num_problems"`
	// NumGenerations is the number of completions sampled for a problem. Default 4.
	NumGenerations int `yaml:"num_generations"`
	// Temperature divides the logits; 0 = greedy. Default 0.6.
	Temperature float64 `yaml:"temperature"`
	// TopP is as at the top level. Default 0.95.
	TopP float64 `yaml:"top_p"`
	// TopK is as at the top level. Default 0 = all.
	TopK int `yaml:"top_k"`
	// MaxCompletionLength ends a completion, in tokens; 0 = as at the top level. Default 0.
	MaxCompletionLength int `yaml:"max_completion_length"`
	// BatchSize is the number of completions sampled at a time. Default 64.
	BatchSize int `yaml:"batch_size"`
	// PassK lists the k of pass@k, none above num_generations. Default num_generations.
	PassK []int `yaml:"pass_k"`
	// BootstrapSamples is the number of resamplings behind an interval. Default 10000.
	BootstrapSamples int `yaml:"bootstrap_samples"`
}

// DefaultSystemPrompt asks for the form that the format and tag_count rewards look for.
const DefaultSystemPrompt = `You solve the user's problem. Reason first, as an inner monologue: say what to find out next and why, work it out, and go on until you are done. Then give the answer. Write exactly in this form, with the final answer in \boxed{}:
<think>
your reasoning
</think>
<answer>
your answer
</answer>`

// DefaultConfig returns the configuration of an empty file. The optimizer, sampling and loss
// defaults are TRL's; the reward weights, warm-up and eight prompts a step are those of the
// RLKD paper's released recipe, as is the sampling of the evaluation.
func DefaultConfig() *Config {
	return &Config{
		Seed: 42, Device: "auto", DType: "auto", SystemPrompt: DefaultSystemPrompt,
		MaxSteps: 100, NumGenerations: 8, PromptsPerStep: 8,
		MaxPromptLength: 512, MaxCompletionLength: 1024,
		Temperature: 1, TopP: 1,
		LearningRate: 1e-6, LRSchedulerType: ScheduleConstant, WarmupRatio: 0.1,
		AdamBeta1: 0.9, AdamBeta2: 0.999, AdamEpsilon: 1e-8, MaxGradNorm: 1,
		Epsilon: 0.2, NumIterations: 1, LossType: "dapo", ScaleRewards: ScaleGroup,
		MicroBatchTokens: 4096,
		RewardWeights:    reward.DefaultWeights(), Structure: reward.DefaultOptions(),
		SaveSteps: 50, SaveTotalLimit: 2, LoggingSteps: 1, LogCompletions: true,
		Eval: EvalConfig{
			NumGenerations: 4, Temperature: 0.6, TopP: 0.95, BatchSize: 64, BootstrapSamples: 10000,
		},
	}
}

// DefaultSFT returns the configuration of an empty section sft. Rate, shape, warm-up and decay
// are those of the supervised stage of the paper's released recipe.
func DefaultSFT() *SFTConfig {
	return &SFTConfig{
		Target: TargetGeneration, MaxSteps: 100, BatchSize: 16, LearningRate: 5e-5, LRSchedulerType: ScheduleLinear,
		WarmupRatio: 0.1, WeightDecay: 1e-4, MaxGradNorm: 1, MaxLength: 1024,
	}
}

// The values of sft.target.
const (
	TargetGeneration = "generation"
	TargetSteps      = "steps"
)

// ClipHigh returns epsilon_high, which is epsilon when null.
func (c *Config) ClipHigh() float64 {
	if c.EpsilonHigh == nil {
		return c.Epsilon
	}
	return *c.EpsilonHigh
}

// String returns the configuration as a YAML file with every key, in the order of the fields:
// what config.yaml in the output directory holds. [LoadConfig] reads it back to an equal one.
func (c *Config) String() string {
	// Go's quoting is also YAML's, and keeps blanks and line ends, which the library's own does not.
	quoted := yaml.CustomMarshaler(func(s string) ([]byte, error) { return []byte(strconv.Quote(s)), nil })
	text, err := yaml.MarshalWithOptions(c, quoted)
	if err != nil { // the fields are plain values, which the library can always write
		return "# " + err.Error()
	}
	return string(text)
}
