package model

import torch "github.com/rlkd/rlkd/cgo"

// The language-model head and its log-softmax are computed over headRows tokens at a time:
// logits of a whole batch, [M, vocab], are never in memory.
const headRows = 256

// chunk is a piece of the head's work: the log-probabilities of some targets.
type chunk struct {
	logp    *torch.Tensor // [n] fp32: log-probability of each target
	entropy *torch.Tensor // [n] fp32: entropy of each distribution, nats
	logits  *torch.Tensor // [n, vocab]
	lse     *torch.Tensor // [n] fp32
	targets *torch.Tensor // [n]
}

// logProbs scores targets after the hidden states h [n, hidden] at a temperature:
// log_softmax(h Wᵀ / temperature) at the targets, softmax in fp32.
func (m *Model) logProbs(h *torch.Tensor, targets []int, temperature float64) (c chunk) {
	c.logits = m.logits(h)
	c.targets = torch.FromInts(targets, m.Device, len(targets))
	c.logp, c.entropy, c.lse = torch.LogSoftmaxAt(c.logits, c.targets, 1/temperature)
	return c
}

// headBackward adds to the head's gradient, unless it is frozen, that of sum(c.logp * dlogp) and
// returns the gradient of h, [n, hidden]. It overwrites c.logits.
func (m *Model) headBackward(c chunk, h, dlogp *torch.Tensor, temperature float64) *torch.Tensor {
	dlogits := torch.LogSoftmaxAtBackward(c.logits, c.targets, c.lse, dlogp, 1/temperature)
	if m.head.trained {
		m.head.someGrad().AddMM_(dlogits.Transpose(0, 1), h)
	}
	return dlogits.MatMul(m.head.work)
}

// logits are h Wᵀ, [n, vocab] in the model's dtype.
func (m *Model) logits(h *torch.Tensor) *torch.Tensor { return torch.Linear(h, m.head.work, nil) }
