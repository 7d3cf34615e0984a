package torch

// #include "shim.h"
import "C"

// The operations below change t in place and return nothing.

// Copy_ overwrites t with src, converted to t's dtype and device.
func (t *Tensor) Copy_(src *Tensor) {
	checkInPlace("Copy_", C.torch_copy_(t.handle(), src.handle()))
}

// Zero_ sets every element to 0.
func (t *Tensor) Zero_() {
	checkInPlace("Zero_", C.torch_zero_(t.handle()))
}

// Add_ adds scale * u.
func (t *Tensor) Add_(u *Tensor, scale float64) {
	checkInPlace("Add_", C.torch_add_(t.handle(), u.handle(), C.double(scale)))
}

// Sub_ subtracts u, broadcast.
func (t *Tensor) Sub_(u *Tensor) {
	checkInPlace("Sub_", C.torch_sub_(t.handle(), u.handle()))
}

// Mul_ multiplies by u elementwise, broadcast.
func (t *Tensor) Mul_(u *Tensor) {
	checkInPlace("Mul_", C.torch_mul_(t.handle(), u.handle()))
}

// Exp_ raises e to each element.
func (t *Tensor) Exp_() {
	checkInPlace("Exp_", C.torch_exp_(t.handle()))
}

// AddMM_ adds the matrix product x @ y; t may be fp32 where x and y are bf16.
func (t *Tensor) AddMM_(x, y *Tensor) {
	checkInPlace("AddMM_", C.torch_addmm_(t.handle(), x.handle(), y.handle()))
}

// IndexAdd_ adds those of src to the entries of dim that the int64 vector index names.
func (t *Tensor) IndexAdd_(dim int, index, src *Tensor) {
	checkInPlace("IndexAdd_", C.torch_index_add_(t.handle(), C.int64_t(dim), index.handle(), src.handle()))
}

func checkInPlace(op string, e C.err) {
	check(op, e)
	inject(op)
}
