package files

import (
	"fmt"
	"slices"

	"github.com/rlkd/rlkd/model/tokenizer"
)

// Tokenizer returns the model's tokenizer, built at the first call. It works on
// a closed model too.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) { return m.tokenizer() }

func (m *Model) loadTokenizer() (*tokenizer.Tokenizer, error) {
	if m.gguf != nil {
		return m.ggufTokenizer()
	}
	return tokenizer.Load(m.path)
}

// ggufTokenizer builds the tokenizer that a GGUF file describes. Whether a
// text begins with the BOS token is for llama.cpp's own defaults where the
// file does not say it (llama-vocab.cpp, llama_vocab::impl::load).
func (m *Model) ggufTokenizer() (*tokenizer.Tokenizer, error) {
	meta := &metadata{where: m.path, values: m.gguf.values}
	text := func(key string) string { return lookup(meta, "tokenizer.ggml."+key, "a string", "") }
	strings := func(key string) []string {
		return lookup[[]string](meta, "tokenizer.ggml."+key, "a list of strings", nil)
	}
	flag := func(key string, absent bool) bool {
		return lookup(meta, "tokenizer.ggml."+key, "true or false", absent)
	}
	id := func(key string) int { return meta.integer("tokenizer.ggml."+key+"_token_id", -1) }

	v := tokenizer.Vocab{
		Model: text("model"), Pre: text("pre"), Tokens: strings("tokens"), Merges: strings("merges"),
		BOS: id("bos"), EOS: id("eos"), UNK: id("unknown"),
	}
	v.AddBOS = flag("add_bos_token", v.Model == "llama" || slices.Contains([]string{"llama-bpe", "llama3", "llama-v3"}, v.Pre))
	v.AddEOS = flag("add_eos_token", false)
	v.NoSpacePrefix = !flag("add_space_prefix", true)
	for _, t := range lookup[[]int64](meta, "tokenizer.ggml.token_type", "a list of whole numbers", nil) {
		v.TokenTypes = append(v.TokenTypes, int32(t))
	}
	for _, s := range lookup[[]float64](meta, "tokenizer.ggml.scores", "a list of numbers", nil) {
		v.Scores = append(v.Scores, float32(s))
	}
	if len(v.Tokens) == 0 {
		meta.fail("tokenizer.ggml.tokens", "missing: the file holds no tokenizer")
	}
	if meta.err != nil {
		return nil, meta.err
	}
	t, err := tokenizer.FromGGUF(v)
	if err != nil {
		return nil, fmt.Errorf("%s: metadata: %w", m.path, err)
	}
	return t, nil
}
