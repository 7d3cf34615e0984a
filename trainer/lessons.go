package trainer

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// lesson is what supervised fine-tuning teaches: to say that to a prompt.
type lesson struct {
	prompt reward.Prompt
	said   string
}

// lesson is a row of the sft stage's dataset as a lesson. One that makes a generative structure
// reward model has the prompt that the model is later used with, from the same source.
func (c *Config) lesson(p Problem) lesson {
	if c.SFT.Target == TargetSteps {
		trace := reward.Trace{Problem: p.Prompt, Text: reward.Reasoning(p.Teacher)}
		return lesson{reward.DecomposePrompt(trace), reward.FormatSteps(p.Steps)}
	}
	return lesson{reward.Prompt{System: c.SystemPrompt, User: p.Prompt}, p.Teacher}
}

// lessons are problems as samples: the prompt rendered as in rollouts, what is said to it, and
// the token that ends a turn. Those longer than limit tokens are dropped, never cut, and counted.
func (s *Student) lessons(of func(Problem) lesson, problems []Problem, limit int) (rows []Sample, dropped int, err error) {
	for _, p := range problems {
		l := of(p)
		prompt, err := s.Prompt(l.prompt.System, l.prompt.User)
		if err != nil {
			return nil, 0, err
		}
		completion := append(s.Tokenizer.Encode(l.said, false), s.EndOfTurn)
		if len(prompt)+len(completion) > limit {
			dropped++
			continue
		}
		rows = append(rows, Sample{Prompt: prompt, Completion: completion})
	}
	return rows, dropped, nil
}

// loadLessons is the dataset of supervised fine-tuning: its own, or that of RLKD. Of labelled
// reasoning those rows are left out, and noted, whose text a model would not be shown whole.
func loadLessons(c *Config, note func(string)) (dataset, error) {
	path := c.SFT.Dataset
	if path == "" {
		path = c.Dataset
	}
	if c.SFT.Target != TargetSteps {
		return loadDataset(path, false, true)
	}
	problems, err := LoadLabels(path)
	if err != nil {
		return dataset{}, err
	}
	kept := slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool {
		text := strings.TrimSpace(reward.Reasoning(p.Teacher))
		return reward.Shown(reward.Trace{Text: text}).Text != text
	})
	if dropped := len(problems) - len(kept); dropped > 0 {
		note(fmt.Sprintf("%s: %d of %d rows have marks in their reasoning that a model is not shown (labels of steps, tokens of chat templates) and were dropped", path, dropped, len(problems)))
	}
	sum, err := sumFile(path)
	return dataset{path, kept, sum.CRC32}, err
}

// textKeys are the keys a labelled reasoning may stand under: those of a dataset, of the stage
// that labels, and of the paper's own files.
var textKeys = []string{"generation", "text", "deepseek_reasoning"}

// LoadLabels reads the JSONL file at path of reasoning with its steps labelled: rows of
// {problem, steps} with the reasoning under generation, text or deepseek_reasoning. A row
// without steps ("steps": []) is one to learn, that there are none. Errors are one line that
// names the file, the line and the key.
func LoadLabels(path string) ([]Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	defer f.Close()
	var problems []Problem
	err = ReadRows(f, path, func(r Row) error {
		p := Problem{Row: r.Line - 1}
		if err := r.Get("problem", &p.Prompt); err != nil {
			return err
		}
		for _, key := range textKeys {
			if r.Has(key) && p.Teacher == "" {
				if err := r.Get(key, &p.Teacher); err != nil {
					return err
				}
			}
		}
		if strings.TrimSpace(p.Teacher) == "" {
			return r.Errorf("missing key: want the reasoning under one of %s", strings.Join(textKeys, ", "))
		}
		if !r.Has("steps") {
			return r.Errorf("missing key %q", "steps")
		}
		p.Steps, err = r.Steps()
		problems = append(problems, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if len(problems) == 0 {
		return nil, fmt.Errorf("labels: %s has no rows; want one JSON object a line, {\"problem\": …, \"generation\": …, \"steps\": […]}", path)
	}
	return problems, nil
}
