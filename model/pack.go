package model

import (
	"fmt"
	"slices"

	torch "github.com/rlkd/rlkd/cgo"
)

// Sequence is one prompt with the completions that were sampled for it; the prompt's tokens
// are computed once for all of them.
type Sequence struct {
	Prompt      []int
	Completions [][]int
}

// Batch is a micro-batch laid out for one pass. Its P tokens are packed without padding: prompt,
// completion, completion, next prompt … Attention sees them as segments: a completion's tokens
// see its prompt, the prompt's tokens only each other.
type Batch struct {
	ids, positions []int           // [P], a few at the end to fill up, which are in no segment
	segments       []torch.Segment // of packed tokens
	predict        []int           // [M] the packed token whose output predicts each completion token
	targets        []int           // [M] those completion tokens
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
		prompt := b.segment(s.Prompt, -1)
		for _, c := range s.Completions {
			b.completion(c, prompt)
		}
	}
	b.fill()
	return b
}

// fill rounds up the number of packed tokens.
func (b *Batch) fill() {
	for len(b.ids)%tokenStep != 0 {
		b.ids, b.positions = append(b.ids, 0), append(b.positions, 0)
	}
}

// prompt packs a prompt as segments that end where shared says and returns the last. Segments
// that are known, by what they begin with, are not packed again. Where a prompt is cut depends on
// it alone, and so do the numbers that come of it.
func (b *Batch) prompt(ids, shared []int, known map[string]int) (segment int) {
	segment = -1
	from := 0
	for _, to := range append(slices.Clone(shared), len(ids)) {
		if to <= from || to > len(ids) {
			continue
		}
		prefix := fmt.Sprint(ids[:to])
		at, ok := known[prefix]
		if !ok {
			at = b.segment(ids[from:to], segment)
			known[prefix] = at
		}
		segment, from = at, to
	}
	return segment
}

// segment packs tokens that follow those of the segment parent, -1 for none, and returns the
// new segment's place.
func (b *Batch) segment(ids []int, parent int) int {
	position := 0
	if parent >= 0 {
		last := b.last(parent)
		position = b.positions[last] + 1
	}
	b.segments = append(b.segments, torch.Segment{Start: len(b.ids), Length: len(ids), Parent: parent})
	for i, id := range ids {
		b.ids = append(b.ids, id)
		b.positions = append(b.positions, position+i)
	}
	return len(b.segments) - 1
}

// last is the last packed token of a segment.
func (b *Batch) last(segment int) int {
	return b.segments[segment].Start + b.segments[segment].Length - 1
}

// completion packs a completion after a prompt, if it has a token.
func (b *Batch) completion(ids []int, prompt int) {
	if len(ids) == 0 {
		return
	}
	before := b.last(prompt)
	start := b.segments[b.segment(ids, prompt)].Start
	for i, id := range ids {
		b.predict = append(b.predict, before)
		b.targets = append(b.targets, id)
		before = start + i
	}
}

// Targets is the number of completion tokens, M.
func (b *Batch) Targets() int { return len(b.targets) }

// packed is causal attention within the segments of b: by a kernel that knows them, or else,
// each chain of segments as a row of its own, by libtorch's.
func (m *Model) packed(b *Batch) attention {
	if !torch.HasTreeAttention(m.DType, m.Device, m.Config.HeadDim) {
		return m.padded(b)
	}
	return func(_ int, q, k, v *torch.Tensor) *torch.Tensor {
		return torch.TreeAttention(q, k, v, b.segments, m.attentionScale())
	}
}
