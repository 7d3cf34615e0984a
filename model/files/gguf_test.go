package files

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// spoilGGUF writes a changed copy of testdata/llama.gguf.
func spoilGGUF(t *testing.T, change func(data []byte) []byte) string {
	t.Helper()
	data, err := os.ReadFile("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "spoilt.gguf")
	if err := os.WriteFile(path, change(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// after returns the bytes that follow a text.
func after(t *testing.T, data []byte, text string) []byte {
	t.Helper()
	i := bytes.Index(data, []byte(text))
	if i < 0 {
		t.Fatalf("testdata/llama.gguf holds no %q", text)
	}
	return data[i+len(text):]
}

func TestBadGGUFIsRefused(t *testing.T) {
	const q = "blk.0.attn_q.weight" // then dims u32, two sizes u64, type u32, offset u64
	le := binary.LittleEndian
	put32 := func(at string, skip int, v uint32) func([]byte) []byte {
		return func(data []byte) []byte { le.PutUint32(after(t, data, at)[skip:], v); return data }
	}
	put64 := func(at string, skip int, v uint64) func([]byte) []byte {
		return func(data []byte) []byte { le.PutUint64(after(t, data, at)[skip:], v); return data }
	}
	replace := func(old, new string) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(new), 1) }
	}
	end := func(n int) func([]byte) []byte { return func(data []byte) []byte { return data[:n] } }
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   string
	}{
		{"empty", end(0), "truncated"},
		{"cut in the metadata", end(700), "truncated: it ends within the metadata"},
		{"cut in the data", end(15000), "tensors are cut off ("},
		{"magic", replace("GGUF", "GGML"), `not a GGUF file: it begins with "GGML"`},
		{"version", put32("GGUF", 0, 1), "GGUF version 1 is not supported"},
		{"big-endian", put32("GGUF", 0, 3<<24), "GGUF version 50331648 is not supported"},
		{"tensor count", put64("GGUF", 4, math.MaxUint64), ""},
		{"pair count", put64("GGUF", 12, 1<<60), ""},
		{"type Q4_K", put32(q, 20, 12), "tensor blk.0.attn_q.weight: type Q4_K is not supported (supported: F32, F16, BF16, Q8_0, Q4_0, Q4_1)"},
		{"type Q6_K", put32(q, 20, 14), "type Q6_K is not supported"},
		{"type IQ4_XS", put32(q, 20, 23), "type IQ4_XS is not supported"},
		{"type unknown", put32(q, 20, 1000), "type number 1000 is not supported"},
		{"dimensions", put32(q, 0, 9), "tensor blk.0.attn_q.weight: 9 dimensions"},
		{"dimension", put64(q, 4, math.MaxInt64), "tensor blk.0.attn_q.weight: dimension 9223372036854775807 is out of range"},
		{"offset", put64(q, 24, 1<<62), "offset 4611686018427387904 is out of range"},
		{"far offset", put64(q, 24, 1<<40), "1 tensors are cut off (blk.0.attn_q.weight)"},
		{"overlap", put64(q, 24, 0), "overlap"},
		{"family", replace("\x05\x00\x00\x00\x00\x00\x00\x00llama", "\x05\x00\x00\x00\x00\x00\x00\x00gemma"), `metadata: general.architecture: "gemma" is not supported`},
		{"no layers", replace("llama.block_count", "llama.block_xxxxx"), "metadata: llama.block_count: missing"},
		{"tensor name", replace("blk.0.ffn_up.weight", "blk.0.ffn_xx.weight"), "1 missing (model.layers.0.mlp.up_proj.weight); 1 surplus (blk.0.ffn_xx.weight)"},
		{"list length", put64("tokenizer.ggml.tokens", 8, 1<<50), "metadata: tokenizer.ggml.tokens: a list of 1125899906842624 values is out of range"},
		{"list of lists", put32("tokenizer.ggml.tokens", 4, ggufArray), "tokenizer.ggml.tokens: a list of value type 9 is not supported"},
		{"value type", put32("tokenizer.ggml.tokens", 0, 99), "tokenizer.ggml.tokens: value type 99 is unknown"},
		{"string length", put64("tokenizer.chat_template", 4, 1<<50), "a string of 1125899906842624 bytes is out of range"},
		{"stop id", put32("tokenizer.ggml.eot_token_id", 4, 77), "eos_token_id: 77 is not between 0 and vocab_size 40"},
		{"bos id", put32("tokenizer.ggml.bos_token_id", 4, 77), "tokenizer.ggml.bos_token_id: 77 is not below the number of tokens 40"},
		{"rope factors", put32("rope_freqs.weight", 4, 3), ""},
	} {
		refuses(t, c.name, spoilGGUF(t, c.change), c.want)
	}
}
