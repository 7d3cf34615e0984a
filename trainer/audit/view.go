package audit

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// row is an entry as the page shows it.
type row struct {
	N          int
	Name       string
	Problem    string
	Short      string // the problem's beginning
	Answer     string
	Completion string
	Teacher    string
	Cut        bool
	Parts      []part // accuracy, format, tag_count, structure
	Total      part
	Sum        string // the total's arithmetic
	Partial    bool   // the total lacks a part that has a weight
	Structure  string // the structure reward's arithmetic
	Steps      []step
	Student    int // steps of the student, and how many of them have no counterpart
	Extra      int
	Trained    string
	Kinds      string // for the page's filter
}

// part is one reward: its value as text, or why there is none. Sort is what it is sorted by.
type part struct {
	Name, Text, Missing string
	Sort                string
}

// step is one teacher step beside the student's.
type step struct {
	Number int
	Worth  string // its arithmetic
	Ended  bool   // it is the first mismatch, or after it
	Lines  []line
}

// line is one part of a step.
type line struct {
	Kind, Student, Teacher string
	Mark, Class            string // what became of it
	By                     string // who decided, and how surely
	Missing                string
}

// average is a reward over all entries.
type average struct {
	Name, Mean string
	Missing    int
}

// number prints a value with the digits that say something.
func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64)
}

func newPart(name string, v reward.Value) part {
	if v.Missing != "" {
		return part{Name: name, Text: "missing", Missing: v.Missing, Sort: "-1"}
	}
	return part{Name: name, Text: number(v.V), Sort: strconv.FormatFloat(v.V, 'g', -1, 64)}
}

func newRow(n int, e Entry, p Page) row {
	s := e.Score
	r := row{
		N: n, Name: e.Name, Problem: clean(e.Item.Problem), Answer: clean(e.Item.Answer), Completion: clean(e.Item.Completion),
		Teacher: clean(e.Item.Generation), Cut: e.Item.Cut, Student: s.StudentSteps, Extra: max(0, s.StudentSteps-s.TeacherSteps),
		Parts: []part{newPart("accuracy", s.Accuracy), newPart("format", s.Format), newPart("tags", s.TagCount), newPart("structure", s.Structure)},
		Total: newPart("total", s.Total),
	}
	r.Short = shorten(r.Problem, 70)
	r.Sum, r.Partial = total(s, p.Weights)
	r.Structure = structure(s, p.Normalize)
	r.Steps = steps(s)
	if t := e.Trained; t != nil {
		r.Trained = fmt.Sprintf("advantage %s", number(t.Advantage))
		if t.Reward == nil {
			r.Trained = "not compared with its group, so nothing was learnt from it"
		}
	}
	r.Kinds = kinds(r, s)
	return r
}

// clean makes text showable whatever bytes are in it.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// shorten returns the first characters of a text, on one line.
func shorten(s string, n int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n]) + "…"
}

// kinds are the filters that a row passes.
func kinds(r row, s reward.Score) string {
	kinds := []string{"all"}
	add := func(name string, is bool) {
		if is {
			kinds = append(kinds, name)
		}
	}
	missing := s.Total.Missing != ""
	for _, p := range r.Parts {
		missing = missing || p.Missing != ""
	}
	add("missing", missing)
	add("cut", r.Cut)
	add("right", s.Accuracy.Missing == "" && s.Accuracy.V == 1)
	add("wrong", s.Accuracy.Missing == "" && s.Accuracy.V != 1)
	add("match", s.TeacherSteps > 0 && matched(s) == s.TeacherSteps)
	add("none", s.TeacherSteps > 0 && s.Structure.Missing == "" && matched(s) == 0)
	return strings.Join(kinds, " ")
}

// matched counts the steps that earned something.
func matched(s reward.Score) (n int) {
	for _, step := range s.Steps {
		if step.Score > 0 {
			n++
		}
	}
	return n
}

// total writes out the sum of a score: 15 × 1 + 10 × 1 + 10 × 0.75 + 15 × 0.5 = 40. What is
// missing is left out of it, and named.
func total(s reward.Score, w reward.Weights) (sum string, partial bool) {
	var terms, left []string
	value := 0.0
	for _, p := range []struct {
		name   string
		weight float64
		value  reward.Value
	}{{"accuracy", w.Accuracy, s.Accuracy}, {"format", w.Format, s.Format}, {"tags", w.TagCount, s.TagCount}, {"structure", w.Structure, s.Structure}} {
		if p.value.Missing != "" {
			if p.weight != 0 {
				left = append(left, p.name)
			}
			continue
		}
		terms = append(terms, number(p.weight)+" × "+number(p.value.V)+" "+p.name)
		value += p.weight * p.value.V
	}
	if s.Total.Missing != "" {
		return "nothing is known of it", true
	}
	sum = strings.Join(terms, " + ") + " = " + number(value)
	if math.Abs(value-s.Total.V) > 1e-6 {
		sum += "; the file says " + number(s.Total.V) + ", so other weights were in use"
	}
	if len(left) > 0 {
		sum += "; without " + strings.Join(left, " and ") + ", which is missing"
	}
	return sum, len(left) > 0
}

// structure writes out the structure reward: (1 + 0.5 + 0) / 3 = 0.5.
func structure(s reward.Score, normalize string) string {
	if s.Structure.Missing != "" {
		return "missing: " + clean(s.Structure.Missing)
	}
	if len(s.Steps) == 0 {
		return number(s.Structure.V)
	}
	terms := make([]string, len(s.Steps))
	value := 0.0
	for i, step := range s.Steps {
		terms[i] = number(step.Score)
		value += step.Score
	}
	sum := strings.Join(terms, " + ")
	if normalize == reward.NormalizeTeacher {
		sum = fmt.Sprintf("(%s) / %d", sum, s.TeacherSteps)
		value /= float64(s.TeacherSteps)
	}
	sum += " = " + number(value)
	if math.Abs(value-s.Structure.V) > 1e-6 {
		sum += "; the file says " + number(s.Structure.V) + ", so structure.normalize was another"
	}
	return sum
}

// steps shows each step and what became of it.
func steps(s reward.Score) []step {
	out := make([]step, len(s.Steps))
	ended := 0 // the number of the step that ended the comparison
	for i, x := range s.Steps {
		st := step{Number: x.Number, Ended: ended > 0}
		if !st.Ended && (x.Meta == nil || !x.Meta.Same) {
			ended, st.Ended = x.Number, true
			st.Worth = "worth 0: the paths part here"
			if x.Meta != nil && x.Meta.Missing != "" {
				st.Worth = "not known, nor what follows"
			}
		} else if st.Ended {
			st.Worth = fmt.Sprintf("worth 0: after step %d", ended)
		} else {
			st.Worth = "worth " + worth(x)
		}
		for _, l := range []struct {
			kind             string
			student, teacher string
			verdict          *reward.Verdict
		}{
			{"meta", x.Student.Meta, x.Teacher.Meta, x.Meta}, {"query", x.Student.Query, x.Teacher.Query, x.Query}, {"answer", x.Student.Answer, x.Teacher.Answer, x.Answer},
		} {
			if l.student == "" && l.teacher == "" {
				continue
			}
			st.Lines = append(st.Lines, newLine(l.kind, clean(l.student), clean(l.teacher), l.verdict))
		}
		out[i] = st
	}
	return out
}

// worth writes out what a matched step earned.
func worth(x reward.StepScore) string {
	text := "1"
	for _, v := range []struct {
		name    string
		verdict *reward.Verdict
	}{{"query", x.Query}, {"answer", x.Answer}} {
		switch {
		case v.verdict == nil || v.verdict.Same:
		case v.verdict.Missing != "":
			return "not known"
		default:
			text += " × ½ for its " + v.name
		}
	}
	if text == "1" {
		return text
	}
	return text + " = " + number(x.Score)
}

// newLine shows a verdict in words.
func newLine(kind, student, teacher string, v *reward.Verdict) line {
	l := line{Kind: kind, Student: student, Teacher: teacher, Mark: "not asked", Class: "idle"}
	if v == nil {
		return l
	}
	l.By = "by " + v.By
	switch {
	case v.Missing != "":
		l.Mark, l.Class, l.Missing = "not known", "missing", clean(v.Missing)
	case v.Same:
		l.Mark, l.Class = "same", "same"
	default:
		l.Mark, l.Class = "differs", "differs"
	}
	if v.By == "absent" {
		l.By = "the student has none"
	}
	if v.P != nil {
		l.By += fmt.Sprintf(", p = %.3f", *v.P)
	}
	return l
}

// summary averages what is known of each reward.
func summary(entries []Entry) []average {
	var out []average
	for _, part := range []struct {
		name string
		of   func(reward.Score) reward.Value
	}{
		{"total", func(s reward.Score) reward.Value { return s.Total }}, {"accuracy", func(s reward.Score) reward.Value { return s.Accuracy }},
		{"format", func(s reward.Score) reward.Value { return s.Format }}, {"tags", func(s reward.Score) reward.Value { return s.TagCount }},
		{"structure", func(s reward.Score) reward.Value { return s.Structure }},
	} {
		a := average{Name: part.name, Mean: "–"}
		sum, known := 0.0, 0
		for _, e := range entries {
			if v := part.of(e.Score); v.Missing != "" {
				a.Missing++
			} else {
				sum += v.V
				known++
			}
		}
		if known > 0 {
			a.Mean = number(sum / float64(known))
		}
		out = append(out, a)
	}
	return out
}
