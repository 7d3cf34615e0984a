package verify

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// verdict is what math-verify said of a completion; accuracy is null where the gold does not parse.
type verdict struct {
	Class, Answer, Completion string
	Accuracy                  *float64
}

func readVerdicts(t testing.TB, path string) []verdict {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []verdict
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

func (v verdict) agrees() bool {
	got, err := Accuracy(v.Answer, v.Completion)
	if v.Accuracy == nil {
		return errors.Is(err, ErrGold)
	}
	return err == nil && got == *v.Accuracy
}

func TestVectorsAgreeWithMathVerify(t *testing.T) {
	for _, v := range readVerdicts(t, "testdata/accuracy.json") {
		if !v.agrees() {
			got, err := Accuracy(v.Answer, v.Completion)
			t.Errorf("Accuracy(%q, %q) = %v, %v; math-verify says %v", v.Answer, v.Completion, got, err, *v.Accuracy)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		gold, answer string
		equal        bool
		err          error
	}{
		{"48 km", "48 km", true, nil},
		{"48 km", "48", true, nil},
		{"48 km", "48 kilometers.", true, nil},
		{"48 km", "48 miles", false, nil},
		{"48 km", "49 km", false, nil},
		{"2 km", "2000 m", true, nil},
		{"90 minutes", "1.5 hours", true, nil},
		{"12 apples", "12 apple", true, nil},
		{"12 apples", "12 red apples", true, nil},
		{"12 apples", "12 pears", false, nil},
		{"$24", "24 dollars", true, nil},
		{"$24", `\$24.00`, true, nil},
		{"$24", "$24$", true, nil},
		{"$1,200", "1200", true, nil},
		{"x = 3", "3", true, nil},
		{"x = 3", "y = 3", false, nil},
		{"x = 3", "$x = 3$", true, nil},
		{"3 + 4 = 7", "7", true, nil},
		{"6 * 7 = 42 apples", "42 apples", true, nil},
		{"The total is 48 km.", "48 km", true, nil},
		{"There are 7 birds left", "6", false, nil},
		{`\boxed{5}`, "5", true, nil},
		{"1/2", "0.5", true, nil},
		{"50%", "0.5", true, nil},
		{"5 cm^2", "5 square cm", true, nil},
		{"2 1/2 cups", "2.5 cups", true, nil},
		{"5 x 4 = 20", "20", true, nil},
		{"12 apples", "12 more apples than Tom", true, nil},
		{"4 hours and 3 minutes", "3 minutes", false, ErrUnsettled},
		{"Total = 12 + 8 = 20 apples", "20", true, nil},
		{"60 km/h", "60 km per hour", true, nil},
		{"3 cm", "3 cm^2", false, nil},
		{"$24 and $36", "24", false, ErrUnsettled},
		{"B", "C", false, nil},
		{"x^2 - 1", "(x-1)(x+1)", true, nil},
		{"the number of apples", "how many apples", false, ErrUnsettled},
		{"Paris", "paris.", true, nil},
		{"Paris", "London", false, ErrUnsettled},
		{"5 birds and 6 cats", "5", false, ErrUnsettled},
		{"", "", false, ErrUnsettled},
	} {
		got, err := Equal(c.gold, c.answer)
		if got != c.equal || !errors.Is(err, c.err) {
			t.Errorf("Equal(%q, %q) = %v, %v; want %v, %v", c.gold, c.answer, got, err, c.equal, c.err)
		}
	}
}

// BenchmarkAccuracy judges the 220 completions of the vectors.
func BenchmarkAccuracy(b *testing.B) {
	verdicts := readVerdicts(b, "testdata/accuracy.json")
	for b.Loop() {
		for _, v := range verdicts {
			v.agrees()
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N*len(verdicts)), "µs/answer")
}
