package cache

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rlkd/rlkd/reward"
)

// echo replies with its prompt, but to "fail" and "cut".
type echo struct{ asked int }

func (e *echo) Identity() string { return "echo" }

func (e *echo) Write(_ context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	e.asked += len(prompts)
	out := make([]reward.Reply, len(prompts))
	for i, p := range prompts {
		out[i] = reward.Reply{Text: p.User, Cut: p.User == "cut"}
		if p.User == "fail" {
			out[i] = reward.Reply{Missing: reward.CauseTimeout + ": no reply"}
		}
	}
	return out, nil
}

func (e *echo) Choose(_ context.Context, prompts []reward.Prompt) ([]reward.Belief, error) {
	e.asked += len(prompts)
	out := make([]reward.Belief, len(prompts))
	for i := range out {
		out[i].Yes = 0.25
	}
	return out, nil
}

func TestKeepsAnswersAndNoFailures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.db")
	prompts := []reward.Prompt{{User: "a"}, {User: "a"}, {User: "fail"}, {User: "cut"}}
	for i, want := range []int{3 + 3, 2} { // all but the second a, twice; then what failed or was cut
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		e := &echo{}
		lm := s.Keep(e)
		got, err := lm.Write(context.Background(), prompts)
		if err != nil || got[0].Text != "a" || got[1].Text != "a" || got[2].Missing == "" || !got[3].Cut {
			t.Errorf("%+v, %v", got, err)
		}
		beliefs, err := lm.Choose(context.Background(), prompts)
		if err != nil || beliefs[3].Yes != 0.25 {
			t.Errorf("%+v, %v", beliefs, err)
		}
		if e.asked != want {
			t.Errorf("run %d: %d prompts asked, want %d", i, e.asked, want)
		}
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, make([]byte, 1<<15), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a file of zeros passes for a store")
	}
}

// Two processes write to one store without end; one is killed, and the store stays whole.
func TestTwoProcessesAndAKill(t *testing.T) {
	if path := os.Getenv("RLKD_TEST_STORE"); path != "" {
		writeForever(path)
	}
	path := filepath.Join(t.TempDir(), "answers.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var writers []*exec.Cmd
	for range 2 {
		w := exec.Command(os.Args[0], "-test.run=TestTwoProcessesAndAKill")
		w.Env = append(os.Environ(), "RLKD_TEST_STORE="+path)
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Process.Kill() })
		writers = append(writers, w)
	}
	for round := range 2 {
		time.Sleep(500 * time.Millisecond)
		e := &echo{}
		got, err := s.Keep(e).Write(context.Background(), []reward.Prompt{{User: fmt.Sprint("mine ", round)}})
		if err != nil || got[0].Missing != "" {
			t.Fatalf("round %d: %+v, %v", round, got, err)
		}
		writers[round].Process.Kill()
		writers[round].Wait()
	}
	e := &echo{}
	if _, err := s.Keep(e).Write(context.Background(), []reward.Prompt{{User: "mine 0"}, {User: "mine 1"}}); err != nil || e.asked != 0 {
		t.Errorf("%d of 2 answers lost, %v", e.asked, err)
	}
}

func writeForever(path string) {
	s, err := Open(path)
	for i := 0; err == nil; i++ {
		time.Sleep(100 * time.Millisecond) // while its model works, a run leaves the file to others
		_, err = s.Keep(&echo{}).Write(context.Background(), []reward.Prompt{{User: fmt.Sprint(os.Getpid(), i)}})
	}
	panic(err)
}
