package torch

// #include "shim.h"
import "C"

// Linear is x @ wᵀ + b for x [..., in], w [out, in], b [out] or nil.
func Linear(x, w, b *Tensor) *Tensor {
	var o C.tensor
	return own("Linear", &o, C.torch_linear(&o, x.handle(), w.handle(), b.optional()))
}

// Embedding picks the rows of w [vocab, dim] that the int64 ids name: [..., dim].
func Embedding(w, ids *Tensor) *Tensor {
	var o C.tensor
	return own("Embedding", &o, C.torch_embedding(&o, w.handle(), ids.handle()))
}

// RMSNorm scales x [..., dim] to unit mean square (in fp32) and multiplies by w [dim], as
// transformers' LlamaRMSNorm.
func RMSNorm(x, w *Tensor, eps float64) *Tensor {
	var o C.tensor
	return own("RMSNorm", &o, C.torch_rms_norm(&o, x.handle(), w.handle(), C.double(eps)))
}

// Rope rotates x [..., dim] by the angles whose cos and sin [..., dim] are given, in the
// halves convention of transformers' rotate_half.
func Rope(x, cos, sin *Tensor) *Tensor {
	var o C.tensor
	return own("Rope", &o, C.torch_rope(&o, x.handle(), cos.handle(), sin.handle()))
}

// Attention is scaled dot-product attention over q [B, H, T, D], k and v [B, Hkv, S, D]
// with Hkv a divisor of H. mask is nil or broadcasts to [B, H, T, S] (bool: true may be
// seen; float: added to the scores).
func Attention(q, k, v, mask *Tensor, causal bool, scale float64) *Tensor {
	var o C.tensor
	return own("Attention", &o, C.torch_sdpa(&o, q.handle(), k.handle(), v.handle(), mask.optional(), flag(causal), C.double(scale)))
}
