package verify

import (
	"regexp"
	"strings"
)

// found is the LaTeX of a final answer: one piece, or several joined by commas and "and".
type found struct {
	parts []piece
}

// piece is one LaTeX expression; percent says that a percent sign stands behind its closing delimiter.
type piece struct {
	latex   string
	percent bool
}

// findAnswer returns the final answer of a completion: the last \boxed{} if there is one, else the LaTeX behind the
// most specific anchor (math-verify's lazy_latex_regex without the patterns that need no anchor). "The final answer is
// $5$. I hope" ranks with a box: of the two the later counts.
func findAnswer(text string) (found, bool) {
	s := scanner{text: text}
	box, boxed := lastBoxed(text)
	if f, at, ok := s.hoped(); ok && (!boxed || at > strings.LastIndexByte(text, '}')) {
		return f, true
	}
	if boxed {
		return found{[]piece{box}}, true
	}
	for _, anchor := range []func(int) (found, int, bool){s.finalAnswerIs, s.answerColon, s.answer} {
		if f, ok := s.lastAfter(anchor); ok {
			return f, true
		}
	}
	return found{}, false
}

var behindBox = regexp.MustCompile(`^[^$\n\\]*(?:\$\$?|\\\]|\\\))\s*(?:\\?%|[Pp]ercent|[Pp]ct)`)

// lastBoxed returns the content of the last \boxed{…} that a brace closes; within nested boxes the innermost. A text
// cut off inside its last box gives what there is, which then hardly parses.
func lastBoxed(text string) (piece, bool) {
	end := strings.LastIndexByte(text, '}')
	if end < 0 || !strings.Contains(text[:end], `\boxed{`) {
		return piece{}, false
	}
	start := max(strings.LastIndex(text[:end], `\boxed{`), strings.LastIndex(text[:end], `\fbox{`))
	open := start + strings.IndexByte(text[start:], '{')
	shut, ok := closingBrace(text, open)
	if !ok {
		return piece{latex: text[open : end+1]}, true
	}
	content := strings.TrimSpace(text[open+1 : shut])
	return piece{latex: content, percent: behindBox.MatchString(text[shut+1 : min(len(text), shut+200)])}, content != ""
}

func closingBrace(text string, open int) (int, bool) {
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i, true
			}
		}
	}
	return 0, false
}

// scanner looks for LaTeX behind anchors. dead[k] is a range known to hold no closing partner for delimiter k, which
// keeps the search linear.
type scanner struct {
	text string
	dead [4]struct{ from, to int }
}

var hope = regexp.MustCompile(`^\.?\s?I hope`)

// hoped returns the last answer between "final answer is" and "I hope", and where it ends.
func (s *scanner) hoped() (found, int, bool) {
	const phrase = "final answer is"
	if !strings.Contains(s.text, "I hope") {
		return found{}, 0, false
	}
	for i := len(s.text) - len(phrase); i >= 0; i-- {
		if !s.word(i, phrase) {
			continue
		}
		f, end, ok := s.latexBehind(i + len(phrase))
		if ok && hope.MatchString(s.text[end:]) {
			return f, end, true
		}
	}
	return found{}, 0, false
}

// latexBehind reads an optional colon, blanks and LaTeX.
func (s *scanner) latexBehind(p int) (found, int, bool) {
	if p < len(s.text) && s.text[p] == ':' {
		p++
	}
	for p < len(s.text) && isBlank(s.text[p]) {
		p++
	}
	return s.chain(p)
}

// lastAfter returns the last answer that anchor finds; anchor(i) reads one that begins at i and returns its end.
func (s *scanner) lastAfter(anchor func(int) (found, int, bool)) (found, bool) {
	var last found
	any := false
	for i := 0; i < len(s.text); {
		f, end, ok := anchor(i)
		if !ok {
			i++
			continue
		}
		last, any, i = f, true, end
	}
	return last, any
}

func (s *scanner) word(i int, word string) bool {
	return i <= len(s.text)-len(word) && strings.EqualFold(s.text[i:i+len(word)], word)
}

// answer matches "answer", up to 50 characters, and LaTeX.
func (s *scanner) answer(i int) (found, int, bool) { return s.near(i, "answer") }

func (s *scanner) answerColon(i int) (found, int, bool) { return s.near(i, "answer:") }

func (s *scanner) near(i int, anchor string) (found, int, bool) {
	if !s.word(i, anchor) {
		return found{}, 0, false
	}
	from := i + len(anchor)
	for p := from; p <= from+50; p++ {
		if f, end, ok := s.chain(p); ok {
			return f, end, true
		}
	}
	return found{}, 0, false
}

// finalAnswerIs matches "final answer", up to 100 characters, and " is", with LaTeX directly behind it.
func (s *scanner) finalAnswerIs(i int) (found, int, bool) {
	if !s.word(i, "final answer") {
		return found{}, 0, false
	}
	for at := i + 13; at < i+132; at++ {
		if !s.word(at, "is") || !isBlank(s.text[at-1]) {
			continue
		}
		if f, end, ok := s.latexBehind(at + 2); ok {
			return f, end, true
		}
	}
	return found{}, 0, false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

var joiner = regexp.MustCompile(`^\s*(?:,?and|,?or|,)\s*`)
var percentBehind = regexp.MustCompile(`^\s*(?:\\?%|[Pp]ercent(?:age)?|[Pp]ct)`)

// chain reads one LaTeX expression at p and up to five more joined by commas, "and" or "or".
func (s *scanner) chain(p int) (found, int, bool) {
	first, end, ok := s.latex(p)
	if !ok {
		return found{}, 0, false
	}
	f := found{[]piece{first}}
	for len(f.parts) < 6 {
		m := joiner.FindStringIndex(s.text[end:])
		if m == nil {
			break
		}
		next, e, ok := s.latex(end + m[1])
		if !ok {
			break
		}
		f.parts, end = append(f.parts, next), e
	}
	return f, end, true
}

var bareFraction = regexp.MustCompile(`^-?\\frac\{-?\d+(?:[.,]\d+)?\}\{-?\d+(?:[.,]\d+)?\}`)
var bracketed = regexp.MustCompile(`^\s\[([^\n\]\[]+?)\]\s`)

// latex reads one delimited expression, or a bare \frac, at p.
func (s *scanner) latex(p int) (piece, int, bool) {
	if p >= len(s.text) {
		return piece{}, 0, false
	}
	t := s.text[p:]
	escaped := p > 0 && s.text[p-1] == '\\'
	var body string
	end := -1
	switch {
	case !escaped && strings.HasPrefix(t, "$$"):
		body, end = s.until(p+2, "$$", 0, true)
	case !escaped && strings.HasPrefix(t, `\[`):
		body, end = s.until(p+2, `\]`, 1, true)
	case !escaped && strings.HasPrefix(t, `\(`):
		body, end = s.until(p+2, `\)`, 2, false)
	}
	if end < 0 && !escaped && strings.HasPrefix(t, "$") && !(p > 0 && s.text[p-1] >= '0' && s.text[p-1] <= '9') {
		body, end = s.until(p+1, "$", 3, false)
	}
	if end < 0 {
		if m := bareFraction.FindString(t); m != "" {
			body, end = m, p+len(m)
		} else if m := bracketed.FindStringSubmatch(t); m != nil {
			body, end = m[1], p+len(m[0])
		}
	}
	if end < 0 {
		return piece{}, 0, false
	}
	percent := percentBehind.FindString(s.text[end:min(len(s.text), end+100)])
	if box, ok := lastBoxed(body); ok {
		body = box.latex
	}
	return piece{latex: body, percent: percent != ""}, end + len(percent), true
}

// until returns the text from p to the next closing delimiter that no backslash escapes, and the position behind it, or
// -1. Inline delimiters do not span lines.
func (s *scanner) until(p int, shut string, kind int, lines bool) (string, int) {
	dead := &s.dead[kind]
	if p >= dead.from && p < dead.to {
		return "", -1
	}
	i := p
	for ; i < len(s.text) && (lines || s.text[i] != '\n'); i++ {
		if i > p && s.text[i-1] != '\\' && strings.HasPrefix(s.text[i:], shut) {
			return s.text[p:i], i + len(shut)
		}
	}
	dead.from, dead.to = p, i
	return "", -1
}
