package reward

import (
	"slices"
	"testing"
)

func TestParseSteps(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []Step
	}{
		"first body counts":              {"[Think 1]: a\n[Answer 1]: 1\n[Think 1]: b\n[Answer 1]: 2\n", []Step{{1, "a", "", "1"}}},
		"first body counts though empty": {"[Think 1]: a\n[Answer 1]:\n[Answer 1]: 2\n", []Step{{1, "a", "", ""}}},
		"no meta, no step":               {"[Query 1]: q\n[Answer 1]: 1\n[Think 2]: b\n[Query 2]: r", []Step{{2, "b", "r", ""}}},
		"ordered by number":              {"[Think 10]: c\n[Think 2]: b\n[Think 1]: a", []Step{{1, "a", "", ""}, {2, "b", "", ""}, {10, "c", "", ""}}},
		"minus is the body's":            {"[Think 1]: a\n[Answer 1]: -5\n[Think 2] b\n[Answer 2] -6", []Step{{1, "a", "", "-5"}, {2, "b", "", "-6"}}},
		"marks":                          {"> - **[Sub-Think 1]**: a\n__[Subproblem 1]:__ q\n# [sub-answer 1] 3\n", []Step{{1, "a", "q", "3"}}},
		"several lines":                  {"[think 1]:\na\nb\n\n[question 1]:\r\nq\r\n", []Step{{1, "a\nb", "q", ""}}},
		"number too long":                {"[think 99999999999999999999]: a", nil},
		"inside a sentence":              {"see [think 1]: a", nil},
		"no number":                      {"[think]: a\n[think one]: b", nil},
	} {
		if got := ParseSteps(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: ParseSteps(%q)\n got %+v\nwant %+v", name, c.text, got, c.want)
		}
	}
}

func FuzzParseSteps(f *testing.F) {
	f.Add("[Meta-Reasoning 1]: a\n[Sub-problem 1]: q\n[Answer 1]: 1</answer>")
	f.Add("**[think 2]**: \xff\n[answer 2]")
	f.Fuzz(func(t *testing.T, text string) {
		last := -1
		for _, step := range ParseSteps(text) {
			if step.Meta == "" || step.Number <= last {
				t.Errorf("step %+v after number %d", step, last)
			}
			last = step.Number
		}
	})
}

func FuzzRules(f *testing.F) {
	for _, c := range readTraces {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, step := range stepsOf(plain(Reasoning(text))) {
			if step.Number != i+1 || step.Meta == "" || step.Query == "" || step.Answer == "" {
				t.Errorf("step %d is %+v", i+1, step)
			}
		}
	})
}
