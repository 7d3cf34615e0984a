package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unicodeForm returns the normalizer of a Unicode normalization form.
//
// x/text breaks runs of more than 30 combining characters by inserting U+034F
// (the Stream-Safe Text Process of UAX 15); the reference does not. So text
// with long runs goes the slow way below.
func unicodeForm(form norm.Form) normalizer {
	return func(text string) string {
		if hasLongRun(text) {
			return normalizeLong(form, text)
		}
		return form.String(text)
	}
}

// A mark may decompose into two, and the character before a run may end in
// two more.
const longRun = 14

func hasLongRun(text string) bool {
	marks := 0
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf || !unicode.IsMark(r):
			marks = 0
		case marks == longRun:
			return true
		default:
			marks++
		}
	}
	return false
}

// normalizeLong normalizes by the definition: decompose, order, compose.
func normalizeLong(form norm.Form, text string) string {
	apart, compose := form, false
	switch form {
	case norm.NFC:
		apart, compose = norm.NFD, true
	case norm.NFKC:
		apart, compose = norm.NFKD, true
	}
	var b strings.Builder
	for _, r := range text {
		b.WriteString(apart.String(string(r)))
	}
	runes := []rune(b.String())
	for start := 0; start < len(runes); {
		end := start + 1
		for combining(runes[start]) > 0 && end < len(runes) && combining(runes[end]) > 0 {
			end++
		}
		slices.SortStableFunc(runes[start:end], func(a, b rune) int { return int(combining(a)) - int(combining(b)) })
		start = end
	}
	if compose {
		runes = composed(runes)
	}
	return string(runes)
}

// combining returns the canonical combining class.
func combining(r rune) uint8 {
	if r < 0x300 {
		return 0
	}
	return norm.NFD.PropertiesString(string(r)).CCC()
}

// composed joins characters with the starters before them (UAX 15, D117).
func composed(runes []rune) []rune {
	var out []rune
	starter, before := none, uint8(0)
	for _, r := range runes {
		class := combining(r)
		if starter != none && (starter == len(out)-1 || before < class) {
			if joined := []rune(norm.NFC.String(string([]rune{out[starter], r}))); len(joined) == 1 {
				out[starter] = joined[0]
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		before = class
		out = append(out, r)
	}
	return out
}
