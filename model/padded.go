package model

import torch "github.com/rlkd/rlkd/cgo"

// padding is a batch as attention without segments needs it: each chain of segments that nothing
// follows is one row of N rows padded to the longest, T.
type padding struct {
	rows, width int   // N, T
	gather      []int // [N*T] which packed token stands at a place of the padded layout
	scatter     []int // [P] where in the padded layout a packed token's output is found
}

func (b *Batch) padding() padding {
	followed := make([]bool, len(b.segments))
	for _, s := range b.segments {
		if s.Parent >= 0 {
			followed[s.Parent] = true
		}
	}
	var chains [][]int // packed tokens
	p := padding{scatter: make([]int, len(b.ids))}
	for i := range b.segments {
		if !followed[i] {
			chains = append(chains, b.chain(i))
			p.width = max(p.width, len(chains[len(chains)-1]))
		}
	}
	p.rows = len(chains)
	p.gather = make([]int, p.rows*p.width)
	for r, chain := range chains {
		for t, token := range chain {
			p.gather[r*p.width+t] = token
			p.scatter[token] = r*p.width + t
		}
	}
	return p
}

// chain are the packed tokens that lead up to the end of a segment, its own included.
func (b *Batch) chain(segment int) (tokens []int) {
	s := b.segments[segment]
	if s.Parent >= 0 {
		tokens = b.chain(s.Parent)
	}
	for i := range s.Length {
		tokens = append(tokens, s.Start+i)
	}
	return tokens
}

// padded is causal attention within each row of b: pad, attend, unpad.
func (m *Model) padded(b *Batch) attention {
	p := b.padding()
	gather, scatter := torch.FromInts(p.gather, m.Device, len(p.gather)), torch.FromInts(p.scatter, m.Device, len(p.scatter))
	pad := func(x *torch.Tensor) *torch.Tensor { // [P, h, d] to [N, h, T, d]
		return x.IndexSelect(0, gather).Reshape(p.rows, p.width, x.Dim(1), x.Dim(2)).Transpose(1, 2)
	}
	return func(_ int, q, k, v *torch.Tensor) *torch.Tensor {
		a := torch.Attention(pad(q), pad(k), pad(v), nil, true, m.attentionScale())
		return a.Transpose(1, 2).Reshape(p.rows*p.width, q.Dim(1), q.Dim(2)).IndexSelect(0, scatter)
	}
}
