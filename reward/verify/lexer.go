package verify

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// token is one lexical unit. Operators, delimiters and commands with a role in the grammar have that role as kind;
// other kinds are num, pct, sci (1E9), letter, name (Greek letters and symbols), accent (\text{…} and its like),
// diff (dx) and word (an operator name, which is an error outside \operatorname).
type token struct {
	kind, text string
}

var (
	numberToken  = regexp.MustCompile(`^(?:\d*\.\d+|\d+)`)
	exponentPart = regexp.MustCompile(`^E[+-]?\d+`)
	percentPart  = regexp.MustCompile(`^\s?\\?%`)
	diffToken    = regexp.MustCompile(`^d[ \t\r\n]*(?:[a-zA-Z]|\\[a-zA-Z]+)`)
	accentToken  = regexp.MustCompile(`^\\([a-z]+)\s?\{((?:\\\}|[^}])*?)\}`)
	matrixToken  = regexp.MustCompile(`^\\(begin|end)\{([pb]?matrix|vmatrix|array)\}(\{[clr]*\})?`)
	degreeToken  = regexp.MustCompile(`^\^(?:\{(?:\\circ|\\degree|\\circle|°)\}|\\circle|\\circ|\\degree|°)`)
	wordToken    = regexp.MustCompile(`^(?:arc?sinh|arc?cosh|arc?tanh|gcd|lcm|floor|ceil|eye|zeros|ones|cols|rows|diagonalize|diag|norm|rank|trace|tr|rref|hstack|vstack|orthogonalize|orthogonal|ortho|orth|nullspace|eigenvalues|eigenvals|eigenvectors|eigenvects|eigen|eig|svd|SVD|[pbv]?matrix)`)
	setToken     = regexp.MustCompile(`^\\mathbb\{([NZQRCP])\}`)
)

// lex splits s into tokens; it fails on a character or command the grammar does not know.
func lex(s string) ([]token, bool) {
	var out []token
	for len(s) > 0 {
		t, size := next(s)
		if size == 0 {
			return nil, false
		}
		if t.kind != "" {
			out = append(out, t)
		}
		s = s[size:]
	}
	return out, true
}

// next returns the token at the start of s and its length, 0 if there is none; blanks have no kind.
func next(s string) (token, int) {
	c := s[0]
	switch {
	case isBlank(c):
		return token{}, 1
	case c >= '0' && c <= '9' || c == '.' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
		return lexNumber(s)
	case c == '\\':
		return lexCommand(s)
	case c == '^':
		if m := degreeToken.FindString(s); m != "" {
			return token{"degree", m}, len(m)
		}
		for _, m := range []string{"^T", "^{T}", `^{\top}`} {
			if strings.HasPrefix(s, m) {
				return token{"transpose", m}, len(m)
			}
		}
		return token{"^", "^"}, 1
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return lexLetter(s)
	}
	for _, op := range []string{"!==", "!=", "==", "<=", ">=", "~="} {
		if strings.HasPrefix(s, op) {
			return token{roles[op], op}, len(op)
		}
	}
	_, size := utf8.DecodeRuneInString(s)
	if role, ok := roles[s[:size]]; ok {
		return token{role, s[:size]}, size
	}
	return token{}, 0
}

func lexNumber(s string) (token, int) {
	m := numberToken.FindString(s)
	if e := exponentPart.FindString(s[len(m):]); e != "" {
		return token{"sci", m + e}, len(m) + len(e)
	}
	if p := percentPart.FindString(s[len(m):]); p != "" {
		return token{"pct", m}, len(m) + len(p)
	}
	return token{"num", m}, len(m)
}

func lexLetter(s string) (token, int) {
	word, diff := wordToken.FindString(s), diffToken.FindString(s)
	switch {
	case len(word) > 1 && len(word) >= len(diff):
		return token{"word", word}, len(word)
	case diff != "":
		return token{"diff", diff}, len(diff)
	case s[0] == 'e':
		return token{"exp", "e"}, 1
	case s[0] == 'E':
		return token{"E", "E"}, 1
	}
	return token{"letter", s[:1]}, 1
}

// lexCommand reads what begins with a backslash. Of the known commands the longest that fits counts, so that \piR is π
// and R.
func lexCommand(s string) (token, int) {
	if m := setToken.FindStringSubmatch(s); m != nil {
		return token{"set", m[1]}, len(m[0])
	}
	if m := matrixToken.FindStringSubmatch(s); m != nil && (m[2] != "array" || m[1] == "end" || m[3] != "") {
		size := len(m[0])
		if m[2] != "array" {
			size -= len(m[3])
		}
		return token{m[1], m[2]}, size
	}
	if m := accentToken.FindStringSubmatch(s); m != nil && accents[m[1]] {
		return token{"accent", accentName(m[1], m[2])}, len(m[0])
	}
	if strings.HasPrefix(s, `\{\}`) || strings.HasPrefix(s, `\lbrace\rbrace`) {
		return token{"set", "empty"}, strings.LastIndexAny(s[:min(len(s), 14)], `}e`) + 1
	}
	end := 1
	for end < len(s) && (s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z') {
		end++
	}
	if end == 1 && len(s) > 1 {
		end = 2
	}
	for ; end > 1; end-- {
		if role, ok := roles[s[:end]]; ok {
			return token{role, s[1:end]}, end
		}
	}
	return token{}, 0
}

// accentName is the name of the symbol that an accent command makes: \text{ no } and no are alike, \bar{x} and x not.
func accentName(command, content string) string {
	content = strings.ReplaceAll(content, " ", "")
	switch {
	case strings.Contains(command, "text"), command == "mbox":
		return strings.NewReplacer("(", "", ")", "").Replace(content)
	case command == "overline":
		command = "bar"
	case command == "overrightarrow":
		command = "vec"
	case command == "widetilde":
		command = "tilde"
	case strings.Contains(command, "math"):
		command = "math"
	}
	return command + "{" + content + "}"
}
