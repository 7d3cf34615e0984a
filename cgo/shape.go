package torch

// #include "shim.h"
import "C"

// flag is b for C.
func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// Reshape is t in another shape with as many elements; one of dims may be -1.
func (t *Tensor) Reshape(dims ...int) *Tensor {
	d, n := shape(dims)
	var o C.tensor
	return own("Reshape", &o, C.torch_reshape(&o, t.handle(), d, n))
}

// Expand repeats dimensions of size 1 without copying; -1 leaves one as it is.
func (t *Tensor) Expand(dims ...int) *Tensor {
	d, n := shape(dims)
	var o C.tensor
	return own("Expand", &o, C.torch_expand(&o, t.handle(), d, n))
}

// Transpose exchanges two dimensions (a view).
func (t *Tensor) Transpose(d0, d1 int) *Tensor {
	var o C.tensor
	return own("Transpose", &o, C.torch_transpose(&o, t.handle(), C.int64_t(d0), C.int64_t(d1)))
}

// Narrow is the slice [start, start+length) of a dimension (a view).
func (t *Tensor) Narrow(dim, start, length int) *Tensor {
	var o C.tensor
	return own("Narrow", &o, C.torch_narrow(&o, t.handle(), C.int64_t(dim), C.int64_t(start), C.int64_t(length)))
}

// Contiguous is t laid out row-major, copied if it is not.
func (t *Tensor) Contiguous() *Tensor {
	var o C.tensor
	return own("Contiguous", &o, C.torch_contiguous(&o, t.handle()))
}

// Unsqueeze adds a dimension of size 1 (a view).
func (t *Tensor) Unsqueeze(dim int) *Tensor {
	var o C.tensor
	return own("Unsqueeze", &o, C.torch_unsqueeze(&o, t.handle(), C.int64_t(dim)))
}

// Clone is a copy of t.
func (t *Tensor) Clone() *Tensor {
	var o C.tensor
	return own("Clone", &o, C.torch_clone(&o, t.handle()))
}

// Cat joins tensors along a dimension.
func Cat(dim int, ts ...*Tensor) *Tensor {
	cs := handles(ts)
	var o C.tensor
	return own("Cat", &o, C.torch_cat(&o, &cs[0], C.int(len(cs)), C.int64_t(dim)))
}

// IndexSelect picks the entries of a dimension that the int64 vector index names.
func (t *Tensor) IndexSelect(dim int, index *Tensor) *Tensor {
	var o C.tensor
	return own("IndexSelect", &o, C.torch_index_select(&o, t.handle(), C.int64_t(dim), index.handle()))
}

// Gather picks along dim by an index of the result's shape.
func (t *Tensor) Gather(dim int, index *Tensor) *Tensor {
	var o C.tensor
	return own("Gather", &o, C.torch_gather(&o, t.handle(), C.int64_t(dim), index.handle()))
}
