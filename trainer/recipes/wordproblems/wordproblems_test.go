package wordproblems

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

const (
	seed      = 1
	trainRows = 600
	testRows  = 200
)

func TestShippedFilesAreTheGenerated(t *testing.T) {
	rows, _ := Generate(seed, trainRows, testRows)
	for path, want := range map[string][]Row{
		"../quickstart/train.jsonl": rows[:trainRows],
		"../quickstart/test.jsonl":  rows[trainRows:],
	} {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, JSONL(want)) {
			t.Errorf("%s is not what the generator makes; run go run ./scripts/wordproblems --out trainer/recipes/quickstart", path)
		}
	}
}

func TestRowsAreDistinctAndShort(t *testing.T) {
	rows, _ := Generate(seed, trainRows, testRows)
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.Problem] {
			t.Errorf("%q occurs twice", row.Problem)
		}
		seen[row.Problem] = true
		if len(row.Problem) > 180 || len(row.Generation) > 360 || len(row.Answer) > 3 {
			t.Errorf("%s: problem of %d, generation of %d characters, answer %s: too long for the student",
				row.Template, len(row.Problem), len(row.Generation), row.Answer)
		}
		if strings.ContainsAny(row.Problem+row.Generation[8:], "{%") && strings.Count(row.Generation, "{") != 1 {
			t.Errorf("a field is left in %+v", row)
		}
	}
}

// Every prefix of the test rows is half new templates and half trained ones.
func TestHeldOutTemplatesAlternate(t *testing.T) {
	rows, _ := Generate(seed, trainRows, testRows)
	trainedOn := map[string]bool{}
	for _, row := range rows[:trainRows] {
		trainedOn[row.Template] = true
	}
	if len(trainedOn) < 14 {
		t.Errorf("%d templates in the training rows, want 14 or more", len(trainedOn))
	}
	unseen := map[string]bool{}
	for i, row := range rows[trainRows:] {
		if trainedOn[row.Template] != (i%2 == 1) {
			t.Errorf("test row %d is of template %s", i, row.Template)
		}
		if !trainedOn[row.Template] {
			unseen[row.Template] = true
		}
	}
	if len(unseen) < 7 {
		t.Errorf("%d templates held out, want 7 or more", len(unseen))
	}
}

// The policy is in the text: the question names the first choice before the second.
func TestQuestionNamesTheFirstChoiceFirst(t *testing.T) {
	rows, problems := Generate(seed, trainRows, testRows)
	toldFirst := 0
	for i, p := range problems {
		told, question, _ := cutLast(rows[i].Problem, ". ")
		first, second := strings.TrimPrefix(p.Choices[0], "the "), strings.TrimPrefix(p.Choices[1], "the ")
		if a, b := strings.Index(question, first), strings.Index(question, second); a < 0 || b < a {
			t.Errorf("%q does not name %s before %s", question, first, second)
		}
		if strings.Index(told, first) < strings.Index(told, second) {
			toldFirst++
		}
	}
	if share := float64(toldFirst) / float64(len(problems)); share < 0.45 || share > 0.55 {
		t.Errorf("the first choice is told first in %.2f of the problems: the order of telling gives it away", share)
	}
}

// cutLast cuts a text at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// decomposed returns the steps the rules backend finds in every generation.
func decomposed(t *testing.T, rows []Row) []reward.Decomposition {
	t.Helper()
	traces := make([]reward.Trace, len(rows))
	for i, row := range rows {
		traces[i] = reward.Trace{Problem: row.Problem, Text: row.Generation}
	}
	found, err := scorer(t).Decompose(context.Background(), traces)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// scorer returns a scorer with the default options.
func scorer(t *testing.T) *reward.Scorer {
	t.Helper()
	s, err := reward.NewScorer(reward.DefaultWeights(), reward.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRulesFindTheSteps(t *testing.T) {
	rows, problems := Generate(seed, trainRows, testRows)
	wrong := 0
	for i, d := range decomposed(t, rows) {
		got, want := "", ""
		for _, step := range d.Steps {
			got += step.Answer + "; "
		}
		for _, step := range problems[i].Steps {
			want += fmt.Sprint(step.Value) + "; "
		}
		if got != want {
			wrong++
			t.Logf("%s: answers %s want %s in %q", rows[i].Template, got, want, rows[i].Generation)
		}
	}
	t.Logf("steps and answers as the generator knows them: %d of %d", len(rows)-wrong, len(rows))
	if wrong*100 > len(rows) {
		t.Errorf("%d of %d traces are taken apart wrongly, want at most 1 %%", wrong, len(rows))
	}
}

// structures scores completions of the rows' problems and returns their structure rewards.
func structures(t *testing.T, rows []Row, completion func(i int) string) []float64 {
	t.Helper()
	items := make([]reward.Item, len(rows))
	for i, row := range rows {
		items[i] = reward.Item{Problem: row.Problem, Answer: row.Answer, Generation: row.Generation, Completion: completion(i)}
	}
	scores, err := scorer(t).Score(context.Background(), items)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, len(rows))
	for i, s := range scores {
		if s.Structure.Missing != "" {
			t.Fatalf("row %d: structure missing: %s", i, s.Structure.Missing)
		}
		values[i] = s.Structure.V
	}
	return values
}

// report logs the mean and returns it.
func report(t *testing.T, what string, values []float64) float64 {
	t.Helper()
	sum, least := 0.0, values[0]
	for _, v := range values {
		sum += v
		least = min(least, v)
	}
	t.Logf("%s: mean structure %.4f, least %.2f, of %d", what, sum/float64(len(values)), least, len(values))
	return sum / float64(len(values))
}

func TestTeacherMatchesItself(t *testing.T) {
	rows, _ := Generate(seed, trainRows, testRows)
	for i, v := range structures(t, rows, func(i int) string { return rows[i].Generation }) {
		if v != 1 {
			t.Errorf("row %d scores %g against itself: %q", i, v, rows[i].Generation)
		}
	}
}

func TestParaphraseMatches(t *testing.T) {
	rows, problems := Generate(seed, trainRows, testRows)
	values := structures(t, rows, func(i int) string { return Teach(problems[i], seed+1, uint64(i)) })
	for i, v := range values {
		if v < 1 {
			t.Logf("%g: %q against %q", v, Teach(problems[i], seed+1, uint64(i)), rows[i].Generation)
		}
	}
	if mean := report(t, "other wording", values); mean < 0.95 {
		t.Errorf("mean structure %.3f, want 0.95 or more", mean)
	}
}

func TestOtherOrderDoesNotMatch(t *testing.T) {
	rows, problems := Generate(seed, 0, testRows)
	values := structures(t, rows, func(i int) string { return Teach(otherOrder(problems[i]), seed+1, uint64(i)) })
	if mean := report(t, "other order", values); mean > 0.05 {
		t.Errorf("mean structure %.3f, want near 0", mean)
	}
}

// otherOrder returns a problem whose first two steps are the other way round. In a chain the
// values are those of the right order, which is good enough to see that the order counts.
func otherOrder(p Problem) Problem {
	steps := append([]Step(nil), p.Steps...)
	steps[0], steps[1] = steps[1], steps[0]
	p.Steps, p.Choices = steps, [2]string{p.Choices[1], p.Choices[0]}
	return p
}

// A slip in the second step's value costs half of that step and no more.
func TestWrongValueHalvesItsStep(t *testing.T) {
	rows, problems := Generate(seed, 0, testRows)
	values := structures(t, rows, func(i int) string {
		slip := problems[i]
		slip.Steps = append([]Step(nil), slip.Steps...)
		slip.Steps[1].Value++
		return Teach(slip, seed+1, uint64(i))
	})
	for i, v := range values {
		n := float64(len(problems[i].Steps))
		if want := (n - 0.5) / n; v != want {
			t.Errorf("row %d: structure %g with a slip in step 2 of %g, want %g", i, v, n, want)
		}
	}
}
