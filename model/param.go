package model

import torch "github.com/rlkd/rlkd/cgo"

// Param is one weight of a model. What is trained is known in fp32, the master weight, also where passes
// compute in bf16: then it is kept in two parts, work and low (see [torch.Split]).
type Param struct {
	Name    string
	trained bool
	work    *torch.Tensor // in the model's dtype, what passes use; a leaf if it is trained
	low     *torch.Tensor // int16; nil for what is not trained, and in fp32
}

// newParam brings one weight to a device, from its values in fp32 on the host, which are the
// parameter's from here on.
func newParam(name string, values *torch.Tensor, o Options) *Param {
	p := &Param{Name: name, trained: o.Train}
	defer values.Free() // what is kept has a handle of its own
	if o.Train && o.DType == torch.BFloat16 {
		there := values.To(torch.Float32, o.Device)
		defer there.Free()
		p.work, p.low = torch.Split(there)
	} else {
		p.work = values.To(o.DType, o.Device)
	}
	if o.Train {
		p.work.RequireGrad(true)
	}
	return p
}

// Dims is the weight's shape.
func (p *Param) Dims() []int { return p.work.Dims() }

// Device is where the weight is.
func (p *Param) Device() torch.Device { return p.work.Device() }

// Value is the weight as precisely as it is known: the weight itself or, if it is kept in two parts, a new
// fp32 tensor.
func (p *Param) Value() *torch.Tensor {
	if p.low == nil {
		return p.work.Detach()
	}
	return torch.Join(p.work, p.low)
}

// Set makes the weight value, fp32.
func (p *Param) Set(value *torch.Tensor) {
	torch.NoGrad(func() {
		if p.low == nil {
			p.work.Copy_(value)
		} else {
			torch.SplitTo(p.work, p.low, value)
		}
	})
}

// Parts are what an optimizer changes: the weight and, if it is bf16, what it lacks to fp32, else nil.
func (p *Param) Parts() (work, low *torch.Tensor) { return p.work, p.low }

// Grad is the gradient that was accumulated in fp32, nil if there is none. It hangs where autograd does not
// reach it if the weight's own gradients arrive in bf16.
func (p *Param) Grad() *torch.Tensor { return p.leaf().Grad() }

// SetGrad replaces the gradient; nil drops it.
func (p *Param) SetGrad(g *torch.Tensor) { p.leaf().SetGrad(g) }

func (p *Param) leaf() *torch.Tensor {
	if p.low != nil {
		return p.low
	}
	return p.work
}

// someGrad is the gradient, made as zeros if there is none yet: for the two weights whose gradients are
// accumulated by hand, the embedding and the head.
func (p *Param) someGrad() *torch.Tensor {
	g := p.Grad()
	if g == nil {
		g = torch.Zeros(torch.Float32, p.Device(), p.Dims()...)
		p.SetGrad(g)
	}
	return g
}

// tensor is p as a pass uses it, nil for no p.
func (p *Param) tensor() *torch.Tensor {
	if p == nil {
		return nil
	}
	return p.work
}

// collect adds the gradients that have arrived in bf16 at ps to those in fp32, and drops them.
func collect(ps []*Param) {
	torch.NoGrad(func() {
		for _, p := range ps {
			if p.low == nil {
				continue
			}
			half := p.work.Grad()
			switch sum := p.Grad(); {
			case half == nil:
			case sum == nil:
				p.SetGrad(half.Cast(torch.Float32))
			default:
				sum.Add_(half, 1)
			}
			p.work.SetGrad(nil)
		}
	})
}

// drop forgets what collect would add.
func drop(ps []*Param) {
	for _, p := range ps {
		if p.low != nil {
			p.work.SetGrad(nil)
		}
	}
}
