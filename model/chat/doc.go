// Package chat renders chat templates, the Jinja programs that models carry,
// as transformers renders them (utils/chat_template_utils.py: trim_blocks and
// lstrip_blocks on, the loop controls, raise_exception, strftime_now, its own
// tojson).
//
// The engine is gonja. Where it is not Jinja, the package helps it out:
// rewrite.go and expression.go turn a template into one that gonja reads as
// Jinja reads the original (white space, strings, conditional expressions,
// indexes, sums), and values.go, methods.go and functions.go replace values
// and functions that differ.
//
// What is left: where Jinja stops on a comparison, a product, a difference or
// a loop of the wrong type, gonja goes on with 0, an empty text or no rounds;
// a macro that calls itself without end is not stopped; a filter after the
// right side of `in` needs parentheses; a power is a float; {% set a, b = … %},
// {% include %} and {% extends %} do not exist; mappings and lists cannot be
// changed.
package chat
