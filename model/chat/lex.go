package chat

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// tokenKind is what a token of an expression is.
type tokenKind int

const (
	operatorToken tokenKind = iota
	nameToken
	numberToken
	stringToken
)

// token is a token of an expression. Brackets hold what is inside them.
type token struct {
	kind   tokenKind
	text   string // a string's value, an opening bracket, or the token as written
	inside []token
	lines  int // line ends before it and, for brackets and strings, within it
	after  int // for brackets: line ends before the closing one
}

var tokenPattern = regexp.MustCompile(`^(?:` +
	`([\pL_][\pL\pN_]*)` + // name
	`|(\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)` + // number
	`|('(?s:[^'\\]|\\.)*'|"(?s:[^"\\]|\\.)*")` + // string
	`|(//|\*\*|==|!=|>=|<=|[-+/*%~<>=.:|,;()\[\]{}]))`) // operator

var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// lexer reads the tokens of one tag.
type lexer struct {
	text string
	pos  int
	end  string // what ends the tag: }} or %}
	deep int    // how many brackets are open
}

// maxDepth bounds brackets within brackets, which are parsed by recursion.
const maxDepth = 100

// tokens reads up to a closing bracket, or, if it is "", to the tag's end,
// which may have a sign before it. It returns the line ends before that.
func (l *lexer) tokens(closer string) (list []token, lines int, err error) {
	for {
		lines = l.space()
		rest := l.text[l.pos:]
		if rest == "" {
			return nil, 0, l.errorf("it ends before %q", cmp.Or(closer, l.end))
		}
		if closer != "" && strings.HasPrefix(rest, closer) {
			l.pos += len(closer)
			return list, lines, nil
		}
		if closer == "" && strings.HasPrefix(strings.TrimLeft(rest[:1], "-+")+rest[1:], l.end) {
			return list, lines, nil
		}
		t, err := l.token(rest)
		if err != nil {
			return nil, 0, err
		}
		t.lines += lines
		list = append(list, t)
	}
}

func (l *lexer) space() (lines int) {
	for l.pos < len(l.text) {
		r := rune(l.text[l.pos])
		if !unicode.IsSpace(r) {
			break
		}
		if r == '\n' {
			lines++
		}
		l.pos++
	}
	return lines
}

func (l *lexer) token(rest string) (t token, err error) {
	m := tokenPattern.FindStringSubmatch(rest)
	if m == nil {
		return t, l.errorf("unexpected %q", []rune(rest)[0])
	}
	l.pos += len(m[0])
	switch {
	case m[1] != "":
		return token{kind: nameToken, text: m[1]}, nil
	case m[2] != "":
		return token{kind: numberToken, text: m[2]}, nil
	case m[3] != "":
		return token{kind: stringToken, text: unescape(m[3][1 : len(m[3])-1]), after: strings.Count(m[3], "\n")}, nil
	}
	t = token{kind: operatorToken, text: m[0]}
	if closer := closing[m[0]]; closer != "" {
		if l.deep++; l.deep > maxDepth {
			return t, l.errorf("more than %d brackets within each other", maxDepth)
		}
		t.inside, t.after, err = l.tokens(closer)
		l.deep--
	} else if strings.Contains(")]}", m[0]) {
		return t, l.errorf("unexpected %q", m[0])
	}
	return t, err
}

// errorf reports an error at the lexer's position.
func (l *lexer) errorf(format string, args ...any) error {
	return lineError(l.text, l.pos, format, args...)
}

func lineError(text string, pos int, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{1 + strings.Count(text[:pos], "\n")}, args...)...)
}

var escapePattern = regexp.MustCompile(`(?s)\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)`)

// unescape decodes the escapes of a Python string. Unknown ones stay.
func unescape(s string) string {
	return escapePattern.ReplaceAllStringFunc(s, func(escape string) string {
		digits, base := escape[2:], 16
		switch c := escape[1]; {
		case c == '\n':
			return ""
		case strings.IndexByte(`\'"`, c) >= 0:
			return escape[1:]
		case strings.IndexByte("abfnrtv", c) >= 0:
			return string("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case c >= '0' && c <= '7':
			digits, base = escape[1:], 8
		case strings.IndexByte("xuU", c) < 0 || digits == "":
			return escape
		}
		code, _ := strconv.ParseUint(digits, base, 32) // the pattern has digits of that base only
		return string(rune(code))
	})
}
