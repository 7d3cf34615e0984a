package reward

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Rules is the backend without a model, as decomposer and as judge. It is deterministic and
// takes time that grows with the length of the text.
type Rules struct {
	// Threshold is the share of content words, exclusive, above which two texts are about the
	// same; only the judge uses it.
	Threshold float64
}

// Judge compares meta-reasoning and queries by the content words of what they set out to find,
// queries also by the numbers and operations they use, and answers by number and unit. It
// decides every question and returns no error.
func (r Rules) Judge(_ context.Context, questions []Question) ([]Verdict, error) {
	verdicts := make([]Verdict, len(questions))
	for i, q := range questions {
		same := false
		switch q.Kind {
		case Meta:
			same = r.sameMeta(q.Student, q.Teacher)
		case Query:
			same = r.sameWords(q.Student, q.Teacher) && sameSetup(q.Problem, q.Student, q.Teacher)
		case Answer:
			same = sameAnswer(q.Student, q.Teacher)
		}
		verdicts[i] = Verdict{Same: same, By: "rules"}
	}
	return verdicts, nil
}

// sameMeta compares what two texts choose to find, whatever else they weigh.
func (r Rules) sameMeta(student, teacher string) bool {
	a, b := focus(student), focus(teacher)
	if a == "" && b == "" {
		return sameText(student, teacher)
	}
	return r.sameWords(a, b)
}

// sameWords tells whether two phrases name the same quantity: more than the threshold of the
// content words of either are in both (Jaccard), and neither names a whole where the other
// names a part. A phrase that is only "the total" matches any total.
func (r Rules) sameWords(student, teacher string) bool {
	a, b := contentWords(student), contentWords(teacher)
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	wholesA, wholesB := take(a, aggregates), take(b, aggregates)
	if len(wholesA)+len(wholesB) > 0 {
		if shared(wholesA, wholesB) == 0 {
			return false
		}
		if len(a) == 0 || len(b) == 0 {
			return true
		}
	}
	both := shared(a, b)
	return float64(both) > r.Threshold*float64(len(a)+len(b)-both)
}

// take moves the words that are in which out of words, and returns them.
func take(words, which map[string]bool) map[string]bool {
	taken := map[string]bool{}
	for w := range words {
		if which[w] {
			taken[w] = true
			delete(words, w)
		}
	}
	return taken
}

// shared counts the keys that both sets have.
func shared(a, b map[string]bool) int {
	n := 0
	for w := range a {
		if b[w] {
			n++
		}
	}
	return n
}

// sameSetup tells whether two queries set up the same calculation: the student uses at least
// half of the numbers that the teacher takes from the problem, and of two calculations with as
// many numbers, neither has an operation the other lacks. Numbers from earlier steps may differ:
// a slip was counted where it was made. A query without numbers is not told apart.
func sameSetup(problem, student, teacher string) bool {
	a, b := numberPattern.FindAllString(student, -1), numberPattern.FindAllString(teacher, -1)
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	if len(a) == len(b) && !maps.Equal(operations(student), operations(teacher)) {
		return false
	}
	given := take(numbers(teacher), numbers(problem))
	return 2*shared(given, numbers(student)) >= len(given)
}

// numbers returns the numbers written in a text, each once.
func numbers(text string) map[string]bool {
	return asSet(strings.Join(numberPattern.FindAllString(text, -1), " "))
}

// sign is an arithmetic sign before a number.
var sign = regexp.MustCompile(`([-+*/^])\s*[\d(]`)

// operations returns the arithmetic signs in a text.
func operations(text string) map[string]bool {
	signs := map[string]bool{}
	for _, m := range sign.FindAllStringSubmatch(text, -1) {
		signs[m[1]] = true
	}
	return signs
}

// sameAnswer compares two answers as text, then as one number each with its unit; a unit that
// only one of them has does not tell them apart.
func sameAnswer(student, teacher string) bool {
	if sameText(student, teacher) {
		return true
	}
	a, b := numberPattern.FindAllString(student, -1), numberPattern.FindAllString(teacher, -1)
	if len(a) != 1 || !slices.Equal(a, b) || strings.Contains(student, "-") != strings.Contains(teacher, "-") {
		return false
	}
	unitsA, unitsB := contentWords(student), contentWords(teacher)
	return len(unitsA) == 0 || len(unitsB) == 0 || maps.Equal(unitsA, unitsB)
}

// sameText compares texts without case, blanks and marks around them.
func sameText(a, b string) bool {
	normal := func(s string) string {
		return strings.Trim(strings.Join(strings.Fields(strings.ToLower(s)), " "), " .,;:!?*_$")
	}
	return normal(a) == normal(b)
}
