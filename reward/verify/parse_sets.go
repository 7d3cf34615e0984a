package verify

// assignedElements reads "x = 1, 2" and "x \in (1, 2)": a name for all that follows.
func (p *parser) assignedElements() (*node, bool) {
	left, ok := p.try(p.atomList)
	if !ok {
		return nil, false
	}
	if _, ok := p.acceptAny("in", "="); !ok {
		return nil, false
	}
	right, ok := p.list(p.expression)
	if !ok {
		return nil, false
	}
	return &node{kind: relation, name: "=", args: []*node{left, right}}, true
}

// elements reads one expression or a list of them.
func (p *parser) elements() (*node, bool) { return p.list(p.relation) }

// list reads groups of elements; semicolons part groups, commas elements. One element is itself, several are a set, and
// several groups a set of tuples.
func (p *parser) list(plain func() (*node, bool)) (*node, bool) {
	groups, ok := p.groups(plain)
	if !ok {
		return nil, false
	}
	return setOf(groups), true
}

func setOf(groups [][]*node) *node {
	if len(groups) == 1 {
		if len(groups[0]) == 1 {
			return groups[0][0]
		}
		return of(finiteSet, groups[0]...)
	}
	var all, tuples []*node
	for _, g := range groups {
		all = append(all, g...)
		tuples = append(tuples, of(tuple, g...))
	}
	if len(all) == len(groups) {
		return of(finiteSet, all...)
	}
	return of(finiteSet, tuples...)
}

func (p *parser) groups(plain func() (*node, bool)) ([][]*node, bool) {
	var groups [][]*node
	for {
		var group []*node
		for {
			e, ok := p.element(plain)
			if !ok {
				return nil, false
			}
			group = append(group, e...)
			if !p.accept(",") {
				break
			}
		}
		groups = append(groups, group)
		if !p.accept(";") {
			return groups, true
		}
	}
}

// element reads one element, or the two of a ± b. An alternative fits only if the element ends where it does.
func (p *parser) element(plain func() (*node, bool)) ([]*node, bool) {
	ends := func(rule func() (*node, bool)) func() (*node, bool) {
		return func() (*node, bool) {
			n, ok := rule()
			switch p.peek() {
			case "", ",", ";", ")", "]", "}", `\}`, "rgroup":
				return n, ok
			}
			return nil, false
		}
	}
	if n, ok := p.try(ends(p.plusMinus)); ok {
		return n.args, true
	}
	n, ok := p.first(ends(p.setAtom), ends(plain))
	return []*node{n}, ok
}

func (p *parser) plusMinus() (*node, bool) {
	if p.accept("pm") {
		n, ok := p.expression()
		if !ok {
			return nil, false
		}
		return of(tuple, negate(n), n), true
	}
	a, ok := p.expression()
	if !ok || !p.accept("pm") {
		return nil, false
	}
	b, ok := p.expression()
	if !ok {
		return nil, false
	}
	return of(tuple, flat(sum, a, b), minus(a, b)), true
}

func (p *parser) setAtom() (*node, bool) {
	return p.first(p.interval, p.namedSet, p.orderedTuple, p.finiteSet)
}

func (p *parser) namedSet() (*node, bool) {
	if p.accept("set") {
		return &node{kind: namedSet, name: sets[p.tokens[p.pos-1].text]}, true
	}
	if p.accept("{") && p.accept("}") {
		return &node{kind: namedSet, name: "empty"}, true
	}
	return nil, false
}

// interval reads (a, b), [a, b) and the like. What would be empty is the pair of its ends, a point.
func (p *parser) interval() (*node, bool) {
	open, ok := p.acceptAny("[", "(", "lgroup")
	if !ok {
		return nil, false
	}
	a, ok := p.expression()
	if !ok || !p.accept(",") {
		return nil, false
	}
	b, ok := p.expression()
	if !ok {
		return nil, false
	}
	shut, ok := p.acceptAny("]", ")", "rgroup")
	if !ok {
		return nil, false
	}
	n := &node{kind: interval, leftOpen: open.kind != "[", rightOpen: shut.kind != "]", args: []*node{a, b}}
	n.leftOpen, n.rightOpen = n.leftOpen || a.kind == infinite, n.rightOpen || b.kind == infinite
	order, known := compareEnds(a, b)
	if known && (n.leftOpen && n.rightOpen && order >= 0 || !n.leftOpen && !n.rightOpen && order > 0) {
		return of(tuple, a, b), true
	}
	return n, true
}

func (p *parser) orderedTuple() (*node, bool) {
	for _, d := range [][2]string{{"(", ")"}, {"[", "]"}} {
		if n, ok := p.between(d[0], func() (*node, bool) { return p.flatGroups(tuple) }, d[1]); ok {
			if len(n.args) == 1 {
				return n.args[0], true
			}
			return n, true
		}
	}
	return nil, false
}

func (p *parser) finiteSet() (*node, bool) {
	members := func() (*node, bool) { return p.flatGroups(finiteSet) }
	return p.first(
		func() (*node, bool) { return p.between("{", members, "}") },
		func() (*node, bool) { return p.between(`\{`, members, `\}`) },
		func() (*node, bool) {
			if !p.accept("boxed") {
				return nil, false
			}
			return p.between("{", p.elements, "}")
		})
}

func (p *parser) flatGroups(k kind) (*node, bool) {
	groups, ok := p.groups(p.relation)
	n := of(k)
	for _, g := range groups {
		n.args = append(n.args, g...)
	}
	return n, ok
}

// setRelation reads "x \in A", "x = A" and expressions of sets.
func (p *parser) setRelation() (*node, bool) {
	named := func() (*node, bool) {
		left, ok := p.atomList()
		if !ok {
			return nil, false
		}
		if _, ok := p.acceptAny("in", "="); !ok {
			return nil, false
		}
		right, ok := p.setRelation()
		return &node{kind: relation, name: "=", args: []*node{left, right}}, ok
	}
	return p.first(named, p.setDifference)
}

func (p *parser) setDifference() (*node, bool) {
	return p.leftAssoc(p.setUnion, joinSets(difference), "setminus")
}

func (p *parser) setUnion() (*node, bool) {
	return p.leftAssoc(p.setIntersection, joinSets(union), "cup")
}

func (p *parser) setIntersection() (*node, bool) {
	group := func() (*node, bool) { return p.between("(", p.setDifference, ")") }
	return p.leftAssoc(func() (*node, bool) { return p.first(group, p.setAtom) }, joinSets(intersection), "cap")
}

func joinSets(k kind) func(token, *node, *node) *node {
	return func(_ token, a, b *node) *node {
		for _, n := range []*node{a, b} {
			if n.kind == tuple && k != difference {
				n.kind = finiteSet
			}
			if !n.isSet() {
				return nil
			}
		}
		return of(k, a, b)
	}
}

// atomList reads a name, or names in parentheses.
func (p *parser) atomList() (*node, bool) {
	if !p.accept("(") {
		return p.atomName(true)
	}
	n := of(tuple)
	for {
		a, ok := p.atomName(true)
		if !ok {
			return nil, false
		}
		n.args = append(n.args, a)
		if !p.accept(",") {
			break
		}
	}
	if len(n.args) == 1 {
		n = n.args[0]
	}
	return n, p.accept(")")
}
