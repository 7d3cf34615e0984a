package model_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
)

// device is where the tests run: the CPU, or what RLKD_DEVICE names.
func device(t testing.TB) torch.Device {
	d, err := torch.FindDevice(pretend.Chosen())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// load opens a model within the current scope.
func load(t testing.TB, path string, dt torch.DType, train bool) *model.Model {
	t.Helper()
	src, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := model.Load(src, model.Options{Device: device(t), DType: dt, Train: train})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func run(t testing.TB, fn func()) {
	t.Helper()
	if err := torch.Run(func() error { fn(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// student is the default student's file, which `make student` fetches.
func student() string {
	cache := os.Getenv("RLKD_CACHE")
	if cache == "" {
		cache = filepath.Join("..", ".cache")
	}
	return filepath.Join(cache, "student", "SmolLM2-135M-Instruct.Q4_1.gguf")
}

// smolCase is a case of testdata/smollm2-fp32.json: what transformers says of the student.
type smolCase struct {
	PromptIDs     []int              `json:"prompt_ids"`
	CompletionIDs []int              `json:"completion_ids"`
	LogProbs      []float64          `json:"completion_logprobs"`
	GreedyIDs     []int              `json:"greedy_ids"`
	NLL           float64            `json:"nll"`
	GradNorm      float64            `json:"grad_norm"`
	GradNorms     map[string]float64 `json:"grad_norms"`
}

// nll is the mean negative log-likelihood of n completion tokens.
func nll(n int) model.TokenLoss {
	return func(logp, _ *torch.Tensor, _, _ int) *torch.Tensor { return logp.Sum().MulScalar(-1 / float64(n)) }
}

func TestSmolLM2AgreesWithTransformers(t *testing.T) {
	var cases []smolCase
	readJSON(t, "testdata/smollm2-fp32.json", &cases)
	run(t, func() {
		m := load(t, student(), torch.Float32, true)
		for i, c := range cases {
			b := model.NewBatch([]model.Sequence{{Prompt: c.PromptIDs, Completions: [][]int{c.CompletionIDs}}})
			worst := 0.0
			for j, lp := range m.LogProbs(b, 1) {
				worst = max(worst, math.Abs(float64(lp)-c.LogProbs[j]))
			}
			t.Logf("case %d: log-probabilities differ by at most %.2g", i, worst)
			if !(worst <= 1e-3) {
				t.Errorf("case %d: log-probabilities differ by up to %g", i, worst)
			}
			for _, checkpoint := range []bool{false, true} {
				checkSmolGradients(t, m, b, c, checkpoint)
			}
			g := model.Generator{Model: m, Stop: []int{2}, MaxTokens: len(c.GreedyIDs), Rows: 1}
			out, err := g.Generate([]model.Request{{Prompt: c.PromptIDs, N: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(out[0][0].IDs, c.GreedyIDs) {
				t.Errorf("case %d: greedy %v, want %v", i, out[0][0].IDs, c.GreedyIDs)
			}
		}
	})
}

func checkSmolGradients(t *testing.T, m *model.Model, b *model.Batch, c smolCase, checkpoint bool) {
	t.Helper()
	torch.Scope(func() {
		m.ForwardBackward(b, 1, checkpoint, nll(b.Targets()))
		var all []*torch.Tensor
		for _, p := range m.Params() {
			g := p.Grad()
			all = append(all, g)
			if want, ok := c.GradNorms[p.Name]; ok {
				if got := torch.Norm([]*torch.Tensor{g}).Item(); math.Abs(got-want) > 1e-3*want {
					t.Errorf("checkpoint %v: gradient norm of %s is %g, want %g", checkpoint, p.Name, got, want)
				}
			}
		}
		if got := torch.Norm(all).Item(); math.Abs(got-c.GradNorm) > 1e-3*c.GradNorm {
			t.Errorf("checkpoint %v: gradient norm %g, want %g", checkpoint, got, c.GradNorm)
		}
		for _, p := range m.Params() {
			p.SetGrad(nil)
		}
	})
}

// What computing in bf16 instead of fp32 does to the student's log-probabilities; -v prints it.
func TestSmolLM2BF16Gap(t *testing.T) {
	var cases []smolCase
	readJSON(t, "testdata/smollm2-fp32.json", &cases)
	run(t, func() {
		half, full := load(t, student(), torch.BFloat16, false), load(t, student(), torch.Float32, false)
		sum, worst, n := 0.0, 0.0, 0
		for _, c := range cases {
			b := model.NewBatch([]model.Sequence{{Prompt: c.PromptIDs, Completions: [][]int{c.CompletionIDs, c.GreedyIDs}}})
			want := full.LogProbs(b, 1)
			for i, lp := range half.LogProbs(b, 1) {
				d := math.Abs(float64(lp - want[i]))
				sum, worst, n = sum+d, max(worst, d), n+1
			}
		}
		t.Logf("bf16 against fp32 log-probabilities: mean %.4f, max %.4f over %d tokens", sum/float64(n), worst, n)
		if !(sum/float64(n) < 0.05) {
			t.Errorf("bf16 is off by %g on average", sum/float64(n))
		}
	})
}
