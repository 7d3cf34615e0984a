package tokenizer

import (
	"strings"
	"testing"
)

// BenchmarkEncode reports the tokens a second of one core, on the texts of the
// vectors.
func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"qwen2-style", "llama3-style", "smollm-style", "llama2-style"} {
		b.Run(name, func(b *testing.B) {
			tok := load(b, name+".json")
			var all strings.Builder
			for _, v := range readVectors(b, "testdata/"+name+".cases.jsonl") {
				all.WriteString(v.Text)
				all.WriteString("\n")
			}
			text := all.String()
			tokens := 0
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tokens += len(tok.Encode(text, false))
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
