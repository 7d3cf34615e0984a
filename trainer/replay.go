package trainer

import (
	"fmt"
	"math"
	"os"
)

// Replay takes one GRPO step on the rollouts saved in a JSONL file, rows of {group,
// prompt_ids, completion_ids, reward, finished}, at the full learning rate, and returns what
// each update said. If out is not empty the weights go there. It must run on the engine.
func Replay(c *Config, rollouts, out string) ([]Stats, error) {
	student, grpo, err := OpenGRPO(c)
	if err != nil {
		return nil, err
	}
	samples, err := student.loadSamples(rollouts, c)
	if err != nil {
		return nil, err
	}
	updates, err := grpo.Step(samples, c.LearningRate)
	if err != nil || out == "" {
		return updates, err
	}
	if exists(out) {
		return nil, fmt.Errorf("%s is there already; name another directory for the weights", out)
	}
	return updates, student.SaveModel(out)
}

// OpenGRPO is the configuration's student with the update of its weights, as they are before a
// first step. Their tensors belong to the current scope.
func OpenGRPO(c *Config) (*Student, *GRPO, error) {
	student, err := c.openTrained(c.Model)
	if err != nil {
		return nil, nil, err
	}
	grpo := newGRPO(c, student)
	if c.Beta != 0 {
		err = grpo.openReference(c, student, c.Model)
	}
	return student, grpo, err
}

// loadSamples reads rollouts and gives each completion its advantage.
func (s *Student) loadSamples(path string, c *Config) ([]Sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("rollouts: %w", err)
	}
	defer f.Close()
	var rollouts []Rollout
	var rewards []float64
	err = ReadRows(f, path, func(r Row) error {
		var x Rollout
		var reward *float64
		fields := map[string]any{"group": &x.Group, "prompt_ids": &x.Prompt, "completion_ids": &x.Completion}
		for _, key := range []string{"group", "prompt_ids", "completion_ids"} {
			if err := r.Get(key, fields[key]); err != nil {
				return err
			}
		}
		if err := s.CheckIDs(x.Prompt, x.Completion); err != nil {
			return r.Errorf("%w", err)
		}
		if err := r.Get("reward", &reward); err != nil {
			return err
		}
		if c.MaskTruncatedCompletions || r.Has("finished") {
			if err := r.Get("finished", &x.Finished); err != nil {
				return err
			}
		}
		rollouts = append(rollouts, x)
		rewards = append(rewards, math.NaN())
		if reward != nil {
			rewards[len(rewards)-1] = *reward
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rollouts: %w", err)
	}
	if len(rollouts) == 0 {
		return nil, fmt.Errorf("rollouts: %s has no rows", path)
	}
	advantages := NewAdvantages(rewards, groupsOf(rollouts), c.ScaleRewards)
	return samples(rollouts, advantages, c.MaskTruncatedCompletions), nil
}
