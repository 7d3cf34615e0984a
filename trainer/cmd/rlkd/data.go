package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/rlkd/rlkd/trainer"
	"github.com/rlkd/rlkd/trainer/openr1"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

func dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "make rows to train on from OpenR1-Math-220k as it is published",
		Description: `Reads parquet, JSON lines or gzipped JSON lines with the columns problem, answer, generations and
correctness_math_verify, and writes {"problem", "answer", "generation"} and the kept columns, in the order of
the input. generation is the first of the generations whose verdict in correctness_math_verify is true and
that ends its reasoning (has </think>). A generation without a verdict, because the list is null, shorter or
has a null there, was not found right; verdicts past the last generation say nothing.

Dropped and counted, in this order: problems and answers that are empty, answers that do not parse (with
--check-answers), rows without a generation found right, or with none of those that ends its reasoning, rows
that are too long (with --max-chars), and problems that an earlier row has, blanks aside.

With --test some rows are held out. On which side a row goes depends on --seed and its problem alone, not on
its place or on other rows; a --test-size that is a number takes the rows whose hashes are the least.
The files are there only if all went well. The counts go to stdout as JSON, or to --report.`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "input", Usage: "`FILE`, directory or quoted pattern such as 'data/train-*.parquet'; may be repeated"},
			&cli.StringFlag{Name: "out", Usage: "JSONL `FILE` of the rows to train on"},
			&cli.StringFlag{Name: "test", Usage: "JSONL `FILE` of the rows held out"},
			&cli.StringFlag{Name: "test-size", Value: "0.05", Usage: "`SHARE` of the rows to hold out, such as 0.05, or their number, such as 500"},
			&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "of the split"},
			&cli.IntFlag{Name: "limit", Usage: "end after so many rows, which are then split; 0 = all"},
			&cli.IntFlag{Name: "max-chars", Usage: "drop rows with more characters in problem and generation; 0 = none"},
			&cli.BoolFlag{Name: "check-answers", Usage: "drop rows whose answer the math verifier cannot parse"},
			&cli.BoolFlag{Name: "llama", Usage: "a generation that correctness_llama says is right counts too"},
			&cli.BoolFlag{Name: "incomplete", Usage: "take generations without </think> too"},
			&cli.StringSliceFlag{Name: "keep", Value: cli.NewStringSlice("uuid", "source", "problem_type"),
				Usage: "text `COLUMN` that rows keep if they have it; may be repeated"},
			&cli.StringFlag{Name: "report", Usage: "`FILE` for the counts"},
		},
		Action: data,
	}
}

func data(c *cli.Context) error {
	job, err := dataJob(c)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	ctx, stop := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	report, err := openr1.Run(ctx, job)
	if errors.Is(err, context.Canceled) {
		return errors.New("data: stopped; nothing was written")
	}
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	logrus.WithFields(logrus.Fields{"train": report.Train, "test": report.Test}).Infof("%d of %d records kept; %s", report.Kept(), report.Read, report.Drops())
	if path := c.String("report"); path != "" {
		return trainer.WriteFileAtomic(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(report) })
	}
	return writeRow(c, report)
}

// dataJob reads the flags.
func dataJob(c *cli.Context) (job openr1.Job, err error) {
	if len(c.StringSlice("input")) == 0 {
		return job, errors.New("missing flag --input; see rlkd data --help")
	}
	if c.String("out") == "" {
		return job, errors.New("missing flag --out; see rlkd data --help")
	}
	for _, flag := range []string{"limit", "max-chars"} {
		if n := c.Int(flag); n < 0 {
			return job, fmt.Errorf("--%s: want 0 or more, got %d", flag, n)
		}
	}
	job = openr1.Job{
		Keep: c.StringSlice("keep"), Limit: c.Int("limit"),
		Filter: openr1.Filter{Llama: c.Bool("llama"), Incomplete: c.Bool("incomplete"),
			CheckAnswers: c.Bool("check-answers"), MaxChars: c.Int("max-chars")},
		Train: c.String("out"), Test: c.String("test"), Seed: c.Uint64("seed"),
		FileDone: func(file string, r openr1.Report) {
			logrus.WithFields(logrus.Fields{"read": r.Read, "kept": r.Kept()}).Info(file)
		},
	}
	for i, key := range job.Keep {
		if err := openr1.CheckKeep(key, job.Keep[:i]); err != nil {
			return job, fmt.Errorf("--keep %s: %w", key, err)
		}
	}
	if c.IsSet("test-size") && job.Test == "" {
		return job, errors.New("--test-size without --test, which names the file for these rows")
	}
	if job.Size, err = testSize(c.String("test-size")); err != nil {
		return job, fmt.Errorf("--test-size: %w", err)
	}
	job.Files, err = openr1.Files(c.StringSlice("input"))
	return job, err
}

// testSize reads a share, which has a point, or a number.
func testSize(text string) (openr1.Size, error) {
	if strings.Contains(text, ".") {
		if share, err := strconv.ParseFloat(text, 64); err == nil && share > 0 && share < 1 {
			return openr1.Size{Share: share}, nil
		}
	} else if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return openr1.Size{Number: n}, nil
	}
	return openr1.Size{}, fmt.Errorf("want a share between 0 and 1, such as 0.05, or a number above 0, got %q", text)
}
