package reward

import (
	"context"
	"regexp"
	"strings"
)

// Decompose takes traces apart at their equations ("3 * 5 = 15") and result sentences ("3 times
// 5 is 15"). Each closes a step: its answer is the result with its unit, its meta-reasoning all
// text since the step before, its query what that text sets out to find, with the calculation.
// Labels that the text itself carries mean nothing. It returns no error.
func (Rules) Decompose(_ context.Context, traces []Trace) ([]Decomposition, error) {
	out := make([]Decomposition, len(traces))
	for i, t := range traces {
		out[i].Steps = stepsOf(plain(t.Text))
	}
	return out, nil
}

// result is a calculation with its value, alone and with its unit, in bytes of the text.
type result struct{ expr, value, answer span }

// stepsOf makes a step of each result in a text. A result that says again what the step before
// found, or a bare calculation that was made before, is none.
func stepsOf(text string) []Step {
	var steps []Step
	seen := map[string]bool{}
	from, last := 0, ""
	for _, sentence := range cutAt(text, sentenceEnd) {
		results := equations(text, sentence)
		if results == nil {
			results = statement(text, sentence, last)
		}
		for i, r := range results {
			end := sentence.to
			if i+1 < len(results) {
				end = results[i+1].expr.from
			}
			behind := r.answer.to + remark(text[r.answer.to:end])
			step := newStep(text[from:max(from, r.expr.from)], text[r.expr.from:r.expr.to], text[r.answer.from:r.answer.to],
				text[r.value.to:behind])
			from, last = behind, text[r.value.from:r.value.to]
			calculation := strings.TrimSpace(text[r.expr.from:r.expr.to]) + " = " + last
			if step.Meta == step.Query && seen[calculation] {
				continue
			}
			seen[calculation] = true
			step.Number = len(steps) + 1
			steps = append(steps, step)
		}
	}
	return steps
}

// newStep puts a step together from the text before a calculation, the calculation, its value
// with its unit, and the rest of the clause behind the number. The rest counts as said before
// where the sentence runs on into the calculation ("there are 3 * 5 = 15 pens on it") or where
// nothing else says what is sought; failing that, the calculation does.
func newStep(before, expr, answer, behind string) Step {
	meta, expr := strings.TrimRight(strings.TrimSpace(before), "= "), strings.TrimSpace(expr)
	query := focus(meta)
	if query == "" || runsOn.MatchString(meta) {
		meta = strings.TrimSpace(meta + " " + kept(behind))
		query = focus(meta)
	}
	switch {
	case query == "" && expr == "":
		meta, query = answer, answer
	case query == "":
		meta, query = expr, expr
	case expr != "":
		query += ": " + expr
	}
	return Step{Meta: meta, Query: query, Answer: strings.TrimSpace(answer)}
}

// remark returns the length of what still belongs to a result: the text up to the next clause.
func remark(text string) int {
	if m := clauseStart.FindStringIndex(text); m != nil {
		return m[0]
	}
	return len(text)
}

// lookAhead is how far behind a number its unit, or the sign that follows it, is looked for.
const lookAhead = 40

const number = `[$€£]?\s*-?(?:\d+(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?%?`

var (
	// An equals sign with a number behind it.
	closing = regexp.MustCompile(`=\s*(` + number + `)`)
	// A calculation that goes on behind a number.
	goesOn   = regexp.MustCompile(`^\s*(?:[+*/^=]|-\s*\d)`)
	unitWord = regexp.MustCompile(`^[ -]?(?:square |cubic )?\p{L}+`)
	// The end of a text whose last clause goes on.
	runsOn = regexp.MustCompile(`\p{L}$`)
	// Clauses that give a number instead of finding it.
	assumed = regexp.MustCompile(`(?i)\b(?:let|if|given|suppose|assume|where|when)\b[^=]*$`)
)

// equations returns the results of a sentence that are written with an equals sign. Of a chain
// "3 * 5 = 10 + 5 = 15" the last value counts.
func equations(text string, sentence span) []result {
	var results []result
	from := sentence.from
	for _, m := range closing.FindAllStringSubmatchIndex(text[sentence.from:sentence.to], -1) {
		equals, value := sentence.from+m[0], span{sentence.from + m[2], sentence.from + m[3]}
		if equals < from || goesOn.MatchString(text[value.to:min(value.to+lookAhead, sentence.to)]) {
			continue
		}
		left := text[from:equals]
		expr := span{from + len(left) - len(tail(left)), equals}
		if !strings.ContainsAny(text[expr.from:expr.to], "+-*/^") && assumed.MatchString(left) {
			from = value.to
			continue
		}
		answer := span{value.from, value.to + unit(text[value.to:min(value.to+lookAhead, sentence.to)])}
		results = append(results, result{expr, value, answer})
		from = answer.to
	}
	return results
}

// tail returns the calculation at the end of a text, without the marks and blanks before it.
func tail(text string) string {
	at := len(text)
	for at > 0 && (strings.IndexByte("+-*/^=().,$% \t\n", text[at-1]) >= 0 || text[at-1] >= '0' && text[at-1] <= '9') {
		at--
	}
	return strings.TrimLeft(text[at:], "*+/^=).,%$ \t\n")
}

// unit returns the length of the unit behind a number: one word that names a thing.
func unit(text string) int {
	word := unitWord.FindString(text)
	words := contentWords(word)
	if measures[strings.Trim(word, " -")] {
		return len(word)
	}
	if len(words) == 0 || words["total"] || words["left"] || words["difference"] || words["each"] {
		return 0
	}
	return len(word)
}

var (
	stated = regexp.MustCompile(`(?i)\b(?:is|are|gives?|giving|makes?|making|equals?|leaves?|leaving|yields?|comes? to|becomes?|totals?|` +
		`gets?|getting|has|have|so|costs?|earns?|pays?)(?: us| me)?(?: a total of| only| exactly)?\s+(` + number + `)`)
	// Words that make a sentence with a number a calculation.
	operation = regexp.MustCompile(`(?i)\b(?:times|plus|minus|multipl\w*|divid\w*|add\w*|subtract\w*|half of|twice|double|triple|sum of|product of|taking away|groups of)\b`)
	concludes = regexp.MustCompile(`(?i)^\W*(?:so|thus|therefore|hence|that|this|which|then|in total|altogether|together|in all)\b|\b(?:so|we get|leaving|leaves)\b`)
	restates  = regexp.MustCompile(`(?i)\banswer\b|\?\W*$`)
)

// statement returns the result that a sentence without an equals sign states in words, if it is
// not the one of the step before.
func statement(text string, sentence span, last string) []result {
	s := text[sentence.from:sentence.to]
	all := stated.FindAllStringSubmatchIndex(s, -1)
	if all == nil || restates.MatchString(s) || !operation.MatchString(s) && !concludes.MatchString(s) {
		return nil
	}
	m := all[len(all)-1]
	value := span{sentence.from + m[2], sentence.from + m[3]}
	if text[value.from:value.to] == last {
		return nil
	}
	answer := span{value.from, value.to + unit(text[value.to:min(value.to+lookAhead, sentence.to)])}
	return []result{{span{sentence.from + m[0], sentence.from + m[0]}, value, answer}}
}

var (
	latexWord = strings.NewReplacer(`\times`, "*", `\cdot`, "*", `\div`, "/", "×", "*", "·", "*", "÷", "/", "−", "-", "–", "-",
		`\(`, " ", `\)`, " ", `\[`, " ", `\]`, " ", `\$`, "$", `\,`, " ", `\%`, "%", "≈", "=", "**", "", "⇒", "so", "→", "so", "=>", "so")
	latexFraction = regexp.MustCompile(`\\d?frac\{(\d+)\}\{(\d+)\}`)
	crossed       = regexp.MustCompile(`(\d)\s+[xX]\s+`)
	latexWrapped  = regexp.MustCompile(`\\(?:text|mathrm|textbf|boxed)\{([^{}]*)\}`)
)

// plain writes the usual LaTeX and typographic signs of a trace as plain ones.
func plain(text string) string {
	text = latexFraction.ReplaceAllString(text, "$1/$2")
	text = latexWrapped.ReplaceAllString(text, "$1")
	return crossed.ReplaceAllString(latexWord.Replace(text), "$1 * ")
}
