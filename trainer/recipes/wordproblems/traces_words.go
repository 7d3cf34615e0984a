package wordproblems

import (
	"fmt"
	"strconv"
	"strings"
)

// sum writes a calculation, and says what of it is the result.
func (w *writer) sum(t task) (calculation, answer string) {
	form, answer := "{a} {o} {b} = {v}", strconv.Itoa(t.value)
	if w.chance(42) {
		form = w.phrase(sums[t.op])
	}
	switch {
	case !strings.HasSuffix(form, "{v}"):
	case t.unit == "dollars" && w.chance(25):
		answer = "$" + answer
		form = strings.ReplaceAll(form, "{b}", "${b}")
		if t.op != '*' {
			form = strings.ReplaceAll(form, "{a}", "${a}")
		}
	case t.unit != "" && w.chance(35):
		answer += " " + t.unit
	case w.chance(3):
		form = strings.TrimSuffix(form, "{v}") + "**{v}**"
	}
	sign := string(t.op)
	if w.chance(15) {
		sign = map[byte]string{'+': "+", '-': "−", '*': "×", '/': "÷"}[t.op]
	}
	return strings.NewReplacer("$$", "$", "{a}", strconv.Itoa(t.left), "{b}", strconv.Itoa(t.right), "{o}", sign,
		"{A}", inWords(t.left), "{B}", inWords(t.right), "{v}", answer).Replace(form), answer
}

// about sets what the fields of phrases stand for while task i is at hand.
func (w *writer) about(tasks []task, i int) {
	t := tasks[i]
	first, second := w.problem.Choices[0], w.problem.Choices[1]
	mention := []string{first, second}
	if w.IntN(2) == 1 {
		mention = []string{second, first}
	}
	name, goal := pick(w.Stream, t.names), pick(w.Stream, tasks[len(tasks)-1].names)
	equation := t.plain() + " = " + strconv.Itoa(t.value)
	check := equation
	if undo, ok := map[byte]byte{'+': '-', '-': '+', '*': '/', '/': '*'}[t.op]; ok && t.expr == "" && rough(t.value, undo, t.right) == t.left && rough(t.left, t.op, t.right) == t.value {
		check = fmt.Sprintf("%d %c %d = %d", t.value, undo, t.right, t.left)
	}
	w.facts = map[string]string{
		"place": strconv.Itoa(t.place), "f": name, "F": capital(name), "g": goal, "x": first, "y": second, "m": mention[0], "o": mention[1],
		"a": strconv.Itoa(t.left), "b": strconv.Itoa(t.right), "v": strconv.Itoa(t.value), "w": strconv.Itoa(t.value + 1 + w.IntN(9)),
		"s": equation, "c": check,
	}
}

// fill puts the facts of the task at hand, and a calculation, into a phrase.
func (w *writer) fill(phrase, calculation string) string {
	pairs := []string{"{e}", calculation}
	if calculation != "" {
		pairs = append(pairs, "{E}", capital(calculation))
	}
	for _, field := range []string{"f", "F", "g", "x", "y", "m", "o", "a", "b", "v", "w", "s", "c"} {
		pairs = append(pairs, "{"+field+"}", w.facts[field])
	}
	return strings.NewReplacer(pairs...).Replace(phrase)
}

// maybe says a phrase of a list, that many times in a hundred.
func (w *writer) maybe(percent int, list []string) {
	if w.chance(percent) {
		w.say(w.phrase(list))
	}
}

// say writes a sentence, without the marks of its label.
func (w *writer) say(sentence string) {
	sentence = strings.NewReplacer("«", "", "»", "").Replace(w.fill(sentence, ""))
	if w.text.Len() > 0 {
		w.text.WriteString(w.between)
	}
	w.text.WriteString(capital(sentence))
}

// inWords writes a number below a hundred in words, a larger one in digits.
func inWords(n int) string {
	small := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	tens := strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
	switch {
	case n < 0 || n >= 100:
		return strconv.Itoa(n)
	case n < 20:
		return small[n]
	case n%10 == 0:
		return tens[n/10]
	default:
		return tens[n/10] + "-" + small[n%10]
	}
}
