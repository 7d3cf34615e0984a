package trainer

import (
	"context"
	"fmt"
	"time"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
)

// SFT is supervised fine-tuning on teacher texts, one step at a time.
type SFT struct {
	*Learner
	Rows     []Sample
	Order    Order
	Batch    int // rows in a step
	Schedule Schedule
	State    *State
}

// Step takes one update on the next rows and returns its metrics.
func (s *SFT) Step(context.Context) (Record, error) {
	began := time.Now()
	rate := s.Schedule.At(s.State.Step)
	stats, err := s.supervise(s.batch(), rate)
	if err != nil {
		return Record{}, fmt.Errorf("update: %w", err)
	}
	s.State.Step++
	s.State.Tokens += stats.Tokens
	seconds := time.Since(began).Seconds()
	return Record{s.State.Step, append([]Metric{
		{"loss", stats.Loss},
		{"grad_norm", stats.GradNorm},
		{"learning_rate", rate},
		{"entropy", stats.Entropy},
		{"num_tokens", float64(s.State.Tokens)},
		{"step_time", seconds},
		{"train_tokens_per_s", float64(stats.Tokens) / seconds},
		{"peak_memory_bytes", PeakMemory()},
		{"live_tensors", float64(torch.Live())},
	}, deviceMemory(s.Model.Device)...)}, nil
}

// batch is the rows of the step to come.
func (s *SFT) batch() []Sample {
	var out []Sample
	for i, row := range s.Order.Batch(s.State.Step, s.Batch) {
		sample := s.Rows[row]
		sample.Group = i
		out = append(out, sample)
	}
	return out
}

// supervise takes one update towards the samples' completions: the loss is their mean
// negative log-likelihood per completion token, over the whole step. Prompts carry no loss.
func (l *Learner) supervise(samples []Sample, lr float64) (s Stats, err error) {
	tokens := float64(lossTokens(samples))
	err = l.inMicroBatches(samples, func(Sample) float64 { return 1 / tokens }, func(batches []*microBatch) error {
		s, err = l.update(batches, lr, l.negativeLogLikelihood)
		return err
	})
	return s, err
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
