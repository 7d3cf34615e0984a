package main

import (
	"errors"

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
		Flags:  append(configFlags(), resumeFlag()),
		Action: train,
	}
}

func resumeFlag() cli.Flag {
	return &cli.BoolFlag{Name: "resume", Usage: "go on with the run in output_dir, from its last whole checkpoint"}
}

func train(c *cli.Context) error {
	if err := requireFlags(c, "config"); err != nil {
		return err
	}
	config, err := loadConfig(c, trainer.NeedTrain)
	if err != nil {
		return err
	}
	show := newDisplay(c, config)
	defer show.close()
	evals, err := trainer.Train(c.Context, config, c.Bool("resume"), show.watch())
	if errors.Is(err, trainer.ErrStopped) {
		show.note("stopped; go on by the same command with --resume")
		return nil
	}
	show.close()
	if err != nil {
		return err
	}
	return writeTable(c.App.Writer, config, evals)
}

func sftCommand() *cli.Command {
	return &cli.Command{
		Name:  "sft",
		Usage: "fine-tune a model on the teacher's texts",
		Description: `The loss is on the completion alone. Rows longer than sft.max_length are dropped and counted.
checkpoint-N, final and metrics.jsonl go to output_dir.`,
		Flags:  append(configFlags(), resumeFlag()),
		Action: sft,
	}
}

func sft(c *cli.Context) error {
	if err := requireFlags(c, "config"); err != nil {
		return err
	}
	config, err := loadConfig(c, trainer.NeedSFT)
	if err != nil {
		return err
	}
	show := newDisplay(c, config)
	defer show.close()
	err = trainer.FineTune(c.Context, config, c.Bool("resume"), show.watch())
	if errors.Is(err, trainer.ErrStopped) {
		show.note("stopped; go on by the same command with --resume")
		return nil
	}
	return err
}
