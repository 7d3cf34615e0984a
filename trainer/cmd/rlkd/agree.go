package main

import (
	"fmt"
	"os"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func agreeCommand() *cli.Command {
	return &cli.Command{
		Name:  "agree",
		Usage: "measure how well decomposer and judge agree with labels",
		Description: `Writes one JSON object {"traces", "pairs"}, every share with its 95 % interval. --traces has rows
{"problem", "text", "steps": [{"number", "meta", "query", "answer"}]}, --pairs has rows {"kind": meta, query
or answer, "problem", "student", "teacher", "same": true or false}; results are broken down by the keys
"template" and "source" of rows that have them. Of the configuration it uses structure.`,
		Flags: append(configFlags(),
			&cli.StringFlag{Name: "traces", Usage: "JSONL `FILE` of reasoning with labelled steps"},
			&cli.StringFlag{Name: "pairs", Usage: "JSONL `FILE` of labelled pairs for the judge"},
			&cli.BoolFlag{Name: "show", Usage: "instead write each text with the steps found, each pair with its verdict"},
		),
		Action: agree,
	}
}

// agreement is the command's result; a part that was not asked for is left out.
type agreement struct {
	Traces *reward.TraceAgreement `json:"traces,omitempty"`
	Pairs  *reward.PairAgreement  `json:"pairs,omitempty"`
}

func agree(c *cli.Context) error {
	if c.String("traces") == "" && c.String("pairs") == "" {
		return fmt.Errorf("agree: give --traces, --pairs or both; see rlkd agree --help")
	}
	traces, err := labelledTraces(c.String("traces"))
	if err != nil {
		return err
	}
	pairs, err := labelledPairs(c.String("pairs"))
	if err != nil {
		return err
	}
	var result agreement
	err = withScorer(c, trainer.NeedScore, func(scorer *reward.Scorer) (err error) {
		result, err = measure(c, scorer, traces, pairs)
		return err
	})
	if err != nil || c.Bool("show") {
		return err
	}
	return writeRow(c, result)
}

// measure compares the scorer with the labels. With --show it writes what was found.
func measure(c *cli.Context, scorer *reward.Scorer, traces []reward.LabelledTrace, pairs []reward.LabelledPair) (result agreement, err error) {
	if traces != nil {
		found, steps, err := scorer.AgreeOnTraces(c.Context, traces)
		if err != nil {
			return result, err
		}
		if result.Traces = &found; c.Bool("show") {
			if err := showTraces(c, traces, steps); err != nil {
				return result, err
			}
		}
	}
	if pairs != nil {
		found, verdicts, err := scorer.AgreeOnPairs(c.Context, pairs)
		if err != nil {
			return result, err
		}
		if result.Pairs = &found; c.Bool("show") {
			err = showPairs(c, pairs, verdicts)
		}
	}
	return result, err
}

// labelledTraces reads the rows of a file, none if it has no name.
func labelledTraces(path string) ([]reward.LabelledTrace, error) {
	var traces []reward.LabelledTrace
	err := readLabelled(path, func(r trainer.Row) error {
		var t reward.LabelledTrace
		if err := fields(r, field{"problem", &t.Problem}, field{"text", &t.Text}, field{"steps", &t.Steps}); err != nil {
			return err
		}
		groups, err := groupsOf(r)
		t.Groups = groups
		traces = append(traces, t)
		return err
	})
	return traces, err
}

// labelledPairs reads the rows of a file, none if it has no name.
func labelledPairs(path string) ([]reward.LabelledPair, error) {
	var pairs []reward.LabelledPair
	err := readLabelled(path, func(r trainer.Row) error {
		var p reward.LabelledPair
		kind := ""
		err := fields(r, field{"kind", &kind}, field{"problem", &p.Problem}, field{"student", &p.Student},
			field{"teacher", &p.Teacher}, field{"same", &p.Same})
		if err != nil {
			return err
		}
		for p.Kind = reward.Meta; p.Kind.String() != kind; p.Kind++ {
			if p.Kind == reward.Answer {
				return r.Errorf("kind: want meta, query or answer, got %q", kind)
			}
		}
		p.Groups, err = groupsOf(r)
		pairs = append(pairs, p)
		return err
	})
	return pairs, err
}

// readLabelled calls each with every row of a file, which must have some; of no file with none.
func readLabelled(path string, each func(trainer.Row) error) error {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	rows := 0
	err = trainer.ReadRows(file, path, func(r trainer.Row) error { rows++; return each(r) })
	if err == nil && rows == 0 {
		err = fmt.Errorf("%s: no rows", path)
	}
	return err
}

// groupsOf returns what a row's results are broken down by.
func groupsOf(r trainer.Row) (map[string]string, error) {
	groups := map[string]string{}
	for _, key := range []string{"template", "source"} {
		if !r.Has(key) {
			continue
		}
		value := ""
		if err := r.Get(key, &value); err != nil {
			return nil, err
		}
		groups[key] = value
	}
	return groups, nil
}

func showTraces(c *cli.Context, traces []reward.LabelledTrace, found []reward.Decomposition) error {
	for i, t := range traces {
		err := writeRow(c, struct {
			Problem string        `json:"problem"`
			Text    string        `json:"text"`
			Label   []reward.Step `json:"label"`
			Found   []reward.Step `json:"found"`
			Missing string        `json:"missing,omitempty"`
		}{t.Problem, t.Text, t.Steps, found[i].Steps, found[i].Missing})
		if err != nil {
			return err
		}
	}
	return nil
}

func showPairs(c *cli.Context, pairs []reward.LabelledPair, verdicts []reward.Verdict) error {
	for i, p := range pairs {
		err := writeRow(c, struct {
			Kind    string         `json:"kind"`
			Problem string         `json:"problem"`
			Student string         `json:"student"`
			Teacher string         `json:"teacher"`
			Same    bool           `json:"same"`
			Verdict reward.Verdict `json:"verdict"`
		}{p.Kind.String(), p.Problem, p.Student, p.Teacher, p.Same, verdicts[i]})
		if err != nil {
			return err
		}
	}
	return nil
}
