package chat

import "slices"

// arguments rewrites what follows the name of a block.
func arguments(name string, list []token) []token {
	if name == "for" { // its `if` is a filter, no conditional expression
		return primaries(list)
	}
	return expressions(list)
}

// expressions rewrites a list of expressions.
func expressions(list []token) (out []token) {
	start := 0
	for i, t := range list {
		if t.is(",") || t.is(":") || t.is("=") {
			out = append(append(out, conditional(list[start:i])...), t)
			start = i + 1
		}
	}
	return append(out, conditional(list[start:])...)
}

func find(list []token, name string) int {
	return slices.IndexFunc(list, func(t token) bool { return t.kind == nameToken && t.text == name })
}

func group(open string, inside ...token) token {
	return token{kind: operatorToken, text: open, inside: inside}
}

func name(text string) token { return token{kind: nameToken, text: text} }

// conditional rewrites `a if c else b` as `((c) and [a] or [b])[0]`, which
// gonja reads anywhere; it has conditionals only at the end of a tag. The
// lists are there to be true.
func conditional(list []token) []token {
	i := find(list, "if")
	if i <= 0 {
		return primaries(list)
	}
	condition, otherwise := list[i+1:], []token{name("undefined")}
	if j := find(condition, "else"); j >= 0 {
		otherwise = conditional(condition[j+1:])
		condition = condition[:j]
	}
	return []token{
		group("(",
			group("(", primaries(condition)...), name("and"),
			group("[", primaries(list[:i])...), name("or"),
			group("[", otherwise...)),
		group("[", token{kind: numberToken, text: "0"}),
	}
}

var keywords = map[string]bool{"and": true, "or": true, "not": true, "in": true, "is": true, "if": true, "else": true}

// isValue tells whether a bracket after t is a call or an index.
func isValue(t token) bool {
	return t.kind == stringToken || t.kind == numberToken || t.kind == nameToken && !keywords[t.text] || t.isBracket()
}

// primaries rewrites the parts of an expression that has no conditional of its own.
func primaries(list []token) (out []token) {
	start := 0 // of the value that t may go on
	for i, t := range list {
		before := i > 0 && isValue(list[i-1])
		goesOn := before && t.isBracket() || t.is(".") || i > 0 && list[i-1].is(".")
		if !goesOn {
			start = len(out)
		}
		if t.inside != nil {
			t.inside = expressions(t.inside)
		}
		switch {
		case t.kind == nameToken && t.text == "None":
			t.text = "none"
		case t.kind == stringToken && i > 0 && list[i-1].kind == stringToken:
			out = append(out, token{text: "~"})
		case t.is("{"):
			t.inside = withoutLastComma(t.inside)
		case t.is("[") && before && isIndex(t.inside):
			// gonja counts bytes, and misses the first element from the end.
			at := append(slices.Clone(out[start:]), token{text: "|"}, name("at"), group("(", t.inside...))
			out = append(out[:start], group("[", at...))
			t = group("[", token{kind: numberToken, text: "0"})
		case t.is("(") && !before && i+1 < len(list) && list[i+1].is(".") && !contains(t.inside, ","):
			// gonja has no methods of an expression in parentheses.
			t.text = "["
			out = append(out, t)
			t = group("[", token{kind: numberToken, text: "0"})
		}
		out = append(out, t)
	}
	return sums(out)
}

// sums puts the filter operand after each operand of a +, since gonja counts
// what is missing as an empty text or 0 where Jinja stops.
func sums(list []token) (out []token) {
	operand := []token{{text: "|"}, name("operand")}
	added := false // the last value is the right side of a +
	for i, t := range list {
		binary := t.is("+") && i > 0 && isValue(list[i-1])
		ends := t.kind == operatorToken && !t.is(".") && !t.is("|") && !t.isBracket() || keywords[t.text] && t.kind == nameToken
		if (binary || ends && added) && i > 0 && isValue(list[i-1]) {
			out = append(out, operand...)
			added = false
		}
		added = added || binary
		out = append(out, t)
	}
	if added {
		out = append(out, operand...)
	}
	return out
}

// isIndex tells whether the inside of brackets is an index that may be a number.
func isIndex(list []token) bool {
	return len(list) > 0 && !contains(list, ":") && !(len(list) == 1 && list[0].kind == stringToken)
}

func (t token) is(operator string) bool { return t.kind == operatorToken && t.text == operator }

func (t token) isBracket() bool { return t.kind == operatorToken && closing[t.text] != "" }

func contains(list []token, operator string) bool {
	return slices.ContainsFunc(list, func(t token) bool { return t.is(operator) })
}

func withoutLastComma(list []token) []token {
	if n := len(list); n > 0 && list[n-1].is(",") {
		return list[:n-1]
	}
	return list
}
