package openr1

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// convert runs a job into a new directory and returns its report and the lines of both files.
func convert(t *testing.T, job Job) (Report, []string, []string) {
	t.Helper()
	dir := t.TempDir()
	job.Train, job.Test = filepath.Join(dir, "sub", "train.jsonl"), filepath.Join(dir, "test.jsonl")
	if job.Size == (Size{}) {
		job.Test = ""
	}
	report, err := Run(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "sub", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return report, lines(t, job.Train), lines(t, job.Test)
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.SplitAfter(string(text), "\n")
	return all[:len(all)-1] // behind the last line end is nothing
}

func dropped(counts map[Reason]int) map[Reason]int {
	maps.DeleteFunc(counts, func(_ Reason, n int) bool { return n == 0 })
	return counts
}

// TestRun checks which records become which rows, and what is counted. The expected choices
// follow from the generator's table in scripts/golden/openr1.py.
func TestRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		filter  Filter
		first   string // problems of the first rows
		dropped map[Reason]int
	}{
		{"plain", Filter{},
			"What is $1+1$?|What is $2+2$?|Nulls inside.|Cut, then whole.|Answer that is no mathematics.|What is an 无穷大 “∞”?",
			map[Reason]int{EmptyProblem: 2, EmptyAnswer: 2, Unverified: 6, Incomplete: 1, Duplicate: 1}},
		{"all options", Filter{Llama: true, Incomplete: true, CheckAnswers: true, MaxChars: 90},
			"What is $1+1$?|What is $2+2$?|No right one.|Nulls inside.|Cut, then whole.|Cut only.",
			map[Reason]int{EmptyProblem: 2, EmptyAnswer: 2, UnreadableAnswer: 1, Unverified: 5, Duplicate: 1, TooLong: 1}},
	} {
		report, train, _ := convert(t, Job{Files: []string{"testdata/published.parquet"}, Filter: c.filter, Keep: []string{"uuid", "problem_type"}})
		if report.Read != 78 || report.Train != len(train) || !reflect.DeepEqual(dropped(report.Dropped), c.dropped) {
			t.Errorf("%s: %+v with %d lines, want dropped %v", c.name, report, len(train), c.dropped)
		}
		var problems []string
		for _, line := range train[:6] {
			var row struct{ Problem string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			problems = append(problems, row.Problem)
		}
		if got := strings.Join(problems, "|"); got != c.first {
			t.Errorf("%s: got %s, want %s", c.name, got, c.first)
		}
	}
	_, train, _ := convert(t, Job{Files: []string{"testdata/published.parquet"}, Keep: []string{"uuid", "problem_type"}})
	want := `{"problem":"What is $1+1$?","answer":"2","generation":"<think>\nTrying way 2 — “carefully”.\n</think>\n\nSo it is $\\boxed{2}$.",` +
		`"uuid":"00000000-0000-5000-8000-000000000000","problem_type":"Algebra"}` + "\n"
	if train[0] != want {
		t.Errorf("got %s want %s", train[0], want)
	}
	if strings.Contains(train[2], "uuid") { // null there
		t.Errorf("a value that is null is kept: %s", train[2])
	}
}

// TestSplit checks, over random orders, seeds and parts of the input, that both sides together
// are all rows, that none is on both, and that a row's side depends on nothing but seed and
// problem.
func TestSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	file := func(rows []int) string {
		var b strings.Builder
		for _, n := range rows {
			fmt.Fprintf(&b, `{"problem":"p %d","answer":"a","generations":["</think>"],"correctness_math_verify":[true]}`+"\n", n)
		}
		path := filepath.Join(dir, fmt.Sprint(r.Uint64(), ".jsonl"))
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const total = 2000
	sides := map[uint64]map[string]bool{}
	for trial := range 6 {
		seed := uint64(trial % 3)
		rows := r.Perm(total)[:total-r.IntN(total/2)]
		cut := r.IntN(len(rows))
		job := Job{Files: []string{file(rows[:cut]), file(rows[cut:])}, Seed: seed, Size: Size{Share: 0.1}}
		report, train, test := convert(t, job)
		if report.Train != len(train) || report.Test != len(test) || len(train)+len(test) != len(rows) {
			t.Fatalf("%+v of %d rows", report, len(rows))
		}
		if share := float64(len(test)) / float64(len(rows)); share < 0.07 || share > 0.13 {
			t.Errorf("a share of %g was held out, want 0.1", share)
		}
		if sides[seed] == nil {
			sides[seed] = map[string]bool{}
		}
		for side, held := range [][]string{train, test} {
			for _, line := range held {
				if before, known := sides[seed][line]; known && before != (side == 1) {
					t.Fatalf("%s changed sides", line)
				}
				sides[seed][line] = side == 1
			}
		}
		job.Size = Size{Number: 77}
		_, _, least := convert(t, job)
		if len(least) != 77 {
			t.Errorf("%d rows held out, want 77", len(least))
		}
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		job.Files = []string{file(rows)} // the same rows in one file, in another order
		if _, _, again := convert(t, job); !sameSet(least, again) {
			t.Error("another order holds other rows out")
		}
	}
	if reflect.DeepEqual(sides[0], sides[1]) {
		t.Error("the seed does not matter")
	}
}

func sameSet(a, b []string) bool {
	set := map[string]bool{}
	for _, x := range a {
		set[x] = true
	}
	for _, x := range b {
		if !set[x] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestLimit(t *testing.T) {
	files := []string{"testdata/published.parquet", "testdata/published.jsonl"}
	report, train, _ := convert(t, Job{Files: files, Limit: 5})
	if len(train) != 5 || !report.Limited || report.Files != 1 {
		t.Errorf("%+v with %d lines, want 5 of the first file", report, len(train))
	}
	report, train, _ = convert(t, Job{Files: files})
	if len(train) != 66 || report.Limited || report.Read != 2*78 || report.Dropped[Duplicate] != 1+67 {
		t.Errorf("%+v with %d lines; want the second file to add nothing", report, len(train))
	}
}

// TestNothingHalfWritten checks that a run that fails leaves the files of the one before.
func TestNothingHalfWritten(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.jsonl")
	none := filepath.Join(dir, "none.jsonl")
	good := `{"problem":"p","answer":"a","generations":["</think>"],"correctness_math_verify":[true]}` + "\n"
	for path, text := range map[string]string{bad: good + "{", none: strings.ReplaceAll(good, "true", "null")} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	job := Job{Files: []string{"testdata/published.parquet"}, Train: filepath.Join(dir, "train.jsonl"), Test: filepath.Join(dir, "test.jsonl"), Size: Size{Number: 3}}
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	train, test := lines(t, job.Train), lines(t, job.Test)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx    context.Context
		change func(*Job)
		want   string
	}{
		{context.Background(), func(j *Job) { j.Files = append(j.Files, bad) }, bad + ":2: not valid JSON"},
		{context.Background(), func(j *Job) { j.Files = []string{none} }, "none of 1 records is left: 1 unverified"},
		{context.Background(), func(j *Job) { j.Size.Number = 66 }, "leaves nothing to train on: there are 66 rows"},
		{context.Background(), func(j *Job) { j.Size = Size{Share: 1e-9} }, "puts 0 of 66 rows on the test side"},
		{context.Background(), func(j *Job) { j.Test = j.Train }, "both the training and the test file"},
		{context.Background(), func(j *Job) { j.Files = []string{j.Train} }, "is an input too"},
		{cancelled, func(*Job) {}, "canceled"},
	} {
		changed := job
		c.change(&changed)
		if _, err := Run(c.ctx, changed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if !reflect.DeepEqual(lines(t, job.Train), train) || !reflect.DeepEqual(lines(t, job.Test), test) {
			t.Errorf("%s: the files changed", c.want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 4 {
		t.Errorf("files left behind: %v", left)
	}
}
