package model

import (
	"math"

	torch "github.com/rlkd/rlkd/cgo"
)

// attention is how tokens see each other in layer i: from q [P, heads, headDim] and k, v
// [P, kvHeads, headDim] it makes [P, heads, headDim].
type attention func(i int, q, k, v *torch.Tensor) *torch.Tensor

// pass is one run over packed tokens: what every layer needs beside its input.
type pass struct {
	m        *Model
	adapter  *Adapter      // nil for none
	graph    bool          // record gradients
	packs    *packs        // nil: the plain weights are used
	cos, sin *torch.Tensor // [P, 1, headDim]
	attend   attention
	whole    func(i int, x *torch.Tensor) *torch.Tensor // layer i as one kernel; nil: as its operations
}

// newPass prepares a run over tokens at the given positions.
func (m *Model) newPass(positions []int, graph bool, attend attention) *pass {
	return m.passAt(torch.FromInts(positions, m.Device, len(positions)), graph, attend)
}

// passAt is newPass with the positions on the device, [P].
func (m *Model) passAt(positions *torch.Tensor, graph bool, attend attention) *pass {
	p := &pass{m: m, adapter: m.active, graph: graph, attend: attend}
	angle := positions.Unsqueeze(1).Cast(torch.Float32).Mul(m.invFreq).Unsqueeze(1) // [P, 1, headDim]
	p.cos = angle.Cos().MulScalar(m.ropeScale).Cast(m.DType)
	p.sin = angle.Sin().MulScalar(m.ropeScale).Cast(m.DType)
	return p
}

// layers runs x [P, hidden] through all of them without recording a graph.
func (p *pass) layers(x *torch.Tensor) *torch.Tensor {
	for i := range p.m.layers {
		next := p.layer(i, x)
		x.Free()
		x = next
	}
	return x
}

// layer is transformer block i on x [P, hidden] (transformers' LlamaDecoderLayer,
// Qwen2DecoderLayer and Qwen3DecoderLayer; a family's missing weights are nil).
func (p *pass) layer(i int, x *torch.Tensor) *torch.Tensor {
	if p.whole != nil {
		return p.whole(i, x)
	}
	l := &p.m.layers[i]
	return torch.Tidy(func() *torch.Tensor {
		x = x.Add(p.attention(i, l, x))
		return x.Add(p.mlp(i, l, x))
	})
}

func (p *pass) attention(i int, l *block, x *torch.Tensor) *torch.Tensor {
	c := &p.m.Config
	n := x.Dim(0)
	in := p.normLinears(x, l.inputNorm, p.packs.block(i).qkv, l.qkv[:])
	q, k := in[0].Reshape(n, c.NumHeads, c.HeadDim), in[1].Reshape(n, c.NumKVHeads, c.HeadDim)
	if l.qNorm != nil {
		q, k = p.normed(q, l.qNorm), p.normed(k, l.kNorm)
	}
	q, k = torch.Rope(q, p.cos, p.sin), torch.Rope(k, p.cos, p.sin)
	a := p.attend(i, q, k, in[2].Reshape(n, c.NumKVHeads, c.HeadDim)).Reshape(n, c.NumHeads*c.HeadDim)
	return p.linears(a, p.packs.block(i).o, []linear{l.o})[0]
}

func (p *pass) mlp(i int, l *block, x *torch.Tensor) *torch.Tensor {
	in := p.normLinears(x, l.postNorm, p.packs.block(i).gateUp, l.gateUp[:])
	if w := p.packs.block(i).down; w != nil || p.adapter != nil {
		return p.linears(torch.SiluMul(in[0], in[1]), w, []linear{l.down})[0]
	}
	return torch.SiluMulLinear(in[0], in[1], l.down.weight.tensor(), l.down.bias.tensor())
}

// normLinears applies layers that share their input, x [P, hidden] normed.
func (p *pass) normLinears(x *torch.Tensor, norm *Param, w *packed, layers []linear) []*torch.Tensor {
	if w != nil || p.adapter != nil {
		return p.linears(p.normed(x, norm), w, layers)
	}
	var weights, biases []*torch.Tensor
	for _, l := range layers {
		weights, biases = append(weights, l.weight.tensor()), append(biases, l.bias.tensor())
	}
	return torch.NormLinears(x, norm.tensor(), p.m.Config.RMSNormEps, weights, biases)
}

// linears applies layers that share their input x [P, in], all by one product if they are packed.
func (p *pass) linears(x *torch.Tensor, w *packed, layers []linear) []*torch.Tensor {
	out := make([]*torch.Tensor, len(layers))
	if w != nil {
		w.apply(x, out)
	}
	for i, l := range layers {
		if w == nil {
			out[i] = torch.Linear(x, l.weight.tensor(), l.bias.tensor())
		}
		out[i] = p.adapted(out[i], x, l.weight)
	}
	return out
}

func (p *pass) normed(x *torch.Tensor, w *Param) *torch.Tensor {
	return torch.RMSNorm(x, w.tensor(), p.m.Config.RMSNormEps)
}

// final is the last norm, on the rows whose next token is of interest.
func (p *pass) final(x *torch.Tensor) *torch.Tensor { return p.normed(x, p.m.norm) }

func (m *Model) attentionScale() float64 { return 1 / math.Sqrt(float64(m.Config.HeadDim)) }
