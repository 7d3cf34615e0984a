// Package openr1 makes rows to train on from the dataset OpenR1-Math-220k as it is published:
// problems with several generations of a teacher and, for each, whether a verifier found its
// answer right.
package openr1

import (
	"strings"
	"unicode/utf8"

	"github.com/rlkd/rlkd/reward/verify"
)

// Record is a row of the published dataset. Text that is null there is empty here.
type Record struct {
	Problem, Answer string
	Generations     []string // the teacher's texts
	MathVerify      []bool   // the verifier's verdict on each of them; null is false
	Llama           []bool   // a judge model's verdict on each of them; null is false
	Kept            []string // the values of the columns that are kept, in their order
}

// Reason says why a record was dropped; it is a key of the report.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	EmptyProblem     Reason = "empty_problem"
	EmptyAnswer      Reason = "empty_answer"
	UnreadableAnswer Reason = "unreadable_answer" // the math verifier cannot parse it
	Unverified       Reason = "unverified"        // no generation was found right
	Incomplete       Reason = "incomplete"        // what was found right never ends its reasoning
	TooLong          Reason = "too_long"
	Duplicate        Reason = "duplicate"
)

// Reasons lists them.
var Reasons = []Reason{EmptyProblem, EmptyAnswer, UnreadableAnswer, Unverified, Incomplete, TooLong, Duplicate}

// Filter says which records are dropped beside those without problem, answer or a generation
// that is right.
type Filter struct {
	Llama        bool // a judge model's verdict makes a generation right too
	Incomplete   bool // a generation without </think> will do
	CheckAnswers bool // drop answers that the math verifier cannot parse
	MaxChars     int  // characters of problem and generation above which a record is dropped; 0 = no limit
}

// Choose returns the generation that represents a record: the first one that was found right
// and, unless Incomplete, ends its reasoning. Without one it returns the reason to drop the
// record. A generation without a verdict was not found right; a verdict without a generation
// says nothing.
func (f Filter) Choose(r Record) (generation string, drop Reason) {
	if strings.TrimSpace(r.Problem) == "" {
		return "", EmptyProblem
	}
	if strings.TrimSpace(r.Answer) == "" {
		return "", EmptyAnswer
	}
	if f.CheckAnswers {
		if _, err := verify.Accuracy(r.Answer, ""); err != nil {
			return "", UnreadableAnswer
		}
	}
	drop = Unverified
	for i, g := range r.Generations {
		if strings.TrimSpace(g) == "" || !at(r.MathVerify, i) && !(f.Llama && at(r.Llama, i)) {
			continue
		}
		if !f.Incomplete && !strings.Contains(g, "</think>") {
			drop = Incomplete
			continue
		}
		if f.MaxChars > 0 && utf8.RuneCountInString(r.Problem)+utf8.RuneCountInString(g) > f.MaxChars {
			return "", TooLong
		}
		return g, ""
	}
	return "", drop
}

// at is the verdict on generation i, false where the list ends before it.
func at(verdicts []bool, i int) bool { return i < len(verdicts) && verdicts[i] }
