package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// none is Python's None. For gonja, nil is both None and undefined; a template
// can tell them apart. It is false, and reads "None".
type none bool

func (none) String() string { return "None" }

// tuple is a Python tuple: a list that reads differently.
type tuple []any

func (t tuple) String() string {
	inside := strings.TrimSuffix(strings.TrimPrefix(exec.AsValue([]any(t)).String(), "["), "]")
	if len(t) == 1 {
		inside += ","
	}
	return "(" + inside + ")"
}

// toValue turns a Go value into one for templates, by way of its JSON:
// mappings keep the order of their keys there.
func toValue(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return decodeValue(d)
}

func decodeValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case nil:
		return none(false), nil
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return int(n), nil
		}
		return t.Float64()
	case json.Delim:
		if t == '[' {
			return decodeList(d)
		}
		return decodeDict(d)
	default:
		return t, nil
	}
}

func decodeList(d *json.Decoder) (any, error) {
	list := []any{}
	for d.More() {
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func decodeDict(d *json.Decoder) (any, error) {
	dict := exec.NewDict()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		dict.Pairs = append(dict.Pairs, &exec.Pair{Key: exec.AsValue(fmt.Sprint(key)), Value: exec.AsValue(v)})
	}
	_, err := d.Token()
	return dict, err
}
