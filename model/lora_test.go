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

// lora are settings that touch every linear layer.
func lora(dropout float64) files.LoRA {
	return files.LoRA{Rank: 4, Alpha: 8, Dropout: dropout, Targets: []string{files.AllLinear}}
}

// adapter makes one whose terms are not zero.
func adapter(t *testing.T, m *model.Model, dropout float64, seed uint64) *model.Adapter {
	t.Helper()
	a, err := m.NewAdapter(lora(dropout), seed)
	if err != nil {
		t.Fatal(err)
	}
	torch.Scope(func() {
		for i, p := range a.Params() {
			if i%2 == 1 {
				values := make([]float32, p.Value().Numel())
				for j := range values {
					values[j] = float32(math.Sin(float64(i*31+j)+float64(seed))) / 8
				}
				p.Set(torch.FromFloat32s(values, torch.Float32, p.Device(), p.Dims()...))
			}
		}
	})
	return a
}

// A new adapter changes nothing, one with terms does; it acts while it is active alone, and
// what was active before is so again afterwards.
func TestAdaptersDoNotSeeEachOther(t *testing.T) {
	eachTiny(t, func(t *testing.T, dir string, _ *model.Model, g tinyGolden) {
		m := load(t, dir, torch.Float32, false)
		b, _ := g.batch()
		base := m.LogProbs(b, 1)
		zero, err := m.NewAdapter(lora(0), 1)
		if err != nil {
			t.Fatal(err)
		}
		first, second := adapter(t, m, 0, 2), adapter(t, m, 0, 3)
		with := func(a *model.Adapter) (out []float32) {
			m.With(a, func() { out = m.LogProbs(b, 1) })
			return out
		}
		if got := with(zero); !slices.Equal(got, base) {
			t.Error("a new adapter changes the model")
		}
		x, y := with(first), with(second)
		if slices.Equal(x, base) || slices.Equal(y, base) || slices.Equal(x, y) {
			t.Error("an adapter has no effect of its own")
		}
		m.Use(first)
		m.With(second, func() {
			m.With(nil, func() {
				if !slices.Equal(m.LogProbs(b, 1), base) {
					t.Error("without an adapter the model is not what it was")
				}
			})
			if !slices.Equal(m.LogProbs(b, 1), y) {
				t.Error("the second adapter is not what it was alone")
			}
		})
		if err := torch.Try(func() error {
			m.With(second, func() { panic(&torch.Error{Op: "test"}) })
			return nil
		}); err == nil {
			t.Error("the panic was swallowed")
		}
		if !slices.Equal(m.LogProbs(b, 1), x) {
			t.Error("the first adapter is not active again")
		}
		m.Use(nil)
		m.Merge(first)
		if d := relative(m.LogProbs(b, 1), x); !(d < 1e-5) {
			t.Errorf("merged, log-probabilities differ by %g of their norm", d)
		}
	})
}

// gradients are the adapter's after one pass over b.
func gradients(m *model.Model, a *model.Adapter, b *model.Batch, checkpoint bool, update, batch int) (out [][]float32) {
	m.With(a, func() {
		m.DropoutAt(update, batch)
		m.ForwardBackward(b, 1, checkpoint, nll(b.Targets()))
	})
	for _, p := range a.Params() {
		torch.Scope(func() { out = append(out, p.Grad().Float32s()) })
		p.SetGrad(nil)
	}
	return out
}

// Dropout masks are a function of the pass: the same with and without checkpoints, another in
// the next micro-batch and update, none outside training.
func TestDropoutIsAFunctionOfThePass(t *testing.T) {
	eachTiny(t, func(t *testing.T, dir string, _ *model.Model, g tinyGolden) {
		m := load(t, dir, torch.Float32, false)
		b, _ := g.batch()
		a, plain := adapter(t, m, 0.3, 5), adapter(t, m, 0, 5)
		live := torch.Live()
		want := gradients(m, a, b, false, 3, 1)
		for i, got := range gradients(m, a, b, true, 3, 1) {
			if d := relative(got, want[i]); !(d < 1e-4) {
				t.Errorf("%s: with checkpoints the gradient differs by %g", a.Params()[i].Name, d)
			}
		}
		for _, other := range [][2]int{{3, 2}, {4, 1}} {
			if d := relative(gradients(m, a, b, false, other[0], other[1])[0], want[0]); !(d > 0.01) {
				t.Errorf("pass %v has the masks of another", other)
			}
		}
		if d := relative(gradients(m, plain, b, false, 3, 1)[0], want[0]); !(d > 0.01) {
			t.Error("dropout changes nothing")
		}
		if now := torch.Live(); now != live {
			t.Errorf("%d tensors, %d before", now, live)
		}
		var x, y []float32
		m.With(a, func() { x = m.LogProbs(b, 1) })
		m.With(plain, func() { y = m.LogProbs(b, 1) })
		if !slices.Equal(x, y) {
			t.Error("dropout acts outside training")
		}
	})
}

// loraGolden is a golden.json: what PEFT says of the adapter beside it (scripts/golden/lora.py).
type loraGolden struct {
	Base   string      `json:"base"`
	Logits [][]float32 `json:"logits"`
}

// eachAdapter runs fn for each adapter that PEFT made, on its model.
func eachAdapter(t *testing.T, train bool, fn func(t *testing.T, dir string, m *model.Model, a *model.Adapter, b *model.Batch, g loraGolden)) {
	dirs, err := filepath.Glob("testdata/lora-*")
	if err != nil || len(dirs) < 5 {
		t.Fatalf("found %v, %v; want five adapters or more", dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var g loraGolden
			var base tinyGolden
			readJSON(t, filepath.Join(dir, "golden.json"), &g)
			readJSON(t, filepath.Join("testdata", g.Base, "golden.json"), &base)
			run(t, func() {
				m := load(t, filepath.Join("testdata", g.Base), torch.Float32, false)
				a, err := m.OpenAdapter(dir, train)
				if err != nil {
					t.Fatal(err)
				}
				b, _ := base.batch()
				fn(t, dir, m, a, b, g)
			})
		})
	}
}

// farthest is the largest difference between logits.
func farthest(got *torch.Tensor, want [][]float32) float64 {
	flat := slices.Concat(want...)
	worst := 0.0
	for i, x := range got.Float32s() {
		worst = max(worst, math.Abs(float64(x-flat[i])))
	}
	return worst
}

func TestAdapterLogitsAgreeWithPEFT(t *testing.T) {
	eachAdapter(t, false, func(t *testing.T, _ string, m *model.Model, a *model.Adapter, b *model.Batch, g loraGolden) {
		if off := farthest(m.Logits(b), g.Logits); off < 0.1 {
			t.Fatalf("without the adapter the logits are off by %g alone: the test shows nothing", off)
		}
		m.With(a, func() {
			if worst := farthest(m.Logits(b), g.Logits); !(worst <= 1e-5) {
				t.Errorf("logits differ by up to %g, more than 1e-5", worst)
			}
		})
		m.Merge(a)
		if worst := farthest(m.Logits(b), g.Logits); !(worst <= 2e-5) {
			t.Errorf("merged, logits differ by up to %g, more than 2e-5", worst)
		}
	})
}

func TestAdapterGradientsAgreeWithPEFT(t *testing.T) {
	eachAdapter(t, true, func(t *testing.T, dir string, m *model.Model, a *model.Adapter, b *model.Batch, _ loraGolden) {
		want, err := files.OpenTensors(filepath.Join(dir, "grads.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		a.Config.Dropout = 0 // PEFT's gradients are those without
		worst := 0.0
		for _, checkpoint := range []bool{false, true} {
			for i, got := range gradients(m, a, b, checkpoint, 0, 0) {
				name := a.Params()[i].Name
				values, _, err := want.Read(name)
				if err != nil {
					t.Fatal(err)
				}
				d := relative(got, values)
				if worst = max(worst, d); !(d <= 1e-4) {
					t.Errorf("checkpoint %v: the gradient of %s differs by %g of its norm", checkpoint, name, d)
				}
			}
		}
		t.Logf("largest relative difference %.2g", worst)
	})
}
