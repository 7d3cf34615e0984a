// Package chat renders chat templates, the Jinja programs that models carry,
// as transformers renders them (utils/chat_template_utils.py: trim_blocks and
// lstrip_blocks on, the loop controls, raise_exception, strftime_now, its own
// tojson).
//
// The engine is gonja. Where it is not Jinja, the package helps it out:
// rewrite.go turns a template into one that gonja reads as Jinja reads the
// original (white space, strings, conditional expressions), and values.go,
// methods.go and functions.go replace values and functions that differ.
//
// What is left: where Jinja stops on an undefined value in a sum or
// comparison, gonja goes on with an empty one; a filter after the right side
// of `in` needs parentheses; a power is a float; {% set a, b = … %},
// {% include %} and {% extends %} do not exist; mappings and lists cannot be
// changed.
package chat
