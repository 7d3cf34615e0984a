package model

import torch "github.com/rlkd/rlkd/cgo"

// packed are the weights of linear layers that share their input, in the form that a few rows
// are multiplied by fastest.
type packed struct {
	torch.Packed
	outs []int // how many outputs each layer has
}

// packs are the packed weights of a whole model. A nil *packs stands for none.
type packs struct {
	blocks []packedBlock
	head   *packed
}

type packedBlock struct{ qkv, o, gateUp, down *packed }

// whole tells whether all of the layer is packed.
func (b packedBlock) whole() bool {
	return b.qkv != nil && b.o != nil && b.gateUp != nil && b.down != nil
}

// pack makes a second copy of the working weights of all linear layers, for as long as the
// current scope lives; layers whose device, dtype or shape has no packed form are left out.
// The copy is never brought up to date: it is for a phase in which the weights do not change.
func (m *Model) pack() *packs {
	p := &packs{head: m.packLayers(linear{weight: m.head})}
	for i := range m.layers {
		l := &m.layers[i]
		p.blocks = append(p.blocks, packedBlock{
			qkv: m.packLayers(l.qkv[:]...), o: m.packLayers(l.o), gateUp: m.packLayers(l.gateUp[:]...), down: m.packLayers(l.down),
		})
	}
	return p
}

// packLayers is nil if the layers have no packed form.
func (m *Model) packLayers(layers ...linear) *packed {
	p := &packed{}
	var weights, biases []*torch.Tensor
	for _, l := range layers {
		weights = append(weights, l.weight.work)
		p.outs = append(p.outs, l.weight.work.Dim(0))
		if l.bias != nil {
			biases = append(biases, l.bias.work)
		}
	}
	if len(biases) != 0 && len(biases) != len(layers) {
		return nil
	}
	if p.Weight = torch.Pack(weights...); p.Weight == nil {
		return nil
	}
	if len(biases) > 0 {
		p.Bias = torch.Cat(0, biases...).Cast(torch.Float32)
	}
	return p
}

// apply sets out to what each of the layers makes of x [P, in].
func (w *packed) apply(x *torch.Tensor, out []*torch.Tensor) {
	y := torch.PackedLinear(x, w.Weight, w.Bias)
	at := 0
	for i, n := range w.outs {
		if out[i] = y; len(out) > 1 {
			out[i] = y.Narrow(1, at, n)
		}
		at += n
	}
}

// block is what layer i has packed.
func (p *packs) block(i int) packedBlock {
	if p == nil {
		return packedBlock{}
	}
	return p.blocks[i]
}
