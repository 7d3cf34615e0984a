package verify

import (
	"math"
	"math/big"
	"math/cmplx"
)

// value is what an expression is worth at one point: an exact rational if r is set, otherwise z within err.
type value struct {
	r   *big.Rat
	z   complex128
	err float64
}

// maxBits bounds exact numbers; what grows beyond is no value.
const maxBits = 1 << 14

const roundoff = 4e-16

func exact(r *big.Rat) (value, bool) {
	return value{r: r}, r.Num().BitLen() < maxBits && r.Denom().BitLen() < maxBits
}

func inexact(z complex128, err float64) (value, bool) {
	size := cmplx.Abs(z)
	err += roundoff * size
	ok := !cmplx.IsNaN(z) && !cmplx.IsInf(z) && err <= 1e-6*math.Max(1, size)
	return value{z: z, err: err}, ok
}

// float gives the value as a complex number with its error.
func (v value) float() (complex128, float64) {
	if v.r == nil {
		return v.z, v.err
	}
	f, _ := v.r.Float64()
	return complex(f, 0), roundoff * math.Abs(f)
}

func (v value) isZero() bool {
	if v.r != nil {
		return v.r.Sign() == 0
	}
	return cmplx.Abs(v.z) <= v.err
}

// equal says whether two values are one: exactly if both are exact, otherwise within their errors or 1e-15, below which
// math-verify chops a difference.
func (v value) equal(w value) bool {
	if v.r != nil && w.r != nil {
		return v.r.Cmp(w.r) == 0
	}
	a, ea := v.float()
	b, eb := w.float()
	return cmplx.Abs(a-b) <= math.Max(1e-15, 4*(ea+eb))
}

// real gives a real value as a float.
func (v value) real() (float64, bool) {
	z, err := v.float()
	return real(z), math.Abs(imag(z)) <= math.Max(1e-15, 4*err) && !math.IsInf(real(z), 0)
}

func add(v, w value) (value, bool) {
	if v.r != nil && w.r != nil {
		return exact(new(big.Rat).Add(v.r, w.r))
	}
	a, ea := v.float()
	b, eb := w.float()
	return inexact(a+b, ea+eb+roundoff*(cmplx.Abs(a)+cmplx.Abs(b)))
}

func multiply(v, w value) (value, bool) {
	if v.r != nil && w.r != nil {
		return exact(new(big.Rat).Mul(v.r, w.r))
	}
	a, ea := v.float()
	b, eb := w.float()
	return inexact(a*b, cmplx.Abs(a)*eb+cmplx.Abs(b)*ea)
}

// raise is v^w: exact for integer exponents and for roots of perfect powers, otherwise the principal value.
func raise(v, w value) (value, bool) {
	if w.r != nil && w.r.IsInt() && w.r.Num().IsInt64() {
		return raiseInt(v, w.r.Num().Int64())
	}
	if v.r != nil && w.r != nil && v.r.Sign() >= 0 && w.r.Denom().IsInt64() && w.r.Num().IsInt64() {
		if root, ok := exactRoot(v.r, w.r.Denom().Int64()); ok {
			return raiseInt(value{r: root}, w.r.Num().Int64())
		}
	}
	if v.isZero() {
		x, ok := w.real()
		return value{r: new(big.Rat)}, ok && x > 0
	}
	a, ea := v.float()
	b, eb := w.float()
	z := cmplx.Pow(a, b)
	size := cmplx.Abs(z)
	return inexact(z, size*(cmplx.Abs(b)*ea/cmplx.Abs(a)+cmplx.Abs(cmplx.Log(a))*eb+8*roundoff*(1+cmplx.Abs(b)*cmplx.Abs(cmplx.Log(a)))))
}

func raiseInt(v value, n int64) (value, bool) {
	if v.isZero() && n <= 0 {
		return value{r: big.NewRat(1, 1)}, n == 0
	}
	if v.r == nil {
		z, err := v.float()
		p := cmplx.Pow(z, complex(float64(n), 0))
		f := math.Abs(float64(n))
		return inexact(p, cmplx.Abs(p)*f*(err/cmplx.Abs(z)+8*roundoff))
	}
	size := max(v.r.Num().BitLen(), v.r.Denom().BitLen())
	if n > maxBits || n < -maxBits || int64(size-1)*max(n, -n) > maxBits {
		one := v.r.IsInt() && v.r.Num().IsInt64() && (v.r.Num().Int64() == 1 || v.r.Num().Int64() == -1)
		if !one {
			return value{}, false
		}
		n %= 2
	}
	e := big.NewInt(max(n, -n))
	r := new(big.Rat).SetFrac(new(big.Int).Exp(v.r.Num(), e, nil), new(big.Int).Exp(v.r.Denom(), e, nil))
	if n < 0 {
		r.Inv(r)
	}
	return exact(r)
}

// exactRoot is the n-th root of r if it is rational.
func exactRoot(r *big.Rat, n int64) (*big.Rat, bool) {
	if n > 64 {
		return nil, false
	}
	a, okA := exactIntRoot(r.Num(), n)
	b, okB := exactIntRoot(r.Denom(), n)
	if !okA || !okB {
		return nil, false
	}
	return new(big.Rat).SetFrac(a, b), true
}

// exactIntRoot finds the integer root by bisection.
func exactIntRoot(x *big.Int, n int64) (*big.Int, bool) {
	low, high := big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), uint(x.BitLen())/uint(n)+1)
	e, one := big.NewInt(n), big.NewInt(1)
	for low.Cmp(high) < 0 {
		middle := new(big.Int).Add(low, high)
		middle.Add(middle, one).Rsh(middle, 1)
		if new(big.Int).Exp(middle, e, nil).Cmp(x) <= 0 {
			low = middle
		} else {
			high = middle.Sub(middle, one)
		}
	}
	return low, new(big.Int).Exp(low, e, nil).Cmp(x) == 0
}
