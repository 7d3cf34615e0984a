package reward

import (
	"regexp"
	"strings"
)

// form is the format reward's pattern of the released recipe (rlkd.md, "The other rewards").
var form = regexp.MustCompile(`(?s)\A<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>(?m:$)`)

// Format returns 1 for a completion of the form <think>\n…\n</think>\n<answer>\n…\n</answer>
// from its very start, and 0 for any other. Text after the end of that line is allowed.
func Format(completion string) float64 {
	if form.MatchString(completion) {
		return 1
	}
	return 0
}

// TagCount returns a quarter for each of the four tags, with the line breaks that belong to
// it, that occurs exactly once.
func TagCount(completion string) float64 {
	score := 0.0
	for _, tag := range []string{"<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"} {
		if strings.Count(completion, tag) == 1 {
			score += 0.25
		}
	}
	return score
}

// Reasoning returns the text before the first </think>, the whole text if there is none,
// without a leading <think>. Bytes that are no UTF-8 become U+FFFD.
func Reasoning(text string) string {
	text, _, _ = strings.Cut(text, "</think>")
	text = strings.TrimPrefix(strings.TrimSpace(text), "<think>")
	return strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
}
