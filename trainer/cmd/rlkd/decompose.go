package main

import (
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func decomposeCommand() *cli.Command {
	return &cli.Command{
		Name:  "decompose",
		Usage: "take reasoning apart into its steps",
		Description: `Reads {"problem", "text"} and writes {"steps": [{"number", "meta", "query", "answer"}]}. Steps that
could not be had are null, and "missing" says why. Of the configuration it uses structure.`,
		Flags:  configFlags(),
		Action: decompose,
	}
}

// decomposed is a decomposition as a row.
type decomposed struct {
	Steps   []reward.Step `json:"steps"`
	Missing string        `json:"missing,omitempty"`
}

func decompose(c *cli.Context) error {
	scorer, err := newScorer(c, trainer.NeedDecompose)
	if err != nil {
		return err
	}
	return readRows(c, func(r trainer.Row) error {
		var trace reward.Trace
		if err := fields(r, field{"problem", &trace.Problem}, field{"text", &trace.Text}); err != nil {
			return err
		}
		found, err := scorer.Decompose(c.Context, []reward.Trace{trace})
		if err != nil {
			return r.Errorf("%w", err)
		}
		row := decomposed(found[0])
		if row.Steps == nil && row.Missing == "" {
			row.Steps = []reward.Step{} // [] in JSON: none, where null is not known
		}
		return writeRow(c, row)
	})
}
