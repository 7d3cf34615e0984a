package trainer

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

// TestRolloutsComeBack writes the completions of a step and reads them as `rlkd audit` does.
func TestRolloutsComeBack(t *testing.T) {
	p := Problem{Row: 3, Prompt: "How many are left of 5 after 2?", Answer: "3", Teacher: "<think>\nI need what is left. 5 - 2 = 3, so that three are left over.\n</think>"}
	o := outcome{rewards: []float64{4, math.NaN()}, advantages: Advantages{Values: []float64{0.5, 0}}}
	for sample := range 2 {
		o.rollouts = append(o.rollouts, Rollout{Problem: p, Sample: sample, Text: p.Teacher, Finished: sample == 0})
	}
	scorer, err := reward.NewScorer(reward.DefaultWeights(), reward.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if o.scores, err = scorer.Score(t.Context(), items(o.rollouts)); err != nil {
		t.Fatal(err)
	}
	o.scores[1].Structure, o.scores[1].Steps = reward.Value{Missing: "student: timeout: 5s"}, nil
	o.scores[1].TeacherSteps = 0
	path := filepath.Join(t.TempDir(), "step.jsonl")
	if err := writeRollouts(path, 7, o); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRollouts(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		want := ScoredRollout{Step: 7, Sample: i, Item: items(o.rollouts)[i], Score: o.scores[i], Advantage: o.advantages.Values[i]}
		if i == 0 {
			want.Reward = &o.rewards[0]
			*want.Reward = o.scores[0].Total.V
		}
		if len(r.Score.Steps) == 0 {
			r.Score.Steps = nil
		}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("row %d: got  %+v\nwant %+v", i, r, want)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), `"generation"`); n != 1 {
		t.Errorf("the teacher's text is there %d times, want once a group", n)
	}
}

// TestOldRollouts reads a row as runs wrote it before they kept the teacher's text.
func TestOldRollouts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.jsonl")
	row := `{"step":1,"row":0,"group":0,"sample":0,"problem":"p","answer":"1","completion":"c","finished":true,"reward":20,"advantage":0.5,` +
		`"accuracy":0,"format":1,"tag_count":1,"structure":null,"steps":null,"prompt_ids":[1],"completion_ids":[2]}`
	if err := os.WriteFile(path, []byte(row), 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRollouts(path)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Score.Total.V != 20 || got[0].Score.Structure.Missing != notRecorded || got[0].Item.Generation != "" {
		t.Errorf("got %+v", got[0])
	}
	if err := os.WriteFile(path, []byte(strings.Replace(row, `"group":0`, `"group":"a"`, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRollouts(path); err == nil || !strings.Contains(err.Error(), "old.jsonl:1: group: want an integer") {
		t.Errorf("got %v", err)
	}
}
