package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/rlkd/rlkd/trainer"
	"github.com/rlkd/rlkd/trainer/plan"
	"github.com/urfave/cli/v2"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name:  "plan",
		Usage: "show how much memory a run will need, before it",
		Description: `Writes a table of memory by part and phase of the run, and the largest micro_batch_tokens that fits; with
--json one object. Of the models it reads only the configurations. Device and dtype are those of the configuration;
a GPU it names need not be there (--set device=cuda --memory 80GB). Sequences are taken to be as long as allowed.
If nothing fits it says so and fails.`,
		Flags: append(configFlags(),
			&cli.StringFlag{Name: "memory", Usage: "memory there is, such as 80GB or 74.5GiB; without it, what this machine has free"},
			&cli.BoolFlag{Name: "sft", Usage: "plan rlkd sft instead of rlkd train"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON"},
		),
		Action: planRun,
	}
}

func planRun(c *cli.Context) error {
	if err := requireFlags(c, "config"); err != nil {
		return err
	}
	available, err := memoryFlag(c)
	if err != nil {
		return err
	}
	need := trainer.NeedPlan
	if c.Bool("sft") {
		need = trainer.NeedPlanSFT
	}
	config, err := loadConfig(c, need)
	if err != nil {
		return err
	}
	p, err := trainer.Plan(config, c.Bool("sft"), available)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if c.Bool("json") {
		return writeRow(c, p)
	}
	return writePlan(c, p)
}

// memoryFlag is the flag --memory in bytes, 0 if it is not given.
func memoryFlag(c *cli.Context) (int64, error) {
	text := c.String("memory")
	if text == "" {
		return 0, nil
	}
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}} {
		number, ok := strings.CutSuffix(text, unit.name)
		if n, err := strconv.ParseFloat(strings.TrimSpace(number), 64); ok && err == nil && n > 0 && n*unit.bytes < 1<<62 {
			return int64(n * unit.bytes), nil
		}
	}
	return 0, fmt.Errorf("%s: --memory: want a size such as 80GB or 74.5GiB, got %q", c.Command.Name, text)
}

// writePlan shows a plan: a row for each part, a column for each phase.
func writePlan(c *cli.Context, p *plan.Plan) error {
	t := tabwriter.NewWriter(c.App.Writer, 0, 0, 3, ' ', 0)
	head, total := []string{""}, []string{"together"}
	for _, phase := range p.Phases {
		head, total = append(head, phase.Name), append(total, plan.Size(phase.Bytes))
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, name := range partNames(p) {
		cells := []string{name}
		for _, phase := range p.Phases {
			cell := ""
			for _, part := range phase.Parts {
				if part.Name == name {
					cell = plan.Size(part.Bytes)
				}
			}
			cells = append(cells, cell)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	fmt.Fprintln(t, strings.Join(total, "\t"))
	if err := t.Flush(); err != nil {
		return fmt.Errorf("stdout: %w", err)
	}
	for _, line := range summary(p) {
		if _, err := fmt.Fprintln(c.App.Writer, line); err != nil {
			return fmt.Errorf("stdout: %w", err)
		}
	}
	return nil
}

// partNames are the parts of all phases, each once, in the order of the longest phase first.
func partNames(p *plan.Plan) (names []string) {
	seen := map[string]bool{}
	for _, phase := range p.Phases {
		for _, part := range phase.Parts {
			if !seen[part.Name] {
				seen[part.Name] = true
				names = append(names, part.Name)
			}
		}
	}
	return names
}

// summary says what follows from a plan.
func summary(p *plan.Plan) []string {
	fits := "fits"
	if !p.Fits() {
		fits = "does not fit"
	}
	with := map[bool]string{true: "with", false: "without"}
	largest := func(n int) string {
		if n == 0 {
			return "nothing fits"
		}
		return fmt.Sprintf("the largest that fits is %d", n)
	}
	return []string{
		fmt.Sprintf("%.1f million parameters, %.1f million of them or of its adapter trained", float64(p.Parameters)/1e6, float64(p.Trained)/1e6),
		fmt.Sprintf("peak %s (%s) of %s: %s", plan.Size(p.Peak), p.PeakPhase, plan.Size(p.Available), fits),
		fmt.Sprintf("micro_batch_tokens %d %s gradient_checkpointing; %s", p.MicroTokens, with[p.Checkpoint], largest(p.Largest)),
		fmt.Sprintf("%s gradient_checkpointing: peak %s; %s", with[!p.Checkpoint], plan.Size(p.OtherPeak), largest(p.Other)),
	}
}
