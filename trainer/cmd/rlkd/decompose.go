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
