package wordproblems

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

const traceRows, traceTests = 1500, 400

func TestShippedTracesAreTheGenerated(t *testing.T) {
	_, test := Traces(seed, 3000, traceTests)
	got, err := os.ReadFile("../gsrm/test.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, JSONL(test)) {
		t.Error("../gsrm/test.jsonl is not what the generator makes; see trainer/recipes/gsrm/README.md")
	}
}

var field = regexp.MustCompile(`\{[a-zA-Z]\}|[«»\x{FFFD}]`)

// The labels say what is in the text, and a model's reply that has them reads back the same.
func TestLabelsAreFaithful(t *testing.T) {
	train, test := Traces(seed, traceRows, traceTests)
	for _, row := range append(train, test...) {
		text := row.Text
		for i, s := range row.Steps {
			if s.Number != i+1 {
				t.Errorf("step %d has number %d", i+1, s.Number)
			}
			if !spoken(text, s.Meta, s.Query) {
				t.Errorf("%q does not say %q", text, s.Meta)
			}
			if number := strings.Trim(s.Answer, "$ abcdefghijklmnopqrstuvwxyz"); !strings.Contains(text, number) {
				t.Errorf("%q has no answer %q", text, s.Answer)
			}
			if field.MatchString(s.Meta + s.Query + s.Answer) {
				t.Errorf("a field is left in %+v", s)
			}
		}
		if field.MatchString(strings.NewReplacer(`\boxed{`, "", `\frac{`, "").Replace(text)) {
			t.Errorf("a field is left in %q", text)
		}
		if back := reward.ParseSteps(reward.FormatSteps(row.Steps)); !slices.Equal(back, row.Steps) {
			t.Errorf("read back: %+v\nwritten: %+v", back, row.Steps)
		}
	}
}

// spoken tells whether the text has the meta-reasoning; a bare calculation may be written there
// in words.
func spoken(text, meta, query string) bool {
	for part := range strings.SplitSeq(strings.ToLower(meta), ". ") {
		if meta != query && !strings.Contains(strings.ToLower(text), part) {
			return false
		}
	}
	return true
}

// Every kind of step and text that a model has to tell apart occurs often enough to be learnt.
func TestTracesAreVaried(t *testing.T) {
	rows, _ := Traces(seed, traceRows, 0)
	counts := map[string]int{}
	texts, metas := map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		texts[row.Text] = true
		counts[strconv.Itoa(min(len(row.Steps), 5))+" steps"]++
		for _, s := range row.Steps {
			metas[nouns.ReplaceAllString(s.Meta, "")] = true
			if s.Meta == s.Query {
				counts["bare"]++
			}
		}
		for _, mark := range []string{"\n", `\times`, "[think", "ait, no", "heck", "$", " times ", "udge"} {
			if strings.Contains(row.Text, mark) {
				counts[mark]++
			}
		}
	}
	t.Logf("%v; %d different texts, %d different meta-reasonings", counts, len(texts), len(metas))
	for _, what := range []string{"0 steps", "1 steps", "2 steps", "3 steps", "4 steps", "bare", "\n", `\times`, "[think", "ait, no", "heck", "$", " times ", "udge"} {
		if counts[what] < 15 {
			t.Errorf("only %d of %d texts have %q", counts[what], traceRows, what)
		}
	}
	if len(texts) < traceRows*99/100 || len(metas) < 1000 {
		t.Errorf("%d different texts, %d different meta-reasonings", len(texts), len(metas))
	}
}

var nouns = regexp.MustCompile(`\d+|[A-Z][a-z]+'?s?`)

// Test rows share no problem with training rows, and half of them no frame and no template.
func TestTraceSplits(t *testing.T) {
	train, test := Traces(seed, traceRows, traceTests)
	problems, templates, sources := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, row := range train {
		problems[row.Problem], templates[row.Template] = true, true
	}
	for _, row := range test {
		sources[row.Source]++
		if problems[row.Problem] {
			t.Errorf("%q is in both sets", row.Problem)
		}
		if known := strings.HasPrefix(row.Source, "trained"); known != templates[row.Template] {
			t.Errorf("template %s of a row of %s", row.Template, row.Source)
		}
	}
	if len(sources) != 4 {
		t.Fatalf("sources %v, want four", sources)
	}
	for source, n := range sources {
		if n != traceTests/4 {
			t.Errorf("%d rows of %s, want %d", n, source, traceTests/4)
		}
	}
}

// The exact steps of the quick start's rows are what its rules decomposer finds, in other words.
func TestStepsOfTheQuickStart(t *testing.T) {
	rows, problems := Generate(seed, trainRows, testRows)
	exact := WithSteps(seed, rows, problems)
	judge := reward.Rules{Threshold: 0.5}
	different, all := 0, 0
	for i, d := range decomposed(t, rows) {
		if len(d.Steps) != len(exact[i].Steps) {
			different += len(exact[i].Steps)
			continue
		}
		for j, s := range exact[i].Steps {
			all++
			questions := []reward.Question{
				{Kind: reward.Meta, Problem: rows[i].Problem, Student: d.Steps[j].Meta, Teacher: s.Meta},
				{Kind: reward.Query, Problem: rows[i].Problem, Student: d.Steps[j].Query, Teacher: s.Query},
				{Kind: reward.Answer, Problem: rows[i].Problem, Student: d.Steps[j].Answer, Teacher: s.Answer},
			}
			verdicts, err := judge.Judge(t.Context(), questions)
			if err != nil {
				t.Fatal(err)
			}
			if !verdicts[0].Same || !verdicts[1].Same || !verdicts[2].Same {
				different++
				t.Logf("%+v\n%+v: %v", d.Steps[j], s, verdicts)
			}
		}
	}
	if t.Logf("%d of %d steps judged different", different, all); different*100 > all {
		t.Errorf("%d of %d steps are judged different from what the rules find", different, all)
	}
}
