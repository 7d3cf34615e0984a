package trainer

import (
	"cmp"
	"fmt"
	"os"

	"github.com/rlkd/rlkd/reward"
)

// ScoredRollout is a completion as a run keeps it in rollouts/ and eval/, with its score.
type ScoredRollout struct {
	Step, Group, Sample int
	Item                reward.Item
	Score               reward.Score
	Reward              *float64 // nil: not comparable with its group
	Advantage           float64
}

// notRecorded is the reason of a missing part in files that keep none.
const notRecorded = "the file does not say why"

// ReadRollouts reads the file of a step or of an evaluation. The teacher's text is empty in
// files of runs that did not keep it.
func ReadRollouts(path string) ([]ScoredRollout, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("rollouts: %w", err)
	}
	defer f.Close()
	var all []ScoredRollout
	teachers := map[string]string{} // by problem
	err = ReadRows(f, path, func(r Row) error {
		x, err := readRollout(r)
		if err != nil {
			return err
		}
		if x.Item.Generation == "" {
			x.Item.Generation = teachers[x.Item.Problem]
		}
		teachers[x.Item.Problem] = x.Item.Generation
		all = append(all, x)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rollouts: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("rollouts: %s has no rows", path)
	}
	return all, nil
}

// readRollout reads one row. What older runs did not keep is optional.
func readRollout(r Row) (x ScoredRollout, err error) {
	finished := false
	for _, field := range []struct {
		key      string
		dst      any
		optional bool
	}{
		{"step", &x.Step, true}, {"group", &x.Group, false}, {"sample", &x.Sample, false}, {"problem", &x.Item.Problem, false},
		{"answer", &x.Item.Answer, false}, {"generation", &x.Item.Generation, true}, {"completion", &x.Item.Completion, false},
		{"finished", &finished, false}, {"advantage", &x.Advantage, true}, {"steps", &x.Score.Steps, true}, {"student_steps", &x.Score.StudentSteps, true},
	} {
		if field.optional && !r.Has(field.key) {
			continue
		}
		if err := r.Get(field.key, field.dst); err != nil {
			return x, err
		}
	}
	x.Item.Cut = !finished
	x.Score.TeacherSteps = len(x.Score.Steps)
	if r.Has("reward") {
		x.Reward = new(float64)
		if err := r.Get("reward", x.Reward); err != nil {
			return x, err
		}
	}
	return x, readParts(r, &x)
}

// readParts reads the parts of the score, null with the reason that the row gives.
func readParts(r Row, x *ScoredRollout) error {
	var why struct {
		Accuracy, Format, Structure, Total string
		TagCount                           string `json:"tag_count"`
	}
	if r.Has("missing") {
		if err := r.Get("missing", &why); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		key, why string
		dst      *reward.Value
	}{
		{"accuracy", why.Accuracy, &x.Score.Accuracy}, {"format", why.Format, &x.Score.Format}, {"tag_count", why.TagCount, &x.Score.TagCount},
		{"structure", why.Structure, &x.Score.Structure}, {"total", why.Total, &x.Score.Total},
	} {
		if r.Has(part.key) {
			if err := r.Get(part.key, &part.dst.V); err != nil {
				return err
			}
			continue
		}
		part.dst.Missing = cmp.Or(part.why, notRecorded)
	}
	if !r.Has("total") && x.Reward != nil { // older runs kept the total as the reward
		x.Score.Total = reward.Value{V: *x.Reward}
	}
	return nil
}
