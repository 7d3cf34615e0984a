package tokenizer

import "unicode/utf8"

// The byte alphabet of GPT-2 (bytes_to_unicode in its encoder.py): printable
// Latin-1 characters stand for themselves, the other bytes, in order, for the
// characters from U+0100 on.
var (
	byteToRune [256]rune
	runeToByte [0x100 + 68]int // the byte a character stands for, or none
)

func init() {
	for r := range runeToByte {
		runeToByte[r] = none
	}
	next := rune(0x100)
	for b := range rune(256) {
		r := b
		if b < '!' || b > '~' && b < 0xA1 || b == 0xAD {
			r = next
			next++
		}
		byteToRune[b] = r
		runeToByte[r] = int(b)
	}
}

// appendRaw appends the bytes that a byte-level token stands for. It returns
// false, and nothing appended, if a character is not of the alphabet.
func appendRaw(raw []byte, token string) ([]byte, bool) {
	before := len(raw)
	for i, n := 0, 0; i < len(token); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(token[i:])
		if int(r) >= len(runeToByte) || runeToByte[r] == none {
			return raw[:before], false
		}
		raw = append(raw, byte(runeToByte[r]))
	}
	return raw, true
}
