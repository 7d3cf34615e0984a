package model

import torch "github.com/rlkd/rlkd/cgo"

// LogProbs are the log-probabilities of b's completion tokens, [M] in b's order, at a
// temperature. Nothing is recorded.
func (m *Model) LogProbs(b *Batch, temperature float64) (out []float32) {
	if b.Targets() == 0 {
		return nil
	}
	torch.NoGrad(func() {
		h := m.hidden(b)
		var parts []*torch.Tensor
		for lo := 0; lo < b.Targets(); lo += headRows {
			hi := min(lo+headRows, b.Targets())
			parts = append(parts, torch.Tidy(func() *torch.Tensor {
				return m.logProbs(h.Narrow(0, lo, hi-lo), b.targets[lo:hi], temperature).logp
			}))
		}
		out = torch.Cat(0, parts...).Float32s() // the device is waited for once
	})
	return out
}

// Logits are those that predict b's completion tokens, [M, vocab] fp32. They are for tests
// and small inputs: nothing else holds them all.
func (m *Model) Logits(b *Batch) (out *torch.Tensor) {
	torch.NoGrad(func() { out = m.logits(m.hidden(b)).Cast(torch.Float32).Keep() })
	return out
}

// hidden are the final hidden states that predict b's completion tokens, [M, hidden],
// without a graph.
func (m *Model) hidden(b *Batch) *torch.Tensor {
	return torch.Tidy(func() *torch.Tensor {
		p := m.newPass(b.positions, false, m.packed(b))
		x := p.layers(torch.Embedding(m.embed.work, torch.FromInts(b.ids, m.Device, len(b.ids))))
		return p.final(x.IndexSelect(0, torch.FromInts(b.predict, m.Device, len(b.predict))))
	})
}

// TokenLoss maps the log-probabilities of completion tokens lo … hi-1 of a batch, [hi-lo]
// fp32 and recording, to the part of the loss they make: a scalar. Losses are sums over
// tokens, so parts can be differentiated one by one. entropy [hi-lo] is there to be looked
// at.
type TokenLoss func(logp, entropy *torch.Tensor, lo, hi int) *torch.Tensor

// ForwardBackward runs b, gives the log-probabilities (at the temperature) of its completion
// tokens to loss chunk by chunk, and adds the gradients of all of it to the masters', the
// model's and the active adapter's. With checkpoint, only each layer's input is kept and the
// layer is computed again on the way back: less memory for a third more work.
func (m *Model) ForwardBackward(b *Batch, temperature float64, checkpoint bool, loss TokenLoss) {
	trained := m.trained()
	defer drop(trained) // what a failure leaves
	torch.EnableGrad(func() {
		ids := torch.FromInts(b.ids, m.Device, len(b.ids))
		x := torch.Embedding(m.embed.work.Detach(), ids)
		t := tape{pass: m.newPass(b.positions, true, m.packed(b)), trained: trained}
		x = t.forward(x, checkpoint)
		x = t.final(x.IndexSelect(0, torch.FromInts(b.predict, m.Device, len(b.predict))))
		x.BackwardFrom(m.headGrad(b, x.Detach(), temperature, loss))
		if grad := t.backward(); m.embed.trained {
			m.embedBackward(b, grad)
		}
		collect(trained)
	})
}

// embedBackward adds the gradient of the packed tokens' embeddings, [P, hidden], to the
// embedding's. The padding token is left out, as it is in transformers (nn.Embedding's
// padding_idx), where it matters if a model pads with a token that prompts contain.
func (m *Model) embedBackward(b *Batch, grad *torch.Tensor) {
	var ids, at []int
	for i, id := range b.ids {
		if id != m.Config.Pad {
			ids, at = append(ids, id), append(at, i)
		}
	}
	torch.NoGrad(func() {
		rows := grad.IndexSelect(0, torch.FromInts(at, m.Device, len(at))).Cast(torch.Float32)
		m.embed.someGrad().IndexAdd_(0, torch.FromInts(ids, m.Device, len(ids)), rows)
	})
}

// headGrad takes the loss of each chunk of h [M, hidden] and returns the gradient of h. The
// head's own gradient is accumulated on the way.
func (m *Model) headGrad(b *Batch, h *torch.Tensor, temperature float64, loss TokenLoss) *torch.Tensor {
	return torch.Tidy(func() *torch.Tensor {
		var grads []*torch.Tensor
		for lo := 0; lo < b.Targets(); lo += headRows {
			hi := min(lo+headRows, b.Targets())
			grads = append(grads, torch.Tidy(func() (grad *torch.Tensor) {
				torch.NoGrad(func() {
					rows := h.Narrow(0, lo, hi-lo)
					c := m.logProbs(rows, b.targets[lo:hi], temperature)
					c.logp.RequireGrad(true)
					torch.EnableGrad(func() { loss(c.logp, c.entropy, lo, hi).Backward() })
					grad = m.headBackward(c, rows, c.logp.Grad(), temperature).Keep()
				})
				return grad
			}))
		}
		return torch.Cat(0, grads...)
	})
}

// tape is the pass through the layers, which is walked back a layer at a time: what a layer kept
// for it, and the gradients of its weights in the model's dtype, are gone before the next one's.
type tape struct {
	*pass
	trained []*Param
	inputs  []*torch.Tensor // of each layer, leaves
	outputs []*torch.Tensor // of each layer with its graph, nil if the layer is to be run again
	last    *torch.Tensor   // the last layer's output, a leaf
}

// forward runs x [P, hidden] through the layers and returns last. With checkpoint no graph is kept.
func (t *tape) forward(x *torch.Tensor, checkpoint bool) *torch.Tensor {
	for i := range t.m.layers {
		t.inputs = append(t.inputs, x.RequireGrad(i > 0 || t.m.embed.trained))
		if checkpoint {
			torch.NoGrad(func() { x = t.layer(i, x).Keep() })
			t.outputs = append(t.outputs, nil)
		} else {
			out := t.layer(i, x)
			t.outputs = append(t.outputs, out)
			x = out.Detach()
		}
	}
	t.last = x.RequireGrad(true)
	return t.last
}

// backward goes on from the gradient of forward's output, and returns that of its input, nil if
// the embedding is frozen.
func (t *tape) backward() *torch.Tensor {
	grad := t.last.Grad()
	for i := len(t.inputs) - 1; i >= 0; i-- {
		x, out := t.inputs[i], t.outputs[i]
		var next *torch.Tensor // nil where nothing below is trained
		torch.Scope(func() {
			if out == nil {
				out = t.layer(i, x)
			}
			out.BackwardFrom(grad)
			if next = x.Grad(); next != nil {
				next.Keep()
			}
			collect(t.trained)
		})
		for _, done := range []*torch.Tensor{grad, x, t.outputs[i]} {
			done.Free()
		}
		grad = next
	}
	return grad
}
