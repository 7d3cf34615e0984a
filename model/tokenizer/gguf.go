package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// Vocab is a vocabulary as GGUF keeps it, under tokenizer.ggml.*
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
type Vocab struct {
	Model          string    // gpt2: byte-level BPE; llama: SentencePiece BPE
	Pre            string    // how gpt2 splits text: smollm, qwen2, deepseek-r1-qwen, llama-bpe (also llama3, llama-v3)
	Tokens         []string  // by id
	TokenTypes     []int32   // by id, see tokenNormal and the others; nil: all normal
	Merges         []string  // gpt2: "left right", in order
	Scores         []float32 // llama: by id, the higher merges first
	BOS, EOS, UNK  int       // ids, or -1
	AddBOS, AddEOS bool      // whether a text is put between BOS and EOS
	NoSpacePrefix  bool      // llama: add_space_prefix is there and false
}

// Token types of GGUF.
const (
	tokenNormal = iota + 1
	tokenUnknown
	tokenControl
	tokenUserDefined
	tokenUnused
	tokenByte
)

// FromGGUF turns a vocabulary from a GGUF file into what the tokenizer.json
// held that the model was converted from, as far as GGUF keeps it, and makes
// its tokenizer. Control tokens become special added tokens, user-defined ones
// plain added tokens; unused ones (padding) are left out.
func FromGGUF(v Vocab) (*Tokenizer, error) {
	f, err := v.file()
	if err != nil {
		return nil, fmt.Errorf("tokenizer.ggml.%w", err)
	}
	t, err := f.tokenizer()
	if err != nil {
		return nil, fmt.Errorf("tokenizer.ggml: %w", err)
	}
	t.json = sync.OnceValues(f.encode)
	return t, nil
}

// encode is the file's contents.
func (f *tokenizerFile) encode() ([]byte, error) {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(f)
	return data.Bytes(), err
}

func (v Vocab) file() (*tokenizerFile, error) {
	f := &tokenizerFile{Version: "1.0", Model: &modelFile{Type: "BPE"}}
	var err error
	if f.Model.Vocab, f.AddedTokens, err = v.tokens(); err != nil {
		return nil, err
	}
	if f.PostProcessor, err = v.template(); err != nil {
		return nil, err
	}
	switch v.Model {
	case "gpt2":
		err = v.byteLevel(f)
	case "llama":
		err = v.sentencePiece(f)
	default:
		err = fmt.Errorf("model: %q is not supported (supported: gpt2, llama)", v.Model)
	}
	return f, err
}

func (v Vocab) tokenType(id int) int32 {
	if v.TokenTypes == nil {
		return tokenNormal
	}
	return v.TokenTypes[id]
}

func (v Vocab) tokens() (map[string]int, []addedToken, error) {
	if v.TokenTypes != nil && len(v.TokenTypes) != len(v.Tokens) {
		return nil, nil, fmt.Errorf("token_type: there are %d, but %d tokens", len(v.TokenTypes), len(v.Tokens))
	}
	vocab := make(map[string]int, len(v.Tokens))
	added := []addedToken{}
	for id, token := range v.Tokens {
		kind := v.tokenType(id)
		if kind == tokenUnused {
			continue
		}
		if !utf8.ValidString(token) {
			return nil, nil, fmt.Errorf("tokens[%d]: %q is not UTF-8", id, token)
		}
		if other, ok := vocab[token]; ok {
			return nil, nil, fmt.Errorf("tokens: %q is there twice, as %d and %d", token, other, id)
		}
		vocab[token] = id
		switch kind {
		case tokenUserDefined:
			added = append(added, addedToken{ID: id, Content: token})
		case tokenControl, tokenUnknown:
			added = append(added, addedToken{ID: id, Content: token, Special: true})
		}
	}
	return vocab, added, nil
}

// template returns the post-processor that adds BOS and EOS, or null.
func (v Vocab) template() (json.RawMessage, error) {
	type object = map[string]any
	specials := object{}
	special := func(key string, add bool, id, text int) ([]any, error) {
		if !add {
			return nil, nil
		}
		if id < 0 || id >= len(v.Tokens) {
			return nil, fmt.Errorf("add_%s_token is set, but %s_token_id is %d of %d tokens", key, key, id, len(v.Tokens))
		}
		token := v.Tokens[id]
		specials[token] = object{"id": token, "ids": []int{id}, "tokens": []string{token}}
		return []any{object{"SpecialToken": object{"id": token, "type_id": text}}}, nil
	}
	var templates [2][]any
	for text, name := range []string{"A", "B"} {
		before, err := special("bos", v.AddBOS, v.BOS, text)
		if err != nil {
			return nil, err
		}
		after, err := special("eos", v.AddEOS, v.EOS, text)
		if err != nil {
			return nil, err
		}
		sequence := object{"Sequence": object{"id": name, "type_id": text}}
		templates[text] = append(append(before, sequence), after...)
	}
	if len(specials) == 0 {
		return nil, nil
	}
	return json.Marshal(object{
		"type":           "TemplateProcessing",
		"single":         templates[0],
		"pair":           append(templates[0][:len(templates[0]):len(templates[0])], templates[1]...),
		"special_tokens": specials,
	})
}

// byteLevel fills in what the pre-tokenizer's name stands for.
func (v Vocab) byteLevel(f *tokenizerFile) error {
	splitOn := func(pattern string) string {
		quoted, _ := json.Marshal(pattern) // a string always encodes
		return `{"type":"Split","pattern":{"Regex":` + string(quoted) + `},"behavior":"Isolated","invert":false}`
	}
	digits := `{"type":"Digits","individual_digits":true}`
	var words string
	gpt2 := false
	switch v.Pre {
	case "smollm":
		words, gpt2 = digits, true
	case "qwen2":
		words = splitOn(qwen2Pattern)
		f.Normalizer = json.RawMessage(`{"type":"NFC"}`)
	case "deepseek-r1-qwen":
		words = splitOn(qwen2Pattern)
	case "llama-bpe", "llama3", "llama-v3":
		words = splitOn(llama3Pattern)
		f.Model.IgnoreMerges = true
	default:
		return fmt.Errorf("pre: %q is not supported (supported: smollm, qwen2, deepseek-r1-qwen, llama-bpe)", v.Pre)
	}
	bytes := fmt.Sprintf(`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":%t}`, gpt2)
	f.PreTokenizer = json.RawMessage(`{"type":"Sequence","pretokenizers":[` + words + `,` + bytes + `]}`)
	f.Decoder = json.RawMessage(`{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}`)
	f.Model.Merges = make([]mergeFile, len(v.Merges))
	for i, line := range v.Merges {
		left, right, ok := strings.Cut(line, " ")
		if !ok {
			return fmt.Errorf("merges[%d]: %q must be two tokens and a space between them", i, line)
		}
		f.Model.Merges[i] = mergeFile{left, right}
	}
	return nil
}
