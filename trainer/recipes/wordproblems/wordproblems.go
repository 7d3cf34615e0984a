// Package wordproblems makes the quick start's data: arithmetic word problems of two to four
// steps with a teacher's reasoning in plain language.
//
// In every problem two parts could be worked out first. The teacher keeps to one policy: the
// part that the question names first comes first, whatever order the problem tells them in;
// then the other part, then what is made of both. The order of the question and the order of
// telling are drawn independently, so a student that follows the telling is right half of the
// time, and one that has learnt the policy is right on templates it never saw.
package wordproblems

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// Row is one line of the data: the problem, its answer and the teacher's text, with the name
// of the template it was made from; from [WithSteps], with the steps of the teacher's text too.
type Row struct {
	Problem    string        `json:"problem"`
	Answer     string        `json:"answer"`
	Generation string        `json:"generation"`
	Template   string        `json:"template"`
	Steps      []reward.Step `json:"steps,omitempty"`
}

// WithSteps returns rows that [Generate] made with the seed, with the steps of their teacher's
// texts, exactly: a score that is computed with them is no matter of how well a text is taken apart.
func WithSteps(seed uint64, rows []Row, from []Problem) []Row {
	out := append([]Row(nil), rows...)
	for i := range out {
		_, out[i].Steps = teach(from[i], seed, uint64(i))
	}
	return out
}

// JSONL returns rows as they stand in the data files, one JSON object a line.
func JSONL[T Row | LabelledTrace](rows []T) []byte {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		encoder.Encode(row) // strings into memory: cannot fail
	}
	return lines.Bytes()
}

// WriteJSONL writes train.jsonl and test.jsonl to a directory, which it makes if there is none:
// each beside its place, then renamed.
func WriteJSONL[T Row | LabelledTrace](dir string, train, test []T) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, rows := range map[string][]T{"train.jsonl": train, "test.jsonl": test} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".part", JSONL(rows), 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".part", path); err != nil {
			return err
		}
	}
	return nil
}

// Step is one step of a problem's solution: the ways to name what is found, how it is
// calculated and its value.
type Step struct {
	Names []string
	Expr  string
	Value int
	unit  string
}

// Problem is a word problem with its solution in the teacher's order. Choices are the names of
// the two parts that could come first, the teacher's first.
type Problem struct {
	Template string
	Text     string
	Choices  [2]string
	Steps    []Step
}

// Answer returns the value of the last step.
func (p Problem) Answer() string { return strconv.Itoa(p.Steps[len(p.Steps)-1].Value) }

// The streams of random numbers of one seed: one for the problems, one for their wording.
const (
	problems rng.Purpose = 0x77700 + iota
	wording
)

// Generate returns train and test rows, and the problems they were made from, as a function of
// the seed alone. Test rows come alternately from templates no train row has, and from those
// of the train rows. No problem occurs twice.
func Generate(seed uint64, train, test int) (rows []Row, from []Problem) {
	seen := map[string]bool{}
	for i := range train + test {
		templates, nth := trained, i
		if i >= train {
			nth = (i - train) / 2
			if (i-train)%2 == 0 {
				templates = heldOut
			}
		}
		source := rng.NewStream(seed, problems, uint64(i))
		p := templates[nth%len(templates)].problem(source)
		for seen[p.Text] {
			p = templates[nth%len(templates)].problem(source)
		}
		seen[p.Text] = true
		rows = append(rows, Row{Problem: p.Text, Answer: p.Answer(), Generation: Teach(p, seed, uint64(i)), Template: p.Template})
		from = append(from, p)
	}
	return rows, from
}

// part is one of the two things a problem is about, with its numbers.
type part struct {
	thing, container string
	fact             fact
	a, b             int
}

// problem draws a problem. Numbers are drawn again until they make a sensible one.
func (t template) problem(random *rng.Stream) Problem {
	var parts [2]part
	things, containers, deal := draw(random, t.things), draw(random, t.containers), random.IntN(2)
	for i := range parts {
		parts[i] = part{thing: things[i], container: containers[i], fact: t.facts[(i+deal)%2]}
	}
	person := pick(random, people)
	for {
		for i := range parts {
			parts[i].numbers(random, t)
		}
		start, last := 12+random.IntN(40+10*t.spread), lastNumber(random, t)
		if steps, ok := t.solve(parts, start, last); ok {
			return t.write(random, parts, steps, person, start, last)
		}
	}
}

// numbers draws the numbers of a part: small ones, that a small student can handle.
func (p *part) numbers(random *rng.Stream, t template) {
	switch p.fact.op {
	case '*':
		p.a, p.b = 2+random.IntN(8), 2+random.IntN(8)
	case '+':
		p.a, p.b = 3+random.IntN(17), 3+random.IntN(17)
	case '-':
		p.a, p.b = 11+random.IntN(29), 2+random.IntN(8)
	}
	if t.join == 0 {
		p.a = 3 + random.IntN(9)
	}
	if t.spread > 0 {
		p.a += random.IntN(t.spread)
		if p.fact.op != '-' {
			p.b += random.IntN(t.spread)
		}
	}
}

// lastNumber draws {k}.
func lastNumber(random *rng.Stream, t template) int {
	switch t.finish {
	case 'c':
		if t.spread > 0 {
			return 50 * (1 + random.IntN(12*t.spread))
		}
		return []int{50, 60, 80, 100}[random.IntN(4)]
	case '/':
		return 2 + random.IntN(5)
	default:
		return 2 + random.IntN(8)
	}
}

// solve works a problem out, with the first part first. It fails if a value is below 1 or a
// number is not shared evenly.
func (t template) solve(parts [2]part, start, last int) ([]Step, bool) {
	var steps []Step
	ok := true
	add := func(names []string, a int, op byte, b int) int {
		v, good := calculate(a, op, b)
		ok = ok && good
		steps = append(steps, Step{names, fmt.Sprintf("%d %c %d", a, op, b), v, t.unit})
		return v
	}
	value := [2]int{}
	for i, p := range parts {
		names := filled(t.parts, "{x}", p.thing)
		if t.join == 0 {
			start = add(names, start, p.fact.op, p.a)
			continue
		}
		value[i] = add(names, p.a, p.fact.op, p.b)
	}
	if t.join == 0 {
		return steps, ok
	}
	whole := add(t.whole, value[0], t.join, value[1])
	switch t.finish {
	case 'c':
		add(t.end, last, '-', whole)
	case '-', '/':
		add(t.end, whole, t.finish, last)
	}
	return steps, ok
}

// calculate applies an operation; it fails on a value below 1 and on a division with a rest.
func calculate(a int, op byte, b int) (v int, ok bool) {
	switch op {
	case '+':
		v = a + b
	case '-':
		v = a - b
	case '*':
		v = a * b
	case '/':
		v = a / b
		ok = a%b == 0
		return v, ok && v > 1
	}
	return v, v >= 1
}

// write puts the problem into words. The parts are told in a random order, and named in the
// question in the order in which they are solved.
func (t template) write(random *rng.Stream, parts [2]part, steps []Step, person string, start, last int) Problem {
	told := [2]string{}
	flip := random.IntN(2)
	for i, p := range parts {
		told[(i+flip)%2] = strings.NewReplacer("{x}", p.thing, "{c}", p.container,
			"{a}", strconv.Itoa(p.a), "{b}", strconv.Itoa(p.b)).Replace(p.fact.text)
	}
	text := strings.NewReplacer("{n}", person, "{1}", told[0], "{2}", told[1], "{p}", parts[0].thing, "{q}", parts[1].thing,
		"{s}", strconv.Itoa(start), "{k}", strconv.Itoa(last)).Replace(t.tell + " " + pick(random, t.ask))
	return Problem{t.name, text, [2]string{article(parts[0].thing), article(parts[1].thing)}, steps}
}

// article returns a thing with its article; a proper name has none.
func article(thing string) string {
	if thing[0] < 'a' {
		return thing
	}
	return "the " + thing
}

// filled returns the texts with a field filled in.
func filled(texts []string, field, value string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = strings.ReplaceAll(s, field, value)
	}
	return out
}

// pick draws one of a list.
func pick(random *rng.Stream, list []string) string { return list[random.IntN(len(list))] }

// draw draws two different ones of a list, two empty ones of an empty list.
func draw(random *rng.Stream, list []string) [2]string {
	if len(list) == 0 {
		return [2]string{}
	}
	order := random.Perm(len(list))
	return [2]string{list[order[0]], list[order[1]]}
}
