package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/reward/openai"
	"github.com/rlkd/rlkd/trainer/label"
	"github.com/urfave/cli/v2"
)

func labelCommand() *cli.Command {
	return &cli.Command{
		Name:  "label",
		Usage: "have a strong model take reasoning apart into steps, for a generative structure reward model to learn from",
		Description: `Reads rows {"problem", "generation"} (or "deepseek_reasoning", or "text", for the reasoning; what comes before
</think> counts), with a "domain" of math, code, science or puzzle if it is not --domain. Writes the same rows
with "steps": [{"number", "meta", "query", "answer"}], which rlkd sft trains on, and "rlkd_label", which says
who labelled them. A reply must have every part of every step, numbered from 1, and the words of its steps and
the numbers of its answers must stand in the reasoning (--grounding). One that has not is asked for again, with
what is wrong, up to --attempts times; then the row goes to --rejects with the reason. Rows that are there are not
asked about again: take them out of that file to have them tried once more.

Every row is on disk as soon as it is done, and the same command goes on after any kind of end: rows that --out
or --rejects have, by their contents, are not asked about again, and equal rows once. At the end of a run both
files are put in the order of --data. The first SIGINT or SIGTERM finishes the rows under way and ends, a second
ends at once. --max-cost begins no row at that cost or above; those under way may go beyond it. Costs are those of
this run. The counts go to stdout as JSON.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "JSONL `FILE` of the rows to label"},
			&cli.StringFlag{Name: "out", Usage: "JSONL `FILE` for the rows with their steps"},
			&cli.StringFlag{Name: "rejects", Usage: "JSONL `FILE` for rows without usable steps (default: --out with .rejects)"},
			&cli.StringFlag{Name: "model", Usage: "`NAME` of the model on the server"},
			&cli.StringFlag{Name: "base-url", Usage: "`ADDRESS` of an OpenAI-compatible server, up to and with /v1"},
			&cli.StringFlag{Name: "api-key-env", Usage: "environment variable with the server's key; without it none is sent"},
			&cli.StringFlag{Name: "domain", Value: string(label.Math), Usage: "of rows that name none"},
			&cli.IntFlag{Name: "attempts", Value: 3, Usage: "replies to ask for, for a row"},
			&cli.IntFlag{Name: "concurrency", Value: 8, Usage: "rows to ask about at a time"},
			&cli.Float64Flag{Name: "grounding", Value: 0.5, Usage: "least share of a step's content words that the reasoning has; 0 = off"},
			&cli.IntFlag{Name: "max-tokens", Value: 4096, Usage: "longest reply, in tokens"},
			&cli.DurationFlag{Name: "timeout", Value: 5 * time.Minute, Usage: "time limit of a request"},
			&cli.IntFlag{Name: "retries", Value: 3, Usage: "times to send a request again that the server failed on"},
			&cli.Float64Flag{Name: "price-in", Usage: "of a million tokens sent"},
			&cli.Float64Flag{Name: "price-out", Usage: "of a million tokens received"},
			&cli.Float64Flag{Name: "max-cost", Usage: "end at this cost; 0 = no limit"},
		},
		Action: labelRows,
	}
}

func labelRows(c *cli.Context) error {
	if err := requireFlags(c, "data", "out", "model", "base-url"); err != nil {
		return err
	}
	if err := checkLabelFlags(c); err != nil {
		return fmt.Errorf("label: %w", err)
	}
	retries := c.Int("retries")
	client, err := openai.New(reward.BackendOptions{
		Backend: reward.BackendOpenAI, Model: c.String("model"), BaseURL: c.String("base-url"), APIKeyEnv: c.String("api-key-env"),
		Timeout: c.Duration("timeout"), Retries: &retries, Concurrency: c.Int("concurrency"), MaxTokens: c.Int("max-tokens"),
	})
	if err != nil {
		return fmt.Errorf("label: %w", err)
	}
	job := label.Job{
		Data: c.String("data"), Out: c.String("out"), Rejects: c.String("rejects"),
		Model: c.String("model"), Domain: label.Domain(c.String("domain")),
		Attempts: c.Int("attempts"), Concurrency: c.Int("concurrency"), Grounding: c.Float64("grounding"),
		PriceIn: c.Float64("price-in"), PriceOut: c.Float64("price-out"), MaxCost: c.Float64("max-cost"),
	}
	if job.Rejects == "" {
		job.Rejects = job.Out + ".rejects"
	}
	show := newLabelDisplay(c)
	job.Stop, job.Progress = show.stop, show.progress
	counts, err := label.Run(c.Context, job, client)
	show.close(counts)
	switch {
	case errors.Is(err, label.ErrStopped), errors.Is(err, label.ErrCost):
		show.note(fmt.Sprintf("%v; all is saved, the same command goes on with the %d rows that are left", err, counts.Left))
	case err != nil:
		return fmt.Errorf("label: %w", err)
	}
	return writeRow(c, counts)
}

// checkLabelFlags names the first flag with a value that is out of range.
func checkLabelFlags(c *cli.Context) error {
	for _, flag := range []string{"attempts", "concurrency", "max-tokens"} {
		if n := c.Int(flag); n < 1 {
			return fmt.Errorf("--%s: want 1 or more, got %d", flag, n)
		}
	}
	if n := c.Int("retries"); n < 0 {
		return fmt.Errorf("--retries: want 0 or more, got %d", n)
	}
	if d := c.Duration("timeout"); d <= 0 {
		return fmt.Errorf("--timeout: want more than 0s, got %s", d)
	}
	for _, flag := range []string{"price-in", "price-out", "max-cost"} {
		if x := c.Float64(flag); !(x >= 0) {
			return fmt.Errorf("--%s: want 0 or more, got %g", flag, x)
		}
	}
	if x := c.Float64("grounding"); !(x >= 0 && x <= 1) {
		return fmt.Errorf("--grounding: want a share from 0 to 1, got %g", x)
	}
	if c.Float64("max-cost") > 0 && c.Float64("price-in") == 0 && c.Float64("price-out") == 0 {
		return errors.New("--max-cost without --price-in and --price-out, by which the cost is known")
	}
	if err := label.CheckDomain(label.Domain(c.String("domain"))); err != nil {
		return fmt.Errorf("--domain: %w", err)
	}
	u, err := url.Parse(c.String("base-url"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("--base-url: want an address such as http://localhost:8000/v1, got %q", c.String("base-url"))
	}
	return nil
}
