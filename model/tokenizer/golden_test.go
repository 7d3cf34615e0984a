package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// golden is testdata/golden.json, which scripts/golden/tokenizer.py writes
// with HF tokenizers and sentencepiece.
type golden struct {
	Models     map[string]map[string]any
	Tokenizers []struct {
		Name   string
		Spec   map[string]any
		Encode []row[string]
		Decode []row[[]int]
	}
	Lossy         []row[[]int]
	SentencePiece struct {
		Tokens        []string
		Scores        []float32
		Types         []int32
		BOS, EOS, UNK int
		Encode        []row[string]
	}
}

// row is a question and its answers, a list in the file.
type row[Q any] struct {
	question Q
	answers  []json.RawMessage
}

func (r *row[Q]) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &r.answers); err != nil {
		return err
	}
	first := r.answers[0]
	r.answers = r.answers[1:]
	return json.Unmarshal(first, &r.question)
}

// answer decodes an answer of a row.
func answer[T any, Q any](t *testing.T, r row[Q], i int) (v T) {
	t.Helper()
	if err := json.Unmarshal(r.answers[i], &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Tokenizers) == 0 || len(g.Lossy) == 0 || len(g.SentencePiece.Encode) == 0 {
		t.Fatal("golden.json is incomplete")
	}
	return g
}

// parse completes a spec with the model it names and reads it.
func (g golden) parse(t *testing.T, spec map[string]any) *Tokenizer {
	t.Helper()
	changes := spec["model"].(map[string]any)
	model := make(map[string]any)
	for _, fields := range []map[string]any{g.Models[changes["from"].(string)], changes} {
		for key, v := range fields {
			model[key] = v
		}
	}
	spec["model"] = model
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGolden(t *testing.T) {
	g := readGolden(t)
	for i, c := range g.Tokenizers {
		t.Run(c.Name, func(t *testing.T) {
			tok := g.parse(t, c.Spec)
			for _, r := range c.Encode {
				plain, special := answer[[]int](t, r, 0), answer[[]int](t, r, 1)
				if got := tok.Encode(r.question, false); !slices.Equal(got, plain) {
					t.Errorf("encode %q\n got %v\nwant %v", r.question, got, plain)
				}
				if got := tok.Encode(r.question, true); !slices.Equal(got, special) {
					t.Errorf("encode %q with special tokens\n got %v\nwant %v", r.question, got, special)
				}
			}
			for _, r := range c.Decode {
				all, skipped := answer[string](t, r, 0), answer[string](t, r, 1)
				if got := tok.Decode(r.question); got != all {
					t.Errorf("decode %v\n got %q\nwant %q", r.question, got, all)
				}
				if got := tok.DecodeSkipSpecial(r.question); got != skipped {
					t.Errorf("decode %v without special tokens\n got %q\nwant %q", r.question, got, skipped)
				}
			}
		})
		if i > 0 {
			continue
		}
		t.Run("bytes that are not UTF-8", func(t *testing.T) {
			tok := g.parse(t, map[string]any{"model": map[string]any{"from": "bytes"}, "pre_tokenizer": c.Spec["pre_tokenizer"]})
			for _, r := range g.Lossy {
				text := make([]byte, len(r.question))
				for i, b := range r.question {
					text[i] = byte(b)
				}
				if got, want := tok.Encode(string(text), false), answer[[]int](t, r, 0); !slices.Equal(got, want) {
					t.Errorf("encode %q\n got %v\nwant %v", text, got, want)
				}
			}
		})
	}
}

func TestSentencePieceFromGGUF(t *testing.T) {
	s := readGolden(t).SentencePiece
	tok, err := FromGGUF(Vocab{Model: "llama", Tokens: s.Tokens, TokenTypes: s.Types, Scores: s.Scores, BOS: s.BOS, EOS: s.EOS, UNK: s.UNK})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Encode {
		want := answer[[]int](t, r, 0)
		if got := tok.Encode(r.question, false); !slices.Equal(got, want) {
			t.Errorf("encode %q\n got %v\nwant %v", r.question, got, want)
		}
		if got := tok.Decode(want); got != r.question {
			t.Errorf("decode %v\n got %q\nwant %q", want, got, r.question)
		}
	}
}
