package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rlkd/rlkd/trainer"
	"github.com/rlkd/rlkd/trainer/audit"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "write a page that shows how the completions of a run were scored",
		Description: `Reads a file of output_dir/rollouts or of output_dir/eval and writes one HTML page: steps of student and teacher
side by side, each verdict, and the arithmetic of the total. Nothing is scored again. Weights and
structure.normalize are those of the run's config.yaml, unless --config names another. For completions
that no run made, see rlkd score --html.`,
		Flags: append(configFlags(),
			&cli.StringFlag{Name: "rollouts", Usage: "JSONL `FILE`, such as runs/x/rollouts/step-000030.jsonl"},
			&cli.StringFlag{Name: "html", Usage: "write the page to `FILE` (default: that of --rollouts, with .html for .jsonl)"},
		),
		Action: auditRun,
	}
}

func auditRun(c *cli.Context) error {
	if err := requireFlags(c, "rollouts"); err != nil {
		return err
	}
	path, out := c.String("rollouts"), c.String("html")
	if out == "" {
		out = strings.TrimSuffix(path, ".jsonl") + ".html"
	}
	file := c.String("config")
	if beside := filepath.Join(filepath.Dir(filepath.Dir(path)), "config.yaml"); file == "" {
		if _, err := os.Stat(beside); err == nil {
			file = beside
		}
	}
	config, err := trainer.LoadConfig(file, c.StringSlice("set"), trainer.NeedScore)
	if err != nil {
		return err
	}
	rollouts, err := trainer.ReadRollouts(path)
	if err != nil {
		return err
	}
	var entries []audit.Entry
	for _, r := range rollouts {
		entries = append(entries, audit.Entry{
			Name: fmt.Sprintf("group %d, sample %d", r.Group, r.Sample), Item: r.Item, Score: r.Score,
			Trained: &audit.Trained{Reward: r.Reward, Advantage: r.Advantage},
		})
	}
	return writePage(out, path, config, entries)
}

// writePage writes the page to path, all of it or nothing.
func writePage(path, title string, config *trainer.Config, entries []audit.Entry) error {
	err := trainer.WriteFileAtomic(path, func(w io.Writer) error {
		return audit.Write(w, audit.Page{Title: title, Weights: config.RewardWeights, Normalize: config.Structure.Normalize, Entries: entries})
	})
	if err == nil {
		logrus.Infof("wrote %s", path)
	}
	return err
}
