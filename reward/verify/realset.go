package verify

import (
	"math/big"
	"sort"
)

// compareEnds orders two ends of an interval; known is false if they are not real constants.
func compareEnds(a, b *node) (order int, known bool) {
	x, okX := endOf(a)
	y, okY := endOf(b)
	if !okX || !okY {
		return 0, false
	}
	return x.compare(y), true
}

// end is a real number or, with a sign, an infinity.
type end struct {
	infinite int
	v        value
}

func endOf(n *node) (end, bool) {
	if n.kind == infinite && n.name != "zoo" {
		if n.name == "oo" {
			return end{infinite: 1}, true
		}
		return end{infinite: -1}, true
	}
	if !n.isScalar() || !n.isConstant() {
		return end{}, false
	}
	v, ok := valueAt(n, 0)
	if !ok {
		return end{}, false
	}
	_, ok = v.real()
	return end{v: v}, ok
}

func (e end) compare(f end) int {
	switch {
	case e.infinite != f.infinite:
		return e.infinite - f.infinite
	case e.infinite != 0, e.v.equal(f.v):
		return 0
	case e.v.r != nil && f.v.r != nil:
		return e.v.r.Cmp(f.v.r)
	}
	x, _ := e.v.real()
	y, _ := f.v.real()
	if x < y {
		return -1
	}
	return 1
}

// line holds the sorted finite ends and points of sets of real numbers. Place 2i+1 is mark i, place 2i the gap below it.
type line struct{ marks []end }

// collect adds the marks of a set; it fails on sets that are not made of real constants.
func (l *line) collect(n *node) bool {
	switch n.kind {
	case interval, finiteSet:
		for _, a := range n.args {
			e, ok := endOf(a)
			if !ok || n.kind == finiteSet && e.infinite != 0 {
				return false
			}
			if e.infinite == 0 {
				l.marks = append(l.marks, e)
			}
		}
		return true
	case union, intersection, difference:
		return l.collect(n.args[0]) && l.collect(n.args[1])
	case namedSet:
		return n.name == "R" || n.name == "empty"
	}
	return false
}

func (l *line) sort() {
	sort.SliceStable(l.marks, func(i, j int) bool { return l.marks[i].compare(l.marks[j]) < 0 })
	unique := l.marks[:0]
	for _, m := range l.marks {
		if len(unique) == 0 || unique[len(unique)-1].compare(m) != 0 {
			unique = append(unique, m)
		}
	}
	l.marks = unique
}

// place is where an end stands: odd for a mark, below or above all places for an infinity.
func (l *line) place(n *node) int {
	e, _ := endOf(n)
	switch e.infinite {
	case -1:
		return -1
	case 1:
		return 2*len(l.marks) + 1
	}
	return 2*sort.Search(len(l.marks), func(i int) bool { return l.marks[i].compare(e) >= 0 }) + 1
}

// inside gives for every place whether it belongs to the set.
func (l *line) inside(n *node) []bool {
	in := make([]bool, 2*len(l.marks)+1)
	switch n.kind {
	case interval:
		low, high := l.place(n.args[0]), l.place(n.args[1])
		for p := range in {
			in[p] = p > low && p < high || p == low && !n.leftOpen && p <= high || p == high && !n.rightOpen && p >= low
		}
		if low == high && (n.leftOpen || n.rightOpen) && low >= 0 && low < len(in) {
			in[low] = false
		}
	case finiteSet:
		for _, a := range n.args {
			in[l.place(a)] = true
		}
	case namedSet:
		for p := range in {
			in[p] = n.name == "R"
		}
	default:
		a, b := l.inside(n.args[0]), l.inside(n.args[1])
		for p := range in {
			switch n.kind {
			case union:
				in[p] = a[p] || b[p]
			case intersection:
				in[p] = a[p] && b[p]
			case difference:
				in[p] = a[p] && !b[p]
			}
		}
	}
	return in
}

// sameRealSets says whether two sets of real numbers have the same members.
func sameRealSets(a, b *node) bool {
	var l line
	if !l.collect(a) || !l.collect(b) {
		return same(a, b)
	}
	l.sort()
	x, y := l.inside(a), l.inside(b)
	for p := range x {
		if x[p] != y[p] {
			return false
		}
	}
	return true
}

// solves says whether a set holds exactly the solutions of a relation in one variable: the relation is tried at the
// marks of the set and at several points of each gap.
func solves(gold, set *node) bool {
	gold = named(gold)
	names := map[string]bool{}
	gold.variables(names)
	var l line
	if len(names) != 1 || !l.collect(set) {
		return false
	}
	l.sort()
	in := l.inside(set)
	for name := range names {
		for p := range in {
			for _, v := range l.samples(p) {
				if holds, ok := holdsAt(gold, name, v); !ok || holds != in[p] {
					return false
				}
			}
		}
	}
	return true
}

// named puts a variable in place of every undefined function, so that 0 < f(x) < 1 is a range of one unknown.
func named(n *node) *node {
	if n.kind == unknown {
		return &node{kind: symbol, name: n.name + "()"}
	}
	if len(n.args) == 0 {
		return n
	}
	out := *n
	out.args = nil
	for _, a := range n.args {
		out.args = append(out.args, named(a))
	}
	return &out
}

// samples are values at a place: the mark itself, or points spread over the gap.
func (l *line) samples(p int) []value {
	if p%2 == 1 {
		return []value{l.marks[p/2].v}
	}
	var out []value
	low, high := -1000.0, 1000.0
	if p > 0 {
		low, _ = l.marks[p/2-1].v.real()
	}
	if p/2 < len(l.marks) {
		high, _ = l.marks[p/2].v.real()
		if p == 0 {
			low = high - 2000
		}
	} else if p > 0 {
		high = low + 2000
	}
	for _, share := range []float64{0.0001, 0.001, 0.01, 0.11, 0.37, 0.5, 0.83, 0.97, 0.999, 0.9999} {
		if r := new(big.Rat).SetFloat64(low + share*(high-low)); r != nil {
			out = append(out, value{r: r})
		}
	}
	return out
}

// holdsAt says whether every link of a relation holds where the variable has the value v.
func holdsAt(n *node, name string, v value) (holds, ok bool) {
	for _, l := range links(n) {
		var side [2]value
		for i := range side {
			if !l.args[i].isScalar() {
				return false, false
			}
			e := &evaluator{bound: map[string]value{name: v}}
			if side[i], ok = e.eval(l.args[i]); !ok {
				return false, true
			}
		}
		x, okX := side[0].real()
		y, okY := side[1].real()
		if !okX || !okY {
			return false, true
		}
		equal := side[0].equal(side[1])
		switch l.name {
		case "=":
			holds = equal
		case "!=":
			holds = !equal
		case "<":
			holds = x < y && !equal
		case "<=":
			holds = x < y || equal
		case ">":
			holds = x > y && !equal
		case ">=":
			holds = x > y || equal
		}
		if !holds {
			return false, true
		}
	}
	return true, true
}
