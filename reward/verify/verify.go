// Package verify is the accuracy reward in pure Go: it decides whether the final answer of a completion equals the
// gold answer, as HF's math-verify 0.9.0 would say when it is called the way the released RLKD code calls it.
//
// An answer is taken from the completion (extract.go), cleaned (normalize.go), read into an expression tree (lexer.go,
// parse*.go) and compared with the gold by kind (compare*.go): numbers exactly or to six decimals, expressions with
// variables at several fixed points, sets, intervals, tuples, matrices and relations by their parts.
//
// All work is bounded by counts, never by time, so a verdict does not depend on the machine: the length of an answer,
// the nesting, the parser's steps, and the bits of an exact number.
//
// Where it is knowingly not math-verify's verdict (testdata/accuracy-known-differences.json lists the golden ones):
//
//   - several \boxed{}: the last one counts; math-verify joins them, so that a list of guesses can hold the right one.
//   - a gold that does not parse is ErrGold unless the completion repeats it; math-verify compares the texts and says 0.
//   - i: math-verify takes the i of 2i and that of 2 \cdot i for two different variables; here they are one.
//   - series of infinitely many terms, limits and integrals are not worked out.
//   - equalities sympy cannot simplify, such as 2^{0.5} = \sqrt{2}, are seen here by their values.
//   - a percent sign behind ∞ or behind a determinant, and sets whose members are equal but written differently.
package verify

import (
	"errors"
	"strings"
)

// ErrGold says that the gold answer is empty or not readable as mathematics, so that a completion that does not repeat
// it word for word can be called neither right nor wrong. The caller treats the accuracy as missing.
var ErrGold = errors.New("verify: the gold answer does not parse; give it as LaTeX or plain mathematics")

// ErrUnsettled says that two step answers are not both mathematical, so that the verifier cannot tell whether they are
// equal and something else has to judge.
var ErrUnsettled = errors.New("verify: the two answers are not both mathematical")

// Accuracy returns 1 if the final answer of completion equals gold, and 0 if it does not or if there is none.
//
// The final answer is the content of the last \boxed{}; without one, the LaTeX ($…$, \(…\), \[…\] or a bare \frac)
// that follows an anchor such as "final answer is" or "answer:". LaTeX without an anchor is no answer. The gold is
// LaTeX without delimiters (one pair of them is accepted). The error is ErrGold.
func Accuracy(gold, completion string) (float64, error) {
	want := readGold(gold)
	if want.text == "" {
		return 0, ErrGold
	}
	f, ok := findAnswer(completion)
	if ok {
		if got := readFound(f); got.text == want.text || want.node != nil && got.node != nil && equalNodes(want.node, got.node) {
			return 1, nil
		}
	}
	if want.node == nil {
		return 0, ErrGold
	}
	return 0, nil
}

// reading is an answer as cleaned text and, if it parses, as an expression.
type reading struct {
	text string
	node *node
}

// readGold reads a gold answer; delimiters or a box around it are dropped.
func readGold(gold string) reading {
	gold = strings.TrimSpace(gold)
	s := scanner{text: gold}
	if p, ok := lastBoxed(gold); ok {
		gold = p.latex
	} else if p, end, ok := s.latex(0); ok && end == len(gold) {
		gold = p.latex // delimiters around all of it
	}
	if len(gold) > maxAnswer {
		return reading{}
	}
	r := reading{text: normalizeGold(gold)}
	r.node, _ = parse(r.text)
	return r
}

// readFound reads the answer of a completion; several pieces joined by commas or "and" make a set.
func readFound(f found) reading {
	var texts []string
	var nodes []*node
	for _, p := range f.parts {
		if len(p.latex) > maxAnswer {
			return reading{}
		}
		text := normalizeAnswer(p.latex)
		texts = append(texts, text)
		if n, ok := parse(text); ok {
			if p.percent {
				n = of(percent, n)
			}
			nodes = append(nodes, n)
		}
	}
	switch {
	case len(nodes) < len(texts):
		if n, ok := parse(texts[0]); ok {
			return reading{texts[0], n}
		}
		return reading{text: texts[0]}
	case len(nodes) == 1:
		return reading{texts[0], nodes[0]}
	}
	all := of(finiteSet)
	for _, n := range nodes {
		if n.kind == finiteSet {
			all.args = append(all.args, n.args...)
		} else {
			all.args = append(all.args, n)
		}
	}
	return reading{strings.Join(texts, " and "), all}
}
