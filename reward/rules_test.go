package reward

import (
	"context"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward/hacking"
)

// The traces below are in the style of worked school problems and of reasoning models, not in
// that of the quick start's generator; the steps were labelled by hand.
var readTraces = []struct {
	text string
	want []string // "words of the query | calculation | answer"
}{
	{
		"Natalia sold 48/2 = 24 clips in May. Natalia sold 48 + 24 = 72 clips altogether in April and May.",
		[]string{"clips May | 48/2 | 24 clips", "clips altogether | 48 + 24 | 72 clips"},
	},
	{
		"Okay, let me think. I need to find how many eggs Janet has left.\nShe uses 3 + 4 = 7 eggs, so there are 16 - 7 = 9 eggs left.\n" +
			"Then I need the money she makes: 9 * 2 = $18.",
		[]string{"eggs | 3 + 4 | 7 eggs", "eggs left | 16 - 7 | 9 eggs", "money | 9 * 2 | $18"},
	},
	{
		"The shirts are 4 times 15 dollars, so 4 times 15 is 60 dollars.\nNow for the shoes. Half of 60 is 30.\n" +
			"Therefore the total is 60 + 30 = 90 dollars. The answer is 90.",
		[]string{"shirts || 60 dollars", "shoes || 30", "total | 60 + 30 | 90 dollars"},
	},
	{
		"Let x = 5 be the number of cats. The dogs are twice as many: 2 * 5 = 10 dogs. Wait, let me check: 2 * 5 = 10. Yes.\n" +
			"All the animals together: 5 + 10 = 15.",
		[]string{"dogs | 2 * 5 | 10 dogs", "animals together | 5 + 10 | 15"},
	},
	{
		"**Step 1: distance in the morning.** $60 \\times 2 = 120$ km.\n**Step 2: distance after lunch.** $40 \\times 3 = 120$ km.\n" +
			"**Step 3: total.** \\[120 + 120 = 240\\]",
		[]string{"distance morning | 60 * 2 | 120", "distance lunch | 40 * 3 | 120", "total | 120 + 120 | 240"},
	},
	{
		"To find the area of the garden: 12 x 5 = 60 square meters. The path takes up 10. For the lawn, 60 − 10 = 50.",
		[]string{"area garden | 12 * 5 | 60 square meters", "lawn | 60 - 10 | 50"},
	},
	{
		"The day's distance is speed × time = 80 × 3 = 240 km. The rest is 300 − 240 = 60 km.",
		[]string{"speed time | 80 * 3 | 240 km", "rest | 300 - 240 | 60 km"},
	},
	{
		"I should get the women first rather than the men, because the question asks about the women.\n40 - 8 = 32",
		[]string{"women | 40 - 8 | 32"},
	},
	{
		"Sally starts with 10 apples. She gives away 3 apples, leaving 7. Then she buys 5 pears, so she has 12.",
		[]string{"apples || 7", "pears || 12"},
	},
	{"There are 1,200 seats. The empty seats: 1,200 / 4 = 300.", []string{"empty seats | 1,200 / 4 | 300"}},
	{"A chain of guesses for the pens: 3 * 4 = 10 + 2 = 12.", []string{"pens | 3 * 4 = 10 + 2 | 12"}},
	{"I know that there are 24 pens. Is it 24? So I wonder whether that is so.", nil},
	{"[Meta-Reasoning 1]: First find the pens.\n[Sub-problem 1]: How many pens?\n[Answer 1]: 24", nil},
	{"", nil},
	{"= = = 5 == 7 +-*/ = x", nil},
}

func TestRulesReadTraces(t *testing.T) {
	for _, c := range readTraces {
		found, err := Rules{}.Decompose(context.Background(), []Trace{{Text: c.text}})
		if err != nil {
			t.Fatal(err)
		}
		steps := found[0].Steps
		if len(steps) != len(c.want) {
			t.Errorf("%q: %d steps %+v, want %d", c.text, len(steps), steps, len(c.want))
			continue
		}
		for i, want := range c.want {
			checkStep(t, c.text, steps[i], strings.Split(want, "|"))
		}
	}
}

// checkStep compares a step with its words, calculation and answer.
func checkStep(t *testing.T, text string, got Step, want []string) {
	t.Helper()
	for _, word := range strings.Fields(want[0]) {
		if !strings.Contains(got.Query, word) {
			t.Errorf("%q, step %d: query %q lacks %q", text, got.Number, got.Query, word)
		}
	}
	if calculation := strings.TrimSpace(want[1]); !strings.HasSuffix(got.Query, calculation) {
		t.Errorf("%q, step %d: query %q lacks the calculation %q", text, got.Number, got.Query, calculation)
	}
	if answer := strings.TrimSpace(want[2]); got.Answer != answer {
		t.Errorf("%q, step %d: answer %q, want %q", text, got.Number, got.Answer, answer)
	}
	if got.Meta == "" {
		t.Errorf("%q, step %d has no meta-reasoning", text, got.Number)
	}
}

func TestFocus(t *testing.T) {
	for text, want := range map[string]string{
		"I could start with the pens or the books, but the question asks for the books, so first I find the books:": "the books",
		"The books come first:":                                        "The books come first",
		"I take the pens rather than the books:":                       "the pens",
		"I begin with the pens because the books depend on them:":      "the pens",
		"Since the books are known, we need the cost of the pens:":     "the cost of the pens",
		"How many pens are there? So":                                  "How many pens are there",
		"To get the number of pens, multiply the packs by the bags:":   "the number of pens",
		"We need the total, so the pens come first:":                   "the pens come first",
		"The pens, which the total needs, are next:":                   "The pens",
		"First, I need to figure out the price of the tickets (in $):": "the price of the tickets",
		"So, now, then:": "",
	} {
		if got := focus(text); got != want {
			t.Errorf("focus(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRulesJudge(t *testing.T) {
	judge := Rules{Threshold: DefaultOptions().Judge.Threshold}
	for _, c := range []struct {
		kind             Kind
		student, teacher string
		want             bool
	}{
		{Meta, "First I find the cost of the pens", "We need to know what the pens cost", true},
		{Meta, "First I find the cost of the pens", "First I find the cost of the books", false},
		{Meta, "Pens or books? Pens are asked first, so I find the pens", "Books come later. I want the number of pens", true},
		{Meta, "I find the pens and the books", "I find the pens", false},
		{Meta, "Now the total", "Now the pens and books altogether", true},
		{Meta, "Now the total", "Now the pens", false},
		{Meta, "Now how many more", "Now the difference", true},
		{Meta, "How many red pens?", "How many blue pens?", false},
		{Meta, "what is left after Tom", "the ones left after Ann", false},
		{Meta, "what remains after Tom", "what is left after Tom", true},
		{Meta, "3 * 4", "3 * 4", true},
		{Meta, "3 * 4", "the pens", false},
		{Meta, "yes, the same", "the pens", false},
		{Query, "the pens: 3 * 4", "how many pens: 4 * 3", true},
		{Query, "the pens: 3 + 4", "how many pens: 3 * 4", false},
		{Query, "the pens: 5 * 9", "how many pens: 4 * 3", false},
		{Query, "the total: 11 + 19", "the sum: 12 + 20", true},
		{Query, "the pens: 4 + 4 + 4", "the pens: 3 * 4", true},
		{Query, "How many pens?", "the pens: 3 * 4", true},
		{Answer, "the red ones", "The red ones.", true},
		{Answer, "12 pens", "12", true},
		{Answer, "12 pens", "12 books", false},
		{Answer, "12 pens", "13 pens", false},
		{Answer, "12 or 13 pens", "13 pens", false},
		{Answer, "-3", "3", false},
	} {
		verdicts, err := judge.Judge(context.Background(), []Question{{c.kind, penProblem, c.student, c.teacher}})
		if err != nil || verdicts[0] != (Verdict{Same: c.want, By: "rules"}) {
			t.Errorf("%s: %q against %q: %+v, %v; want same = %v", c.kind, c.student, c.teacher, verdicts, err, c.want)
		}
	}
}

const (
	penProblem = hacking.Problem
	penTeacher = hacking.Teacher
)

// penItem is a completion of penProblem with the given reasoning, in the right form.
func penItem(reasoning, answer string) Item {
	return Item{Problem: penProblem, Answer: hacking.Answer, Generation: penTeacher, Completion: hacking.Completion(reasoning, answer)}
}

func TestStructureByRulesTellsGoodFromBad(t *testing.T) {
	s := byRules(t)
	for name, c := range map[string]struct {
		reasoning string
		want      float64
	}{
		"same order, other words": {"Let me see what is asked. I start with the number of pens. There are 3 boxes with 4 each. The pens: 3 x 4 = 12.\n" +
			"Next I work out how many books: 2 x 10 = 20.\nAltogether: 12 + 20 = 32.", 1},
		"same order, running on": {"3 boxes of 4 give the pens, so the pens are 3 * 4 = 12. Then the books are 2 * 10 = 20. So the total is 12 + 20 = 32.", 1},
		"other order":            {"First I find the books: 2 * 10 = 20. Then the pens: 3 * 4 = 12. Then the total: 20 + 12 = 32.", 0},
		"slip in step 2":         {"First I find the pens: 3 * 4 = 12. Then the books: 2 * 10 = 22. Then the total: 12 + 20 = 32.", 2.5 / 3},
		"slip carried on":        {"First I find the pens: 3 * 4 = 12. Then the books: 2 * 10 = 22. Then the total: 12 + 22 = 34.", 2. / 3},
		"wrong numbers":          {"First I find the pens: 2 * 10 = 20. Then the books: 2 * 10 = 20. Then the total: 20 + 20 = 40.", (0.25 + 1 + 0.5) / 3},
		"wrong operation":        {"First I find the pens: 3 + 4 = 7. Then the books: 2 * 10 = 20. Then the total: 7 + 20 = 27.", (0.25 + 1 + 0.5) / 3},
		"wrong quantity":         {"First I find the pens: 3 * 4 = 12. Then the bags: 2 * 10 = 20. Then the total: 12 + 20 = 32.", 1. / 3},
		"stops early":            {"First I find the pens, of course: 3 * 4 = 12 pens.", 1. / 3},
	} {
		if got := scoreOne(t, s, penItem(c.reasoning, "32")).Structure; got != (Value{V: c.want}) {
			t.Errorf("%s: structure %+v, want %g", name, got, c.want)
		}
	}
}
