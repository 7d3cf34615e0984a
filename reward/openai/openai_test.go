package openai

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rlkd/rlkd/reward"
)

const good = `{"choices":[{"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}`

// client asks a server that the handler scripts: at most twice, half a second each.
func client(t *testing.T, h http.HandlerFunc) *Client {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
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
			io.Copy(io.Discard, r.Body) // a server that has not read all does not notice that the client goes
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

func abs(x float64) float64 { return max(x, -x) }
