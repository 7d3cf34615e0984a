// Package reward turns a completion into numbers: whether its answer is right, whether it has
// the form that was asked for, and how far its reasoning takes the same path as the teacher's
// (RLKD, arXiv 2505.16142). Text goes in, numbers come out; no tensors and no model.
//
// A reward that cannot be known is missing, with the reason, and never 0: a 0 would teach the
// student that what it wrote was wrong.
package reward

import (
	"encoding/json"
	"strings"
)

// Item is one completion to score, with the row of the dataset it answers. Generation is the
// teacher's text; like Completion it has the form <think>…</think>….
type Item struct {
	Problem      string `json:"problem"`
	Answer       string `json:"answer"`
	Generation   string `json:"generation"`
	TeacherSteps []Step `json:"steps"` // if they are known: then Generation is not taken apart; nil = not known
	Completion   string `json:"completion"`
	Cut          bool   `json:"cut"` // the completion ended for want of room, not by itself
}

// trace is the student's reasoning. Reasoning that was cut has no steps: a prefix must not earn
// what the whole would.
func (i Item) trace() Trace {
	if i.Cut && !strings.Contains(i.Completion, "</think>") {
		return Trace{Problem: i.Problem}
	}
	return Trace{i.Problem, i.Completion}
}

// Value is a reward that may be unknown: then Missing says why and V is 0.
type Value struct {
	V       float64
	Missing string
}

// MarshalJSON writes the number, or null for a missing one.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Missing != "" {
		return []byte("null"), nil
	}
	return json.Marshal(v.V)
}

// Weights are the factors of the parts in the total.
type Weights struct {
	// Accuracy weighs 1 for a right answer, 0 for a wrong one. Default 15.
	Accuracy float64 `yaml:"accuracy"`
	// Format weighs 1 for the whole form with think and answer tags. Default 10.
	Format float64 `yaml:"format"`
	// TagCount weighs a quarter for each tag that occurs once. Default 10.
	TagCount float64 `yaml:"tag_count"`
	// Structure weighs the match with the teacher's steps. Default 15.
	Structure float64 `yaml:"structure"`
}

// DefaultWeights returns the weights of the released RLKD recipe: 15, 10, 10, 15.
func DefaultWeights() Weights {
	return Weights{Accuracy: 15, Format: 10, TagCount: 10, Structure: 15}
}

// Score is what one completion earned. Total is the weighted sum of the parts that are known;
// it is missing only when all of them are. Steps has one entry for each teacher step.
type Score struct {
	Accuracy     Value       `json:"accuracy"`
	Format       Value       `json:"format"`
	TagCount     Value       `json:"tag_count"`
	Structure    Value       `json:"structure"`
	Total        Value       `json:"total"`
	Steps        []StepScore `json:"steps"`
	StudentSteps int         `json:"student_steps"`
	TeacherSteps int         `json:"teacher_steps"`
	Ungrounded   int         `json:"ungrounded_steps,omitempty"` // of the student, dropped
}

// StepScore says what became of one teacher step: the two steps compared (Student is the zero
// Step when the student has none left) and the verdicts, nil where nothing was asked because
// the teacher lacks the part or an earlier step had ended the comparison.
type StepScore struct {
	Number  int      `json:"number"`
	Student Step     `json:"student"`
	Teacher Step     `json:"teacher"`
	Meta    *Verdict `json:"meta"`
	Query   *Verdict `json:"query"`
	Answer  *Verdict `json:"answer"`
	Score   float64  `json:"score"`
}

// total adds up the parts that are known.
func (w Weights) total(s Score) Value {
	parts := []struct {
		weight float64
		value  Value
	}{{w.Accuracy, s.Accuracy}, {w.Format, s.Format}, {w.TagCount, s.TagCount}, {w.Structure, s.Structure}}
	sum, reasons := 0.0, []string{}
	for _, p := range parts {
		if p.value.Missing != "" {
			reasons = append(reasons, p.value.Missing)
			continue
		}
		sum += p.weight * p.value.V
	}
	if len(reasons) == len(parts) {
		return Value{Missing: strings.Join(reasons, "; ")}
	}
	return Value{V: sum}
}
