package main

import (
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func scoreCommand() *cli.Command {
	return &cli.Command{
		Name:  "score",
		Usage: "score completions, and show step by step what was compared",
		Description: `Reads {"problem", "answer", "generation", "completion"}, and "cut": true for one that
ended for want of room, and writes {"accuracy", "format", "tag_count",
"structure", "total", "steps": […]}. A part that cannot be known is null, and "missing" says why.
Of the configuration it uses reward_weights and structure.`,
		Flags:  configFlags(),
		Action: score,
	}
}

// scored is a score as a row, with the reasons for the parts that are null.
type scored struct {
	reward.Score
	Missing map[string]string `json:"missing,omitempty"`
}

func score(c *cli.Context) error {
	scorer, err := newScorer(c, trainer.NeedScore)
	if err != nil {
		return err
	}
	return readRows(c, func(r trainer.Row) error {
		var item reward.Item
		err := fields(r, field{"problem", &item.Problem}, field{"answer", &item.Answer},
			field{"generation", &item.Generation}, field{"completion", &item.Completion})
		if err != nil {
			return err
		}
		if r.Has("cut") {
			if err := r.Get("cut", &item.Cut); err != nil {
				return err
			}
		}
		scores, err := scorer.Score(c.Context, []reward.Item{item})
		if err != nil {
			return r.Errorf("%w", err)
		}
		return writeRow(c, explain(scores[0]))
	})
}

// newScorer makes the scorer of the configuration that the flags name.
func newScorer(c *cli.Context, need trainer.Need) (*reward.Scorer, error) {
	config, err := loadConfig(c, need)
	if err != nil {
		return nil, err
	}
	return reward.NewScorer(config.RewardWeights, config.Structure)
}

func explain(s reward.Score) scored {
	row := scored{s, map[string]string{}}
	if row.Steps == nil {
		row.Steps = []reward.StepScore{} // [] in JSON, not null
	}
	for name, part := range map[string]reward.Value{
		"accuracy": s.Accuracy, "format": s.Format, "tag_count": s.TagCount, "structure": s.Structure, "total": s.Total,
	} {
		if part.Missing != "" {
			row.Missing[name] = part.Missing
		}
	}
	return row
}
