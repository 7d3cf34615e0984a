package files

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	peftAdapter = "../testdata/lora-llama"
	peftBase    = "../testdata/tiny-llama"
)

// What is saved is what was read: settings and every number.
func TestAdapterRoundTrip(t *testing.T) {
	for _, name := range []string{"llama", "qwen2", "qwen3", "bf16", "f16"} {
		src, err := OpenAdapter("../testdata/lora-" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		base, err := Open(filepath.Join("../testdata", src.Config.Base))
		if err != nil {
			t.Fatal(err)
		}
		defer base.Close()
		if err := src.Fits(base.Config); err != nil {
			t.Fatal(err)
		}
		base.tokenizer = open(t, "testdata/llama").tokenizer // it has none of its own
		dir := filepath.Join(t.TempDir(), "saved")
		read := func(name string) ([]float32, error) { values, _, err := src.Read(name); return values, err }
		if err := SaveAdapter(dir, base, src.Config, read); err != nil {
			t.Fatal(err)
		}
		if err := SaveAdapter(dir, base, src.Config, read); err == nil || !strings.Contains(err.Error(), "it is there already") {
			t.Errorf("a second time: %v", err)
		}
		got, err := OpenAdapter(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		if !IsAdapter(dir) || IsAdapter(peftBase) {
			t.Error("an adapter and a model are not told apart")
		}
		want := src.Config
		want.Targets = want.Modules()
		if !reflect.DeepEqual(got.Config, want) {
			t.Errorf("%s: %+v, want %+v", name, got.Config, want)
		}
		for _, p := range want.Pairs(base.Config) {
			for _, s := range []TensorSpec{p.A, p.B} {
				x, shape, err := got.Read(s.Name)
				y, _, _ := src.Read(s.Name)
				if err != nil || !slices.Equal(shape, s.Shape) || !slices.Equal(x, y) {
					t.Errorf("%s: %s is not what it was (%v, %v)", name, s.Name, shape, err)
				}
			}
		}
	}
}

// changed copies the adapter of PEFT with some keys of its configuration set.
func changed(t *testing.T, keys map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	var fields map[string]any
	data, err := os.ReadFile(filepath.Join(peftAdapter, adapterConfigFile))
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range keys {
		fields[key] = value
	}
	if err := writeJSON(filepath.Join(dir, adapterConfigFile), fields); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(peftAdapter, adapterFile))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, adapterFile, string(weights))
	return dir
}

// What PEFT can do and this program cannot is refused by the key's name, and so is nonsense.
func TestAdapterRefusals(t *testing.T) {
	for key, values := range map[string][]any{
		"use_dora":                {true},
		"bias":                    {"all", "lora_only"},
		"modules_to_save":         {[]string{"lm_head"}},
		"rank_pattern":            {map[string]int{"q_proj": 2}},
		"alpha_pattern":           {map[string]int{"q_proj": 2}},
		"layers_to_transform":     {0, []int{0}},
		"init_lora_weights":       {"pissa"},
		"fan_in_fan_out":          {true},
		"trainable_token_indices": {[]int{1}},
		"exclude_modules":         {[]string{"q_proj"}},
		"lora_bias":               {true},
		"task_type":               {"SEQ_CLS"},
		"peft_type":               {"LOHA", nil},
		"target_modules":          {nil, ".*_proj", []string{"lm_head"}, []string{"mlp.q_proj"}, []string{"encoder.0.self_attn.q_proj"}, 3},
		"r":                       {0, "4", 1.5},
		"lora_alpha":              {0, -1},
		"lora_dropout":            {1},
		"a_key_of_the_future":     {"on"},
	} {
		for _, value := range values {
			_, err := OpenAdapter(changed(t, map[string]any{key: value}))
			if err == nil || !strings.Contains(err.Error(), adapterConfigFile+": "+key+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s = %v: %v", key, value, err)
			}
		}
	}
	for key, value := range map[string]any{"a_key_of_the_future": nil, "task_type": nil, "bias": nil, "use_dora": false, "r": 4} {
		a, err := OpenAdapter(changed(t, map[string]any{key: value}))
		if err != nil {
			t.Errorf("%s = %v: %v", key, value, err)
			continue
		}
		a.Close()
	}
}

// An adapter for another model is refused with the tensor that does not fit.
func TestAdapterOfAnotherModel(t *testing.T) {
	for _, c := range []struct {
		base, says string
		keys       map[string]any
	}{
		{"tiny-qwen2", "missing (base_model.model.model.layers.2.", nil},
		{"tiny-llama", "lora_A.weight is [4 32], not [5 32]", map[string]any{"r": 5}},
		{"tiny-llama", "surplus (base_model.model.model.layers.0.mlp.", map[string]any{"target_modules": []string{"q_proj"}}},
		{"tiny-llama", "surplus (base_model.model.model.layers.0.mlp.", map[string]any{"target_modules": []string{"model.layers.0.self_attn.q_proj", "o_proj"}}},
	} {
		base, err := Open("../testdata/" + c.base)
		if err != nil {
			t.Fatal(err)
		}
		defer base.Close()
		a, err := OpenAdapter(changed(t, c.keys))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if err := a.Fits(base.Config); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `made for "tiny-llama"`) {
			t.Errorf("%s, %v: %v", c.base, c.keys, err)
		}
	}
	dir := t.TempDir()
	if _, err := OpenAdapter(dir); err == nil || !strings.Contains(err.Error(), adapterConfigFile) {
		t.Errorf("an empty directory: %v", err)
	}
	write(t, dir, adapterConfigFile, `{"peft_type": "LORA", "target_modules": "all-linear"}`)
	if _, err := OpenAdapter(dir); err == nil || !strings.Contains(err.Error(), adapterFile) {
		t.Errorf("no weights: %v", err)
	}
}
