package tokenizer

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// vector is a line of testdata/*.cases.jsonl: what HF tokenizers 0.23 makes of
// a text, and of its ids.
type vector struct {
	Text    string
	IDs     []int
	Decoded string
}

func readVectors(t testing.TB, path string) []vector {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, v)
	}
	if len(all) == 0 || lines.Err() != nil {
		t.Fatalf("%s: no lines (%v)", path, lines.Err())
	}
	return all
}

func load(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func checkVectors(t *testing.T, tok *Tokenizer, vectors []vector) {
	t.Helper()
	for _, v := range vectors {
		if ids := tok.Encode(v.Text, false); !slices.Equal(ids, v.IDs) {
			t.Errorf("encode %.80q\n got %v\nwant %v", v.Text, ids, v.IDs)
		}
		if text := tok.Decode(v.IDs); text != v.Decoded {
			t.Errorf("decode %v\n got %q\nwant %q", v.IDs, text, v.Decoded)
		}
	}
}

func TestVectors(t *testing.T) {
	for _, name := range []string{"qwen2-style", "llama3-style", "smollm-style", "llama2-style"} {
		t.Run(name, func(t *testing.T) {
			tok := load(t, name+".json")
			checkVectors(t, tok, readVectors(t, "testdata/"+name+".cases.jsonl"))
		})
	}
}
