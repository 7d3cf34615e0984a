package trainer

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

// readJSON decodes a file of testdata.
func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// nearAll compares slices, NaN with NaN.
func nearAll(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.IsNaN(want[i]) != math.IsNaN(got[i]) || math.Abs(got[i]-want[i]) > tolerance {
			t.Errorf("%s[%d]: got %.12g, want %.12g ± %g", what, i, got[i], want[i], tolerance)
		}
	}
}

var nan = math.NaN()

// TestAdvantagesAgreeWithReference compares with rules.json, which the released code's formula
// made: two groups of four, the second without variance.
func TestAdvantagesAgreeWithReference(t *testing.T) {
	var v struct {
		Advantages struct {
			Totals     []float64 `json:"totals"`
			Advantages []float64 `json:"advantages"`
		} `json:"advantages"`
	}
	readJSON(t, "rules.json", &v)
	if len(v.Advantages.Totals) != 8 {
		t.Fatalf("rules.json has %d totals, want 8", len(v.Advantages.Totals))
	}
	a := NewAdvantages(v.Advantages.Totals, []int{0, 0, 0, 0, 1, 1, 1, 1}, ScaleGroup)
	nearAll(t, "advantages", a.Values, v.Advantages.Advantages, 1e-12)
	if a.ZeroStd != 0.5 || a.Incomparable != 0 {
		t.Errorf("zero std %g of the groups, %d incomparable; want 0.5 and 0", a.ZeroStd, a.Incomparable)
	}
}

// TestScaleRewards has TRL's semantics of scale_rewards worked out by hand: group {1, 5} has mean
// 3 and std √8, group {0, 0} none; all four have mean 1.5 and std √(17/3).
func TestScaleRewards(t *testing.T) {
	rewards, group := []float64{1, 5, 0, 0}, []int{7, 7, 2, 2}
	for _, c := range []struct {
		scale   RewardScale
		divisor float64
		std     float64
	}{
		{ScaleGroup, math.Sqrt(8) + 1e-4, math.Sqrt(8) / 2},
		{ScaleBatch, math.Sqrt(17.0/3) + 1e-4, math.Sqrt(17.0 / 3)},
		{ScaleNone, 1, math.Sqrt(8) / 2},
	} {
		a := NewAdvantages(rewards, group, c.scale)
		nearAll(t, string(c.scale), a.Values, []float64{-2 / c.divisor, 2 / c.divisor, 0, 0}, 1e-12)
		nearAll(t, string(c.scale)+" mean, std, zero", []float64{a.Mean, a.Std, a.ZeroStd}, []float64{1.5, c.std, 0.5}, 1e-12)
	}
	// Where the groups differ in spread, only the batch scale keeps the difference.
	spread, groups := []float64{0, 2, 0, 20}, []int{0, 0, 1, 1}
	byBatch := NewAdvantages(spread, groups, ScaleBatch)
	near(t, "batch: ratio of the groups", byBatch.Values[3]/byBatch.Values[1], 10, 1e-9)
	byGroup := NewAdvantages(spread, groups, ScaleGroup)
	near(t, "group: ratio of the groups", byGroup.Values[3]/byGroup.Values[1], 1, 1e-4)
}

func TestMissingRewards(t *testing.T) {
	for _, c := range []struct {
		name         string
		rewards      []float64
		group        []int
		values       []float64
		used         []bool
		mean, std    float64
		zero         float64
		incomparable int
	}{
		{
			"one of three is left out of mean and std", []float64{1, nan, 3}, []int{0, 0, 0},
			[]float64{-1 / (math.Sqrt2 + 1e-4), 0, 1 / (math.Sqrt2 + 1e-4)}, []bool{true, false, true},
			2, math.Sqrt2, 0, 0,
		},
		{
			"one scored completion gives no gradient", []float64{5, nan, 1, 3}, []int{0, 0, 1, 1},
			[]float64{0, 0, -1 / (math.Sqrt2 + 1e-4), 1 / (math.Sqrt2 + 1e-4)}, []bool{false, false, true, true},
			3.5, math.Sqrt2, 0, 1,
		},
		{
			"nothing scored", []float64{nan, nan}, []int{0, 0},
			[]float64{0, 0}, []bool{false, false}, nan, nan, nan, 1,
		},
		{
			"equal rewards whose mean rounds", []float64{0.1, 0.1, 0.1}, []int{0, 0, 0},
			[]float64{0, 0, 0}, []bool{true, true, true}, 0.1, 0, 1, 0,
		},
		{"no completions", nil, nil, nil, nil, nan, nan, nan, 0},
	} {
		a := NewAdvantages(c.rewards, c.group, ScaleGroup)
		nearAll(t, c.name, a.Values, c.values, 1e-12)
		for i := range c.used {
			if a.Used[i] != c.used[i] {
				t.Errorf("%s: used[%d] = %v", c.name, i, a.Used[i])
			}
		}
		nearAll(t, c.name+": mean, std, zero", []float64{a.Mean, a.Std, a.ZeroStd}, []float64{c.mean, c.std, c.zero}, 1e-12)
		if a.Incomparable != c.incomparable {
			t.Errorf("%s: %d incomparable, want %d", c.name, a.Incomparable, c.incomparable)
		}
	}
}

func TestGroupRewards(t *testing.T) {
	score := func(total float64, structure string) reward.Score {
		return reward.Score{Total: reward.Value{V: total}, Structure: reward.Value{Missing: structure}}
	}
	none := reward.Score{Total: reward.Value{Missing: "all"}, Structure: reward.Value{Missing: "all"}}
	scores := []reward.Score{
		score(1, ""), score(2, "judge down"), none, // compared by totals with structure
		score(3, "teacher has no steps"), score(4, "teacher has no steps"), none, // without
	}
	groups := []int{0, 0, 0, 1, 1, 1}
	nearAll(t, "rewards", GroupRewards(scores, groups, reward.DefaultWeights()), []float64{1, nan, nan, 3, 4, nan}, 0)
	nearAll(t, "without structure", GroupRewards(scores, groups, reward.Weights{Accuracy: 1}), []float64{1, 2, nan, 3, 4, nan}, 0)
}

// BenchmarkAdvantages compares 64 groups of 8 rewards.
func BenchmarkAdvantages(b *testing.B) {
	rewards, groups := make([]float64, 512), make([]int, 512)
	for i := range rewards {
		rewards[i], groups[i] = float64(i*31%17), i/8
	}
	for b.Loop() {
		NewAdvantages(rewards, groups, ScaleGroup)
	}
}
