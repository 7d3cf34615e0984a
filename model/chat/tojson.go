package chat

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// jsonWriter writes values as Python's json.dumps does.
type jsonWriter struct {
	out         strings.Builder
	item, colon string // separators
	indent      string // of one level; "" with onLine for none
	multiline   bool
	ascii       bool // ensure_ascii
	sorted      bool // sort_keys
}

// toJSON is the filter tojson as transformers defines it: json.dumps without
// escaping of HTML, ensure_ascii off.
func toJSON(_ *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
	w := &jsonWriter{item: ", ", colon: ": "}
	w.ascii = argument(args, 0, "ensure_ascii").IsTrue()
	switch indent := argument(args, 1, "indent"); {
	case indent.IsString():
		w.multiline, w.indent = true, indent.String()
	case indent.IsInteger():
		w.multiline, w.indent = true, strings.Repeat(" ", max(0, indent.Integer()))
	}
	if w.multiline {
		w.item = ","
	}
	if separators := argument(args, 2, "separators"); separators.IsList() && separators.Len() == 2 {
		w.item, w.colon = separators.Index(0).String(), separators.Index(1).String()
	}
	w.sorted = argument(args, 3, "sort_keys").IsTrue()
	if err := w.value(in, "\n"); err != nil {
		return exec.AsValue(fmt.Errorf("tojson: %w", err))
	}
	return exec.AsValue(w.out.String())
}

func (w *jsonWriter) value(v *exec.Value, newline string) error {
	_, isNone := v.Interface().(none)
	switch {
	case v.IsError():
		return v
	case isNone:
		w.out.WriteString("null")
	case v.IsNil():
		return errors.New("an undefined value cannot be written")
	case v.IsBool():
		w.out.WriteString(strconv.FormatBool(v.Bool()))
	case v.IsNumber():
		w.out.WriteString(v.String())
	case v.IsString():
		w.string(v.String())
	case v.IsList():
		return w.sequence("[", "]", v.Len(), newline, func(i int, newline string) error {
			return w.value(v.Index(i), newline)
		})
	case v.IsDict():
		return w.dict(v, newline)
	default:
		return fmt.Errorf("%s cannot be written", v)
	}
	return nil
}

func (w *jsonWriter) dict(v *exec.Value, newline string) error {
	keys := v.Keys()
	if w.sorted {
		slices.SortFunc(keys, func(a, b *exec.Value) int { return cmp.Compare(a.String(), b.String()) })
	}
	return w.sequence("{", "}", len(keys), newline, func(i int, newline string) error {
		w.string(keys[i].String())
		w.out.WriteString(w.colon)
		value, _ := v.GetItem(keys[i].Interface())
		return w.value(value, newline)
	})
}

func (w *jsonWriter) sequence(open, end string, n int, newline string, item func(i int, newline string) error) error {
	w.out.WriteString(open)
	inner := newline + w.indent
	for i := range n {
		if i > 0 {
			w.out.WriteString(w.item)
		}
		if w.multiline {
			w.out.WriteString(inner)
		}
		if err := item(i, inner); err != nil {
			return err
		}
	}
	if n > 0 && w.multiline {
		w.out.WriteString(newline)
	}
	w.out.WriteString(end)
	return nil
}

func (w *jsonWriter) string(s string) {
	w.out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.out.WriteByte('\\')
			w.out.WriteRune(r)
		case strings.ContainsRune("\b\f\n\r\t", r):
			w.out.WriteString(map[rune]string{'\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}[r])
		case r < ' ' || w.ascii && r > '~' && r < 0x10000:
			fmt.Fprintf(&w.out, `\u%04x`, r)
		case w.ascii && r > '~':
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&w.out, `\u%04x\u%04x`, high, low)
		default:
			w.out.WriteRune(r)
		}
	}
	w.out.WriteByte('"')
}
