package trainer

import (
	"errors"
	"fmt"

	torch "github.com/rlkd/rlkd/cgo"
)

// MemoryError says that a micro-batch did not fit into the device's memory. The weights are
// what they were before the update.
type MemoryError struct {
	Tokens      int // of the micro-batch
	Completions int // in it
	Err         *torch.Error
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("%d tokens of %d completions do not fit into the device's memory (%v); "+
		"set gradient_checkpointing, lower max_completion_length, or train an adapter by lora", e.Tokens, e.Completions, e.Err)
}

func (e *MemoryError) Unwrap() error { return e.Err }

// fits runs work on a micro-batch and returns a *MemoryError if it runs out of memory. Other
// failures go on as they are.
func fits(mb *microBatch, work func()) error {
	err := torch.Try(func() error { work(); return nil })
	var failed *torch.Error
	if errors.As(err, &failed) && failed.OutOfMemory() {
		return &MemoryError{Tokens: mb.tokens, Completions: mb.completions, Err: failed}
	}
	return err
}

// inMicroBatches calls try with the samples' micro-batches. While one of them does not fit into
// memory the budget of all is halved, for good, and try is called again: it must go on where it
// failed. What is known of the old policy and of the reference stays known.
func (l *Learner) inMicroBatches(samples []Sample, weight func(Sample) float64, try func([]*microBatch) error) error {
	batches := microBatches(samples, l.MicroTokens, weight)
	for {
		err := try(batches)
		var full *MemoryError
		if !errors.As(err, &full) || full.Completions == 1 {
			return err
		}
		for l.MicroTokens = max(1, l.MicroTokens/2); l.MicroTokens >= full.Tokens; l.MicroTokens /= 2 {
		}
		batches = repack(batches, microBatches(samples, l.MicroTokens, weight))
		torch.EmptyCache() // what is kept for reuse is of the wrong sizes
		if l.Halved != nil {
			l.Halved(full)
		}
	}
}

// repack gives the batches to the log-probabilities that are known for all tokens of from, in
// which the same samples are in the same order.
func repack(from, to []*microBatch) []*microBatch {
	var old, ref []float32
	tokens := 0
	for _, mb := range from {
		tokens += len(mb.weight)
		old, ref = append(old, mb.old...), append(ref, mb.ref...)
	}
	cut := func(known []float32, from, n int) []float32 {
		if len(known) < tokens {
			return nil
		}
		return known[from : from+n : from+n]
	}
	at := 0
	for _, mb := range to {
		n := len(mb.weight)
		mb.old, mb.ref = cut(old, at, n), cut(ref, at, n)
		at += n
	}
	return to
}

// MicroBudget is what a run has learnt about its device's memory.
type MicroBudget struct {
	Asked int `json:"asked"` // micro_batch_tokens
	Fits  int `json:"fits"`  // what it was halved to
}

// remember makes the learner's budget that of the state, if it has learnt one for the same
// micro_batch_tokens, and sees to it that the state learns when it is halved.
func (s *State) remember(l *Learner, w Watch) {
	asked := l.MicroTokens
	if m := s.MicroBatch; m != nil && m.Asked == asked {
		l.MicroTokens = m.Fits
	}
	l.Halved = func(why *MemoryError) {
		s.MicroBatch = &MicroBudget{Asked: asked, Fits: l.MicroTokens}
		w.note(fmt.Sprintf("out of memory: %d tokens of %d completions do not fit; micro-batches have at most %d tokens from now on, instead of micro_batch_tokens (%d)",
			why.Tokens, why.Completions, l.MicroTokens, asked))
	}
}
