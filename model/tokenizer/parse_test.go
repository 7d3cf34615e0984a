package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestParseRefuses checks that what is not supported is refused by its name
// and place.
func TestParseRefuses(t *testing.T) {
	const model = `"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}`
	for _, c := range []struct{ name, file, want string }{
		{"not JSON", `{`, "not a tokenizer.json"},
		{"no model", `{"model":null}`, "it has no model"},
		{"model", `{"model":{"type":"Unigram","vocab":{},"merges":[]}}`, `model.type: "Unigram" is not supported`},
		{"no vocabulary", `{"model":{"type":"BPE","merges":[]}}`, "model.vocab: missing"},
		{"no merges", `{"model":{"type":"BPE","vocab":{}}}`, "model.merges: missing"},
		{"dropout", `{"model":{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}}`, "model.dropout: 0.1"},
		{"prefix", `{"model":{"continuing_subword_prefix":"##","vocab":{},"merges":[]}}`, `model.continuing_subword_prefix: "##"`},
		{"suffix", `{"model":{"end_of_word_suffix":"</w>","vocab":{},"merges":[]}}`, `model.end_of_word_suffix: "</w>"`},
		{"merge", `{"model":{"vocab":{"a":0},"merges":["a a"]}}`, `model.merges[0]: "a"`},
		{"merge of three", `{"model":{"vocab":{"a":0},"merges":["a a a"]}}`, "a merge must have two tokens"},
		{"unknown token", `{"model":{"unk_token":"?","vocab":{},"merges":[]}}`, `model.unk_token: "?"`},
		{"id", `{"model":{"vocab":{"a":-1},"merges":[]}}`, "model.vocab: the id -1"},
		{"large id", `{"model":{"vocab":{"a":99999999999},"merges":[]}}`, "model.vocab: the id 99999999999"},
		{"same id", `{"model":{"vocab":{"a":0,"b":0},"merges":[]}}`, `the id 0 is that of "a" and of "b"`},
		{"added token", `{"added_tokens":[{"id":5,"content":"a"}],` + model + `}`, `added_tokens[0]: "a" has the id 0 and the id 5`},
		{"normalizer", `{"normalizer":{"type":"Lowercase"},` + model + `}`, `normalizer: type "Lowercase" is not supported`},
		{"normalizer in a sequence", `{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]},` + model + `}`, `normalizer.normalizers[1]: type "Nmt"`},
		{"sequence without list", `{"normalizer":{"type":"Sequence"},` + model + `}`, "normalizer: normalizers must be a list"},
		{"no type", `{"normalizer":{},` + model + `}`, "normalizer: it has no type"},
		{"pattern", `{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<x"},"behavior":"Isolated"},` + model + `}`, `pre_tokenizer: pattern "(?<x" is not supported`},
		{"no pattern", `{"pre_tokenizer":{"type":"Split","pattern":{},"behavior":"Isolated"},` + model + `}`, "pre_tokenizer: pattern must be"},
		{"behavior", `{"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"Joined"},` + model + `}`, `behavior "Joined" is not supported`},
		{"pre-tokenizer", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"UnicodeScripts"}]},` + model + `}`, `pre_tokenizer.pretokenizers[0]: type "UnicodeScripts"`},
		{"ByteLevel first", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]},` + model + `}`, "pre_tokenizer.pretokenizers[0]: ByteLevel is only supported as the last"},
		{"Metaspace", `{"pre_tokenizer":{"type":"Metaspace","replacement":"__"},` + model + `}`, `replacement "__" must be one character`},
		{"prepend_scheme", `{"pre_tokenizer":{"type":"Metaspace","replacement":"_","prepend_scheme":"last"},` + model + `}`, `prepend_scheme "last"`},
		{"post-processor", `{"post_processor":{"type":"BertProcessing"},` + model + `}`, `post_processor: type "BertProcessing"`},
		{"template token", `{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{}},` + model + `}`, `post_processor: single[0]: "<s>" is not in special_tokens`},
		{"template", `{"post_processor":{"type":"TemplateProcessing","single":[],"special_tokens":{}},` + model + `}`, "single must have one Sequence"},
		{"decoder", `{"decoder":{"type":"Sequence","decoders":[{"type":"WordPiece"}]},` + model + `}`, `decoder.decoders[0]: type "WordPiece"`},
		{"strip", `{"decoder":{"type":"Strip","content":"ab","start":1,"stop":0},` + model + `}`, "decoder: content must be one character"},
	} {
		_, err := Parse([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got the error %v, want one line with %q", c.name, err, c.want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "tokenizer.json")) {
		t.Errorf("a directory without tokenizer.json: %v", err)
	}
	data, err := os.ReadFile("testdata/qwen2-style.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tok.JSON(); err != nil || !slices.Equal(got, data) {
		t.Errorf("JSON does not return the bytes of the file (error: %v)", err)
	}
	if id, ok := tok.ID("<|im_end|>"); !ok || id != 2334 {
		t.Errorf("ID of <|im_end|>: %d, %v", id, ok)
	}
	if token, ok := tok.Token(2334); !ok || token != "<|im_end|>" {
		t.Errorf("Token 2334: %q, %v", token, ok)
	}
	if tok.VocabSize() != 2335 {
		t.Errorf("VocabSize %d, want 2335", tok.VocabSize())
	}
	for _, id := range []int{-1, 2335} {
		if token, ok := tok.Token(id); ok {
			t.Errorf("Token %d: %q", id, token)
		}
	}
}

// TestFromGGUFMatchesJSON takes the vectors' tokenizers apart as GGUF keeps
// them and puts them together again.
func TestFromGGUFMatchesJSON(t *testing.T) {
	for name, pre := range map[string]string{"qwen2-style": "qwen2", "llama3-style": "llama-bpe", "smollm-style": "smollm"} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var f tokenizerFile
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		v := Vocab{Model: "gpt2", Pre: pre, BOS: len(f.Model.Vocab), EOS: -1, UNK: -1, AddBOS: true}
		v.Tokens = make([]string, len(f.Model.Vocab)+len(f.AddedTokens)+1)
		v.TokenTypes = make([]int32, len(v.Tokens))
		for token, id := range f.Model.Vocab {
			v.Tokens[id], v.TokenTypes[id] = token, tokenNormal
		}
		for _, token := range f.AddedTokens {
			v.Tokens[token.ID], v.TokenTypes[token.ID] = token.Content, tokenControl
		}
		v.Tokens[len(v.Tokens)-1], v.TokenTypes[len(v.Tokens)-1] = "[PAD]", tokenUnused
		for _, m := range f.Model.Merges {
			v.Merges = append(v.Merges, m[0]+" "+m[1])
		}
		tok, err := FromGGUF(v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkVectors(t, tok, readVectors(t, "testdata/"+name+".cases.jsonl"))
		checkVectors(t, reparsed(t, tok), readVectors(t, "testdata/"+name+".cases.jsonl"))
		if got, want := tok.Encode("a", true), append([]int{v.BOS}, tok.Encode("a", false)...); !slices.Equal(got, want) {
			t.Errorf("%s: with special tokens %v, want %v", name, got, want)
		}
		if _, ok := tok.ID("[PAD]"); ok {
			t.Errorf("%s: an unused token has an id", name)
		}
	}
}

// reparsed is the tokenizer of the tokenizer.json that tok writes.
func reparsed(t *testing.T, tok *Tokenizer) *Tokenizer {
	t.Helper()
	data, err := tok.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestFromGGUFRefuses(t *testing.T) {
	good := Vocab{Model: "gpt2", Pre: "smollm", Tokens: []string{"a", "b"}, BOS: -1, EOS: -1, UNK: -1}
	for _, c := range []struct {
		name   string
		change func(*Vocab)
		want   string
	}{
		{"model", func(v *Vocab) { v.Model = "bert" }, `tokenizer.ggml.model: "bert" is not supported`},
		{"pre", func(v *Vocab) { v.Pre = "dbrx" }, `tokenizer.ggml.pre: "dbrx" is not supported`},
		{"types", func(v *Vocab) { v.TokenTypes = []int32{1} }, "tokenizer.ggml.token_type: there are 1, but 2 tokens"},
		{"same token", func(v *Vocab) { v.Tokens = []string{"a", "a"} }, `tokenizer.ggml.tokens: "a" is there twice, as 0 and 1`},
		{"no UTF-8", func(v *Vocab) { v.Tokens = []string{"a", "\xff"} }, `tokenizer.ggml.tokens[1]: "\xff" is not UTF-8`},
		{"merge", func(v *Vocab) { v.Merges = []string{"ab"} }, `tokenizer.ggml.merges[0]: "ab"`},
		{"merge of unknown", func(v *Vocab) { v.Merges = []string{"a b"} }, `merges[0]: "a", "b" or their join`},
		{"scores", func(v *Vocab) { v.Model = "llama" }, "tokenizer.ggml.scores: there are 0, but 2 tokens"},
		{"bos", func(v *Vocab) { v.AddBOS = true }, "tokenizer.ggml.add_bos_token is set, but bos_token_id is -1"},
	} {
		v := good
		c.change(&v)
		_, err := FromGGUF(v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got the error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestLongRuns encodes words of 100,000 equal characters: merging that is not
// near-linear takes minutes.
func TestLongRuns(t *testing.T) {
	for _, name := range []string{"qwen2-style", "llama2-style"} {
		tok := load(t, name+".json")
		for _, c := range []string{"a", " ", "\u0301", "'", "\n", "ab"} {
			text := strings.Repeat(c, 100_000)
			if got := tok.Decode(tok.Encode(text, false)); got != text {
				t.Errorf("%s: a run of %q does not come back", name, c)
			}
		}
	}
}
