package label

import (
	"reflect"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

// TestExamples checks that the examples are what they ask for: that their steps, as they stand
// in the prompt, pass the check that replies have to pass, and belong to their own reasoning.
func TestExamples(t *testing.T) {
	var all []example
	for _, d := range Domains {
		if guidance[d] == "" || len(examples[d]) < 2 {
			t.Errorf("%s: guidance %q, %d examples", d, guidance[d], len(examples[d]))
		}
		all = append(all, examples[d]...)
	}
	for i, e := range all {
		steps, fault := read(reward.FormatSteps(e.steps), e.trace, 0.5)
		if fault != "" || !reflect.DeepEqual(steps, e.steps) {
			t.Errorf("%s: %s\n%+v", e.trace.Problem, fault, steps)
		}
		other := all[(i+2)%len(all)] // of another kind or domain
		if _, fault := read(reward.FormatSteps(e.steps), other.trace, 0.5); !strings.Contains(fault, "is not from the reasoning") {
			t.Errorf("%s: its steps pass as those of %s", e.trace.Problem, other.trace.Problem)
		}
	}
}

func TestPrompt(t *testing.T) {
	trace := reward.Trace{Problem: "Why?", Text: "Because."}
	seen := map[string]bool{}
	for _, d := range Domains {
		p := Prompt(d, trace)
		seen[p.System] = true
		if strings.Contains(p.System, "%!") || !strings.Contains(p.System, guidance[d]) || strings.Count(p.System, "[think 1]:") != len(examples[d]) {
			t.Errorf("%s: %s", d, p.System)
		}
		if p.User != "<problem>\nWhy?\n</problem>\n<reasoning>\nBecause.\n</reasoning>" {
			t.Errorf("got %q", p.User)
		}
	}
	if len(seen) != len(Domains) {
		t.Error("domains share a prompt")
	}
	p := again(Prompt(Math, trace), " [think 1]: x ", "it ends before [query 1]")
	if !strings.Contains(p.User, "<reply>\n[think 1]: x\n</reply>\nIt cannot be used: it ends before [query 1].") {
		t.Errorf("got %q", p.User)
	}
}

func TestRead(t *testing.T) {
	trace := reward.Trace{Problem: "Apples?", Text: "First the total of apples, 3 + 4 = 7. Then those that are left, 7 - 2 = 5."}
	const first = "[think 1]: first the total\n[query 1]: total of apples?\n[answer 1]: 7"
	const second = "\n[think 2]: then those left\n[query 2]: apples left?\n[answer 2]: 5"
	two := []reward.Step{
		{Number: 1, Meta: "first the total", Query: "total of apples?", Answer: "7"},
		{Number: 2, Meta: "then those left", Query: "apples left?", Answer: "5"},
	}
	for _, c := range []struct {
		name, reply string
		want        []reward.Step
		fault       string
	}{
		{"right", first + second, two, ""},
		{"introduced, marked and fenced", "Here are the steps:\n" + strings.ReplaceAll("```\n"+first+second+"\n```", "[think 2]:", "**[Think 02]**:"), two, ""},
		{"fenced", "```text\n" + first + second + "\n```", two, ""},
		{"marked", strings.ReplaceAll(first+second, "[think", "- **[Think"), two, ""},
		{"introduced", "Here they are.\n\n" + first + "\n" + second, two, ""},
		{"after reasoning", "<think>\n[think 1]: hm\n</think>\n" + first + second, two, ""},
		{"a part of two lines", strings.Replace(first+second, "the total", "the\n  total", 1), two, ""},
		{"none", " [NONE].\n", []reward.Step{}, ""},
		{"none and steps", "[none]\n" + first, two[:1], ""},
		{"empty", "", nil, "it has no line that begins with [think 1]"},
		{"prose", "The total is 7, then 5.", nil, "it has no line that begins with [think 1]"},
		{"the other vocabulary", "[meta-reasoning 1]: a\n[sub-problem 1]: b\n[answer 1]: 7", nil, "where [think 1] should come, it has [answer 1]"},
		{"from zero", strings.ReplaceAll(first, "1]", "0]"), nil, "where [think 1] should come, it has [think ]"},
		{"a gap", first + strings.ReplaceAll(second, "2]", "3]"), nil, "where [think 2] should come, it has [think 3]"},
		{"twice", first + "\n" + first, nil, "where [think 2] should come, it has [think 1]"},
		{"no query", strings.Replace(first, "[query 1]: total of apples?\n", "", 1), nil, "where [query 1] should come, it has [answer 1]"},
		{"no end", first + "\n[think 2]: then", nil, "it ends before [query 2]"},
		{"empty meta", strings.Replace(first, "first the total", "", 1), nil, "[think 1] is empty"},
		{"empty answer", strings.Replace(first+second, ": 7", ":", 1), nil, "[answer 1] is empty"},
		{"made up", first + "\n[think 2]: quadratic equations follow\n[query 2]: discriminant of the polynomial?\n[answer 2]: negative",
			nil, "step 2 is not from the reasoning: only 0 % of its words"},
		{"a number made up", first + strings.Replace(second, ": 5", ": 5 or 6", 1), nil, "step 2 is not from the reasoning: 6, in its answer, is not there"},
	} {
		got, fault := read(c.reply, trace, 0.5)
		if fault != "" {
			got = nil
		}
		if !reflect.DeepEqual(got, c.want) || !strings.HasPrefix(fault, c.fault) || (c.fault == "") != (fault == "") {
			t.Errorf("%s: got %+v, %q; want %+v, %q", c.name, got, fault, c.want, c.fault)
		}
	}
	if _, fault := read("[think 1]: x\n[query 1]: elephants\n[answer 1]: giraffe", trace, 0); fault != "" {
		t.Errorf("grounding 0 refuses: %s", fault)
	}
}
