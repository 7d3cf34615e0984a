package trainer

import (
	"fmt"
	"math"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
)

// Learner changes a model's weights. GRPO (grpo.go) and supervised fine-tuning (sft.go)
// differ only in the loss they hand it.
type Learner struct {
	Model       *model.Model
	Opt         *Optimizer
	MaxGradNorm float64
	MicroTokens int  // token budget of a micro-batch
	Checkpoint  bool // gradient checkpointing
	Temperature float64
	Halved      func(why *MemoryError) // is told that MicroTokens is lower now, if set
}

// NonFiniteError says that a step produced a loss or gradient that is no number.
type NonFiniteError struct {
	What  string
	Value float64
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%s is %g: the weights were left as they were before this update", e.What, e.Value)
}

// Stats are what one update says about itself. KL, ClipRatio and Entropy are means over the
// completion tokens that went through the model.
type Stats struct {
	Loss, KL, ClipRatio, Entropy float64
	GradNorm                     float64 // before clipping
	Tokens                       int     // completion tokens that the loss is made of
	Trained                      int     // of them, those that went through the model
}

// statistics a loss adds up on the device, so that a micro-batch costs one read.
const (
	statLoss = iota
	statKL
	statClipped
	statEntropy
	statCount
)

// update accumulates the gradients of all micro-batches, clips them, and takes one optimizer
// step. loss makes the TokenLoss of a micro-batch, which adds its statistics to acc
// [statCount]. The live count of tensors is afterwards what it was before, also on failure.
func (l *Learner) update(batches []*microBatch, lr float64, loss func(mb *microBatch, acc *torch.Tensor) model.TokenLoss) (s Stats, err error) {
	live := torch.Live()
	err = torch.Try(func() error {
		defer l.Opt.ZeroGrad()
		acc := torch.Zeros(torch.Float32, l.Model.Device, statCount)
		for i, mb := range batches {
			l.Model.DropoutAt(l.Opt.updates, i)
			if err := fits(mb, func() { l.Model.ForwardBackward(mb.batch, l.Temperature, l.Checkpoint, loss(mb, acc)) }); err != nil {
				return err
			}
			s.Trained += mb.batch.Targets()
		}
		sums := acc.Float32s()
		s.Tokens = s.Trained
		n := float64(max(1, s.Trained))
		s.Loss = float64(sums[statLoss])
		s.KL, s.ClipRatio, s.Entropy = float64(sums[statKL])/n, float64(sums[statClipped])/n, float64(sums[statEntropy])/n
		if !finite(s.Loss) {
			return &NonFiniteError{"the loss", s.Loss}
		}
		if len(batches) == 0 {
			return nil
		}
		s.GradNorm = l.Opt.ClipGrad(l.MaxGradNorm)
		if !finite(s.GradNorm) {
			return &NonFiniteError{"the gradient norm", s.GradNorm}
		}
		if s.GradNorm > 0 {
			l.Opt.Step(lr)
		}
		return nil
	})
	if now := torch.Live(); err == nil && now != live {
		return s, fmt.Errorf("an update left %d tensors behind (%d before, %d after): this is a bug", now-live, live, now)
	}
	return s, err
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// addStats adds the statistics of some tokens to acc: scalars in the order of the constants.
func addStats(acc *torch.Tensor, scalars ...*torch.Tensor) {
	torch.NoGrad(func() {
		flat := make([]*torch.Tensor, len(scalars))
		for i, s := range scalars {
			flat[i] = s.Detach().Reshape(1)
		}
		acc.Add_(torch.Cat(0, flat...), 1)
	})
}
