package main

import (
	"encoding/json"
	"fmt"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "measure a model on held-out problems",
		Description: `Writes one JSON object: accuracy, pass@k, format, structure, reward and length, each with a 95 % bootstrap
interval over problems, and the means of each problem. With --baseline both models answer by the same
random numbers, and "difference" has the paired differences. All rows of --data are taken. Keys of --config
count where no flag is given; without it the defaults.`,
		Flags: append(modelFlags(configFlags()...),
			&cli.StringFlag{Name: "data", Usage: "JSONL `FILE` of {problem, answer, generation}"},
			&cli.IntFlag{Name: "n", Usage: "completions of each problem"},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of the random numbers"},
			&cli.StringFlag{Name: "baseline", Usage: "model to compare with"},
			&cli.StringFlag{Name: "baseline-adapter", Usage: "LoRA adapter to use on the baseline; without --baseline, on the model"},
			&cli.StringFlag{Name: "samples", Usage: "write every completion with its score to this JSONL `FILE`"},
		),
		Action: eval,
	}
}

type evalRow struct {
	*trainer.Evaluation
	Baseline   *trainer.Evaluation `json:"baseline,omitempty"`
	Difference *trainer.Difference `json:"difference,omitempty"`
}

func eval(c *cli.Context) error {
	config, err := evalConfig(c)
	if err != nil {
		return err
	}
	torch.Preload()
	problems, err := trainer.LoadProblems(config.EvalDataset, true, config.RewardWeights.Structure > 0)
	if err != nil {
		return err
	}
	show := newDisplay(c, config)
	defer show.close()
	var out evalRow
	err = trainer.WithScorer(config, show.note, func(scorer *reward.Scorer) (err error) {
		e := trainer.Evaluator{Config: config, Scorer: scorer, Problems: problems, Watch: show.watch()}
		if out.Evaluation, err = evaluate(c, e, config.Model, config.Adapter); err != nil {
			return err
		}
		path, adapter := baseline(c, config)
		if path == "" {
			return nil
		}
		if out.Baseline, err = evaluate(c, e, path, adapter); err != nil {
			return err
		}
		d := trainer.Compare(out.Baseline, out.Evaluation, config)
		out.Difference = &d
		return nil
	})
	if err != nil {
		return err
	}
	if path := c.String("samples"); path != "" {
		if err := trainer.WriteFileAtomic(path, out.WriteSamples); err != nil {
			return err
		}
	}
	encoder := json.NewEncoder(c.App.Writer)
	encoder.SetIndent("", " ")
	return encoder.Encode(out)
}

// baseline is the model to compare with, and the adapter on it; empty for none.
func baseline(c *cli.Context, config *trainer.Config) (path, adapter string) {
	path, adapter = c.String("baseline"), c.String("baseline-adapter")
	if path == "" && adapter != "" {
		path = config.Model
	}
	return path, adapter
}

// evaluate measures the model at path with an adapter, and lets go of it. It is named by the
// adapter if there is one.
func evaluate(c *cli.Context, e trainer.Evaluator, path, adapter string) (out *trainer.Evaluation, err error) {
	err = torch.Try(func() error {
		s, err := openModel(c, path, adapter)
		if err != nil {
			return err
		}
		name := path
		if adapter != "" {
			name = adapter
		}
		out, err = e.Evaluate(c.Context, name, s)
		return err
	})
	return out, err
}

// evalConfig is the configuration with what the flags say put over it.
func evalConfig(c *cli.Context) (*trainer.Config, error) {
	sets := c.StringSlice("set")
	for flag, key := range map[string]string{"model": "model", "adapter": "adapter", "data": "eval_dataset", "device": "device", "dtype": "dtype"} {
		if c.IsSet(flag) {
			sets = append(sets, fmt.Sprintf("%s=%q", key, c.String(flag)))
		}
	}
	for flag, key := range map[string]string{"n": "eval.num_generations", "seed": "seed"} {
		if c.IsSet(flag) {
			sets = append(sets, fmt.Sprintf("%s=%v", key, c.Value(flag)))
		}
	}
	return trainer.LoadConfig(c.String("config"), sets, trainer.NeedEval)
}
