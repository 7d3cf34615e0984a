package files

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// write replaces or adds a file.
func write(t *testing.T, dir, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestWhereTextsAreFound goes through the places where directories of
// different ages keep templates and tokens.
func TestWhereTextsAreFound(t *testing.T) {
	for _, c := range []struct {
		name, tokenizerConfig, jinja, specialTokens string
		template, eos                               string
		stop                                        []int
	}{
		{name: "one template", tokenizerConfig: `{"chat_template": "old"}`, template: "old", stop: []int{2, 3}},
		{name: "named templates", tokenizerConfig: `{"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "old"}]}`,
			template: "old", stop: []int{2, 3}},
		{name: "none called default", tokenizerConfig: `{"chat_template": [{"name": "tool_use", "template": "tools"}]}`, stop: []int{2, 3}},
		{name: "jinja file", tokenizerConfig: `{"chat_template": "old"}`, jinja: "new\n", template: "new\n", stop: []int{2, 3}},
		{name: "token as object", tokenizerConfig: `{"eos_token": {"__type": "AddedToken", "content": "<s>"}}`, eos: "<s>", stop: []int{1, 2, 3}},
		{name: "id in the configuration", tokenizerConfig: `{"eos_token": "z", "added_tokens_decoder": {"9": {"content": "z"}}}`, eos: "z", stop: []int{2, 3, 9}},
		{name: "id in the vocabulary", tokenizerConfig: `{"eos_token": "b"}`, eos: "b", stop: []int{2, 3, 5}},
		{name: "special tokens map", specialTokens: `{"eos_token": "<pad>"}`, eos: "<pad>", stop: []int{0, 2, 3}},
		{name: "null", tokenizerConfig: `{"eos_token": null, "chat_template": null}`, stop: []int{2, 3}},
	} {
		dir := copyModel(t, "llama")
		write(t, dir, tokenizerConfig, cmp.Or(c.tokenizerConfig, "{}"))
		write(t, dir, templateFile, c.jinja)
		write(t, dir, specialTokensFile, cmp.Or(c.specialTokens, "{}"))
		m := open(t, dir)
		if m.ChatTemplate != c.template || m.SpecialTokens["eos_token"] != c.eos || !slices.Equal(m.Stop, c.stop) {
			t.Errorf("%s: template %q, eos_token %q, stop %v; want %q, %q, %v",
				c.name, m.ChatTemplate, m.SpecialTokens["eos_token"], m.Stop, c.template, c.eos, c.stop)
		}
	}
}

// TestEndsOfLlama: LlamaConfig has ids of its own where config.json has none.
func TestEndsOfLlama(t *testing.T) {
	for _, c := range []struct {
		old, new string
		eos      []int
	}{
		{`"eos_token_id": 2,`, ``, []int{2}},
		{`"eos_token_id": 2`, `"eos_token_id": null`, nil},
		{`"eos_token_id": 2`, `"eos_token_id": [4, 5]`, []int{4, 5}},
	} {
		dir := copyModel(t, "llama")
		edit(t, dir, configFile, c.old, c.new)
		if m := open(t, dir); !slices.Equal(m.Config.EOS, c.eos) {
			t.Errorf("%q: EOS %v, want %v", c.new, m.Config.EOS, c.eos)
		}
	}
}

// TestHarmlessSurplusIsTolerated adds what old versions of transformers saved:
// a copy of the tied embedding, and frequencies.
func TestHarmlessSurplusIsTolerated(t *testing.T) {
	src, dir := open(t, "testdata/qwen2"), copyModel(t, "qwen2")
	specs := append(src.Config.Tensors(), TensorSpec{"lm_head.weight", []int{40, 32}}, TensorSpec{"model.layers.0.self_attn.rotary_emb.inv_freq", []int{4}})
	if err := os.Remove(filepath.Join(dir, singleFile)); err != nil {
		t.Fatal(err)
	}
	read := func(name string) ([]float32, error) {
		switch name {
		case "lm_head.weight":
			name = "model.embed_tokens.weight"
		case "model.layers.0.self_attn.rotary_emb.inv_freq":
			return make([]float32, 4), nil
		}
		return from(src)(name)
	}
	if err := saveShard(filepath.Join(dir, singleFile), specs, read, F32); err != nil {
		t.Fatal(err)
	}
	sameModel(t, open(t, dir), src, F32)
}

// TestOlderSpelling reads the keys of transformers 4.
func TestOlderSpelling(t *testing.T) {
	old, dir := open(t, "testdata/llama").Config, copyModel(t, "llama")
	edit(t, dir, configFile, `"rope_theta": 500000.0,`, ``)
	edit(t, dir, configFile, `"rope_type"`, `"type"`)
	edit(t, dir, configFile, `"rope_parameters"`, `"rope_theta": 500000.0, "rope_scaling"`)
	edit(t, dir, configFile, `"dtype"`, `"torch_dtype"`)
	if got, want := describeConfig(t, open(t, dir).Config), describeConfig(t, old); got != want {
		t.Errorf("configuration\n%s\nwant\n%s", got, want)
	}
}

func TestTokenizersOfBothFormatsAgree(t *testing.T) {
	for _, family := range families {
		dir, file := open(t, filepath.Join("testdata", string(family))), open(t, filepath.Join("testdata", string(family)+".gguf"))
		a, errA := dir.Tokenizer()
		b, errB := file.Tokenizer()
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		for _, text := range []string{"the king and her thing", "<s>in the<turn>", " a"} {
			if x, y := a.Encode(text, true), b.Encode(text, true); !slices.Equal(x, y) {
				t.Errorf("%s: %q is %v and %v", family, text, x, y)
			}
		}
	}
}

// TestSavedConfigHasBothSpellings: the saved config.json is read by
// transformers 4, which knows the one, and 5, which prefers the other.
func TestSavedConfigHasBothSpellings(t *testing.T) {
	src := open(t, "testdata/llama.gguf")
	text, err := json.Marshal(src.configFields(BF16))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		DType      string         `json:"dtype"`
		TorchDType string         `json:"torch_dtype"`
		Theta      float64        `json:"rope_theta"`
		Scaling    map[string]any `json:"rope_scaling"`
		Parameters map[string]any `json:"rope_parameters"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.DType != "bfloat16" || got.TorchDType != "bfloat16" || got.Theta != 500000 || got.Parameters["rope_theta"] != 500000.0 {
		t.Errorf("saved %s", text)
	}
	for _, key := range []string{"rope_type", "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"} {
		if got.Scaling[key] == nil || got.Scaling[key] != got.Parameters[key] {
			t.Errorf("%s is %v and %v", key, got.Scaling[key], got.Parameters[key])
		}
	}
}
