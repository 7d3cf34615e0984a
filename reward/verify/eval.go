package verify

import (
	"hash/fnv"
	"math"
	"math/big"
)

// evaluator computes expressions at one point. bound holds the indices of series; steps bounds the work.
type evaluator struct {
	point int
	bound map[string]value
	steps int
}

// maxTerms bounds the nodes visited by one evaluation, series unrolled.
const maxTerms = 20000

// valueAt evaluates n where every variable has a fixed rational value that depends on its name and the point.
func valueAt(n *node, point int) (value, bool) {
	return (&evaluator{point: point}).eval(n)
}

// variableAt is the value of a variable at a point: between 1/4 and 3 in size, of either sign.
func variableAt(name string, point int) *big.Rat {
	h := fnv.New32a()
	h.Write([]byte{byte(point)})
	h.Write([]byte(name))
	x := h.Sum32()
	r := big.NewRat(int64(x>>3%277+26), 101)
	if (x>>1+uint32(point))%2 == 1 {
		r.Neg(r)
	}
	return r
}

func (e *evaluator) eval(n *node) (value, bool) {
	if e.steps++; e.steps > maxTerms {
		return value{}, false
	}
	switch n.kind {
	case number:
		return exact(n.rat)
	case constant:
		switch n.name {
		case "pi":
			return inexact(math.Pi, 0)
		case "e":
			return inexact(math.E, 0)
		case "i":
			return inexact(1i, 0)
		}
		return inexact(0.57721566490153286, 0)
	case symbol:
		if v, ok := e.bound[n.name]; ok {
			return v, true
		}
		return exact(variableAt(n.name, e.point))
	case sum, product:
		return e.fold(n)
	case percent:
		v, ok := e.eval(n.args[0])
		if !ok {
			return v, false
		}
		return multiply(v, value{r: big.NewRat(1, 100)})
	case power:
		return e.power(n.args[0], n.args[1])
	case function:
		if n.name == "sum" || n.name == "prod" {
			return e.series(n)
		}
		args, ok := e.all(n.args)
		if !ok {
			return value{}, false
		}
		return apply(n.name, args)
	case unknown:
		return e.unknown(n)
	}
	return value{}, false
}

func (e *evaluator) fold(n *node) (value, bool) {
	join, total := add, value{r: new(big.Rat)}
	if n.kind == product {
		join, total = multiply, value{r: big.NewRat(1, 1)}
	}
	for _, a := range n.args {
		v, ok := e.eval(a)
		if !ok {
			return v, false
		}
		if total, ok = join(total, v); !ok {
			return total, false
		}
	}
	return total, true
}

func (e *evaluator) power(base, exponent *node) (value, bool) {
	w, ok := e.eval(exponent)
	if !ok {
		return w, false
	}
	v, ok := e.eval(base)
	if !ok {
		return v, false
	}
	return raise(v, w)
}

func (e *evaluator) all(args []*node) ([]value, bool) {
	out := make([]value, len(args))
	for i, a := range args {
		var ok bool
		if out[i], ok = e.eval(a); !ok {
			return nil, false
		}
	}
	return out, true
}

// unknown gives an undefined function a polynomial of its arguments, with coefficients from its name.
func (e *evaluator) unknown(n *node) (value, bool) {
	args, ok := e.all(n.args)
	if !ok {
		return value{}, false
	}
	total := value{r: variableAt(n.name+"()", 0)}
	for i, a := range args {
		c := value{r: variableAt(n.name+"()", i+1)}
		square, ok := multiply(a, a)
		if !ok {
			return square, false
		}
		for _, v := range []value{a, square} {
			if v, ok = multiply(v, c); !ok {
				return v, false
			}
			if total, ok = add(total, v); !ok {
				return total, false
			}
		}
	}
	return total, true
}

// series adds or multiplies the terms between two integer bounds.
func (e *evaluator) series(n *node) (value, bool) {
	bounds, ok := e.all(n.args[1:3])
	if !ok || bounds[0].r == nil || bounds[1].r == nil || !bounds[0].r.IsInt() || !bounds[1].r.IsInt() {
		return value{}, false
	}
	from, to := bounds[0].r.Num(), bounds[1].r.Num()
	if !from.IsInt64() || !to.IsInt64() || to.Int64()-from.Int64() > maxTerms || to.Int64() < from.Int64() {
		return value{}, false
	}
	join, total := add, value{r: new(big.Rat)}
	if n.name == "prod" {
		join, total = multiply, value{r: big.NewRat(1, 1)}
	}
	inner := &evaluator{point: e.point, bound: map[string]value{}, steps: e.steps}
	for name, v := range e.bound {
		inner.bound[name] = v
	}
	for i := from.Int64(); i <= to.Int64(); i++ {
		inner.bound[n.args[0].name] = value{r: big.NewRat(i, 1)}
		v, ok := inner.eval(n.args[3])
		if !ok {
			return v, false
		}
		if total, ok = join(total, v); !ok {
			return total, false
		}
	}
	e.steps = inner.steps
	return total, true
}
