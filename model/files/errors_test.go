package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyModel copies one of testdata's directories to where it can be damaged.
func copyModel(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit replaces text in a file, which must be there.
func edit(t testing.TB, dir, file, old, new string) {
	t.Helper()
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s holds no %q", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// refuses checks that opening fails with one line that says all of the words.
func refuses(t *testing.T, name, path string, words ...string) {
	t.Helper()
	m, err := Open(path)
	if err == nil {
		m.Close()
		t.Errorf("%s: no error, want one with %q", name, words)
		return
	}
	for _, w := range append(words, filepath.Base(path)) {
		if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want one line with %q", name, err, w)
		}
	}
}

func TestBadConfigIsRefusedByField(t *testing.T) {
	for _, c := range []struct{ model, old, new, want string }{
		{"llama", `"model_type": "llama"`, `"model_type": "gemma3"`, `model_type: "gemma3" is not supported (supported: llama, qwen2, qwen3)`},
		{"llama", `"model_type": "llama",`, ``, "model_type: missing"},
		{"llama", `"hidden_size": 32,`, ``, "hidden_size: missing"},
		{"llama", `"hidden_size": 32`, `"hidden_size": "32"`, `hidden_size: want a whole number, have "32"`},
		{"llama", `"hidden_size": 32`, `"hidden_size": 1e99`, "hidden_size: want a whole number, have 1e99"},
		{"llama", `"num_hidden_layers": 1`, `"num_hidden_layers": 999999999`, "num_hidden_layers: 999999999 is not between"},
		{"llama", `"num_hidden_layers": 1`, `"num_hidden_layers": -1`, "num_hidden_layers: -1 is not between"},
		{"llama", `"num_key_value_heads": 2`, `"num_key_value_heads": 3`, "num_key_value_heads: 3 does not divide"},
		{"llama", `"head_dim": 8`, `"head_dim": 7`, "head_dim: 7 is odd"},
		{"llama", `"rms_norm_eps": 1e-05`, `"rms_norm_eps": 0`, "rms_norm_eps: 0 is not between"},
		{"llama", `"hidden_act": "silu"`, `"hidden_act": "gelu"`, `hidden_act: "gelu" is not supported`},
		{"llama", `"use_cache": true`, `"quantization_config": {"bits": 4}`, "quantization_config: "},
		{"llama", `"use_cache": true`, `"num_local_experts": 8`, "num_local_experts: 8 is not supported"},
		{"llama", `"use_cache": true`, `"partial_rotary_factor": 0.5`, "partial_rotary_factor: 0.5 is not supported"},
		{"llama", `"attention_dropout": 0.0`, `"attention_dropout": 0.1`, "attention_dropout: 0.1 is not supported"},
		{"llama", `"dtype": "float32"`, `"dtype": "float8_e4m3fn"`, `dtype: "float8_e4m3fn" is not supported`},
		{"llama", `"LlamaForCausalLM"`, `"LlamaForSequenceClassification"`, `architectures: "LlamaForSequenceClassification" is not a causal`},
		{"llama", `"rope_type": "llama3"`, `"rope_type": "longrope"`, `rope_type: "longrope" is not supported (supported: default, linear, llama3, yarn)`},
		{"llama", `"factor": 32.0,`, ``, "rope_parameters: factor: missing"},
		{"llama", `"factor": 32.0`, `"factor": -1`, "factor: -1 is not positive"},
		{"llama", `"high_freq_factor": 4.0`, `"high_freq_factor": 0.5`, "high_freq_factor: 0.5 is not above"},
		{"llama", `"rope_parameters": {`, `"rope_parameters": {"full_attention": {"rope_theta": 1},`, "rope_parameters: full_attention: "},
		{"llama", `"eos_token_id": 2`, `"eos_token_id": 40`, "config.json: eos_token_id: 40 is not between 0 and the vocabulary's size 40"},
		{"llama", `"eos_token_id": 2`, `"eos_token_id": "</s>"`, "eos_token_id: want a whole number or a list of them"},
		{"llama", `{`, `{{`, "config.json: not a JSON object"},
		{"qwen2", `"use_sliding_window": false`, `"layer_types": null, "use_sliding_window": true`, "use_sliding_window: true is not supported"},
		{"qwen2", `"full_attention"`, `"sliding_attention"`, `layer_types: "sliding_attention" (layer 0) is not supported`},
		{"qwen3", `"head_dim": 16,`, ``, "head_dim: missing"},
	} {
		dir := copyModel(t, c.model)
		edit(t, dir, configFile, c.old, c.new)
		refuses(t, c.new, dir, c.want)
	}
}

func TestBadTextFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{generationFile, "2,", `"two",`, "generation_config.json: eos_token_id: want a whole number or a list"},
		{generationFile, "3", "4000", "generation_config.json: eos_token_id: 4000 is not between"},
		{generationFile, "{", "", "generation_config.json: not a JSON object"},
		{tokenizerConfig, `"</s>"`, `7`, `tokenizer_config.json: eos_token: want a string or {"content": …}, have 7`},
		{tokenizerConfig, `"</s>"`, `"<none>"`, `tokenizer.json: holds no token "<none>", the eos_token of tokenizer_config.json`},
		{tokenizerConfig, `"backend": "tokenizers"`, `"chat_template": 3`, "tokenizer_config.json: chat_template: want a string or a list"},
		{tokenizerConfig, `"backend": "tokenizers"`, `"added_tokens_decoder": {"x": {"content": "</s>"}}`, `"x" is not an id`},
	} {
		dir := copyModel(t, "llama")
		edit(t, dir, c.file, c.old, c.new)
		refuses(t, c.new, dir, c.want)
	}
}

func TestBadTensorsAreNamed(t *testing.T) {
	for _, c := range []struct{ model, file, old, new, want string }{
		{"llama", "model.safetensors", "layers.0.mlp.up_proj", "layers.0.mlp.xx_proj",
			"1 missing (model.layers.0.mlp.up_proj.weight); 1 surplus (model.layers.0.mlp.xx_proj.weight)"},
		{"llama", configFile, `"vocab_size": 40`, `"vocab_size": 41`,
			"2 misshaped (model.embed_tokens.weight is [40 32], not [41 32], lm_head.weight is [40 32], not [41 32])"},
		{"llama", configFile, `"tie_word_embeddings": false`, `"tie_word_embeddings": true`, "lm_head.weight is no copy of model.embed_tokens.weight"},
		{"qwen2", configFile, `"tie_word_embeddings": true`, `"tie_word_embeddings": false`, "1 missing (lm_head.weight)"},
		{"llama", "model.safetensors", `"F32"`, `"F64"`, `dtype "F64" is not supported (supported: F32, F16, BF16)`},
		{"llama", "model.safetensors", `"shape"`, `"shapf"`, "want shape and two data_offsets"},
		{"llama", "model.safetensors", `[40,32]`, `[41,32]`, "do not hold the 5248 bytes of shape [41 32] in F32"},
		{"llama", "model.safetensors", `"data_offsets":[0,`, `"data_offsets":[8,`, "data_offsets [8 "},
	} {
		dir := copyModel(t, c.model)
		edit(t, dir, c.file, c.old, c.new)
		refuses(t, c.new, dir, c.want)
	}
}

// cut shortens a file to a number of bytes.
func cut(t *testing.T, path string, n int64) {
	t.Helper()
	if err := os.Truncate(path, n); err != nil {
		t.Fatal(err)
	}
}

func TestTruncatedAndMissingFiles(t *testing.T) {
	for n, want := range map[int64]string{
		0: "truncated", 4: "truncated: 4 bytes", 100: "the header alone needs", 3000: "would end at byte",
	} {
		dir := copyModel(t, "llama")
		cut(t, filepath.Join(dir, singleFile), n)
		refuses(t, "cut safetensors", dir, singleFile, want)
	}
	dir := copyModel(t, "llama")
	edit(t, dir, singleFile, `{"`, `["`)
	refuses(t, "header", dir, singleFile, "the header is not a JSON object")

	dir = copyModel(t, "llama")
	if err := os.Remove(filepath.Join(dir, singleFile)); err != nil {
		t.Fatal(err)
	}
	refuses(t, "no weights", dir, "holds no weights: neither model.safetensors nor")
	if err := os.Remove(filepath.Join(dir, configFile)); err != nil {
		t.Fatal(err)
	}
	refuses(t, "no config", dir, configFile, "no such file")
	refuses(t, "nothing", filepath.Join(dir, "nothing"), "no such file")
}

func TestBadShards(t *testing.T) {
	src := open(t, "testdata/llama")
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"shard missing", func(dir string) error { return os.Remove(filepath.Join(dir, "model-00002-of-00003.safetensors")) },
			"missing, though model.safetensors.index.json lists"},
		{"shard cut", func(dir string) error {
			return os.Truncate(filepath.Join(dir, "model-00003-of-00003.safetensors"), 5000)
		},
			"model-00003-of-00003.safetensors: truncated"},
		{"path", func(dir string) error {
			edit(t, dir, indexFile, `"model-00003-of-00003.safetensors"`, `"../elsewhere.safetensors"`)
			return nil
		}, `weight_map: `},
		{"other shard", func(dir string) error {
			edit(t, dir, indexFile, `"model.norm.weight": "model-00003`, `"model.norm.weight": "model-00001`)
			return nil
		}, "does not hold model.norm.weight"},
	} {
		dir := filepath.Join(t.TempDir(), "saved")
		if err := Save(dir, src, from(src), SaveOptions{MaxShardBytes: 20_000}); err != nil {
			t.Fatal(err)
		}
		if err := c.spoil(dir); err != nil {
			t.Fatal(err)
		}
		refuses(t, c.name, dir, c.want)
	}
}

func TestMissingTokenizerIsAnErrorOnlyWhenAskedFor(t *testing.T) {
	dir := copyModel(t, "llama")
	for _, file := range []string{tokenizerFile, tokenizerConfig, generationFile, templateFile} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	m := open(t, dir)
	if m.ChatTemplate != "" || len(m.SpecialTokens) > 0 || len(m.Stop) != 1 {
		t.Errorf("template %q, special tokens %v, stop %v", m.ChatTemplate, m.SpecialTokens, m.Stop)
	}
	if _, err := m.Tokenizer(); err == nil || !strings.Contains(err.Error(), tokenizerFile) {
		t.Errorf("error %v", err)
	}
}
