package verify

import (
	"math/big"
	"strings"
)

// kind says what a node is; it decides how two nodes are compared.
type kind int

const (
	number       kind = iota // rat; decimal if written with a point or exponent
	infinite                 // name: oo, -oo or zoo (a division by zero)
	constant                 // name: pi, e, i or gamma (Euler's)
	symbol                   // name
	sum                      // args
	product                  // args
	power                    // args: base, exponent
	function                 // name, args: one that eval knows
	unknown                  // name, args: an undefined function such as f(x)
	percent                  // args: the number in front of %
	matrix                   // args: the rows, each a tuple
	tuple                    // args
	finiteSet                // args, in the order written
	interval                 // args: the two ends; leftOpen, rightOpen
	union                    // args: two sets
	intersection             // args: two sets
	difference               // args: two sets
	namedSet                 // name: N, Z, Q, R, C, P or empty
	relation                 // name: = < <= > >= !=; args: left, right
	conjunction              // args: the relations of a chain a < b < c
)

// node is an expression as written: nothing is evaluated but a/b of integers and mixed numbers.
type node struct {
	kind                kind
	name                string
	rat                 *big.Rat
	decimal             bool
	leftOpen, rightOpen bool
	args                []*node
}

func integer(i int64) *node { return &node{kind: number, rat: big.NewRat(i, 1)} }

func of(k kind, args ...*node) *node { return &node{kind: k, args: args} }

func call(name string, args ...*node) *node { return &node{kind: function, name: name, args: args} }

func (n *node) isInteger() bool { return n.kind == number && !n.decimal && n.rat.IsInt() }

func (n *node) isRational() bool { return n.kind == number && !n.decimal }

func (n *node) isSet() bool { return n.kind >= finiteSet && n.kind <= namedSet }

// isRelation holds for one relation and for a chain.
func (n *node) isRelation() bool { return n.kind == relation || n.kind == conjunction }

// isScalar holds for what can be added and multiplied as a number.
func (n *node) isScalar() bool { return n.kind < matrix }

func negate(n *node) *node {
	switch {
	case n.kind == number:
		return &node{kind: number, rat: new(big.Rat).Neg(n.rat), decimal: n.decimal}
	case n.kind == infinite && n.name == "oo":
		return &node{kind: infinite, name: "-oo"}
	case n.kind == infinite && n.name == "-oo":
		return &node{kind: infinite, name: "oo"}
	}
	return flat(product, integer(-1), n)
}

func minus(a, b *node) *node { return flat(sum, a, negate(b)) }

// flat joins two nodes into one sum or product, so that a chain of a thousand terms is no tree a thousand deep.
func flat(k kind, a, b *node) *node {
	var args []*node
	for _, n := range []*node{a, b} {
		if n.kind == k {
			args = append(args, n.args...)
		} else {
			args = append(args, n)
		}
	}
	return of(k, args...)
}

// divide is a/b: a rational if both are integers, otherwise a·b⁻¹.
func divide(a, b *node) *node {
	if a.isInteger() && b.isInteger() {
		if b.rat.Sign() == 0 {
			return &node{kind: infinite, name: "zoo"}
		}
		return &node{kind: number, rat: new(big.Rat).Quo(a.rat, b.rat)}
	}
	return of(product, a, of(power, b, integer(-1)))
}

// onlySymbols holds for an expression whose leaves are all variables, such as x, A/S or f(x): what an assignment may
// have on its left.
func (n *node) onlySymbols() bool {
	switch {
	case n.kind == symbol:
		return true
	case n.kind == power && n.args[1].isInteger() && n.args[1].rat.Cmp(big.NewRat(-1, 1)) == 0:
		return n.args[0].onlySymbols()
	case len(n.args) == 0:
		return false
	}
	for _, a := range n.args {
		if !a.onlySymbols() {
			return false
		}
	}
	return true
}

// variables adds the names of all variables of n to seen.
func (n *node) variables(seen map[string]bool) {
	if n.kind == symbol {
		seen[n.name] = true
	}
	for _, a := range n.args {
		a.variables(seen)
	}
}

func (n *node) isConstant() bool {
	if n.kind == symbol || n.kind == unknown {
		return false
	}
	for _, a := range n.args {
		if !a.isConstant() {
			return false
		}
	}
	return true
}

// same says whether two trees are alike, leaf by leaf.
func same(a, b *node) bool {
	if a.kind != b.kind || !strings.EqualFold(a.name, b.name) || len(a.args) != len(b.args) ||
		a.leftOpen != b.leftOpen || a.rightOpen != b.rightOpen ||
		a.kind == number && (a.decimal != b.decimal || a.rat.Cmp(b.rat) != 0) {
		return false
	}
	for i := range a.args {
		if !same(a.args[i], b.args[i]) {
			return false
		}
	}
	return true
}
