package backends

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rlkd/rlkd/reward"
)

// server is an OpenAI-style server that replies by the user's message, and records those that
// it was asked. A reply of "" is an error 500.
type server struct {
	reply func(user string) string
	delay time.Duration
	probs bool // it knows how likely tokens are
	url   string

	mu    sync.Mutex
	asked []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Messages []struct{ Role, Content string }
		Logprobs bool
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &request); err != nil || r.URL.Path != "/v1/chat/completions" {
		http.Error(w, "want a chat completion", http.StatusNotFound)
		return
	}
	user := request.Messages[len(request.Messages)-1].Content
	s.mu.Lock()
	s.asked = append(s.asked, user)
	s.mu.Unlock()
	time.Sleep(s.delay)
	text := s.reply(user)
	if text == "" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	choice := map[string]any{"message": map[string]string{"role": "assistant", "content": text}, "finish_reason": "stop"}
	if p := map[string]float64{"yes": 0.9, "no": 0.2}[text]; p > 0 && s.probs && request.Logprobs {
		choice["logprobs"] = map[string]any{"content": []any{map[string]any{"token": "x", "top_logprobs": []any{
			map[string]any{"token": " Yes", "logprob": math.Log(p)}, map[string]any{"token": "no", "logprob": math.Log(1 - p)},
		}}}}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"choices": []any{choice}})
}

// about counts the messages with a text in them.
func (s *server) about(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range s.asked {
		if strings.Contains(user, text) {
			n++
		}
	}
	return n
}

// scorer asks the server for both, decompositions and verdicts, and starts it first.
func (s *server) scorer(t testing.TB, change func(*reward.Options)) *reward.Scorer {
	if s.url == "" {
		h := httptest.NewServer(s)
		t.Cleanup(h.Close)
		s.url = h.URL + "/v1"
	}
	none := 0
	o := reward.DefaultOptions()
	o.AnswerCheck, o.MinTraceChars, o.Grounding = reward.JudgeOnly, 0, 0
	model := reward.BackendOptions{Backend: reward.BackendOpenAI, Model: "m", BaseURL: s.url, Retries: &none}
	o.Decomposer.BackendOptions, o.Judge.BackendOptions = model, model
	if change != nil {
		change(&o)
	}
	scorer, err := NewScorer(reward.DefaultWeights(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return scorer
}

// vector is a case of reward/testdata/structure.json.
type vector struct {
	Name, Teacher, Student string
	Verdicts               map[string][]string
	JudgeFailsAt           []any         `json:"judge_fails_at"`
	ParsedTeacher          []reward.Step `json:"parsed_teacher"`
	ParsedStudent          []reward.Step `json:"parsed_student"`
	Expect                 struct {
		Outcome         string
		PerStep         []float64 `json:"per_step"`
		Sum, Normalized float64
	}
}

// script maps what the server is asked in the vector's case to what it replies. The vector's
// texts are the decomposer's replies; a judge that fails does so by failure.
func (v vector) script(failure string) map[string]string {
	replies := map[string]string{}
	for side, reply := range map[string]string{"teacher": v.Teacher, "student": v.Student} {
		if reply != "" {
			replies[reward.DecomposePrompt(reward.Trace{Problem: v.Name, Text: "what the " + side + " thought"}).User] = reply
		}
	}
	for i := range min(len(v.ParsedTeacher), len(v.ParsedStudent)) {
		a, b := v.ParsedTeacher[i], v.ParsedStudent[i]
		for _, q := range []reward.Question{
			{Kind: reward.Meta, Problem: v.Name, Teacher: a.Meta, Student: b.Meta},
			{Kind: reward.Query, Problem: v.Name, Teacher: a.Query, Student: b.Query},
			{Kind: reward.Answer, Problem: v.Name, Teacher: a.Answer, Student: b.Answer},
		} {
			said := "yes"
			if script := v.Verdicts[q.Kind.String()]; i < len(script) && script[i] == "n" {
				said = "no"
			}
			if at := v.JudgeFailsAt; at != nil && at[0] == q.Kind.String() && int(at[1].(float64)) == i {
				said = failure
			}
			replies[reward.JudgePrompt(q).User] = said
		}
	}
	return replies
}

// The vectors of the structure reward hold when decomposer and judge are behind a server.
func TestStructureVectorsOverHTTP(t *testing.T) {
	data, err := os.ReadFile("../testdata/structure.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal(len(vectors), err)
	}
	for _, normalize := range []string{reward.NormalizeNone, reward.NormalizeTeacher} {
		for _, failure := range []string{"", "know"} { // an error, and a word that is neither yes nor no
			for _, v := range vectors {
				script := v.script(failure)
				s := &server{probs: failure == "", reply: func(user string) string {
					reply, known := script[user]
					if !known {
						t.Errorf("%s: asked %q", v.Name, user)
					}
					return reply
				}}
				v.check(t, s.scorer(t, func(o *reward.Options) { o.Normalize = normalize }), normalize)
			}
		}
	}
}

// check scores the vector's case and compares the outcome.
func (v vector) check(t *testing.T, s *reward.Scorer, normalize string) {
	item := reward.Item{Problem: v.Name, Generation: "what the teacher thought", Completion: "what the student thought"}
	if v.Student == "" {
		item.Completion = ""
	}
	scores, err := s.Score(context.Background(), []reward.Item{item})
	if err != nil {
		t.Fatal(err)
	}
	got := scores[0]
	if v.Expect.Outcome == "missing" {
		if got.Structure.Missing == "" || reward.Cause(got.Structure.Missing) == reward.CauseOther {
			t.Errorf("%s: structure %+v, want missing with a cause", v.Name, got.Structure)
		}
		return
	}
	want := v.Expect.Sum
	if normalize == reward.NormalizeTeacher {
		want = v.Expect.Normalized
	}
	if got.Structure.Missing != "" || math.Abs(got.Structure.V-want) > 1e-12 {
		t.Errorf("%s, normalize %s: structure %+v, want %g", v.Name, normalize, got.Structure, want)
	}
	var perStep []float64
	for _, step := range got.Steps {
		perStep = append(perStep, step.Score)
	}
	if !reflect.DeepEqual(perStep, v.Expect.PerStep) {
		t.Errorf("%s: per step %v, want %v", v.Name, perStep, v.Expect.PerStep)
	}
}

const stepsOfAny = "[think 1]: count\n[query 1]: how many\n[answer 1]: 3\n"

// byKind replies with steps to what a decomposer is asked, and yes to what a judge is.
func byKind(user string) string {
	if strings.Contains(user, "\nReasoning: ") {
		return stepsOfAny
	}
	return "yes"
}

// epoch is a batch of two problems with two completions each.
func epoch(n int) (items []reward.Item) {
	for p := range 2 {
		for c := range 2 {
			items = append(items, reward.Item{
				Problem: fmt.Sprintf("problem %d", p), Generation: fmt.Sprintf("teacher's thoughts %d", p),
				Completion: fmt.Sprintf("student's thoughts %d %d %d", n, p, c),
			})
		}
	}
	return items
}

// Teachers' texts are taken apart once: not again in a second epoch, nor after a restart with
// the same cache, whose folder is made.
func TestSecondEpochAsksForNoTeacher(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not", "there", "answers.db")
	s := &server{reply: byKind}
	cached := func(o *reward.Options) { o.Cache = path }
	for n := range 4 {
		scorer := s.scorer(t, cached) // a restart
		for range 2 {
			scores, err := scorer.Score(context.Background(), epoch(n))
			if err != nil {
				t.Fatal(err)
			}
			for _, score := range scores {
				if score.Structure != (reward.Value{V: 1}) {
					t.Fatalf("structure %+v, want 1", score.Structure)
				}
			}
		}
		if got := s.about("teacher's thoughts"); got != 2 {
			t.Errorf("epoch %d: teachers taken apart %d times, want 2", n, got)
		}
		if got, want := s.about("student's thoughts"), 4*(n+1); got != want {
			t.Errorf("epoch %d: students taken apart %d times, want %d", n, got, want)
		}
	}
}

// A cache that is none is named with its key.
func TestCacheThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("notes"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := reward.DefaultOptions()
	o.Cache = path
	o.Judge.BackendOptions = reward.BackendOptions{Backend: reward.BackendOpenAI, Model: "m", BaseURL: "http://localhost/v1"}
	if _, err := NewScorer(reward.DefaultWeights(), o, nil); err == nil || !strings.HasPrefix(err.Error(), "structure.cache: cache "+path+": ") {
		t.Errorf("%v; want the key and the path", err)
	}
}
