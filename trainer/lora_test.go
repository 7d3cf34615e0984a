package trainer

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/files"
)

// A run that trains an adapter, with dropout and a reference, is resumed to the bit. What it
// saves is an adapter.
func TestResumeOfLoRAIsExact(t *testing.T) {
	resumesExactly(t, []string{
		"lora={r: 4, lora_alpha: 16, lora_dropout: 0.1}",
		"sft.max_steps=25", "sft.batch_size=4", "sft.max_length=128", "sft.learning_rate=0.05", "num_iterations=2", "beta=0.1",
		"reward_weights.tag_count=10", "save_total_limit=1", "save_steps=7",
		"lr_scheduler_type=linear", "temperature=1.8", "top_p=0.95", "gradient_checkpointing=true",
	}, "sft/final/adapter_model.safetensors", "final/adapter_config.json", "final/adapter_model.safetensors", "final/tokenizer.json")
}

// openTiny runs fn on the engine with the student that a configuration trains.
func openTiny(t *testing.T, c *Config, fn func(s *Student, g *GRPO) error) {
	t.Helper()
	err := torch.Run(func() error {
		s, err := c.openTrained(c.Model)
		if err != nil {
			return err
		}
		return fn(s, newGRPO(c, s))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Updates of an adapter leave the model as it was; the reference is the model without it, to
// the bit what a second copy of the model says, and there is no second copy.
func TestLoRAReferenceIsTheModelWithoutAdapter(t *testing.T) {
	c := tinyConfig(t, "lora={r: 4}", "beta=0.1", "num_iterations=3")
	openTiny(t, c, func(s *Student, g *GRPO) error {
		live := torch.Live()
		if err := g.openReference(c, s, c.Model); err != nil {
			return err
		}
		if now := torch.Live(); now != live || g.Ref != s.Model || g.RefAdapter != nil {
			t.Errorf("the reference took %d tensors", now-live)
		}
		batches := microBatches(tinySamples(), 1000, func(Sample) float64 { return 1 })
		if _, err := g.Step(tinySamples(), 0.1); err != nil {
			return err
		}
		plain, err := Open(c.Model, c.Device, c.DType, false)
		if err != nil {
			return err
		}
		want := plain.LogProbs(batches[0].batch, 1)
		g.refer(batches[0])
		if !slices.Equal(batches[0].ref, want) {
			t.Error("the reference is not the model as it is on disk")
		}
		if slices.Equal(s.LogProbs(batches[0].batch, 1), want) {
			t.Error("the adapter has not learned")
		}
		return nil
	})
}

// After a warm-up the reference is the adapter as the warm-up left it; so it is with an adapter
// that training begins with. Both agree with the adapter's own first divergence of zero.
func TestLoRAReferenceAfterWarmUp(t *testing.T) {
	c := tinyConfig(t, "lora={r: 4}", "beta=0.1", "num_iterations=2", "sft={max_steps: 5, max_length: 128, learning_rate: 0.05}")
	if _, err := Train(context.Background(), c, false, Watch{}); err != nil {
		t.Fatal(err)
	}
	on := *c
	on.Adapter = filepath.Join(c.OutputDir, "sft/final")
	openTiny(t, &on, func(s *Student, g *GRPO) error {
		if err := g.openReference(&on, s, on.Model); err != nil {
			return err
		}
		batch := microBatches(tinySamples(), 1000, func(Sample) float64 { return 1 })[0]
		g.refer(batch)
		if !slices.Equal(batch.ref, s.LogProbs(batch.batch, 1)) {
			t.Error("before the first update the reference is not the policy")
		}
		stats, err := g.Step(tinySamples(), 0.1)
		if err != nil {
			return err
		}
		if kl := stats[0].KL; math.Abs(kl) > 1e-6 {
			t.Errorf("the first divergence is %g", kl)
		}
		if kl := stats[1].KL; !(kl > 1e-6) {
			t.Errorf("the second divergence is %g", kl)
		}
		return nil
	})
	if m := metricsOf(t, c.OutputDir); m[0]["kl"].(float64) < 0 {
		t.Errorf("kl %v", m[0]["kl"])
	}
}

func TestLoRAConfigIsChecked(t *testing.T) {
	for set, says := range map[string]string{
		"lora={r: 0}":                           "lora.r: want an integer of 1 or more, got 0",
		"lora={lora_alpha: -1}":                 "lora.lora_alpha",
		"lora={lora_dropout: 1}":                "lora.lora_dropout",
		"lora={target_modules: [q_proj, head]}": `lora.target_modules: "head" is none of q_proj`,
		"lora={target_modules: []}":             "lora.target_modules",
		"lora={rank: 3}":                        "lora.r",
	} {
		_, err := LoadConfig("", []string{"model=m", "dataset=d", "output_dir=o", set}, NeedTrain)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "--set "+set) {
			t.Errorf("%s: %v", set, err)
		}
	}
	for _, set := range []string{"lora.target_modules=v_proj", "lora.target_modules=[v_proj]"} {
		c, err := LoadConfig("", []string{"model=m", "dataset=d", "output_dir=o", set}, NeedTrain)
		if err != nil || !slices.Equal(c.LoRA.TargetModules, Targets{"v_proj"}) || c.LoRA.R != DefaultLoRA().R {
			t.Errorf("%s: %+v, %v", set, c.LoRA, err)
		}
	}
}

// An adapter that is gone on with must be what the section lora says.
func TestLoRAOfAnotherShapeIsRefused(t *testing.T) {
	c := tinyConfig(t, "lora={r: 4}", "max_steps=1")
	if _, err := Train(context.Background(), c, false, Watch{}); err != nil {
		t.Fatal(err)
	}
	other := *c
	other.Adapter, other.OutputDir = filepath.Join(c.OutputDir, "final"), filepath.Join(t.TempDir(), "other")
	other.LoRA = &LoRAConfig{R: 8, Alpha: 32, TargetModules: Targets{"q_proj"}}
	_, err := Train(context.Background(), &other, false, Watch{})
	if err == nil || !strings.Contains(err.Error(), "lora.r is 8, but the adapter to go on with has 4") {
		t.Errorf("got %v", err)
	}
}

// A merged directory says what the model says with the adapter.
func TestMergedModelSaysWhatTheAdaptedOneDid(t *testing.T) {
	c := tinyConfig(t, "lora={r: 4}", "sft={max_steps: 3, max_length: 128, learning_rate: 0.05}")
	if err := FineTune(context.Background(), c, false, Watch{}); err != nil {
		t.Fatal(err)
	}
	adapter, out := filepath.Join(c.OutputDir, "final"), filepath.Join(t.TempDir(), "merged")
	batch := microBatches(tinySamples(), 1000, func(Sample) float64 { return 1 })[0].batch
	err := torch.Run(func() error {
		if err := Merge(c.Model, adapter, out, files.F32); err != nil {
			return err
		}
		if err := Merge(c.Model, adapter, out, files.F32); err == nil || !strings.Contains(err.Error(), "it is there already") {
			t.Errorf("a second time: %v", err)
		}
		merged, err := Open(out, c.Device, c.DType, false)
		if err != nil {
			return err
		}
		adapted, err := Open(c.Model, c.Device, c.DType, false)
		if err != nil {
			return err
		}
		base, got := adapted.LogProbs(batch, 1), merged.LogProbs(batch, 1)
		if err := adapted.Adapt(adapter, false); err != nil {
			return err
		}
		moved := 0.0
		for i, want := range adapted.LogProbs(batch, 1) {
			moved = max(moved, math.Abs(float64(want-base[i])))
			near(t, "merged log-probability", float64(got[i]), float64(want), 1e-4)
		}
		if !(moved > 0.01) {
			t.Errorf("the adapter changes log-probabilities by %g at most: the test shows nothing", moved)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
