package torch

// #include "shim.h"
import "C"

// DecodeLayer is a transformer block for decoding as one kernel: norms in bf16, linear layers as
// [Pack] makes them, with their biases in fp32. QNorm, KNorm and biases may be nil.
type DecodeLayer struct {
	InputNorm, QNorm, KNorm, PostNorm *Tensor
	QKV, O, GateUp, Down              Packed
	KV                                KV
}

// Packed are the packed weights of linear layers on the same input, and their biases, [out] fp32, or nil.
type Packed struct{ Weight, Bias *Tensor }

// DecodeStep is what all layers of a step have in common.
type DecodeStep struct {
	Positions      *Tensor // [n], of the new tokens
	Cos, Sin       *Tensor // [n, 1, d] bf16
	Heads, KVHeads int
	Eps, Scale     float64 // of the norms, and what scores are multiplied by
}

// HasDecodeLayer tells whether there is such a kernel for a type, a device, and sizes.
func HasDecodeLayer(dt DType, dev Device, hidden, intermediate, headDim int) bool {
	return HasTreeAttention(dt, dev, headDim) && hidden%16 == 0 && intermediate%16 == 0 && headDim%32 == 0
}

// Run makes of the new tokens x [n, hidden] what the layer makes of them, each attending to its
// row's past and itself. To the bit it is what the operations give that the layer is made of.
func (l *DecodeLayer) Run(x *Tensor, s *DecodeStep) *Tensor {
	c := C.decode_layer{
		input_norm: l.InputNorm.handle(), q_norm: l.QNorm.optional(), k_norm: l.KNorm.optional(), post_norm: l.PostNorm.handle(),
		qkv: l.QKV.Weight.handle(), qkv_bias: l.QKV.Bias.optional(), o: l.O.Weight.handle(), o_bias: l.O.Bias.optional(),
		gate_up: l.GateUp.Weight.handle(), gate_up_bias: l.GateUp.Bias.optional(), down: l.Down.Weight.handle(), down_bias: l.Down.Bias.optional(),
		keys: l.KV.Keys.handle(), values: l.KV.Values.handle(),
	}
	var o C.tensor
	return own("DecodeLayer", &o, C.torch_decode_layer(&o, x.handle(), &c, s.Positions.handle(), s.Cos.handle(), s.Sin.handle(),
		C.int64_t(s.Heads), C.int64_t(s.KVHeads), C.double(s.Eps), C.double(s.Scale)))
}
