package tokenizer

import (
	"testing"
	"unicode/utf8"
)

// FuzzEncode checks that nothing panics, that ids are of the vocabulary, and
// that a byte-level tokenizer without normalizer loses nothing.
func FuzzEncode(f *testing.F) {
	for _, text := range []string{"", "Hello, world's  \r\n x", "\xff\xfe", "<|im_start|>'ſ 数学 \u0301\u0301 ①½", "<s>▁<0x41>"} {
		f.Add(text, uint16(7))
	}
	var all []*Tokenizer
	for _, name := range []string{"smollm-style", "llama3-style", "qwen2-style", "llama2-style"} {
		all = append(all, load(f, name+".json"))
	}
	f.Fuzz(func(t *testing.T, text string, id uint16) {
		for i, tok := range all {
			ids := tok.Encode(text, true)
			for _, id := range ids {
				if _, ok := tok.Token(id); !ok {
					t.Errorf("tokenizer %d: %q has the id %d", i, text, id)
				}
			}
			if back := tok.Decode(ids); i < 2 && utf8.ValidString(text) && back != text {
				t.Errorf("tokenizer %d: %q comes back as %q", i, text, back)
			}
			tok.DecodeSkipSpecial(append(ids, int(id)))
		}
	})
}

// FuzzParse checks that a broken file is an error and no panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"added_tokens":[{"id":3,"content":"<x>","lstrip":true,"normalized":true}],"normalizer":{"type":"Prepend","prepend":"_"},` +
		`"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"a|b+"},"behavior":"MergedWithNext"},{"type":"ByteLevel"}]},` +
		`"decoder":{"type":"Sequence","decoders":[{"type":"Metaspace","replacement":"_"},{"type":"Strip","content":" ","start":1}]},` +
		`"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"],"unk_token":"a","byte_fallback":true}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := Parse(data); err == nil {
			tok.Decode(tok.Encode("ab <x> é", true))
		}
	})
}
