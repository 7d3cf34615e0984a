package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func peerCommand() *cli.Command {
	return &cli.Command{
		Name: "peer", Usage: "the same work by TRL and by llama.cpp, in turns with ours",
		Description: "TRL takes GRPO steps in its default and its fastest setting; llama.cpp decodes one stream and 16, by the weights of\n--model as they are and in bf16. The Python environments are those that scripts/interop/setup.sh and setup_llamacpp.sh make.",
		Flags: append(commonFlags(),
			&cli.StringFlag{Name: "shape", Value: "16x64+128", Usage: "of a step, and of 16 streams"},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "how often each side takes its turn"},
			&cli.StringFlag{Name: "only", Usage: "trl or llamacpp"},
		),
		Action: peer,
	}
}

// Turn is what a peer's process answers.
type Turn struct {
	Startup   float64 `json:"startup_s"`
	Steps     []Step  `json:"steps"`
	PeakBytes float64 `json:"peak_bytes"`
}

// Contest is ours against one peer in one setting: turn i of one side was followed by turn i of
// the other.
type Contest struct {
	Name   string    `json:"name"`
	Shape  Shape     `json:"shape"`
	Goals  []float64 `json:"-"` // of the figures, 0 for none
	Ours   []Turn    `json:"ours"`
	Theirs []Turn    `json:"theirs"`
	Rows   []Versus  `json:"rows"`
}

// Versus is a figure of both sides. Times says how many times better ours is, turn by turn.
type Versus struct {
	Figure string  `json:"figure"`
	Ours   Spread  `json:"ours"`
	Theirs Spread  `json:"theirs"`
	Times  Spread  `json:"times"`
	Goal   float64 `json:"goal,omitempty"`
}

// peers is one run of the command.
type peers struct {
	c        *cli.Context
	run      runner
	contests []*Contest
}

func peer(c *cli.Context) error {
	s, err := ParseShape(c.String("shape"))
	if err != nil {
		return err
	}
	if n := min(c.Int("rounds"), c.Int("steps")); n < 1 {
		return fmt.Errorf("--rounds and --steps must be at least 1")
	}
	p := &peers{c: c, run: newRunner(c)}
	switch only := c.String("only"); only {
	case "", "trl", "llamacpp":
		if only != "llamacpp" {
			err = p.trl(s)
		}
		if err == nil && only != "trl" {
			err = p.llamacpp(s)
		}
	default:
		return fmt.Errorf("--only %q: want trl or llamacpp", only)
	}
	if err != nil {
		return err
	}
	if err := p.print(c.App.Writer); err != nil {
		return err
	}
	return writeJSON(c, map[string]any{"machine": machine(), "contests": p.contests})
}

// python is an interpreter of one of the environments in the cache.
func python(name, setup string) (string, error) {
	path := filepath.Join(cacheDir(), name, "bin/python")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no %s; run scripts/interop/%s, or make bench-peer", path, setup)
	}
	return path, nil
}

// trl takes turns with TRL's GRPOTrainer on the same weights and prompts.
func (p *peers) trl(s Shape) error {
	interpreter, err := python("interop", "setup.sh")
	if err != nil {
		return err
	}
	dir := filepath.Join(cacheDir(), "bench", strings.TrimSuffix(filepath.Base(p.c.String("model")), ".gguf"))
	if err := copyModel(p.c.String("model"), dir); err != nil {
		return err
	}
	texts, ids, err := promptsOf(dir, s, p.c.Uint64("seed"))
	if err != nil {
		return err
	}
	fastest, name := "bf16", "bf16 weights"
	if p.c.String("device") == "cpu" && !trainer.MultipliesBF16() {
		fastest, name = "whole", "fp32, no checkpoints"
	}
	settings := []*Contest{
		{Name: "TRL, " + name + " (fastest)", Shape: s, Goals: []float64{5, 4, 2, 10}},
		{Name: "TRL, fp32 (default)", Shape: s, Goals: []float64{10, 6, 3, 10}},
	}
	for round := range p.c.Int("rounds") {
		for i, setting := range []string{fastest, "fp32"} {
			fmt.Fprintf(os.Stderr, "round %d: ours, %s\n", round+1, settings[i].Name)
			if err := p.ours(settings[i], dir, true); err != nil {
				return err
			}
			err := p.theirs(settings[i], interpreter, "trl_grpo.py", map[string]any{
				"model": dir, "shape": s, "texts": texts, "ids": ids, "seed": p.c.Uint64("seed"), "steps": p.c.Int("steps"), "setting": setting,
			})
			if err != nil {
				return err
			}
		}
	}
	p.contests = append(p.contests, settings...)
	return nil
}

// llamacpp takes turns with llama.cpp at decoding.
func (p *peers) llamacpp(s Shape) error {
	interpreter, err := python("llamacpp", "setup_llamacpp.sh")
	if err != nil {
		return err
	}
	path := p.c.String("model")
	if !strings.HasSuffix(path, ".gguf") {
		return fmt.Errorf("--model %s: llama.cpp needs a GGUF file; --only trl goes without", path)
	}
	bf16 := filepath.Join(cacheDir(), "bench", strings.TrimSuffix(filepath.Base(path), ".gguf")+".bf16.gguf")
	if err := os.MkdirAll(filepath.Dir(bf16), 0o777); err != nil {
		return err
	}
	var contests []*Contest
	for _, rows := range []int{1, s.Rows} {
		for _, format := range []string{"as the file has it", "bf16"} {
			plural := "s"
			if rows == 1 {
				plural = ""
			}
			contests = append(contests, &Contest{
				Name: fmt.Sprintf("llama.cpp, %d stream%s, %s", rows, plural, format), Shape: Shape{rows, rows, s.Prompt, s.Completion},
			})
		}
	}
	for round := range p.c.Int("rounds") {
		for i, c := range contests {
			fmt.Fprintf(os.Stderr, "round %d: ours, %s\n", round+1, c.Name)
			_, ids, err := promptsOf(path, Shape{c.Shape.Rows, 1, s.Prompt, s.Completion}, p.c.Uint64("seed"))
			if err != nil {
				return err
			}
			if err := p.ours(c, path, false); err != nil {
				return err
			}
			q := map[string]any{"model": path, "ids": ids, "rows": c.Shape.Rows, "completion": s.Completion, "seed": p.c.Uint64("seed"), "steps": p.c.Int("steps")}
			if i%2 == 1 {
				q["quantize"] = bf16
			}
			if err := p.theirs(c, interpreter, "llamacpp_decode.py", q); err != nil {
				return err
			}
		}
	}
	p.contests = append(p.contests, contests...)
	return nil
}

// promptsOf are a shape's prompts in the tokens of a model, as every side gets them.
func promptsOf(path string, s Shape, seed uint64) ([]string, [][]int, error) {
	src, err := files.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer src.Close()
	t, err := src.Tokenizer()
	if err != nil {
		return nil, nil, err
	}
	return prompts(t, s.Prompts(), s.Prompt, seed)
}

// ours is a turn of RLKD.
func (p *peers) ours(c *Contest, model string, train bool) error {
	var m Measured
	job := Job{Shape: c.Shape, Sets: append(sets(p.c), "model="+model), Seed: p.c.Uint64("seed"), Steps: p.c.Int("steps"), Train: train}
	err := p.run.ask(request{Job: &job}, &m)
	c.Ours = append(c.Ours, Turn{m.Startup, m.Steps, m.PeakBytes})
	return err
}

// theirs is a turn of a peer.
func (p *peers) theirs(c *Contest, interpreter, script string, q any) error {
	var t Turn
	err := p.run.run(q, &t, "env", "HF_HUB_OFFLINE=1", "TRANSFORMERS_VERBOSITY=error", "PYTHONDONTWRITEBYTECODE=1", interpreter, "scripts/bench/"+script)
	c.Theirs = append(c.Theirs, t)
	return err
}

// figure is one that both sides have; more says that a larger value is better.
type figure struct {
	name string
	more bool
	of   func(s Shape, t Turn) []float64
}

// figures are those of a contest at steps, or at decoding.
func figures(steps bool) []figure {
	each := func(part func(Shape, Step) float64) func(Shape, Turn) []float64 {
		return func(s Shape, t Turn) (v []float64) {
			for _, x := range t.Steps {
				v = append(v, part(s, x))
			}
			return v
		}
	}
	rest := []figure{
		{"peak memory, GB", false, func(_ Shape, t Turn) []float64 { return []float64{t.PeakBytes / 1e9} }},
		{"start-up, s", false, func(_ Shape, t Turn) []float64 { return []float64{t.Startup} }},
	}
	if !steps {
		decode := each(func(s Shape, x Step) float64 { return float64(s.Rows*(s.Completion-1)) / (x.Rollout - x.First) })
		return append([]figure{{"decode, tokens/s", true, decode}}, rest...)
	}
	return append([]figure{
		{"rollout, tokens/s", true, each(func(s Shape, x Step) float64 { return float64(s.Tokens()) / x.Rollout })},
		{"step, s", false, each(func(_ Shape, x Step) float64 { return x.All })},
	}, rest...)
}

// compare fills in the rows.
func (c *Contest) compare() {
	for i, f := range figures(c.Ours[0].Steps[0].All > 0 && c.Goals != nil) {
		var ours, theirs, times []float64
		for k := range c.Ours {
			a, b := f.of(c.Shape, c.Ours[k]), f.of(c.Shape, c.Theirs[k])
			ours, theirs = append(ours, a...), append(theirs, b...)
			ratio := spread(b).Median / spread(a).Median
			if f.more {
				ratio = 1 / ratio
			}
			times = append(times, ratio)
		}
		v := Versus{Figure: f.name, Ours: spread(ours), Theirs: spread(theirs), Times: spread(times)}
		if c.Goals != nil {
			v.Goal = c.Goals[i]
		}
		c.Rows = append(c.Rows, v)
	}
}

func (p *peers) print(w io.Writer) error {
	m := machine()
	fmt.Fprintf(w, "%s, %s; min, median and max of %d turns\n\n", m.CPU, m.Revision, p.c.Int("rounds"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "against\tshape\tfigure\tours\ttheirs\ttimes better\tgoal")
	for _, c := range p.contests {
		c.compare()
		name, shape := c.Name, c.Shape.String()
		for _, r := range c.Rows {
			goal := ""
			if r.Goal > 0 {
				goal = number(r.Goal)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%v\t%v\t%s\n", name, shape, r.Figure, r.Ours, r.Theirs, r.Times, goal)
			name, shape = "", ""
		}
	}
	return t.Flush()
}

func (s Spread) String() string {
	return fmt.Sprintf("%s  %s  %s", number(s.Min), number(s.Median), number(s.Max))
}
