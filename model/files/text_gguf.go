package files

import "cmp"

// readGGUFText reads the stop tokens, the special tokens and the chat template
// of a GGUF file.
func (m *Model) readGGUFText() error {
	meta := &metadata{where: m.path, values: m.gguf.values}
	m.ChatTemplate = lookup(meta, "tokenizer.chat_template", "a string", "")
	tokens := lookup[[]string](meta, "tokenizer.ggml.tokens", "a list of strings", nil)
	m.SpecialTokens = make(map[string]string)
	for _, s := range []struct{ name, key string }{
		{"bos_token", "bos"}, {"eos_token", "eos"}, {"unk_token", "unknown"}, {"pad_token", "padding"},
		{"sep_token", "seperator"}, // sic
	} {
		key := "tokenizer.ggml." + s.key + "_token_id"
		id := meta.integer(key, -1)
		switch {
		case id < 0:
		case id < len(tokens):
			m.SpecialTokens[s.name] = tokens[id]
		case tokens != nil:
			meta.fail(key, "%d is not below the number of tokens %d", id, len(tokens))
		}
	}
	for _, key := range []string{"eos", "eot", "eom"} { // the end of text, of turn, of message
		key = "tokenizer.ggml." + key + "_token_id"
		if !meta.has(key) {
			continue
		}
		if err := m.addStop(m.path+": metadata: "+key, meta.integer(key, -1)); err != nil {
			return cmp.Or(meta.err, err)
		}
	}
	return meta.err
}
