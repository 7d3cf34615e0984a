package plan

// update are the parts of an optimizer step, at the moment when the loss of a micro-batch, not
// the first, is walked back.
//
//	gradients      4 a trained parameter, in fp32
//	activations    what the graph keeps of all layers; with checkpointing the input of each
//	layer at work  temporaries of the layer that is walked back; with checkpointing also its graph
//	loss head      logits and their gradient, a few tokens at a time, and the hidden states
//
// The head and the layers are at work one after the other.
func (j Job) update(t Training) []Part {
	s := t.shape()
	parts := []Part{{"gradients", 4 * numel(j.trained())}}
	keeps, works := j.graph(s), j.backward(s)
	if j.Checkpoint {
		works += keeps
		keeps = j.inputs(s)
	} else {
		keeps *= int64(j.Student.NumLayers)
	}
	parts = append(parts, Part{"activations", keeps})
	if head := j.lossHead(s); head > works {
		return append(parts, Part{"loss head", head})
	}
	return append(parts, Part{"layer at work", works})
}

// inputs are the inputs of all layers, which checkpointing keeps, and the gradient on its way:
// (L + 2) P H b.
func (j Job) inputs(s shape) int64 {
	d := sizes(j.Student)
	return (d.L + 2) * s.P * d.H * j.bytes()
}

// graph is what one layer keeps for the way back. By our kernels (cgo/shim/shim_grad.cc):
//
//	two norms   P H b each: the input
//	q, k norms  2 P (Q + K) b, where the family has them: inputs and outputs
//	attention   P (2 Q + 2 K) b: q, k, v and the result; and 4 a head and token for the softmax
//	MLP         2 P I b: gate and up
//	LoRA        what its terms read: P H b more a norm, P I b for what is made of gate and up; P r b a
//	            term: the input of B; with dropout also 2 P in b: mask and masked input
//
// By libtorch's operations (cgo/shim/shim_fused.cc), in fp32 and on other devices:
//
//	two norms   P H (4 + b) each: the input in fp32 and the output; and P H b the normalised input,
//	            which the gradient of a norm's own weight needs; in bf16 also P H b, the layer's input
//	attention   as above, but of all N T places of the padded layout; and P Q b, the result unpadded
//	MLP         P I b more: silu(gate)
func (j Job) graph(s shape) int64 {
	d, b := sizes(j.Student), j.bytes()
	norm, places, mlp, bytes := b, s.P, 2*s.P*d.I*b, int64(0)
	switch {
	case j.Kernels && j.LoRA != nil:
		norm, mlp = 2*b, 3*s.P*d.I*b
	case !j.Kernels:
		norm, places, mlp = 4+b, s.places(), 4*s.P*d.I*b
		if j.LoRA == nil {
			norm += b
		}
		bytes = s.P * d.Q * b
		if j.Half {
			bytes += s.P * d.H * b
		}
	}
	bytes += 2*s.P*d.H*norm + mlp + places*((2*d.Q+2*d.K)*b+4*d.heads)
	if j.Student.QKNorm {
		bytes += s.P * (d.Q + d.K) * max(norm, 2*b)
	}
	if j.LoRA != nil {
		bytes += j.terms(s)
	}
	return bytes
}

// terms is what the adapter's terms of one layer keep.
func (j Job) terms(s shape) (bytes int64) {
	pairs := j.LoRA.Pairs(j.Student)
	for _, p := range pairs[:len(pairs)/j.Student.NumLayers] {
		width := int64(j.LoRA.Rank)
		if j.LoRA.Dropout > 0 {
			width += 2 * int64(p.A.Shape[1])
		}
		bytes += s.P * width * j.bytes()
	}
	return bytes
}

// backward are the temporaries of walking a layer back, at their most in the MLP: the gradients of
// gate, up and what is made of them, 3 P I b; and those of the layer's trained weights as they
// arrive: in bf16 2 a weight, and without our kernels the largest converted, 4 H I; in fp32 of one
// matrix, 4 H I.
func (j Job) backward(s shape) int64 {
	d := sizes(j.Student)
	bytes := 3 * s.P * d.I * j.bytes()
	if j.LoRA == nil {
		if j.Half {
			bytes += 2 * layerMatrices(j.Student)
		}
		if !j.Kernels {
			bytes += 4 * d.H * d.I
		}
	}
	return bytes
}

// headRows is how many tokens the loss head works on at once (model.headRows).
const headRows = 256

// lossHead is the head at work on n of the M tokens:
//
//	hidden  M H 5 b: the final norm's input and output; the states' gradients, and these joined
//	chunk   n V b: the logits, which become their own gradient; by libtorch's operations n V (b + 16)
//	weight  in bf16, V H (2 + 4): the gradient of a head that is trained, before it is added; by our
//	        kernels V H 2
func (j Job) lossHead(s shape) int64 {
	d, b := sizes(j.Student), j.bytes()
	chunk, weight := min(headRows, s.M)*d.V*b, d.V*d.H*2
	if !j.Kernels {
		chunk += min(headRows, s.M) * d.V * 16
		weight *= 3
	}
	if j.Half && j.LoRA == nil {
		chunk += weight
	}
	return s.M*d.H*5*b + chunk
}
