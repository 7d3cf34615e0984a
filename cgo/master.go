package torch

// #include "shim.h"
import "C"

// Split parts fp32 weights into the nearest bf16 each, and in int16 what rounding left of the bits: both
// together take no more memory than the fp32 weights, and half is what passes in bf16 compute with. [Join]
// makes the weights of them again, to the bit but for those that lie just between two bf16 and are rounded
// down, which lose their last bit.
func Split(weights *Tensor) (half, low *Tensor) {
	dev, dims := weights.Device(), weights.Dims()
	half, low = Empty(BFloat16, dev, dims...), Empty(Int16, dev, dims...)
	SplitTo(half, low, weights)
	return half, low
}

// SplitTo is Split into tensors that are there.
func SplitTo(half, low, weights *Tensor) {
	checkInPlace("Split", C.torch_split(half.handle(), low.handle(), weights.handle()))
}

// Join makes fp32 weights of the parts that [Split] made.
func Join(half, low *Tensor) *Tensor {
	var o C.tensor
	return own("Join", &o, C.torch_join(&o, half.handle(), low.handle()))
}

// AdamW are the constants of one optimizer step (Loshchilov & Hutter 2019; torch.optim.AdamW).
type AdamW struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
}

// AdamW_ takes one AdamW step in place on params and their moments m and v, all of equal length.
// Gradients and moments are fp32; a parameter is fp32 if its entry of lows is nil, else it is the half
// that [Split] made, and lows has the rest. step is an fp32 scalar holding the number of this step,
// counted from 1.
func AdamW_(o AdamW, params, lows, grads, m, v []*Tensor, step *Tensor) {
	if len(params) == 0 {
		return
	}
	rest := make([]C.tensor, len(lows))
	for i, low := range lows {
		rest[i] = low.optional()
	}
	p, g, a, b := handles(params), handles(grads), handles(m), handles(v)
	checkInPlace("AdamW_", C.torch_adamw(&p[0], &rest[0], &g[0], &a[0], &b[0], C.int(len(p)), step.handle(),
		C.double(o.LR), C.double(o.Beta1), C.double(o.Beta2), C.double(o.Eps), C.double(o.WeightDecay)))
}
