package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// component is a normalizer, pre-tokenizer, post-processor or decoder of a
// tokenizer.json, with its place in the file for errors.
type component struct {
	Type  string
	place string
	raw   json.RawMessage
}

// newComponent reads the type of a component. That of an absent one is "".
func newComponent(place string, raw json.RawMessage) (component, error) {
	c := component{place: place, raw: raw}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return c, nil
	}
	var head struct{ Type string }
	if err := c.read(&head); err != nil {
		return c, err
	}
	if c.Type = head.Type; c.Type == "" {
		return c, c.errorf("it has no type")
	}
	return c, nil
}

// read decodes the component's fields into v.
func (c component) read(v any) error {
	if err := json.Unmarshal(c.raw, v); err != nil {
		return c.errorf("%w", err)
	}
	return nil
}

// list reads the components in one of the component's fields.
func (c component) list(field string) ([]component, error) {
	var fields map[string]json.RawMessage
	if err := c.read(&fields); err != nil {
		return nil, err
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(fields[field], &raws); err != nil {
		return nil, c.errorf("%s must be a list of components", field)
	}
	parts := make([]component, len(raws))
	for i, raw := range raws {
		part, err := newComponent(fmt.Sprintf("%s.%s[%d]", c.place, field, i), raw)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	return parts, nil
}

func (c component) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{c.place}, args...)...)
}

func (c component) unsupported(supported ...string) error {
	return c.errorf("type %q is not supported (supported: %s)", c.Type, strings.Join(supported, ", "))
}
