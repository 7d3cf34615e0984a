package reward

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
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

// The labels are looked for line by line, and Go's regular expressions read a line once. What
// could be more than linear is what is kept: an adversary's labels, bodies and numbers twice as
// long must not make ParseSteps allocate much more than twice as much.
func TestParseStepsIsLinear(t *testing.T) {
	for name, text := range map[string]func(n int) string{
		"one label again and again": func(n int) string { return strings.Repeat("[think 1]: a\n", n) },
		"labels of many numbers": func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "[think %d]: a\n[answer %d]: b\n", n-i, i)
			}
			return b.String()
		},
		"brackets":         func(n int) string { return strings.Repeat("[", 16*n) + strings.Repeat("[ think ", n) },
		"marks":            func(n int) string { return strings.Repeat("*# >-_", 4*n) + "[think 1" },
		"blanks in labels": func(n int) string { return "[" + strings.Repeat(" ", 8*n) + "think" + strings.Repeat(" ", 8*n) + "1" },
		"a body of lines":  func(n int) string { return "[think 1]: a\n" + strings.Repeat("b\n", 8*n) + "</answer>" },
		"line ends":        func(n int) string { return strings.Repeat("\n", 16*n) },
		"invalid UTF-8":    func(n int) string { return strings.Repeat("[think \xff1]: \xff\n", n) },
	} {
		allocated := func(n int) uint64 {
			s := text(n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ParseSteps(s)
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		allocated(1 << 10) // what is made once
		if once, twice := allocated(1<<12), allocated(1<<13); float64(twice) > 2.6*float64(once)+1<<14 {
			t.Errorf("%s: %d bytes allocated, and %d for a text twice as long", name, once, twice)
		}
	}
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

// BenchmarkParseSteps reads a text of twenty steps.
func BenchmarkParseSteps(b *testing.B) {
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "[Meta-Reasoning %d]: Next I need the sum of what is in both of the boxes.\n[Sub-problem %[1]d]: 12 + %[1]d\n[Answer %[1]d]: %d\n", i+1, 13+i)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		ParseSteps(text.String())
	}
}
