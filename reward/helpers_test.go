package reward

import (
	"context"
	"encoding/json"
	"os"
	"testing"
)

// readJSON decodes a file of testdata.
func readJSON[T any](t *testing.T, path string) T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// fakeDecomposer decomposes by a function, and records what it was asked.
type fakeDecomposer struct {
	decompose func(Trace) Decomposition
	asked     []Trace
}

func (f *fakeDecomposer) Decompose(_ context.Context, traces []Trace) ([]Decomposition, error) {
	f.asked = append(f.asked, traces...)
	out := make([]Decomposition, len(traces))
	for i, t := range traces {
		out[i] = f.decompose(t)
	}
	return out, nil
}

// fakeJudge judges by a function, and records what it was asked.
type fakeJudge struct {
	judge func(Question) Verdict
	asked []Question
	err   error
}

func (f *fakeJudge) Judge(_ context.Context, questions []Question) ([]Verdict, error) {
	f.asked = append(f.asked, questions...)
	if f.err != nil {
		return nil, f.err
	}
	out := make([]Verdict, len(questions))
	for i, q := range questions {
		out[i] = f.judge(q)
	}
	return out, nil
}

// byLabels decomposes by the labels in the text.
func byLabels(t Trace) Decomposition { return Decomposition{Steps: ParseSteps(t.Text)} }

// equalText judges by the text alone.
func equalText(q Question) Verdict { return Verdict{Same: q.Student == q.Teacher, By: "judge"} }

// scoreOne scores one item.
func scoreOne(t *testing.T, s *Scorer, item Item) Score {
	t.Helper()
	scores, err := s.Score(context.Background(), []Item{item})
	if err != nil {
		t.Fatal(err)
	}
	return scores[0]
}

// byRules returns a scorer with the default options.
func byRules(t *testing.T) *Scorer {
	t.Helper()
	s, err := NewScorer(DefaultWeights(), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
