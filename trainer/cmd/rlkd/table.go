package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rlkd/rlkd/trainer"
)

// writeTable shows evaluations side by side, each mean with its 95 % interval, and how the last
// differs from the one that RLKD started from.
func writeTable(w io.Writer, config *trainer.Config, evals []*trainer.Evaluation) error {
	if len(evals) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	last := evals[len(evals)-1]
	head := []string{""}
	for _, e := range evals {
		head = append(head, e.Name)
	}
	var difference map[string]trainer.Estimate
	if first := before(evals); first != nil {
		d := trainer.Compare(first, last, config)
		head = append(head, d.To+" - "+d.From)
		difference = d.Metrics
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, name := range trainer.MetricNames(config) {
		cells := []string{name}
		for _, e := range evals {
			cells = append(cells, estimate(e.Metrics, name, ""))
		}
		if difference != nil {
			cells = append(cells, estimate(difference, name, "+"))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d held-out problems, %d completions each; 95 %% bootstrap intervals over problems; length in tokens\n", last.Problems, last.Generations)
	return err
}

// before is the evaluation that RLKD started from, nil if there is none but the last.
func before(evals []*trainer.Evaluation) (found *trainer.Evaluation) {
	for _, e := range evals[:len(evals)-1] {
		if e.Name == "start" || e.Name == "sft" {
			found = e
		}
	}
	return found
}

// estimate prints a metric of one evaluation; sign is a flag of fmt.
func estimate(metrics map[string]trainer.Estimate, name, sign string) string {
	m, ok := metrics[name]
	if !ok {
		return "-"
	}
	digits := ".3f"
	if name == "length" || name == "reward" {
		digits = ".1f"
	}
	f := "%" + sign + digits
	return fmt.Sprintf(f+" ["+f+", "+f+"]", m.Mean, m.Low, m.High)
}
