package main

import (
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/rlkd/rlkd/trainer/audit"
	"github.com/urfave/cli/v2"
)

func scoreCommand() *cli.Command {
	return &cli.Command{
		Name:  "score",
		Usage: "score completions, and show step by step what was compared",
		Description: `Reads {"problem", "answer", "generation", "completion"}, "cut": true for one that
ended for want of room, "steps" where the teacher's need not be found in generation, and writes {"accuracy", "format", "tag_count",
"structure", "total", "steps": […]}. A part that cannot be known is null, and "missing" says why.
Of the configuration it uses reward_weights and structure.`,
		Flags:  append(configFlags(), &cli.StringFlag{Name: "html", Usage: "also write a page to `FILE` that shows a person what was compared"}),
		Action: score,
	}
}

func score(c *cli.Context) error {
	scorer, err := newScorer(c, trainer.NeedScore)
	if err != nil {
		return err
	}
	var entries []audit.Entry
	err = readRows(c, func(r trainer.Row) error {
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
		if item.TeacherSteps, err = r.Steps(); err != nil {
			return err
		}
		scores, err := scorer.Score(c.Context, []reward.Item{item})
		if err != nil {
			return r.Errorf("%w", err)
		}
		if c.String("html") != "" {
			entries = append(entries, audit.Entry{Item: item, Score: scores[0]})
		}
		return writeRow(c, scores[0].Explain())
	})
	if err != nil || c.String("html") == "" {
		return err
	}
	config, err := loadConfig(c, trainer.NeedScore)
	if err != nil {
		return err
	}
	return writePage(c.String("html"), "rlkd score", config, entries)
}

// newScorer makes the scorer of the configuration that the flags name.
func newScorer(c *cli.Context, need trainer.Need) (*reward.Scorer, error) {
	config, err := loadConfig(c, need)
	if err != nil {
		return nil, err
	}
	return reward.NewScorer(config.RewardWeights, config.Structure)
}
