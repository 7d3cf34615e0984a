package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/urfave/cli/v2"
)

// Machine says where numbers come from.
type Machine struct {
	CPU      string `json:"cpu"`
	Torch    string `json:"torch"`
	Revision string `json:"revision"` // the commit this was built from, + if changed since
}

// Spread is how a figure lay over the repetitions.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// Row is one figure of a shape. Limit is what the machine's measured limits would allow, in the
// figure's unit, and Share how much of it was reached; both are 0 where there is none.
type Row struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Spread
	Limit float64 `json:"limit,omitempty"`
	Share float64 `json:"share,omitempty"`
}

// Report is the result of the whole command. Limits are measured before the first shape and after each, for a
// shared machine is not the same ten minutes later.
type Report struct {
	Machine Machine    `json:"machine"`
	Limits  []Limits   `json:"limits"`
	Shapes  []ShapeRow `json:"shapes"`
}

// ShapeRow is all about one shape.
type ShapeRow struct {
	Shape   string   `json:"shape"`
	Limits  Limits   `json:"limits"` // between those before and those after it
	Rollout Work     `json:"rollout_work"`
	Update  Work     `json:"update_work"`
	Rows    []Row    `json:"rows"`
	Raw     Measured `json:"measured"`
}

// table measures each shape in a process of its own and prints one table.
func table(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("unknown command %q; see --help", c.Args().First())
	}
	shapes, err := parseShapes(c.String("shapes"))
	if err != nil {
		return err
	}
	steps := c.Int("steps")
	if c.Bool("quick") {
		shapes, steps = shapes[:1], 1
		if !c.IsSet("shapes") {
			shapes = []Shape{{Rows: 4, Group: 4, Prompt: 16, Completion: 16}}
		}
	}
	if steps < 1 {
		return fmt.Errorf("--steps: %d, must be at least 1", steps)
	}
	run := newRunner(c)
	r := Report{Machine: machine(), Limits: make([]Limits, 1)}
	if err := run.ask(request{Limits: c.String("device")}, &r.Limits[0]); err != nil {
		return err
	}
	for i, s := range shapes {
		var m Measured
		job := Job{Shape: s, Sets: sets(c), Seed: c.Uint64("seed"), Steps: steps, Train: true, Profile: true}
		fmt.Fprintf(os.Stderr, "measuring %s\n", s)
		var after Limits
		err := run.ask(request{Job: &job}, &m)
		if err == nil {
			err = run.ask(request{Limits: c.String("device")}, &after)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s, err), r.print(c.App.Writer)) // what there is by now
		}
		r.Limits = append(r.Limits, after)
		r.Shapes = append(r.Shapes, rows(m, between(r.Limits[i], after)))
	}
	if err := r.print(c.App.Writer); err != nil {
		return err
	}
	return writeJSON(c, r)
}

// sets is the configuration of the measured processes.
func sets(c *cli.Context) []string {
	return append([]string{"model=" + c.String("model"), "dtype=" + c.String("dtype"), "device=" + c.String("device")}, c.StringSlice("set")...)
}

// rows are the figures of a shape beside their limits.
func rows(m Measured, l Limits) ShapeRow {
	s := m.Job.Shape
	k := costsOf(m.Config)
	out := ShapeRow{Shape: s.String(), Limits: l, Raw: m}
	var rolloutLimit, updateLimit float64
	out.Rollout, rolloutLimit = k.rollout(s, m.DType, l)
	out.Update, updateLimit = k.update(s, m.DType, l)
	tokens := float64(s.Tokens())
	add := func(name, unit string, limit float64, values ...float64) {
		r := Row{Name: name, Unit: unit, Spread: spread(values), Limit: limit}
		switch {
		case limit == 0:
		case unit == "tokens/s" || unit == "GFLOP/s":
			r.Share = r.Median / limit
		default:
			r.Share = limit / r.Median
		}
		out.Rows = append(out.Rows, r)
	}
	of := func(part func(Step) float64) (v []float64) {
		for _, x := range m.Steps {
			v = append(v, part(x))
		}
		return v
	}
	add("rollout", "tokens/s", tokens/rolloutLimit, of(func(x Step) float64 { return tokens / x.Rollout })...)
	add("  to the first tokens", "s", l.seconds(k.prefill(s, sizeOf(m.DType)), m.DType), of(func(x Step) float64 { return x.First })...)
	add("  the other tokens", "s", rolloutLimit-l.seconds(k.prefill(s, sizeOf(m.DType)), m.DType), of(func(x Step) float64 { return x.Rollout - x.First })...)
	if m.Job.Train {
		add("training", "tokens/s", tokens/updateLimit, of(func(x Step) float64 { return tokens / x.Train })...)
		add("  update", "s", updateLimit, of(func(x Step) float64 { return x.Train })...)
	}
	if p := m.Parts; p != nil {
		pass := k.pass(s, sizeOf(m.DType)).FLOPs
		add("    forward and head", "s", pass/3/l.FLOPs[m.DType], p.Forward)
		add("    backward", "s", pass*2/3/l.FLOPs[m.DType], p.Backward)
		add("    optimizer", "s", k.optimizer().Bytes/l.Bytes, p.Optimizer)
		if p.Products > 0 {
			add("    its matrix products", "GFLOP/s", l.FLOPs[m.DType]/1e9, k.products(s)/p.Products/1e9)
		}
	}
	add("step", "s", rolloutLimit+updateLimit, of(func(x Step) float64 { return x.All })...)
	add("peak memory", "GB", 0, m.PeakBytes/1e9)
	if m.Device > 0 {
		add("device memory", "GB", 0, m.Device/1e9)
	}
	add("start-up", "s", 0, m.Startup)
	return out
}

// spread is over values, of which there is at least one.
func spread(values []float64) Spread {
	v := slices.Clone(values)
	slices.Sort(v)
	n := len(v)
	return Spread{v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]}
}

func (r Report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d threads, libtorch %s, %s\n", r.Machine.CPU, r.Limits[0].Threads, r.Machine.Torch, r.Machine.Revision)
	span := func(part func(Limits) float64) string {
		var v []float64
		for _, l := range r.Limits {
			v = append(v, part(l)/1e9)
		}
		s := spread(v)
		return number(s.Min) + " to " + number(s.Max)
	}
	fmt.Fprintf(w, "limits, measured before and after each shape: f32 %s and bf16 %s GFLOP/s, memory %s GB/s (a sum %s, a copy %s)\n\n",
		span(func(l Limits) float64 { return l.FLOPs["f32"] }), span(func(l Limits) float64 { return l.FLOPs["bf16"] }),
		span(func(l Limits) float64 { return l.Bytes }), span(func(l Limits) float64 { return l.Sum }),
		span(func(l Limits) float64 { return l.Copy }))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "shape\tfigure\tunit\tmin\tmedian\tmax\tlimit\tshare")
	for _, s := range r.Shapes {
		shape := s.Shape
		for _, f := range s.Rows {
			limit, share := "", ""
			if f.Limit > 0 {
				limit, share = number(f.Limit), fmt.Sprintf("%.0f %%", 100*f.Share)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", shape, f.Name, f.Unit, number(f.Min), number(f.Median), number(f.Max), limit, share)
			shape = ""
		}
	}
	return t.Flush()
}

// number has three significant digits.
func number(x float64) string {
	if math.Abs(x) >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

func machine() Machine {
	m := Machine{Torch: "unknown version", CPU: "unknown CPU", Revision: "unknown revision"}
	_ = torch.Run(func() error { m.Torch = torch.Version(); return nil }) // without libtorch, unknown
	text, _ := os.ReadFile("/proc/cpuinfo")                               // without it, unknown
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		changed := ""
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				m.Revision = s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				if s.Value == "true" {
					changed = "+"
				}
			}
		}
		m.Revision += changed
	}
	return m
}
