package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// The operations below are made of several of libtorch's. Where the device is a CPU with
// AVX2 and no graph is recorded they run as one kernel of our own (kernels.hpp), and so
// do [RMSNorm] and [Rope]; else libtorch's operations are composed, in fp32 all but [Attend] and
// [Draw]. What a kernel makes of a row does not depend on the other rows.

// kernels is what our own kernels are made for here: amx, avx512, avx2 or none.
var kernels string

// chooseKernels takes those of a name, as RLKD_KERNELS says it; "" are the fastest that this CPU can run.
func chooseKernels(name string) error {
	if kernels = "none"; name == kernels {
		return nil
	}
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	if chosen := C.torch_choose_kernels(s); chosen != nil {
		kernels = C.GoString(chosen)
	} else if name != "" {
		return &Unavailable{fmt.Sprintf("RLKD_KERNELS=%s: no kernels of that name, or this CPU lacks the instructions", name),
			"unset it, or set it to amx, avx512 (AVX512-BF16), avx2 or none"}
	}
	return nil
}

// Kernels names what our own kernels are made for on this CPU: "avx512" (AVX512-BF16), "amx" (the same, but products of
// many rows are libtorch's, which has AMX for them), "avx2" or "none".
func Kernels() string {
	need()
	return kernels
}

// UseKernels turns our own kernels off, or on again, as they are at first: for tests, and to
// see what they are worth. It tells whether they are in use now.
func UseKernels(on bool) bool {
	need()
	C.torch_use_kernels(flag(on))
	return C.torch_has_kernels() != 0
}

// SiluMul is silu(gate) * up, both [n, dim]: what is between the matrices of a SwiGLU.
func SiluMul(gate, up *Tensor) *Tensor {
	var o C.tensor
	return own("SiluMul", &o, C.torch_silu_mul(&o, gate.handle(), up.handle()))
}

// SiluMulLinear is Linear of SiluMul, which is not kept for the way back where a kernel can make it again.
func SiluMulLinear(gate, up, w, b *Tensor) *Tensor {
	var o C.tensor
	return own("SiluMulLinear", &o, C.torch_silu_mul_linear(&o, gate.handle(), up.handle(), w.handle(), b.optional()))
}

// NormLinears are Linear by each of the weights and biases, which may be nil, of RMSNorm of x, which is
// not kept for the way back where a kernel can make it again.
func NormLinears(x, norm *Tensor, eps float64, weights, biases []*Tensor) []*Tensor {
	ws, bs, made := handles(weights), make([]C.tensor, len(weights)), make([]C.tensor, len(weights))
	for i, b := range biases {
		bs[i] = b.optional()
	}
	check("NormLinears", C.torch_norm_linears(&made[0], x.handle(), norm.handle(), C.double(eps), &ws[0], &bs[0], C.int(len(ws))))
	out := make([]*Tensor, len(made))
	for i, o := range made {
		out[i] = adopt(o)
	}
	inject("NormLinears")
	return out
}

// KV are caches of keys and values: [rows, kvHeads, width, d], or what our kernels read faster, with
// the rows as the first dimension too.
type KV struct{ Keys, Values *Tensor }

// NewKV is a cache of zeros.
func NewKV(dt DType, dev Device, rows, kvHeads, width, d int) KV {
	if !HasTreeAttention(dt, dev, d) {
		return KV{Zeros(dt, dev, rows, kvHeads, width, d), Zeros(dt, dev, rows, kvHeads, width, d)}
	}
	var k, v C.tensor
	check("NewKV", C.torch_kv_cache(&k, &v, C.int64_t(rows), C.int64_t(kvHeads), C.int64_t(width), C.int64_t(d)))
	kv := KV{adopt(k), adopt(v)}
	inject("NewKV")
	return kv
}

// Store puts token tokens[i] of k and v [P, kvHeads, d] to row rows[i] at positions[i]; all three
// are [n].
func (c KV) Store(k, v, tokens, rows, positions *Tensor) {
	checkInPlace("Store", C.torch_store_kv(c.Keys.handle(), c.Values.handle(), k.handle(), v.handle(), tokens.handle(),
		rows.handle(), positions.handle()))
}

// Attend is the attention of one new token per row to its row's past and itself. Row r of k and
// v [n, kvHeads, d] is first put to the cache at positions[r]; then q [n, heads, d] sees the
// positions up to that one. used is more than any of positions.
func (c KV) Attend(q, k, v, positions *Tensor, used int, scale float64) *Tensor {
	var o C.tensor
	return own("Attend", &o, C.torch_attend(&o, q.handle(), k.handle(), v.handle(), c.Keys.handle(), c.Values.handle(),
		positions.handle(), C.int64_t(used), C.double(scale)))
}

// Draw samples an index from each row of logits [n, vocab] at a temperature: the first at which
// the cumulative probability exceeds the row's variate in uniform [n], which is in (0, 1). At
// temperature 0 it is the likeliest, and uniform may be nil.
func Draw(logits, uniform *Tensor, temperature float64) *Tensor {
	var o C.tensor
	return own("Draw", &o, C.torch_draw(&o, logits.handle(), uniform.optional(), C.double(temperature)))
}

// Filter is logits [n, vocab] over a temperature, in fp32, with minus infinity for the tokens that are not to
// be drawn, by the filters of transformers' generate in its order: top-k keeps the k most likely, and what
// is as likely as the last of these (0: all); top-p drops the least likely, as many as have together at
// most 1-p of the probability, of equal ones the first, and never the most likely (1: none); min-p
// drops what is less likely than this share of the most likely (0: none).
func Filter(logits *Tensor, temperature float64, k int, p, minP float64) *Tensor {
	var o C.tensor
	return own("Filter", &o, C.torch_filter(&o, logits.handle(), C.double(temperature), C.int64_t(k), C.double(p), C.double(minP)))
}

// Pack brings the weights [out, in] of linear layers on the same input, one under the other,
// into the form PackedLinear reads, or returns nil if their device and dtype have none.
func Pack(ws ...*Tensor) *Tensor {
	cs := handles(ws)
	var o C.tensor
	e := C.torch_pack(&o, &cs[0], C.int(len(cs)))
	if e == nil && o == nil {
		return nil
	}
	return own("Pack", &o, e)
}

// PackedLinear is Linear by packed weights, for x [n, in]; it records no graph.
func PackedLinear(x, packed, bias *Tensor) *Tensor {
	var o C.tensor
	return own("PackedLinear", &o, C.torch_packed_linear(&o, x.handle(), packed.handle(), bias.optional()))
}

// Segment is a run of packed tokens, Start … Start+Length-1, that sees all of the segment Parent,
// of that one's parent and so on, and of itself the tokens up to each. Parent is the place of an
// earlier segment in the list, or -1.
type Segment struct{ Start, Length, Parent int }

// HasTreeAttention tells whether TreeAttention is there for a type and device, for heads of
// d elements.
func HasTreeAttention(dt DType, dev Device, d int) bool {
	need()
	return dt == BFloat16 && dev == CPU && d%16 == 0 && C.torch_has_kernels() != 0
}

// TreeAttention is scaled dot-product attention of packed tokens, q [n, heads, d] and k, v
// [n, kvHeads, d], that see each other as segments say; tokens of no segment get zeros.
func TreeAttention(q, k, v *Tensor, segments []Segment, scale float64) *Tensor {
	flat := make([]C.int64_t, 0, 3*len(segments))
	for _, s := range segments {
		flat = append(flat, C.int64_t(s.Start), C.int64_t(s.Length), C.int64_t(s.Parent))
	}
	var o C.tensor
	return own("TreeAttention", &o, C.torch_tree_attention(&o, q.handle(), k.handle(), v.handle(), unsafe.SliceData(flat), C.int(len(segments)), C.double(scale)))
}

// LogSoftmaxAt is, of the distributions softmax(scale * logits) for logits [n, vocab], the
// log-probability of targets [n], the entropy in nats, and the log of the sum of exponentials:
// each [n] fp32, computed in fp32. It records no graph: see LogSoftmaxAtBackward.
func LogSoftmaxAt(logits, targets *Tensor, scale float64) (logp, entropy, lse *Tensor) {
	var p, e, l C.tensor
	check("LogSoftmaxAt", C.torch_log_softmax_at(&p, &e, &l, logits.handle(), targets.handle(), C.double(scale)))
	logp, entropy, lse = adopt(p), adopt(e), adopt(l)
	inject("LogSoftmaxAt")
	return logp, entropy, lse
}

// LogSoftmaxAtBackward is the gradient of logits, in their dtype, of sum(logp * dlogp):
// scale * (onehot(target) - softmax(scale * logits)) * dlogp. It may overwrite logits.
func LogSoftmaxAtBackward(logits, targets, lse, dlogp *Tensor, scale float64) *Tensor {
	var o C.tensor
	return own("LogSoftmaxAtBackward", &o, C.torch_log_softmax_at_backward(&o, logits.handle(), targets.handle(), lse.handle(), dlogp.handle(), C.double(scale)))
}
