package model_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
)

// tinyGolden is a golden.json: what transformers says of the model beside it
// (scripts/golden/tiny_models.py).
type tinyGolden struct {
	Sequences []struct {
		PromptIDs     []int       `json:"prompt_ids"`
		CompletionIDs []int       `json:"completion_ids"`
		Logits        [][]float32 `json:"logits"`
	} `json:"sequences"`
	Greedy []struct {
		PromptIDs []int `json:"prompt_ids"`
		IDs       []int `json:"ids"`
	} `json:"greedy"`
	Loss float64 `json:"loss"`
}

// tinyModels are the directories of small random models.
func tinyModels(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/tiny-*")
	if err != nil || len(dirs) < 10 {
		t.Fatalf("found %v, %v; want ten models or more", dirs, err)
	}
	return dirs
}

// batch packs the golden sequences, a prompt once, and returns the logits in the batch's order.
func (g tinyGolden) batch() (*model.Batch, [][]float32) {
	var seqs []model.Sequence
	var logits [][]float32
	for _, s := range g.Sequences {
		if n := len(seqs); n == 0 || !slices.Equal(seqs[n-1].Prompt, s.PromptIDs) {
			seqs = append(seqs, model.Sequence{Prompt: s.PromptIDs})
		}
		last := &seqs[len(seqs)-1]
		last.Completions = append(last.Completions, s.CompletionIDs)
		logits = append(logits, s.Logits...)
	}
	return model.NewBatch(seqs), logits
}

// eachTiny runs fn for each tiny model, loaded to be trained.
func eachTiny(t *testing.T, fn func(t *testing.T, dir string, m *model.Model, g tinyGolden)) {
	for _, dir := range tinyModels(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var g tinyGolden
			readJSON(t, filepath.Join(dir, "golden.json"), &g)
			run(t, func() { fn(t, dir, load(t, dir, torch.Float32, true), g) })
		})
	}
}

func TestTinyLogitsAgreeWithTransformers(t *testing.T) {
	eachTiny(t, func(t *testing.T, _ string, m *model.Model, g tinyGolden) {
		b, want := g.batch()
		got := m.Logits(b).Float32s()
		if len(got) != len(want)*m.Config.VocabSize {
			t.Fatalf("%d logits for %d tokens", len(got), len(want))
		}
		worst := 0.0
		for i, row := range want {
			for j, w := range row {
				worst = max(worst, math.Abs(float64(got[i*m.Config.VocabSize+j]-w)))
			}
		}
		t.Logf("largest difference %.2g", worst)
		if !(worst <= 1e-5) {
			t.Errorf("logits differ by up to %g, more than 1e-5", worst)
		}
	})
}

func TestTinyGradientsAgreeWithTransformers(t *testing.T) {
	eachTiny(t, func(t *testing.T, dir string, m *model.Model, g tinyGolden) {
		want, err := files.OpenTensors(filepath.Join(dir, "grads.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		b, _ := g.batch()
		worst := 0.0
		for _, checkpoint := range []bool{false, true} {
			m.ForwardBackward(b, 1, checkpoint, nll(b.Targets()))
			for _, p := range m.Params() {
				values, _, err := want.Read(p.Name)
				if err != nil {
					t.Fatal(err)
				}
				d := relative(p.Grad().Float32s(), values)
				if worst = max(worst, d); !(d <= 1e-4) {
					t.Errorf("checkpoint %v: the gradient of %s differs by %g of its norm", checkpoint, p.Name, d)
				}
				p.SetGrad(nil)
			}
		}
		t.Logf("largest relative difference %.2g", worst)
	})
}

// relative is the norm of got - want over that of want.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, norm := 0.0, 0.0
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		diff += d * d
		norm += float64(w) * float64(w)
	}
	return math.Sqrt(diff / norm)
}

func TestTinyGreedyAgreesWithTransformers(t *testing.T) {
	eachTiny(t, func(t *testing.T, _ string, m *model.Model, g tinyGolden) {
		var requests []model.Request
		for _, x := range g.Greedy {
			requests = append(requests, model.Request{Prompt: x.PromptIDs, N: 1})
		}
		gen := model.Generator{Model: m, MaxTokens: len(g.Greedy[0].IDs), Rows: len(requests)}
		out, err := gen.Generate(requests)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range g.Greedy {
			if !slices.Equal(out[i][0].IDs, x.IDs) {
				t.Errorf("prompt %d: %v, want %v", i, out[i][0].IDs, x.IDs)
			}
		}
	})
}

// In bf16 the weights that train stay fp32, and what comes out stays near.
func TestTinyBF16StaysNear(t *testing.T) {
	eachTiny(t, func(t *testing.T, dir string, m *model.Model, g tinyGolden) {
		b, _ := g.batch()
		half := load(t, dir, torch.BFloat16, true)
		want, got := m.LogProbs(b, 1), half.LogProbs(b, 1)
		if d := relative(got, want); !(d < 0.05) {
			t.Errorf("bf16 log-probabilities differ by %g of their norm", d)
		}
		if d := relative(got, want); d == 0 {
			t.Error("bf16 gives what fp32 gives to the bit: it was not used")
		}
		half.ForwardBackward(b, 1, false, nll(b.Targets()))
		m.ForwardBackward(b, 1, false, nll(b.Targets()))
		for i, p := range half.Params() {
			grad := p.Grad()
			if grad.DType() != torch.Float32 {
				t.Fatalf("the gradient of %s is %v", p.Name, grad.DType())
			}
			if d := relative(grad.Float32s(), m.Params()[i].Grad().Float32s()); !(d < 0.2) {
				t.Errorf("the gradient of %s differs by %g of its norm", p.Name, d)
			}
		}
	})
}
