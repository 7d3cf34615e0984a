package main

import (
	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func stepCommand() *cli.Command {
	return &cli.Command{
		Name:  "step",
		Usage: "take one GRPO step on saved rollouts",
		Description: `The rows of --rollouts are {"group", "prompt_ids", "completion_ids", "reward", "finished"}; a reward of null is
missing. Writes {"update", "loss", "kl", "clip_ratio", "grad_norm", "tokens"} for each update. The learning
rate is learning_rate, without warm-up. Of the configuration it uses model and the keys of the loss.`,
		Flags: append(configFlags(),
			&cli.StringFlag{Name: "rollouts", Usage: "JSONL `FILE`, such as one of output_dir/rollouts"},
			&cli.StringFlag{Name: "out", Usage: "save the weights after the step to `DIR`, as a Hugging Face directory"},
		),
		Action: step,
	}
}

// updateRow is what one update of a step says, as a row.
type updateRow struct {
	Update    int     `json:"update"`
	Loss      float64 `json:"loss"`
	KL        float64 `json:"kl"`
	ClipRatio float64 `json:"clip_ratio"`
	GradNorm  float64 `json:"grad_norm"`
	Tokens    int     `json:"tokens"`
}

func step(c *cli.Context) error {
	if err := requireFlags(c, "rollouts"); err != nil {
		return err
	}
	config, err := loadConfig(c, trainer.NeedStep)
	if err != nil {
		return err
	}
	var updates []trainer.Stats
	err = torch.Run(func() error {
		updates, err = trainer.Replay(config, c.String("rollouts"), c.String("out"))
		return err
	})
	if err != nil {
		return err
	}
	for i, u := range updates {
		if err := writeRow(c, updateRow{i + 1, u.Loss, u.KL, u.ClipRatio, u.GradNorm, u.Tokens}); err != nil {
			return err
		}
	}
	return nil
}
