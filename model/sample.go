package model

import torch "github.com/rlkd/rlkd/cgo"

// Sampling says how the next token is drawn. The filters apply in the order transformers'
// generate has them: temperature, top-k, top-p, min-p.
type Sampling struct {
	Temperature float64 // 0 takes the most likely token
	TopK        int     // keep the k most likely tokens; 0 keeps all
	TopP        float64 // keep the most likely tokens that together have this probability; 1 keeps all
	MinP        float64 // drop tokens less likely than this share of the most likely one; 0 keeps all
}

// maxUniform is the largest number used as a uniform variate: the product with any fp32
// total is below that total.
const maxUniform = 1 - 1.0/(1<<23)

// sample draws one token per row of logits [n, vocab], from one uniform variate in (0, 1) per
// row: the first token at which the cumulative probability exceeds it. It runs on the device;
// what a row draws does not depend on the other rows. It returns ids [n].
func (s Sampling) sample(logits *torch.Tensor, uniform []float32) *torch.Tensor {
	if s.Temperature == 0 {
		return torch.Draw(logits, nil, 0)
	}
	for i, u := range uniform {
		uniform[i] = min(u, maxUniform)
	}
	u := torch.FromFloat32s(uniform, torch.Float32, logits.Device(), len(uniform))
	if s.TopK == 0 && s.TopP == 1 && s.MinP == 0 {
		return torch.Draw(logits, u, s.Temperature)
	}
	return torch.Draw(torch.Filter(logits, s.Temperature, s.TopK, s.TopP, s.MinP), u, 1)
}
