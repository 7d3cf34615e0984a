package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// metaspace is SentencePiece's way with spaces: each becomes a visible
// character, and one is put before the text, so that a word is written alike
// at the start and inside.
type metaspace struct {
	Replacement    string
	PrependScheme  string `json:"prepend_scheme"`   // always, first or never
	AddPrefixSpace *bool  `json:"add_prefix_space"` // older files: false is never
	Split          *bool
}

func readMetaspace(c component) (metaspace, error) {
	m := metaspace{PrependScheme: "always"}
	if err := c.read(&m); err != nil {
		return m, err
	}
	if utf8.RuneCountInString(m.Replacement) != 1 {
		return m, c.errorf("replacement %q must be one character", m.Replacement)
	}
	if m.AddPrefixSpace != nil && !*m.AddPrefixSpace {
		m.PrependScheme = "never"
	}
	switch m.PrependScheme {
	case "always", "first", "never":
		return m, nil
	}
	return m, c.errorf("prepend_scheme %q is not supported (supported: always, first, never)", m.PrependScheme)
}

func newMetaspace(c component) (splitter, error) {
	m, err := readMetaspace(c)
	if err != nil {
		return nil, err
	}
	words := regrouped(mergedWithNext)(literal(m.Replacement), false)
	return func(p piece, emit func(piece)) {
		p.text = strings.ReplaceAll(p.text, " ", m.Replacement)
		prepend := m.PrependScheme == "always" || m.PrependScheme == "first" && p.first
		if prepend && !strings.HasPrefix(p.text, m.Replacement) {
			p.text = m.Replacement + p.text
		}
		if m.Split != nil && !*m.Split {
			emit(p)
		} else {
			words(p, emit)
		}
	}, nil
}

func newMetaspaceDecoder(c component) (decoder, error) {
	m, err := readMetaspace(c)
	if err != nil {
		return nil, err
	}
	return func(tokens []string) []string {
		for i := range tokens {
			space := " "
			if i == 0 && m.PrependScheme != "never" {
				space = ""
			}
			tokens[i] = strings.ReplaceAll(tokens[i], m.Replacement, space)
		}
		return tokens
	}, nil
}
