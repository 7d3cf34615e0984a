package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// A series is one quantity that is doubled again and again with everything else fixed.
type series struct {
	Name   string  `json:"name"`
	Points []point `json:"points"`
}

// A point is the cost at one value, medians in seconds, with what the limits allow.
type point struct {
	Value         int     `json:"value"`
	Rollout       float64 `json:"rollout_s"`
	Train         float64 `json:"train_s"`
	Peak          float64 `json:"peak_bytes"`
	RolloutLimit  float64 `json:"rollout_limit_s"`
	TrainLimit    float64 `json:"train_limit_s"`
	RolloutFactor float64 `json:"rollout_factor,omitempty"` // against the value before
	TrainFactor   float64 `json:"train_factor,omitempty"`
	LimitFactors  struct {
		Rollout float64 `json:"rollout"`
		Train   float64 `json:"train"`
	} `json:"limit_factors"` // the same of the limits: what doubling the work would cost at best
}

// The fixed sizes of a series that does not vary them.
var scalingBase = struct{ width, layers int }{384, 8}

func scalingCommand() *cli.Command {
	return &cli.Command{
		Name: "scaling", Usage: "cost against group size, completion length, width and depth, on random weights",
		Description: "The model is the default student's kind and vocabulary with 8 layers of 384 and random weights; the step has one\nprompt of 64 tokens and 8 completions of 128.",
		Flags:       append(commonFlags(), &cli.BoolFlag{Name: "quick", Usage: "two small values of each series, to see that all works"}),
		Action:      scaling,
	}
}

func scaling(c *cli.Context) (err error) {
	work, err := os.MkdirTemp("", "rlkd-scaling")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	run := newRunner(c)
	s := scaler{c: c, run: run, work: work}
	if err := run.ask(request{Limits: c.String("device")}, &s.limits); err != nil {
		return err
	}
	base := Shape{Rows: 8, Group: 8, Prompt: 64, Completion: 128}
	groups, lengths, widths, depths := []int{2, 4, 8, 16, 32}, []int{64, 128, 256, 512}, []int{192, 384, 768, 1536}, []int{4, 8, 16, 32}
	if c.Bool("quick") {
		base = Shape{Rows: 2, Group: 2, Prompt: 8, Completion: 8}
		groups, lengths, widths, depths = []int{2, 4}, []int{4, 8}, []int{192, 384}, []int{1, 2}
	}
	for _, x := range []struct {
		name   string
		values []int
		at     func(v int) (Shape, int, int)
	}{
		{"group size", groups, func(v int) (Shape, int, int) {
			return Shape{v, v, base.Prompt, base.Completion}, scalingBase.width, scalingBase.layers
		}},
		{"completion", lengths, func(v int) (Shape, int, int) {
			return Shape{base.Rows, base.Group, base.Prompt, v}, scalingBase.width, scalingBase.layers
		}},
		{"width", widths, func(v int) (Shape, int, int) { return base, v, scalingBase.layers }},
		{"depth", depths, func(v int) (Shape, int, int) { return base, scalingBase.width, v }},
	} {
		out := series{Name: x.name}
		for _, v := range x.values {
			fmt.Fprintf(os.Stderr, "measuring %s %d\n", x.name, v)
			shape, width, layers := x.at(v)
			p, err := s.point(v, shape, width, layers)
			if err != nil {
				return fmt.Errorf("%s %d: %w", x.name, v, err)
			}
			out.add(p)
		}
		s.all = append(s.all, out)
	}
	if err := s.print(c.App.Writer); err != nil {
		return err
	}
	return writeJSON(c, map[string]any{"machine": machine(), "limits": s.limits, "series": s.all})
}

// scaler measures points.
type scaler struct {
	c      *cli.Context
	run    runner
	work   string
	limits Limits
	all    []series
}

// point measures a step on a random model of some size.
func (s *scaler) point(value int, shape Shape, width, layers int) (p point, err error) {
	dir := filepath.Join(s.work, fmt.Sprintf("%d-%d", width, layers))
	if _, err := os.Stat(dir); err != nil {
		r := randomModel{like: s.c.String("model"), width: width, layers: layers, seed: s.c.Uint64("seed")}
		if err := r.write(dir); err != nil {
			return p, err
		}
	}
	var m Measured
	job := Job{Shape: shape, Sets: append(sets(s.c), "model="+dir), Seed: s.c.Uint64("seed"), Steps: s.c.Int("steps"), Train: true}
	if err := s.run.ask(request{Job: &job}, &m); err != nil {
		return p, err
	}
	var rollout, train []float64
	for _, x := range m.Steps {
		rollout, train = append(rollout, x.Rollout), append(train, x.Train)
	}
	k := costsOf(m.Config)
	p = point{Value: value, Rollout: spread(rollout).Median, Train: spread(train).Median, Peak: m.PeakBytes}
	_, p.RolloutLimit = k.rollout(shape, m.DType, s.limits)
	_, p.TrainLimit = k.update(shape, m.DType, s.limits)
	return p, nil
}

// add appends a point with its factors against the last.
func (s *series) add(p point) {
	if n := len(s.Points); n > 0 {
		last := s.Points[n-1]
		p.RolloutFactor, p.TrainFactor = p.Rollout/last.Rollout, p.Train/last.Train
		p.LimitFactors.Rollout, p.LimitFactors.Train = p.RolloutLimit/last.RolloutLimit, p.TrainLimit/last.TrainLimit
	}
	s.Points = append(s.Points, p)
}

func (s *scaler) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "doubled\tvalue\trollout s\tfactor\tof the limit\ttraining s\tfactor\tof the limit\tpeak GB")
	for _, x := range s.all {
		name := x.Name
		for _, p := range x.Points {
			f := [4]string{}
			for i, v := range []float64{p.RolloutFactor, p.LimitFactors.Rollout, p.TrainFactor, p.LimitFactors.Train} {
				if v > 0 {
					f[i] = fmt.Sprintf("%.2f", v)
				}
			}
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, p.Value, number(p.Rollout), f[0], f[1], number(p.Train), f[2], f[3], number(p.Peak/1e9))
			name = ""
		}
	}
	return t.Flush()
}
