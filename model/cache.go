package model

import torch "github.com/rlkd/rlkd/cgo"

// cache holds the keys and values of the sequences being generated, one per row. The rows
// in use are always the first ones, so that a step works on views; each row has its own
// length.
type cache struct {
	m       *Model
	width   int // positions a row has room for
	lengths []int
	k, v    []*torch.Tensor // of each layer, [rows, kvHeads, width, headDim]
}

// widthStep is what the number of positions that attention looks at is rounded up to.
const widthStep = 64

// newCache makes room for rows sequences of up to width tokens. Its tensors belong to the
// current scope.
func (m *Model) newCache(rows, width int) *cache {
	c := &cache{m: m, width: width}
	for range m.layers {
		dims := []int{rows, m.Config.NumKVHeads, width, m.Config.HeadDim}
		c.k = append(c.k, torch.Zeros(m.DType, m.Device, dims...))
		c.v = append(c.v, torch.Zeros(m.DType, m.Device, dims...))
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

// places are p's entries in a layer's cache seen as [rows*kvHeads*width, headDim]: for each,
// one per head.
func (c *cache) places(p placement) *torch.Tensor {
	heads := c.m.Config.NumKVHeads
	at := make([]int, 0, len(p.rows)*heads)
	for i, r := range p.rows {
		for h := range heads {
			at = append(at, (r*heads+h)*c.width+p.positions[i])
		}
	}
	return torch.FromInts(at, c.m.Device, len(at))
}

// store writes x [n, kvHeads, headDim] at places.
func (c *cache) store(layer, x, places *torch.Tensor) {
	d := c.m.Config.HeadDim
	layer.Reshape(-1, d).IndexCopy_(0, places, x.Reshape(-1, d))
}

// prefill is the packed attention over prompts that also stores their keys and values.
func (c *cache) prefill(b *Batch, p placement) attention {
	attend, places := c.m.packed(b), c.places(p)
	tokens := torch.FromInts(p.tokens, c.m.Device, len(p.tokens))
	return func(i int, q, k, v *torch.Tensor) *torch.Tensor {
		c.store(c.k[i], k.IndexSelect(0, tokens), places)
		c.store(c.v[i], v.IndexSelect(0, tokens), places)
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

// decode is the attention of one new token per row, at positions [rows], over the row's past and
// itself.
func (c *cache) decode(positions *torch.Tensor, used int) attention {
	return func(i int, q, k, v *torch.Tensor) *torch.Tensor {
		return torch.Attend(q, k, v, c.k[i], c.v[i], positions, used, c.m.attentionScale())
	}
}

// remove drops row r; the last row takes its place.
func (c *cache) remove(r int) {
	last := len(c.lengths) - 1
	if r != last {
		torch.Scope(func() {
			n := c.lengths[last]
			for i := range c.k {
				for _, t := range []*torch.Tensor{c.k[i], c.v[i]} {
					t.Narrow(0, r, 1).Narrow(2, 0, n).Copy_(t.Narrow(0, last, 1).Narrow(2, 0, n))
				}
			}
		})
		c.lengths[r] = c.lengths[last]
	}
	c.lengths = c.lengths[:last]
}
