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
	var entries []audit.Entry
	err := withScorer(c, trainer.NeedScore, func(scorer *reward.Scorer) error {
		return inBatches(c, batchRows, readItem, func(items []reward.Item) error {
			scores, err := scorer.Score(c.Context, items)
			if err != nil {
				return err
			}
			for i, s := range scores {
				if c.String("html") != "" {
					entries = append(entries, audit.Entry{Item: items[i], Score: s})
				}
				if err := writeRow(c, s.Explain()); err != nil {
					return err
				}
			}
			return nil
		})
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

// batchRows is how many rows are scored together at most.
const batchRows = 64

// readItem reads a row to score.
func readItem(r trainer.Row) (item reward.Item, err error) {
	err = fields(r, field{"problem", &item.Problem}, field{"answer", &item.Answer},
		field{"generation", &item.Generation}, field{"completion", &item.Completion})
	if err == nil && r.Has("cut") {
		err = r.Get("cut", &item.Cut)
	}
	if err == nil {
		item.TeacherSteps, err = r.Steps()
	}
	return item, err
}

// withScorer runs fn on the engine, where models in this process live, with the scorer of the
// configuration that the flags name.
func withScorer(c *cli.Context, need trainer.Need, fn func(*reward.Scorer) error) error {
	config, err := loadConfig(c, need)
	if err != nil {
		return err
	}
	return trainer.WithScorer(config, warn, fn)
}
