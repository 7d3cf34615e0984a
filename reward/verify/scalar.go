package verify

import "math/big"

// scalars compares two numbers, expressions or matrices. A number written as a decimal is compared to six places, as
// math-verify does (float_rounding 6); 9% equals 9, because an answer may leave the percent sign to the question.
func scalars(a, b *node) bool {
	ma, okA := asMatrix(a)
	mb, okB := asMatrix(b)
	if okA || okB {
		return okA && okB && sameMatrix(ma, mb)
	}
	if a.kind == infinite || b.kind == infinite {
		return same(a, b)
	}
	na, nb := withoutPercent(a), withoutPercent(b)
	if na.kind == number || nb.kind == number {
		switch {
		case na.kind == number && na.decimal || nb.kind == number && nb.decimal:
			if sameRounded(a, b) {
				return true
			}
		case na.isInteger() && nb.isInteger():
			if na.rat.Cmp(nb.rat) == 0 {
				return true
			}
		}
	}
	return sameEverywhere(a, b)
}

func sameMatrix(a, b *node) bool {
	if len(a.args) != len(b.args) || len(a.args[0].args) != len(b.args[0].args) {
		return false
	}
	for i := range a.args {
		for j := range a.args[0].args {
			if !scalars(a.args[i].args[j], b.args[i].args[j]) {
				return false
			}
		}
	}
	return true
}

func withoutPercent(n *node) *node {
	if n.kind == percent {
		return n.args[0]
	}
	return n
}

// sameRounded compares two constants to six decimals.
func sameRounded(a, b *node) bool {
	if !a.isConstant() || !b.isConstant() {
		return false
	}
	va, okA := valueAt(a, 0)
	vb, okB := valueAt(b, 0)
	if !okA || !okB {
		return false
	}
	ra, okA := sixPlaces(va)
	rb, okB := sixPlaces(vb)
	return okA && okB && ra.Cmp(rb) == 0
}

// sixPlaces is a real value in millionths, rounded half to even.
func sixPlaces(v value) (*big.Int, bool) {
	r := v.r
	if r == nil {
		x, ok := v.real()
		if !ok {
			return nil, false
		}
		r = new(big.Rat).SetFloat64(x)
	}
	scaled := new(big.Rat).Mul(r, big.NewRat(1000000, 1))
	q, m := new(big.Int).DivMod(scaled.Num(), scaled.Denom(), new(big.Int))
	switch m.Lsh(m, 1).Cmp(scaled.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		if q.Bit(0) == 1 {
			q.Add(q, big.NewInt(1))
		}
	}
	return q, true
}

// Two expressions with variables are taken for equal if they agree at every point where both have a value, and there
// are at least enoughPoints of those. The points are rational and of either sign, so a law that holds for positive
// numbers only, such as √x² = x, does not pass.
const (
	maxPoints    = 12
	enoughPoints = 4
)

func sameEverywhere(a, b *node) bool {
	if a.isConstant() && b.isConstant() {
		va, okA := valueAt(a, 0)
		vb, okB := valueAt(b, 0)
		return okA && okB && va.equal(vb) || !okA && !okB && same(a, b)
	}
	seen := 0
	for point := 1; point <= maxPoints; point++ {
		va, okA := valueAt(a, point)
		vb, okB := valueAt(b, point)
		if !okA || !okB {
			continue
		}
		if !va.equal(vb) {
			return false
		}
		seen++
	}
	return seen >= enoughPoints || same(a, b)
}

// sameSolutions says whether the equations a = 0 and b = 0 in two or more variables say the same: one is a multiple of
// the other, or both give the same value of one variable by the others. (An equation in one variable is compared as it
// stands, for solving it may be the question.)
func sameSolutions(a, b *node) bool {
	names, other := map[string]bool{}, map[string]bool{}
	a.variables(names)
	b.variables(other)
	if len(names) < 2 || len(names) != len(other) {
		return false
	}
	for name := range names {
		if !other[name] {
			return false
		}
	}
	inverse := of(power, b, integer(-1))
	if ratio, ok := valueAt(divide(a, b), 1); ok && !ratio.isZero() {
		if ratio.r != nil && sameEverywhere(of(product, a, inverse), &node{kind: number, rat: ratio.r}) {
			return true
		}
	}
	for name := range names {
		if sameRoot(a, b, name) {
			return true
		}
	}
	return false
}

// sameRoot says whether a = 0 and b = 0 are both linear in a variable and give it the same value.
func sameRoot(a, b *node, name string) bool {
	seen := 0
	for point := 1; point <= enoughPoints; point++ {
		ra, okA := rootIn(a, name, point)
		rb, okB := rootIn(b, name, point)
		if !okA || !okB || !ra.equal(rb) {
			return false
		}
		seen++
	}
	return seen == enoughPoints
}

// rootIn solves n = 0, linear in the variable, at a point of the others.
func rootIn(n *node, name string, point int) (value, bool) {
	var at [3]value
	for x := range at {
		var ok bool
		e := &evaluator{point: point, bound: map[string]value{name: {r: big.NewRat(int64(x), 1)}}}
		if at[x], ok = e.eval(n); !ok {
			return value{}, false
		}
	}
	ok := true
	combine := func(v, w value, f func(value, value) (value, bool)) (out value) {
		if ok {
			out, ok = f(v, w)
		}
		return out
	}
	minusOne := value{r: big.NewRat(-1, 1)}
	slope := combine(at[1], combine(at[0], minusOne, multiply), add)
	next := combine(at[2], combine(at[1], minusOne, multiply), add)
	if !ok || slope.isZero() || !slope.equal(next) {
		return value{}, false
	}
	inverse, invertible := raiseInt(slope, -1)
	root := combine(combine(at[0], minusOne, multiply), inverse, multiply)
	return root, ok && invertible
}
