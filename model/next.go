package model

import torch "github.com/rlkd/rlkd/cgo"

// Next are the log-probabilities of a few tokens as the one that follows each prompt, without
// decoding: [len(prompts)][len(ids)]. Prompts are worked on together up to budget tokens at a
// time; the order of the prompts and the budget do not matter to the result but for rounding.
func (m *Model) Next(prompts [][]int, ids []int, budget int) [][]float32 {
	out := make([][]float32, 0, len(prompts))
	for len(prompts) > 0 {
		n, tokens := 1, len(prompts[0])
		for n < len(prompts) && tokens+len(prompts[n]) <= budget {
			tokens += len(prompts[n])
			n++
		}
		out = append(out, m.next(prompts[:n], ids)...)
		prompts = prompts[n:]
	}
	return out
}

// next is Next for prompts that go through the model at once.
func (m *Model) next(prompts [][]int, ids []int) (out [][]float32) {
	torch.NoGrad(func() {
		seqs := make([]Sequence, len(prompts))
		ends := make([]int, len(prompts)) // the packed token that each prompt ends with
		tokens := 0
		for i, p := range prompts {
			seqs[i] = Sequence{Prompt: p}
			tokens += len(p)
			ends[i] = tokens - 1
		}
		b := NewBatch(seqs)
		b.predict = ends
		logits := m.logits(m.hidden(b)).Cast(torch.Float32) // [n, vocab]
		logp := logits.IndexSelect(-1, torch.FromInts(ids, m.Device, len(ids))).Sub(logits.LogSumExp(-1, true))
		flat := logp.Float32s()
		for i := range prompts {
			out = append(out, flat[i*len(ids):(i+1)*len(ids)])
		}
	})
	return out
}
