package trainer

import (
	"fmt"
	"os"
	"strings"

	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// Problem is one row of a dataset.
type Problem struct {
	Row     int    // line of the file, from 0; names the random numbers of its completions
	Prompt  string // key problem
	Answer  string // key answer: the gold answer
	Teacher string // key generation: the teacher's text, <think>…</think>…

	// Key steps: the teacher's steps, where they are known; nil where they are not.
	Steps []reward.Step
}

// LoadProblems reads the JSONL file of {problem, answer, generation, steps} at path. Other keys
// are left alone. Every row must have a problem, and an answer and a teacher's text if they are
// needed; none may be blank. Steps are the teacher's, given instead of found in its text.
// Errors are one line that names the file, the line and the key.
func LoadProblems(path string, needAnswer, needTeacher bool) ([]Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	var problems []Problem
	err = ReadRows(f, path, func(r Row) error {
		p := Problem{Row: r.Line - 1}
		for _, field := range []struct {
			key  string
			dst  *string
			need bool
		}{{"problem", &p.Prompt, true}, {"answer", &p.Answer, needAnswer}, {"generation", &p.Teacher, needTeacher}} {
			if !field.need && !r.Has(field.key) {
				continue
			}
			if err := r.Get(field.key, field.dst); err != nil {
				return err
			}
			if field.need && strings.TrimSpace(*field.dst) == "" {
				return r.Errorf("%s: empty", field.key)
			}
		}
		var err error
		if p.Steps, err = r.Steps(); err != nil {
			return err
		}
		problems = append(problems, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if len(problems) == 0 {
		return nil, fmt.Errorf("dataset: %s has no rows; want one JSON object a line, {\"problem\": …, \"answer\": …, \"generation\": …}", path)
	}
	return problems, nil
}

// Order is the order in which a run takes the rows of its dataset: one permutation of all rows
// after the other, without end. It has no state, so that a resumed run goes on where it was.
type Order struct {
	Seed uint64
	Rows int // above 0
}

// Batch returns the rows, each from 0 to Rows - 1, of a step that takes n: the positions
// step·n to step·n + n - 1 of the sequence. Where a batch reaches over the end of an epoch, the
// rows it has from there come later in the next, so that no row is twice in a batch of a
// dataset that is large enough to have n.
func (o Order) Batch(step, n int) []int {
	batch := make([]int, 0, n)
	for at := step * n; len(batch) < n; {
		epoch, position := at/o.Rows, at%o.Rows
		rows := o.epoch(epoch, n)[position:]
		rows = rows[:min(len(rows), n-len(batch))]
		batch = append(batch, rows...)
		at += len(rows)
	}
	return batch
}

// epoch returns the rows of an epoch in the order that batches of n take them.
func (o Order) epoch(epoch, n int) []int {
	rows := o.permutation(epoch)
	begun := epoch * o.Rows % n // rows that the first batch has from the epoch before
	if begun == 0 || n > o.Rows {
		return rows
	}
	before := o.permutation(epoch - 1)
	if begun+n > o.Rows { // else what it postponed, all within its first n, is not among them
		before = o.epoch(epoch-1, n)
	}
	taken := map[int]bool{}
	for _, row := range before[o.Rows-begun:] {
		taken[row] = true
	}
	return postpone(rows, taken, n-begun)
}

func (o Order) permutation(epoch int) []int {
	return rng.NewStream(o.Seed, rng.Shuffle, uint64(epoch)).Perm(o.Rows)
}

// postpone moves the taken rows among the first n behind the next rows that are not taken.
func postpone(rows []int, taken map[int]bool, n int) []int {
	moved := make([]int, 0, len(rows))
	var later []int
	for i, row := range rows {
		if taken[row] && len(moved) < n {
			later = append(later, row)
			continue
		}
		moved = append(moved, row)
		if len(moved) == n {
			moved = append(append(moved, later...), rows[i+1:]...)
			break
		}
	}
	return moved
}
