package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rlkd/rlkd/trainer"
)

// writeTable shows evaluations as lines of one table, each mean with its 95 % interval, and
// below it how the last differs from the one before training by RLKD.
func writeTable(w io.Writer, config *trainer.Config, evals []*trainer.Evaluation) error {
	if len(evals) == 0 {
		return nil
	}
	columns := trainer.MetricNames(config)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "student\t%s\n", strings.Join(columns, "\t"))
	for _, e := range evals {
		fmt.Fprintf(t, "%s\t%s\n", e.Name, estimates(e.Metrics, columns, "%.3f [%.3f, %.3f]"))
	}
	if first, last := before(evals), evals[len(evals)-1]; first != nil {
		d := trainer.Compare(first, last, config)
		fmt.Fprintf(t, "%s - %s\t%s\n", d.To, d.From, estimates(d.Metrics, columns, "%+.3f [%+.3f, %+.3f]"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	last := evals[len(evals)-1]
	_, err := fmt.Fprintf(w, "Means over %d held-out problems, %d completions each, with 95 %% bootstrap intervals over problems;\n"+
		"the last line is the paired difference. length is in tokens.\n", last.Problems, last.Generations)
	return err
}

// before is the evaluation that RLKD started from, nil if there is none.
func before(evals []*trainer.Evaluation) (found *trainer.Evaluation) {
	for _, e := range evals {
		if e.Name == "start" || e.Name == "sft" {
			found = e
		}
	}
	if found == evals[len(evals)-1] {
		return nil
	}
	return found
}

func estimates(metrics map[string]trainer.Estimate, columns []string, format string) string {
	cells := make([]string, len(columns))
	for i, name := range columns {
		m, ok := metrics[name]
		switch {
		case !ok:
			cells[i] = "-"
		case name == "length" || name == "reward":
			cells[i] = fmt.Sprintf(strings.ReplaceAll(format, ".3f", ".1f"), m.Mean, m.Low, m.High)
		default:
			cells[i] = fmt.Sprintf(format, m.Mean, m.Low, m.High)
		}
	}
	return strings.Join(cells, "\t")
}
