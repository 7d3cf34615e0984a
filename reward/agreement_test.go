package reward

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

// fixed is a decomposer and judge with answers written down beforehand.
type fixed struct {
	steps    map[string][]Step // by text; a text that is not there is missing
	verdicts map[string]Verdict
}

func (f fixed) Decompose(_ context.Context, traces []Trace) ([]Decomposition, error) {
	out := make([]Decomposition, len(traces))
	for i, t := range traces {
		if steps, ok := f.steps[t.Text]; ok {
			out[i].Steps = steps
		} else {
			out[i].Missing = "timeout: nobody there"
		}
	}
	return out, nil
}

func (f fixed) Judge(_ context.Context, questions []Question) ([]Verdict, error) {
	out := make([]Verdict, len(questions))
	for i, q := range questions {
		out[i] = f.verdicts[q.Student]
	}
	return out, nil
}

func fixedScorer(f fixed) *Scorer {
	o := DefaultOptions()
	o.MinTraceChars = 0
	return NewScorerWith(DefaultWeights(), o, f, f)
}

// stepList makes steps of "query | answer" lines.
func stepList(lines ...string) []Step {
	var steps []Step
	for i, l := range lines {
		query, answer, _ := strings.Cut(l, " | ")
		steps = append(steps, Step{i + 1, query, query, answer})
	}
	return steps
}

func TestAgreeOnTraces(t *testing.T) {
	found := map[string][]Step{
		// All three as labelled: one answer with a unit, one query with another name.
		"a": stepList("the pens: 3 * 4 | 12", "cups: 2*5 | 10 dollars", "the total: 12 + 10 | 22"),
		// The first is no labelled step; the third has the label's calculation and a misread answer.
		"b": stepList("the check: 9 - 5 | 4", "the area: 5 * 6 | 30", "the rest: 30 - 7 | 32"),
		// Found where there is none.
		"c": stepList("x: 1 + 1 | 2"),
		// None where there is none.
		"d": nil,
	}
	labels := []LabelledTrace{
		{Trace{"p", "a"}, stepList("the pens: 3 * 4 | 12", "the cups: 2 * 5 | 10", "the total: 12 + 10 | 22"), map[string]string{"source": "one"}},
		{Trace{"p", "b"}, stepList("the area: 5 * 6 | 30", "the rest: 30 - 7 | 23"), map[string]string{"source": "two"}},
		{Trace{"p", "c"}, nil, map[string]string{"source": "two"}},
		{Trace{"p", "d"}, nil, nil},
		{Trace{"p", "e"}, stepList("y: 2 + 2 | 4"), nil}, // missing
	}
	got, steps, err := fixedScorer(fixed{steps: found}).AgreeOnTraces(t.Context(), labels)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 5 || steps[4].Missing == "" || len(steps[1].Steps) != 3 {
		t.Errorf("decompositions %+v", steps)
	}
	if got.Texts != 5 || got.Missing != 1 {
		t.Errorf("%d texts, %d missing, want 5 and 1", got.Texts, got.Missing)
	}
	// Same steps: three of a, the area of b. Found 3 + 3 + 1, labelled 3 + 2 + 1. Aligned: 3 + 2.
	for name, c := range map[string]struct {
		got  Share
		want float64
		n    int
	}{
		"parsed":        {got.Parsed, 3.0 / 5, 5}, // a, b, d
		"precision":     {got.Precision, 4.0 / 7, 7},
		"recall":        {got.Recall, 4.0 / 6, 6},
		"f1":            {got.F1, 8.0 / 13, 13},
		"query_exact":   {got.QueryExact, 4.0 / 5, 5},   // "cups: 2*5" is not "the cups: 2 * 5"
		"answer_exact":  {got.AnswerExact, 3.0 / 5, 5},  // "10 dollars" and 32 are not
		"count_exact":   {got.CountExact, 2.0 / 5, 5},   // a, d
		"answers_exact": {got.AnswersExact, 2.0 / 5, 5}, // a, d
	} {
		if math.Abs(c.got.Value-c.want) > 1e-12 || c.got.N != c.n || c.got.Low > c.want || c.got.High < c.want {
			t.Errorf("%s: %+v, want %g of %d", name, c.got, c.want, c.n)
		}
	}
	two := got.By["source"]["two"]
	if two.Texts != 2 || two.Recall.Value != 0.5 || two.Parsed.Value != 0.5 || len(got.By["source"]) != 2 {
		t.Errorf("by source: %+v", got.By)
	}
}

// An alignment crosses no two pairs, and prefers steps that are equal in both parts.
func TestAlign(t *testing.T) {
	for name, c := range map[string]struct {
		found, labels []Step
		want          [][2]int
	}{
		"swapped":  {stepList("a: 1 + 2 | 3", "b: 4 + 5 | 9"), stepList("b: 4 + 5 | 9", "a: 1 + 2 | 3"), [][2]int{{1, 0}}},
		"skipped":  {stepList("a: 1 + 2 | 3", "b: 4 + 5 | 9"), stepList("z: 7 + 7 | 14", "b: 4 + 5 | 9"), [][2]int{{1, 1}}},
		"better":   {stepList("a: 2 * 6 | 12", "b: 3 * 4 | 12"), stepList("b: 3 * 4 | 12"), [][2]int{{1, 0}}},
		"repeated": {stepList("a: 2 * 6 | 12", "a: 2 * 6 | 12"), stepList("a: 2 * 6 | 12"), [][2]int{{0, 0}}},
		"words":    {stepList("what Ada owns | the fish"), stepList("the pet Ada owns: allergic | fish"), nil},
		"named":    {stepList("the pens cost | 12"), stepList("the cost of the pens: 3 * 4 | 12"), [][2]int{{0, 0}}},
		"commas":   {stepList("x: 1,100 + 640 | 1740"), stepList("y: 1100 + 640 | 1,740"), [][2]int{{0, 0}}},
		"nothing":  {nil, stepList("a: 1 + 2 | 3"), nil},
	} {
		var got [][2]int
		for _, p := range align(c.found, c.labels) {
			got = append(got, [2]int{p.found, p.label})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// pairsWith makes pairs of kind meta and the fixed judge's verdicts: p is the probability of
// yes, negative for a verdict without one, which is then no.
func pairsWith(p []float64, same []bool, threshold float64) (fixed, []LabelledPair) {
	f := fixed{verdicts: map[string]Verdict{}}
	var pairs []LabelledPair
	for i := range p {
		student := string(rune('a' + i))
		v := Verdict{By: "judge"}
		if p[i] >= 0 {
			v.P, v.Same = &p[i], p[i] > threshold
		}
		f.verdicts[student] = v
		pairs = append(pairs, LabelledPair{Question{Meta, "about " + student, student, "teacher"}, same[i], map[string]string{"source": "x"}})
	}
	return f, pairs
}

func TestAgreeOnPairs(t *testing.T) {
	// Verdicts at 0.5: no, yes, yes, yes, no; right: the first, the fourth and the last.
	f, pairs := pairsWith([]float64{0.1, 0.6, 0.65, 0.9, -1}, []bool{false, false, false, true, false}, 0.5)
	missing := LabelledPair{Question{Query, "problem", "gone", "teacher"}, true, nil}
	f.verdicts["gone"] = Verdict{Missing: "timeout: nobody there"}
	got, verdicts, err := fixedScorer(f).AgreeOnPairs(t.Context(), append(pairs, missing))
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 6 || verdicts[3].P == nil || got.Pairs != 6 || got.Missing != 1 {
		t.Errorf("verdicts %+v of %+v", verdicts, got)
	}
	if got.Accuracy.Value != 0.5 || got.Precision.Value != 1.0/3 || got.Recall.Value != 0.5 {
		t.Errorf("accuracy %g, precision %g, recall %g; want 1/2, 1/3, 1/2", got.Accuracy.Value, got.Precision.Value, got.Recall.Value)
	}
	// Anything between 0.65 and 0.9 sets the two right; the missing pair stays wrong.
	if b := got.Best; b == nil || math.Abs(b.Threshold-0.775) > 1e-12 || b.Accuracy.Value != 5.0/6 || b.Probabilities != 4 {
		t.Errorf("best threshold %+v, want 0.775 with 5 of 6", got.Best)
	}
	// Left out, 0.9 is judged by 0.825, halfway from 0.65 to 1, and 0.65 by 0.75: all four are right.
	if got.Best != nil && got.Best.HeldOut.Value != 5.0/6 {
		t.Errorf("held out %g, want 5/6", got.Best.HeldOut.Value)
	}
	if m := got.By["kind"]["meta"]; m.Pairs != 5 || m.Accuracy.Value != 3.0/5 {
		t.Errorf("meta: %+v", m)
	}
	if q := got.By["kind"]["query"]; q.Pairs != 1 || q.Accuracy.Value != 0 || q.Best != nil {
		t.Errorf("query: %+v", q)
	}
}

// Pairs of one problem do not choose the threshold that they are judged by.
func TestHeldOutProblems(t *testing.T) {
	f, pairs := pairsWith([]float64{0.1, 0.2, 0.6, 0.7}, []bool{true, false, false, true}, 0.5)
	pairs[0].Problem, pairs[1].Problem = "one", "one"
	pairs[2].Problem, pairs[3].Problem = "two", "two"
	got, _, err := fixedScorer(f).AgreeOnPairs(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	// On problem two 0.65 is best: it gets 0.2 of problem one right, and 0.1 wrong. On problem one
	// a threshold below both, or above, has one right: the one above, 0.6, is nearer to a half; it
	// gets 0.7 right and, as 0.6 is not above it, 0.6 as well.
	if got.Best == nil || got.Best.HeldOut.Value != 0.75 {
		t.Errorf("best %+v, want 0.75 held out", got.Best)
	}
}

func TestChooseThreshold(t *testing.T) {
	for name, c := range map[string]struct {
		p         []float64
		same      []bool
		threshold float64
		right     int
	}{
		"separable":         {[]float64{0.2, 0.3, 0.7}, []bool{false, false, true}, 0.5, 3},
		"equal scores":      {[]float64{0.4, 0.4, 0.4}, []bool{true, true, false}, 0, 2},
		"all no":            {[]float64{0.6, 0.8}, []bool{false, false}, 0.9, 2},
		"nearest to a half": {[]float64{0.1, 0.4, 0.6}, []bool{true, false, true}, 0.5, 2},
		"nothing":           {[]float64{-1}, []bool{false}, 0.5, 1},
	} {
		f, pairs := pairsWith(c.p, c.same, 0.5)
		var judged []judgedPair
		for _, p := range pairs {
			judged = append(judged, judgedPair{p.Problem, p.Same, f.verdicts[p.Student]})
		}
		threshold, right := chooseThreshold(judged)
		if math.Abs(threshold-c.threshold) > 1e-6 || right != c.right {
			t.Errorf("%s: threshold %g with %d right, want %g with %d", name, threshold, right, c.threshold, c.right)
		}
	}
}

// Wilson's interval for 8 of 10 and 0 of 5, from the formula worked out by hand.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n             int
		value, low, high float64
	}{{8, 10, 0.8, 0.4902, 0.9433}, {0, 5, 0, 0, 0.4345}, {5, 5, 1, 0.5655, 1}} {
		s := wilson(c.k, c.n)
		if s.Value != c.value || math.Abs(s.Low-c.low) > 5e-5 || math.Abs(s.High-c.high) > 5e-5 || s.N != c.n {
			t.Errorf("%d of %d: %+v", c.k, c.n, s)
		}
	}
	if text, err := json.Marshal(wilson(0, 0)); err != nil || string(text) != "null" {
		t.Errorf("of nothing: %s, %v", text, err)
	}
}

// The interval of a ratio narrows with the number of texts and is the same each time.
func TestRatioInterval(t *testing.T) {
	few, many := []int{0, 1, 2, 2}, []int{}
	for range 25 {
		many = append(many, few...)
	}
	part := func(n int) (int, int) { return n, 2 }
	a, b := ratio(few, part), ratio(many, part)
	if a.Value != 0.625 || b.Value != 0.625 || a.N != 8 || b.High-b.Low >= (a.High-a.Low)/3 || b.High == b.Low {
		t.Errorf("%+v, %+v", a, b)
	}
	if again := ratio(few, part); again != a {
		t.Errorf("%+v, then %+v", a, again)
	}
}
