package verify

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// leastAgreement is the share of verdicts that must be math-verify's; the rest is listed, with reasons.
const leastAgreement = 0.97

// knownDifference is a verdict that is knowingly not math-verify's.
type knownDifference struct{ Class, Answer, Completion, Reason string }

func readDifferences(t *testing.T) []knownDifference {
	t.Helper()
	data, err := os.ReadFile("testdata/accuracy-known-differences.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []knownDifference
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// golden.json is written by scripts/golden/accuracy.py.
func TestGoldenAgreesWithMathVerify(t *testing.T) {
	verdicts, known := readVerdicts(t, "testdata/golden.json"), readDifferences(t)
	total, agreed := map[string]int{}, 0
	wrong := map[string]int{}
	for _, v := range verdicts {
		total[v.Class]++
		listed := slices.ContainsFunc(known, func(d knownDifference) bool {
			return d.Answer == v.Answer && d.Completion == v.Completion
		})
		switch agrees := v.agrees(); {
		case agrees:
			agreed++
			if listed {
				t.Errorf("%s: Accuracy(%q, %q) agrees with math-verify now; take it off the list", v.Class, v.Answer, v.Completion)
			}
		case !listed:
			got, err := Accuracy(v.Answer, v.Completion)
			t.Errorf("%s: Accuracy(%q, %q) = %v, %v is not what math-verify says, and not listed", v.Class, v.Answer, v.Completion, got, err)
			fallthrough
		default:
			wrong[v.Class]++
		}
	}
	share := float64(agreed) / float64(len(verdicts))
	t.Logf("%d of %d verdicts agree (%.2f %%), %d classes; differences by class: %v", agreed, len(verdicts), 100*share, len(total), wrong)
	if share < leastAgreement || len(verdicts) < 300 {
		t.Errorf("agreement %.4f on %d verdicts; want at least %v on 300", share, len(verdicts), leastAgreement)
	}
}

// VERIFY_HELD_OUT names a file of verdicts of another seed, to see whether the agreement carries over.
func TestHeldOutAgreesWithMathVerify(t *testing.T) {
	heldOut := os.Getenv("VERIFY_HELD_OUT")
	if heldOut == "" {
		t.Skip("set VERIFY_HELD_OUT to a file written by scripts/golden/accuracy.py with another seed")
	}
	verdicts := readVerdicts(t, heldOut)
	agreed := 0
	for _, v := range verdicts {
		if v.agrees() {
			agreed++
			continue
		}
		got, err := Accuracy(v.Answer, v.Completion)
		t.Logf("%s: Accuracy(%q, %.200q) = %v, %v", v.Class, v.Answer, v.Completion, got, err)
	}
	t.Logf("%d of %d verdicts agree (%.2f %%)", agreed, len(verdicts), 100*float64(agreed)/float64(len(verdicts)))
	if float64(agreed) < leastAgreement*float64(len(verdicts)) {
		t.Errorf("want at least %v", leastAgreement)
	}
}
