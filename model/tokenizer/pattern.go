package tokenizer

import (
	"strings"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// matcher calls found for the matches of a pattern in a text, from left to
// right, not overlapping.
type matcher func(text string, found func(start, end int))

// patternFile is a pattern as tokenizer.json writes it: {"String": …} or
// {"Regex": …}.
type patternFile struct{ String, Regex *string }

// compile returns the matcher of the pattern of component c. The patterns of
// the common models have scanners of their own, which are some fifty times as
// fast as the regular expression engine that runs the others.
func (p patternFile) compile(c component) (matcher, error) {
	switch {
	case p.String != nil:
		return literal(*p.String), nil
	case p.Regex == nil:
		return nil, c.errorf("pattern must be {\"String\": …} or {\"Regex\": …}")
	}
	if scan, ok := knownPatterns[*p.Regex]; ok {
		return scan, nil
	}
	re, err := regexp2.Compile(*p.Regex, regexp2.None)
	if err != nil {
		return nil, c.errorf("pattern %q is not supported: %w", *p.Regex, err)
	}
	return regex(re), nil
}

func literal(s string) matcher {
	return func(text string, found func(start, end int)) {
		if s == "" {
			return
		}
		for at := 0; ; {
			i := strings.Index(text[at:], s)
			if i < 0 {
				return
			}
			at += i + len(s)
			found(at-len(s), at)
		}
	}
}

// regex returns the matcher of a compiled expression. Its matches count
// characters; ours count bytes.
func regex(re *regexp2.Regexp) matcher {
	return func(text string, found func(start, end int)) {
		runes := []rune(text)
		at, offset := 0, 0
		advance := func(to int) int {
			for ; at < to; at++ {
				offset += utf8.RuneLen(runes[at])
			}
			return offset
		}
		// Matching fails only on a timeout, and none is set.
		m, err := re.FindRunesMatch(runes)
		for m != nil && err == nil {
			found(advance(m.Index), advance(m.Index+m.Length))
			m, err = re.FindNextMatch(m)
		}
	}
}
