package model

import (
	torch "github.com/rlkd/rlkd/cgo"
)

// Sequence is one prompt with the completions that were sampled for it; the prompt's tokens
// are computed once for all of them.
type Sequence struct {
	Prompt      []int
	Completions [][]int
}

// Batch is a micro-batch laid out for one pass. Its P tokens are packed: prompt, completion,
// completion, next prompt … Only attention sees padding: there each completion, with its
// prompt before it, is one row of N rows padded to the longest, T.
type Batch struct {
	ids, positions []int // [P], a few at the end to fill up
	rows, width    int   // N, T
	gather         []int // [N*T] which packed token stands at a place of the padded layout
	scatter        []int // [P] where in the padded layout a packed token's output is found
	predict        []int // [M] the packed token whose output predicts each completion token
	targets        []int // [M] those completion tokens
}

// tokenStep is what the number of packed tokens is rounded up to. Kernels are prepared and kept
// for each shape they meet; there should be few.
const tokenStep = 64

// NewBatch packs sequences. Completion tokens keep the order they come in: all of the first
// completion of the first sequence, and so on. A sequence without completions is packed as
// a prompt alone.
func NewBatch(seqs []Sequence) *Batch {
	b := &Batch{}
	for _, s := range seqs {
		rows := max(1, len(s.Completions))
		longest := 0
		for _, c := range s.Completions {
			longest = max(longest, len(c))
		}
		b.rows += rows
		b.width = max(b.width, len(s.Prompt)+longest)
	}
	b.gather = make([]int, b.rows*b.width)
	row := 0
	for _, s := range seqs {
		start := len(b.ids)
		for i, id := range s.Prompt {
			b.token(id, i, row*b.width+i)
		}
		for j := range max(1, len(s.Completions)) {
			base := row * b.width
			for i := range s.Prompt {
				b.gather[base+i] = start + i
			}
			if j < len(s.Completions) {
				b.completion(s.Completions[j], start+len(s.Prompt)-1, len(s.Prompt), base)
			}
			row++
		}
	}
	for len(b.ids)%tokenStep != 0 {
		b.token(0, 0, 0) // no row attends to it, and nobody asks what it says
	}
	return b
}

// token packs one token whose attention output is read at a place of the padded layout.
func (b *Batch) token(id, position, place int) {
	b.ids = append(b.ids, id)
	b.positions = append(b.positions, position)
	b.scatter = append(b.scatter, place)
}

// completion packs the tokens of one completion that follow the packed token last.
func (b *Batch) completion(ids []int, last, position, base int) {
	for i, id := range ids {
		b.predict = append(b.predict, last)
		b.targets = append(b.targets, id)
		last = len(b.ids)
		b.gather[base+position+i] = last
		b.token(id, position+i, base+position+i)
	}
}

// Targets is the number of completion tokens, M.
func (b *Batch) Targets() int { return len(b.targets) }

// packed is causal attention within each row of b: pad, attend, unpad.
func (m *Model) packed(b *Batch) attention {
	gather := torch.FromInts(b.gather, m.Device, len(b.gather))
	scatter := torch.FromInts(b.scatter, m.Device, len(b.scatter))
	pad := func(x *torch.Tensor) *torch.Tensor { // [P, h, d] to [N, h, T, d]
		return x.IndexSelect(0, gather).Reshape(b.rows, b.width, x.Dim(1), x.Dim(2)).Transpose(1, 2)
	}
	return func(_ int, q, k, v *torch.Tensor) *torch.Tensor {
		a := torch.Attention(pad(q), pad(k), pad(v), nil, true, m.attentionScale())
		return a.Transpose(1, 2).Reshape(b.rows*b.width, q.Dim(1), q.Dim(2)).IndexSelect(0, scatter)
	}
}
