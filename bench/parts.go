package main

import (
	"strings"
	"time"

	torch "github.com/rlkd/rlkd/cgo"
)

// products are the operations that are matrix products: libtorch's, and those by kernels of the binding's own.
var products = []string{
	"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mkldnn_linear", "mkldnn::_linear_pointwise",
	"rlkd::linear", "rlkd::linear_rows", "rlkd::linear_weights", "PackedLinear",
}

// parts takes a step whose update is profiled. A profile slows down what it counts a little, so
// the step is not one of the measured.
func (b *bench) parts() (*Parts, error) {
	completions, _, err := b.rollout()
	if err != nil {
		return nil, err
	}
	samples := b.samples(completions)
	torch.StartProfile()
	began := time.Now()
	_, err = b.grpo.Step(samples, b.rate)
	p := &Parts{Go: time.Since(began).Seconds()}
	for _, o := range torch.StopProfile() {
		s := o.Time.Seconds()
		for _, name := range products {
			if o.Inside == name || o.Inside == "" && o.Op == name {
				p.Products += s
			}
		}
		if o.Inside != "" {
			continue
		}
		p.Go -= s
		switch {
		case strings.HasPrefix(o.Op, "Backward"):
			p.Backward += s
		case strings.HasPrefix(o.Op, "AdamW"), o.Op == "Norm", o.Op == "Scale_":
			p.Optimizer += s
		default:
			p.Forward += s
		}
	}
	return p, err
}
