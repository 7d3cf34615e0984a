package reward

import (
	"encoding/json"
	"math"
	"testing"
)

// rules is testdata/rules.json: format and tag_count as the released code computes them, and
// totals by the default weights.
type rules struct {
	Rules []struct {
		Content  string
		Format   float64
		TagCount float64 `json:"tag_count"`
	}
	Advantages struct {
		Rows   [][4]*float64
		Totals []float64
	}
}

func TestFormatAndTagCount(t *testing.T) {
	for _, c := range readJSON[rules](t, "testdata/rules.json").Rules {
		if got := Format(c.Content); got != c.Format {
			t.Errorf("Format(%q) = %g, want %g", c.Content, got, c.Format)
		}
		if got := TagCount(c.Content); got != c.TagCount {
			t.Errorf("TagCount(%q) = %g, want %g", c.Content, got, c.TagCount)
		}
	}
}

func TestTotals(t *testing.T) {
	vectors := readJSON[rules](t, "testdata/rules.json").Advantages
	for i, row := range vectors.Rows {
		var v [4]Value
		for j, x := range row {
			if v[j] = (Value{Missing: "unknown"}); x != nil {
				v[j] = Value{V: *x}
			}
		}
		got := DefaultWeights().total(Score{Accuracy: v[0], Format: v[1], TagCount: v[2], Structure: v[3]})
		if got.Missing != "" || math.Abs(got.V-vectors.Totals[i]) > 1e-12 {
			t.Errorf("row %d: total %+v, want %g", i, got, vectors.Totals[i])
		}
	}
	none := Value{Missing: "gone"}
	if got := DefaultWeights().total(Score{Accuracy: none, Format: none, TagCount: none, Structure: none}); got.Missing == "" {
		t.Errorf("total of nothing is %+v, want missing", got)
	}
}

func TestReasoning(t *testing.T) {
	for text, want := range map[string]string{
		"<think>\nab\n</think>\n<answer>\n1\n</answer>": "ab",
		"ab</think>c</think>d":                          "ab",
		"no tags":                                       "no tags",
		"  <think>open":                                 "open",
		"bad \xff byte":                                 "bad \uFFFD byte",
	} {
		if got := Reasoning(text); got != want {
			t.Errorf("Reasoning(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestValueJSON(t *testing.T) {
	got, err := json.Marshal([]Value{{V: 0.5}, {Missing: "why"}})
	if err != nil || string(got) != "[0.5,null]" {
		t.Errorf("%s, %v; want [0.5,null]", got, err)
	}
}
