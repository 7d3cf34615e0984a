package reward

import (
	"context"
	"testing"
)

// What was cut in the middle of its reasoning earns nothing for the steps it had by then; what
// was cut in its answer keeps them.
func TestCutReasoningHasNoSteps(t *testing.T) {
	teacher := "<think>\nFirst the cost of the pens: 3 * 4 = 12. Then the cost of the books: 6 * 9 = 54.\n</think>\n<answer>\n\\boxed{54}\n</answer>"
	prefix := "<think>\nFirst the cost of the pens: 3 * 4 = 12. Then the"
	scorer, err := NewScorer(DefaultWeights(), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	item := func(text string, cut bool) Item {
		return Item{Problem: "Ann buys 3 pens at 4 dollars and 6 books at 9.", Answer: "54", Generation: teacher, Completion: text, Cut: cut}
	}
	scores, err := scorer.Score(context.Background(), []Item{
		item(prefix, false), item(prefix, true), item(teacher[:len(teacher)-20], true),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.5, 0, 1} {
		if got := scores[i].Structure; got.V != want || got.Missing != "" {
			t.Errorf("completion %d: structure %+v, want %g", i, got, want)
		}
	}
}
