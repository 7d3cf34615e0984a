package verify

import "strings"

// maxPairs bounds the comparisons of the members of two sets.
const maxPairs = 20000

// comparer compares two expressions as math-verify's sympy_expr_eq does, with its lack of symmetry: the gold decides
// whether "x =" matters. pairs counts comparisons.
type comparer struct {
	pairs int
}

func equalNodes(gold, answer *node) bool { return (&comparer{}).equal(gold, answer) }

func (c *comparer) equal(gold, answer *node) bool {
	if c.pairs++; c.pairs > maxPairs {
		return false
	}
	goldNamed, answerNamed := isAssignment(gold), isAssignment(answer)
	goldEquation, answerEquation := isEquation(gold), isEquation(answer)
	if goldNamed {
		gold = shortened(gold)
	}
	if answerNamed {
		answer = shortened(answer)
	}
	if answerEquation && !goldEquation {
		answer = lastLink(answer).args[1]
	} else if goldNamed && !answerEquation {
		gold = gold.args[1]
	}
	if gold.kind == infinite && gold.name == "zoo" {
		return false
	}
	switch {
	case gold.isRelation() && answer.isSet():
		return solves(gold, answer)
	case gold.isRelation() && answer.isRelation():
		return c.relations(gold, answer)
	case same(gold, answer):
		return true
	case gold.isRelation() || answer.isRelation():
		return false
	case !gold.isScalar() && gold.kind != matrix || !answer.isScalar() && answer.kind != matrix:
		return c.sets(gold, answer)
	case gold.kind == symbol || answer.kind == symbol:
		return written(gold) != "" && written(gold) == written(answer)
	}
	return scalars(gold, answer)
}

// written is how a rational number or a word is spelled, so that \text{12} is 12.
func written(n *node) string {
	if n.isRational() {
		return n.rat.RatString()
	}
	return spelled(n)
}

// spelled joins the letters of a product of variables, so that \text{ABC} is ABC.
func spelled(n *node) string {
	switch {
	case n.kind == symbol, n.kind == constant && n.name == "e":
		return strings.ToLower(n.name)
	case n.kind != product:
		return ""
	}
	var b strings.Builder
	for _, a := range n.args {
		if a.kind == product || spelled(a) == "" {
			return ""
		}
		b.WriteString(spelled(a))
	}
	return b.String()
}

// links are the relations of a chain.
func links(n *node) []*node {
	if n.kind == conjunction {
		return n.args
	}
	return []*node{n}
}

func lastLink(n *node) *node { return links(n)[len(links(n))-1] }

func isEquation(n *node) bool {
	if !n.isRelation() {
		return false
	}
	for _, l := range links(n) {
		if l.name != "=" {
			return false
		}
	}
	return true
}

// isAssignment holds for "x = 3" and "f(x) = 2x = …": an equation whose left side is made of names.
func isAssignment(n *node) bool { return isEquation(n) && links(n)[0].args[0].onlySymbols() }

// shortened is x = c for the assignment x = a = b = c.
func shortened(n *node) *node {
	return &node{kind: relation, name: "=", args: []*node{links(n)[0].args[0], lastLink(n).args[1]}}
}

var flipped = map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}

func (c *comparer) relations(gold, answer *node) bool {
	if gold.kind == conjunction || answer.kind == conjunction {
		if gold.kind != answer.kind || len(gold.args) != len(answer.args) {
			return false
		}
		for i := range gold.args {
			if !c.relations(gold.args[i], answer.args[i]) {
				return false
			}
		}
		return true
	}
	for _, side := range append(append([]*node{}, gold.args...), answer.args...) {
		if !side.isScalar() {
			return gold.name == answer.name && c.equal(gold.args[0], answer.args[0]) && c.equal(gold.args[1], answer.args[1])
		}
	}
	g := minus(gold.args[0], gold.args[1])
	if gold.name == answer.name && scalars(g, minus(answer.args[0], answer.args[1])) {
		return true
	}
	if flipped[gold.name] == answer.name && scalars(g, minus(answer.args[1], answer.args[0])) {
		return true
	}
	return gold.name == "=" && answer.name == "=" && sameSolutions(g, minus(answer.args[0], answer.args[1]))
}

// sets compares where at least one side is a set or a tuple; a single value counts as the set of itself. An open
// interval of two ends may be meant as a pair.
func (c *comparer) sets(gold, answer *node) bool {
	gold, answer = asSet(gold), asSet(answer)
	if gold.kind == interval && answer.kind == interval {
		return gold.leftOpen == answer.leftOpen && gold.rightOpen == answer.rightOpen &&
			c.equal(gold.args[0], answer.args[0]) && c.equal(gold.args[1], answer.args[1])
	}
	if gold.kind != tuple && answer.kind != tuple && (gold.kind != finiteSet || answer.kind != finiteSet || plain(gold) && plain(answer)) && sameRealSets(gold, answer) {
		return true
	}
	for _, n := range []**node{&gold, &answer} {
		if k := *n; k.kind == interval && k.leftOpen && k.rightOpen {
			*n = of(tuple, k.args...)
		}
	}
	if gold.kind != tuple && gold.kind != finiteSet || answer.kind != tuple && answer.kind != finiteSet {
		return false
	}
	if gold.kind == finiteSet {
		return c.members(gold.args, answer.args)
	}
	if len(gold.args) != len(answer.args) {
		return false
	}
	for i := range gold.args {
		if !c.equal(gold.args[i], answer.args[i]) {
			return false
		}
	}
	return true
}

// plain holds for what sympy works out by itself when it makes a set, so that {2·3, 6} is {6}; functions and percentages
// stay as written.
func plain(n *node) bool {
	if n.kind == function || n.kind == percent {
		return false
	}
	for _, a := range n.args {
		if !plain(a) {
			return false
		}
	}
	return true
}

func asSet(n *node) *node {
	switch {
	case n.kind == finiteSet:
		return of(finiteSet, distinct(n.args)...)
	case n.isSet(), n.kind == tuple:
		return n
	}
	return of(finiteSet, n)
}

// maxAlike bounds the sets whose expressions are told apart by value, not only by how they are written.
const maxAlike = 8

// distinct drops repeated members.
func distinct(args []*node) []*node {
	var out []*node
next:
	for _, a := range args {
		for _, b := range out {
			if same(a, b) || len(args) <= maxAlike && a.isScalar() && b.isScalar() && !a.isConstant() && !b.isConstant() && sameEverywhere(a, b) {
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}

// members pairs each member of one set with one of the other.
func (c *comparer) members(gold, answer []*node) bool {
	if len(gold) != len(answer) {
		return false
	}
	used := make([]bool, len(answer))
next:
	for _, g := range gold {
		for i, a := range answer {
			if !used[i] && c.equal(g, a) {
				used[i] = true
				continue next
			}
		}
		return false
	}
	return true
}
