package reward

import (
	"fmt"
	"strings"
)

// PromptVersion names the wording of the prompts below. It is part of every cache key, and an
// adapter that was trained on one version is refused by another. A change of wording is a new
// version.
const PromptVersion = "gsrm-1"

// decomposeSystem is the instruction that a generative structure reward model is trained and
// used with.
const decomposeSystem = `List the steps of the reasoning, each in three lines: [think N]: what it turns to next, and why; [query N]: the sub-problem; [answer N]: its result.`

// DecomposePrompt is what a generative structure reward model is asked, in training and in use:
// the steps of a trace, of what [Shown] leaves of it. Its reply is as [FormatSteps] writes it.
func DecomposePrompt(t Trace) Prompt {
	t = Shown(t)
	stem := "Problem: " + t.Problem + "\nReasoning: "
	return Prompt{System: decomposeSystem, User: stem + t.Text, Stem: len(stem)}
}

// NoSteps is the reply that says that a trace has no steps.
const NoSteps = "[none]"

// FormatSteps writes steps as a generative structure reward model is taught to, so that
// [ParseSteps] reads them back.
func FormatSteps(steps []Step) string {
	if len(steps) == 0 {
		return NoSteps
	}
	var b strings.Builder
	for i, s := range steps {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[think %d]: %s", s.Number, s.Meta)
		if s.Query != "" {
			fmt.Fprintf(&b, "\n[query %d]: %s", s.Number, s.Query)
		}
		if s.Answer != "" {
			fmt.Fprintf(&b, "\n[answer %d]: %s", s.Number, s.Answer)
		}
	}
	return b.String()
}
