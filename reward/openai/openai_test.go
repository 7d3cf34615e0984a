package openai

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rlkd/rlkd/reward"
)

const good = `{"choices":[{"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}`

// client asks a server that the handler scripts: at most twice, a second each.
func client(t *testing.T, h http.HandlerFunc) *Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then does a server notice that the client is gone
		h(w, r)
	}))
	t.Cleanup(server.Close)
	retries := 1
	c, err := New(reward.BackendOptions{Backend: reward.BackendOpenAI, Model: "m", BaseURL: server.URL + "/v1",
		Timeout: time.Second, Retries: &retries, Concurrency: 4})
	if err != nil {
		t.Fatal(err)
	}
	c.backoff = time.Millisecond
	return c
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	}
}

func code(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(status)
	}
}

// Every fault is a missing reply with its cause, after as many retries as it deserves.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		cause   string
		retries int
	}{
		"500":             {code(500), reward.CauseRefused, 1},
		"429":             {code(429, "Retry-After", "0"), reward.CauseRefused, 1},
		"429 for an hour": {code(429, "Retry-After", "3600"), reward.CauseRefused, 0},
		"404":             {code(404), reward.CauseRefused, 0},
		"redirect":        {code(307, "Location", "/v1/elsewhere"), reward.CauseRefused, 0},
		"garbage":         {body(`{"choices": [ {{{`), reward.CauseUnreadable, 1},
		"empty":           {body(""), reward.CauseUnreadable, 1},
		"half":            {body(good[:40]), reward.CauseUnreadable, 1},
		"no choices":      {body(`{"choices":[]}`), reward.CauseUnreadable, 1},
		"no text":         {body(strings.Replace(good, "Yes.", " ", 1)), reward.CauseUnreadable, 1},
		"huge":            {body(`{"x":"` + strings.Repeat("a", maxBytes) + `"}`), reward.CauseUnreadable, 1},
		"hang": {func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, reward.CauseTimeout, -1},
		"killed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"choices":`)
			panic(http.ErrAbortHandler)
		}, reward.CauseUnreachable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := client(t, c.handler)
			replies, err := c2.Write(context.Background(), []reward.Prompt{{User: "?"}})
			if err != nil {
				t.Fatal(err)
			}
			if got := replies[0]; got.Missing == "" || reward.Cause(got.Missing) != c.cause || got.Text != "" {
				t.Errorf("%+v; want missing as %s", got, c.cause)
			}
			if c.retries >= 0 && c2.Retries() != c.retries {
				t.Errorf("%d retries, want %d", c2.Retries(), c.retries)
			}
		})
	}
}

// A refusal is told in the server's words, whatever their form.
func TestRefusal(t *testing.T) {
	for said, want := range map[string]string{
		`{"error":{"message":"no such model","code":404}}`: "refused: the server replied 404: no such model",
		`{"detail":"Not Found"}`:                           `refused: the server replied 404: {"detail":"Not Found"}`,
		"no such\n  page":                                  "refused: the server replied 404: no such page",
		"":                                                 "refused: the server replied 404: Not Found",
	} {
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, said)
		})
		got, err := c.Write(context.Background(), []reward.Prompt{{User: "?"}})
		if err != nil || got[0].Missing != want {
			t.Errorf("%s: %q, %v; want %q", said, got[0].Missing, err, want)
		}
	}
}

// What is sent has the names and values of OpenAI's API, a temperature of 0 too, and goes to
// chat/completions under the address that the options give.
func TestRequest(t *testing.T) {
	var path, sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		path, sent = r.Method+" "+r.URL.Path, string(text)
		body(good)(w, r)
	}))
	defer server.Close()
	c, err := New(reward.BackendOptions{Model: "m", BaseURL: server.URL + "/v1/", MaxTokens: 7})
	if err != nil {
		t.Fatal(err)
	}
	prompt := []reward.Prompt{{System: "S", User: "U"}}
	want := `{"model":"m","messages":[{"role":"system","content":"S"},{"role":"user","content":"U"}],"temperature":0,"max_tokens":`
	if _, err := c.Write(context.Background(), prompt); err != nil || path != "POST /v1/chat/completions" || strings.TrimSpace(sent) != want+"7}" {
		t.Errorf("%s %s, %v; want %s", path, sent, err, want+"7}")
	}
	want += `8,"logprobs":true,"top_logprobs":20}`
	if _, err := c.Choose(context.Background(), prompt); err != nil || strings.TrimSpace(sent) != want {
		t.Errorf("%s, %v; want %s", sent, err, want)
	}
}

func TestConnectionRefused(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	retries := 0
	c, err := New(reward.BackendOptions{Model: "m", BaseURL: server.URL, Retries: &retries})
	if err != nil {
		t.Fatal(err)
	}
	beliefs, err := c.Choose(context.Background(), []reward.Prompt{{User: "?"}})
	if err != nil || reward.Cause(beliefs[0].Missing) != reward.CauseUnreachable {
		t.Errorf("%+v, %v; want unreachable", beliefs, err)
	}
}

func TestBeliefs(t *testing.T) {
	with := func(top string) string {
		return strings.Replace(good, `"finish_reason"`, `"logprobs":{"content":[{"token":"x","logprob":0,"top_logprobs":[`+top+`]}]},"finish_reason"`, 1)
	}
	for reply, want := range map[string]reward.Belief{
		good: {Yes: 1},
		strings.Replace(good, "Yes.", "**No**, since", 1): {No: 1},
		with(`{"token":" YES","logprob":-1},{"token":"yes","logprob":-1},{"token":"No","logprob":-2},{"token":"know","logprob":-3}`): {Yes: 0.735759, No: 0.135335},
		with(`{"token":"know","logprob":-3}`): {Yes: 1},
	} {
		got, err := client(t, body(reply)).Choose(context.Background(), []reward.Prompt{{User: "?"}})
		if err != nil || got[0].Missing != "" || abs(got[0].Yes-want.Yes)+abs(got[0].No-want.No) > 1e-5 {
			t.Errorf("%s: %+v, %v; want %+v", reply, got, err, want)
		}
	}
	for _, text := range []string{"know", "nothing", "yes/no", "I think yes", "yesterday"} {
		got, err := client(t, body(strings.Replace(good, "Yes.", text, 1))).Choose(context.Background(), []reward.Prompt{{User: "?"}})
		if err != nil || reward.Cause(got[0].Missing) != reward.CauseUnreadable {
			t.Errorf("%q: %+v, %v; want unreadable", text, got, err)
		}
	}
}

// One failure is got over, whatever wait the server asks for within the time.
func TestRetry(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{"429": code(429, "Retry-After", "0.01"), "503": code(503), "empty": body("")} {
		var asked atomic.Int32
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				fail(w, r)
				return
			}
			body(good)(w, r)
		})
		got, err := c.Write(context.Background(), []reward.Prompt{{User: "?"}})
		if err != nil || got[0].Text != "Yes." || asked.Load() != 2 || c.Retries() != 1 {
			t.Errorf("%s: %+v, %v after %d requests; want the second reply", name, got, err, asked.Load())
		}
	}
}

// No more requests are under way than are allowed, over all callers; replies keep their order.
func TestConcurrency(t *testing.T) {
	var now, most atomic.Int32
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		body(strings.Replace(good, "Yes.", r.Header.Get("Authorization")+"!", 1))(w, r)
	})
	var callers errgroup.Group
	for range 3 {
		callers.Go(func() error {
			replies, err := c.Write(context.Background(), make([]reward.Prompt, 8))
			for _, r := range replies {
				if r.Text != "!" { // no key is sent where none is named
					err = fmt.Errorf("%+v", r)
				}
			}
			return err
		})
	}
	if err := callers.Wait(); err != nil || most.Load() < 2 || most.Load() > 4 {
		t.Errorf("%d requests at a time, %v; want up to 4", most.Load(), err)
	}
}

// A server that refuses requests for probabilities is asked without, and for good.
func TestServerWithoutProbabilities(t *testing.T) {
	var refused atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, _ := io.ReadAll(r.Body); strings.Contains(string(text), "logprobs") {
			refused.Add(1)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body(good)(w, r)
	}))
	defer server.Close()
	c, err := New(reward.BackendOptions{Model: "m", BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := c.Choose(context.Background(), []reward.Prompt{{User: "?"}})
		if err != nil || got[0] != (reward.Belief{Yes: 1}) {
			t.Errorf("%+v, %v; want the first word's yes", got, err)
		}
	}
	if refused.Load() != 1 {
		t.Errorf("%d requests for probabilities, want 1", refused.Load())
	}
}

func TestKey(t *testing.T) {
	o := reward.BackendOptions{Model: "m", BaseURL: "http://localhost/v1", APIKeyEnv: "RLKD_TEST_KEY"}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "RLKD_TEST_KEY") {
		t.Errorf("%v; want the name of the variable", err)
	}
	t.Setenv("RLKD_TEST_KEY", "secret")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body(strings.Replace(good, "Yes.", r.Header.Get("Authorization"), 1))(w, r)
	}))
	defer server.Close()
	o.BaseURL = server.URL
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Write(context.Background(), []reward.Prompt{{User: "?"}}); err != nil || got[0].Text != "Bearer secret" {
		t.Errorf("%+v, %v; want the key sent", got, err)
	}
}

func abs(x float64) float64 { return max(x, -x) }
