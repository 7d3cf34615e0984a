package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rlkd/rlkd/reward"
)

const teacher = `<think>\nFirst I should find how many apples there are in all. 3 + 4 = 7 apples. ` +
	`Next I need the number of apples that are left. 7 - 2 = 5 apples.\n</think>\n<answer>\n\\boxed{5}\n</answer>`

const problem = "Tom has 3 apples, gets 4 and eats 2. How many are left?"

// quoted is a row as JSON; parts are given as JSON text without the quotes.
func quoted(answer, generation, completion string) string {
	return fmt.Sprintf(`{"problem":"%s","answer":"%s","generation":"%s","completion":"%s"}`, problem, answer, generation, completion)
}

func rules(t *testing.T) *reward.Scorer {
	t.Helper()
	scorer, err := reward.NewScorer(reward.DefaultWeights(), reward.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return scorer
}

// start runs a server with the scorer behind a real connection.
func start(t *testing.T, o Options, scorer Scorer) (*Server, string) {
	t.Helper()
	s := New(o)
	if scorer != nil {
		go s.Work(t.Context(), scorer)
		for s.queue.accepts() != nil {
			time.Sleep(time.Millisecond)
		}
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return s, h.URL
}

// post sends a body and returns the status, the answer and its header.
func post(t *testing.T, url, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, string, http.Header) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

func get(t *testing.T, url string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	status, body, _ := do(t, r)
	return status, body
}

// TestScoreSaysWhatTheScorerSays compares /score, with one row and with several, to the scorer.
func TestScoreSaysWhatTheScorerSays(t *testing.T) {
	rows := []string{quoted("5", teacher, teacher), quoted("5", teacher, "I do not know."), quoted("5", "", teacher), quoted("", teacher, teacher)}
	scorer := rules(t)
	var want []map[string]any
	for _, row := range rows {
		var item reward.Item
		if err := json.Unmarshal([]byte(row), &item); err != nil {
			t.Fatal(err)
		}
		scores, err := scorer.Score(t.Context(), []reward.Item{item})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(scores[0].Explain())
		if err != nil {
			t.Fatal(err)
		}
		var score map[string]any
		if err := json.Unmarshal(text, &score); err != nil {
			t.Fatal(err)
		}
		score["reward"] = score["total"]
		want = append(want, score)
	}
	want[2]["reward"], want[3]["reward"] = nil, nil // no structure, no accuracy
	_, url := start(t, DefaultOptions(), rules(t))
	status, body, _ := post(t, url+"/score", `{"rows":[`+strings.Join(rows, ",")+`]}`)
	var got struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("status %d, %v: %s", status, err, body)
	}
	if !reflect.DeepEqual(got.Rows, want) {
		t.Errorf("got  %v\nwant %v", got.Rows, want)
	}
	if total := got.Rows[0]["reward"]; total != 50.0 {
		t.Errorf("a perfect completion earned %v, want 50", total)
	}
	for i, row := range rows {
		_, body, _ := post(t, url+"/score", row)
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("row %d alone: %v, got %s", i, err, body)
		}
	}
	if status, body, _ := post(t, url+"/score", `{"rows":[]}`); status != 200 || body != `{"rows":[]}`+"\n" {
		t.Errorf("no rows: %d %s", status, body)
	}
}

// TestRefusals sends what must be refused: each answer is one line of JSON that names the row
// and the key.
func TestRefusals(t *testing.T) {
	o := DefaultOptions()
	o.MaxBody, o.MaxRows = 1000, 2
	o.Data = []reward.Item{{Problem: "known", Answer: "1", Generation: "g"}}
	_, url := start(t, o, rules(t))
	good := `{"problem":"p","answer":"1","generation":"g","completion":"c"}`
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/score", "", 400, `"error":"not valid JSON`},
		{"/score", "[]", 400, `"error":"want a JSON object"`},
		{"/score", "null", 400, `"error":"want a JSON object"`},
		{"/score", "{\"problem\":\"\xff\"}", 400, "UTF-8"},
		{"/score", `{"rows":{}}`, 400, `"error":"rows: want a list of objects","key":"rows"`},
		{"/score", `{"answer":"1"}`, 400, `"error":"problem: missing","key":"problem"`},
		{"/score", `{"Problem":"p"}`, 400, `"error":"problem: missing","key":"problem"`},
		{"/score", `{"problem":null}`, 400, `"error":"problem: want text","key":"problem"`},
		{"/score", `{"rows":[` + good + `,{"problem":"p","answer":2,"generation":"g","completion":"c"}]}`, 400, `"error":"answer: want text","row":1,"key":"answer"`},
		{"/score", `{"rows":[` + good + `,7]}`, 400, `"error":"want a JSON object","row":1`},
		{"/score", `{"rows":[{"problem":"p","answer":"1","generation":"g"}]}`, 400, `"error":"completion: missing","row":0,"key":"completion"`},
		{"/score", `{"problem":"unknown","completion":"c"}`, 400, `in no row of --data","key":"answer"`},
		{"/score", strings.Replace(good, `{`, `{"cut":1,`, 1), 400, `"error":"cut: want true or false","key":"cut"`},
		{"/score", strings.Replace(good, `{`, `{"steps":"s",`, 1), 400, `"error":"steps: want a list of objects`},
		{"/score", strings.Replace(good, `{`, `{"steps":[{"number":1,"meta":"m"},{"number":1,"meta":"m"}],`, 1), 400, `"error":"steps[1].number: want more than 1, got 1","key":"steps"`},
		{"/score", strings.Replace(good, `{`, `{"steps":[{"number":1}],`, 1), 400, `"error":"steps[0].meta: empty","key":"steps"`},
		{"/score", `{"rows":[` + good + `,` + good + `,` + good + `]}`, 413, "3 rows, more than 2"},
		{"/score", `{"problem":"` + strings.Repeat("x", 1000) + `"}`, 413, "more than 1000 bytes"},
		{"/get_reward", `{"query":["pc"],"prompts":["p"]}`, 400, `"error":"labels: want a list","key":"labels"`},
		{"/get_reward", `{"query":["pc"],"prompts":[],"labels":[]}`, 400, "have 1, 0 and 0 entries"},
		{"/get_reward", `{"query":["c"],"prompts":["p"],"labels":["1"]}`, 400, `"row":0,"key":"query"`},
		{"/get_reward", `{"query":["pc"],"prompts":["p"],"labels":["1"]}`, 400, `"row":0,"key":"labels"`},
		{"/get_reward", `{"query":["pc"],"prompts":["p"],"labels":[3]}`, 400, `"error":"labels: want text or an object","row":0,"key":"labels"`},
		{"/get_reward", `{"query":["pc"],"prompts":["p"],"labels":["{\"answer\":\"1\"}"]}`, 400, `"row":0,"key":"generation"`},
		{"/nowhere", "{}", 404, "/get_reward"},
	} {
		status, body, _ := post(t, url+c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) || strings.Count(body, "\n") != 1 || !json.Valid([]byte(body)) {
			t.Errorf("%s %.80q: got %d %s want %d %s", c.path, c.body, status, body, c.status, c.want)
		}
	}
	if status, body := get(t, url+"/score"); status != 405 || !strings.Contains(body, "want POST") {
		t.Errorf("GET /score: %d %s", status, body)
	}
}

// TestDataFillsIn leaves the answer and the teacher's text to the dataset.
func TestDataFillsIn(t *testing.T) {
	var item reward.Item
	if err := json.Unmarshal([]byte(quoted("5", teacher, teacher)), &item); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Data = []reward.Item{item}
	_, url := start(t, o, rules(t))
	_, whole, _ := post(t, url+"/score", quoted("5", teacher, teacher))
	_, got, _ := post(t, url+"/score", `{"problem":"`+problem+`","answer":null,"completion":"`+teacher+`"}`)
	if got != whole {
		t.Errorf("got %s want %s", got, whole)
	}
	s := New(Options{Data: []reward.Item{{Problem: "p", Answer: "1", Generation: "g", TeacherSteps: []reward.Step{{Number: 1, Meta: "known"}}}}})
	for row, want := range map[string][]reward.Step{
		`{"problem":"p","completion":"c"}`:                                                        {{Number: 1, Meta: "known"}},
		`{"problem":"p","completion":"c","generation":"h"}`:                                       nil, // another text, so other steps
		`{"problem":"p","completion":"c","generation":"h","steps":[{"number":2,"meta":"given"}]}`: {{Number: 2, Meta: "given"}},
	} {
		o, _ := parseObject([]byte(row))
		item, no := s.item(o)
		if no != nil || !reflect.DeepEqual(item.TeacherSteps, want) {
			t.Errorf("%s: %v, steps %v, want %v", row, no, item.TeacherSteps, want)
		}
	}
}

// TestOpenRLHF sends labels in each form that is documented.
func TestOpenRLHF(t *testing.T) {
	var item reward.Item
	if err := json.Unmarshal([]byte(quoted("5", teacher, teacher)), &item); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	// Decoys: the same answer with another problem, and with a part of the problem.
	decoy := item
	decoy.Problem, decoy.Generation = "Tom has 3 apples", ""
	other := item
	other.Problem, other.Generation = "Another problem", ""
	o.Data = []reward.Item{other, decoy, item}
	_, url := start(t, o, rules(t))
	prompt := "<|im_start|>user\n" + problem + "<|im_end|>\n<|im_start|>assistant\n"
	whole := map[string]string{"problem": problem, "answer": "5", "generation": item.Generation}
	text, _ := json.Marshal(whole)
	noProblem := maps.Clone(whole)
	delete(noProblem, "problem")
	for name, label := range map[string]any{
		"text of an object": string(text), "an object": whole, "without the problem": noProblem, "the answer": "5", "the problem": map[string]string{"problem": problem},
	} {
		body, err := json.Marshal(map[string]any{
			"query":   []string{prompt + item.Completion + "<|im_end|>", prompt + "I do not know.<|im_end|>"},
			"prompts": []string{prompt, prompt}, "labels": []any{label, label},
		})
		if err != nil {
			t.Fatal(err)
		}
		status, answer, _ := post(t, url+"/get_reward", string(body))
		var got rewards
		if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
		want := rewards{[]float64{50, 0}, []float64{1, 0}, map[string][]float64{"accuracy": {1, 0}, "format": {1, 0}, "tag_count": {1, 0}, "structure": {1, 0}}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v want %+v", name, got, want)
		}
	}
	missing := `{"query":["pc"],"prompts":["p"],"labels":[{"answer":"5","generation":""}]}`
	status, answer, header := post(t, url+"/get_reward", missing)
	if status != 503 || !strings.Contains(answer, `no reward: teacher: no steps`) || header.Get("Retry-After") == "" {
		t.Errorf("a missing reward: %d %s", status, answer)
	}
}

// TestCutCompletions checks that a completion without an end token counts as cut.
func TestCutCompletions(t *testing.T) {
	s := New(DefaultOptions())
	object, _ := parseObject([]byte(`{"query":["pa</s>","pa"],"prompts":["p","p"],"labels":[{"answer":"1","generation":"g"},{"answer":"1","generation":"g"}]}`))
	items, no := s.queries(object)
	if no != nil {
		t.Fatal(no)
	}
	want := []reward.Item{{Problem: "p", Answer: "1", Generation: "g", Completion: "a"}, {Problem: "p", Answer: "1", Generation: "g", Completion: "a", Cut: true}}
	if !reflect.DeepEqual(items, want) {
		t.Errorf("got %+v want %+v", items, want)
	}
}

func TestToken(t *testing.T) {
	o := DefaultOptions()
	o.Token = "secret"
	_, url := start(t, o, rules(t))
	for _, c := range []struct {
		header string
		want   int
	}{{"", 401}, {"Bearer ", 401}, {"Bearer secre", 401}, {"Bearer secret2", 401}, {"Basic secret", 401}, {"Bearer secret", 200}, {"bearer secret", 200}} {
		for _, path := range []string{"/score", "/metrics"} {
			r, err := http.NewRequest(map[string]string{"/score": "POST", "/metrics": "GET"}[path], url+path, strings.NewReader(quoted("5", teacher, "c")))
			if err != nil {
				t.Fatal(err)
			}
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			if status, body, _ := do(t, r); status != c.want {
				t.Errorf("%s with %q: %d %s", path, c.header, status, body)
			}
		}
	}
	if status, body := get(t, url+"/healthz"); status != 200 {
		t.Errorf("healthz needs a token: %d %s", status, body)
	}
}
