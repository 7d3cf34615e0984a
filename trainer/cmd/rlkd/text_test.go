package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// rows runs the program, which must succeed, and decodes the JSON lines on its stdout.
func rows[T any](t *testing.T, in string, args ...string) []T {
	t.Helper()
	code, out, log := rlkd(in, args...)
	if code != 0 || log != "" {
		t.Fatalf("rlkd %s: exit %d, stderr %q", strings.Join(args, " "), code, log)
	}
	var all []T
	for line := range strings.Lines(out) {
		var row T
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, row)
	}
	return all
}

// TestTokenize feeds the vectors through both directions of the command.
func TestTokenize(t *testing.T) {
	type example struct {
		Text    string `json:"text"`
		IDs     []int  `json:"ids"`
		Decoded string `json:"decoded"`
	}
	cases, err := os.ReadFile(strings.Replace(tokenizerJSON, ".json", ".cases.jsonl", 1))
	if err != nil {
		t.Fatal(err)
	}
	encoded := rows[example](t, string(cases), "tokenize", "--model", tokenizerJSON)
	decoded := rows[example](t, string(cases), "tokenize", "--model", tokenizerJSON, "--decode")
	n := 0
	for line := range strings.Lines(string(cases)) {
		var want example
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if got := encoded[n].IDs; !reflect.DeepEqual(got, want.IDs) {
			t.Errorf("%q: ids %v, want %v", want.Text, got, want.IDs)
		}
		if got := decoded[n].Text; got != want.Decoded {
			t.Errorf("%v: text %q, want %q", want.IDs, got, want.Decoded)
		}
		n++
	}
	if n == 0 || len(encoded) != n || len(decoded) != n {
		t.Errorf("%d cases gave %d and %d rows", n, len(encoded), len(decoded))
	}
}

// scoreRow is what the score command writes.
type scoreRow struct {
	Accuracy, Format, Structure, Total *float64
	TagCount                           *float64 `json:"tag_count"`
	Steps                              []map[string]any
	Missing                            map[string]string
}

func TestScore(t *testing.T) {
	const perfect = `<think>\n` +
		`First I should find how many apples there are in all. 3 + 4 = 7 apples. ` +
		`Next I need the number of apples that are left. 7 - 2 = 5 apples.\n</think>\n<answer>\n\\boxed{5}\n</answer>`
	row := func(answer, generation, completion string) string {
		return `{"problem":"Tom has 3 apples, gets 4 and eats 2. How many are left?","answer":"` + answer +
			`","generation":"` + generation + `","completion":"` + completion + `"}` + "\n"
	}
	got := rows[scoreRow](t, row("5", perfect, perfect)+row("5", perfect, "I do not know.")+row("5", "", perfect)+row("", perfect, perfect),
		"score", "--set", "structure.normalize=teacher", "--set", "reward_weights={accuracy: 1, format: 2, tag_count: 3, structure: 4}")
	if len(got) != 4 {
		t.Fatalf("%d rows, want 4", len(got))
	}
	for _, c := range []struct {
		row     int
		want    []float64 // accuracy, format, tag_count, structure, total; NaN = null
		missing string
	}{
		{0, []float64{1, 1, 1, 1, 10}, ""},
		{1, []float64{0, 0, 0, 0, 0}, ""},
		{2, []float64{1, 1, 1, -1, 6}, "structure"},
		{3, []float64{-1, 1, 1, 1, 9}, "accuracy"},
	} {
		r := got[c.row]
		for i, part := range []*float64{r.Accuracy, r.Format, r.TagCount, r.Structure, r.Total} {
			have := -1.0 // null
			if part != nil {
				have = *part
			}
			if have != c.want[i] {
				t.Errorf("row %d, part %d: got %g, want %g (-1 = null)", c.row, i, have, c.want[i])
			}
		}
		if _, said := r.Missing[c.missing]; said != (c.missing != "") || len(r.Missing) > 1 {
			t.Errorf("row %d: missing %v, want %q alone", c.row, r.Missing, c.missing)
		}
	}
	if len(got[0].Steps) == 0 || got[0].Steps[0]["meta"] == nil {
		t.Errorf("the steps show no verdicts: %v", got[0].Steps)
	}
	if got[2].Steps == nil {
		t.Error("no steps are null, want []")
	}
}

func TestDecompose(t *testing.T) {
	got := rows[decomposed](t,
		`{"problem":"p","text":"First I should find how many apples there are in all. 3 + 4 = 7 apples. Next I need the number of apples that are left. 7 - 2 = 5 apples."}`+"\n"+
			`{"problem":"p","text":""}`, "decompose")
	if len(got) != 2 || len(got[0].Steps) == 0 || got[0].Steps[0].Number != 1 || got[0].Steps[0].Meta == "" {
		t.Fatalf("got %+v", got)
	}
	if got[1].Steps == nil || len(got[1].Steps) > 0 {
		t.Errorf("of an empty text: %+v", got[1])
	}
}

func TestDoctor(t *testing.T) {
	parts := map[string]finding{}
	for _, f := range rows[finding](t, "", "doctor", "--json") {
		if f.Found == "" || f.OK == (f.Advice != "") {
			t.Errorf("%+v", f)
		}
		parts[f.Part] = f
	}
	for _, part := range []string{"libtorch", "cpu", "threads", "memory", "cuda", "nvml", "auto", "health"} {
		if _, ok := parts[part]; !ok {
			t.Errorf("no line for %s", part)
		}
	}
	if alone := rows[finding](t, "", "doctor", "--health", "--json"); len(alone) != 1 || alone[0] != parts["health"] || !alone[0].OK {
		t.Errorf("--health: %+v", alone)
	}
	code, out, _ := rlkd("", "doctor")
	if code != 0 || strings.Count(out, "\n") != len(parts) {
		t.Errorf("exit %d, want a line each:\n%s", code, out)
	}
}
