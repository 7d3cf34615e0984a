package trainer

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"syscall"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/reward"
)

// record is a step's metrics, under TRL's names where it has them.
func (r *RLKD) record(o outcome) Record {
	a := o.advantages
	u := meanStats(o.updates)
	sampled, cut := 0, 0
	for _, x := range o.rollouts {
		sampled += len(x.Completion)
		if !x.Finished {
			cut++
		}
	}
	trained := 0
	for _, s := range o.updates {
		trained += s.Trained
	}
	n := float64(len(o.rollouts))
	out := []Metric{
		{"loss", u.Loss},
		{"grad_norm", u.GradNorm},
		{"learning_rate", o.rate},
		{"reward", a.Mean},
		{"reward_std", a.Std},
		{"frac_reward_zero_std", a.ZeroStd},
		{"groups_incomparable", float64(a.Incomparable)},
	}
	for i, v := range named(o.scores[0]) {
		values := make([]reward.Value, len(o.scores))
		for j, s := range o.scores {
			values[j] = named(s)[i].Value
		}
		if v.name != "reward" {
			out = append(out, rewardFields(v.name, values)...)
		}
	}
	out = append(out, structureFields(o.scores)...)
	out = append(out, []Metric{
		{"kl", u.KL},
		{"entropy", u.Entropy},
		{"clip_ratio/region_mean", u.ClipRatio},
		{"completions/mean_length", float64(sampled) / n},
		{"completions/clipped_ratio", float64(cut) / n},
		{"num_tokens", float64(r.State.Tokens)},
		{"step_time", (o.clock.rollout + o.clock.score + o.clock.train).Seconds()},
		{"time/rollout_s", o.clock.rollout.Seconds()},
		{"time/score_s", o.clock.score.Seconds()},
		{"time/score_overlap_s", o.clock.overlap.Seconds()},
		{"time/train_s", o.clock.train.Seconds()},
		{"rollout_tokens_per_s", float64(sampled) / o.clock.rollout.Seconds()},
		{"train_tokens_per_s", float64(trained) / o.clock.train.Seconds()},
		{"peak_memory_bytes", PeakMemory()},
		{"live_tensors", float64(torch.Live())},
	}...)
	return Record{r.State.Step, append(out, deviceMemory(r.Student.Device)...)}
}

// rewardFields are the statistics of one reward over a step's completions.
func rewardFields(name string, values []reward.Value) []Metric {
	var known []float64
	for _, v := range values {
		if v.Missing == "" {
			known = append(known, v.V)
		}
	}
	return []Metric{
		{"rewards/" + name + "/mean", mean(known)},
		{"rewards/" + name + "/std", std(known)},
		{"rewards/" + name + "/missing", float64(len(values) - len(known))},
	}
}

// structureFields count why structure rewards are missing, and the students' steps that were
// dropped because the trace does not have them.
func structureFields(scores []reward.Score) (out []Metric) {
	counts, ungrounded := map[string]int{}, 0
	for _, s := range scores {
		if s.Structure.Missing != "" {
			counts[reward.Cause(s.Structure.Missing)]++
		}
		ungrounded += s.Ungrounded
	}
	for _, cause := range reward.Causes {
		out = append(out, Metric{"rewards/structure/missing/" + cause, float64(counts[cause])})
	}
	return append(out, Metric{"rewards/structure/ungrounded", float64(ungrounded)})
}

// meanStats averages the updates of a step.
func meanStats(updates []Stats) (out Stats) {
	n := float64(len(updates))
	for _, u := range updates {
		out.Loss += u.Loss / n
		out.KL += u.KL / n
		out.ClipRatio += u.ClipRatio / n
		out.Entropy += u.Entropy / n
		out.GradNorm += u.GradNorm / n
		out.Tokens += u.Tokens
	}
	return out
}

// deviceMemory is what the device's allocator holds after a step, and held at most in it. The
// CPU's is the process's.
func deviceMemory(dev torch.Device) []Metric {
	m, ok := torch.MemoryOf(dev)
	if !ok {
		return nil
	}
	return []Metric{
		{"device_memory/allocated_bytes", float64(m.Allocated)},
		{"device_memory/reserved_bytes", float64(m.Reserved)},
		{"device_memory/peak_bytes", float64(m.Peak)},
	}
}

// PeakMemory is the most bytes of memory the process has held.
func PeakMemory() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Maxrss * 1024)
}

// rolloutRow is a completion as it is written to rollouts/: what the reward said and why, and
// what `rlkd step` needs to take the step again.
type rolloutRow struct {
	Step       int                `json:"step,omitempty"`
	Row        int                `json:"row"`
	Group      int                `json:"group"`
	Sample     int                `json:"sample"`
	Problem    string             `json:"problem"`
	Answer     string             `json:"answer"`
	Teacher    string             `json:"generation,omitempty"` // only in a group's first sample
	Completion string             `json:"completion"`
	Finished   bool               `json:"finished"`
	Reward     *float64           `json:"reward"` // null: not comparable with its group
	Advantage  float64            `json:"advantage"`
	Accuracy   reward.Value       `json:"accuracy"`
	Format     reward.Value       `json:"format"`
	TagCount   reward.Value       `json:"tag_count"`
	Structure  reward.Value       `json:"structure"`
	Total      reward.Value       `json:"total"`
	Missing    map[string]string  `json:"missing,omitempty"` // why a part is null
	Steps      []reward.StepScore `json:"steps"`
	Student    int                `json:"student_steps"`
	Prompt     []int              `json:"prompt_ids"`
	IDs        []int              `json:"completion_ids"`
}

// newRow is a completion with its score, nil if it has none.
func newRow(r Rollout, s *reward.Score) rolloutRow {
	row := rolloutRow{
		Row: r.Problem.Row, Group: r.Group, Sample: r.Sample, Problem: r.Problem.Prompt, Answer: r.Problem.Answer,
		Completion: r.Text, Finished: r.Finished, Prompt: r.Prompt, IDs: r.Completion,
	}
	if r.Sample == 0 {
		row.Teacher = r.Problem.Teacher
	}
	if s != nil {
		row.Accuracy, row.Format, row.TagCount, row.Structure, row.Total, row.Steps = s.Accuracy, s.Format, s.TagCount, s.Structure, s.Total, s.Steps
		row.Missing, row.Student = s.Explain().Missing, s.StudentSteps
		if s.Total.Missing == "" {
			row.Reward = &s.Total.V
		}
	}
	return row
}

// writeRollouts writes what there is of an outcome, a line per completion.
func writeRollouts(path string, step int, o outcome) error {
	return WriteFileAtomic(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for i, r := range o.rollouts {
			row := newRow(r, nil)
			if i < len(o.scores) {
				row = newRow(r, &o.scores[i])
			}
			row.Step = step
			if i < len(o.rewards) {
				row.Advantage = o.advantages.Values[i]
				if math.IsNaN(o.rewards[i]) {
					row.Reward = nil
				}
			}
			if err := enc.Encode(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// rolloutFile is where the completions of a step are kept.
func rolloutFile(output string, step int) string {
	return filepath.Join(output, "rollouts", fmt.Sprintf("step-%06d.jsonl", step))
}
