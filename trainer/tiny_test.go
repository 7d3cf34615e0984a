package trainer

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
	"github.com/rlkd/rlkd/model"
)

// tinyStudent is a Hugging Face directory with a small random model and a tokenizer.
func tinyStudent(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, source := range []string{"../model/testdata/tiny-llama3-rope", "testdata/tiny-tokenizer"} {
		entries, err := os.ReadDir(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(source, e.Name()))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, e.Name()), data, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// tinyConfig is a run of a few short steps with a tiny student on four problems.
func tinyConfig(t testing.TB, sets ...string) *Config {
	t.Helper()
	data := filepath.Join(t.TempDir(), "rows.jsonl")
	var rows strings.Builder
	for i := range 4 {
		fmt.Fprintf(&rows, `{"problem": "%d + %d", "answer": "%d", "generation": "<think>\nI find the sum of both numbers first: %d + %d = %d.\n</think>\n<answer>\n%d\n</answer>"}`+"\n",
			i, i, 2*i, i, i, 2*i, 2*i)
	}
	if err := os.WriteFile(data, []byte(rows.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	base := []string{
		"model=" + tinyStudent(t), "dataset=" + data, "output_dir=" + filepath.Join(t.TempDir(), "run"),
		"system_prompt=''", "max_prompt_length=40", "max_completion_length=12", "num_generations=4", "prompts_per_step=2",
		"max_steps=4", "learning_rate=0.01", "micro_batch_tokens=64", "save_steps=1", "save_total_limit=0", "device=" + pretend.Chosen(), "dtype=f32",
		"reward_weights.tag_count=0", "reward_weights.format=0", "max_grad_norm=0", "loss_type=dr_grpo",
	}
	c, err := LoadConfig("", append(base, sets...), NeedTrain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onTiny runs fn on the engine with the GRPO update of a tiny student.
func onTiny(t *testing.T, c *Config, fn func(s *Student, g *GRPO) error) {
	t.Helper()
	err := torch.Run(func() error {
		s, err := OpenStudent(c.Model, model.Options{Device: testDevice(t), DType: torch.Float32, Train: true})
		if err != nil {
			return err
		}
		return fn(s, newGRPO(c, s))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tinySamples are two groups of three random completions.
func tinySamples() []Sample {
	var out []Sample
	for i := range 6 {
		s := Sample{Group: i / 3, Prompt: []int{5 + i/3, 9, 30}, Advantage: float64(i%3) - 0.9}
		for j := range 2 + i {
			s.Completion = append(s.Completion, 3+(7*i+13*j)%100)
		}
		out = append(out, s)
	}
	return out
}

// A step leaves no tensor behind, whatever operation of it fails, and what failed can be
// done again.
func TestFailedStepLeavesNothing(t *testing.T) {
	for _, set := range []string{"beta=0", "gradient_checkpointing=true"} {
		c := tinyConfig(t, set, "num_iterations=2")
		onTiny(t, c, func(s *Student, g *GRPO) error {
			live := torch.Live()
			defer torch.FailAfter(-1)
			failures := 0
			for after := 0; ; after += 1 + after/40 {
				torch.FailAfter(after)
				_, err := g.Step(tinySamples(), 1e-3)
				torch.FailAfter(-1)
				if now := torch.Live(); now != live {
					t.Fatalf("%s, failure after %d operations: %d tensors, %d before", set, after, now, live)
				}
				for _, p := range s.Params() {
					if p.Grad() != nil {
						t.Fatalf("%s, failure after %d operations: %s kept its gradient", set, after, p.Name)
					}
				}
				if err == nil {
					break
				}
				failures++
			}
			if failures < 100 {
				t.Errorf("%s: the step has only %d places to fail at", set, failures)
			}
			return nil
		})
	}
}

// The micro-batch is a matter of memory alone.
func TestMicroBatchesChangeNothing(t *testing.T) {
	var want []float32
	for _, tokens := range []int{4096, 20, 1} {
		c := tinyConfig(t, fmt.Sprintf("micro_batch_tokens=%d", tokens))
		onTiny(t, c, func(s *Student, g *GRPO) error {
			if _, err := g.Step(tinySamples(), 1e-3); err != nil {
				return err
			}
			var got []float32
			for _, p := range s.Params() {
				got = append(got, p.Value().Float32s()...)
			}
			if want == nil {
				want = got
			}
			for i := range want {
				// Adam's first step is the rate times the sign of the gradient: where that is
				// nearly 0, rounding shows.
				if math.Abs(float64(got[i]-want[i])) > 2.1e-3 {
					t.Fatalf("%d tokens: weight %d is %g, want %g", tokens, i, got[i], want[i])
				}
			}
			return nil
		})
	}
}

// Samples that have no reward, or whose group has none to compare, are as if they were not there.
func TestMaskedSamplesTeachNothing(t *testing.T) {
	c := tinyConfig(t)
	onTiny(t, c, func(s *Student, g *GRPO) error {
		samples := tinySamples()
		for i := range samples {
			samples[i].Masked = true
		}
		before := s.Params()[0].Value().Float32s()
		stats, err := g.Step(samples, 1)
		if err != nil {
			return err
		}
		if stats[0].GradNorm != 0 || stats[0].Tokens != 0 || !slices.Equal(before, s.Params()[0].Value().Float32s()) {
			t.Errorf("masked samples changed the weights: %+v", stats[0])
		}
		return nil
	})
}

// trained is what a golden.json says of training: PyTorch's losses over ten AdamW steps.
type trained struct {
	Base      string // of an adapter: the directory of the model beside its own
	Sequences []struct {
		Prompt     []int `json:"prompt_ids"`
		Completion []int `json:"completion_ids"`
	} `json:"sequences"`
	Losses []float64 `json:"adamw_losses"`
}

func readTrained(t *testing.T, dir string) (g trained) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Losses) != 10 {
		t.Fatal(err, g.Losses)
	}
	return g
}

// Ten AdamW steps, on all weights and on PEFT's adapters, see the losses that PyTorch's see
// (scripts/golden/tiny_models.py and lora.py).
func TestAdamWLossesAgreeWithPyTorch(t *testing.T) {
	models, _ := filepath.Glob("../model/testdata/tiny-*") // the patterns are well-formed
	adapters, _ := filepath.Glob("../model/testdata/lora-*")
	if len(models) < 10 || len(adapters) < 5 {
		t.Fatalf("found %v and %v", models, adapters)
	}
	for _, dir := range append(models, adapters...) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			golden := readTrained(t, dir)
			err := torch.Run(func() error {
				m, params := loadTrained(t, dir, &golden)
				l := &Learner{Model: m, MicroTokens: 50, Temperature: 1}
				l.Opt = NewOptimizer(params, torch.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01})
				var samples []Sample
				for i, s := range golden.Sequences {
					samples = append(samples, Sample{Group: i, Prompt: s.Prompt, Completion: s.Completion})
				}
				for i, want := range golden.Losses {
					s, err := l.supervise(samples, 1e-3)
					if err != nil {
						return err
					}
					near(t, fmt.Sprintf("loss of step %d", i+1), s.Loss, want, 1e-4)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// loadTrained is the model in dir with all of its weights to be trained, or the one that the
// adapter in dir is for, with the adapter's; golden takes that model's sequences.
func loadTrained(t *testing.T, dir string, golden *trained) (*model.Model, []*model.Param) {
	t.Helper()
	if golden.Base == "" {
		m := loadModel(t, dir, true)
		return m, m.Params()
	}
	base := filepath.Join(filepath.Dir(filepath.Clean(dir)), golden.Base)
	golden.Sequences = readTrained(t, base).Sequences
	m := loadModel(t, base, false)
	a, err := m.OpenAdapter(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	a.Config.Dropout = 0 // PyTorch's losses are those without
	m.Use(a)
	return m, a.Params()
}
