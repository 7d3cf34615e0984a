// Package trainer distils a teacher's reasoning structure into a student by reinforcement
// learning (RLKD, arXiv 2505.16142), and holds what surrounds a training step: configuration,
// data, supervised warm-up, evaluation, checkpoints and metrics.
//
// What departs from the paper and its released code, and why:
//   - The loss is normalised over the whole optimizer step, not over a device's micro-batch,
//     so that micro-batches change memory and nothing else.
//   - Log-probabilities of the policy that sampled come from the training forward, not from
//     decoding, so that the first ratio is exactly 1. They take no account of top_k, top_p
//     and min_p, as in the released code.
//   - A reward that could not be had is missing, never 0: it is left out of the group's mean
//     and standard deviation and counted (released: 0, silently).
//   - The teacher's steps are found once for a text, not once for each completion; rows may
//     bring them.
//   - Steps that the reward model made up, because the trace does not have them, are dropped,
//     and what a student writes to pass for steps or for a turn of the conversation is kept from
//     the models (released: the trace goes in as it is).
//   - The judge is asked for the probabilities of yes and no, once for equal questions, and only
//     for what the math verifier cannot settle (released: a sampled reply, searched for "no").
//   - The divergence logged when beta is 0 is the one from the policy that sampled.
//   - Completions whose gradient is zero whatever the weights are (no advantage, beta 0) are
//     not trained on; they count in the normaliser.
//   - torch is our own binding in cgo/: wangkuiyi/gotorch cannot be had any more, and knows
//     neither bf16, nor fused attention, nor CUDA 11.
package trainer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// RLKD is reinforcement learning with the structure reward, one step at a time.
type RLKD struct {
	Config   *Config
	Student  *Student
	Scorer   *reward.Scorer
	GRPO     *GRPO
	Problems []prompted
	Order    Order
	Schedule Schedule
	State    *State
	Watch    Watch
}

// outcome is all that one step produced, for the metrics and for the record on disk.
type outcome struct {
	rollouts   []Rollout
	scores     []reward.Score
	rewards    []float64 // total reward, NaN where the group cannot be compared by it
	advantages Advantages
	updates    []Stats
	rate       float64 // learning rate
	clock      clock
}

// clock is where a step's time went: score is what scoring took after the last completion, overlap
// what it took before, beside the rollout.
type clock struct{ rollout, overlap, score, train time.Duration }

// Step samples completions, scores them against the teacher, compares them within their
// group, and updates the weights. On an error the outcome holds what there was by then.
func (r *RLKD) Step(ctx context.Context) (o outcome, err error) {
	c := r.Config
	step := r.State.Step
	o.rate = r.Schedule.At(step)

	began := time.Now()
	scoring, sampler := newScoring(ctx, r.Scorer), r.sampler(step)
	defer scoring.stop()
	if c.scoresApart() {
		sampler.done = scoring.begin
	}
	if o.rollouts, err = sampler.sample(r.batch(step)); err != nil {
		return o, fmt.Errorf("rollout: %w", err)
	}
	o.clock.rollout, o.clock.overlap = time.Since(began), scoring.overlap()

	began = time.Now()
	if o.scores, err = scoring.finish(o.rollouts); err != nil {
		return o, fmt.Errorf("reward: %w", err)
	}
	if c.RewardWeights.Structure > 0 {
		if err = tooManyMissing(o.scores, c.Structure.MaxMissing); err != nil {
			return o, err
		}
	}
	groups := groupsOf(o.rollouts)
	o.rewards = GroupRewards(o.scores, groups, c.RewardWeights)
	o.advantages = NewAdvantages(o.rewards, groups, c.ScaleRewards)
	o.clock.score = time.Since(began)

	began = time.Now()
	if o.updates, err = r.GRPO.Step(samples(o.rollouts, o.advantages, c.MaskTruncatedCompletions), o.rate); err != nil {
		return o, fmt.Errorf("update: %w", err)
	}
	o.clock.train = time.Since(began)

	r.State.Step++
	for _, x := range o.rollouts {
		r.State.Tokens += len(x.Completion)
	}
	return o, nil
}

// recorded takes a step, keeps its completions with their verdicts in output_dir/rollouts, and
// returns its metrics. A batch that gave a loss or gradient that is no number is kept in any case.
func (r *RLKD) recorded(ctx context.Context) (Record, error) {
	step := r.State.Step + 1
	o, err := r.Step(ctx)
	path := rolloutFile(r.Config.OutputDir, step)
	var nonFinite *NonFiniteError
	if errors.As(err, &nonFinite) {
		path = filepath.Join(r.Config.OutputDir, fmt.Sprintf("nonfinite-step-%d.jsonl", step))
		return Record{}, errors.Join(fmt.Errorf("step %d: %w; its batch is in %s", step, err, path), writeRollouts(path, step, o))
	}
	if err == nil && r.Config.LogCompletions {
		err = writeRollouts(path, step, o)
	}
	if err != nil {
		return Record{}, fmt.Errorf("step %d: %w", step, err)
	}
	return r.record(o), nil
}

// batch is the problems of a step.
func (r *RLKD) batch(step int) []prompted {
	var out []prompted
	for _, i := range r.Order.Batch(step, r.Config.PromptsPerStep) {
		out = append(out, r.Problems[i])
	}
	return out
}

// sampler draws the completions of a step: each token's random number is a function of the
// seed, the step, the problem, the sample and the position alone.
func (r *RLKD) sampler(step int) *sampler {
	c := r.Config
	return &sampler{
		student:     r.Student,
		sampling:    model.Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP},
		generations: c.NumGenerations, maxTokens: c.MaxCompletionLength,
		rows: c.PromptsPerStep * c.NumGenerations,
		uniform: func(row, sample, position int) float32 {
			return rng.Uniform(c.Seed, uint64(step), uint64(row), uint64(sample), uint64(position))
		},
		progress: r.Watch.sampled, note: r.Watch.note,
	}
}

func groupsOf(rollouts []Rollout) []int {
	out := make([]int, len(rollouts))
	for i, r := range rollouts {
		out[i] = r.Group
	}
	return out
}

// samples are rollouts as an update sees them. Those that could not be compared carry no
// loss, nor do the cut ones if such are masked.
func samples(rollouts []Rollout, a Advantages, maskTruncated bool) []Sample {
	out := make([]Sample, len(rollouts))
	for i, r := range rollouts {
		out[i] = Sample{
			Group: r.Group, Prompt: r.Prompt, Completion: r.Completion, Advantage: a.Values[i],
			Masked: !a.Used[i] || maskTruncated && !r.Finished,
		}
	}
	return out
}

// MissingError says that too many completions of a step have no structure reward.
type MissingError struct {
	Missing, Of int
	Share       float64 // the most that structure.max_missing allows
	Reason      string  // why the first of them has none
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%d of %d completions have no structure reward, more than structure.max_missing (%g) allows; the first: %s",
		e.Missing, e.Of, e.Share, e.Reason)
}

func tooManyMissing(scores []reward.Score, share float64) error {
	e := &MissingError{Of: len(scores), Share: share}
	for _, s := range scores {
		if s.Structure.Missing != "" {
			if e.Missing++; e.Reason == "" {
				e.Reason = s.Structure.Missing
			}
		}
	}
	if float64(e.Missing) > share*float64(e.Of) {
		return e
	}
	return nil
}
