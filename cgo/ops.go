package torch

// #include "shim.h"
import "C"

// Add is t + u, broadcast.
func (t *Tensor) Add(u *Tensor) *Tensor {
	var o C.tensor
	return own("Add", &o, C.torch_add(&o, t.handle(), u.handle()))
}

// Sub is t - u, broadcast.
func (t *Tensor) Sub(u *Tensor) *Tensor {
	var o C.tensor
	return own("Sub", &o, C.torch_sub(&o, t.handle(), u.handle()))
}

// Mul is t * u elementwise, broadcast.
func (t *Tensor) Mul(u *Tensor) *Tensor {
	var o C.tensor
	return own("Mul", &o, C.torch_mul(&o, t.handle(), u.handle()))
}

// Div is t / u elementwise, broadcast.
func (t *Tensor) Div(u *Tensor) *Tensor {
	var o C.tensor
	return own("Div", &o, C.torch_div(&o, t.handle(), u.handle()))
}

// Minimum is the smaller of t and u, elementwise.
func (t *Tensor) Minimum(u *Tensor) *Tensor {
	var o C.tensor
	return own("Minimum", &o, C.torch_minimum(&o, t.handle(), u.handle()))
}

// MatMul is the batched matrix product t @ u.
func (t *Tensor) MatMul(u *Tensor) *Tensor {
	var o C.tensor
	return own("MatMul", &o, C.torch_matmul(&o, t.handle(), u.handle()))
}

// AddScalar is t + s.
func (t *Tensor) AddScalar(s float64) *Tensor {
	var o C.tensor
	return own("AddScalar", &o, C.torch_add_scalar(&o, t.handle(), C.double(s)))
}

// MulScalar is t * s.
func (t *Tensor) MulScalar(s float64) *Tensor {
	var o C.tensor
	return own("MulScalar", &o, C.torch_mul_scalar(&o, t.handle(), C.double(s)))
}

// Neg is -t.
func (t *Tensor) Neg() *Tensor {
	var o C.tensor
	return own("Neg", &o, C.torch_neg(&o, t.handle()))
}

// Exp is e to the t, elementwise.
func (t *Tensor) Exp() *Tensor {
	var o C.tensor
	return own("Exp", &o, C.torch_exp(&o, t.handle()))
}

// Cos is the cosine, elementwise.
func (t *Tensor) Cos() *Tensor {
	var o C.tensor
	return own("Cos", &o, C.torch_cos(&o, t.handle()))
}

// Sin is the sine, elementwise.
func (t *Tensor) Sin() *Tensor {
	var o C.tensor
	return own("Sin", &o, C.torch_sin(&o, t.handle()))
}

// Silu is t * sigmoid(t).
func (t *Tensor) Silu() *Tensor {
	var o C.tensor
	return own("Silu", &o, C.torch_silu(&o, t.handle()))
}

// Clamp bounds each element to [lo, hi].
func (t *Tensor) Clamp(lo, hi float64) *Tensor {
	var o C.tensor
	return own("Clamp", &o, C.torch_clamp(&o, t.handle(), C.double(lo), C.double(hi)))
}

// Sum is the sum of all elements, a scalar.
func (t *Tensor) Sum() *Tensor {
	var o C.tensor
	return own("Sum", &o, C.torch_sum(&o, t.handle()))
}

// SumDim sums over a dimension, which stays with size 1 if keep is set.
func (t *Tensor) SumDim(dim int, keep bool) *Tensor {
	var o C.tensor
	return own("SumDim", &o, C.torch_sum_dim(&o, t.handle(), C.int64_t(dim), flag(keep)))
}

// MaxDim is the maximum over a dimension, which stays with size 1 if keep is set.
func (t *Tensor) MaxDim(dim int, keep bool) *Tensor {
	var o C.tensor
	return own("MaxDim", &o, C.torch_max_dim(&o, t.handle(), C.int64_t(dim), flag(keep)))
}

// ArgMax is the int64 index of the first maximum along a dimension.
func (t *Tensor) ArgMax(dim int) *Tensor {
	var o C.tensor
	return own("ArgMax", &o, C.torch_argmax(&o, t.handle(), C.int64_t(dim)))
}

// LogSumExp is log(sum(exp(t))) over a dimension, computed stably.
func (t *Tensor) LogSumExp(dim int, keep bool) *Tensor {
	var o C.tensor
	return own("LogSumExp", &o, C.torch_logsumexp(&o, t.handle(), C.int64_t(dim), flag(keep)))
}

// Softmax is the softmax along a dimension.
func (t *Tensor) Softmax(dim int) *Tensor {
	var o C.tensor
	return own("Softmax", &o, C.torch_softmax(&o, t.handle(), C.int64_t(dim)))
}

// TopK is the k largest values along a dimension, largest first, and their int64 positions.
func (t *Tensor) TopK(k, dim int) (values, indices *Tensor) {
	return t.pair("TopK", func(v, i *C.tensor) C.err {
		return C.torch_topk(v, i, t.handle(), C.int64_t(k), C.int64_t(dim))
	})
}

func (t *Tensor) pair(op string, call func(a, b *C.tensor) C.err) (*Tensor, *Tensor) {
	var a, b C.tensor
	check(op, call(&a, &b))
	first, second := adopt(a), adopt(b)
	inject(op)
	return first, second
}

// Lt is the bool tensor t < u, broadcast.
func (t *Tensor) Lt(u *Tensor) *Tensor {
	var o C.tensor
	return own("Lt", &o, C.torch_lt(&o, t.handle(), u.handle()))
}
