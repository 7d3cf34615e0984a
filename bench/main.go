// Command bench measures what RLKD costs on this machine, what the machine could do, and what
// others need for the same work. See README.md beside it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func main() {
	if err := newApp().Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func newApp() *cli.App {
	return &cli.App{
		Name: "bench", Usage: "measure rollouts and training steps beside the machine's limits",
		HideHelpCommand: true, DisableSliceFlagSeparator: true, // a comma may be part of a --set
		Flags: append(commonFlags(),
			&cli.StringFlag{Name: "shapes", Value: "16x64+128,64x64+128,16x512+128,16x64+1024", Usage: "rows x prompt + completion, in tokens"},
			&cli.BoolFlag{Name: "quick", Usage: "one small shape, to see that all works"},
		),
		Action:   table,
		Commands: []*cli.Command{peerCommand(), scalingCommand(), childCommand()},
	}
}

// commonFlags are the ones that every measuring command has.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "model", Value: filepath.Join(cacheDir(), "student/SmolLM2-135M-Instruct.Q4_1.gguf"), Usage: "Hugging Face directory or GGUF `FILE`"},
		&cli.StringFlag{Name: "dtype", Value: "bf16", Usage: "bf16 or f32"},
		&cli.StringFlag{Name: "device", Value: "cpu", Usage: "cpu, cuda or cuda:N"},
		&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` as of rlkd, such as gradient_checkpointing=true; may be repeated"},
		&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "of prompts and samples"},
		&cli.IntFlag{Name: "steps", Value: 3, Usage: "measured steps of each shape"},
		&cli.StringFlag{Name: "json", Usage: "write everything to `FILE`, too"},
		&cli.StringFlag{Name: "wrap", Usage: "`COMMAND` that each measuring process is started by, such as nice"},
	}
}

// cacheDir is where the downloads are.
func cacheDir() string {
	if dir := os.Getenv("RLKD_CACHE"); dir != "" {
		return dir
	}
	return ".cache"
}

// writeJSON writes v to the file that --json names, if it does.
func writeJSON(c *cli.Context, v any) error {
	path := c.String("json")
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return trainer.WriteFileAtomic(path, func(w io.Writer) error { _, err := w.Write(append(data, '\n')); return err })
}
