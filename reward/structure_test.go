package reward

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// vector is a case of testdata/structure.json, the structure reward as rlkd.md specifies it.
type vector struct {
	Name          string
	Teacher       string
	Student       string
	Verdicts      map[string][]string
	JudgeFailsAt  []any  `json:"judge_fails_at"`
	ParsedTeacher []Step `json:"parsed_teacher"`
	ParsedStudent []Step `json:"parsed_student"`
	Expect        struct {
		Outcome      string
		TeacherSteps int       `json:"teacher_steps"`
		StudentSteps int       `json:"student_steps"`
		PerStep      []float64 `json:"per_step"`
		Sum          float64
		Normalized   float64
	}
}

// numbered decomposes by labels and marks every part with the index of its step, so that a
// scripted judge knows which step it is asked about.
func numbered(t Trace) Decomposition {
	steps := ParseSteps(t.Text)
	for i := range steps {
		for _, part := range []*string{&steps[i].Meta, &steps[i].Query, &steps[i].Answer} {
			if *part != "" {
				*part += fmt.Sprintf(" #%d", i)
			}
		}
	}
	return Decomposition{Steps: steps}
}

// verdict returns what the vector's judge says: yes unless scripted otherwise.
func (v vector) verdict(q Question) Verdict {
	var index int
	fmt.Sscanf(q.Teacher[strings.LastIndex(q.Teacher, "#"):], "#%d", &index)
	if fail := v.JudgeFailsAt; fail != nil && fail[0] == q.Kind.String() && int(fail[1].(float64)) == index {
		return Verdict{Missing: "judge: unreadable"}
	}
	script := v.Verdicts[q.Kind.String()]
	return Verdict{Same: index >= len(script) || script[index] == "y"}
}

func TestStructureVectors(t *testing.T) {
	for _, v := range readJSON[[]vector](t, "testdata/structure.json") {
		t.Run(v.Name, func(t *testing.T) {
			for _, side := range []struct {
				text string
				want []Step
			}{{v.Teacher, v.ParsedTeacher}, {v.Student, v.ParsedStudent}} {
				if got := ParseSteps(side.text); !slices.Equal(got, side.want) {
					t.Fatalf("ParseSteps(%q)\n got %+v\nwant %+v", side.text, got, side.want)
				}
			}
			for normalize, want := range map[string]float64{NormalizeNone: v.Expect.Sum, NormalizeTeacher: v.Expect.Normalized} {
				v.check(t, normalize, want)
			}
		})
	}
}

// check scores the vector's texts and compares the outcome.
func (v vector) check(t *testing.T, normalize string, want float64) {
	t.Helper()
	o := DefaultOptions()
	o.Normalize, o.AnswerCheck, o.MinTraceChars = normalize, JudgeOnly, 0
	s := NewScorerWith(DefaultWeights(), o, &fakeDecomposer{decompose: numbered}, &fakeJudge{judge: v.verdict})
	got := scoreOne(t, s, Item{Generation: v.Teacher, Completion: v.Student})
	if got.StudentSteps != v.Expect.StudentSteps || got.TeacherSteps != v.Expect.TeacherSteps {
		t.Errorf("%d student and %d teacher steps, want %d and %d",
			got.StudentSteps, got.TeacherSteps, v.Expect.StudentSteps, v.Expect.TeacherSteps)
	}
	if v.Expect.Outcome == "missing" {
		if got.Structure.Missing == "" {
			t.Errorf("structure %g, want missing", got.Structure.V)
		}
		return
	}
	if got.Structure.Missing != "" || math.Abs(got.Structure.V-want) > 1e-12 {
		t.Errorf("%s: structure %+v, want %g", normalize, got.Structure, want)
	}
	var perStep []float64
	for _, step := range got.Steps {
		perStep = append(perStep, step.Score)
	}
	if !reflect.DeepEqual(perStep, v.Expect.PerStep) {
		t.Errorf("per step %v, want %v", perStep, v.Expect.PerStep)
	}
}

// steps writes labelled steps, one for each "meta/query/answer".
func steps(parts ...string) string {
	var b strings.Builder
	for i, p := range parts {
		m := strings.Split(p, "/")
		fmt.Fprintf(&b, "[Meta-Reasoning %d]: %s\n[Query %d]: %s\n[Answer %d]: %s\n", i+1, m[0], i+1, m[1], i+1, m[2])
	}
	return b.String()
}

func TestFailuresPastTheMismatchDoNotCount(t *testing.T) {
	teacher := steps("a/b/1", "c/d/2", "e/f/3")
	student := steps("a/b/1", "x/y/2", "z/w/3")
	judge := &fakeJudge{judge: func(q Question) Verdict {
		if q.Student == "z" || q.Student == "y" || q.Student == "w" {
			return Verdict{Missing: "judge: unreachable"}
		}
		return equalText(q)
	}}
	s := NewScorerWith(DefaultWeights(), DefaultOptions(), &fakeDecomposer{decompose: byLabels}, judge)
	got := scoreOne(t, s, Item{Generation: teacher, Completion: student})
	if got.Structure != (Value{V: 1. / 3}) {
		t.Errorf("structure %+v, want a third", got.Structure)
	}
	if last := got.Steps[2]; last.Meta != nil || last.Query != nil || last.Answer != nil {
		t.Errorf("step 3 carries verdicts: %+v", last)
	}
	for _, q := range judge.asked {
		if q.Kind != Meta && q.Student != "b" && q.Student != "1" {
			t.Errorf("asked %+v past the mismatch", q)
		}
	}
}

func TestFailureIsMissing(t *testing.T) {
	text := steps("choose the pens first/how many pens/12", "then the books/how many books/15")
	item := Item{Answer: "3", Generation: text, Completion: text}
	good := &fakeDecomposer{decompose: byLabels}
	down := &fakeDecomposer{decompose: func(Trace) Decomposition { return Decomposition{Missing: "decomposer: timed out"} }}
	for name, s := range map[string]*Scorer{
		"judge error":        NewScorerWith(DefaultWeights(), DefaultOptions(), good, &fakeJudge{err: errors.New("connection refused")}),
		"decomposer missing": NewScorerWith(DefaultWeights(), DefaultOptions(), down, &fakeJudge{judge: equalText}),
	} {
		got := scoreOne(t, s, item)
		if got.Structure.Missing == "" || got.Structure.V != 0 {
			t.Errorf("%s: structure %+v, want missing with a reason", name, got.Structure)
		}
		if got.Total.Missing != "" {
			t.Errorf("%s: total %+v, want the sum of the other parts", name, got.Total)
		}
	}
}

func TestTeacherWithoutSteps(t *testing.T) {
	s := byRules(t)
	got := scoreOne(t, s, Item{Answer: "3", Generation: "<think>\nI do not know at all how one would begin with this.\n</think>"})
	if got.Structure.Missing != "teacher: no steps in the generation" {
		t.Errorf("structure %+v, want missing", got.Structure)
	}
}

func TestShortTraceHasNoSteps(t *testing.T) {
	teacher := "<think>\n" + "First I find the pens: 3 * 4 = 12. Now the books: 2 * 5 = 10." + "\n</think>"
	got := scoreOne(t, byRules(t), Item{Answer: "3", Generation: teacher, Completion: "<think>\nthe pens: 3 * 4 = 12.\n</think>"})
	if got.StudentSteps != 0 || got.Structure != (Value{}) {
		t.Errorf("%d steps, structure %+v; want none and 0", got.StudentSteps, got.Structure)
	}
}

func TestEqualQuestionsAndTracesAreAskedOnce(t *testing.T) {
	teacher := steps("choose the pens first/how many pens/twelve", "then the books/how many books/fifteen")
	item := Item{Problem: "p", Answer: "3", Generation: teacher, Completion: teacher + "!"}
	d, j := &fakeDecomposer{decompose: byLabels}, &fakeJudge{judge: equalText}
	o := DefaultOptions()
	o.AnswerCheck = JudgeOnly
	s := NewScorerWith(DefaultWeights(), o, d, j)
	for range 2 {
		if _, err := s.Score(context.Background(), []Item{item, item, item}); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.asked) != 3 {
		t.Errorf("%d traces taken apart in two batches, want the teacher's once and the student's twice", len(d.asked))
	}
	if len(j.asked) != 12 {
		t.Errorf("%d questions in two batches, want 6 in each", len(j.asked))
	}
}

func TestFailedTeacherIsAskedAgain(t *testing.T) {
	teacher := steps("choose the pens first/how many pens/twelve")
	failures := 1
	d := &fakeDecomposer{decompose: func(trace Trace) Decomposition {
		if failures--; failures >= 0 {
			return Decomposition{Missing: "decomposer: timed out"}
		}
		return byLabels(trace)
	}}
	s := NewScorerWith(DefaultWeights(), DefaultOptions(), d, &fakeJudge{judge: equalText})
	item := Item{Generation: teacher, Completion: teacher}
	if got := scoreOne(t, s, item); got.Structure.Missing == "" {
		t.Errorf("structure %+v, want missing", got.Structure)
	}
	if got := scoreOne(t, s, item); got.Structure != (Value{V: 1}) {
		t.Errorf("structure %+v after the failure, want 1", got.Structure)
	}
}

func TestCancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	text := "First I find the pens in the packs: 3 * 4 = 12."
	if _, err := byRules(t).Score(ctx, []Item{{Generation: text, Completion: text}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestVerifierComesFirst(t *testing.T) {
	teacher := steps("choose the pens first/how many pens/0.5", "then the books/how many books/red ones")
	student := steps(`choose the pens first/how many pens/\frac{1}{2}`, "then the books/how many books/the red ones")
	j := &fakeJudge{judge: func(q Question) Verdict { return Verdict{Same: true, By: "judge"} }}
	s := NewScorerWith(DefaultWeights(), DefaultOptions(), &fakeDecomposer{decompose: byLabels}, j)
	got := scoreOne(t, s, Item{Generation: teacher, Completion: student})
	if got.Steps[0].Answer == nil || *got.Steps[0].Answer != (Verdict{Same: true, By: "verifier"}) {
		t.Errorf("0.5 against 1/2: %+v, want the verifier's yes", got.Steps[0].Answer)
	}
	if got.Steps[1].Answer == nil || got.Steps[1].Answer.By != "judge" {
		t.Errorf("words: %+v, want the judge's verdict", got.Steps[1].Answer)
	}
}

// A teacher whose steps are given is not taken apart, and has those steps.
func TestGivenTeacherSteps(t *testing.T) {
	d := &fakeDecomposer{decompose: byLabels}
	s := NewScorerWith(DefaultWeights(), DefaultOptions(), d, &fakeJudge{judge: equalText})
	student := steps("choose the pens first/how many pens/12", "then the books/how many books/15")
	item := Item{Answer: "3", Generation: steps("other words/other/1"), Completion: student, TeacherSteps: ParseSteps(student)}
	if got := scoreOne(t, s, item); got.Structure != (Value{V: 1}) || got.TeacherSteps != 2 {
		t.Errorf("structure %+v against %d given steps, want 1 against 2", got.Structure, got.TeacherSteps)
	}
	if len(d.asked) != 1 {
		t.Errorf("%d texts taken apart, want the student's alone", len(d.asked))
	}
	item.TeacherSteps = []Step{}
	if got := scoreOne(t, s, item); Cause(got.Structure.Missing) != CauseTeacher {
		t.Errorf("structure %+v against a teacher known to have no steps, want missing", got.Structure)
	}
}
