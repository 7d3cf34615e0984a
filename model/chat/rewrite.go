package chat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// rewrite returns a template that gonja, without any white-space control,
// reads as Jinja reads source with trim_blocks and lstrip_blocks. Every tag
// stays on its line, so that errors name the right one: line ends that are
// taken away come back in a comment.
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
	w.before(text[:start], kind, sign)
	switch {
	case kind == "{#":
		return w.comment()
	case kind == "{{":
		return w.tag("{{", "}}")
	case rawBegin.MatchString(w.source[w.pos:]):
		return w.raw()
	}
	return w.tag("{%", "%}")
}

// blank writes line ends that are not to be seen.
func (w *rewriter) blank(lines int) {
	if lines > 0 {
		w.out.WriteString("{#" + strings.Repeat("\n", lines) + "#}")
	}
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

// before writes the text before a tag, less what the tag strips off it.
func (w *rewriter) before(text, kind, sign string) {
	kept := stripEnd(text, kind, sign, w.lineStart)
	w.out.WriteString(kept)
	w.blank(strings.Count(text[len(kept):], "\n"))
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

// after skips the white space that the end of a tag strips.
func (w *rewriter) after(end, sign string) {
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
	w.blank(strings.Count(rest[:n], "\n"))
}

func (w *rewriter) comment() error {
	n := strings.Index(w.source[w.pos:], "#}")
	if n < 0 {
		return lineError(w.source, w.pos, "the comment has no end")
	}
	body, sign := w.source[w.pos:w.pos+n], ""
	if body != "" && strings.Contains("-+", body[len(body)-1:]) {
		sign = body[len(body)-1:]
	}
	w.pos += n + len("#}")
	w.blank(strings.Count(body, "\n"))
	w.after("#}", sign)
	return nil
}

var (
	rawBegin = regexp.MustCompile(`^\s*raw\s*(-)?%}`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%}`)
)

// raw writes a raw block as the string it is.
func (w *rewriter) raw() error {
	begin := rawBegin.FindStringSubmatch(w.source[w.pos:])
	w.pos += len(begin[0])
	w.blank(strings.Count(begin[0], "\n"))
	w.after("}}", begin[1])
	rest := w.source[w.pos:]
	end := rawEnd.FindStringSubmatchIndex(rest)
	if end == nil {
		return lineError(w.source, w.pos, "the raw block has no end")
	}
	body := stripEnd(rest[:end[0]], "{%", rest[end[2]:end[3]], w.lineStart)
	w.out.WriteString("{{ " + quote(body) + " }}")
	w.blank(strings.Count(rest[:end[1]], "\n"))
	w.pos += end[1]
	w.after("%}", rest[end[4]:end[5]])
	return nil
}

func (w *rewriter) tag(open, end string) error {
	l := &lexer{text: w.source, pos: w.pos, end: end}
	list, lines, err := l.tokens("")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return l.errorf("the tag is empty")
	}
	w.pos = l.pos
	sign := w.sign(end)
	w.pos += len(end)
	w.blank(list[0].lines)
	list[0].lines = 0
	if open == "{%" {
		list = append(list[:1:1], arguments(list[0].text, list[1:])...)
	} else {
		list = expressions(list)
	}
	w.out.WriteString(open + " ")
	write(&w.out, list)
	w.out.WriteString(end)
	w.blank(lines)
	w.after(end, sign)
	return nil
}

// write writes tokens, with their line ends.
func write(out *strings.Builder, list []token) {
	for _, t := range list {
		if t.lines > 0 {
			out.WriteString(strings.Repeat("\n", t.lines) + " ")
		}
		if t.kind == stringToken {
			out.WriteString(quote(t.text))
		} else {
			out.WriteString(t.text)
		}
		if t.isBracket() {
			write(out, t.inside)
		}
		out.WriteString(strings.Repeat("\n", t.after))
		if t.isBracket() {
			out.WriteString(closing[t.text])
		}
		if !t.is(".") {
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
		if t.is(",") || t.is(":") || t.is("=") {
			out = append(append(out, conditional(list[start:i])...), t)
			start = i + 1
		}
	}
	return append(out, conditional(list[start:])...)
}

func find(list []token, name string) int {
	return slices.IndexFunc(list, func(t token) bool { return t.kind == nameToken && t.text == name })
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
	return t.kind == stringToken || t.kind == nameToken && !keywords[t.text] || t.isBracket()
}

// primaries rewrites the parts of an expression that has no conditional of its own.
func primaries(list []token) (out []token) {
	start := 0 // of the value that t may go on
	for i, t := range list {
		before := i > 0 && isValue(list[i-1])
		goesOn := before && t.isBracket() || t.is(".") || i > 0 && list[i-1].is(".")
		if !goesOn {
			start = len(out)
		}
		if t.inside != nil {
			t.inside = expressions(t.inside)
		}
		switch {
		case t.kind == nameToken && t.text == "None":
			t.text = "none"
		case t.kind == stringToken && i > 0 && list[i-1].kind == stringToken:
			out = append(out, token{text: "~"})
		case t.is("{"):
			t.inside = withoutLastComma(t.inside)
		case t.is("[") && before && isIndex(t.inside):
			// gonja counts bytes, and misses the first element from the end.
			at := append(slices.Clone(out[start:]), token{text: "|"}, name("at"), group("(", t.inside...))
			out = append(out[:start], group("[", at...))
			t = group("[", token{kind: numberToken, text: "0"})
		case t.is("(") && !before && i+1 < len(list) && list[i+1].is(".") && !contains(t.inside, ","):
			// gonja has no methods of an expression in parentheses.
			t.text = "["
			out = append(out, t)
			t = group("[", token{kind: numberToken, text: "0"})
		}
		out = append(out, t)
	}
	return out
}

// isIndex tells whether the inside of brackets is an index that may be a number.
func isIndex(list []token) bool {
	return len(list) > 0 && !contains(list, ":") && !(len(list) == 1 && list[0].kind == stringToken)
}

func (t token) is(operator string) bool { return t.kind == operatorToken && t.text == operator }

func (t token) isBracket() bool { return t.kind == operatorToken && closing[t.text] != "" }

func contains(list []token, operator string) bool {
	return slices.ContainsFunc(list, func(t token) bool { return t.is(operator) })
}

func withoutLastComma(list []token) []token {
	if n := len(list); n > 0 && list[n-1].is(",") {
		return list[:n-1]
	}
	return list
}
