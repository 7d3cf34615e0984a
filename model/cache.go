package model

import torch "github.com/rlkd/rlkd/cgo"

// cache holds the keys and values of the sequences being generated, one per row. The rows
// in use are always the first ones, so that a step works on views; each row has its own
// length.
type cache struct {
	m       *Model
	width   int // positions a row has room for
	lengths []int
	layers  []torch.KV
}

// widthStep is what the number of positions that attention looks at is rounded up to.
const widthStep = 64

// newCache makes room for rows sequences of up to width tokens. Its tensors belong to the
// current scope.
func (m *Model) newCache(rows, width int) *cache {
	c := &cache{m: m, width: width}
	for range m.layers {
		c.layers = append(c.layers, torch.NewKV(m.DType, m.Device, rows, m.Config.NumKVHeads, width, m.Config.HeadDim))
	}
	return c
}

// placement says which packed token's key and value go to which row and position.
type placement struct{ rows, positions, tokens []int }

func (p *placement) add(row, position, token int) {
	p.rows = append(p.rows, row)
	p.positions = append(p.positions, position)
	p.tokens = append(p.tokens, token)
}

// prefill is the packed attention over prompts that also stores their keys and values.
func (c *cache) prefill(b *Batch, p placement) attention {
	attend := c.m.packed(b)
	ints := func(x []int) *torch.Tensor { return torch.FromInts(x, c.m.Device, len(x)) }
	tokens, rows, positions := ints(p.tokens), ints(p.rows), ints(p.positions)
	return func(i int, q, k, v *torch.Tensor) *torch.Tensor {
		c.layers[i].Store(k, v, tokens, rows, positions)
		return attend(i, q, k, v)
	}
}

// used is how many positions a step looks at: those of the longest row and the token to come, in
// few different widths. What libtorch prepares for a shape is used again.
func (c *cache) used() int {
	used := 0
	for _, l := range c.lengths {
		used = max(used, l+1)
	}
	return min((used+widthStep-1)/widthStep*widthStep, c.width)
}

// decode has p attend from one new token per row, at positions [rows], to the row's past and itself.
func (c *cache) decode(p *pass, positions *torch.Tensor, used int) {
	m := c.m
	p.attend = func(i int, q, k, v *torch.Tensor) *torch.Tensor {
		return c.layers[i].Attend(q, k, v, positions, used, m.attentionScale())
	}
	if p.adapter != nil || !p.packs.block(0).whole() || !torch.HasDecodeLayer(m.DType, m.Device, m.Config.HiddenSize, m.Config.IntermediateSize, m.Config.HeadDim) {
		return
	}
	s := torch.DecodeStep{
		Positions: positions, Cos: p.cos, Sin: p.sin, Heads: m.Config.NumHeads, KVHeads: m.Config.NumKVHeads,
		Eps: m.Config.RMSNormEps, Scale: m.attentionScale(),
	}
	p.whole = func(i int, x *torch.Tensor) *torch.Tensor {
		l, w := &m.layers[i], p.packs.block(i)
		k := torch.DecodeLayer{
			InputNorm: l.inputNorm.tensor(), QNorm: l.qNorm.tensor(), KNorm: l.kNorm.tensor(), PostNorm: l.postNorm.tensor(),
			QKV: w.qkv.Packed, O: w.o.Packed, GateUp: w.gateUp.Packed, Down: w.down.Packed, KV: c.layers[i],
		}
		return k.Run(x, &s)
	}
}

// remove drops row r; the last row takes its place.
func (c *cache) remove(r int) {
	last := len(c.lengths) - 1
	if r != last {
		torch.Scope(func() {
			for _, l := range c.layers {
				for _, t := range []*torch.Tensor{l.Keys, l.Values} {
					t.Narrow(0, r, 1).Copy_(t.Narrow(0, last, 1))
				}
			}
		})
		c.lengths[r] = c.lengths[last]
	}
	c.lengths = c.lengths[:last]
}
