// Package label has a strong model take reasoning apart into its steps: the labels that a
// generative structure reward model is trained on, and teacher steps that are given.
//
// A label counts only when it is whole and comes from the reasoning; what was asked and paid for
// is on disk before the next is asked for, and is never asked for again.
package label

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"golang.org/x/sync/errgroup"
)

// Job says what is labelled, and how.
type Job struct {
	Data    string // JSONL file of {problem, generation}; also domain, and see textKeys
	Out     string // JSONL file for the rows with their steps
	Rejects string // JSONL file for the rows that got none, with the reason
	Model   string // stands in the rows
	Domain  Domain // of rows that name none

	Attempts    int     // replies asked for, for a row; 1 or more
	Concurrency int     // rows asked for at a time; 1 or more
	Grounding   float64 // least share of a step's content words that the reasoning has; 0 = off

	PriceIn, PriceOut float64 // of a million tokens
	MaxCost           float64 // no new row is asked for from here on; 0 = no limit

	// Stop, once closed, has the run finish the rows it is at and end.
	Stop <-chan struct{}
	// Progress is called after each row that was asked for, never twice at a time; nil = not.
	Progress func(Counts)
}

// Counts says how far a run is.
type Counts struct {
	Rows       int `json:"rows"`       // in Data, each once
	Duplicates int `json:"duplicates"` // rows in Data that an earlier row equals
	Before     int `json:"before"`     // rows labelled or rejected by runs before
	Labelled   int `json:"labelled"`
	Rejected   int `json:"rejected"`
	Failed     int `json:"failed"` // no reply could be had; the next run asks for them again
	Left       int `json:"left"`   // not asked for

	Requests  int     `json:"requests"`
	TokensIn  int     `json:"tokens_in"`
	TokensOut int     `json:"tokens_out"`
	Cost      float64 `json:"cost"`
}

// ErrStopped says that a run ended early because it was told to, with everything saved.
var ErrStopped = errors.New("stopped")

// ErrCost says that a run ended early at its limit of cost, with everything saved.
var ErrCost = errors.New("the limit of cost is reached")

// Run labels the rows that are neither in Out nor in Rejects. It appends each line when its row
// is done and, at the end, puts the lines in the order of Data, so that the files do not depend
// on how often and where a run was stopped. A row that the strong model could not be asked
// about is in neither file; after as many such rows in a row as are asked for at a time the run
// gives up.
func Run(ctx context.Context, job Job, w reward.Writer) (Counts, error) {
	r := &run{Job: job, writer: w}
	order, err := r.survey()
	if err != nil {
		return r.counts, err
	}
	if r.out, err = openStore(job.Out); err != nil {
		return r.counts, err
	}
	if r.rejects, err = openStore(job.Rejects); err != nil {
		return r.counts, errors.Join(err, r.out.close(nil))
	}
	for _, row := range order {
		if r.out.has(row) || r.rejects.has(row) {
			r.counts.Before++
		}
	}
	r.counts.Left = r.counts.Rows - r.counts.Before
	err = r.ask(ctx)
	return r.counts, errors.Join(err, r.out.close(order), r.rejects.close(order))
}

// run is a job at work.
type run struct {
	Job
	writer       reward.Writer
	out, rejects *store

	mu      sync.Mutex // guards what is below, and the stores while rows are asked for
	counts  Counts
	streak  int    // failures since the last reply
	failure string // the first one
}

// survey checks every row before anything is asked for, and returns their ids in their order.
func (r *run) survey() (order []id, err error) {
	if err := r.checkPaths(); err != nil {
		return nil, err
	}
	seen := map[id]bool{}
	err = r.read(func(row row) error {
		if seen[row.id] {
			r.counts.Duplicates++
			return nil
		}
		seen[row.id] = true
		order = append(order, row.id)
		return nil
	})
	r.counts.Rows = len(order)
	if err == nil && len(order) == 0 {
		err = fmt.Errorf("%s has no rows; want one JSON object a line, {\"problem\": …, \"generation\": …}", r.Data)
	}
	return order, err
}

// checkPaths refuses to write over the input, or two things to one file.
func (r *run) checkPaths() error {
	var infos []os.FileInfo
	for _, path := range []string{r.Data, r.Out, r.Rejects} {
		info, err := os.Stat(path)
		if err != nil {
			continue // a new file; or, for Data, what reading it says
		}
		if slices.ContainsFunc(infos, func(other os.FileInfo) bool { return os.SameFile(info, other) }) {
			return fmt.Errorf("%s: named for two things; data, output and rejects must be three files", path)
		}
		infos = append(infos, info)
	}
	if r.Out == r.Rejects {
		return fmt.Errorf("%s: named for two things; output and rejects must be two files", r.Out)
	}
	return nil
}

// read calls each with every row of the data.
func (r *run) read(each func(row) error) error {
	f, err := os.Open(r.Data)
	if err != nil {
		return err
	}
	defer f.Close()
	return trainer.ReadRows(f, r.Data, func(line trainer.Row) error {
		row, err := parse(line, r.Domain)
		if err != nil {
			return err
		}
		return each(row)
	})
}

// ask labels the rows that are in neither store, several at a time.
func (r *run) ask(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Concurrency)
	taken := map[id]bool{}
	err := r.read(func(row row) error {
		if taken[row.id] || r.done(row.id) {
			return nil
		}
		taken[row.id] = true
		free := make(chan error, 1)
		group.Go(func() error { // waits for one of the rows at work to end
			if err := r.mayAsk(ctx); err != nil {
				free <- err
				return nil
			}
			free <- nil
			return r.label(ctx, row)
		})
		return <-free
	})
	if failed := group.Wait(); failed != nil {
		return failed
	}
	if err == nil && r.counts.Failed > 0 {
		err = r.failed()
	}
	return err
}

// done tells whether a row is in one of the stores.
func (r *run) done(row id) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.has(row) || r.rejects.has(row)
}

// mayAsk returns why no further row is to be asked for, nil if one may be.
func (r *run) mayAsk(ctx context.Context) error {
	select {
	case <-r.Stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.streak >= r.Concurrency:
		return r.failed()
	case r.MaxCost > 0 && r.counts.Cost >= r.MaxCost:
		return ErrCost
	case r.MaxCost > 0 && r.counts.Requests > r.counts.Failed && r.counts.TokensIn+r.counts.TokensOut == 0:
		return errors.New("the server does not say how many tokens it takes, so that a limit of cost cannot be kept")
	}
	return nil
}

// failed is the error of a run with rows that could not be asked about.
func (r *run) failed() error {
	return fmt.Errorf("%d of %d rows could not be asked about (%s); the others are saved, the same command goes on",
		r.counts.Failed, r.counts.Rows-r.counts.Before, r.failure)
}
