package openr1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Job says what is made of which files.
type Job struct {
	Files  []string // read one after the other
	Keep   []string // text columns that rows keep, if they have them
	Filter Filter
	Limit  int // rows after which reading ends; 0 = all

	Train string // JSONL file of the rows
	Test  string // JSONL file of the held-out rows; empty = none are held out
	Size  Size   // of Test
	Seed  uint64 // of the split

	// FileDone is called after each file with the counts so far; nil = not.
	FileDone func(file string, r Report)
}

// Size is how many rows are held out: a share of them or a number, the other being 0.
type Size struct {
	Share  float64
	Number int
}

// Report counts what became of the records.
type Report struct {
	Files   int            `json:"files"`
	Read    int            `json:"read"`
	Train   int            `json:"train"`
	Test    int            `json:"test"`
	Dropped map[Reason]int `json:"dropped"` // has every reason
	Limited bool           `json:"limited"` // reading ended at the limit, before the end of the files
}

// Kept is the number of rows that were written.
func (r Report) Kept() int { return r.Train + r.Test }

// errLimit ends the reading at the limit.
var errLimit = errors.New("limit")

// Run reads the files and writes the rows {"problem", "answer", "generation"} and what is kept,
// in the order of the files. Of records with the same problem, blanks aside, the first row
// counts. On which side of the split a row goes depends on the seed and its problem alone, but
// for a Size by number, where those are held out whose hashes are the least of all.
//
// Both files are there only if all went well; a run that fails or is cancelled changes nothing.
// It needs room on disk for the rows once more, and in memory for some 60 bytes a row.
func Run(ctx context.Context, job Job) (Report, error) {
	c := &conversion{Job: job, Report: Report{Dropped: map[Reason]int{}}, seen: map[[16]byte]bool{}}
	for _, reason := range Reasons {
		c.Dropped[reason] = 0
	}
	if err := job.checkPaths(); err != nil {
		return c.Report, err
	}
	if err := os.MkdirAll(filepath.Dir(job.Train), 0o777); err != nil {
		return c.Report, err
	}
	spool, err := os.CreateTemp(filepath.Dir(job.Train), ".rlkd-data-*")
	if err != nil {
		return c.Report, err
	}
	defer spool.Close()
	if err := os.Remove(spool.Name()); err != nil { // it goes when it is closed, whatever happens
		return c.Report, err
	}
	buffered := bufio.NewWriterSize(spool, 1<<16)
	if err := c.collect(ctx, buffered); err != nil {
		return c.Report, err
	}
	if err := buffered.Flush(); err != nil {
		return c.Report, err
	}
	if len(c.keys) == 0 {
		return c.Report, fmt.Errorf("none of %d records is left: %s", c.Read, c.Drops())
	}
	if err := c.write(ctx, spool); err != nil {
		c.Report.Train, c.Report.Test = 0, 0
		return c.Report, err
	}
	return c.Report, nil
}

// conversion is a job at work.
type conversion struct {
	Job
	Report
	seen map[[16]byte]bool // hashes of problems
	keys []uint64          // of the rows collected: where they stand in the split
	line bytes.Buffer
}

// collect writes the row of every record that is not dropped.
func (c *conversion) collect(ctx context.Context, w io.Writer) error {
	for _, file := range c.Job.Files {
		err := Read(file, Columns{Llama: c.Filter.Llama, Keep: c.Keep}, func(r Record) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if c.Limit > 0 && len(c.keys) == c.Limit {
				return errLimit
			}
			return c.add(r, w)
		})
		if c.Limited = errors.Is(err, errLimit); err != nil && !c.Limited {
			return err
		}
		c.Report.Files++
		c.Report.Train = len(c.keys)
		if c.FileDone != nil {
			c.FileDone(file, c.Report)
		}
		if c.Limited {
			break
		}
	}
	return nil
}

func (c *conversion) add(r Record, w io.Writer) error {
	c.Read++
	generation, drop := c.Filter.Choose(r)
	if drop != "" {
		c.Dropped[drop]++
		return nil
	}
	normal := strings.Join(strings.Fields(r.Problem), " ")
	id := [16]byte(hash(0, normal))
	if c.seen[id] {
		c.Dropped[Duplicate]++
		return nil
	}
	c.seen[id] = true
	c.keys = append(c.keys, binary.BigEndian.Uint64(hash(c.Seed, normal)))
	pairs := []string{problemColumn, r.Problem, answerColumn, r.Answer, generationColumn, generation}
	for i, value := range r.Kept {
		if value != "" {
			pairs = append(pairs, c.Keep[i], value)
		}
	}
	return c.writeRow(w, pairs)
}

// writeRow writes keys and their values, in turn, as one line of JSON.
func (c *conversion) writeRow(w io.Writer, pairs []string) error {
	c.line.Reset()
	encoder := json.NewEncoder(&c.line)
	encoder.SetEscapeHTML(false)
	for i, text := range pairs {
		switch {
		case i == 0:
			c.line.WriteByte('{')
		case i%2 == 1:
			c.line.WriteByte(':')
		default:
			c.line.WriteByte(',')
		}
		if err := encoder.Encode(text); err != nil {
			return err
		}
		c.line.Truncate(c.line.Len() - 1) // the encoder's line end
	}
	c.line.WriteString("}\n")
	_, err := w.Write(c.line.Bytes())
	return err
}

// hash is a function of seed and text that spreads evenly.
func hash(seed uint64, text string) []byte {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), text...))
	return sum[:16]
}
