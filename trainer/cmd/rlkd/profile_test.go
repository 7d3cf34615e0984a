package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// tinyStudent is a Hugging Face directory with a small random model and a tokenizer.
func tinyStudent(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "student")
	for _, source := range []string{"../../../model/testdata/tiny-llama3-rope", "../../testdata/tiny-tokenizer"} {
		if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestProfileOfRun fine-tunes for two steps under --profile.
func TestProfileOfRun(t *testing.T) {
	work := t.TempDir()
	data, dir := filepath.Join(work, "rows.jsonl"), filepath.Join(work, "profile")
	yaml := filepath.Join(work, "sft.yaml")
	for path, text := range map[string]string{
		data: `{"problem": "1 + 1", "answer": "2", "generation": "2"}` + "\n",
		yaml: "model: " + tinyStudent(t) + "\noutput_dir: " + filepath.Join(work, "out") + "\ndevice: cpu\nsystem_prompt: ''\nsft: {dataset: " + data + ", max_steps: 2, batch_size: 1, max_length: 128}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, log := rlkd("", "sft", "--profile", dir, "--config", yaml); code != 0 {
		t.Fatal(log)
	}
	var got struct {
		Wall int64 `json:"wall_ns"`
		Ops  []torch.OpCost
	}
	text, err := os.ReadFile(filepath.Join(dir, "ops.json"))
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	updates := 0
	for _, o := range got.Ops {
		if o.Op == "AdamW_" && o.Inside == "" {
			updates = o.Calls
		}
	}
	if updates != 2 || got.Wall <= 0 {
		t.Errorf("%d optimizer steps in %d ns, want 2", updates, got.Wall)
	}
	if text, err = os.ReadFile(filepath.Join(dir, "ops.txt")); err != nil || !strings.Contains(string(text), "AdamW_") {
		t.Errorf("ops.txt: %v\n%s", err, text)
	}
	for _, name := range []string{"cpu.pprof", "heap.pprof"} {
		if s, err := os.Stat(filepath.Join(dir, name)); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
