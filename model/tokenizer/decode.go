package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder turns the tokens of ids into the parts of a text. It may change the
// slice it is given.
type decoder func(tokens []string) []string

func newDecoder(c component) (decoder, error) {
	switch c.Type {
	case "":
		return func(tokens []string) []string { return []string{strings.Join(tokens, " ")} }, nil
	case "Sequence":
		return newDecoderSequence(c)
	case "ByteLevel":
		return decodeBytes, nil
	case "ByteFallback":
		return decodeFallback, nil
	case "Fuse":
		return func(tokens []string) []string { return []string{strings.Join(tokens, "")} }, nil
	case "Metaspace":
		return newMetaspaceDecoder(c)
	case "Replace":
		replace, err := newReplace(c)
		return eachToken(replace), err
	case "Strip":
		var f struct {
			Content     string
			Start, Stop int
		}
		if err := c.read(&f); err != nil {
			return nil, err
		}
		if utf8.RuneCountInString(f.Content) != 1 || f.Start < 0 || f.Stop < 0 {
			return nil, c.errorf("content must be one character, start and stop not negative")
		}
		return eachToken(func(token string) string { return strip(token, f.Content, f.Start, f.Stop) }), nil
	}
	return nil, c.unsupported("Sequence", "ByteLevel", "ByteFallback", "Fuse", "Metaspace", "Replace", "Strip")
}

func newDecoderSequence(c component) (decoder, error) {
	parts, err := c.list("decoders")
	if err != nil {
		return nil, err
	}
	steps := make([]decoder, len(parts))
	for i, part := range parts {
		if steps[i], err = newDecoder(part); err != nil {
			return nil, err
		}
	}
	return func(tokens []string) []string {
		for _, step := range steps {
			tokens = step(tokens)
		}
		return tokens
	}, nil
}

func eachToken(change func(string) string) decoder {
	return func(tokens []string) []string {
		for i := range tokens {
			tokens[i] = change(tokens[i])
		}
		return tokens
	}
}

// strip removes up to start leading and stop trailing occurrences of a character.
func strip(token, char string, start, stop int) string {
	for ; start > 0 && strings.HasPrefix(token, char); start-- {
		token = token[len(char):]
	}
	for ; stop > 0 && strings.HasSuffix(token, char); stop-- {
		token = token[:len(token)-len(char)]
	}
	return token
}

// decodeBytes reads tokens in the byte alphabet. A token with a character that
// is not of the alphabet stands for itself.
func decodeBytes(tokens []string) []string {
	var raw []byte
	for _, token := range tokens {
		var ok bool
		if raw, ok = appendRaw(raw, token); !ok {
			raw = append(raw, token...)
		}
	}
	return []string{toValid(string(raw))}
}

// decodeFallback joins runs of tokens such as <0xE2> into text. A run that is
// not UTF-8 becomes one U+FFFD a byte.
func decodeFallback(tokens []string) []string {
	var out []string
	var raw []byte
	flush := func() {
		if utf8.Valid(raw) {
			out = append(out, string(raw))
		} else {
			out = append(out, strings.Repeat("\uFFFD", len(raw)))
		}
		raw = raw[:0]
	}
	for _, token := range tokens {
		if b, ok := fallbackByte(token); ok {
			raw = append(raw, b)
			continue
		}
		flush()
		out = append(out, token)
	}
	flush()
	return out
}

func fallbackByte(token string) (byte, bool) {
	if len(token) != len("<0x00>") || !strings.HasPrefix(token, "<0x") || token[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(b), err == nil
}
