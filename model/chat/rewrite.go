package chat

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// rewrite returns a template that gonja, without any white-space control,
// reads as Jinja reads source with trim_blocks and lstrip_blocks. Every tag
// stays on its line, so that errors name the right one: a line end that is
// taken away moves into the tag beside it.
func rewrite(source string) (string, error) {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	w := &rewriter{source: strings.TrimSuffix(source, "\n"), lineStart: true}
	for w.pos < len(w.source) {
		if err := w.next(); err != nil {
			return "", err
		}
	}
	return w.out.String(), nil
}

type rewriter struct {
	source    string
	pos       int
	lineStart bool // the text before pos ends a line
	out       strings.Builder
}

// next copies the text up to the next tag, and the tag.
func (w *rewriter) next() error {
	text := w.source[w.pos:]
	start := strings.Index(text, "{")
	for start >= 0 && (start+1 == len(text) || !strings.Contains("{%#", text[start+1:start+2])) {
		more := strings.Index(text[start+1:], "{")
		if start += 1 + more; more < 0 {
			start = -1
		}
	}
	if start < 0 {
		w.pos = len(w.source)
		w.out.WriteString(text)
		return nil
	}
	kind := text[start : start+2]
	w.pos += start + 2
	sign := w.sign("")
	if kind == "{{" && sign == "+" { // here it is a plus
		w.pos--
		sign = ""
	}
	lines := w.before(text[:start], kind, sign)
	switch {
	case kind == "{#":
		return w.comment(lines)
	case kind == "{{":
		return w.tag("{{", "}}", lines)
	case rawBegin.MatchString(w.source[w.pos:]):
		return w.raw(lines)
	}
	return w.tag("{%", "%}", lines)
}

// sign reads a white-space sign that stands before end.
func (w *rewriter) sign(end string) string {
	rest := w.source[w.pos:]
	if rest != "" && (rest[0] == '-' || rest[0] == '+') && strings.HasPrefix(rest[1:], end) {
		w.pos++
		return rest[:1]
	}
	return ""
}

// before writes the text before a tag, less what the tag strips off it, and
// returns how many line ends that takes away.
func (w *rewriter) before(text, kind, sign string) (lines int) {
	kept := stripEnd(text, kind, sign, w.lineStart)
	w.out.WriteString(kept)
	return strings.Count(text[len(kept):], "\n")
}

func stripEnd(text, kind, sign string, lineStart bool) string {
	line := strings.LastIndex(text, "\n") + 1
	switch {
	case sign == "-":
		return strings.TrimRightFunc(text, unicode.IsSpace)
	case sign == "" && kind != "{{" && (line > 0 || lineStart) && strings.TrimSpace(text[line:]) == "":
		return text[:line]
	}
	return text
}

// after skips the white space that the end of a tag strips, and returns how
// many line ends that takes away.
func (w *rewriter) after(end, sign string) (lines int) {
	rest := w.source[w.pos:]
	n := 0
	switch {
	case sign == "-":
		n = len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
	case sign == "" && end != "}}" && strings.HasPrefix(rest, "\n"):
		n = 1
	}
	w.pos += n
	w.lineStart = n > 0 && rest[n-1] == '\n'
	return strings.Count(rest[:n], "\n")
}

func (w *rewriter) comment(lines int) error {
	n := strings.Index(w.source[w.pos:], "#}")
	if n < 0 {
		return lineError(w.source, w.pos, "the comment has no end")
	}
	body, sign := w.source[w.pos:w.pos+n], ""
	if body != "" && strings.Contains("-+", body[len(body)-1:]) {
		sign = body[len(body)-1:]
	}
	w.pos += n + len("#}")
	lines += strings.Count(body, "\n") + w.after("#}", sign)
	if lines > 0 {
		w.out.WriteString("{#" + strings.Repeat("\n", lines) + "#}")
	}
	return nil
}

var (
	rawBegin = regexp.MustCompile(`^\s*raw\s*(-)?%}`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%}`)
)

// raw writes a raw block as the string it is.
func (w *rewriter) raw(lines int) error {
	begin := rawBegin.FindStringSubmatch(w.source[w.pos:])
	w.pos += len(begin[0])
	lines += strings.Count(begin[0], "\n") + w.after("}}", begin[1])
	end := rawEnd.FindStringSubmatchIndex(w.source[w.pos:])
	if end == nil {
		return lineError(w.source, w.pos, "the raw block has no end")
	}
	rest := w.source[w.pos:]
	body := stripEnd(rest[:end[0]], "{%", rest[end[2]:end[3]], w.lineStart)
	w.pos += end[1]
	lines += strings.Count(rest[:end[1]], "\n") + w.after("%}", rest[end[4]:end[5]])
	w.out.WriteString("{{ " + quote(body) + strings.Repeat("\n", lines) + " }}")
	return nil
}

func (w *rewriter) tag(open, end string, lines int) error {
	l := &lexer{text: w.source, pos: w.pos, end: end}
	list, last, err := l.tokens("")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return l.errorf("the tag is empty")
	}
	w.pos = l.pos
	sign := w.sign(end)
	w.pos += len(end)
	if open == "{%" {
		list = append(list[:1:1], arguments(list[0].text, list[1:])...)
	} else {
		list = expressions(list)
	}
	w.out.WriteString(open + strings.Repeat("\n", lines) + " ")
	write(&w.out, list)
	w.out.WriteString(strings.Repeat("\n", last+w.after(end, sign)) + " " + end)
	return nil
}

// write writes tokens, with their line ends.
func write(out *strings.Builder, list []token) {
	for _, t := range list {
		out.WriteString(strings.Repeat("\n", t.lines))
		switch {
		case t.kind == stringToken:
			out.WriteString(quote(t.text))
		default:
			out.WriteString(t.text)
		}
		if closer := closing[t.text]; closer != "" && t.kind == operatorToken {
			write(out, t.inside)
			out.WriteString(strings.Repeat("\n", t.after) + closer)
		} else {
			out.WriteString(strings.Repeat("\n", t.after))
		}
		if t.kind != operatorToken || t.text != "." {
			out.WriteString(" ")
		}
	}
}

// quote writes a string without any character that needs care.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < ' ' || strings.ContainsRune(`"'\{}%#`, r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// arguments rewrites what follows the name of a block.
func arguments(name string, list []token) []token {
	if name == "for" { // its `if` is a filter, no conditional expression
		return primaries(list)
	}
	return expressions(list)
}

// expressions rewrites a list of expressions.
func expressions(list []token) (out []token) {
	start := 0
	for i, t := range list {
		if t.kind == operatorToken && (t.text == "," || t.text == ":" || t.text == "=") {
			out = append(append(out, conditional(list[start:i])...), t)
			start = i + 1
		}
	}
	return append(out, conditional(list[start:])...)
}

func find(list []token, name string) int {
	for i, t := range list {
		if t.kind == nameToken && t.text == name {
			return i
		}
	}
	return -1
}

func group(open string, inside ...token) token {
	return token{kind: operatorToken, text: open, inside: inside}
}

func name(text string) token { return token{kind: nameToken, text: text} }

// conditional rewrites `a if c else b` as `((c) and [a] or [b])[0]`, which
// gonja reads anywhere; it has conditionals only at the end of a tag. The
// lists are there to be true.
func conditional(list []token) []token {
	i := find(list, "if")
	if i <= 0 {
		return primaries(list)
	}
	condition, otherwise := list[i+1:], []token{name("undefined")}
	if j := find(condition, "else"); j >= 0 {
		otherwise = conditional(condition[j+1:])
		condition = condition[:j]
	}
	return []token{
		group("(",
			group("(", primaries(condition)...), name("and"),
			group("[", primaries(list[:i])...), name("or"),
			group("[", otherwise...)),
		group("[", token{kind: numberToken, text: "0"}),
	}
}

var keywords = map[string]bool{"and": true, "or": true, "not": true, "in": true, "is": true, "if": true, "else": true}

// isValue tells whether a bracket after t is a call or an index.
func isValue(t token) bool {
	return t.kind == stringToken || t.kind == nameToken && !keywords[t.text] || t.kind == operatorToken && closing[t.text] != ""
}

// primaries rewrites the parts of an expression that has no conditional of its own.
func primaries(list []token) (out []token) {
	for i, t := range list {
		before := i > 0 && isValue(list[i-1])
		if t.inside != nil {
			t.inside = expressions(t.inside)
		}
		switch {
		case t.kind == nameToken && t.text == "None":
			t.text = "none"
		case t.kind == stringToken && i > 0 && list[i-1].kind == stringToken:
			out = append(out, token{text: "~"})
		case t.text == "{" && t.kind == operatorToken:
			t.inside = withoutLastComma(t.inside)
		case t.text == "[" && before && fromEnd(t.inside) != "":
			// gonja does not find the first element from the end.
			reverse := []token{{text: ":"}, {text: ":"}, {text: "-"}, {kind: numberToken, text: "1"}}
			out = append(out, group("[", reverse...))
			t.inside = []token{{kind: numberToken, text: fromEnd(t.inside)}}
		case t.text == "(" && !before && followedBy(list, i, ".") && find2(t.inside, ",") < 0:
			// gonja has no methods of an expression in parentheses.
			t.text = "["
			out = append(out, t)
			t = group("[", token{kind: numberToken, text: "0"})
		}
		out = append(out, t)
	}
	return out
}

func followedBy(list []token, i int, operator string) bool {
	return i+1 < len(list) && list[i+1].kind == operatorToken && list[i+1].text == operator
}

func find2(list []token, operator string) int {
	for i, t := range list {
		if t.kind == operatorToken && t.text == operator {
			return i
		}
	}
	return -1
}

func withoutLastComma(list []token) []token {
	if n := len(list); n > 0 && list[n-1].kind == operatorToken && list[n-1].text == "," {
		return list[:n-1]
	}
	return list
}

// fromEnd returns the index from the back, counted from 0, of an index such as
// -1, and "" for any other.
func fromEnd(list []token) string {
	if len(list) != 2 || list[0].text != "-" || list[1].kind != numberToken {
		return ""
	}
	n, err := strconv.Atoi(list[1].text)
	if err != nil || n < 1 {
		return ""
	}
	return strconv.Itoa(n - 1)
}
