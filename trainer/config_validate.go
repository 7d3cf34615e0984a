package trainer

import (
	"fmt"
	"slices"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
)

// A rule is one condition on one key, with what is allowed in words.
type rule struct {
	key     string
	value   any
	ok      bool
	allowed string
}

// check reports the first value out of range, then the first missing key, as one line. The
// missing argument is what to blame for an absent key; origin says where a present one was set.
func (c *Config) check(need Need, missing string, origin map[string]string) error {
	for _, r := range slices.Concat(c.topRules(), c.lossRules(), c.rewardRules(), c.sftRules(), c.evalRules()) {
		if r.ok {
			continue
		}
		return fmt.Errorf("%s%s: want %s, got %s", blame(origin[r.key]), r.key, r.allowed, show(r.value))
	}
	if c.LoRA != nil {
		if key, problem := c.LoRA.settings("").Check(); key != "" {
			return fmt.Errorf("%slora.%s: %s", blame(origin["lora."+key]), key, problem)
		}
	}
	if key, problem := c.Structure.Check(); problem != "" {
		return fmt.Errorf("%sstructure.%s: %s", blame(origin["structure."+key]), key, problem)
	}
	for _, required := range c.required(need) {
		if required.value == "" {
			return fmt.Errorf("%s: missing key %q: set it in the file or by --set %[2]s=…", missing, required.key)
		}
	}
	return nil
}

// blame is the beginning of an error about a key that was set at the given place; a default
// has none.
func blame(origin string) string {
	if origin == "" {
		return ""
	}
	return origin + ": "
}

// show prints a value as it would be written in the file.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

// A setting is a key with its text.
type setting struct{ key, value string }

// required lists the keys that a command cannot do without.
func (c *Config) required(need Need) []setting {
	model := setting{"model", c.Model}
	dataset := setting{"dataset", c.Dataset}
	output := setting{"output_dir", c.OutputDir}
	evalSet := setting{"eval_dataset", c.EvalDataset}
	switch need {
	case NeedTrain:
		if c.EvalSteps > 0 {
			return []setting{model, dataset, output, evalSet}
		}
		return []setting{model, dataset, output}
	case NeedSFT:
		if c.SFT.Dataset != "" {
			return []setting{model, output}
		}
		return []setting{model, {"sft.dataset", c.Dataset}, output}
	case NeedEval:
		return []setting{model, evalSet}
	case NeedStep, NeedPlan, NeedPlanSFT:
		return []setting{model}
	}
	return nil
}

func (c *Config) topRules() []rule {
	return []rule{
		{"device", c.Device, torch.IsDevice(c.Device), "auto, cpu, cuda or cuda:N"},
		oneOf("dtype", c.DType, "auto", "f32", "bf16"),
		atLeast("max_steps", c.MaxSteps, 1),
		atLeast("num_generations", c.NumGenerations, 2),
		atLeast("prompts_per_step", c.PromptsPerStep, 1),
		atLeast("max_prompt_length", c.MaxPromptLength, 1),
		atLeast("max_completion_length", c.MaxCompletionLength, 1),
		positive("temperature", c.Temperature),
		topP("top_p", c.TopP),
		atLeast("top_k", c.TopK, 0),
		{"min_p", c.MinP, c.MinP >= 0 && c.MinP < 1, "at least 0 and below 1"},
		atLeast("save_steps", c.SaveSteps, 1),
		atLeast("save_total_limit", c.SaveTotalLimit, 0),
		atLeast("logging_steps", c.LoggingSteps, 1),
		atLeast("eval_steps", c.EvalSteps, 0),
	}
}

func (c *Config) lossRules() []rule {
	return []rule{
		positive("learning_rate", c.LearningRate),
		schedulerType("lr_scheduler_type", c.LRSchedulerType),
		ratio("warmup_ratio", c.WarmupRatio),
		notNegative("weight_decay", c.WeightDecay),
		{"adam_beta1", c.AdamBeta1, c.AdamBeta1 >= 0 && c.AdamBeta1 < 1, "at least 0 and below 1"},
		{"adam_beta2", c.AdamBeta2, c.AdamBeta2 >= 0 && c.AdamBeta2 < 1, "at least 0 and below 1"},
		positive("adam_epsilon", c.AdamEpsilon),
		notNegative("max_grad_norm", c.MaxGradNorm),
		notNegative("beta", c.Beta),
		{"epsilon", c.Epsilon, c.Epsilon > 0 && c.Epsilon < 1, "above 0 and below 1"},
		positive("epsilon_high", c.ClipHigh()),
		atLeast("num_iterations", c.NumIterations, 1),
		oneOf("loss_type", c.LossType, "grpo", "bnpo", "dapo", "dr_grpo"),
		oneOf("scale_rewards", c.ScaleRewards, ScaleGroup, ScaleBatch, ScaleNone),
		atLeast("micro_batch_tokens", c.MicroBatchTokens, 1),
	}
}

func (c *Config) rewardRules() []rule {
	w := c.RewardWeights
	sum := w.Accuracy + w.Format + w.TagCount + w.Structure
	return []rule{
		notNegative("reward_weights.accuracy", w.Accuracy),
		notNegative("reward_weights.format", w.Format),
		notNegative("reward_weights.tag_count", w.TagCount),
		notNegative("reward_weights.structure", w.Structure),
		{"reward_weights", sum, sum > 0, "at least one above 0"},
	}
}

func (c *Config) sftRules() []rule {
	s := c.SFT
	if s == nil {
		return nil
	}
	return []rule{
		oneOf("sft.target", s.Target, TargetGeneration, TargetSteps),
		atLeast("sft.max_steps", s.MaxSteps, 1),
		atLeast("sft.batch_size", s.BatchSize, 1),
		positive("sft.learning_rate", s.LearningRate),
		schedulerType("sft.lr_scheduler_type", s.LRSchedulerType),
		ratio("sft.warmup_ratio", s.WarmupRatio),
		notNegative("sft.weight_decay", s.WeightDecay),
		notNegative("sft.max_grad_norm", s.MaxGradNorm),
		atLeast("sft.max_length", s.MaxLength, 2),
	}
}

func (c *Config) evalRules() []rule {
	e := c.Eval
	rules := []rule{
		atLeast("eval.num_problems", e.NumProblems, 0),
		atLeast("eval.num_generations", e.NumGenerations, 1),
		notNegative("eval.temperature", e.Temperature),
		topP("eval.top_p", e.TopP),
		atLeast("eval.top_k", e.TopK, 0),
		atLeast("eval.max_completion_length", e.MaxCompletionLength, 0),
		atLeast("eval.batch_size", e.BatchSize, 1),
		atLeast("eval.bootstrap_samples", e.BootstrapSamples, 100),
	}
	for i, k := range e.PassK {
		rules = append(rules, rule{
			fmt.Sprintf("eval.pass_k[%d]", i), k, k >= 1 && k <= e.NumGenerations,
			fmt.Sprintf("1 to eval.num_generations (%d)", e.NumGenerations),
		})
	}
	return rules
}

// The conditions are written so that NaN fails them.

func positive(key string, v float64) rule { return rule{key, v, v > 0, "a number above 0"} }

func notNegative(key string, v float64) rule { return rule{key, v, v >= 0, "a number of 0 or more"} }

func ratio(key string, v float64) rule { return rule{key, v, v >= 0 && v <= 1, "0 to 1"} }

func topP(key string, v float64) rule { return rule{key, v, v > 0 && v <= 1, "above 0, at most 1"} }

func atLeast(key string, v, least int) rule {
	return rule{key, v, v >= least, fmt.Sprintf("an integer of %d or more", least)}
}

func schedulerType(key string, v SchedulerType) rule {
	return oneOf(key, v, ScheduleConstant, ScheduleLinear, ScheduleCosine)
}

func oneOf[T ~string](key string, v T, allowed ...T) rule {
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	return rule{key, string(v), slices.Contains(allowed, v), "one of " + strings.Join(words, ", ")}
}
