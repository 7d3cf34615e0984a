package chat

import (
	"fmt"
	"regexp"
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
	if plain, found := strings.CutSuffix(kept, "{"); found { // it must not join the tag's bracket
		w.out.WriteString(plain + "{{ " + quote("{") + " }}")
	} else {
		w.out.WriteString(kept)
	}
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
