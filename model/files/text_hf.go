package files

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// The files of a Hugging Face directory beside config.json and the weights.
const (
	configFile        = "config.json"
	generationFile    = "generation_config.json"
	tokenizerFile     = "tokenizer.json"
	tokenizerConfig   = "tokenizer_config.json"
	specialTokensFile = "special_tokens_map.json"
	templateFile      = "chat_template.jinja"
)

// specialNames are the single tokens a chat template may name, as in
// transformers' SPECIAL_TOKENS_ATTRIBUTES.
var specialNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// hfText is what the small files of a Hugging Face directory hold; an absent
// file has no fields. They are kept for Save.
type hfText struct {
	config, generation, tokenizer, special *object

	template string // of chat_template.jinja
}

// readText reads the stop tokens, the special tokens and the chat template of
// a Hugging Face directory. Each of its files may be absent.
func (m *Model) readText() (err error) {
	t := &m.hf
	for _, f := range []struct {
		name string
		into **object
	}{{generationFile, &t.generation}, {tokenizerConfig, &t.tokenizer}, {specialTokensFile, &t.special}} {
		if *f.into, err = readObject(filepath.Join(m.path, f.name)); errors.Is(err, fs.ErrNotExist) {
			*f.into, err = &object{}, nil
		}
		if err != nil {
			return err
		}
	}
	data, err := os.ReadFile(filepath.Join(m.path, templateFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	t.template = string(data)
	m.ChatTemplate = cmp.Or(t.template, t.tokenizer.template())
	m.SpecialTokens = make(map[string]string)
	for _, name := range specialNames {
		if token := cmp.Or(t.tokenizer.token(name), t.special.token(name)); token != "" {
			m.SpecialTokens[name] = token
		}
	}
	if err := m.addStop(t.config.where+": eos_token_id", m.Config.EOS...); err != nil {
		return err
	}
	if err := m.addStop(t.generation.where+": eos_token_id", t.generation.integers("eos_token_id")...); err != nil {
		return err
	}
	if err := cmp.Or(t.generation.err, t.tokenizer.err, t.special.err); err != nil {
		return err
	}
	if eos, ok := m.SpecialTokens["eos_token"]; ok {
		return m.stopAt(eos)
	}
	return nil
}

// template reads the chat_template of a tokenizer_config.json: a string, or a
// list of named ones, of which transformers takes the one called default.
func (o *object) template() string {
	if !o.has("chat_template") {
		return ""
	}
	var one string
	if json.Unmarshal(o.fields["chat_template"], &one) == nil {
		return one
	}
	var named []struct{ Name, Template string }
	o.get("chat_template", "a string or a list of {name, template}", &named)
	for _, t := range named {
		if t.Name == "default" {
			return t.Template
		}
	}
	return ""
}

// addedToken is a token as tokenizer_config.json describes it.
type addedToken struct {
	ID      int    `json:"id"`
	Content string `json:"content"`
}

// token reads a token that is written as a string or as {"content": …}.
func (o *object) token(key string) string {
	if !o.has(key) {
		return ""
	}
	var one string
	if json.Unmarshal(o.fields[key], &one) == nil {
		return one
	}
	var token addedToken
	o.get(key, `a string or {"content": …}`, &token)
	return token.Content
}

// stopAt adds the id of a token to Stop. The id is looked for where it is
// cheap to find, so that opening a model does not build its tokenizer.
func (m *Model) stopAt(token string) error {
	added := make(map[string]addedToken)
	m.hf.tokenizer.get("added_tokens_decoder", "an object of tokens", &added)
	if err := m.hf.tokenizer.err; err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(added)) {
		if added[id].Content == token {
			var n int
			if err := json.Unmarshal([]byte(id), &n); err != nil {
				return fmt.Errorf("%s: added_tokens_decoder: %q is not an id", m.hf.tokenizer.where, id)
			}
			return m.addStop(m.hf.tokenizer.where+": added_tokens_decoder", n)
		}
	}
	path := filepath.Join(m.path, tokenizerFile)
	id, err := idIn(path, token)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // only Tokenizer needs one
	}
	if err != nil {
		return err
	}
	return m.addStop(fmt.Sprintf("%s: the eos_token %q", path, token), id)
}

// idIn finds the id of a token in a tokenizer.json: among the added tokens, or
// else in the vocabulary.
func idIn(path, token string) (int, error) {
	o, err := readObject(path)
	if err != nil {
		return 0, err
	}
	var added []addedToken
	o.get("added_tokens", "a list of tokens", &added)
	if o.err != nil {
		return 0, o.err
	}
	for _, t := range added {
		if t.Content == token {
			return t.ID, nil
		}
	}
	var vocab map[string]int // a Unigram model has a list, where no eos_token is but an added one
	if raw := o.object("model").fields["vocab"]; json.Unmarshal(raw, &vocab) == nil {
		if id, ok := vocab[token]; ok {
			return id, nil
		}
	}
	return 0, fmt.Errorf("%s: holds no token %q, the eos_token of %s", path, token, tokenizerConfig)
}
