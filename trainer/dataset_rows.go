package trainer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/rlkd/rlkd/reward"
)

// Row is one JSON object of a JSONL file or stream.
type Row struct {
	Line   int // 1 for the first line
	source string
	text   []byte
	fields map[string]json.RawMessage
}

// ReadRows calls each with every line of r that is not blank, in order, and stops at the first
// error. A byte order mark at the start and CRLF line ends are accepted, and a line may have
// any length. An error is one line that begins with source and the number of the line.
func ReadRows(r io.Reader, source string, each func(Row) error) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", source, n, err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			row, err := parseRow(Row{Line: n, source: source, text: line}, line)
			if err == nil {
				err = each(row)
			}
			if err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

func parseRow(r Row, line []byte) (Row, error) {
	if !utf8.Valid(line) {
		return r, r.Errorf("not valid UTF-8; save the file as UTF-8")
	}
	err := json.Unmarshal(line, &r.fields)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return r, r.Errorf("not valid JSON: %v at byte %d", err, syntax.Offset)
	case errors.As(err, &kind):
		return r, r.Errorf("want a JSON object, got %s", jsonKind(line))
	case err != nil:
		return r, r.Errorf("not valid JSON: %w", err)
	case r.fields == nil:
		return r, r.Errorf("want a JSON object, got null")
	}
	return r, nil
}

// JSON is the row as it stands in its file. It must not be changed.
func (r Row) JSON() []byte { return r.text }

// Errorf is an error that begins with the row's file and line.
func (r Row) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", r.source, r.Line, fmt.Errorf(format, args...))
}

// Has tells whether the row has a value other than null for the key, which is matched exactly.
func (r Row) Has(key string) bool {
	raw, ok := r.fields[key]
	return ok && string(raw) != "null"
}

// Null tells whether the row has null for the key, which is not the same as not having it.
func (r Row) Null(key string) bool { return string(r.fields[key]) == "null" }

// Get stores the value of a key in what dst points to. The error names the key when it is
// absent or null, or its value does not have dst's type.
func (r Row) Get(key string, dst any) error {
	if _, ok := r.fields[key]; !ok {
		return r.Errorf("missing key %q", key)
	}
	raw := r.fields[key]
	want := wanted(reflect.TypeOf(dst).Elem())
	hole := want == listOf+"an integer" && bytes.Contains(raw, []byte("null")) // would be read as 0
	if err := json.Unmarshal(raw, dst); err != nil || hole || !r.Has(key) {
		return r.Errorf("%s: want %s, got %s", key, want, jsonKind(raw))
	}
	return nil
}

// Steps are the value of the key steps, labelled steps of a reasoning: a list of {number, meta,
// query, answer} where numbers ascend and every step has a meta. They are nil where the row has
// no such key.
func (r Row) Steps() (steps []reward.Step, err error) {
	if !r.Has("steps") {
		return nil, nil
	}
	if err := r.Get("steps", &steps); err != nil {
		return nil, err
	}
	last := 0
	for i, s := range steps {
		if s.Number <= last {
			return nil, r.Errorf("steps[%d].number: want more than %d, got %d", i, last, s.Number)
		}
		if strings.TrimSpace(s.Meta) == "" {
			return nil, r.Errorf("steps[%d].meta: empty", i)
		}
		last = s.Number
	}
	return steps, nil
}

const listOf = "a list, each "

// wanted describes, for an error, the JSON that a Go type is read from.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return listOf + wanted(t.Elem())
	case reflect.Struct:
		return "an object"
	case reflect.Float64:
		return "a number"
	}
	return "an integer"
}

// jsonKind describes a JSON value, which it shows when it is short.
func jsonKind(raw []byte) string {
	kind := "the number"
	switch raw[0] {
	case '"':
		kind = "text"
	case '[':
		kind = "a list"
	case '{':
		kind = "an object"
	case 't', 'f', 'n':
		return string(raw)
	}
	if len(raw) > 40 {
		return kind
	}
	return kind + " " + string(raw)
}
