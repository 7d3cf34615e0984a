package torch

// #include "shim.h"
import "C"

// RequireGrad makes t a leaf whose gradient Backward accumulates; off undoes that.
func (t *Tensor) RequireGrad(on bool) *Tensor {
	checkInPlace("RequireGrad", C.torch_requires_grad(t.handle(), flag(on)))
	return t
}

// Backward adds to each leaf's gradient that of the scalar t.
func (t *Tensor) Backward() { checkInPlace("Backward", C.torch_backward(t.handle(), nil)) }

// BackwardFrom adds to each leaf's gradient that of sum(t * grad), grad being of t's shape.
func (t *Tensor) BackwardFrom(grad *Tensor) {
	checkInPlace("BackwardFrom", C.torch_backward(t.handle(), grad.handle()))
}

// Grad is t's accumulated gradient, or nil when there is none yet.
func (t *Tensor) Grad() *Tensor {
	var o C.tensor
	e := C.torch_grad(&o, t.handle())
	if e == nil && o == nil {
		return nil
	}
	return own("Grad", &o, e)
}

// SetGrad replaces t's gradient; nil drops it. It takes no memory: FailAfter leaves it alone.
func (t *Tensor) SetGrad(g *Tensor) {
	check("SetGrad", C.torch_set_grad(t.handle(), g.optional()))
}

// Detach is t without its history.
func (t *Tensor) Detach() *Tensor {
	var o C.tensor
	return own("Detach", &o, C.torch_detach(&o, t.handle()))
}

// Norm is the Euclidean norm of all elements of all tensors together, an fp32 scalar.
func Norm(ts []*Tensor) *Tensor {
	cs := handles(ts)
	var o C.tensor
	return own("Norm", &o, C.torch_norm_list(&o, &cs[0], C.int(len(cs))))
}

// Scale_ multiplies every tensor by the scalar tensor factor, in place.
func Scale_(ts []*Tensor, factor *Tensor) {
	cs := handles(ts)
	checkInPlace("Scale_", C.torch_scale_list(&cs[0], C.int(len(cs)), factor.handle()))
}
