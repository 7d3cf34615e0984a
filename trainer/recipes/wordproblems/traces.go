package wordproblems

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// LabelledTrace is a reasoning text with the steps it takes, which are exact because the
// generator wrote the text from them. It is a row of the data that a generative structure
// reward model learns from. A step is a calculation that the text carries out and keeps, with
// the result that the text gives it, right or wrong; what is weighed, checked, said again,
// taken back or only announced is none.
type LabelledTrace struct {
	Problem  string        `json:"problem"`
	Text     string        `json:"text"`
	Steps    []reward.Step `json:"steps"`
	Template string        `json:"template"`
	Source   string        `json:"source"` // what of it training has seen: templates, frames
}

// The streams of random numbers of labelled traces: their problems, and the texts.
const (
	traceProblems rng.Purpose = 0x77710 + iota
	traceTexts
)

// Traces returns rows to train on and rows to test on as a function of the seed alone. Training
// has the widened trained templates and four fifths of every list of phrases. Test rows come in
// turn from trained and from held-out templates, and of each every second one is written with
// the other fifth of the phrases alone. No problem occurs twice.
func Traces(seed uint64, train, test int) (trainRows, testRows []LabelledTrace) {
	seen := map[string]bool{}
	training, known, unseen := kinds(widened(), exercises), kinds(trained, exercises), kinds(heldOut, heldOutExercises)
	for i := range train + test {
		templates, phrases, source := training, trainPhrases, "train"
		if i >= train {
			nth := i - train
			templates, source = known, "trained templates, "
			if nth%2 == 1 {
				templates, source = unseen, "held-out templates, "
			}
			if nth%4 >= 2 {
				phrases, source = heldOutPhrases, source+"held-out frames"
			} else {
				source += "trained frames"
			}
		}
		random := rng.NewStream(seed, traceProblems, uint64(i))
		p := templates[random.IntN(len(templates))](random)
		for seen[p.Text] {
			p = templates[random.IntN(len(templates))](random)
		}
		seen[p.Text] = true
		w := &writer{Stream: rng.NewStream(seed, traceTexts, uint64(i)), problem: p, phrases: phrases, steps: []reward.Step{}}
		w.write()
		row := LabelledTrace{p.Text, strings.TrimSpace(w.text.String()), w.steps, p.Template, source}
		if i < train {
			trainRows = append(trainRows, row)
		} else {
			testRows = append(testRows, row)
		}
	}
	return trainRows, testRows
}

// kinds returns what draws problems of the templates and exercises.
func kinds(templates []template, exercises []exercise) []func(*rng.Stream) Problem {
	var all []func(*rng.Stream) Problem
	for _, t := range templates {
		all = append(all, t.problem)
	}
	for _, e := range exercises {
		all = append(all, e.problem)
	}
	return all
}

// task is a step as a text will write it. Left, op and right make value; in a chain expr is
// the calculation, and middle what stands between it and the value.
type task struct {
	names        []string
	left, right  int
	op           byte
	value        int
	unit         string
	place        int // 0 the first step, 1 the second, 2 what joins them, 3 what finishes
	expr, middle string
}

// plain is the calculation in digits and signs, as labels give it.
func (t task) plain() string {
	if t.expr != "" {
		return t.expr
	}
	return fmt.Sprintf("%d %c %d", t.left, t.op, t.right)
}

// tasks returns the solution of a problem as tasks.
func (p Problem) tasks() []task {
	var tasks []task
	for i, s := range p.Steps {
		t := task{names: s.Names, value: s.Value, unit: s.unit, place: i}
		parts := strings.Fields(s.Expr)
		t.left, _ = strconv.Atoi(parts[0])
		t.op = parts[1][0]
		t.right, _ = strconv.Atoi(parts[2])
		tasks = append(tasks, t)
	}
	return tasks
}

// weaken changes a solution as a weak student would, in one way: a slip, a wrong operation or
// number, another order, a step left out, one too many, or an early end.
func weaken(random *rng.Stream, tasks []task) []task {
	tasks = append([]task(nil), tasks...)
	at := random.IntN(len(tasks))
	t := &tasks[at]
	switch random.IntN(8) {
	case 0, 1: // a slip, that later steps go on with or do not
		wrong := max(1, t.value+[]int{1, -1, 2, 10, -10, 3, -2, 5}[random.IntN(8)])
		if random.IntN(2) == 0 {
			carry(tasks[at+1:], t.value, wrong)
		}
		t.value = wrong
	case 2:
		t.op = "+-*"[random.IntN(3)]
		t.value = rough(t.left, t.op, t.right)
	case 3:
		t.right = 2 + random.IntN(20)
		t.value = rough(t.left, t.op, t.right)
	case 4:
		tasks[0], tasks[1] = tasks[1], tasks[0]
		tasks[0].place, tasks[1].place = 0, 1
	case 5:
		tasks = append(tasks[:at], tasks[at+1:]...)
	case 6:
		a, b := 2+random.IntN(12), 1+random.IntN(9)
		idle := task{names: []string{"the numbers", "the next number", "what comes next", "that part", "all the numbers", t.names[0]},
			left: a, right: b, op: "+-*"[random.IntN(3)], place: 1}
		idle.value = rough(a, idle.op, b)
		tasks = append(tasks[:at+1], append([]task{idle}, tasks[at+1:]...)...)
	case 7:
		tasks = tasks[:1+random.IntN(len(tasks))]
	}
	return tasks
}

// carry replaces a value in the calculations of later tasks.
func carry(tasks []task, old, wrong int) {
	for i := range tasks {
		t := &tasks[i]
		if t.left != old && t.right != old {
			continue
		}
		if t.left == old {
			t.left = wrong
		} else {
			t.right = wrong
		}
		was := t.value
		t.value = rough(t.left, t.op, t.right)
		carry(tasks[i+1:], was, t.value)
		return
	}
}

// rough calculates as a student does who never minds a rest.
func rough(a int, op byte, b int) int {
	v, _ := calculate(a, op, b)
	return v
}

// chained makes one task of the first three: "3 * 4 + 2 * 5 = 12 + 10 = 22".
func chained(tasks []task) []task {
	if len(tasks) < 3 || tasks[2].op == '/' {
		return tasks
	}
	a, b, whole := tasks[0], tasks[1], tasks[2]
	if b.op != '*' && whole.op == '-' {
		return tasks // it would need brackets
	}
	whole.expr = fmt.Sprintf("%s %c %s", a.plain(), whole.op, b.plain())
	whole.middle = fmt.Sprintf("%d %c %d", a.value, whole.op, b.value)
	whole.place = 0
	return append([]task{whole}, tasks[3:]...)
}
