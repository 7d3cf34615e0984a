package model

import (
	"math"
	"os"
	"slices"
	"testing"

	"encoding/json"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
)

// samplingGolden is testdata/sampling.json: the distributions that transformers' generate
// samples from (scripts/golden/sampling.py).
type samplingGolden struct {
	Rows  [][]*float64 `json:"rows"` // null is minus infinity
	Cases []struct {
		Row         int       `json:"row"`
		Temperature float64   `json:"temperature"`
		TopK        int       `json:"top_k"`
		TopP        float64   `json:"top_p"`
		MinP        float64   `json:"min_p"`
		Probs       []float64 `json:"probs"`
	} `json:"cases"`
}

// uniforms are the variates a test draws with: enough, and evenly spread.
const draws = 4000

func TestSamplingAgreesWithTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/sampling.json")
	if err != nil {
		t.Fatal(err)
	}
	var g samplingGolden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	err = torch.Run(func() error {
		dev, err := torch.FindDevice(pretend.Chosen())
		if err != nil {
			return err
		}
		for _, c := range g.Cases {
			s := Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP}
			row := logitsOf(g.Rows[c.Row])
			padded := slices.Grow(row, 16)[:(len(row)+15)/16*16] // a length that the kernels take
			for i := len(row); i < len(padded); i++ {
				padded[i] = float32(math.Inf(-1))
			}
			for _, row := range [][]float32{row, padded} {
				torch.Scope(func() {
					probs := torch.Filter(torch.FromFloat32s(row, torch.Float32, dev, 1, len(row)), s.Temperature, s.TopK, s.TopP, s.MinP).Softmax(-1).Float32s()
					for i, want := range c.Probs {
						if math.Abs(float64(probs[i])-want) > 1e-6 {
							t.Errorf("row %d, %+v: token %d has probability %g, want %g", c.Row, s, i, probs[i], want)
						}
					}
					checkDraws(t, s, row, c.Probs, dev)
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func logitsOf(row []*float64) []float32 {
	out := make([]float32, len(row))
	for i, v := range row {
		out[i] = float32(math.Inf(-1))
		if v != nil {
			out[i] = float32(*v)
		}
	}
	return out
}

// checkDraws draws with evenly spread variates: the share of each token is its probability.
func checkDraws(t *testing.T, s Sampling, row []float32, probs []float64, dev torch.Device) {
	t.Helper()
	var many, u []float32
	for i := range draws {
		many = append(many, row...)
		u = append(u, (float32(i)+0.5)/draws)
	}
	counts := make([]float64, len(row))
	for _, id := range s.sample(torch.FromFloat32s(many, torch.Float32, dev, draws, len(row)), u).Ints() {
		counts[id]++
	}
	for i, p := range probs {
		if math.Abs(counts[i]/draws-p) > 1.5/draws+1e-5 || p == 0 && counts[i] > 0 {
			t.Errorf("%+v: token %d was drawn %g times of %d, probability %g", s, i, counts[i], draws, p)
		}
	}
}

// BenchmarkSample draws a token for each of 16 rows from SmolLM2's vocabulary.
func BenchmarkSample(b *testing.B) {
	for name, s := range map[string]Sampling{
		"greedy": {TopP: 1}, "all": {Temperature: 1, TopP: 1}, "top-k": {Temperature: 1, TopK: 50, TopP: 1},
		"top-p": {Temperature: 1, TopP: 0.95}, "min-p": {Temperature: 1, TopP: 1, MinP: 0.05},
	} {
		b.Run(name, func(b *testing.B) {
			err := torch.Run(func() error {
				const rows, vocab = 16, 49152
				values := make([]float32, rows*vocab)
				for i := range values {
					values[i] = float32(i*7919%1000) / 100
				}
				logits := torch.FromFloat32s(values, torch.BFloat16, torch.CPU, rows, vocab)
				uniform := make([]float32, rows)
				for b.Loop() {
					for i := range uniform {
						uniform[i] = float32(i+1) / (rows + 1)
					}
					torch.NoGrad(func() { s.sample(logits, uniform) })
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
