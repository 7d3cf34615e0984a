package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// strongModel is an OpenAI-style server that answers by a function of the user's words.
type strongModel struct {
	*httptest.Server
	requests atomic.Int64
}

func newStrongModel(t *testing.T, reply func(gone context.Context, user string) (text string, status int)) *strongModel {
	m := &strongModel{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.requests.Add(1)
		body, err := io.ReadAll(r.Body) // all of it, so that the server notices when the client goes
		if err != nil {
			return // it was killed while it asked
		}
		var asked struct {
			Model    string
			Messages []struct{ Role, Content string }
		}
		if err := json.Unmarshal(body, &asked); err != nil || r.URL.Path != "/v1/chat/completions" || asked.Model != "strong" || len(asked.Messages) != 2 {
			t.Errorf("%s: %+v, %v", r.URL.Path, asked, err)
		}
		text, status := reply(r.Context(), asked.Messages[1].Content)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{
			"id": "1", "object": "chat.completion", "model": "strong",
			"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}},
			"usage":   map[string]any{"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
		})
	}))
	t.Cleanup(m.Close)
	return m
}

const rightSteps = "[think 1]: first the total\n[query 1]: total of apples?\n[answer 1]: 7"

// labelRowsFile writes n rows and returns the flags of a command that labels them.
func labelRowsFile(t *testing.T, n int, url string) (dir string, args []string) {
	t.Helper()
	dir = t.TempDir()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"problem":"problem %02d","generation":"<think>\nFirst the total of apples, 3 + 4 = 7.\n</think>\n7"}`+"\n", i)
	}
	data := filepath.Join(dir, "data.jsonl")
	if err := os.WriteFile(data, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir, []string{"label", "--data", data, "--out", filepath.Join(dir, "out.jsonl"), "--model", "strong", "--base-url", url + "/v1", "--retries", "1"}
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLabel labels through a server whose replies are right, malformed at first, malformed
// always, and errors, and runs the command twice.
func TestLabel(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	m := newStrongModel(t, func(_ context.Context, user string) (string, int) {
		switch {
		case strings.Contains(user, "problem 03"), strings.Contains(user, "problem 05") && !strings.Contains(user, "It cannot be used: it ends before [query 1]"):
			return "[think 1]: the total", 200
		case strings.Contains(user, "problem 07") && broken.Load():
			return "", 400
		}
		return rightSteps, 200
	})
	dir, args := labelRowsFile(t, 10, m.URL)
	args = append(args, "--attempts", "2", "--price-in", "1", "--price-out", "4")
	code, out, log := rlkd("", args...)
	if code != 1 || out != "" || !strings.Contains(log, "rlkd: label: 1 of 10 rows could not be asked about (refused: the server replied 400") {
		t.Errorf("exit %d, stdout %q, stderr %s", code, out, log)
	}
	broken.Store(false)
	code, out, log = rlkd("", args...)
	want := `{"rows":10,"duplicates":0,"before":9,"labelled":1,"rejected":0,"failed":0,"left":0,"requests":1,"tokens_in":1000,"tokens_out":50,"cost":0.0012}` + "\n"
	if code != 0 || out != want || !strings.Contains(log, "label 1/1") || !strings.Contains(log, "cost=0.0012") {
		t.Errorf("exit %d, stdout %s, stderr %s", code, out, log)
	}
	labelled, rejected := fileText(t, filepath.Join(dir, "out.jsonl")), fileText(t, filepath.Join(dir, "out.jsonl.rejects"))
	if strings.Count(labelled, `"steps":[{"number":1,"meta":"first the total","query":"total of apples?","answer":"7"}]`) != 9 ||
		strings.Count(rejected, "\n") != 1 || !strings.Contains(rejected, "problem 03") || !strings.Contains(rejected, "it ends before [query 1]") {
		t.Errorf("got %s and %s", labelled, rejected)
	}
	asked := m.requests.Load()
	if code, out, log = rlkd("", args...); code != 0 || !strings.Contains(out, `"before":10`) || m.requests.Load() != asked {
		t.Errorf("exit %d, stdout %s, stderr %s", code, out, log)
	}
	if fileText(t, filepath.Join(dir, "out.jsonl")) != labelled || fileText(t, filepath.Join(dir, "out.jsonl.rejects")) != rejected {
		t.Error("a third run changed the files")
	}
}

func TestLabelMaxCost(t *testing.T) {
	m := newStrongModel(t, func(context.Context, string) (string, int) { return rightSteps, 200 })
	_, args := labelRowsFile(t, 10, m.URL)
	code, out, log := rlkd("", append(args, "--price-in", "1", "--price-out", "4", "--max-cost", "0.003", "--concurrency", "1")...)
	if code != 0 || !strings.Contains(out, `"labelled":3,"rejected":0,"failed":0,"left":7`) || !strings.Contains(log, "the limit of cost is reached") {
		t.Errorf("exit %d, stdout %s, stderr %s", code, out, log)
	}
}

// asProgram is set in a process that is this test binary and runs as the program.
const asProgram = "RLKD_TEST_AS_PROGRAM"

// TestAsProgram is the program, in a process that asks for it.
func TestAsProgram(t *testing.T) {
	var args []string
	if json.Unmarshal([]byte(os.Getenv(asProgram)), &args) != nil {
		t.Skip("for a process of its own")
	}
	os.Exit(run(append([]string{"rlkd"}, args...), os.Stdin, os.Stdout, os.Stderr))
}

// start runs the program in a process of its own.
func start(t *testing.T, args []string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestAsProgram$")
	c.Env = append(os.Environ(), asProgram+"="+string(text))
	var out strings.Builder
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, &out
}

// TestLabelKilled kills the program in the middle and asks it to end in the middle: what it
// left, and what the next run makes of it, is what one undisturbed run makes, and no row that
// was on disk is asked about again.
func TestLabelKilled(t *testing.T) {
	free := make(chan struct{}, 100) // a reply for each
	var waiting atomic.Int32         // requests that want one
	m := newStrongModel(t, func(gone context.Context, _ string) (string, int) {
		waiting.Add(1)
		defer waiting.Add(-1)
		select {
		case <-free:
		case <-gone.Done():
		}
		return rightSteps, 200
	})
	defer close(free)
	whole, wholeArgs := labelRowsFile(t, 30, m.URL)
	for range 30 {
		free <- struct{}{}
	}
	if code, _, log := rlkd("", wholeArgs...); code != 0 {
		t.Fatal(log)
	}
	want := fileText(t, filepath.Join(whole, "out.jsonl"))

	dir, args := labelRowsFile(t, 30, m.URL)
	out := filepath.Join(dir, "out.jsonl")
	lines := func() int { b, _ := os.ReadFile(out); return strings.Count(string(b), "\n") }
	wait := func(n int) {
		for range 6000 {
			if lines() >= n {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%d lines after a minute, want %d", lines(), n)
	}
	killed, _ := start(t, args)
	for range 7 {
		free <- struct{}{}
	}
	wait(7)
	killed.Process.Kill()
	killed.Wait()
	for range 6000 { // else what it asked takes a reply that is meant for the next
		if waiting.Load() == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}

	f, err := os.OpenFile(out, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(want[:100]) // as if it had been killed while it wrote
	f.Close()
	stopped, said := start(t, append(args, "--concurrency", "2"))
	for range 4 {
		free <- struct{}{}
	}
	wait(11)
	stopped.Process.Signal(syscall.SIGINT)
	time.Sleep(200 * time.Millisecond)
	for range 10 { // for what is under way
		free <- struct{}{}
	}
	if err := stopped.Wait(); err != nil || !strings.Contains(said.String(), `"before":7,`) {
		t.Fatalf("%v: %s", err, said)
	}
	done := lines()
	if done < 11 || done >= 30 || strings.Contains(fileText(t, out), want[:100]+"{") {
		t.Fatalf("%d lines when it was stopped", done)
	}
	for range 60 {
		free <- struct{}{}
	}
	code, counts, log := rlkd("", args...)
	if code != 0 || !strings.Contains(counts, fmt.Sprintf(`"before":%d,"labelled":%d,`, done, 30-done)) || !strings.Contains(counts, fmt.Sprintf(`"requests":%d,`, 30-done)) {
		t.Errorf("exit %d, %s %s", code, counts, log)
	}
	if fileText(t, out) != want {
		t.Error("the file is not what an undisturbed run makes")
	}
}
