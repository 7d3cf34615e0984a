package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// share is a share as the command writes it.
type share struct {
	Value, Low, High float64
	N                int
}

type agreed struct {
	Traces *struct {
		Texts        int
		F1, Parsed   share
		AnswersExact share `json:"answers_exact"`
		By           map[string]map[string]struct{ F1 share }
	}
	Pairs *struct {
		Pairs    int
		Accuracy share
		By       map[string]map[string]struct{ Accuracy share }
		Best     *struct{ Threshold float64 }
	}
}

// TestAgree measures the rules on labels that they can and cannot reach.
func TestAgree(t *testing.T) {
	dir := t.TempDir()
	traces, pairs := filepath.Join(dir, "traces.jsonl"), filepath.Join(dir, "pairs.jsonl")
	const text = "First I should find how many apples there are in all. 3 + 4 = 7 apples. Next I need the number of apples that are left. 7 - 2 = 5 apples."
	write := func(path, rows string) {
		if err := os.WriteFile(path, []byte(rows), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(traces, `{"problem":"p","text":"`+text+`","source":"x","steps":[{"number":1,"meta":"m","query":"apples in all: 3 + 4","answer":"7"},`+
		`{"number":2,"meta":"m","query":"apples left: 7 - 2","answer":"5"}]}`+"\n"+
		`{"problem":"p","text":"`+text+`","source":"y","steps":[]}`+"\n")
	write(pairs, `{"kind":"answer","problem":"p","student":"5","teacher":"5.0","same":true}`+"\n"+
		`{"kind":"meta","problem":"p","student":"I find the apples.","teacher":"I find the pears.","same":true,"source":"hard"}`+"\n")
	got := rows[agreed](t, "", "agree", "--traces", traces, "--pairs", pairs)
	if len(got) != 1 || got[0].Traces == nil || got[0].Pairs == nil {
		t.Fatalf("got %+v", got)
	}
	a, b := got[0].Traces, got[0].Pairs
	// Four steps found, two labelled, two the same: F1 = 4 / 6.
	if a.Texts != 2 || a.Parsed.Value != 0.5 || a.F1.Value < 0.66 || a.F1.Value > 0.67 || a.F1.N != 6 || a.AnswersExact.Value != 0.5 {
		t.Errorf("traces: %+v, f1 %+v", a, a.F1)
	}
	if by := a.By["source"]; len(by) != 2 || by["x"].F1.Value != 1 || by["y"].F1.Value != 0 {
		t.Errorf("by source: %+v", by)
	}
	if b.Pairs != 2 || b.Accuracy.Value != 0.5 || b.By["kind"]["answer"].Accuracy.Value != 1 || b.By["source"]["hard"].Accuracy.Value != 0 || b.Best != nil {
		t.Errorf("pairs: %+v", b)
	}
	shown := rows[map[string]any](t, "", "agree", "--show", "--traces", traces, "--pairs", pairs)
	if len(shown) != 4 || shown[0]["found"] == nil || shown[3]["verdict"] == nil {
		t.Errorf("shown: %v", shown)
	}
}

// TestAgreeBadInput checks that what is wrong with a file of labels is named.
func TestAgreeBadInput(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"empty.jsonl": "\n", "kind.jsonl": `{"kind":"mete","problem":"p","student":"s","teacher":"t","same":true}`,
		"same.jsonl": `{"kind":"meta","problem":"p","student":"s","teacher":"t","same":"yes"}`, "steps.jsonl": `{"problem":"p","text":"t"}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"":                     "agree: give --traces, --pairs or both; see rlkd agree --help",
		"--traces no.jsonl":    "open no.jsonl: no such file or directory",
		"--pairs empty.jsonl":  "empty.jsonl: no rows",
		"--pairs kind.jsonl":   `kind.jsonl:1: kind: want meta, query or answer, got "mete"`,
		"--pairs same.jsonl":   `same.jsonl:1: same: want true or false, got text "yes"`,
		"--traces steps.jsonl": `steps.jsonl:1: missing key "steps"`,
	} {
		code, out, log := rlkd("", append([]string{"agree"}, strings.Fields(args)...)...)
		if code != 1 || out != "" || log != "rlkd: "+want+"\n" {
			t.Errorf("agree %s: exit %d, stdout %q, stderr %q, want %q", args, code, out, log, want)
		}
	}
}
