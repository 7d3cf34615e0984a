package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServeReward starts the command, scores the same row by it and by `rlkd score`, and ends it
// by SIGTERM.
func TestServeReward(t *testing.T) {
	t.Setenv(tokenVariable, "secret")
	row := `{"problem":"p","answer":"5","generation":"<think>\nI need the sum. 2 + 3 = 5, so that there are 5 in all.\n</think>\n<answer>\n\\boxed{5}\n</answer>","completion":"<think>\nI need the sum. 2 + 3 = 6, so that there are 6 in all.\n</think>\n<answer>\n\\boxed{6}\n</answer>"}`
	want := rows[map[string]any](t, row, "score")[0]

	log, logged, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"rlkd", "serve-reward", "--listen", "127.0.0.1:0"}, strings.NewReader(""), io.Discard, logged)
		logged.Close()
	}()
	url := ""
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if found := regexp.MustCompile(`http://[0-9.:]+`).FindString(lines.Text()); found != "" {
			url = found
		}
		if strings.Contains(lines.Text(), "ready") {
			break
		}
	}
	go io.Copy(io.Discard, log)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "POST", url+"/score", strings.NewReader(row))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer secret")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != 200 {
		t.Fatalf("status %d: %v", answer.StatusCode, err)
	}
	if got["total"] == nil || got["reward"] != want["total"] || got["structure"] != want["structure"] {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != 0 {
		t.Errorf("exit %d", c)
	}
}
