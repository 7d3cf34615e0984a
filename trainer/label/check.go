package label

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// labelled is a line that begins with the label of a part, in the words of the instruction.
var labelled = regexp.MustCompile(`(?im)^[\s*#>_-]*\[\s*(think|query|answer)\s*([0-9]{1,9})\s*\]`)

// fence is a line that begins or ends a block of code.
var fence = regexp.MustCompile("(?m)^[ \t]*```[a-z]*[ \t]*$")

// parts are the labels of a step, in their order.
var parts = [...]string{"think", "query", "answer"}

// read takes the steps out of a reply, each part on one line. Where the reply is not what was
// asked for, it returns what is wrong with it, in words that its writer can act on. Steps of
// which less than the share grounding is in the trace are wrong too; 0 lets all pass.
func read(reply string, t reward.Trace, grounding float64) (steps []reward.Step, fault string) {
	if _, said, reasons := strings.Cut(reply, "</think>"); reasons { // the strong model's own reasoning
		reply = said
	}
	reply = fence.ReplaceAllString(reply, "")
	if strings.EqualFold(strings.Trim(reply, "*` .\n"), reward.NoSteps) {
		return []reward.Step{}, ""
	}
	found := labelled.FindAllStringSubmatch(reply, -1)
	if len(found) == 0 {
		return nil, "it has no line that begins with [think 1]; if there is no step, it must be " + reward.NoSteps + " alone"
	}
	for i, f := range found {
		want := fmt.Sprintf("[%s %d]", parts[i%3], i/3+1)
		if got := fmt.Sprintf("[%s %s]", strings.ToLower(f[1]), strings.TrimLeft(f[2], "0")); got != want {
			return nil, fmt.Sprintf("where %s should come, it has %s", want, got)
		}
	}
	if i := len(found); i%3 != 0 {
		return nil, fmt.Sprintf("it ends before [%s %d]", parts[i%3], i/3+1)
	}
	steps = reward.ParseSteps(reply)
	for i := range steps {
		s := &steps[i]
		s.Meta, s.Query, s.Answer = oneLine(s.Meta), oneLine(s.Query), oneLine(s.Answer)
	}
	if fault := blank(steps, len(found)/3); fault != "" {
		return nil, fault
	}
	return steps, ungrounded(steps, t, grounding)
}

// oneLine joins the lines of a text, and drops other blanks that are too many.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// blank names the first part of n steps that is empty.
func blank(steps []reward.Step, n int) string {
	for i := range n {
		if i >= len(steps) || steps[i].Number != i+1 { // a step without meta-reasoning is not parsed
			return fmt.Sprintf("[think %d] is empty", i+1)
		}
		for part, text := range []string{steps[i].Meta, steps[i].Query, steps[i].Answer} {
			if text == "" {
				return fmt.Sprintf("[%s %d] is empty", parts[part], i+1)
			}
		}
	}
	return ""
}

// ungrounded names the first step that says too much the trace does not, by the measure that
// the steps of a trained model have to pass.
func ungrounded(steps []reward.Step, t reward.Trace, least float64) string {
	if least <= 0 {
		return ""
	}
	const advice = "list what the reasoning does, in its words"
	for _, s := range steps {
		share, absent := reward.Grounding(s, t.Text)
		switch {
		case share < least:
			return fmt.Sprintf("step %d is not from the reasoning: only %.0f %% of its words are there; %s", s.Number, 100*share, advice)
		case absent != "":
			return fmt.Sprintf("step %d is not from the reasoning: %s, in its answer, is not there; %s", s.Number, absent, advice)
		}
	}
	return ""
}
