package model_test

import (
	"errors"
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/rng"
)

// requests are prompts of several lengths and group sizes for the student.
func studentRequests(t *testing.T) []model.Request {
	var cases []smolCase
	readJSON(t, "testdata/smollm2-fp32.json", &cases)
	var out []model.Request
	for i, c := range cases {
		out = append(out, model.Request{Prompt: c.PromptIDs, N: 1 + i%3})
		out = append(out, model.Request{Prompt: c.PromptIDs[:len(c.PromptIDs)/2+i], N: 2})
	}
	return out
}

// sampled is a generator whose random numbers belong to a prompt, by its place among all.
func sampled(m *model.Model, rows int, place func(request int) int) model.Generator {
	return model.Generator{
		Model: m, Sampling: model.Sampling{Temperature: 0.9, TopK: 200, TopP: 0.95, MinP: 0.01},
		Stop: []int{2, 28}, MaxTokens: 10, Rows: rows,
		Uniform: func(request, sample, position int) float32 {
			return rng.Uniform(7, 0, uint64(place(request)), uint64(sample), uint64(position))
		},
	}
}

// What a completion says depends on its prompt and its random numbers alone: not on how many
// rows run at once, which others there are, or when it got its place.
func TestGenerationDoesNotDependOnTheBatch(t *testing.T) {
	requests := studentRequests(t)
	run(t, func() {
		m := load(t, student(), torch.Float32, false)
		self := func(request int) int { return request }
		var want [][]model.Completion
		for _, rows := range []int{3, 64} {
			g := sampled(m, rows, self)
			got, err := g.Generate(requests)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			compare(t, got, want, rows)
		}
		for i, r := range requests {
			g := sampled(m, r.N, func(int) int { return i })
			got, err := g.Generate([]model.Request{r})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want[i:i+1], r.N)
		}
	})
}

// A device that records steps as graphs says what it says when it is eager.
func TestGraphsChangeNothing(t *testing.T) {
	requests := studentRequests(t)
	run(t, func() {
		m := load(t, student(), torch.Float32, false)
		if !torch.CanCapture(m.Device) {
			t.Skip("no graphs here")
		}
		var got [2][][]model.Completion
		for i := range got {
			g := sampled(m, 8, func(request int) int { return request })
			g.Eager, g.MaxTokens = i == 0, 24
			g.NoGraph = func(err error) { t.Error(err) }
			var err error
			if got[i], err = g.Generate(requests); err != nil {
				t.Fatal(err)
			}
		}
		compare(t, got[1], got[0], 8)
	})
}

// Whenever memory runs out, fewer completions at once are worked on, and say the same; nothing is
// told twice. What does not fit one request at a time is an error.
func TestOutOfMemoryWhileGenerating(t *testing.T) {
	requests := studentRequests(t)
	run(t, func() {
		defer torch.FailAfter(-1)
		m := load(t, student(), torch.Float32, false)
		g := sampled(m, 16, func(request int) int { return request })
		torch.FailAfter(1 << 30)
		want, err := g.Generate(requests)
		ops := 1<<30 - torch.FailAfter(-1)
		if err != nil {
			t.Fatal(err)
		}
		for after := 0; after < ops; after += 1 + ops/6 {
			m.FitAll()
			live := torch.Live()
			outOfMemoryAfter(t, m, after, requests, want)
			if now := torch.Live(); now != live {
				t.Errorf("%d tensors, %d before", now, live)
			}
		}
		g = sampled(m, 3, func(request int) int { return request })
		torch.OutOfMemoryAfter(100)
		var failed *torch.Error
		if _, err := g.Generate(requests[:1]); !errors.As(err, &failed) || !failed.OutOfMemory() {
			t.Errorf("one request that does not fit: %v", err)
		}
	})
}

// outOfMemoryAfter generates what is wanted while memory runs out after some operations.
func outOfMemoryAfter(t *testing.T, m *model.Model, after int, requests []model.Request, want [][]model.Completion) {
	t.Helper()
	g := sampled(m, 16, func(request int) int { return request })
	var fewer []int
	eager := false // it was a graph that did not fit
	told := map[int]int{}
	tokens, ended := 0, 0
	g.NoGraph = func(error) { eager = true }
	g.Fewer = func(rows int, _ error) { fewer = append(fewer, rows) }
	g.Done = func(request int, _ []model.Completion) { told[request]++ }
	g.Progress = func(t, e int) error { tokens, ended = tokens+t, ended+e; return nil }
	torch.OutOfMemoryAfter(after)
	got, err := g.Generate(requests)
	torch.FailAfter(-1)
	if fits := len(fewer) == 1 && fewer[0] < 16 && fewer[0] >= 3; err != nil || fits == eager {
		t.Fatalf("out of memory after %d operations: %v, %v at once", after, err, fewer)
	}
	compare(t, got, want, 16)
	for i := range requests {
		if told[i] != 1 {
			t.Errorf("request %d was told %d times", i, told[i])
		}
		for _, c := range got[i] {
			tokens, ended = tokens-len(c.IDs), ended-1
		}
	}
	if tokens != 0 || ended != 0 {
		t.Errorf("out of memory after %d operations: progress is off by %d tokens, %d completions", after, tokens, ended)
	}
}

func compare(t *testing.T, got, want [][]model.Completion, rows int) {
	t.Helper()
	for i := range want {
		for j := range want[i] {
			g, w := got[i][j], want[i][j]
			if !slices.Equal(g.IDs, w.IDs) || g.Finished != w.Finished {
				t.Errorf("%d rows at once, request %d, sample %d: %v, want %v", rows, i, j, g, w)
			}
		}
	}
}

// Prefixes that prompts share are computed once, which changes nothing; and in bf16 too, where
// there are kernels for it, a completion depends on its own prompt and on where that is cut alone.
func TestSharedPrefixesChangeNothing(t *testing.T) {
	plain := studentRequests(t)
	cut := slices.Clone(plain)
	for i := range cut {
		cut[i].Shared = []int{5, len(plain[i/2*2+1].Prompt)} // every second prompt is how the one before begins
	}
	self := func(request int) int { return request }
	for _, dt := range []torch.DType{torch.Float32, torch.BFloat16} {
		run(t, func() {
			m := load(t, student(), dt, false)
			g := sampled(m, 64, self)
			got, err := g.Generate(cut)
			if err != nil {
				t.Fatal(err)
			}
			if dt == torch.Float32 {
				g = sampled(m, 64, self)
				want, err := g.Generate(plain)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, got, want, 64)
			} else if !torch.HasTreeAttention(dt, m.Device, m.Config.HeadDim) {
				t.Skip("no kernels here")
			}
			for i, r := range cut {
				g := sampled(m, r.N, func(int) int { return i })
				alone, err := g.Generate([]model.Request{r})
				if err != nil {
					t.Fatal(err)
				}
				compare(t, alone, got[i:i+1], r.N)
			}
		})
	}
}

// With a cache the model says what it says without: each token is the likeliest after all
// those before, run through the model afresh.
func TestCacheChangesNothing(t *testing.T) {
	requests := studentRequests(t)
	run(t, func() {
		m := load(t, student(), torch.Float32, false)
		g := model.Generator{Model: m, Stop: []int{2}, MaxTokens: 6, Rows: 8}
		got, err := g.Generate(requests)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range requests {
			ids := slices.Clone(r.Prompt)
			for _, want := range got[i][0].IDs {
				torch.Scope(func() {
					b := model.NewBatch([]model.Sequence{{Prompt: ids, Completions: [][]int{{0}}}})
					if next := m.Logits(b).ArgMax(-1).Ints()[0]; next != want {
						t.Errorf("request %d: token %d without cache, %d with", i, next, want)
					}
				})
				ids = append(ids, want)
			}
		}
	})
}

func TestGenerationLeavesNoTensor(t *testing.T) {
	run(t, func() {
		m := load(t, student(), torch.Float32, false)
		requests := studentRequests(t)
		live := torch.Live()
		for _, after := range []int{-1, 50, 1500} {
			torch.FailAfter(after)
			err := torch.Try(func() error {
				g := sampled(m, 8, func(i int) int { return i })
				_, err := g.Generate(requests)
				return err
			})
			torch.FailAfter(-1)
			if failed := err != nil; failed != (after >= 0) {
				t.Errorf("FailAfter(%d): %v", after, err)
			}
			if now := torch.Live(); now != live {
				t.Errorf("FailAfter(%d): %d tensors, %d before", after, now, live)
			}
		}
	})
}

func TestGenerateRefusesWhatItCannotDo(t *testing.T) {
	run(t, func() {
		m := load(t, "testdata/tiny-llama", torch.Float32, false)
		for name, r := range map[string]model.Request{
			"an empty prompt":  {N: 1},
			"no completion":    {Prompt: []int{1}},
			"more than rows":   {Prompt: []int{1}, N: 3},
			"an unknown token": {Prompt: []int{1, m.Config.VocabSize}, N: 1},
		} {
			g := model.Generator{Model: m, MaxTokens: 2, Rows: 2}
			if err := torch.Try(func() error { _, err := g.Generate([]model.Request{r}); return err }); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}
