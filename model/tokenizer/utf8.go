package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// toValid replaces what is not UTF-8 as the Unicode standard recommends (3.9,
// "U+FFFD Substitution of Maximal Subparts") and as Rust's from_utf8_lossy
// does: one U+FFFD for each start of a character that breaks off. Go's own
// conversions replace each byte, or a whole run at once.
func toValid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = brokenLength(s)
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// brokenLength returns how many bytes at the start of s begin a character that
// is not completed (table 3-7 of the standard), at least one.
func brokenLength(s string) int {
	low, high, more := byte(0x80), byte(0xBF), 0
	switch b := s[0]; {
	case b >= 0xC2 && b <= 0xDF:
		more = 1
	case b == 0xE0:
		more, low = 2, 0xA0
	case b == 0xED:
		more, high = 2, 0x9F
	case b >= 0xE1 && b <= 0xEF:
		more = 2
	case b == 0xF0:
		more, low = 3, 0x90
	case b >= 0xF1 && b <= 0xF3:
		more = 3
	case b == 0xF4:
		more, high = 3, 0x8F
	}
	n := 1
	for n <= more && n < len(s) && low <= s[n] && s[n] <= high {
		low, high = 0x80, 0xBF
		n++
	}
	return n
}
