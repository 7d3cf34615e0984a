package files

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
		{"stop id", put32("tokenizer.ggml.eot_token_id", 4, 77), "metadata: tokenizer.ggml.eot_token_id: 77 is not between 0 and the vocabulary's size 40"},
		{"bos id", put32("tokenizer.ggml.bos_token_id", 4, 77), "tokenizer.ggml.bos_token_id: 77 is not below the number of tokens 40"},
		{"rope factors", put32("rope_freqs.weight", 4, 3), ""},
	} {
		refuses(t, c.name, spoilGGUF(t, c.change), c.want)
	}
}

// TestGGUFMetadata reads what no file of testdata has.
func TestGGUFMetadata(t *testing.T) {
	yarn := RopeScaling{Type: RopeYarn, Factor: 4, OriginalContext: 32768, Truncate: true}
	for _, c := range []struct {
		values map[string]any
		want   RopeScaling
		err    string
	}{
		{nil, RopeScaling{Type: RopeDefault}, ""},
		{map[string]any{".rope.scaling.type": "linear", ".rope.scaling.factor": 2.0}, RopeScaling{Type: RopeLinear, Factor: 2}, ""},
		{map[string]any{".rope.scale_linear": 2.0}, RopeScaling{Type: RopeLinear, Factor: 2}, ""},
		{map[string]any{".rope.scaling.type": "yarn", ".rope.scaling.factor": 4.0, ".rope.scaling.original_context_length": uint64(32768)}, yarn, ""},
		{map[string]any{".rope.scaling.type": "longrope"}, RopeScaling{}, `llama.rope.scaling.type: "longrope" is not supported (supported: none, linear, yarn)`},
		{map[string]any{".rope.scaling.type": 3.0}, RopeScaling{}, "llama.rope.scaling.type: want a string, have 3"},
		{map[string]any{".rope.scaling.attn_factor": 0.5}, RopeScaling{}, "llama.rope.scaling.attn_factor: 0.5 is not supported (supported: 1)"},
		{map[string]any{".rope.dimension_count": uint64(4)}, RopeScaling{}, "llama.rope.dimension_count: 4 is not supported (supported: the head size 8)"},
		{map[string]any{".expert_count": uint64(8)}, RopeScaling{}, "llama.expert_count: 8 is not supported"},
		{map[string]any{".attention.sliding_window": uint64(4096)}, RopeScaling{}, "llama.attention.sliding_window: 4096 is not supported"},
		{map[string]any{".attention.causal": false}, RopeScaling{}, "llama.attention.causal: false is not supported"},
		{map[string]any{".block_count": "one"}, RopeScaling{}, `llama.block_count: want a whole number, have the string "one"`},
		{map[string]any{".block_count": int64(-1)}, RopeScaling{}, "num_hidden_layers: -1 is not between"},
		{map[string]any{".embedding_length": []string{"x"}}, RopeScaling{}, "llama.embedding_length: want a whole number, have a list"},
		{map[string]any{"split.count": uint64(3)}, RopeScaling{}, "split.count: a model in 3 files is not supported"},
	} {
		g := &gguf{
			tensors: []ggufTensor{{name: ggufEmbedding, stored: stored{shape: []int{40, 32}}}},
			values: map[string]any{
				"general.architecture": "llama", "llama.embedding_length": uint64(32), "llama.feed_forward_length": uint64(64),
				"llama.block_count": uint64(1), "llama.attention.head_count": uint64(4), "llama.context_length": uint64(131072),
				"llama.attention.layer_norm_rms_epsilon": 1e-5,
			},
		}
		for key, v := range c.values {
			if key[0] == '.' {
				key = "llama" + key
			}
			g.values[key] = v
		}
		config, err := ggufConfig("x.gguf", g)
		switch {
		case c.err == "" && (err != nil || config.RopeScaling != c.want):
			t.Errorf("%v: scaling %+v, error %v; want %+v", c.values, config.RopeScaling, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%v: error %v, want %q", c.values, err, c.err)
		}
	}
}

// TestGGUFDamagedRopeFactors: factors that are not llama3's are not guessed at.
func TestGGUFDamagedRopeFactors(t *testing.T) {
	f, err := os.Open("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := openGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(g.tensors, func(t ggufTensor) bool { return t.name == ggufRopeFactors })
	at := g.tensors[i].offset
	path := spoilGGUF(t, func(data []byte) []byte {
		binary.LittleEndian.PutUint32(data[at:], math.Float32bits(2))
		return data
	})
	refuses(t, "rope factors", path, "rope_freqs.weight: not the llama3 scaling")
}
