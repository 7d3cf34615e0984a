package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"text/tabwriter"
	"time"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func profileFlag() cli.Flag {
	return &cli.StringFlag{Name: "profile", Usage: "write where time and memory went to `DIR`: cpu.pprof and heap.pprof for `go tool pprof`, ops.txt and ops.json with the cost of each torch operation"}
}

// profiled runs fn and writes its profile to the directory that --profile names, if it does.
// A run that fails is profiled up to there.
func profiled(c *cli.Context, fn func() error) (err error) {
	dir := c.String("profile")
	if dir == "" {
		return fn()
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	var cpu bytes.Buffer
	if err := pprof.StartCPUProfile(&cpu); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	torch.StartProfile()
	began := time.Now()
	err = fn()
	wall := time.Since(began)
	ops := torch.StopProfile()
	pprof.StopCPUProfile()
	for name, write := range map[string]func(io.Writer) error{
		"cpu.pprof":  func(w io.Writer) error { _, err := w.Write(cpu.Bytes()); return err },
		"heap.pprof": func(w io.Writer) error { return pprof.Lookup("allocs").WriteTo(w, 0) },
		"ops.txt":    func(w io.Writer) error { return writeOps(w, wall, ops) },
		"ops.json": func(w io.Writer) error {
			return json.NewEncoder(w).Encode(map[string]any{"wall_ns": wall, "ops": ops})
		},
	} {
		if e := trainer.WriteFileAtomic(filepath.Join(dir, name), write); e != nil {
			err = errors.Join(err, fmt.Errorf("--profile: %w", e))
		}
	}
	return err
}

// writeOps writes the operations as a table. Of what ran inside one, the parts are listed that
// took more than half a percent of the time.
func writeOps(w io.Writer, wall time.Duration, ops []torch.OpCost) error {
	var inOps time.Duration
	for _, o := range ops {
		if o.Inside == "" {
			inOps += o.Time
		}
	}
	fmt.Fprintf(w, "%.2f s, of them %.2f in operations\n\n", wall.Seconds(), inOps.Seconds())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "seconds\tshare\tcalls\tµs a call\t  operation")
	for _, o := range ops {
		name := o.Op
		if o.Inside != "" {
			if o.Time < wall/200 {
				continue
			}
			name = "    " + o.Inside
		}
		fmt.Fprintf(t, "%.3f\t%.1f %%\t%d\t%.1f\t  %s\n", o.Time.Seconds(), 100*o.Time.Seconds()/wall.Seconds(), o.Calls,
			float64(o.Time.Microseconds())/float64(max(1, o.Calls)), name)
	}
	return t.Flush()
}
