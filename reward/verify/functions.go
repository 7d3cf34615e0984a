package verify

import (
	"math"
	"math/big"
	"math/cmplx"
)

// analytic are the functions computed in floating point, each with its derivative's size, which carries the error.
var analytic = map[string]struct {
	f     func(complex128) complex128
	slope func(z, f complex128) complex128
}{
	"sin":   {cmplx.Sin, func(z, _ complex128) complex128 { return cmplx.Cos(z) }},
	"cos":   {cmplx.Cos, func(z, _ complex128) complex128 { return cmplx.Sin(z) }},
	"tan":   {cmplx.Tan, func(_, f complex128) complex128 { return 1 + f*f }},
	"csc":   {func(z complex128) complex128 { return 1 / cmplx.Sin(z) }, func(_, f complex128) complex128 { return f * f }},
	"sec":   {func(z complex128) complex128 { return 1 / cmplx.Cos(z) }, func(_, f complex128) complex128 { return f * f }},
	"cot":   {cmplx.Cot, func(_, f complex128) complex128 { return 1 + f*f }},
	"asin":  {cmplx.Asin, func(z, _ complex128) complex128 { return 1 / cmplx.Sqrt(1-z*z) }},
	"acos":  {cmplx.Acos, func(z, _ complex128) complex128 { return 1 / cmplx.Sqrt(1-z*z) }},
	"atan":  {cmplx.Atan, func(z, _ complex128) complex128 { return 1 / (1 + z*z) }},
	"acsc":  {func(z complex128) complex128 { return cmplx.Asin(1 / z) }, func(z, _ complex128) complex128 { return 1 / cmplx.Sqrt(z*z-1) }},
	"asec":  {func(z complex128) complex128 { return cmplx.Acos(1 / z) }, func(z, _ complex128) complex128 { return 1 / cmplx.Sqrt(z*z-1) }},
	"acot":  {func(z complex128) complex128 { return cmplx.Atan(1 / z) }, func(z, _ complex128) complex128 { return 1 / (1 + z*z) }},
	"sinh":  {cmplx.Sinh, func(z, _ complex128) complex128 { return cmplx.Cosh(z) }},
	"cosh":  {cmplx.Cosh, func(z, _ complex128) complex128 { return cmplx.Sinh(z) }},
	"tanh":  {cmplx.Tanh, func(_, f complex128) complex128 { return 1 - f*f }},
	"asinh": {cmplx.Asinh, func(z, _ complex128) complex128 { return 1 / cmplx.Sqrt(1+z*z) }},
	"acosh": {cmplx.Acosh, func(z, _ complex128) complex128 { return 1 / cmplx.Sqrt(z*z-1) }},
	"atanh": {cmplx.Atanh, func(z, _ complex128) complex128 { return 1 / (1 - z*z) }},
}

// inverses are the functions whose inverse is known by their name with an a in front.
var inverses = map[string]bool{"sin": true, "cos": true, "tan": true, "csc": true, "sec": true, "cot": true, "sinh": true,
	"cosh": true, "tanh": true}

// exactFunctions are computed on exact numbers, or by rules of their own.
var exactFunctions map[string]func([]value) (value, bool)

// known are the names apply computes.
var known = map[string]bool{}

func init() {
	exactFunctions = map[string]func([]value) (value, bool){
		"log": logarithm, "abs": absolute, "floor": rounded(false), "ceil": rounded(true), "factorial": factorial,
		"gamma": gamma, "Gamma": gamma, "binomial": binomial, "mod": modulo, "gcd": gcd, "lcm": lcm,
		"det": eliminate, "max": extreme(1), "min": extreme(-1),
	}
	for name := range exactFunctions {
		known[name] = true
	}
	for name := range analytic {
		known[name] = true
	}
}

// apply computes a function of values.
func apply(name string, args []value) (value, bool) {
	if f, ok := exactFunctions[name]; ok {
		return f(args)
	}
	f, ok := analytic[name]
	if !ok || len(args) != 1 {
		return value{}, false
	}
	if args[0].r != nil && args[0].r.Sign() == 0 && f.f(0) == 0 {
		return value{r: new(big.Rat)}, true
	}
	z, err := args[0].float()
	w := f.f(z)
	return inexact(w, cmplx.Abs(f.slope(z, w))*err+roundoff*(1+cmplx.Abs(w)))
}

func logarithm(args []value) (value, bool) {
	x, base := args[0], args[1]
	if x.isZero() || base.isZero() {
		return value{}, false
	}
	a, ea := x.float()
	b, eb := base.float()
	la, lb := cmplx.Log(a), cmplx.Log(b)
	if cmplx.Abs(lb) < 1e-9 {
		return value{}, false
	}
	q := la / lb
	if x.r != nil && x.r.Cmp(big.NewRat(1, 1)) == 0 {
		return value{r: new(big.Rat)}, true
	}
	if n := math.Round(real(q)); x.r != nil && base.r != nil && math.Abs(real(q)-n) < 1e-9 && math.Abs(n) < 1e4 {
		if p, ok := raiseInt(base, int64(n)); ok && p.r.Cmp(x.r) == 0 {
			return value{r: new(big.Rat).SetInt64(int64(n))}, true
		}
	}
	return inexact(q, (ea/cmplx.Abs(a)+cmplx.Abs(q)*eb/cmplx.Abs(b)+roundoff)/cmplx.Abs(lb))
}

func absolute(args []value) (value, bool) {
	if args[0].r != nil {
		return exact(new(big.Rat).Abs(args[0].r))
	}
	return inexact(complex(cmplx.Abs(args[0].z), 0), args[0].err)
}

func rounded(up bool) func([]value) (value, bool) {
	return func(args []value) (value, bool) {
		r := args[0].r
		if r == nil {
			x, ok := args[0].real()
			if !ok || math.Abs(x-math.Round(x)) <= 4*args[0].err {
				return value{}, false
			}
			r = new(big.Rat).SetFloat64(x)
		}
		q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
		if up && m.Sign() > 0 {
			q.Add(q, big.NewInt(1))
		}
		return exact(new(big.Rat).SetInt(q))
	}
}

// smallInt gives an exact integer between 0 and limit.
func smallInt(v value, limit int64) (int64, bool) {
	if v.r == nil || !v.r.IsInt() || !v.r.Num().IsInt64() {
		return 0, false
	}
	n := v.r.Num().Int64()
	return n, n >= 0 && n <= limit
}

func factorial(args []value) (value, bool) {
	if n, ok := smallInt(args[0], 1500); ok {
		return exact(new(big.Rat).SetInt(new(big.Int).MulRange(1, n)))
	}
	plusOne, ok := add(args[0], value{r: big.NewRat(1, 1)})
	if !ok || args[0].r != nil && args[0].r.IsInt() {
		return value{}, false
	}
	return gamma([]value{plusOne})
}

func gamma(args []value) (value, bool) {
	if n, ok := smallInt(args[0], 1500); ok && n > 0 {
		return exact(new(big.Rat).SetInt(new(big.Int).MulRange(1, n-1)))
	}
	x, ok := args[0].real()
	if !ok || math.Abs(x) > 100 || x <= 0 && x == math.Floor(x) {
		return value{}, false
	}
	g := math.Gamma(x)
	_, err := args[0].float()
	return inexact(complex(g, 0), math.Abs(g)*(1e-14+10*err))
}

func binomial(args []value) (value, bool) {
	n, okN := smallInt(args[0], 5000)
	k, okK := smallInt(args[1], 5000)
	if okN && okK {
		return exact(new(big.Rat).SetInt(new(big.Int).Binomial(n, k)))
	}
	if !okK || k > 200 {
		return value{}, false
	}
	total := value{r: big.NewRat(1, 1)}
	for i := range k {
		v, ok := add(args[0], value{r: big.NewRat(-i, 1)})
		if ok {
			v, ok = multiply(v, value{r: big.NewRat(1, i+1)})
		}
		if ok {
			total, ok = multiply(total, v)
		}
		if !ok {
			return value{}, false
		}
	}
	return total, true
}

func modulo(args []value) (value, bool) {
	a, b := args[0].r, args[1].r
	if a == nil || b == nil || b.Sign() == 0 {
		return value{}, false
	}
	q, ok := rounded(false)([]value{{r: new(big.Rat).Quo(a, b)}})
	if !ok {
		return q, false
	}
	return exact(new(big.Rat).Sub(a, q.r.Mul(q.r, b)))
}

func gcd(args []value) (value, bool) {
	total := new(big.Int)
	for _, a := range args {
		if a.r == nil || !a.r.IsInt() {
			return value{}, false
		}
		total.GCD(nil, nil, total, new(big.Int).Abs(a.r.Num()))
	}
	return exact(new(big.Rat).SetInt(total))
}

func lcm(args []value) (value, bool) {
	total := big.NewInt(1)
	for _, a := range args {
		if a.r == nil || !a.r.IsInt() || a.r.Sign() == 0 || total.BitLen() > maxBits {
			return value{}, false
		}
		x := new(big.Int).Abs(a.r.Num())
		common := new(big.Int).GCD(nil, nil, total, x)
		total.Mul(total, x.Quo(x, common))
	}
	return exact(new(big.Rat).SetInt(total))
}

func extreme(sign int) func([]value) (value, bool) {
	return func(args []value) (value, bool) {
		best := args[0]
		for _, a := range args[1:] {
			x, okX := a.real()
			y, okY := best.real()
			if !okX || !okY {
				return value{}, false
			}
			if (x-y)*float64(sign) > 0 {
				best = a
			}
		}
		return best, true
	}
}
