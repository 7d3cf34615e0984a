package trainer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

// Metric is a number under the name that TRL logs it by. NaN and the infinities stand for a
// number that is not known.
type Metric struct {
	Name  string
	Value float64
}

// Record is what a run says about one step. The order of the metrics is that of their keys in
// the file.
type Record struct {
	Step    int
	Metrics []Metric
}

// Add appends a metric.
func (r *Record) Add(name string, value float64) {
	r.Metrics = append(r.Metrics, Metric{name, value})
}

// Get returns the first metric of a name, NaN when there is none.
func (r Record) Get(name string) float64 {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m.Value
		}
	}
	return math.NaN()
}

// MarshalJSON returns {"step": …, name: value, …} in the order of the metrics, with null for
// what is not finite.
func (r Record) MarshalJSON() ([]byte, error) {
	line := strconv.AppendInt([]byte(`{"step":`), int64(r.Step), 10)
	for _, m := range r.Metrics {
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value := []byte("null")
		if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			if value, err = json.Marshal(m.Value); err != nil {
				return nil, err
			}
		}
		line = append(append(append(append(line, ','), name...), ':'), value...)
	}
	return append(line, '}'), nil
}

// Metrics appends records to a JSONL file, one line a step. It belongs to one goroutine.
type Metrics struct{ file *os.File }

// OpenMetrics opens or creates the file at path to go on after step lastStep. What the file
// holds from the first line of a later step on, and a last line that a crash cut short, is
// removed; the lines before stay as they are. A lastStep of -1 keeps no line.
func OpenMetrics(path string, lastStep int) (*Metrics, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	end, err := endOfStep(f, lastStep)
	if err != nil {
		err = fmt.Errorf("%s%w", path, err)
	} else {
		err = f.Truncate(end)
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", errors.Join(err, f.Close()))
	}
	return &Metrics{f}, nil
}

// endOfStep returns the length of the whole lines up to the first of a step after lastStep.
// Its errors begin with the number of the line.
func endOfStep(r io.Reader, lastStep int) (int64, error) {
	lines := bufio.NewReader(r)
	for end, n := int64(0), 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return end, nil
		} else if err != nil {
			return 0, fmt.Errorf(":%d: %w", n, err)
		}
		var record struct{ Step *int }
		if err := json.Unmarshal(line, &record); err != nil || record.Step == nil {
			if _, err := lines.Peek(1); err == io.EOF {
				return end, nil
			}
			return 0, fmt.Errorf(":%d: not a line of metrics: %.40q; move the file away to resume without it", n, bytes.TrimSpace(line))
		}
		if *record.Step > lastStep {
			return end, nil
		}
		end += int64(len(line))
	}
}

// Write appends a record as one line, in one write, so that a reader sees whole lines.
func (m *Metrics) Write(r Record) error {
	line, err := r.MarshalJSON()
	if err == nil {
		_, err = m.file.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Close closes the file.
func (m *Metrics) Close() error { return m.file.Close() }
