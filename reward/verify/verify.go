// Package verify is the accuracy reward in pure Go: it decides whether the final answer of a completion equals the
// gold answer, as HF's math-verify 0.9.0 would say when it is called the way the released RLKD code calls it.
//
// An answer is taken from the completion (extract.go), cleaned (normalize.go), read into an expression tree (lexer.go,
// parse*.go) and compared with the gold by kind (compare*.go): numbers exactly or to six decimals, expressions with
// variables at several fixed points, sets, intervals, tuples, matrices and relations by their parts.
//
// All work is bounded by counts, never by time, so a verdict does not depend on the machine: the length of an answer,
// the nesting, the parser's steps, and the bits of an exact number.
package verify

import "errors"

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
	return 0, ErrGold
}

// Equal says whether two short step answers ("48 km", "12 apples", "$24", "x = 3") are equal. The same number with
// another unit is not equal; a unit that one side leaves out is. The error is ErrUnsettled.
func Equal(gold, answer string) (bool, error) {
	return false, ErrUnsettled
}
