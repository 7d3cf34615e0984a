package reward

import (
	"context"
	"errors"
	"strings"

	"github.com/rlkd/rlkd/reward/verify"
)

// LabelledTrace is a trace with the steps that it was labelled with. Groups are the values by
// which results are broken down, such as {"template": "zoo"}.
type LabelledTrace struct {
	Trace
	Steps  []Step
	Groups map[string]string
}

// TraceAgreement says how well steps that were found agree with labels. Found and labelled steps
// are aligned in order: of all alignments that cross no two pairs, and pair only steps whose
// calculations or whose answers are equal, the one with the most pairs that are equal in both,
// and then with the most pairs.
//
// Calculations are equal when their queries are equal as text without case and blanks, or use
// the same numbers with the same operations, or, if one has no numbers, have most of their
// content words in common. Answers are equal as such text, or by the math verifier, or when they are one
// number each with units that do not differ.
type TraceAgreement struct {
	Texts   int `json:"texts"`
	Missing int `json:"missing"` // texts the decomposer failed on; they count as found to have no step
	// Parsed is the share of texts where steps were found if the label has any, and none if not.
	Parsed Share `json:"parsed"`
	// Precision, Recall and F1 count the aligned steps that are equal in calculation and answer.
	Precision Share `json:"precision"`
	Recall    Share `json:"recall"`
	F1        Share `json:"f1"`
	// QueryExact and AnswerExact are the shares of all aligned steps with the label's very text.
	QueryExact  Share `json:"query_exact"`
	AnswerExact Share `json:"answer_exact"`
	// CountExact and AnswersExact are the shares of texts with as many steps as labelled, and
	// with equal answers in the same order.
	CountExact   Share `json:"count_exact"`
	AnswersExact Share `json:"answers_exact"`
	// By has the same for each value of each group.
	By map[string]map[string]TraceAgreement `json:"by,omitempty"`
}

// AgreeOnTraces takes the labelled traces apart and compares the steps with the labels. The
// decompositions are returned in the order of the traces. The only error is that of a cancelled
// context.
func (s *Scorer) AgreeOnTraces(ctx context.Context, labelled []LabelledTrace) (TraceAgreement, []Decomposition, error) {
	traces := make([]Trace, len(labelled))
	for i, l := range labelled {
		traces[i] = l.Trace
	}
	found, err := s.Decompose(ctx, traces)
	if err != nil {
		return TraceAgreement{}, nil, err
	}
	counts := make([]traceCounts, len(labelled))
	groups := make([]map[string]string, len(labelled))
	for i, l := range labelled {
		counts[i], groups[i] = countTrace(found[i], l.Steps), l.Groups
	}
	result := summarizeTraces(counts)
	result.By = grouped(counts, groups, summarizeTraces)
	return result, found, nil
}

// traceCounts is what is counted in one text.
type traceCounts struct {
	missing, parsed, sameCount, sameAnswers bool
	found, labelled                         int
	aligned, same, queries, answers         int
}

// countTrace compares the steps found in one text with its labels.
func countTrace(d Decomposition, labels []Step) traceCounts {
	c := traceCounts{
		missing: d.Missing != "", found: len(d.Steps), labelled: len(labels),
		parsed: d.Missing == "" && (len(d.Steps) > 0) == (len(labels) > 0), sameCount: d.Missing == "" && len(d.Steps) == len(labels),
	}
	c.sameAnswers = c.sameCount
	for i := range d.Steps {
		c.sameAnswers = c.sameAnswers && equalAnswers(d.Steps[i].Answer, labels[i].Answer)
	}
	for _, p := range align(d.Steps, labels) {
		c.aligned++
		c.same += btoi(p.query && p.answer)
		c.queries += btoi(squeezed(d.Steps[p.found].Query) == squeezed(labels[p.label].Query))
		c.answers += btoi(squeezed(d.Steps[p.found].Answer) == squeezed(labels[p.label].Answer))
	}
	return c
}

func summarizeTraces(counts []traceCounts) TraceAgreement {
	a := TraceAgreement{Texts: len(counts)}
	var parsed, sameCount, sameAnswers int
	for _, c := range counts {
		a.Missing += btoi(c.missing)
		parsed += btoi(c.parsed)
		sameCount += btoi(c.sameCount)
		sameAnswers += btoi(c.sameAnswers)
	}
	a.Parsed, a.CountExact, a.AnswersExact = wilson(parsed, a.Texts), wilson(sameCount, a.Texts), wilson(sameAnswers, a.Texts)
	a.Precision = ratio(counts, func(c traceCounts) (int, int) { return c.same, c.found })
	a.Recall = ratio(counts, func(c traceCounts) (int, int) { return c.same, c.labelled })
	a.F1 = ratio(counts, func(c traceCounts) (int, int) { return 2 * c.same, c.found + c.labelled })
	a.QueryExact = ratio(counts, func(c traceCounts) (int, int) { return c.queries, c.aligned })
	a.AnswerExact = ratio(counts, func(c traceCounts) (int, int) { return c.answers, c.aligned })
	return a
}

// alignedPair is a found step and the labelled one it is aligned with, and what is equal in them.
type alignedPair struct {
	found, label  int
	query, answer bool
}

// align pairs found steps with labelled ones as [TraceAgreement] says, by dynamic programming
// over the suffixes of both.
func align(found, labels []Step) []alignedPair {
	const full, half = 1 << 20, 1 // a pair that is equal in both outweighs all others together
	pairs := make([][]alignedPair, len(found))
	best := make([][]int, len(found)+1)
	best[len(found)] = make([]int, len(labels)+1)
	worth := func(p alignedPair) int { return full*btoi(p.query && p.answer) + half*btoi(p.query || p.answer) }
	for i := len(found) - 1; i >= 0; i-- {
		best[i], pairs[i] = make([]int, len(labels)+1), make([]alignedPair, len(labels))
		for j := len(labels) - 1; j >= 0; j-- {
			p := alignedPair{i, j, equalQueries(found[i].Query, labels[j].Query), equalAnswers(found[i].Answer, labels[j].Answer)}
			pairs[i][j] = p
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if w := worth(p); w > 0 {
				best[i][j] = max(best[i][j], w+best[i+1][j+1])
			}
		}
	}
	var chosen []alignedPair
	for i, j := 0, 0; i < len(found) && j < len(labels); {
		switch w := worth(pairs[i][j]); {
		case w > 0 && best[i][j] == w+best[i+1][j+1]:
			chosen = append(chosen, pairs[i][j])
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return chosen
}

// equalQueries tells whether two queries set up the same calculation.
func equalQueries(a, b string) bool {
	if squeezed(a) == squeezed(b) {
		return true
	}
	a, b = withoutCommas(a), withoutCommas(b)
	numbersA, numbersB := numbers(a), numbers(b)
	if len(numbersA) == 0 || len(numbersB) == 0 {
		return Rules{Threshold: 0.5}.sameWords(a, b)
	}
	return len(numbersA) == len(numbersB) && shared(numbersA, numbersB) == len(numbersA) &&
		len(operations(a)) == len(operations(b)) && shared(operations(a), operations(b)) == len(operations(a))
}

// equalAnswers tells whether two answers are the same result.
func equalAnswers(a, b string) bool {
	if squeezed(a) == squeezed(b) || sameAnswer(withoutCommas(a), withoutCommas(b)) {
		return true
	}
	equal, err := verify.Equal(b, a)
	return equal && (err == nil || !errors.Is(err, verify.ErrUnsettled))
}

// squeezed returns a text without case, blanks and the marks around it.
func squeezed(text string) string {
	return strings.Trim(strings.ToLower(strings.Join(strings.Fields(text), "")), ".,;:!?*_$")
}

// withoutCommas takes the commas out of the numbers in a text.
func withoutCommas(text string) string {
	return numberPattern.ReplaceAllStringFunc(text, func(n string) string { return strings.ReplaceAll(n, ",", "") })
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
