package main

import (
	"errors"
	"fmt"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train a student by RLKD: warm-up, reinforcement learning, evaluation",
		Description: `Everything goes to output_dir: checkpoint-N and final (Hugging Face directories), metrics.jsonl,
rollouts/ (each completion with its verdicts) and eval/. The table of evaluations goes to stdout.
The first SIGINT or SIGTERM finishes the step, saves and ends; a second one ends at once.`,
		Flags:  append(configFlags(), runFlags()...),
		Action: train,
	}
}

// runFlags are the flags of train and sft beside those of the configuration.
func runFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "resume", Usage: "go on with the run in output_dir, from its last whole checkpoint"},
		&cli.BoolFlag{Name: "dry-run", Usage: "check everything and say what would be done, changing nothing"},
		&cli.StringFlag{Name: "memory", Usage: "with --dry-run: memory there will be, such as 80GB; without it, what is free now"},
		profileFlag(),
	}
}

func train(c *cli.Context) error {
	if c.Bool("dry-run") {
		return dryRun(c, trainer.NeedTrain)
	}
	return withDisplay(c, trainer.NeedTrain, func(config *trainer.Config, show *display) error {
		evals, err := trainer.Train(c.Context, config, c.Bool("resume"), show.watch())
		show.close()
		if err != nil {
			return err
		}
		return writeTable(c.App.Writer, config, evals)
	})
}

func sftCommand() *cli.Command {
	return &cli.Command{
		Name:  "sft",
		Usage: "fine-tune a model on the teacher's texts",
		Description: `The loss is on the completion alone. Rows longer than sft.max_length are dropped and counted.
checkpoint-N, final and metrics.jsonl go to output_dir.`,
		Flags: append(configFlags(), runFlags()...),
		Action: func(c *cli.Context) error {
			if c.Bool("dry-run") {
				return dryRun(c, trainer.NeedSFT)
			}
			return withDisplay(c, trainer.NeedSFT, func(config *trainer.Config, show *display) error {
				return trainer.FineTune(c.Context, config, c.Bool("resume"), show.watch())
			})
		},
	}
}

// dryRun says what a run would do, a line for each part, or what is wrong with it.
func dryRun(c *cli.Context, need trainer.Need) error {
	if err := requireFlags(c, "config"); err != nil {
		return err
	}
	available, err := memoryFlag(c)
	if err != nil {
		return err
	}
	config, err := loadConfig(c, need)
	if err != nil {
		return err
	}
	lines, _, err := trainer.DryRun(config, need == trainer.NeedSFT, c.Bool("resume"), available)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.App.Writer, strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("stdout: %w", err)
	}
	return nil
}

// withDisplay runs fn with the configuration that the flags name, and shows what it does. That
// it was stopped by a signal, with everything saved, is no error.
func withDisplay(c *cli.Context, need trainer.Need, fn func(*trainer.Config, *display) error) error {
	if err := requireFlags(c, "config"); err != nil {
		return err
	}
	config, err := loadConfig(c, need)
	if err != nil {
		return err
	}
	torch.Preload()
	show := newDisplay(c, config)
	defer show.close()
	err = profiled(c, func() error { return fn(config, show) })
	if errors.Is(err, trainer.ErrStopped) {
		show.note("stopped; go on by the same command with --resume")
		return nil
	}
	return err
}
