package verify

import "math/big"

// relation reads a chain of comparisons, a < b = c; a single expression is itself.
func (p *parser) relation() (*node, bool) {
	return p.leftAssoc(p.expression, joinRelation, "=", "approx", "<", "<=", ">", ">=", "!=")
}

func joinRelation(op token, a, b *node) *node {
	if op.kind == "approx" {
		if a.onlySymbols() {
			return b
		}
		return a
	}
	r := &node{kind: relation, name: op.kind, args: []*node{a, b}}
	if !a.isRelation() {
		return r
	}
	links := []*node{a}
	if a.kind == conjunction {
		links = append([]*node{}, a.args...)
	}
	r.args = []*node{links[len(links)-1].args[1], b}
	return of(conjunction, append(links, r)...)
}

func (p *parser) expression() (*node, bool) {
	return p.leftAssoc(p.term, func(op token, a, b *node) *node {
		if op.kind == "-" {
			return minus(a, b)
		}
		return flat(sum, a, b)
	}, "+", "-")
}

// term reads products and quotients; they bind alike, from the left, and looser than factors that stand side by side.
func (p *parser) term() (*node, bool) {
	return p.leftAssoc(func() (*node, bool) { return p.unary(true) }, joinTerm, "*", "/", "mod")
}

// plainTerm is the argument of a function written without parentheses: it ends before the next function.
func (p *parser) plainTerm() (*node, bool) {
	return p.leftAssoc(func() (*node, bool) { return p.unary(false) }, joinTerm, "*", "/", "mod")
}

func joinTerm(op token, a, b *node) *node {
	switch op.kind {
	case "*":
		return flat(product, a, b)
	case "/":
		return divide(a, b)
	}
	return call("mod", a, b)
}

func (p *parser) unary(functions bool) (*node, bool) {
	return p.try(func() (*node, bool) {
		if op, ok := p.acceptAny("+", "-"); ok {
			n, ok := p.unary(functions)
			if ok && op.kind == "-" {
				n = negate(n)
			}
			return n, ok
		}
		n, ok := p.postfix(true)
		if !ok {
			return nil, false
		}
		factors := []*node{n}
		for {
			n, ok := p.try(func() (*node, bool) { return p.postfix(functions) })
			if !ok {
				return sideBySide(factors), true
			}
			factors = append(factors, n)
		}
	})
}

// sideBySide multiplies factors, but an integer before a positive fraction makes a mixed number: 3\frac{1}{2} is 7/2.
func sideBySide(factors []*node) *node {
	n := factors[len(factors)-1]
	for i := len(factors) - 2; i >= 0; i-- {
		f := factors[i]
		if f.isInteger() && n.isRational() && n.rat.Sign() > 0 {
			r := new(big.Rat).Set(n.rat)
			if f.rat.Sign() < 0 {
				r.Neg(r)
			}
			n = &node{kind: number, rat: r.Add(r, f.rat)}
			continue
		}
		n = flat(product, f, n)
	}
	return n
}

// postfix reads a power and the signs behind it: factorials, degrees (dropped), transposes (dropped from scalars).
func (p *parser) postfix(functions bool) (*node, bool) {
	n, ok := p.primary(functions)
	if !ok {
		return nil, false
	}
	for {
		switch {
		case p.accept("!"):
			n = call("factorial", n)
		case p.accept("degree"):
		case p.accept("transpose"):
			n = transpose(n)
		case p.peek() == "^":
			exponent, ok := p.try(p.superscript)
			if !ok {
				return n, true
			}
			n = of(power, n, exponent)
		default:
			return n, true
		}
	}
}

// superscript reads ^ and one atom or a group in braces.
func (p *parser) superscript() (*node, bool) {
	if !p.accept("^") {
		return nil, false
	}
	return p.first(p.atom, func() (*node, bool) { return p.between("{", p.expression, "}") })
}

var groupDelimiters = [][2]string{{"(", ")"}, {"lgroup", "rgroup"}, {"{", "}"}, {"[", "]"}, {`\{`, `\}`}}

var wrappers = []struct{ open, name, shut string }{
	{"|", "abs", "|"}, {"lvert", "abs", "rvert"}, {"lfloor", "floor", "rfloor"}, {"lceil", "ceil", "rceil"},
}

// primary reads what a power can stand on.
func (p *parser) primary(functions bool) (*node, bool) {
	switch p.peek() {
	case "(", "lgroup", "{", "[", `\{`:
		for _, d := range groupDelimiters {
			if n, ok := p.between(d[0], p.expression, d[1]); ok {
				return n, true
			}
		}
		return p.try(p.choose)
	case "|", "lvert", "lfloor", "lceil":
		for _, w := range wrappers {
			if n, ok := p.between(w.open, p.expression, w.shut); ok {
				return call(w.name, n), true
			}
		}
		return nil, false
	case "boxed":
		p.pos++
		return p.between("{", p.expression, "}")
	case "frac":
		a, b, ok := p.twoGroups()
		if !ok {
			return nil, false
		}
		return divide(a, b), true
	case "binom":
		a, b, ok := p.twoGroups()
		return call("binomial", a, b), ok
	case "begin":
		return p.try(p.matrix)
	case "func1", "funcN", "operator", "sqrt", "sum", "exp":
		if !functions {
			return nil, false
		}
		return p.try(p.function)
	}
	if functions {
		if n, ok := p.try(p.undefinedFunction); ok {
			return n, true
		}
	}
	return p.try(p.atom)
}

// twoGroups reads the command at pos and its two braced arguments.
func (p *parser) twoGroups() (a, b *node, ok bool) {
	start := p.pos
	p.pos++
	a, okA := p.between("{", p.expression, "}")
	if okA {
		b, ok = p.between("{", p.expression, "}")
	}
	if !ok {
		p.pos = start
	}
	return a, b, ok
}

// choose reads {n \choose k}.
func (p *parser) choose() (*node, bool) {
	if !p.accept("{") {
		return nil, false
	}
	n, ok := p.expression()
	if !ok || !p.accept("choose") {
		return nil, false
	}
	k, ok := p.expression()
	return call("binomial", n, k), ok && p.accept("}")
}
