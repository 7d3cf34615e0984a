package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// maxID bounds the ids, so that a corrupt file cannot ask for a table of any size.
const maxID = 1 << 24

// tokenizerFile is a tokenizer.json.
type tokenizerFile struct {
	Version       string          `json:"version"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         *modelFile      `json:"model"`
}

// Parse reads the contents of a tokenizer.json. It keeps data. Its errors name
// the component and the place in the file.
func Parse(data []byte) (*Tokenizer, error) {
	var f tokenizerFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %w", err)
	}
	if f.Model == nil {
		return nil, errors.New("not a tokenizer.json: it has no model")
	}
	t, err := f.tokenizer()
	if err != nil {
		return nil, err
	}
	t.json = func() ([]byte, error) { return data, nil }
	return t, nil
}

// tokenizer makes the tokenizer that the file describes.
func (f *tokenizerFile) tokenizer() (*Tokenizer, error) {
	t := &Tokenizer{}
	if err := t.readComponents(f); err != nil {
		return nil, err
	}
	if err := t.index(f.Model.Vocab, f.AddedTokens); err != nil {
		return nil, err
	}
	t.added = newAddedTokens(f.AddedTokens, t.normalize)
	return t, nil
}

func (t *Tokenizer) readComponents(f *tokenizerFile) error {
	c, err := newComponent("normalizer", f.Normalizer)
	if err == nil {
		t.normalize, err = newNormalizer(c)
	}
	if err != nil {
		return err
	}
	var byteLevel bool
	if c, err = newComponent("pre_tokenizer", f.PreTokenizer); err == nil {
		t.split, byteLevel, err = newSplitter(c)
	}
	if err != nil {
		return err
	}
	if c, err = newComponent("post_processor", f.PostProcessor); err == nil {
		err = t.readPostProcessor(c)
	}
	if err != nil {
		return err
	}
	if c, err = newComponent("decoder", f.Decoder); err == nil {
		t.decode, err = newDecoder(c)
	}
	if err != nil {
		return err
	}
	if t.model, err = newBPE(f.Model, byteLevel); err != nil {
		return fmt.Errorf("model.%w", err)
	}
	return nil
}

// index fills the tables of tokens from the vocabulary and the added tokens.
func (t *Tokenizer) index(vocab map[string]int, added []addedToken) error {
	if t.registerAll(vocab, maps.Keys(vocab)) != nil { // of several faults, the first is told
		if err := t.registerAll(vocab, slices.Values(slices.Sorted(maps.Keys(vocab)))); err != nil {
			return fmt.Errorf("model.vocab: %w", err)
		}
	}
	for i, token := range added {
		if err := t.register(token.Content, token.ID); err != nil {
			return fmt.Errorf("added_tokens[%d]: %w", i, err)
		}
	}
	return nil
}

func (t *Tokenizer) registerAll(vocab map[string]int, tokens iter.Seq[string]) error {
	t.ids, t.tokens = make(map[string]int, len(vocab)), make([]string, 0, len(vocab))
	for token := range tokens {
		if err := t.register(token, vocab[token]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tokenizer) register(token string, id int) error {
	if id < 0 || id > maxID {
		return fmt.Errorf("the id %d of %q is not in 0 to %d", id, token, maxID)
	}
	if known, ok := t.ids[token]; ok && known != id {
		return fmt.Errorf("%q has the id %d and the id %d", token, known, id)
	}
	if owner, ok := t.Token(id); ok && owner != token {
		return fmt.Errorf("the id %d is that of %q and of %q", id, owner, token)
	}
	for len(t.tokens) <= id {
		t.tokens = append(t.tokens, "")
	}
	t.tokens[id] = token
	t.ids[token] = id
	return nil
}

// mergeFile is a merge, written ["a", "b"] or, in older files, "a b".
type mergeFile [2]string

// UnmarshalJSON reads either way of writing.
func (m *mergeFile) UnmarshalJSON(data []byte) error {
	var names []string
	if data[0] == '[' {
		if err := json.Unmarshal(data, &names); err != nil {
			return err
		}
	} else {
		var line string
		if err := json.Unmarshal(data, &line); err != nil {
			return err
		}
		names = strings.Split(line, " ")
	}
	if len(names) != 2 {
		return fmt.Errorf("a merge must have two tokens, not %q", names)
	}
	*m = mergeFile(names)
	return nil
}
