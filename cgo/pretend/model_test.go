package pretend_test

import (
	"path/filepath"
	"reflect"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/rng"
)

var families = []string{"llama", "qwen2", "qwen3"}

// eachWay runs fn for each family, with all weights to be trained and with an adapter.
func eachWay(t *testing.T, fn func(t *testing.T, dir string, lora bool)) {
	for _, family := range families {
		for _, lora := range []bool{false, true} {
			name := family
			if lora {
				name += "-lora"
			}
			t.Run(name, func(t *testing.T) { fn(t, filepath.Join("../../model/testdata", "tiny-"+family), lora) })
		}
	}
}

// open loads a small random model with what is to be trained.
func open(t *testing.T, dir string, dev torch.Device, dt torch.DType, lora bool) (*model.Model, []*model.Param) {
	t.Helper()
	src, err := files.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := model.Load(src, model.Options{Device: dev, DType: dt, Train: !lora})
	if err != nil {
		t.Fatal(err)
	}
	if !lora {
		return m, m.Params()
	}
	a, err := m.NewAdapter(files.LoRA{Rank: 4, Alpha: 8, Dropout: 0.2, Targets: []string{files.AllLinear}}, 5)
	if err != nil {
		t.Fatal(err)
	}
	m.Use(a)
	for i, p := range a.Params() {
		if i%2 == 1 { // B, which begins as zeros
			torch.Scope(func() {
				value := p.Value()
				p.Set(value.Add(numbers(dev, value.Numel()).Reshape(p.Dims()...).MulScalar(0.2)))
			})
		}
	}
	return m, a.Params()
}

// batch is three prompts with one to three completions of random tokens, enough for several
// chunks of the head.
func batch() *model.Batch {
	var seqs []model.Sequence
	for i := range 3 {
		s := model.Sequence{Prompt: []int{1, 5 + i, 40, 11 * i}}
		for c := range i + 1 {
			ids := make([]int, 50+7*c+i)
			for j := range ids {
				ids[j] = (17*i + 29*j + 5*c) % 112
			}
			s.Completions = append(s.Completions, ids)
		}
		seqs = append(seqs, s)
	}
	return model.NewBatch(seqs)
}

// nll is the mean negative log-likelihood of n tokens.
func nll(n int) model.TokenLoss {
	return func(logp, _ *torch.Tensor, _, _ int) *torch.Tensor { return logp.Sum().MulScalar(-1 / float64(n)) }
}

// passes are the numbers of a forward and two backward passes, one with checkpoints.
func passes(t *testing.T, dir string, dev torch.Device, dt torch.DType, lora bool) (all [][]float32) {
	onEngine(t, func() {
		m, params := open(t, dir, dev, dt, lora)
		b := batch()
		all = append(all, m.Logits(b).Float32s())
		if counts := pretend.Count(func() { all = append(all, m.LogProbs(b, 0.7)) }); counts.Downloads > 1 {
			t.Errorf("log-probabilities stop the device %d times", counts.Downloads)
		}
		for _, checkpoint := range []bool{false, true} {
			m.DropoutAt(3, 1)
			counts := pretend.Count(func() { m.ForwardBackward(b, 0.7, checkpoint, nll(b.Targets())) })
			if counts.Downloads != 0 || counts.Waits != 0 {
				t.Errorf("checkpoint %v: a pass stops the device %d times and waits for it %d times", checkpoint, counts.Downloads, counts.Waits)
			}
			if on := dev == pretend.Device; on != (counts.Ops > 100) {
				t.Errorf("on %s a pass runs %d operations on the pretend device", dev, counts.Ops)
			}
			for _, p := range params {
				all = append(all, p.Grad().Float32s())
				p.SetGrad(nil)
			}
		}
	})
	return all
}

// Logits, log-probabilities and gradients are the CPU's.
func TestPassesAreThoseOfTheCPU(t *testing.T) {
	eachWay(t, func(t *testing.T, dir string, lora bool) {
		for dt, tolerance := range map[torch.DType]float64{torch.Float32: 1e-5, torch.BFloat16: 0.05} {
			want := passes(t, dir, torch.CPU, dt, lora)
			for i, got := range passes(t, dir, pretend.Device, dt, lora) {
				same(t, dt.String(), got, want[i], tolerance)
			}
		}
	})
}

// generate continues prompts of several lengths, some of them several times.
func generate(t *testing.T, dir string, dev torch.Device, s model.Sampling, lora bool) (out [][]model.Completion, steps int) {
	onEngine(t, func() {
		m, _ := open(t, dir, dev, torch.Float32, lora)
		var requests []model.Request
		for i := range 6 {
			prompt := make([]int, 3+4*i)
			for j := range prompt {
				prompt[j] = (7*i + 13*j) % 112
			}
			requests = append(requests, model.Request{Prompt: prompt, N: 1 + i%3})
		}
		tokens := 0
		g := model.Generator{
			Model: m, Sampling: s, Stop: []int{2, 40, 41, 42}, MaxTokens: 20, Rows: 5,
			Uniform: func(request, sample, position int) float32 {
				return rng.Uniform(7, 0, uint64(request), uint64(sample), uint64(position))
			},
			Progress: func(n, _ int) error { tokens += n; steps++; return nil },
		}
		counts := pretend.Count(func() {
			var err error
			if out, err = g.Generate(requests); err != nil {
				t.Fatal(err)
			}
		})
		if dev == pretend.Device && (counts.Downloads != steps || counts.Downloaded != 8*tokens) {
			t.Errorf("%d steps and %d tokens: %d downloads of %d bytes, want ids alone, once a step", steps, tokens, counts.Downloads, counts.Downloaded)
		}
		if counts.Waits != 0 {
			t.Errorf("the host waits for %d of %d uploads", counts.Waits, counts.Uploads)
		}
		if on := dev == pretend.Device; on != (counts.Replays > 0) {
			t.Errorf("on %s %d of %d steps were replays", dev, counts.Replays, steps)
		}
	})
	return out, steps
}

// Completions are the CPU's, also where steps are recorded, and all that comes to the host are the
// ids, once a step.
func TestGenerationIsThatOfTheCPU(t *testing.T) {
	eachWay(t, func(t *testing.T, dir string, lora bool) {
		for _, s := range []model.Sampling{{}, {Temperature: 1, TopP: 1}, {Temperature: 0.8, TopK: 50, TopP: 0.9, MinP: 0.001}} {
			want, _ := generate(t, dir, torch.CPU, s, lora)
			got, steps := generate(t, dir, pretend.Device, s, lora)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v: %v, want %v", s, got, want)
			}
			if steps < 20 {
				t.Errorf("%+v: only %d steps", s, steps)
			}
		}
	})
}
