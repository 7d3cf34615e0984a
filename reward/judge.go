package reward

import (
	"context"
	"errors"
	"strings"

	"github.com/rlkd/rlkd/reward/verify"
)

// Kind is which part of a step a question is about.
type Kind int

// The parts of a step.
const (
	Meta Kind = iota
	Query
	Answer
)

// String returns the part's name: meta, query or answer.
func (k Kind) String() string { return [...]string{"meta", "query", "answer"}[k] }

// Question asks whether the student's text of a part says the same as the teacher's.
type Question struct {
	Kind                      Kind
	Problem, Student, Teacher string
}

// Verdict is the answer to a question: Same, or Missing with the reason why nobody could say.
// By names who decided: absent (the student lacks the part), verifier, rules, judge. P is the
// probability of yes against no, nil from a judge that has none.
type Verdict struct {
	Same    bool     `json:"same"`
	Missing string   `json:"missing,omitempty"`
	By      string   `json:"by"`
	P       *float64 `json:"p,omitempty"`
}

// Judge answers questions. It returns one verdict for each question, in their order, and marks
// those it failed on as missing; an error means that it failed on all of them.
type Judge interface {
	Judge(ctx context.Context, questions []Question) ([]Verdict, error)
}

// ask has the judge answer questions, equal ones once, and returns their verdicts. With
// verifierFirst, answers go to the math verifier, and only those it cannot settle to the
// judge. The error is that of a cancelled context; any other failure is a missing verdict.
func (s *Scorer) ask(ctx context.Context, questions []Question) (map[Question]Verdict, error) {
	verdicts := make(map[Question]Verdict, len(questions))
	var open []Question
	for _, q := range questions {
		if _, known := verdicts[q]; known {
			continue
		}
		v, settled := s.verify(q)
		if !settled {
			open = append(open, q)
		}
		verdicts[q] = v
	}
	if len(open) == 0 {
		return verdicts, nil
	}
	replies, err := s.judge.Judge(ctx, open)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for i, q := range open {
		switch {
		case err != nil:
			verdicts[q] = Verdict{Missing: "judge: " + err.Error(), By: "judge"}
		case i >= len(replies):
			verdicts[q] = Verdict{Missing: "judge: no reply", By: "judge"}
		default:
			verdicts[q] = replies[i]
		}
	}
	return verdicts, nil
}

// verify settles what needs no judge: a part the student lacks and, verifier first, answers.
func (s *Scorer) verify(q Question) (v Verdict, settled bool) {
	if strings.TrimSpace(q.Student) == "" {
		return Verdict{By: "absent"}, true
	}
	if q.Kind != Answer || s.options.AnswerCheck != VerifierFirst {
		return Verdict{}, false
	}
	equal, err := verify.Equal(q.Teacher, q.Student)
	if err == nil {
		return Verdict{Same: equal, By: "verifier"}, true
	}
	if errors.Is(err, verify.ErrUnsettled) {
		return Verdict{}, false
	}
	return Verdict{Missing: "verifier: " + err.Error(), By: "verifier"}, true
}
