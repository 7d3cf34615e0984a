package wordproblems

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// Which phrases of the lists a writer uses: every fifth is held out from training.
const (
	trainPhrases = iota
	heldOutPhrases
)

// writer writes one reasoning text and keeps the labels of the steps that it writes.
type writer struct {
	*rng.Stream
	problem  Problem
	phrases  int
	text     strings.Builder
	steps    []reward.Step
	between  string            // what stands between two sentences
	bullet   func(int) string  // what a step begins with in a list
	thinking bool              // in the voice of somebody who thinks aloud
	facts    map[string]string // of the task at hand
}

// chance is true that many times in a hundred.
func (w *writer) chance(percent int) bool { return w.IntN(100) < percent }

// phrase draws one of those of a list that the writer may use.
func (w *writer) phrase(list []string) string {
	for {
		i := w.IntN(len(list))
		if len(list) < 5 || i%5 == 4 == (w.phrases == heldOutPhrases) {
			return list[i]
		}
	}
}

// write draws what kind of text it is to be, and writes it.
func (w *writer) write() {
	tasks := w.problem.tasks()
	kind := w.IntN(100)
	if kind < 34 && w.phrases == heldOutPhrases {
		kind = 40 + kind // the quick start's wording is no held-out one
	}
	weak := 40
	if kind < 34 {
		weak = 60
	}
	for range 2 {
		if w.chance(weak) && len(tasks) > 1 {
			tasks = weaken(w.Stream, tasks)
		}
	}
	if w.chance(60) && tasks[0].place == 0 && tasks[0].names[0] == second(w.problem) {
		w.problem.Choices[0], w.problem.Choices[1] = w.problem.Choices[1], w.problem.Choices[0]
	}
	w.between = " "
	switch {
	case kind < 34:
		w.student(tasks)
		return
	case kind < 42:
		w.stepless(tasks)
		return
	case kind < 64:
	case kind < 76:
		w.thinking = true
	case kind < 93:
		w.between, w.bullet = "\n", w.bullets()
	case kind < 96:
		w.labelled(tasks)
		return
	default:
		w.terse(tasks)
		return
	}
	if w.chance(8) {
		tasks = chained(tasks)
	}
	w.solution(tasks)
}

// second is the first name of a problem's second step.
func second(p Problem) string { return p.Steps[1].Names[0] }

// bullets draws how the steps of a list are marked.
func (w *writer) bullets() func(int) string {
	form := w.phrase([]string{"- ", "* ", "%d. ", "Step %d: ", "• ", "%d) ", "**Step %d.** ", "(%d) ", "### Step %d\n", "– "})
	return func(i int) string {
		if strings.Contains(form, "%") {
			return fmt.Sprintf(form, i)
		}
		return form
	}
}

// student writes as the quick start's student does: in its teacher's words, and less reliably.
func (w *writer) student(tasks []task) {
	if w.chance(88) {
		w.about(tasks, 0)
		w.say(pick(w.Stream, weighing))
	}
	for i, t := range tasks {
		w.about(tasks, i)
		move := [][]string{choosing, goingOn, joining, finishing}[t.place]
		sum := func() (string, string) { return t.plain() + " = " + strconv.Itoa(t.value), strconv.Itoa(t.value) }
		w.step(t, marked(pick(w.Stream, move)), sum)
		for w.chance(5) {
			w.say(w.fill(pick(w.Stream, move), t.plain()+" = "+strconv.Itoa(t.value)))
		}
	}
	if w.chance(8) {
		w.say(w.phrase(wreckage))
	}
}

// marked marks what a move of the teacher says of its step.
func marked(move string) string { return "«" + strings.Replace(move, ": {e}", "»: {e}", 1) }

// solution writes the steps with all that may stand around them.
func (w *writer) solution(tasks []task) {
	w.about(tasks, 0)
	w.maybe(55, openings)
	w.maybe(45, weighings)
	for i, t := range tasks {
		w.about(tasks, i)
		w.maybe(9, falseStarts)
		if t.expr == "" {
			w.step(t, w.frame(), func() (string, string) { return w.sum(t) })
		} else {
			w.step(t, w.phrase(leads[0])+": {e}.", func() (string, string) {
				return fmt.Sprintf("%s = %s = %d", t.expr, t.middle, t.value), strconv.Itoa(t.value)
			})
		}
		w.maybe(12, restated)
		w.maybe(9, checks)
		w.maybe(5, repeats)
		w.maybe(7, digressions)
		w.maybe(4, commands)
		if i+1 < len(tasks) && w.chance(8) {
			w.about(tasks, i+1)
			w.say(w.phrase(mentions))
		}
	}
	w.about(tasks, len(tasks)-1)
	if w.chance(8) {
		w.say(w.phrase(wreckage))
		return
	}
	w.maybe(55, endings)
}

// stepless writes a text that carries nothing out.
func (w *writer) stepless(tasks []task) {
	for range 1 + w.IntN(5) {
		w.about(tasks, w.IntN(len(tasks)))
		w.say(w.phrase([][]string{loose, loose, weighings, commands, mentions, wreckage, openings}[w.IntN(7)]))
	}
	w.maybe(40, endings)
}

// labelled writes the labels of a reward model itself, with calculations behind them.
func (w *writer) labelled(tasks []task) {
	w.between = "\n"
	for i, t := range tasks {
		w.about(tasks, i)
		w.say(fmt.Sprintf("[think %d]: %s", i+1, w.fill("find {f}", "")))
		w.step(t, fmt.Sprintf("[answer %d]: «{f}»: {e}", i+1), func() (string, string) { return w.sum(t) })
	}
	w.maybe(50, commands)
}

// terse writes next to nothing but calculations.
func (w *writer) terse(tasks []task) {
	for i, t := range tasks {
		w.about(tasks, i)
		w.step(t, w.phrase(bare), func() (string, string) { return w.sum(t) })
	}
	w.maybe(60, endings)
}

// frame draws how a step is put.
func (w *writer) frame() string {
	place, _ := strconv.Atoi(w.facts["place"])
	kind := w.IntN(100)
	switch {
	case w.bullet != nil && kind < 50:
		return w.phrase(items)
	case kind < 66:
		return w.phrase(leads[place]) + w.phrase(joints)
	case kind < 84:
		return w.phrase(tails)
	case kind < 93:
		return w.phrase(questions)
	default:
		return w.phrase(bare)
	}
}

// step writes a step and its label. Meta-reasoning is what the frame marks; where it says
// nothing of the step, the calculation stands for all.
func (w *writer) step(t task, frame string, sum func() (calculation, answer string)) {
	if !strings.Contains(frame, "«") && w.wrote(t) {
		frame = w.phrase(leads[t.place]) + ": {e}." // bare, it would be the earlier step said again
	}
	calculation, answer := sum()
	if strings.Contains(frame, "= {e}") {
		calculation, answer = t.plain()+" = "+strconv.Itoa(t.value), strconv.Itoa(t.value)
	}
	text := w.fill(frame, calculation)
	var said []string
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "«")
		if !found {
			break
		}
		phrase, behind, _ := strings.Cut(after, "»")
		said, rest = append(said, strings.Trim(phrase, " .:")), behind
	}
	step := reward.Step{Number: len(w.steps) + 1, Meta: strings.Join(said, " "), Query: w.facts["f"] + ": " + t.plain(), Answer: answer}
	if len(said) == 0 {
		step.Meta, step.Query = t.plain(), t.plain()
	}
	if w.bullet != nil {
		text = w.bullet(step.Number) + strings.Replace(capital(strings.Replace(text, "«", "", 1)), "»", "", 1)
	} else if w.thinking && w.chance(50) {
		text = w.phrase([]string{"Hmm. ", "Okay, ", "Alright. ", "Let's see. ", "Right. ", "So, ", "Well, ", "Hm, ", "OK so ", "Let me think. "}) + text
	}
	if t.expr == "" && len(said) > 0 && w.chance(3) { // a slip, seen at once: the label has what is meant in the end
		w.say(strings.NewReplacer("«", "", "»", "").Replace(w.fill(frame, t.plain()+" = "+w.facts["w"])))
		text = w.fill(w.phrase(replaced), "")
		step.Answer = strconv.Itoa(t.value)
	}
	w.steps = append(w.steps, step)
	w.say(text)
}

// wrote tells whether a step has the calculation already.
func (w *writer) wrote(t task) bool {
	for _, s := range w.steps {
		if strings.HasSuffix(s.Query, t.plain()) {
			return true
		}
	}
	return false
}
