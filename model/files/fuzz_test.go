package files

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Whatever a file holds, reading it ends in a value or an error: no panic, and
// no memory beyond what the file's own size explains.

// fuzzFile returns a function that gives bytes a file name.
func fuzzFile(f *testing.F) func(t *testing.T, data []byte) string {
	path := filepath.Join(f.TempDir(), "fuzzed")
	return func(t *testing.T, data []byte) string {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func addFiles(f *testing.F, paths ...string) {
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzGGUF(f *testing.F) {
	addFiles(f, "testdata/llama.gguf", "testdata/qwen2.gguf", "testdata/qwen3.gguf")
	file := fuzzFile(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Open(file(t, data))
		if err != nil {
			return
		}
		defer m.Close()
		m.Tokenizer()
		for _, name := range m.Names() {
			if _, _, err := m.Read(name); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzSafetensors(f *testing.F) {
	addFiles(f, "testdata/formats.safetensors", "testdata/qwen2/model.safetensors")
	f.Add([]byte("\x40\x00\x00\x00\x00\x00\x00\x00" + `{"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}        ` + "1234"))
	file := fuzzFile(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := os.Open(file(t, data))
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		tensors, err := openSafetensors(in)
		if err != nil {
			return
		}
		for name, tensor := range tensors {
			if _, err := tensor.read(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// FuzzConfig also checks that a configuration that is read and saved reads the same.
func FuzzConfig(f *testing.F) {
	addFiles(f, "testdata/llama/config.json", "testdata/qwen2/config.json", "testdata/qwen3/config.json")
	var cases []struct{ Config json.RawMessage }
	if data, err := os.ReadFile("testdata/rope.json"); err != nil || json.Unmarshal(data, &cases) != nil {
		f.Fatal("testdata/rope.json", err)
	}
	for _, c := range cases {
		f.Add([]byte(c.Config))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := &object{where: "config.json"}
		if json.Unmarshal(data, &o.fields) != nil {
			return
		}
		c, err := parseHFConfig(o)
		if err != nil {
			return
		}
		if c.HeadDim < 1<<12 {
			if freqs, _ := c.InvFreq(); len(freqs) != c.HeadDim/2 {
				t.Errorf("%d frequencies", len(freqs))
			}
		}
		m := Model{Config: c, hf: hfText{config: o}}
		text, err := json.Marshal(m.configFields(c.DType))
		if err != nil {
			t.Fatal(err)
		}
		saved := &object{where: "saved"}
		if err := json.Unmarshal(text, &saved.fields); err != nil {
			t.Fatal(err)
		}
		again, err := parseHFConfig(saved)
		if err != nil {
			t.Fatalf("saved as %s: %v", text, err)
		}
		if a, b := describeConfig(t, again), describeConfig(t, c); a != b {
			t.Errorf("saved and read again\n%s\nwas\n%s", a, b)
		}
	})
}
