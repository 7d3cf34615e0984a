package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name:        "merge",
		Usage:       "add a LoRA adapter to its model's weights for good",
		Description: `Writes a Hugging Face directory that says alone what the model says with the adapter.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "Hugging Face directory or .gguf `FILE`"},
			&cli.StringFlag{Name: "adapter", Usage: "LoRA adapter for the model, a `DIR` as PEFT or rlkd writes it"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to write, which must not be there yet"},
			&cli.StringFlag{Name: "dtype", Value: "f32", Usage: "type of the weights written: f32, bf16 or f16"},
		},
		Action: merge,
	}
}

// storedTypes are the types that weights are written in, by the names of --dtype.
var storedTypes = map[string]files.DType{"f32": files.F32, "bf16": files.BF16, "f16": files.F16}

func merge(c *cli.Context) error {
	if err := requireFlags(c, "model", "adapter", "out"); err != nil {
		return err
	}
	dtype, ok := storedTypes[c.String("dtype")]
	if !ok {
		return fmt.Errorf("merge: --dtype: want one of %s, got %q", strings.Join(slices.Sorted(maps.Keys(storedTypes)), ", "), c.String("dtype"))
	}
	return torch.Run(func() error {
		return trainer.Merge(c.String("model"), c.String("adapter"), c.String("out"), dtype)
	})
}
