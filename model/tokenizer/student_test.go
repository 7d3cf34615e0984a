package tokenizer_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/tokenizer"
)

// TestStudent checks the tokenizer in the default student's GGUF file, which
// `make student` fetches, also once it has been written as a tokenizer.json.
func TestStudent(t *testing.T) {
	cache := os.Getenv("RLKD_CACHE")
	if cache == "" {
		cache = filepath.Join("..", "..", ".cache")
	}
	m, err := files.Open(filepath.Join(cache, "student", "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	fromGGUF, err := m.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	data, err := fromGGUF.JSON()
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if size := fromGGUF.VocabSize(); size != 49152 || fromJSON.VocabSize() != size {
		t.Errorf("vocabulary sizes %d and %d, want 49152", size, fromJSON.VocabSize())
	}
	f, err := os.Open("testdata/smollm2.cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	for lines := bufio.NewScanner(f); lines.Scan(); rows++ {
		var c struct {
			Text    string
			IDs     []int
			Decoded string
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for _, tok := range []*tokenizer.Tokenizer{fromGGUF, fromJSON} {
			if ids := tok.Encode(c.Text, false); !slices.Equal(ids, c.IDs) {
				t.Errorf("encode %.80q\n got %v\nwant %v", c.Text, ids, c.IDs)
			}
			if text := tok.Decode(c.IDs); text != c.Decoded {
				t.Errorf("decode %v\n got %q\nwant %q", c.IDs, text, c.Decoded)
			}
		}
	}
	if rows != 138 {
		t.Errorf("%d cases, want 138", rows)
	}
}
