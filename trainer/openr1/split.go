package openr1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rlkd/rlkd/trainer"
)

// bound is the key below which a row is held out.
func (c *conversion) bound() (uint64, error) {
	switch n := c.Size.Number; {
	case c.Job.Test == "":
		return 0, nil
	case n >= len(c.keys):
		return 0, fmt.Errorf("a test size of %d leaves nothing to train on: there are %d rows", n, len(c.keys))
	case n > 0:
		return slices.Sorted(slices.Values(c.keys))[n], nil
	}
	return uint64(math.Ldexp(c.Size.Share, 64)), nil
}

// write deals the collected rows out to the two files.
func (c *conversion) write(ctx context.Context, rows *os.File) error {
	bound, err := c.bound()
	if err != nil {
		return err
	}
	held := 0
	for _, key := range c.keys {
		if key < bound {
			held++
		}
	}
	c.Report.Train, c.Report.Test = len(c.keys)-held, held
	if c.Job.Test == "" {
		return trainer.WriteFileAtomic(c.Job.Train, func(train io.Writer) error {
			return c.deal(ctx, rows, bound, train, nil)
		})
	}
	if held == 0 || held == len(c.keys) {
		return fmt.Errorf("a test share of %g puts %d of %d rows on the test side; give a number of rows", c.Size.Share, held, len(c.keys))
	}
	return trainer.WriteFileAtomic(c.Job.Train, func(train io.Writer) error {
		return trainer.WriteFileAtomic(c.Job.Test, func(test io.Writer) error {
			return c.deal(ctx, rows, bound, train, test)
		})
	})
}

// deal writes the rows with keys below bound to test, the others to train.
func (c *conversion) deal(ctx context.Context, rows *os.File, bound uint64, train, test io.Writer) error {
	if _, err := rows.Seek(0, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(rows, 1<<16)
	for _, key := range c.keys {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		to := train
		if key < bound {
			to = test
		}
		if _, err := to.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// checkPaths refuses to write over an input or twice to one file.
func (j Job) checkPaths() error {
	if j.Test != "" && filepath.Clean(j.Test) == filepath.Clean(j.Train) {
		return fmt.Errorf("%s: named as both the training and the test file", j.Test)
	}
	for _, out := range []string{j.Train, j.Test} {
		written, err := os.Stat(out)
		if err != nil {
			continue // a new file
		}
		if written.IsDir() {
			return fmt.Errorf("%s: is a directory; name a file", out)
		}
		for _, in := range j.Files {
			if read, err := os.Stat(in); err == nil && os.SameFile(read, written) {
				return fmt.Errorf("%s: is an input too; write elsewhere", out)
			}
		}
	}
	return nil
}

// Drops says how many records were dropped for which reasons, in words.
func (r Report) Drops() string {
	var parts []string
	for _, reason := range Reasons {
		if n := r.Dropped[reason]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(reason), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "none dropped"
	}
	return strings.Join(parts, ", ")
}
