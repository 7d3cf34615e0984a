package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/cgo/pretend"
)

func init() { pretend.Register() }

// The program takes a step on another device as it does on the CPU, and refuses one that is not there.
func TestStepOnAnotherDevice(t *testing.T) {
	dir := t.TempDir()
	for _, source := range []string{"../../../model/testdata/tiny-qwen2", "../../testdata/tiny-tokenizer"} {
		if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
	}
	rollouts := filepath.Join(dir, "rollouts.jsonl")
	rows := `{"group":0,"prompt_ids":[5,9,30],"completion_ids":[7,20,33,46],"reward":1,"finished":true}
{"group":0,"prompt_ids":[5,9,30],"completion_ids":[90,3,16],"reward":0,"finished":true}
`
	if err := os.WriteFile(rollouts, []byte(rows), 0o666); err != nil {
		t.Fatal(err)
	}
	step := func(device string) (code int, out, log string) {
		return rlkd("", "step", "--rollouts", rollouts, "--set", "model="+dir, "--set", "num_iterations=2", "--set", "beta=0.1",
			"--set", "learning_rate=0.01", "--set", "dtype=f32", "--set", "device="+device)
	}
	updates := func(device string) (all []updateRow) {
		code, out, log := step(device)
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", device, code, log)
		}
		for line := range strings.Lines(out) {
			var u updateRow
			if err := json.Unmarshal([]byte(line), &u); err != nil {
				t.Fatal(err)
			}
			all = append(all, u)
		}
		return all
	}
	var got []updateRow
	if counts := pretend.Count(func() { got = updates(pretend.Device) }); counts.Ops == 0 {
		t.Error("nothing ran on the device")
	}
	want := updates("cpu")
	if len(got) != 2 || len(want) != 2 || want[1].KL == 0 {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i, w := range want {
		g := got[i]
		off := max(math.Abs(g.Loss-w.Loss), math.Abs(g.KL-w.KL)/max(1, w.KL), math.Abs(g.GradNorm-w.GradNorm)/w.GradNorm)
		if g.Tokens != w.Tokens || g.ClipRatio != w.ClipRatio || !(off < 1e-5) {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
	if code, _, log := step("pretense"); code != 1 || !strings.Contains(log, `device: want auto, cpu, cuda or cuda:N, got "pretense"`) {
		t.Errorf("exit code %d, %s", code, log)
	}
}
