package reward

import (
	"context"
	"math"
	"slices"
)

// LabelledPair is a question with the right verdict. Groups are the values by which results are
// broken down.
type LabelledPair struct {
	Question
	Same   bool
	Groups map[string]string
}

// PairAgreement says how well verdicts agree with labels. Precision and recall are of "the same".
type PairAgreement struct {
	Pairs     int   `json:"pairs"`
	Missing   int   `json:"missing"` // pairs nobody could judge; they count as wrong
	Accuracy  Share `json:"accuracy"`
	Precision Share `json:"precision"`
	Recall    Share `json:"recall"`
	// Best is what another threshold would do, if any verdict came with a probability.
	Best *BestThreshold `json:"best,omitempty"`
	// By has the same for each value of each group; the kinds of question are one.
	By map[string]map[string]PairAgreement `json:"by,omitempty"`
}

// BestThreshold is the threshold on the probability of yes with the highest accuracy on the
// pairs; verdicts without a probability stay as they are. That accuracy flatters, as the
// threshold was chosen on the same pairs: HeldOut is the accuracy when the pairs of each problem
// are judged by the threshold that is best on those of all others.
type BestThreshold struct {
	Threshold     float64 `json:"threshold"`
	Accuracy      Share   `json:"accuracy"`
	HeldOut       Share   `json:"held_out"`
	Probabilities int     `json:"probabilities"` // pairs whose verdict has one
}

// AgreeOnPairs judges the labelled pairs as scoring would, and compares the verdicts with the
// labels. The verdicts are returned in the order of the pairs. The only error is that of a
// cancelled context.
func (s *Scorer) AgreeOnPairs(ctx context.Context, pairs []LabelledPair) (PairAgreement, []Verdict, error) {
	questions := make([]Question, len(pairs))
	for i, p := range pairs {
		questions[i] = p.Question
	}
	known, err := s.ask(ctx, questions)
	if err != nil {
		return PairAgreement{}, nil, err
	}
	judged := make([]judgedPair, len(pairs))
	groups := make([]map[string]string, len(pairs))
	verdicts := make([]Verdict, len(pairs))
	for i, p := range pairs {
		verdicts[i] = known[p.Question]
		judged[i] = judgedPair{p.Problem, p.Same, verdicts[i]}
		groups[i] = map[string]string{"kind": p.Kind.String()}
		for key, value := range p.Groups {
			groups[i][key] = value
		}
	}
	result := summarizePairs(judged)
	result.By = grouped(judged, groups, summarizePairs)
	return result, verdicts, nil
}

// judgedPair is the label of a pair and the verdict on it.
type judgedPair struct {
	problem string
	same    bool
	verdict Verdict
}

// rightAt tells whether the verdict would be right with a threshold on its probability, NaN for
// the one it was made with.
func (p judgedPair) rightAt(threshold float64) bool {
	if p.verdict.Missing != "" {
		return false
	}
	if p.verdict.P == nil || math.IsNaN(threshold) {
		return p.verdict.Same == p.same
	}
	return (*p.verdict.P > threshold) == p.same
}

func summarizePairs(judged []judgedPair) PairAgreement {
	a := PairAgreement{Pairs: len(judged)}
	right, yes, labelledYes, both, probabilities := 0, 0, 0, 0, 0
	for _, p := range judged {
		said := p.verdict.Same && p.verdict.Missing == ""
		a.Missing += btoi(p.verdict.Missing != "")
		right += btoi(p.rightAt(math.NaN()))
		yes += btoi(said)
		labelledYes += btoi(p.same)
		both += btoi(said && p.same)
		probabilities += btoi(p.verdict.P != nil)
	}
	a.Accuracy, a.Precision, a.Recall = wilson(right, len(judged)), wilson(both, yes), wilson(both, labelledYes)
	if probabilities > 0 {
		a.Best = bestThreshold(judged, probabilities)
	}
	return a
}

// bestThreshold finds the best threshold on all pairs, and on all but those of each problem.
func bestThreshold(judged []judgedPair, probabilities int) *BestThreshold {
	threshold, right := chooseThreshold(judged)
	best := &BestThreshold{Threshold: threshold, Accuracy: wilson(right, len(judged)), Probabilities: probabilities}
	problems := map[string][]judgedPair{}
	for _, p := range judged {
		problems[p.problem] = append(problems[p.problem], p)
	}
	heldOut := 0
	for problem, own := range problems {
		others := slices.DeleteFunc(slices.Clone(judged), func(p judgedPair) bool { return p.problem == problem })
		threshold, _ := chooseThreshold(others)
		for _, p := range own {
			heldOut += btoi(p.rightAt(threshold))
		}
	}
	best.HeldOut = wilson(heldOut, len(judged))
	return best
}

// chooseThreshold returns the threshold with the most right verdicts, and their number: 0, or
// one halfway between two neighbouring probabilities or behind the last. Of equally good ones it
// takes the one nearest to a half.
func chooseThreshold(judged []judgedPair) (threshold float64, right int) {
	type point struct {
		p    float64
		same bool
	}
	var points []point
	for _, j := range judged {
		if j.verdict.P != nil && j.verdict.Missing == "" {
			points = append(points, point{*j.verdict.P, j.same})
			right += btoi(j.same) // with the threshold below all, every verdict is yes
		} else {
			right += btoi(j.rightAt(math.NaN()))
		}
	}
	if len(points) == 0 {
		return 0.5, right
	}
	slices.SortFunc(points, func(a, b point) int {
		switch {
		case a.p < b.p:
			return -1
		case a.p > b.p:
			return 1
		}
		return 0
	})
	threshold = min(0, points[0].p-1e-9)
	now := right
	for i, p := range points {
		now += 1 - 2*btoi(p.same) // this verdict becomes no
		next := 1.0
		if i+1 < len(points) {
			next = points[i+1].p
		}
		if i+1 < len(points) && next == p.p {
			continue
		}
		middle := max(p.p, (p.p+next)/2)
		if now > right || now == right && math.Abs(middle-0.5) < math.Abs(threshold-0.5) {
			threshold, right = middle, now
		}
	}
	return threshold, right
}
