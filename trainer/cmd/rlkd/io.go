package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

// readRows calls each with every row of stdin.
func readRows(c *cli.Context, each func(trainer.Row) error) error {
	return trainer.ReadRows(c.App.Reader, "stdin", each)
}

// inBatches calls each with the rows of stdin that have arrived, read by parse, at most so many at
// a time: what is scored together is faster, and a caller that waits for a reply before its next
// row gets it. What stood before a bad row is done before its error is returned.
func inBatches[T any](c *cli.Context, most int, parse func(trainer.Row) (T, error), each func([]T) error) error {
	rows := make(chan T, most)
	var failed error
	var crashed any // a panic belongs to the goroutine that can report it
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	go func() {
		defer close(rows)
		defer func() { crashed = recover() }()
		failed = readRows(c, func(r trainer.Row) error {
			row, err := parse(r)
			if err != nil {
				return err
			}
			select {
			case rows <- row:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	for first := range rows {
		batch := []T{first}
		for len(batch) < most && len(rows) > 0 {
			batch = append(batch, <-rows)
		}
		if err := each(batch); err != nil {
			return err
		}
	}
	if crashed != nil {
		panic(crashed)
	}
	return failed
}

// writeRow writes a value to stdout as one line of JSON, at once.
func writeRow(c *cli.Context, v any) error {
	encoder := json.NewEncoder(c.App.Writer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("stdout: %w", err)
	}
	return nil
}

// fields reads keys of a row into what they point to, all of them required.
func fields(r trainer.Row, keys ...field) error {
	for _, k := range keys {
		if err := r.Get(k.key, k.dst); err != nil {
			return err
		}
	}
	return nil
}

// A field is a key of a row with the place for its value.
type field struct {
	key string
	dst any
}

// configFlags are the flags of a command that reads a configuration.
func configFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "YAML `FILE`; without it, the defaults"},
		&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` over the file, such as structure.normalize=teacher; may be repeated"},
	}
}

// loadConfig reads the configuration that the flags name.
func loadConfig(c *cli.Context, need trainer.Need) (*trainer.Config, error) {
	return trainer.LoadConfig(c.String("config"), c.StringSlice("set"), need)
}

// requireFlags names the first flag that was not given.
func requireFlags(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.String(name) == "" {
			return fmt.Errorf("%s: missing flag --%s; see rlkd %[1]s --help", c.Command.Name, name)
		}
	}
	return nil
}
