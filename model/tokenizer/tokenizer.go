package tokenizer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Tokenizer is a tokenizer that was read. It never changes, so it is safe for
// concurrent use.
type Tokenizer struct {
	json      func() ([]byte, error)
	model     *bpe
	added     *addedTokens
	normalize normalizer
	split     splitter
	prefix    []int // ids the post-processor puts before a text
	suffix    []int // and after it
	decode    decoder
	tokens    []string // by id; a hole is a token that ids does not map back
	ids       map[string]int
}

// Load reads a tokenizer.json, or the one in a directory.
func Load(path string) (*Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer %s: %w", path, err)
	}
	return t, nil
}

// Encode returns the ids of text. Added tokens that occur in the text become
// their ids. With addSpecial the post-processor's tokens (such as a beginning
// of sequence) are put around it. Bytes that are not UTF-8 count as U+FFFD.
func (t *Tokenizer) Encode(text string, addSpecial bool) []int {
	text = toValid(text)
	ids := make([]int, 0, len(text)/3+len(t.prefix)+len(t.suffix))
	if addSpecial {
		ids = append(ids, t.prefix...)
	}
	var s symbols
	word := func(p piece) { ids = t.model.appendWord(ids, &s, p.text) }
	token := func(id int) { ids = append(ids, id) }
	t.added.raw.each(piece{text, true}, token, func(p piece) {
		p.text = t.normalize(p.text)
		t.added.normalized.each(p, token, func(p piece) { t.split(p, word) })
	})
	if addSpecial {
		ids = append(ids, t.suffix...)
	}
	return ids
}

// Decode returns the text of ids, special tokens included. An id the
// vocabulary does not have is left out, as the reference does.
func (t *Tokenizer) Decode(ids []int) string {
	return t.text(ids, false)
}

// DecodeSkipSpecial is Decode without the special tokens.
func (t *Tokenizer) DecodeSkipSpecial(ids []int) string {
	return t.text(ids, true)
}

func (t *Tokenizer) text(ids []int, skipSpecial bool) string {
	parts := make([]string, 0, len(ids))
	for _, id := range ids {
		token, ok := t.added.texts[id]
		if !ok {
			token, ok = t.Token(id)
		}
		if ok && !(skipSpecial && t.added.special[token]) {
			parts = append(parts, token)
		}
	}
	return strings.Join(t.decode(parts), "")
}

// ID returns the id of a token, written as the vocabulary writes it.
func (t *Tokenizer) ID(token string) (int, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Token returns the token of an id, written as the vocabulary writes it.
func (t *Tokenizer) Token(id int) (string, bool) {
	if id < 0 || id >= len(t.tokens) {
		return "", false
	}
	token := t.tokens[id]
	known, ok := t.ids[token]
	return token, ok && known == id
}

// VocabSize returns one more than the largest id, added tokens included.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// JSON returns a tokenizer.json of the same behaviour: the bytes it was read
// from, or, for a vocabulary from GGUF, the ones it is turned into.
func (t *Tokenizer) JSON() ([]byte, error) { return t.json() }
