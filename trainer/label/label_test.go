package label

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rlkd/rlkd/reward"
)

// scripted answers prompts by the number of times that their problem was asked about before.
type scripted struct {
	reply func(problem string, times int) reward.Reply

	mu    sync.Mutex
	asked map[string]int
	users []string
}

func (s *scripted) Write(_ context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []reward.Reply
	for _, p := range prompts {
		_, problem, _ := strings.Cut(p.User, "<problem>\n")
		problem, _, _ = strings.Cut(problem, "\n</problem>")
		if s.asked == nil {
			s.asked = map[string]int{}
		}
		out = append(out, s.reply(problem, s.asked[problem]))
		s.asked[problem]++
		s.users = append(s.users, p.User)
	}
	return out, nil
}

func (s *scripted) requests() (n int) {
	for _, times := range s.asked {
		n += times
	}
	return n
}

const goodReply = "[think 1]: first the total\n[query 1]: total of apples?\n[answer 1]: 7"

func good(string, int) reward.Reply {
	return reward.Reply{Text: goodReply, TokensIn: 100, TokensOut: 10}
}

// job writes rows of the problems into a new directory and returns the job that labels them.
func job(t *testing.T, problems ...string) Job {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	for i, p := range problems {
		fmt.Fprintf(&b, `{"problem": %q, "n": %d, "generation":"<think>\nFirst the total of apples, 3 + 4 = 7.\n</think>\n7"}`+"\n", p, i)
	}
	j := Job{Data: filepath.Join(dir, "data.jsonl"), Out: filepath.Join(dir, "out.jsonl"), Rejects: filepath.Join(dir, "rejects.jsonl"),
		Model: "m", Domain: Math, Attempts: 3, Concurrency: 1, Grounding: 0.5, PriceIn: 1, PriceOut: 10}
	write(t, j.Data, b.String())
	return j
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// text is the contents of a file, "" if there is none.
func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("p%02d", i))
	}
	return all
}

func TestRowsKeepWhatTheyHave(t *testing.T) {
	j := job(t, "p")
	write(t, j.Data, ` {"uuid":"é<1>", "domain":"Puzzle","problem":"p", "deepseek_reasoning":"First the total of apples, 3 + 4 = 7.", "steps":"old", "n": 1.50}`+"\r\n")
	if _, err := Run(context.Background(), j, &scripted{reply: good}); err != nil {
		t.Fatal(err)
	}
	want := `{"uuid":"é<1>","domain":"Puzzle","problem":"p","deepseek_reasoning":"First the total of apples, 3 + 4 = 7.","n":1.50,` +
		`"steps":[{"number":1,"meta":"first the total","query":"total of apples?","answer":"7"}],"rlkd_label":{"model":"m","prompt":"label-2"}}` + "\n"
	if got := text(t, j.Out); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// TestAskedAgain checks that a reply of no use is answered with what is wrong with it, and that
// a row that gets no better is kept apart with the reason.
func TestAskedAgain(t *testing.T) {
	j := job(t, "late", "never", "cut", "none")
	w := &scripted{reply: func(problem string, times int) reward.Reply {
		switch {
		case problem == "none":
			return reward.Reply{Text: "[none]"}
		case problem == "cut" && times == 0:
			return reward.Reply{Text: goodReply, Cut: true}
		case problem == "never" || problem == "late" && times < 2:
			return reward.Reply{Text: "[think 1]: apples"}
		}
		return good(problem, times)
	}}
	counts, err := Run(context.Background(), j, w)
	if err != nil || counts.Labelled != 3 || counts.Rejected != 1 || counts.Requests != 3+3+2+1 {
		t.Errorf("%+v, %v", counts, err)
	}
	for i, said := range map[int]string{1: "It cannot be used: it ends before [query 1].", 7: "it was cut off for want of room"} {
		if !strings.Contains(w.users[i], said) {
			t.Errorf("request %d does not say %q:\n%s", i, said, w.users[i])
		}
	}
	if strings.Contains(w.users[0], "cannot be used") || strings.Count(w.users[2], "<reply>") != 1 {
		t.Errorf("got %q and %q", w.users[0], w.users[2])
	}
	rejects := text(t, j.Rejects)
	if !strings.Contains(rejects, `"problem":"never","n":1`) ||
		!strings.HasSuffix(rejects, `"rlkd_label":{"model":"m","prompt":"label-2","rejected":"it ends before [query 1]","reply":"[think 1]: apples"}}`+"\n") {
		t.Errorf("got %s", rejects)
	}
	if out := text(t, j.Out); !strings.Contains(out, `"problem":"none","n":3,"generation":"<think>\nFirst the total of apples, 3 + 4 = 7.\n</think>\n7","steps":[],`) {
		t.Errorf("got %s", out)
	}
}

// TestAgain checks that a second run over the same files asks for nothing and changes nothing,
// and that rows which came later are added.
func TestAgain(t *testing.T) {
	j := job(t, append(names(5), "bad")...)
	w := &scripted{reply: func(problem string, times int) reward.Reply {
		if problem == "bad" {
			return reward.Reply{Text: "no"}
		}
		return good(problem, times)
	}}
	if _, err := Run(context.Background(), j, w); err != nil {
		t.Fatal(err)
	}
	out, rejects, asked := text(t, j.Out), text(t, j.Rejects), w.requests()
	counts, err := Run(context.Background(), j, w)
	if err != nil || w.requests() != asked || counts.Before != 6 || counts.Requests != 0 {
		t.Errorf("%+v, %v, %d requests more", counts, err, w.requests()-asked)
	}
	if text(t, j.Out) != out || text(t, j.Rejects) != rejects || rejects == "" {
		t.Error("the files changed")
	}
	more := text(t, j.Data)
	write(t, j.Data, `{"problem":"new","generation":"First the total of apples: 3 + 4 = 7"}`+"\n"+more+more)
	counts, err = Run(context.Background(), j, w)
	if err != nil || counts.Duplicates != 6 || counts.Labelled != 1 || w.requests() != asked+1 {
		t.Errorf("%+v, %v", counts, err)
	}
	if got := text(t, j.Out); !strings.HasPrefix(got, `{"problem":"new"`) || !strings.HasSuffix(got, out) {
		t.Errorf("got %s", got)
	}
}

// TestOrder checks that files do not depend on the order in which replies come, on where runs
// were stopped, nor on what a killed one left of a line.
func TestOrder(t *testing.T) {
	j := job(t, names(30)...)
	if _, err := Run(context.Background(), j, &scripted{reply: good}); err != nil {
		t.Fatal(err)
	}
	want := text(t, j.Out)
	lines := strings.SplitAfter(want, "\n")
	for name, left := range map[string]string{
		"nothing":        "",
		"some":           lines[7] + lines[2] + lines[29],
		"torn":           lines[7] + lines[2][:len(lines[2])/2],
		"torn at once":   lines[2][:3],
		"without an end": lines[3] + strings.TrimSuffix(lines[2], "\n"),
		"blank lines":    "\n" + lines[3] + "\n",
	} {
		write(t, j.Out, left)
		j.Concurrency = 4
		w := &scripted{reply: good}
		counts, err := Run(context.Background(), j, w)
		if err != nil || counts.Before+w.requests() != 30 {
			t.Errorf("%s: %+v, %v", name, counts, err)
		}
		if got := text(t, j.Out); strings.ReplaceAll(got, "\n\n", "\n") != want && strings.TrimLeft(got, "\n") != want {
			t.Errorf("%s: the file differs:\n%s", name, got)
		}
	}
}

func TestStops(t *testing.T) {
	j := job(t, names(20)...)
	stop := make(chan struct{})
	j.Stop = stop
	j.Progress = func(c Counts) {
		if c.Labelled == 3 {
			close(stop)
		}
	}
	counts, err := Run(context.Background(), j, &scripted{reply: good})
	if !errors.Is(err, ErrStopped) || counts.Labelled != 3 || counts.Left != 17 || strings.Count(text(t, j.Out), "\n") != 3 {
		t.Errorf("%+v, %v", counts, err)
	}
	j.Stop, j.Progress, j.MaxCost = nil, nil, 5*(100*1+10*10)/1e6
	counts, err = Run(context.Background(), j, &scripted{reply: good})
	if !errors.Is(err, ErrCost) || counts.Labelled != 5 || counts.Cost != j.MaxCost || strings.Count(text(t, j.Out), "\n") != 8 {
		t.Errorf("%+v, %v", counts, err)
	}
	counts, err = Run(context.Background(), j, &scripted{reply: func(string, int) reward.Reply { return reward.Reply{Text: goodReply} }})
	if err == nil || !strings.Contains(err.Error(), "does not say how many tokens") || counts.Labelled != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestNoReply checks that rows which could not be asked about are in no file and asked about by
// the next run, and that a run gives up when there is nobody.
func TestNoReply(t *testing.T) {
	j := job(t, names(20)...)
	j.Concurrency = 2
	gone := &scripted{reply: func(string, int) reward.Reply {
		return reward.Reply{Missing: reward.CauseUnreachable + ": connection refused"}
	}}
	counts, err := Run(context.Background(), j, gone)
	if err == nil || !strings.Contains(err.Error(), "of 20 rows could not be asked about (unreachable: connection refused)") || gone.requests() > 4 {
		t.Errorf("%+v, %v after %d requests", counts, err, gone.requests())
	}
	if text(t, j.Out)+text(t, j.Rejects) != "" {
		t.Error("there are files")
	}
	flaky := &scripted{reply: func(problem string, times int) reward.Reply {
		if problem == "p05" {
			return reward.Reply{Missing: reward.CauseTimeout + ": 1s"}
		}
		return good(problem, times)
	}}
	counts, err = Run(context.Background(), j, flaky)
	if err == nil || counts.Failed != 1 || counts.Labelled != 19 {
		t.Errorf("%+v, %v", counts, err)
	}
	counts, err = Run(context.Background(), j, &scripted{reply: good})
	if err != nil || counts.Labelled != 1 || strings.Count(text(t, j.Out), "\n") != 20 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestBadRows checks that a bad row is named before anything is asked for or made.
func TestBadRows(t *testing.T) {
	row := `{"problem":"p","generation":"g"}` + "\n"
	for _, c := range []struct{ data, want string }{
		{row + `{"problem":"p"`, ":2: not valid JSON"},
		{row + `{"problem":"p","answer":"a"}`, ":2: missing key: want the reasoning under one of deepseek_reasoning, generation, text"},
		{row + `{"problem":"p","generation":1}`, ":2: generation: want text, got the number 1"},
		{row + `{"generation":"g"}`, `:2: missing key "problem"`},
		{row + `{"domain":"cooking","problem":"p","generation":"g"}`, `:2: domain: want one of [math code science puzzle], got "cooking"`},
		{row + `{"domain":["math"],"problem":"p","generation":"g"}`, ":2: domain: want text"},
		{"\n", "has no rows"},
	} {
		j := job(t)
		write(t, j.Data, c.data)
		w := &scripted{reply: good}
		if _, err := Run(context.Background(), j, w); err == nil || !strings.Contains(err.Error(), j.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(j.Data), "*")); len(left) != 1 || w.requests() > 0 {
			t.Errorf("%s: files %v after %d requests", c.want, left, w.requests())
		}
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct {
		change func(*Job)
		want   string
	}{
		{func(j *Job) { j.Out = j.Data }, "named for two things"},
		{func(j *Job) { j.Rejects = j.Out }, "named for two things"},
		{func(j *Job) { write(t, j.Out, text(t, j.Data)) }, `out.jsonl:1: has no key "rlkd_label", so it was not written by rlkd label`},
		{func(j *Job) { write(t, j.Rejects, "{\n{}\n") }, "rejects.jsonl:1: not valid JSON"},
		{func(j *Job) {
			s, err := openStore(j.Out)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.close(nil) })
		}, "out.jsonl: another run writes to it"},
	} {
		j := job(t, "p")
		c.change(&j)
		before := text(t, j.Out)
		w := &scripted{reply: good}
		if _, err := Run(context.Background(), j, w); err == nil || !strings.Contains(err.Error(), c.want) || w.requests() > 0 {
			t.Errorf("got %v after %d requests, want %s", err, w.requests(), c.want)
		}
		if text(t, j.Out) != before {
			t.Errorf("%s: the output changed", c.want)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	j := job(t)
	write(t, j.Data, `{"problem":"p","generation":"<think>\n</think>\n7"}`)
	w := &scripted{reply: good}
	counts, err := Run(context.Background(), j, w)
	if err != nil || counts.Rejected != 1 || w.requests() != 0 || !strings.Contains(text(t, j.Rejects), "there is no reasoning") {
		t.Errorf("%+v, %v", counts, err)
	}
	if !json.Valid([]byte(text(t, j.Rejects))) {
		t.Error("the rejected row is no JSON")
	}
}
