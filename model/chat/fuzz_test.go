package chat

import "testing"

// FuzzTemplate checks that a broken template is an error and no panic.
func FuzzTemplate(f *testing.F) {
	for _, source := range []string{
		"{% for m in messages[1:] if m.role == 'user' %}{{ m.content[-1] | trim ~ ('a' if x else none) }}\n{% endfor %}",
		"{%- raw -%} {{ {% endraw %}{# c #}{{ {'a': [1, 2,],}['a'][0] }}{% set ns = namespace(a=1) %}{% set ns.a = 2 %}",
		"{% macro f(a, b=1) %}{{ a % b }}{% endmacro %}{{ f(1) }}{{ messages | tojson(indent=2) }}{{ 'a-b'.split('-', 1) }}",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if template, err := Parse(source, map[string]string{"bos_token": "<s>"}); err == nil {
			template.Render([]Message{{"user", "hi"}, {"assistant", "é"}}, Options{})
		}
	})
}
