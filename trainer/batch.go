package trainer

import (
	"slices"

	"github.com/rlkd/rlkd/model"
)

// Sample is one completion as an update sees it.
type Sample struct {
	Group      int     // samples of a group share their prompt
	Prompt     []int   // token ids
	Completion []int   // token ids
	Advantage  float64 // of the whole completion
	Masked     bool    // carries no loss: it has no reward, or was cut and such are masked
}

// microBatch is a piece of a step that fits in memory. The per-token slices are in the
// batch's order, [M].
type microBatch struct {
	batch       *model.Batch
	tokens      int // in the batch, prompts included
	completions int
	advantage   []float32
	weight      []float32 // the token's share of the loss; the normaliser is the whole step's
	old, ref    []float32 // log-probabilities under the policy that sampled, and the reference; nil if not known, not wanted
}

// microBatches packs the samples that carry loss into batches of at most budget tokens,
// where a prompt counts once for its group. A single completion longer than the budget
// makes a batch of its own. weight gives a sample's tokens their share of the loss.
func microBatches(samples []Sample, budget int, weight func(Sample) float64) []*microBatch {
	var out []*microBatch
	p := packer{budget: budget}
	flush := func() {
		if len(p.seqs) > 0 {
			out = append(out, p.take())
		}
	}
	for _, s := range samples {
		if s.Masked || len(s.Completion) == 0 {
			continue
		}
		if !p.fits(s) {
			flush()
		}
		p.add(s, float32(weight(s)))
	}
	flush()
	return out
}

// packer fills one micro-batch.
type packer struct {
	budget, tokens int
	group          int
	seqs           []model.Sequence
	mb             microBatch
}

// cost is how many tokens s adds to the batch.
func (p *packer) cost(s Sample) int {
	if p.shares(s) {
		return len(s.Completion)
	}
	return len(s.Prompt) + len(s.Completion)
}

// shares tells whether s can use the prompt packed last.
func (p *packer) shares(s Sample) bool {
	n := len(p.seqs)
	return n > 0 && p.group == s.Group && slices.Equal(p.seqs[n-1].Prompt, s.Prompt)
}

func (p *packer) fits(s Sample) bool { return p.tokens+p.cost(s) <= p.budget }

func (p *packer) add(s Sample, weight float32) {
	p.tokens += p.cost(s)
	if !p.shares(s) {
		p.seqs = append(p.seqs, model.Sequence{Prompt: s.Prompt})
		p.group = s.Group
	}
	last := &p.seqs[len(p.seqs)-1]
	last.Completions = append(last.Completions, s.Completion)
	p.mb.completions++
	for range s.Completion {
		p.mb.advantage = append(p.mb.advantage, float32(s.Advantage))
		p.mb.weight = append(p.mb.weight, weight)
	}
}

func (p *packer) take() *microBatch {
	mb := p.mb
	mb.batch, mb.tokens = model.NewBatch(p.seqs), p.tokens
	*p = packer{budget: p.budget}
	return &mb
}
