package model

import torch "github.com/rlkd/rlkd/cgo"

// The language-model head and its log-softmax are computed over headRows tokens at a time:
// logits of a whole batch, [M, vocab], are never in memory.
const headRows = 256

// chunk is a piece of the head's work: the log-probabilities of some targets.
type chunk struct {
	logp    *torch.Tensor // [n] fp32: log-probability of each target
	entropy *torch.Tensor // [n] fp32: entropy of each distribution, nats
	probs   *torch.Tensor // [n, vocab] fp32
	targets *torch.Tensor // [n, 1]
}

// logProbs scores targets after the hidden states h [n, hidden] at a temperature:
// log_softmax(h Wᵀ / temperature) at the targets, softmax in fp32.
func (m *Model) logProbs(h *torch.Tensor, targets []int, temperature float64) chunk {
	logits := m.logits(h)
	if temperature != 1 {
		logits.MulScalar_(1 / temperature)
	}
	c := chunk{targets: torch.FromInts(targets, m.Device, len(targets), 1)}
	lse := logits.LogSumExp(-1, true) // [n, 1]
	c.logp = logits.Gather(-1, c.targets).Sub(lse).Reshape(len(targets))
	probs := logits.Sub(lse)
	probs.Exp_()
	logits.Mul_(probs)
	c.entropy = lse.Sub(logits.SumDim(-1, true)).Reshape(len(targets))
	logits.Free()
	c.probs = probs
	return c
}

// logits are h Wᵀ, [n, vocab] fp32, in memory of their own.
func (m *Model) logits(h *torch.Tensor) *torch.Tensor {
	l := torch.Linear(h, m.head.work, nil)
	if m.DType != torch.Float32 {
		half := l
		defer half.Free()
		l = l.Cast(torch.Float32)
	}
	return l
}

// headBackward adds to the head's gradient, unless it is frozen, that of sum(c.logp * dlogp) and
// returns the gradient of h, [n, hidden]. With p the probabilities and y the target, the gradient
// of the logits is (onehot(y) - p) * dlogp / temperature. It overwrites c.probs.
func (m *Model) headBackward(c chunk, h, dlogp *torch.Tensor, temperature float64) *torch.Tensor {
	d := dlogp.MulScalar(1/temperature).Reshape(-1, 1)
	c.probs.Mul_(d.Neg())
	c.probs.ScatterAdd_(-1, c.targets, d)
	dlogits := c.probs.Cast(m.DType)
	switch {
	case m.head.Master == nil:
	case m.DType == torch.Float32:
		m.head.grad().AddMM_(dlogits.Transpose(0, 1), h)
	default:
		m.head.grad().Add_(dlogits.Transpose(0, 1).MatMul(h), 1)
	}
	return dlogits.MatMul(m.head.work)
}
