package reward

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Step is one step of a reasoning: why this sub-problem comes next (Meta), the sub-problem
// (Query) and its answer. Query and Answer may be empty.
type Step struct {
	Number int    `json:"number"`
	Meta   string `json:"meta"`
	Query  string `json:"query"`
	Answer string `json:"answer"`
}

// Trace is a reasoning text with the problem it is about.
type Trace struct {
	Problem string `json:"problem"`
	Text    string `json:"text"`
}

// Decomposition is the steps of a trace, or the reason why they could not be had. A trace
// without steps has neither. Cut says that Steps are only the first of them: the reply ended
// for want of room. Ungrounded counts the steps that were dropped because the trace does not
// have them.
type Decomposition struct {
	Steps      []Step
	Missing    string
	Cut        bool
	Ungrounded int
}

// Decomposer finds the steps of traces. It returns one decomposition for each trace, in their
// order, and marks those it failed on as missing; an error means that it failed on all of them.
type Decomposer interface {
	Decompose(ctx context.Context, traces []Trace) ([]Decomposition, error)
}

// header is the label of a part of a step at the start of a line (rlkd.md, "Parser"): marks,
// [label number], marks, colon. Both vocabularies of the released code are read, its
// misspelling too. Only emphasis is dropped after the colon: a minus there is the body's.
var header = regexp.MustCompile(`(?i)^[\s*#>_-]*\[\s*(?:` +
	`(meta-reasoning|meat-reasoning|meta reasoning|sub-think|think)|` +
	`(sub-problem|subproblem|query|question)|` +
	`(answer|sub-answer))\s*([0-9]{1,9})\s*\](?:[\s*#>_-]*:)?\s*[*_]*`)

// slot names a part of a step: its number, and which of meta, query and answer.
type slot struct {
	number int
	part   Kind
}

// ParseSteps reads the labelled steps in a generative model's reply. Steps are keyed by their
// number and ordered by it; of two bodies for one slot the first counts; a step without
// meta-reasoning is none. Text under no label is skipped.
func ParseSteps(text string) []Step {
	bodies := map[slot]*strings.Builder{}
	numbers := []int{}
	body := new(strings.Builder) // of the current label; at first one that nobody reads
	for line := range strings.Lines(text) {
		if m := header.FindStringSubmatch(line); m != nil {
			body = new(strings.Builder)
			line = line[len(m[0]):]
			at := labelled(m)
			if bodies[at] == nil {
				bodies[at] = body
			}
			if at.part == Meta {
				numbers = append(numbers, at.number)
			}
		}
		body.WriteString(line)
	}
	slices.Sort(numbers)
	var steps []Step
	for _, n := range slices.Compact(numbers) {
		s := Step{n, trimBody(bodies[slot{n, Meta}]), trimBody(bodies[slot{n, Query}]), trimBody(bodies[slot{n, Answer}])}
		if s.Meta != "" {
			steps = append(steps, s)
		}
	}
	return steps
}

// labelled returns the slot that a match of header names.
func labelled(match []string) slot {
	number, _ := strconv.Atoi(match[4]) // at most nine digits
	for part, label := range match[1:4] {
		if label != "" {
			return slot{number, Kind(part)}
		}
	}
	return slot{}
}

// trimBody returns a body without blanks around it and without a closing answer tag.
func trimBody(body *strings.Builder) string {
	if body == nil {
		return ""
	}
	text := strings.TrimSpace(body.String())
	return strings.TrimSpace(strings.TrimSuffix(text, "</answer>"))
}
