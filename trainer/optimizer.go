package trainer

import (
	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
)

// Optimizer is AdamW over a model's fp32 masters. Its tensors belong to the scope it was
// made in.
type Optimizer struct {
	AdamW torch.AdamW // LR is set for each step

	params  []*model.Param
	m, v    []*torch.Tensor // first and second moments, like params
	step    *torch.Tensor   // fp32 scalar on the device: updates taken
	updates int             // the same on the host
}

// NewOptimizer starts with zero moments.
func NewOptimizer(params []*model.Param, o torch.AdamW) *Optimizer {
	opt := &Optimizer{AdamW: o, params: params}
	for _, p := range params {
		opt.m = append(opt.m, torch.Reserve(torch.Float32, p.Device(), p.Dims()...))
		opt.v = append(opt.v, torch.Reserve(torch.Float32, p.Device(), p.Dims()...))
	}
	opt.step = torch.Zeros(torch.Float32, params[0].Device())
	return opt
}

// ZeroGrad drops the gradients.
func (o *Optimizer) ZeroGrad() {
	for _, p := range o.params {
		p.SetGrad(nil)
	}
}

// ClipGrad scales the gradients down to a total norm of at most maxNorm (0: not at all), as
// torch.nn.utils.clip_grad_norm_, and returns the norm they had.
func (o *Optimizer) ClipGrad(maxNorm float64) (norm float64) {
	torch.NoGrad(func() {
		grads := o.grads()
		total := torch.Norm(grads)
		norm = total.Item()
		if maxNorm > 0 && norm > maxNorm {
			torch.Scale_(grads, torch.Full(maxNorm/(norm+1e-6), torch.Float32, total.Device()))
		}
	})
	return norm
}

// Step takes one AdamW step at a learning rate.
func (o *Optimizer) Step(lr float64) {
	torch.NoGrad(func() {
		grads := o.grads()
		if o.updates == 0 {
			for i := range o.m { // written before they are read, or the system would give each page twice
				o.m[i].Zero_()
				o.v[i].Zero_()
			}
		}
		o.updates++
		o.step.Copy_(torch.Full(float64(o.updates), torch.Float32, o.step.Device()))
		adamw := o.AdamW
		adamw.LR = lr
		weights, lows := make([]*torch.Tensor, len(o.params)), make([]*torch.Tensor, len(o.params))
		for i, p := range o.params {
			weights[i], lows[i] = p.Parts()
		}
		torch.AdamW_(adamw, weights, lows, grads, o.m, o.v, o.step)
	})
}

// grads are the gradients in the order of params; a weight the loss did not reach has zeros.
func (o *Optimizer) grads() []*torch.Tensor {
	grads := make([]*torch.Tensor, len(o.params))
	for i, p := range o.params {
		if grads[i] = p.Grad(); grads[i] == nil {
			grads[i] = torch.Zeros(torch.Float32, p.Device(), p.Dims()...)
		}
	}
	return grads
}
