package files

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// open opens a model that the test closes when it ends.
func open(t testing.TB, path string) *Model {
	t.Helper()
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// sameBits reports the first number that differs between two lists.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i, w := range want {
		if math.Float32bits(got[i]) != math.Float32bits(w) {
			t.Errorf("%s: number %d is %v (%x), want %v (%x)", what, i, got[i], math.Float32bits(got[i]), w, math.Float32bits(w))
			return
		}
	}
}

func TestInvFreqAgreesWithTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/rope.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Config    json.RawMessage
		InvFreq   []float64 `json:"inv_freq"`
		Attention float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		o := &object{where: "config.json"}
		if err := json.Unmarshal(c.Config, &o.fields); err != nil {
			t.Fatal(err)
		}
		config, err := parseHFConfig(o)
		if err != nil {
			t.Errorf("case %d: %v", i, err)
			continue
		}
		freqs, attention := config.InvFreq()
		if len(freqs) != len(c.InvFreq) || math.Abs(attention-c.Attention) > 1e-15 {
			t.Errorf("case %d: %d frequencies and factor %v, want %d and %v", i, len(freqs), attention, len(c.InvFreq), c.Attention)
			continue
		}
		// torch's powers differ from the right ones in the last bit here and there.
		for j, want := range c.InvFreq {
			if math.Abs(float64(freqs[j])/want-1) > 2.5e-7 {
				t.Errorf("case %d (%s): frequency %d is %v, want %v", i, config.RopeScaling.Type, j, freqs[j], want)
			}
		}
	}
}

// TestFormats reads numbers that torch rounded, and rounds them itself.
func TestFormats(t *testing.T) {
	f, err := os.Open("testdata/formats.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tensors, err := openSafetensors(f)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensors["f32"].read()
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]DType{"bf16": BF16, "f16": F16} {
		want, err := tensors[name].read()
		if err != nil {
			t.Fatal(err)
		}
		raw, one := make([]byte, 2), make([]float32, 1)
		for i, v := range values {
			overflow := encode(raw, d, []float32{v}) >= 0
			decode(one, d, raw)
			switch {
			case overflow:
				if !math.IsInf(float64(want[i]), 0) || math.IsInf(float64(v), 0) {
					t.Errorf("%s: %v is out of range, want %v", d, v, want[i])
				}
			case v != v:
				if one[0] == one[0] || want[i] == want[i] {
					t.Errorf("%s: NaN became %v, want %v", d, one[0], want[i])
				}
			default:
				sameBits(t, d.String(), one, want[i:i+1])
			}
		}
	}
}

// TestGGUFAgreesWithDirectory compares a model written by the gguf package with
// the same model written by transformers and safetensors, where the weights
// are what the gguf package dequantises.
func TestGGUFAgreesWithDirectory(t *testing.T) {
	formats := make(map[DType]bool)
	for _, family := range families {
		dir, file := open(t, filepath.Join("testdata", string(family))), open(t, filepath.Join("testdata", string(family)+".gguf"))
		got, want := file.Config, dir.Config
		if !slices.Equal(got.EOS, want.EOS) {
			t.Errorf("%s: EOS %v, want %v", family, got.EOS, want.EOS)
		}
		got.EOS, want.EOS = nil, nil
		if a, b := describeConfig(t, got), describeConfig(t, want); a != b {
			t.Errorf("%s: configuration\n%s\nwant\n%s", family, a, b)
		}
		if want := []int{2, 3}; !slices.Equal(dir.Stop, want) || !slices.Equal(file.Stop, want) {
			t.Errorf("%s: stop %v and %v, want %v", family, dir.Stop, file.Stop, want)
		}
		if dir.ChatTemplate != file.ChatTemplate || dir.ChatTemplate == "" {
			t.Errorf("%s: templates %q and %q", family, dir.ChatTemplate, file.ChatTemplate)
		}
		special := map[string]string{"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
		if !maps.Equal(dir.SpecialTokens, special) || !maps.Equal(file.SpecialTokens, special) {
			t.Errorf("%s: special tokens %v and %v", family, dir.SpecialTokens, file.SpecialTokens)
		}
		for _, name := range dir.Names() {
			_, d, _ := file.Shape(name)
			formats[d] = true
			want, shape, err := dir.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			got, gotShape, err := file.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(gotShape, shape) {
				t.Errorf("%s: %s: shape %v, want %v", family, name, gotShape, shape)
			}
			sameBits(t, string(family)+": "+name+" "+d.String(), got, want)
		}
	}
	if len(formats) != 6 {
		t.Errorf("the files hold only %v", formats)
	}
}

func describeConfig(t *testing.T, c Config) string {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
