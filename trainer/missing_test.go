package trainer

import (
	"reflect"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

// Steps and evaluations count missing rewards by cause, wherever the cause stands in the reason.
func TestMissingIsCountedByCause(t *testing.T) {
	var scores []reward.Score
	for _, why := range []string{
		"", "steps of the student: decomposer: timeout: context deadline exceeded", "judge: timeout: 60s",
		"judge: refused: the server replied 500: ", "teacher: no steps in the generation", "judge: nobody knows",
	} {
		scores = append(scores, reward.Score{Structure: reward.Value{Missing: why}, Ungrounded: 1})
	}
	scores[0].Accuracy.Missing = "accuracy: gold: no number"
	want := map[string]float64{"timeout": 2, "refused": 1, "teacher": 1, "other": 1}
	fields := structureFields(scores)
	if len(fields) != len(reward.Causes)+1 || fields[len(fields)-1].Value != 6 {
		t.Errorf("fields %v; want one a cause, and 6 ungrounded steps", fields)
	}
	for i, cause := range reward.Causes {
		if got := fields[i]; got != (Metric{"rewards/structure/missing/" + cause, want[cause]}) {
			t.Errorf("%s: %v, want %v", cause, got, want[cause])
		}
	}
	var samples []EvaluationSample
	for _, s := range scores {
		samples = append(samples, EvaluationSample{Score: s})
	}
	counts := map[string]int{
		"accuracy": 1, "accuracy/gold": 1,
		"structure": 5, "structure/timeout": 2, "structure/refused": 1, "structure/teacher": 1, "structure/other": 1,
	}
	if got := countMissing(samples); !reflect.DeepEqual(got, counts) {
		t.Errorf("missing %v, want %v", got, counts)
	}
}
