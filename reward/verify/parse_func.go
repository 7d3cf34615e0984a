package verify

import "strings"

// function reads a function command with its argument.
func (p *parser) function() (*node, bool) {
	t := p.tokens[p.pos]
	p.pos++
	switch t.kind {
	case "exp":
		if e, ok := p.try(p.superscript); ok {
			return of(power, &node{kind: constant, name: "e"}, e), true
		}
		return &node{kind: constant, name: "e"}, true
	case "sqrt":
		return p.root()
	case "sum":
		return p.series(t.text)
	case "operator":
		if !p.accept("{") || p.peek() != "word" {
			return nil, false
		}
		t.text = p.tokens[p.pos].text
		p.pos++
		if !p.accept("}") {
			return nil, false
		}
		t.kind = "func1"
		if t.text == "gcd" || t.text == "lcm" {
			t.kind = "funcN"
		}
	}
	var base, exponent *node
	for range 2 {
		if p.peek() == "_" && base == nil {
			base, _ = p.try(p.subscriptValue)
		}
		if p.peek() == "^" && exponent == nil {
			exponent, _ = p.try(p.superscript)
		}
	}
	var args *node
	var ok bool
	if t.kind == "funcN" {
		args, ok = p.between("(", func() (*node, bool) { return p.commaList(1) }, ")")
	} else {
		args, ok = p.first(func() (*node, bool) { return p.between("(", p.expression, ")") }, p.plainTerm)
		args = of(tuple, args)
	}
	if !ok {
		return nil, false
	}
	return applied(t.text, base, exponent, args.args)
}

// subscriptValue reads _ and one atom or a group in braces, as a value.
func (p *parser) subscriptValue() (*node, bool) {
	if !p.accept("_") {
		return nil, false
	}
	return p.first(p.atom, func() (*node, bool) { return p.between("{", p.expression, "}") })
}

// applied builds the call of a named function; base is the subscript of a logarithm. f^{-1} of a trigonometric function
// is its inverse, other powers are powers of the value.
func applied(name string, base, exponent *node, args []*node) (*node, bool) {
	switch name {
	case "log", "ln":
		if base == nil {
			base = integer(10)
			if name == "ln" {
				base = &node{kind: constant, name: "e"}
			}
		}
		name, args = "log", append(args, base)
	case "exp":
		return raised(of(power, &node{kind: constant, name: "e"}, args[0]), exponent), true
	case "det":
		d, ok := determinant(args[0])
		return raised(d, exponent), ok
	case "sin", "cos", "tan", "csc", "sec", "cot", "sinh", "cosh", "tanh":
		if exponent != nil && same(exponent, integer(-1)) {
			name, exponent = "a"+name, nil
		}
	default:
		name = strings.TrimPrefix(name, "arc")
		name = strings.TrimPrefix(name, "ar")
		if _, ok := inverses[name]; ok {
			name = "a" + name
		}
	}
	if !known[name] {
		return nil, false
	}
	return raised(call(name, args...), exponent), true
}

func raised(n, exponent *node) *node {
	if exponent == nil {
		return n
	}
	return of(power, n, exponent)
}

// root reads [n]{x} behind \sqrt.
func (p *parser) root() (*node, bool) {
	exponent := divide(integer(1), integer(2))
	if p.peek() == "[" {
		n, ok := p.between("[", p.expression, "]")
		if !ok {
			return nil, false
		}
		exponent = divide(integer(1), n)
	}
	n, ok := p.between("{", p.expression, "}")
	if !ok {
		return nil, false
	}
	return of(power, n, exponent), true
}

// series reads \sum or \prod with its bounds: _{i=a}^{b} term.
func (p *parser) series(name string) (*node, bool) {
	var bounds, end *node
	for range 2 {
		if p.accept("_") && bounds == nil {
			bounds, _ = p.between("{", p.relation, "}")
		} else if p.peek() == "^" && end == nil {
			end, _ = p.try(p.superscript)
		}
	}
	if bounds == nil || end == nil || bounds.kind != relation || bounds.name != "=" || bounds.args[0].kind != symbol {
		return nil, false
	}
	body, ok := p.term()
	return call(name, bounds.args[0], bounds.args[1], end, body), ok
}
