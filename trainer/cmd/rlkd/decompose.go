package main

import (
	"fmt"
	"slices"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

func decomposeCommand() *cli.Command {
	return &cli.Command{
		Name:  "decompose",
		Usage: "take reasoning apart into its steps",
		Description: `Reads {"problem", "text"} and writes {"steps": [{"number", "meta", "query", "answer"}]}. Steps that
could not be had are null, and "missing" says why. With --data it takes apart the teacher's texts of a whole
dataset ahead of a run, into the file that structure.cache names, and writes how that went as one JSON
object; a run with the same cache asks for none of them again. Of the configuration it uses structure.`,
		Flags: append(configFlags(), &cli.StringFlag{Name: "data", Usage: "JSONL `FILE` of {problem, generation}, instead of stdin"}),
		Action: func(c *cli.Context) error {
			if c.String("data") != "" {
				return fillCache(c)
			}
			return decompose(c)
		},
	}
}

// decomposed is a decomposition as a row.
type decomposed struct {
	Steps   []reward.Step `json:"steps"`
	Missing string        `json:"missing,omitempty"`
}

func decompose(c *cli.Context) error {
	return withScorer(c, trainer.NeedDecompose, func(scorer *reward.Scorer) error {
		trace := func(r trainer.Row) (t reward.Trace, err error) {
			err = fields(r, field{"problem", &t.Problem}, field{"text", &t.Text})
			return t, err
		}
		return inBatches(c, batchRows, trace, func(traces []reward.Trace) error {
			found, err := scorer.Decompose(c.Context, traces)
			if err != nil {
				return err
			}
			for _, d := range found {
				row := decomposed{d.Steps, d.Missing}
				if row.Steps == nil && row.Missing == "" {
					row.Steps = []reward.Step{} // [] in JSON: none, where null is not known
				}
				if err := writeRow(c, row); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// filled is what became of a dataset's texts.
type filled struct {
	Texts        int            `json:"texts"`
	Steps        int            `json:"steps"`
	WithoutSteps int            `json:"without_steps"`
	Missing      map[string]int `json:"missing"` // by cause
}

// fillCache takes the teacher's texts of a dataset apart into the cache.
func fillCache(c *cli.Context) error {
	config, err := loadConfig(c, trainer.NeedDecompose)
	if err != nil {
		return err
	}
	if config.Structure.Cache == "" {
		return fmt.Errorf("decompose: --data fills the file that structure.cache names; set it in the configuration or by --set structure.cache=FILE")
	}
	problems, err := trainer.LoadProblems(c.String("data"), false, true)
	if err != nil {
		return err
	}
	result := filled{Missing: map[string]int{}}
	err = trainer.WithScorer(config, warn, func(scorer *reward.Scorer) error {
		for batch := range slices.Chunk(problems, batchRows) {
			traces := make([]reward.Trace, len(batch))
			for i, p := range batch {
				traces[i] = reward.Trace{Problem: p.Prompt, Text: p.Teacher}
			}
			found, err := scorer.Decompose(c.Context, traces)
			if err != nil {
				return err
			}
			for _, d := range found {
				result.add(d)
			}
			logrus.WithFields(logrus.Fields{"steps": result.Steps, "missing": result.Missing}).Infof("decompose %d/%d", result.Texts, len(problems))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeRow(c, result)
}

func (f *filled) add(d reward.Decomposition) {
	f.Texts++
	switch {
	case d.Missing != "":
		f.Missing[reward.Cause(d.Missing)]++
	case d.Cut: // not kept, and asked for again by a run
		f.Missing[reward.CauseUnreadable]++
	case len(d.Steps) == 0:
		f.WithoutSteps++
	default:
		f.Steps += len(d.Steps)
	}
}
