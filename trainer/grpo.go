package trainer

import (
	"fmt"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
)

// GRPO is the policy-gradient update of rlkd.md (Shao et al. 2024, eq. 3; TRL's GRPOTrainer).
type GRPO struct {
	*Learner
	Ref                  *model.Model   // frozen; nil when Beta is 0; the trained one itself with LoRA
	RefAdapter           *model.Adapter // active on Ref while it is the reference; nil for none
	LossType             string         // grpo, bnpo, dapo, dr_grpo
	Beta                 float64        // weight of the KL term against Ref
	Epsilon, EpsilonHigh float64        // the ratio is clipped to [1-Epsilon, 1+EpsilonHigh]
	NumIterations        int            // updates per step
	MaxCompletionLength  int            // normaliser of dr_grpo
}

// newGRPO is the configuration's update of a student, with an optimizer that has taken no
// step. Its tensors belong to the current scope.
func newGRPO(c *Config, s *Student) *GRPO {
	return &GRPO{
		Learner: &Learner{
			Model: s.Model, MaxGradNorm: c.MaxGradNorm, MicroTokens: c.MicroBatchTokens,
			Checkpoint: c.GradientCheckpointing, Temperature: c.Temperature,
			Opt: NewOptimizer(s.Trained(), torch.AdamW{Beta1: c.AdamBeta1, Beta2: c.AdamBeta2, Eps: c.AdamEpsilon, WeightDecay: c.WeightDecay}),
		},
		LossType: c.LossType, Beta: c.Beta, Epsilon: c.Epsilon, EpsilonHigh: c.ClipHigh(),
		NumIterations: c.NumIterations, MaxCompletionLength: c.MaxCompletionLength,
	}
}

// Step takes NumIterations updates on the samples of one step and returns what each said.
// Old log-probabilities come from the first update's own forward pass, so the first ratio is
// exactly 1.
func (g *GRPO) Step(samples []Sample, lr float64) ([]Stats, error) {
	weight, err := g.normaliser(samples)
	if err != nil {
		return nil, err
	}
	var all []Stats
	err = g.inMicroBatches(g.withGradient(samples), weight, func(batches []*microBatch) error {
		for _, mb := range batches {
			if len(all) == 0 {
				mb.old = nil
			}
			if g.Beta != 0 && mb.ref == nil {
				if err := fits(mb, func() { g.refer(mb) }); err != nil {
					return err
				}
			}
		}
		for len(all) < g.NumIterations {
			s, err := g.update(batches, lr, g.tokenLoss)
			if err != nil {
				return err
			}
			s.Tokens = lossTokens(samples)
			all = append(all, s)
		}
		return nil
	})
	return all, err
}

// refer computes the reference's log-probabilities.
func (g *GRPO) refer(mb *microBatch) {
	g.Ref.With(g.RefAdapter, func() { mb.ref = g.Ref.LogProbs(mb.batch, g.Temperature) })
}

// withGradient leaves out the samples that change nothing: those without advantage, unless a
// KL term pulls at them, or later updates are to tell how far the policy has moved on them.
func (g *GRPO) withGradient(samples []Sample) []Sample {
	if g.Beta != 0 || g.NumIterations > 1 {
		return samples
	}
	var out []Sample
	for _, s := range samples {
		if s.Advantage != 0 {
			out = append(out, s)
		}
	}
	return out
}

// lossTokens counts the completion tokens that the loss is a mean over.
func lossTokens(samples []Sample) (n int) {
	for _, s := range samples {
		if !s.Masked {
			n += len(s.Completion)
		}
	}
	return n
}

// normaliser returns the share of the loss that each token of a sample has. It is made from
// the whole step, so that micro-batches do not matter:
//
//	grpo        the mean over completions of the mean over tokens
//	bnpo, dapo  the mean over all tokens of the step
//	dr_grpo     the sum divided by completions × max_completion_length
func (g *GRPO) normaliser(samples []Sample) (func(Sample) float64, error) {
	n, tokens := float64(len(samples)), lossTokens(samples)
	switch g.LossType {
	case "grpo":
		return func(s Sample) float64 { return 1 / (n * float64(len(s.Completion))) }, nil
	case "bnpo", "dapo":
		return func(Sample) float64 { return 1 / float64(tokens) }, nil
	case "dr_grpo":
		return func(Sample) float64 { return 1 / (n * float64(g.MaxCompletionLength)) }, nil
	}
	return nil, fmt.Errorf("loss_type %q: want grpo, bnpo, dapo or dr_grpo", g.LossType)
}

// tokenLoss is, per token and weighted by mb.weight,
//
//	-min(ρA, clip(ρ, 1-ε, 1+ε_high)A) + β k3,   ρ = exp(logp - old),   k3 = exp(ref - logp) - (ref - logp) - 1
//
// The statistics' KL is against the reference if there is one, else against the policy that
// sampled.
func (g *GRPO) tokenLoss(mb *microBatch, acc *torch.Tensor) model.TokenLoss {
	first := mb.old == nil
	dev := g.Model.Device
	return func(logp, entropy *torch.Tensor, lo, hi int) *torch.Tensor {
		column := func(v []float32) *torch.Tensor { return torch.FromFloat32s(v[lo:hi], torch.Float32, dev, hi-lo) }
		old := logp.Detach()
		if !first {
			old = column(mb.old)
		} else if g.NumIterations > 1 {
			mb.old = append(mb.old, old.Float32s()...)
		}
		ref := old
		if mb.ref != nil {
			ref = column(mb.ref)
		}
		advantage, weight := column(mb.advantage), column(mb.weight)
		ratio := logp.Sub(old).Exp()
		clipped := ratio.Clamp(1-g.Epsilon, 1+g.EpsilonHigh)
		gain, bound := ratio.Mul(advantage), clipped.Mul(advantage)
		loss := gain.Minimum(bound).Neg()
		kl := k3(ref.Sub(logp))
		if g.Beta != 0 {
			loss = loss.Add(kl.MulScalar(g.Beta))
		}
		total := loss.Mul(weight).Sum()
		binds := bound.Lt(gain).Cast(torch.Float32)
		addStats(acc, total, kl.Sum(), binds.Sum(), entropy.Sum())
		return total
	}
}

// k3 is Schulman's estimate of a KL divergence from d = log p_ref - log p: exp(d) - d - 1.
func k3(d *torch.Tensor) *torch.Tensor { return d.Exp().Sub(d).AddScalar(-1) }
