package trainer

import (
	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
)

// supervise takes one update towards the samples' completions: the loss is their mean
// negative log-likelihood per completion token, over the whole step. Prompts carry no loss.
func (l *Learner) supervise(samples []Sample, lr float64) (Stats, error) {
	tokens := 0
	for _, s := range samples {
		tokens += len(s.Completion)
	}
	batches := microBatches(samples, l.MicroTokens, func(Sample) float64 { return 1 / float64(tokens) })
	return l.update(batches, lr, l.negativeLogLikelihood)
}

func (l *Learner) negativeLogLikelihood(mb *microBatch, acc *torch.Tensor) model.TokenLoss {
	return func(logp, entropy *torch.Tensor, lo, hi int) *torch.Tensor {
		weight := torch.FromFloat32s(mb.weight[lo:hi], torch.Float32, l.Model.Device, hi-lo)
		loss := logp.Mul(weight).Sum().Neg()
		none := torch.Zeros(torch.Float32, l.Model.Device, 1)
		addStats(acc, loss, none, none, entropy.Sum())
		return loss
	}
}
