package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// sentencePiece fills in what a SentencePiece model means: spaces are U+2581,
// one is put before the text, and what the vocabulary lacks falls back to
// bytes.
func (v Vocab) sentencePiece(f *tokenizerFile) error {
	if len(v.Scores) != len(v.Tokens) {
		return fmt.Errorf("scores: there are %d, but %d tokens", len(v.Scores), len(v.Tokens))
	}
	if v.UNK >= 0 && v.UNK < len(v.Tokens) {
		f.Model.UnkToken = &v.Tokens[v.UNK]
	}
	f.Model.FuseUnk, f.Model.ByteFallback = true, true
	f.Model.Merges = v.mergesOfScores(f.Model.Vocab)
	spaces := `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`
	words := `{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}`
	if !v.NoSpacePrefix {
		spaces = `{"type":"Prepend","prepend":"▁"},` + spaces
		words += `,{"type":"Strip","content":" ","start":1,"stop":0}`
	}
	f.Normalizer = json.RawMessage(`{"type":"Sequence","normalizers":[` + spaces + `]}`)
	f.Decoder = json.RawMessage(`{"type":"Sequence","decoders":[` + words + `]}`)
	return nil
}

// mergesOfScores lists the merges that SentencePiece makes, which has no list:
// it joins the neighbours whose join is the token with the highest score. So
// each way to cut a token in two is a merge of that score (as
// generate_merges in transformers' convert_slow_tokenizer.py has it).
func (v Vocab) mergesOfScores(vocab map[string]int) []mergeFile {
	type cut struct{ token, left, right int }
	var cuts []cut
	for id, token := range v.Tokens {
		if v.tokenType(id) != tokenNormal {
			continue
		}
		first := len(cuts)
		for i := range token {
			left, isToken := vocab[token[:i]]
			if !isToken {
				continue
			}
			if right, isToken := vocab[token[i:]]; isToken {
				cuts = append(cuts, cut{id, left, right})
			}
		}
		slices.SortFunc(cuts[first:], func(a, b cut) int {
			return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right))
		})
	}
	length := func(id int) int { return utf8.RuneCountInString(v.Tokens[id]) }
	slices.SortStableFunc(cuts, func(a, b cut) int {
		return cmp.Or(
			cmp.Compare(v.Scores[b.token], v.Scores[a.token]),
			cmp.Compare(length(b.left), length(a.left)),
			cmp.Compare(length(b.right), length(a.right)),
		)
	})
	merges := make([]mergeFile, len(cuts))
	for i, c := range cuts {
		merges[i] = mergeFile{v.Tokens[c.left], v.Tokens[c.right]}
	}
	return merges
}
