package trainer

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

// loadRows loads a dataset from text, as if it stood in the file d.jsonl.
func loadRows(t *testing.T, text string, needAnswer, needTeacher bool) ([]Problem, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("d.jsonl", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return LoadProblems("d.jsonl", needAnswer, needTeacher)
}

func TestLoadProblems(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	got, err := loadRows(t, "\uFEFF"+`{"problem":"p","answer":"a","generation":"<think>\n…</think>","domain":7}`+"\r\n\r\n  \n"+
		`{"generation":null,"problem":"`+long+`"}`+"\n"+`{"problem":" q ","Answer":"not this","answer":""}`, false, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []Problem{
		{Row: 0, Prompt: "p", Answer: "a", Teacher: "<think>\n…</think>"},
		{Row: 3, Prompt: long},
		{Row: 4, Prompt: " q "},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %d problems: %.300v", len(got), got)
	}
}

func TestLoadProblemsErrors(t *testing.T) {
	const good = `{"problem":"p","answer":"a","generation":"g"}` + "\n"
	for _, c := range []struct{ text, want string }{
		{good + `{"problem":"p","answer":"a"` + "\n", "dataset: d.jsonl:2: not valid JSON: unexpected end of JSON input at byte 27"},
		{good + "\n{'problem':'p'}\n", "dataset: d.jsonl:3: not valid JSON: invalid character '\\''"},
		{`{} {}`, "dataset: d.jsonl:1: not valid JSON: invalid character '{' after top-level value"},
		{`["p"]`, `dataset: d.jsonl:1: want a JSON object, got a list ["p"]`},
		{`null`, "dataset: d.jsonl:1: want a JSON object, got null"},
		{`"p"`, `dataset: d.jsonl:1: want a JSON object, got text "p"`},
		{`{"Problem":"p"}`, `dataset: d.jsonl:1: missing key "problem"`},
		{good + `{"problem":"p","generation":"g"}`, `dataset: d.jsonl:2: missing key "answer"`},
		{good + `{"problem":"p","answer":"a"}`, `dataset: d.jsonl:2: missing key "generation"`},
		{`{"problem":null}`, "dataset: d.jsonl:1: problem: want text, got null"},
		{`{"problem":" \n"}`, "dataset: d.jsonl:1: problem: empty"},
		{`{"problem":"p","answer":42}`, "dataset: d.jsonl:1: answer: want text, got the number 42"},
		{`{"problem":"p","answer":["` + strings.Repeat("x", 99) + `"]}`, "dataset: d.jsonl:1: answer: want text, got a list"},
		{"{\"problem\":\"\xff\"}", "dataset: d.jsonl:1: not valid UTF-8; save the file as UTF-8"},
		{"", "dataset: d.jsonl has no rows; want"},
		{"\n \r\n", "dataset: d.jsonl has no rows; want"},
	} {
		_, err := loadRows(t, c.text, true, true)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q:\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
	if _, err := LoadProblems(filepath.Join(t.TempDir(), "no.jsonl"), true, true); err == nil || !strings.Contains(err.Error(), "no.jsonl") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := LoadProblems(t.TempDir(), true, true); err == nil {
		t.Error("a directory was read")
	}
}

func TestRowGet(t *testing.T) {
	var ids []int
	for text, want := range map[string]string{
		`{"ids":[1,2]}`:     "",
		`{"ids":[1,null]}`:  "s:1: ids: want a list, each an integer, got a list [1,null]",
		`{"ids":[1.5]}`:     "s:1: ids: want a list, each an integer, got a list [1.5]",
		`{"ids":["1"]}`:     `s:1: ids: want a list, each an integer, got a list ["1"]`,
		`{"ids":1}`:         "s:1: ids: want a list, each an integer, got the number 1",
		`{"ids":{"a":"b"}}`: `s:1: ids: want a list, each an integer, got an object {"a":"b"}`,
		`{"ids":true}`:      "s:1: ids: want a list, each an integer, got true",
		`{"id":[1]}`:        `s:1: missing key "ids"`,
		`{"ids":"a"}`:       `s:1: ids: want a list, each an integer, got text "a"`,
	} {
		err := ReadRows(strings.NewReader(text), "s", func(r Row) error { return r.Get("ids", &ids) })
		if got := errorText(err); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestOrder(t *testing.T) {
	for _, c := range []struct{ rows, n int }{{1, 1}, {5, 5}, {10, 3}, {10, 7}, {10, 9}, {64, 8}, {101, 16}, {13, 12}} {
		o := Order{Seed: 3, Rows: c.rows}
		var sequence []int
		for step := range 6 * c.rows {
			batch := o.Batch(step, c.n)
			sorted := slices.Sorted(slices.Values(batch))
			if len(batch) != c.n || len(slices.Compact(sorted)) != c.n {
				t.Fatalf("%v: step %d has rows %v", c, step, batch)
			}
			sequence = append(sequence, batch...)
		}
		for epoch := range slices.Chunk(sequence[:len(sequence)/c.rows*c.rows], c.rows) {
			for i, row := range slices.Sorted(slices.Values(epoch)) {
				if row != i {
					t.Fatalf("%v: an epoch is %v", c, epoch)
				}
			}
		}
	}
}

// TestOrderOfFewRows checks a dataset smaller than a batch: every row comes equally often.
func TestOrderOfFewRows(t *testing.T) {
	o, count := Order{Seed: 1, Rows: 3}, [3]int{}
	for step := range 3 {
		for _, row := range o.Batch(step, 7) {
			count[row]++
		}
	}
	if count != [3]int{7, 7, 7} {
		t.Errorf("rows came %v times, want 7 each", count)
	}
}

func TestOrderDependsOnSeedAndStepAlone(t *testing.T) {
	o := Order{Seed: 1, Rows: 50}
	late := o.Batch(40, 8)
	for step := range 40 {
		o.Batch(step, 8)
	}
	if again := o.Batch(40, 8); !slices.Equal(again, late) {
		t.Errorf("step 40 depends on what was asked before: %v, then %v", late, again)
	}
	if other := (Order{Seed: 2, Rows: 50}).Batch(40, 8); slices.Equal(other, late) {
		t.Errorf("two seeds give the same batch %v", late)
	}
	if next := o.Batch(0, 50); slices.Equal(next, o.Batch(1, 50)) || slices.IsSorted(next) {
		t.Errorf("two epochs have the same order, or that of the file: %v", next)
	}
}

// The teacher's steps may be given with a row. They are then not looked for in its text.
func TestProblemsWithSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	write := func(rows string) {
		if err := os.WriteFile(path, []byte(rows), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"problem":"p","answer":"1","generation":"g","steps":[{"number":1,"meta":"m","query":"q","answer":"a"},{"number":3,"meta":"n"}]}
{"problem":"p","answer":"1","generation":"g","steps":[]}
{"problem":"p","answer":"1","generation":"g"}
`)
	problems, err := LoadProblems(path, true, true)
	if err != nil {
		t.Fatal(err)
	}
	want := []reward.Step{{Number: 1, Meta: "m", Query: "q", Answer: "a"}, {Number: 3, Meta: "n"}}
	if got := problems[0].Steps; !slices.Equal(got, want) {
		t.Errorf("steps %+v, want %+v", got, want)
	}
	if problems[1].Steps == nil || problems[2].Steps != nil {
		t.Errorf("no steps %#v, not known %#v", problems[1].Steps, problems[2].Steps)
	}
	for bad, says := range map[string]string{
		`[{"number":2,"meta":"m"},{"number":2,"meta":"n"}]`: `:1: steps[1].number: want more than 2, got 2`,
		`[{"number":1,"query":"q"}]`:                        `:1: steps[0].meta: empty`,
		`{"number":1}`:                                      `:1: steps: want a list`,
	} {
		write(`{"problem":"p","answer":"1","generation":"g","steps":` + bad + "}\n")
		if _, err := LoadProblems(path, true, true); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", bad, err, says)
		}
	}
}

// A lesson of a reward model is asked for as its use asks, and says its labels.
func TestLabelledLessons(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.jsonl")
	rows := `{"problem":"2 + 3?","generation":"<think>\nFirst the sum: 2 + 3 = 5.\n</think>\n<answer>5</answer>","steps":[{"number":1,"meta":"the sum","query":"2 + 3","answer":"5"}]}
{"problem":"2 + 3?","text":"I have no idea at all.","steps":[]}
{"problem":"2 + 3?","deepseek_reasoning":"[think 1]: the sum","steps":[]}
`
	if err := os.WriteFile(path, []byte(rows), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig("", []string{"model=m", "output_dir=o", "sft.target=steps", "sft.dataset=" + path}, NeedSFT)
	if err != nil {
		t.Fatal(err)
	}
	var notes []string
	d, err := loadLessons(c, func(s string) { notes = append(notes, s) })
	if err != nil {
		t.Fatal(err)
	}
	if len(d.problems) != 2 || len(notes) != 1 || !strings.Contains(notes[0], "1 of 3 rows") {
		t.Fatalf("%d rows, notes %q; want the row that carries a label left out and noted", len(d.problems), notes)
	}
	first, second := c.lesson(d.problems[0]), c.lesson(d.problems[1])
	if want := reward.DecomposePrompt(reward.Trace{Problem: "2 + 3?", Text: "First the sum: 2 + 3 = 5."}); first.prompt != want {
		t.Errorf("prompt %+v, want %+v", first.prompt, want)
	}
	if first.said != "[think 1]: the sum\n[query 1]: 2 + 3\n[answer 1]: 5" || second.said != reward.NoSteps {
		t.Errorf("said %q and %q", first.said, second.said)
	}
	if _, err := LoadLabels("../trainer/recipes/quickstart/test.jsonl"); err == nil || !strings.Contains(err.Error(), `:1: missing key "steps"`) {
		t.Errorf("rows without labels: %v", err)
	}
}
