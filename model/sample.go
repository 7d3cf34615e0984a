package model

import (
	"math"

	torch "github.com/rlkd/rlkd/cgo"
)

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

var negInf = math.Inf(-1)

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
	return torch.Draw(s.filter(logits.Cast(torch.Float32)), u, 1)
}

// filter divides by the temperature and sets the logits of dropped tokens to minus infinity.
func (s Sampling) filter(logits *torch.Tensor) *torch.Tensor {
	if s.Temperature != 1 {
		logits = logits.MulScalar(1 / s.Temperature)
	}
	if s.TopK > 0 && s.TopK < logits.Dim(-1) {
		best, _ := logits.TopK(s.TopK, -1)
		logits = logits.MaskedFill(logits.Lt(best.Narrow(-1, s.TopK-1, 1)), negInf)
	}
	if s.TopP < 1 {
		logits = torch.TopP(logits, s.TopP)
	}
	if s.MinP > 0 {
		least := logits.MaxDim(-1, true).AddScalar(math.Log(s.MinP))
		logits = logits.MaskedFill(logits.Lt(least), negInf)
	}
	return logits
}
