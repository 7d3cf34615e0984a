package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The regular expressions that the common models split text with, scanned by
// hand. Each scanner covers the whole text: every character is a letter, a
// number, a space or something else, and each pattern takes all four.
const (
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	qwen2Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

var knownPatterns = map[string]matcher{
	gpt2Pattern:   scanner(scanGPT2),
	llama3Pattern: scanner(func(s string) int { return scanLlama3(s, 3) }),
	qwen2Pattern:  scanner(func(s string) int { return scanLlama3(s, 1) }),
}

// scanner makes a matcher of a function that returns the length of the match
// at the start of a text that is not empty.
func scanner(scan func(text string) int) matcher {
	return func(text string, found func(start, end int)) {
		for at := 0; at < len(text); {
			end := at + scan(text[at:])
			found(at, end)
			at = end
		}
	}
}

type class uint8

const (
	other   class = iota // neither of the below
	letter               // \p{L}
	number               // \p{N}
	space                // \s without line ends
	newline              // \r and \n
)

var asciiClass = func() (classes [utf8.RuneSelf]class) {
	for r := range rune(utf8.RuneSelf) {
		classes[r] = slowClass(r)
	}
	return classes
}()

func slowClass(r rune) class {
	switch {
	case r == '\r' || r == '\n':
		return newline
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// classAt returns the class and the length of the character at an index, the
// length 0 at the end.
func classAt(s string, i int) (class, int) {
	if i >= len(s) {
		return other, 0
	}
	if s[i] < utf8.RuneSelf {
		return asciiClass[s[i]], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return slowClass(r), n
}

// run returns the end of the run of a class from i on.
func run(s string, i int, of class) int {
	for {
		c, n := classAt(s, i)
		if n == 0 || c != of {
			return i
		}
		i += n
	}
}

// scanGPT2 scans gpt2Pattern.
func scanGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	c, n := classAt(s, 0)
	if s[0] == ' ' {
		if after, m := classAt(s, 1); m > 0 && after < space {
			c, n = after, 1+m
		}
	}
	if c >= space {
		return scanSpace(s, false)
	}
	return run(s, n, c)
}

// scanLlama3 scans llama3Pattern, with up to maxDigits numbers together.
func scanLlama3(s string, maxDigits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	c, n := classAt(s, 0)
	after, m := classAt(s, n)
	switch {
	case c == letter:
		return run(s, n, letter)
	case c != newline && c != number && m > 0 && after == letter:
		return run(s, n+m, letter)
	case c == number:
		end := n
		for digits := 1; digits < maxDigits && after == number && m > 0; digits++ {
			end += m
			after, m = classAt(s, end)
		}
		return end
	case c == other:
		return run(s, run(s, n, other), newline)
	case s[0] == ' ' && m > 0 && after == other:
		return run(s, run(s, n+m, other), newline)
	}
	return scanSpace(s, true)
}

// scanSpace scans `\s*[\r\n]+` if lines is set, then `\s+(?!\S)|\s+`, at the
// start of a run of spaces.
func scanSpace(s string, lines bool) int {
	end, last, lineEnd := 0, 0, 0
	for {
		c, n := classAt(s, end)
		if n == 0 || c < space {
			if lines && lineEnd > 0 {
				return lineEnd
			}
			if n == 0 || last == 0 {
				return end
			}
			return last // the last space stays with what follows
		}
		last = end
		end += n
		if c == newline {
			lineEnd = end
		}
	}
}

// contraction returns the length of an English contraction ('s, 't, 're, 've,
// 'm, 'll, 'd) at the start of s, or 0.
func contraction(s string, anyCase bool) int {
	if s[0] != '\'' || len(s) < 2 {
		return 0
	}
	a, b := s[1], byte(0)
	if len(s) > 2 {
		b = s[2]
	}
	if anyCase {
		// The long s is the one character outside ASCII that folds to one inside these words.
		if len(s) > 2 && s[1:3] == "ſ" {
			return 3
		}
		a, b = a|0x20, b|0x20
	}
	switch {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}
