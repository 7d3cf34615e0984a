package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a piece of text before it is split into words.
type normalizer func(text string) string

func newNormalizer(c component) (normalizer, error) {
	switch c.Type {
	case "":
		return func(text string) string { return text }, nil
	case "Sequence":
		return newNormalizerSequence(c)
	case "NFC":
		return unicodeForm(norm.NFC), nil
	case "NFD":
		return unicodeForm(norm.NFD), nil
	case "NFKC":
		return unicodeForm(norm.NFKC), nil
	case "NFKD":
		return unicodeForm(norm.NFKD), nil
	case "Prepend":
		var f struct{ Prepend string }
		if err := c.read(&f); err != nil {
			return nil, err
		}
		return func(text string) string {
			if text == "" {
				return ""
			}
			return f.Prepend + text
		}, nil
	case "Replace":
		return newReplace(c)
	}
	return nil, c.unsupported("Sequence", "NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace")
}

func newNormalizerSequence(c component) (normalizer, error) {
	parts, err := c.list("normalizers")
	if err != nil {
		return nil, err
	}
	steps := make([]normalizer, len(parts))
	for i, part := range parts {
		if steps[i], err = newNormalizer(part); err != nil {
			return nil, err
		}
	}
	return func(text string) string {
		for _, step := range steps {
			text = step(text)
		}
		return text
	}, nil
}

// newReplace reads the component Replace, which is a normalizer and a decoder.
func newReplace(c component) (func(string) string, error) {
	var f struct {
		Pattern patternFile
		Content string
	}
	if err := c.read(&f); err != nil {
		return nil, err
	}
	if f.Pattern.String != nil {
		from := *f.Pattern.String
		return func(text string) string {
			if from == "" {
				return text
			}
			return strings.ReplaceAll(text, from, f.Content)
		}, nil
	}
	match, err := f.Pattern.compile(c)
	if err != nil {
		return nil, err
	}
	return func(text string) string {
		var b strings.Builder
		done := 0
		match(text, func(start, end int) {
			b.WriteString(text[done:start])
			b.WriteString(f.Content)
			done = end
		})
		b.WriteString(text[done:])
		return b.String()
	}, nil
}
