package trainer

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
)

// studentPath is the default student's file, which `make student` fetches.
func studentPath() string {
	cache := os.Getenv("RLKD_CACHE")
	if cache == "" {
		cache = filepath.Join("..", ".cache")
	}
	return filepath.Join(cache, "student", "SmolLM2-135M-Instruct.Q4_1.gguf")
}

func testDevice(t testing.TB) torch.Device {
	d, err := torch.FindDevice(pretend.Chosen())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func loadModel(t testing.TB, path string, train bool) *model.Model {
	t.Helper()
	src, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := model.Load(src, model.Options{Device: testDevice(t), DType: torch.Float32, Train: train})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// stepVectors is testdata/grpo-step.json: TRL's losses on fixed rollouts.
type stepVectors struct {
	Rollouts []struct {
		Group      int   `json:"group"`
		Prompt     []int `json:"prompt_ids"`
		Completion []int `json:"completion_ids"`
	} `json:"rollouts"`
	Cases []struct {
		Config struct {
			LossType            string  `json:"loss_type"`
			Beta                float64 `json:"beta"`
			LearningRate        float64 `json:"learning_rate"`
			NumIterations       int     `json:"num_iterations"`
			Temperature         float64 `json:"temperature"`
			Epsilon             float64 `json:"epsilon"`
			EpsilonHigh         float64 `json:"epsilon_high"`
			MaxGradNorm         float64 `json:"max_grad_norm"`
			MaxCompletionLength int     `json:"max_completion_length"`
		} `json:"config"`
		Advantages []float64 `json:"advantages"`
		Updates    []struct {
			Loss      float64 `json:"loss"`
			KL        float64 `json:"kl"`
			ClipRatio float64 `json:"clip_ratio"`
			GradNorm  float64 `json:"grad_norm"`
			Tokens    int     `json:"tokens"`
		} `json:"updates"`
	} `json:"cases"`
}

func TestStepAgreesWithTRL(t *testing.T) {
	var v stepVectors
	data, err := os.ReadFile("testdata/grpo-step.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	for i, c := range v.Cases {
		// The micro-batch must not matter: all at once, and one or two completions at a time.
		for _, tokens := range []int{4096, 64} {
			err := torch.Run(func() error {
				g := &GRPO{
					Learner:  &Learner{Model: loadModel(t, studentPath(), true), MaxGradNorm: c.Config.MaxGradNorm, MicroTokens: tokens, Temperature: c.Config.Temperature},
					LossType: c.Config.LossType, Beta: c.Config.Beta, Epsilon: c.Config.Epsilon, EpsilonHigh: c.Config.EpsilonHigh,
					NumIterations: c.Config.NumIterations, MaxCompletionLength: c.Config.MaxCompletionLength,
				}
				g.Opt = NewOptimizer(g.Model.Params(), torch.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8})
				if g.Beta != 0 {
					g.Ref = loadModel(t, studentPath(), false)
				}
				var samples []Sample
				for j, r := range v.Rollouts {
					samples = append(samples, Sample{Group: r.Group, Prompt: r.Prompt, Completion: r.Completion, Advantage: c.Advantages[j]})
				}
				stats, err := g.Step(samples, c.Config.LearningRate)
				if err != nil {
					return err
				}
				for j, want := range c.Updates {
					got := stats[j]
					t.Logf("case %d, micro %d, update %d: %+v", i, tokens, j+1, got)
					near(t, "loss", got.Loss, want.Loss, max(1e-4, 0.01*math.Abs(want.Loss)))
					near(t, "grad_norm", got.GradNorm, want.GradNorm, 0.01*want.GradNorm)
					near(t, "kl", got.KL, want.KL, max(1e-5, 0.02*want.KL))
					near(t, "clip_ratio", got.ClipRatio, want.ClipRatio, 1e-6)
					if got.Tokens != want.Tokens {
						t.Errorf("tokens: %d, want %d", got.Tokens, want.Tokens)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: got %g, want %g ± %g", what, got, want, tolerance)
	}
}
