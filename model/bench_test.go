package model_test

import (
	"fmt"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
)

// BenchmarkGenerate prints the tokens/s of 16 completions of 64 tokens after prompts of 64.
func BenchmarkGenerate(b *testing.B) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		b.Run(fmt.Sprint(dtype), func(b *testing.B) {
			run(b, func() {
				m := load(b, student(), dtype, false)
				var requests []model.Request
				for i := range 4 {
					prompt := make([]int, 64)
					for j := range prompt {
						prompt[j] = 1000 + 64*i + j
					}
					requests = append(requests, model.Request{Prompt: prompt, N: 4})
				}
				g := model.Generator{
					Model: m, Sampling: model.Sampling{Temperature: 1, TopP: 1}, MaxTokens: 64, Rows: 16,
					Uniform: func(request, sample, position int) float32 { return float32(1+(request*7+sample*3+position)%16) / 18 },
				}
				b.ResetTimer()
				for range b.N {
					if _, err := g.Generate(requests); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(16*64*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		})
	}
}

// BenchmarkForwardBackward prints the tokens/s of the gradients of 8 sequences of 64 + 64 tokens.
func BenchmarkForwardBackward(b *testing.B) {
	for _, checkpoint := range []bool{false, true} {
		b.Run(fmt.Sprintf("checkpoint=%v", checkpoint), func(b *testing.B) {
			run(b, func() {
				m := load(b, student(), torch.BFloat16, true)
				var seqs []model.Sequence
				for i := range 8 {
					ids := make([]int, 128)
					for j := range ids {
						ids[j] = 1000 + 128*i + j
					}
					seqs = append(seqs, model.Sequence{Prompt: ids[:64], Completions: [][]int{ids[64:]}})
				}
				batch := model.NewBatch(seqs)
				b.ResetTimer()
				for range b.N {
					m.ForwardBackward(batch, 1, checkpoint, nll(batch.Targets()))
				}
				b.ReportMetric(float64(8*128*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		})
	}
}
