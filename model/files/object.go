package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// object reads the keys of one JSON object and keeps the first thing that is
// wrong, so that a reader lists its keys plainly and looks at err once. A key
// that is null counts as absent, as transformers writes None.
type object struct {
	where  string // file, and the path of keys to this object
	fields map[string]json.RawMessage
	err    error
}

// readObject reads the JSON object that is the whole of a file.
func readObject(path string) (*object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	o := &object{where: path}
	if err := unmarshal(data, &o.fields); err != nil {
		return nil, fmt.Errorf("%s: not a JSON object: %w", path, err)
	}
	return o, nil
}

// unmarshal is json.Unmarshal for text that may come from a download cut
// short: an empty or cut file is said to end early.
func unmarshal(data []byte, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return io.ErrUnexpectedEOF
	}
	return json.Unmarshal(data, into)
}

func (o *object) fail(key, format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %s: %s", o.where, key, fmt.Sprintf(format, args...))
	}
}

// has reports whether a key is there and not null.
func (o *object) has(key string) bool {
	raw, ok := o.fields[key]
	return ok && string(raw) != "null"
}

// get decodes a key into a pointer and leaves the pointer alone when the key is absent.
func (o *object) get(key, want string, into any) {
	if !o.has(key) {
		return
	}
	if err := json.Unmarshal(o.fields[key], into); err != nil {
		o.fail(key, "want %s, have %s", want, excerpt(o.fields[key]))
	}
}

func (o *object) require(key string) {
	if !o.has(key) {
		o.fail(key, "missing")
	}
}

func (o *object) integer(key string, absent int) int {
	o.get(key, "a whole number", &absent)
	return absent
}

func (o *object) number(key string, absent float64) float64 {
	o.get(key, "a number", &absent)
	return absent
}

func (o *object) boolean(key string, absent bool) bool {
	o.get(key, "true or false", &absent)
	return absent
}

func (o *object) text(key string, absent string) string {
	o.get(key, "a string", &absent)
	return absent
}

func (o *object) needInteger(key string) int {
	o.require(key)
	return o.integer(key, 0)
}

func (o *object) needNumber(key string) float64 {
	o.require(key)
	return o.number(key, 0)
}

// integers reads a key that holds one id or a list of them.
func (o *object) integers(key string) []int {
	if !o.has(key) {
		return nil
	}
	var one int
	if json.Unmarshal(o.fields[key], &one) == nil {
		return []int{one}
	}
	var list []int
	o.get(key, "a whole number or a list of them", &list)
	return list
}

// object reads a key that holds an object; an absent one has no fields.
func (o *object) object(key string) *object {
	sub := &object{where: o.where + ": " + key}
	o.get(key, "an object", &sub.fields)
	return sub
}

// excerpt shortens a JSON value for an error line.
func excerpt(raw json.RawMessage) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return "invalid JSON"
	}
	const limit = 60
	if s := []rune(compact.String()); len(s) > limit {
		return string(s[:limit]) + "…"
	}
	return compact.String()
}
