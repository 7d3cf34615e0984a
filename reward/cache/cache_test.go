package cache

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// filled returns the path of a store with so many answers that they take many pages.
func filled(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "not", "there", "yet", "answers.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for batch := range 3 { // pages come free, so that there is a list of them
		var prompts []reward.Prompt
		for i := range 400 {
			prompts = append(prompts, reward.Prompt{User: fmt.Sprint(batch, " ", i, strings.Repeat(" text", 40))})
		}
		if _, err := s.Keep(&echo{}).Write(context.Background(), prompts); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Whatever a file holds, opening and using it neither crashes nor hangs, and what is wrong is
// said in one line with the path.
func TestDamagedFiles(t *testing.T) {
	good, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	garbage := func(from, to int) []byte {
		data := slices.Clone(good)
		for i := from; i < min(to, len(data)); i++ {
			data[i] = byte(i*i>>3 ^ i)
		}
		return data
	}
	files := map[string][]byte{
		"zeros": make([]byte, 1<<15), "text": []byte("notes\n"), "long text": []byte(strings.Repeat("notes\n", 1<<12)),
		"garbage in both heads": garbage(0, 2*page), "garbage past the heads": garbage(2*page, len(good)),
	}
	for _, n := range []int{1, 100, page, page + 1, 2 * page, 2*page + 1, 3 * page, 4 * page, 10 * page, 50*page + 7} {
		files[fmt.Sprint("cut to ", n)] = good[:n]
	}
	for p := 2; p*page < len(good); p += 9 {
		files[fmt.Sprint("page ", p)] = garbage(p*page, (p+1)*page)
	}
	path := filepath.Join(t.TempDir(), "answers.db")
	for name, data := range files {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err == nil {
			_, err = s.Keep(&echo{}).Write(context.Background(), []reward.Prompt{{User: "0 7" + strings.Repeat(" text", 40)}, {User: name}})
		}
		switch {
		case err == nil && !strings.HasPrefix(name, "page"): // a page of garbage may hold nothing that is needed
			t.Errorf("%s passes for a store", name)
		case err != nil && (!strings.HasPrefix(err.Error(), "cache "+path+": ") || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %q; want one line that begins with the path", name, err)
		}
	}
}

// A store that is removed under a run is made again.
func TestRemovedStore(t *testing.T) {
	path := filled(t)
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		e := &echo{}
		if _, err := s.Keep(e).Write(context.Background(), []reward.Prompt{{User: "a"}}); err != nil || e.asked != want {
			t.Errorf("%d asked, %v; want %d", e.asked, err, want)
		}
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
