package trainer

import (
	"math"

	"github.com/rlkd/rlkd/reward"
)

// RewardScale names what the advantages are divided by; see TRL's scale_rewards.
type RewardScale string

// The scales. In a configuration true stands for group and false for none, as in TRL.
const (
	ScaleGroup RewardScale = "group" // the standard deviation of the completion's group
	ScaleBatch RewardScale = "batch" // the standard deviation of all completions of the step
	ScaleNone  RewardScale = "none"  // nothing
)

// scaleOf translates the boolean form.
func scaleOf(scale bool) RewardScale {
	if scale {
		return ScaleGroup
	}
	return ScaleNone
}

// stdFloor keeps the division finite (TRL's GRPOTrainer, 1e-4).
const stdFloor = 1e-4

// Advantages is what the rewards of one step say about its completions.
type Advantages struct {
	Values []float64 // per completion; 0 where there is nothing to learn
	Used   []bool    // per completion; false keeps it out of the loss, its KL term included
	// Mean is the mean over groups of the mean reward (TRL's reward).
	Mean float64
	// Std is the mean over groups of the standard deviation, or with ScaleBatch that of
	// all completions (TRL's reward_std).
	Std float64
	// ZeroStd is the share of comparable groups whose rewards are all equal, so that they give
	// no gradient (TRL's frac_reward_zero_std).
	ZeroStd float64
	// Incomparable counts the groups with fewer than two scored completions, which are not used.
	Incomparable int
}

// NewAdvantages compares the rewards of completions with the same group id:
// A = (R - mean) / (std + 1e-4), std with n - 1 (rlkd.md, GRPO). A reward of NaN means not
// scored: it counts in no mean, and its completion is not used. Mean, Std and ZeroStd are NaN
// when no group has the scores for them.
func NewAdvantages(rewards []float64, group []int, scale RewardScale) Advantages {
	a := Advantages{Values: make([]float64, len(rewards)), Used: make([]bool, len(rewards))}
	var means, stds, all []float64
	zero := 0
	groups := membersByGroup(group)
	for _, members := range groups {
		scored := scoredOf(rewards, members)
		values := pick(rewards, scored)
		if len(values) > 0 {
			means = append(means, mean(values))
			all = append(all, values...)
		}
		if len(values) < 2 {
			a.Incomparable++
			continue
		}
		stds = append(stds, std(values))
		if equal(values) {
			zero++
		}
	}
	a.Mean, a.Std, a.ZeroStd = mean(means), mean(stds), float64(zero)/float64(len(stds))
	if scale == ScaleBatch {
		a.Std = std(all)
	}
	for _, members := range groups {
		a.compare(rewards, scoredOf(rewards, members), scale, a.Std)
	}
	return a
}

// compare fills in the advantages of one group's scored completions.
func (a *Advantages) compare(rewards []float64, scored []int, scale RewardScale, batchStd float64) {
	if len(scored) < 2 {
		return
	}
	values := pick(rewards, scored)
	m, divisor := mean(values), 1.0
	switch scale {
	case ScaleGroup:
		divisor = std(values) + stdFloor
	case ScaleBatch:
		divisor = batchStd + stdFloor
	}
	flat := equal(values)
	for _, i := range scored {
		a.Used[i] = true
		if !flat { // else rounding of the mean would leave a trace
			a.Values[i] = (rewards[i] - m) / divisor
		}
	}
}

// GroupRewards returns the total reward of each completion, NaN where it is not comparable with
// those of its group: a completion without a structure reward in a group where others have one
// lacks a whole term of the sum. Where the teacher has no steps, none of the group has one,
// and the group is compared by its other rewards; so are all groups if structure has no weight.
func GroupRewards(scores []reward.Score, group []int, w reward.Weights) []float64 {
	rewards := make([]float64, len(scores))
	for _, members := range membersByGroup(group) {
		structured := false
		for _, i := range members {
			structured = structured || w.Structure > 0 && scores[i].Structure.Missing == ""
		}
		for _, i := range members {
			rewards[i] = scores[i].Total.V
			if scores[i].Total.Missing != "" || structured && scores[i].Structure.Missing != "" {
				rewards[i] = math.NaN()
			}
		}
	}
	return rewards
}

// membersByGroup returns the indices of each group, groups in the order they first appear.
func membersByGroup(group []int) [][]int {
	var members [][]int
	at := map[int]int{}
	for i, id := range group {
		n, seen := at[id]
		if !seen {
			n = len(members)
			at[id] = n
			members = append(members, nil)
		}
		members[n] = append(members[n], i)
	}
	return members
}

// scoredOf returns the members that have a reward.
func scoredOf(rewards []float64, members []int) []int {
	var scored []int
	for _, i := range members {
		if !math.IsNaN(rewards[i]) {
			scored = append(scored, i)
		}
	}
	return scored
}

func pick(values []float64, at []int) []float64 {
	picked := make([]float64, len(at))
	for n, i := range at {
		picked[n] = values[i]
	}
	return picked
}

func equal(values []float64) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}
