package tokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// bpe is the model: it turns one word into ids by merging neighbours in the
// order of the merges' ranks.
type bpe struct {
	ids       map[string]int
	merges    *mergeTable
	byteLevel bool           // words are raw bytes, the vocabulary is in the byte alphabet
	byteIDs   [256]int       // byte level: id of each byte, or none
	asciiIDs  [128]int       // otherwise: id of each ASCII character, or none
	fallback  *[256]int      // byte_fallback: ids of <0x00> to <0xFF>, or none
	whole     map[string]int // ignore_merges: ids of raw words
	unk       int
	fuseUnk   bool
}

const none = -1

// modelFile is the model of a tokenizer.json.
type modelFile struct {
	Type                    string         `json:"type"`
	Dropout                 *float64       `json:"dropout"`
	UnkToken                *string        `json:"unk_token"`
	ContinuingSubwordPrefix *string        `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string        `json:"end_of_word_suffix"`
	FuseUnk                 bool           `json:"fuse_unk"`
	ByteFallback            bool           `json:"byte_fallback"`
	IgnoreMerges            bool           `json:"ignore_merges"`
	Vocab                   map[string]int `json:"vocab"`
	Merges                  []mergeFile    `json:"merges"`
}

func newBPE(f *modelFile, byteLevel bool) (*bpe, error) {
	if err := f.refuse(); err != nil {
		return nil, err
	}
	m := &bpe{ids: f.Vocab, merges: newMergeTable(len(f.Merges)), byteLevel: byteLevel, unk: none, fuseUnk: f.FuseUnk}
	if f.UnkToken != nil {
		m.unk = m.id(*f.UnkToken)
		if m.unk == none {
			return nil, fmt.Errorf("unk_token: %q is not in the vocabulary", *f.UnkToken)
		}
	}
	for rank, names := range f.Merges {
		left, right, merged := m.id(names[0]), m.id(names[1]), m.id(names[0]+names[1])
		if left == none || right == none || merged == none {
			return nil, fmt.Errorf("merges[%d]: %q, %q or their join is not in the vocabulary", rank, names[0], names[1])
		}
		m.merges.set(int32(left), int32(right), merge{int32(rank), int32(merged)})
	}
	for b := range m.byteIDs {
		m.byteIDs[b] = m.id(string(byteToRune[b]))
	}
	for b := range m.asciiIDs {
		m.asciiIDs[b] = m.id(string(rune(b)))
	}
	if f.ByteFallback {
		m.fallback = new([256]int)
		for b := range m.fallback {
			m.fallback[b] = m.id(fmt.Sprintf("<0x%02X>", b))
		}
	}
	if f.IgnoreMerges {
		m.whole = m.rawWords()
	}
	return m, nil
}

func (f *modelFile) refuse() error {
	switch {
	case f.Type != "" && f.Type != "BPE":
		return fmt.Errorf("type: %q is not supported (supported: BPE)", f.Type)
	case f.Vocab == nil:
		return errors.New("vocab: missing")
	case f.Merges == nil:
		return errors.New("merges: missing")
	case f.Dropout != nil && *f.Dropout != 0:
		return fmt.Errorf("dropout: %v is not supported (supported: null)", *f.Dropout)
	case f.ContinuingSubwordPrefix != nil && *f.ContinuingSubwordPrefix != "":
		return fmt.Errorf("continuing_subword_prefix: %q is not supported (supported: null)", *f.ContinuingSubwordPrefix)
	case f.EndOfWordSuffix != nil && *f.EndOfWordSuffix != "":
		return fmt.Errorf("end_of_word_suffix: %q is not supported (supported: null)", *f.EndOfWordSuffix)
	}
	return nil
}

func (m *bpe) id(token string) int {
	if id, ok := m.ids[token]; ok {
		return id
	}
	return none
}

// rawWords returns the vocabulary by the text its tokens stand for.
func (m *bpe) rawWords() map[string]int {
	if !m.byteLevel {
		return m.ids
	}
	words := make(map[string]int, len(m.ids))
	for token, id := range m.ids {
		if raw, ok := appendRaw(nil, token); ok {
			words[string(raw)] = id
		}
	}
	return words
}

// appendWord appends the ids of a word that is not empty.
func (m *bpe) appendWord(ids []int, s *symbols, word string) []int {
	if id, ok := m.whole[word]; ok {
		return append(ids, id)
	}
	s.reset()
	if m.byteLevel {
		m.addBytes(s, word)
	} else {
		m.addRunes(s, word)
	}
	s.merge(m.merges)
	return s.appendTo(ids)
}

func (m *bpe) addBytes(s *symbols, word string) {
	unk := 0
	for i := 0; i < len(word); i++ {
		if id := m.byteIDs[word[i]]; id != none {
			unk = m.flushUnk(s, unk)
			s.add(id)
		} else {
			unk = m.addUnknown(s, string(byteToRune[word[i]]), unk)
		}
	}
	m.flushUnk(s, unk)
}

func (m *bpe) addRunes(s *symbols, word string) {
	unk := 0
	for i, n := 0, 0; i < len(word); i += n {
		id := none
		if n = 1; word[i] < utf8.RuneSelf {
			id = m.asciiIDs[word[i]]
		} else {
			_, n = utf8.DecodeRuneInString(word[i:])
			id = m.id(word[i : i+n])
		}
		if id != none {
			unk = m.flushUnk(s, unk)
			s.add(id)
		} else {
			unk = m.addUnknown(s, word[i:i+n], unk)
		}
	}
	m.flushUnk(s, unk)
}

// addUnknown adds a character the vocabulary lacks: as its bytes, if it has
// all of them, or as the unknown token. Unknown tokens wait in unk (0 or 1)
// for the next known one; bytes overtake them. That order is the reference's
// (merge_word in models/bpe/model.rs).
func (m *bpe) addUnknown(s *symbols, char string, unk int) int {
	if m.fallback != nil && m.addFallback(s, char) {
		return unk
	}
	if m.unk == none {
		return 0
	}
	if !m.fuseUnk {
		m.flushUnk(s, unk)
	}
	return 1
}

func (m *bpe) addFallback(s *symbols, char string) bool {
	for i := 0; i < len(char); i++ {
		if m.fallback[char[i]] == none {
			return false
		}
	}
	for i := 0; i < len(char); i++ {
		s.add(m.fallback[char[i]])
	}
	return true
}

func (m *bpe) flushUnk(s *symbols, unk int) int {
	if unk > 0 {
		s.add(m.unk)
	}
	return 0
}
