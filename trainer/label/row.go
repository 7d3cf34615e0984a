package label

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
)

// The keys that are added to a row.
const (
	stepsKey = "steps"
	labelKey = "rlkd_label" // a name that no other program's rows have
)

// textKeys are the keys that a reasoning may stand under; the first that a row has counts.
var textKeys = []string{"deepseek_reasoning", "generation", "text"}

// id names a row by its contents, the keys that labelling adds aside.
type id [sha256.Size]byte

// row is a row to label.
type row struct {
	id     id
	json   []byte // one line, without the keys that labelling adds
	domain Domain
	trace  reward.Trace // the text is the reasoning alone
}

// parse reads a row. A row without a domain belongs to fallback.
func parse(r trainer.Row, fallback Domain) (row, error) {
	out := row{domain: fallback}
	if r.Has("domain") {
		var name string
		if err := r.Get("domain", &name); err != nil {
			return row{}, err
		}
		out.domain = Domain(strings.ToLower(strings.TrimSpace(name)))
	}
	if err := CheckDomain(out.domain); err != nil {
		return row{}, r.Errorf("domain: %w", err)
	}
	if err := r.Get("problem", &out.trace.Problem); err != nil {
		return row{}, err
	}
	at := slices.IndexFunc(textKeys, r.Has)
	if at < 0 {
		return row{}, r.Errorf("missing key: want the reasoning under one of %s", strings.Join(textKeys, ", "))
	}
	if err := r.Get(textKeys[at], &out.trace.Text); err != nil {
		return row{}, err
	}
	out.trace.Text = reward.Reasoning(out.trace.Text)
	var err error
	if out.json, err = strip(r.JSON()); err != nil {
		return row{}, r.Errorf("%w", err)
	}
	out.id = sha256.Sum256(out.json)
	return out, nil
}

// strip writes a JSON object in one line, its keys in the order they have, without those that
// labelling adds.
func strip(object []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("not a JSON object")
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if key == stepsKey || key == labelKey {
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(marshal(key))
		out.WriteByte(':')
		if err := json.Compact(&out, value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// with is the line of a row with keys and their values, in turn, behind its own.
func (r row) with(pairs ...any) []byte {
	line := slices.Clone(r.json[:len(r.json)-1])
	for i := 0; i < len(pairs); i += 2 {
		if len(line) > 1 {
			line = append(line, ',')
		}
		line = append(append(line, marshal(pairs[i])...), ':')
		line = append(line, marshal(pairs[i+1])...)
	}
	return append(line, "}\n"...)
}

// marshal writes a value that has a form in JSON, with <, > and & as they are.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // text, numbers, and lists and structures of them
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
