package verify

import "strings"

// atom reads a number, a constant or a variable.
func (p *parser) atom() (*node, bool) {
	switch p.peek() {
	case "letter", "name", "accent":
		return p.atomName(true)
	case "":
		return nil, false
	}
	t := p.tokens[p.pos]
	p.pos++
	switch t.kind {
	case "num":
		p.subscript() // a base written behind a number is ignored
		return decimalNumber(t.text), true
	case "sci":
		if i := strings.IndexByte(t.text, 'E'); len(t.text)-i > 6 {
			return nil, false
		}
		return decimalNumber(t.text), true
	case "pct":
		return of(percent, decimalNumber(t.text)), true
	case "E":
		return &node{kind: symbol, name: "e"}, true
	case "infinity":
		return &node{kind: infinite, name: "oo"}, true
	case "diff":
		return &node{kind: symbol, name: "d" + strings.TrimLeft(t.text[1:], " \t\r\n\\")}, true
	case "func1":
		if strings.EqualFold(t.text, "gamma") {
			return &node{kind: constant, name: "gamma"}, true
		}
	}
	p.pos--
	return nil, false
}

// atomName reads a variable with its subscript and, if power is asked for, its superscript. Case does not matter: x and
// X are one variable. I is the imaginary unit.
func (p *parser) atomName(withPower bool) (*node, bool) {
	t, ok := p.acceptAny("letter", "name", "accent")
	if !ok {
		return nil, false
	}
	var exponent *node
	if withPower {
		exponent, _ = p.try(p.superscript)
	}
	sub := p.subscript()
	if withPower && exponent == nil && sub != "" {
		exponent, _ = p.try(p.superscript)
	}
	n := nameNode(t, sub)
	if exponent != nil && n.name != "i" {
		return of(power, n, exponent), true
	}
	return n, true
}

func nameNode(t token, sub string) *node {
	if t.text == "I" {
		return &node{kind: constant, name: "i"}
	}
	name := t.text
	if g, ok := greek[name]; ok && t.kind == "name" {
		name = g
	}
	name = strings.ToLower(name) + sub
	if t.kind == "name" && (name == "pi" || name == "gamma") {
		return &node{kind: constant, name: name}
	}
	return &node{kind: symbol, name: strings.ToLower(name)}
}

// subscript reads _ and one atom or a group, and returns what is written there, "" if there is none.
func (p *parser) subscript() string {
	if p.peek() != "_" {
		return ""
	}
	start := p.pos
	p.pos++
	if p.accept("{") {
		depth, from := 1, p.pos
		for p.pos < len(p.tokens) && depth > 0 {
			switch p.tokens[p.pos].kind {
			case "{":
				depth++
			case "}":
				depth--
			}
			p.pos++
		}
		if depth == 0 && p.pos-1 > from {
			return "_" + sourceOf(p.tokens[from:p.pos-1])
		}
	} else if _, ok := p.try(p.atom); ok {
		return "_" + sourceOf(p.tokens[start+1:p.pos])
	}
	p.pos = start
	return ""
}

func sourceOf(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

// undefinedFunction reads f(x) and f(x, y): a name, and one atom or several expressions.
func (p *parser) undefinedFunction() (*node, bool) {
	start := p.pos
	if _, ok := p.atomName(false); !ok {
		return nil, false
	}
	name := sourceOf(p.tokens[start:p.pos])
	exponent, _ := p.try(p.superscript)
	args, ok := p.first(
		func() (*node, bool) { return p.between("(", p.arguments, ")") },
		func() (*node, bool) { return p.between("[", p.arguments, "]") })
	if !ok {
		return nil, false
	}
	n := &node{kind: unknown, name: name, args: args.args}
	if exponent != nil {
		return of(power, n, exponent), true
	}
	return n, true
}

func (p *parser) arguments() (*node, bool) {
	single := func() (*node, bool) {
		a, ok := p.atom()
		if !ok || p.peek() != ")" && p.peek() != "]" {
			return nil, false
		}
		return of(tuple, a), true
	}
	return p.first(single, func() (*node, bool) { return p.commaList(2) })
}

// commaList reads at least least expressions parted by commas.
func (p *parser) commaList(least int) (*node, bool) {
	n := of(tuple)
	for {
		a, ok := p.expression()
		if !ok {
			return nil, false
		}
		n.args = append(n.args, a)
		if !p.accept(",") {
			return n, len(n.args) >= least
		}
	}
}
