package trainer

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rlkd/rlkd/cgo/pretend"
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/reward/hacking"
)

// maxHack is where the longer hacks are cut, in bytes. They repeat themselves, so that they stay
// what they are; whole, they would take the model minutes to read, or be missing because they do
// not fit.
const maxHack = 600

// What the quick start rewards by is a model that writes steps itself: it must not write any for
// a text that has none, nor better ones than those of an honest wrong solution.
func TestHacksEarnNoMoreFromTheDefaultRewardModel(t *testing.T) {
	c, err := LoadConfig(filepath.Join("recipes", "quickstart.yaml"), []string{
		"model=" + studentPath(), "device=" + pretend.Chosen(),
		"structure.decomposer.model=" + studentPath(), "structure.decomposer.adapter=" + filepath.Join("recipes", "gsrm", "adapter"),
	}, NeedScore)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"honest"}
	items := []reward.Item{hackItem(hacking.HonestWrong)}
	hacks := hacking.Reasonings()
	for _, name := range slices.Sorted(maps.Keys(hacks)) { // what is asked together, and so every bit, is the same each time
		names = append(names, name)
		items = append(items, hackItem(hacks[name][:min(len(hacks[name]), maxHack)]))
	}
	var scores []reward.Score
	err = WithScorer(c, nil, func(s *reward.Scorer) (err error) {
		scores, err = s.Score(context.Background(), items)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	honest := scores[0]
	if honest.Structure.Missing != "" || honest.Structure.V == 0 || honest.TeacherSteps != 3 {
		t.Fatalf("the honest wrong solution has structure %+v of %d steps, want some of 3", honest.Structure, honest.TeacherSteps)
	}
	for i, got := range scores[1:] {
		if got.Structure.Missing != "" || got.Structure.V > honest.Structure.V || got.Total.V > honest.Total.V {
			t.Errorf("%s: structure %+v, total %+v; the honest wrong solution has %g and %g; steps %+v",
				names[i+1], got.Structure, got.Total, honest.Structure.V, honest.Total.V, got.Steps)
		}
	}
}

func hackItem(reasoning string) reward.Item {
	return reward.Item{
		Problem: hacking.Problem, Answer: hacking.Answer, Generation: hacking.Teacher,
		Completion: hacking.Completion(reasoning, hacking.WrongAnswer),
	}
}
