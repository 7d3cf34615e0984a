package main

import "github.com/rlkd/rlkd/model/files"

// Work is what a piece of a step has to do at the least: floating-point operations, and bytes
// that go to or come from memory.
type Work struct {
	FLOPs float64 `json:"flops"`
	Bytes float64 `json:"bytes"`
}

// Limits are what the machine can do, measured in the same run.
type Limits struct {
	FLOPs   map[string]float64 `json:"gemm_flops"`       // FLOP/s of the fastest matrix product, by dtype
	Bytes   float64            `json:"bytes_per_s"`      // of the fastest of a sum, a copy and an addition in place over what is larger than the caches
	Sum     float64            `json:"sum_bytes_per_s"`  // read
	Copy    float64            `json:"copy_bytes_per_s"` // read and written
	Threads int                `json:"threads"`
}

// between are the means of two measurements.
func between(a, b Limits) Limits {
	m := Limits{FLOPs: map[string]float64{}, Bytes: (a.Bytes + b.Bytes) / 2, Sum: (a.Sum + b.Sum) / 2, Copy: (a.Copy + b.Copy) / 2, Threads: a.Threads}
	for dtype := range a.FLOPs {
		m.FLOPs[dtype] = (a.FLOPs[dtype] + b.FLOPs[dtype]) / 2
	}
	return m
}

// seconds is the least time for some work: arithmetic and memory may overlap.
func (l Limits) seconds(w Work, dtype string) float64 {
	return max(w.FLOPs/l.FLOPs[dtype], w.Bytes/l.Bytes)
}

// costs are a model's costs per token, from its configuration.
type costs struct {
	layers float64 // weights of the linear layers of all blocks
	head   float64 // weights of the head
	all    float64 // all weights, a tied one once
	pair   float64 // FLOPs for one query that sees one key, in all layers: 2 × 2 × heads × head_dim each
	cached float64 // numbers in the cache per token: 2 × kv_heads × head_dim a layer
}

func costsOf(c files.Config) costs {
	q, kv := float64(c.NumHeads*c.HeadDim), float64(c.NumKVHeads*c.HeadDim)
	h, l := float64(c.HiddenSize), float64(c.NumLayers)
	k := costs{
		layers: l * (h*(q+2*kv) + q*h + 3*h*float64(c.IntermediateSize)),
		head:   h * float64(c.VocabSize), pair: l * 4 * q, cached: l * 2 * kv,
	}
	for _, t := range c.Tensors() {
		n := 1.0
		for _, d := range t.Shape {
			n *= float64(d)
		}
		k.all += n
	}
	return k
}

// prefill is the pass over the prompts, each once: 2 FLOPs a weight and token, causal attention
// over p(p+1)/2 pairs, and one row of logits for each prompt. The weights are read once and the
// cache is written once. size is the bytes of a number.
func (k costs) prefill(s Shape, size float64) Work {
	n, p := float64(s.Prompts()), float64(s.Prompt)
	return Work{
		FLOPs: n * (2*k.layers*p + k.pair*p*(p+1)/2 + 2*k.head),
		Bytes: size * (k.layers + k.head + n*p*k.cached),
	}
}

// decode is step t, counted from 1, in which each row is fed its t-th token and sees prompt + t
// tokens: 2 FLOPs a weight and row; the weights and each row's cache are read once.
func (k costs) decode(s Shape, t int, size float64) Work {
	rows, seen := float64(s.Rows), float64(s.Prompt+t)
	return Work{
		FLOPs: rows * (2*(k.layers+k.head) + k.pair*seen),
		Bytes: size * (k.layers + k.head + rows*seen*k.cached),
	}
}

// rollout is all of a step's generation, and the least time for it: pass by pass, as each must
// end before the next can begin. A completion's last token is not fed.
func (k costs) rollout(s Shape, dtype string, l Limits) (sum Work, seconds float64) {
	size := sizeOf(dtype)
	for t := range s.Completion {
		w := k.prefill(s, size)
		if t > 0 {
			w = k.decode(s, t, size)
		}
		sum.FLOPs += w.FLOPs
		sum.Bytes += w.Bytes
		seconds += l.seconds(w, dtype)
	}
	return sum, seconds
}

// pass is forward and backward: three times the forward pass's FLOPs (the gradients of inputs and of
// weights cost as much each), which are 2 a weight and token, with each prompt once for its
// group; causal attention; and the head on completion tokens alone. Nothing is counted for what
// is computed again. Weights are read once forward and once backward, fp32 gradients written.
func (k costs) pass(s Shape, size float64) Work {
	n, rows, p, c := float64(s.Prompts()), float64(s.Rows), float64(s.Prompt), float64(s.Completion)
	pairs := n*p*(p+1)/2 + rows*(c*p+c*(c+1)/2)
	return Work{
		FLOPs: 3 * (2*k.layers*(n*p+rows*c) + k.pair*pairs + 2*k.head*rows*c),
		Bytes: k.all * (2*size + 4),
	}
}

// optimizer is an AdamW step: weight, gradient and two moments in fp32 read, all but the
// gradient written. In bf16 the weight is in two parts, of as many bytes.
func (k costs) optimizer() Work {
	return Work{FLOPs: 12 * k.all, Bytes: 7 * 4 * k.all}
}

// update is all of a step's training, and the least time for it.
func (k costs) update(s Shape, dtype string, l Limits) (sum Work, seconds float64) {
	pass, opt := k.pass(s, sizeOf(dtype)), k.optimizer()
	sum = Work{pass.FLOPs + opt.FLOPs, pass.Bytes + opt.Bytes}
	return sum, l.seconds(pass, dtype) + opt.Bytes/l.Bytes
}

func sizeOf(dtype string) float64 {
	if dtype == "f32" {
		return 4
	}
	return 2
}

// products are the FLOPs of the matrix products of an update, without attention's.
func (k costs) products(s Shape) float64 {
	s0 := k
	s0.pair = 0
	return s0.pass(s, 2).FLOPs
}
