package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/reward"
)

// timeless are the metrics that are not the same in every run.
var timeless = []string{"time", "_per_s", "peak_memory", "device_memory"}

// metricsOf are the lines of a run's metrics without what depends on the clock.
func metricsOf(t *testing.T, dir string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for line := range strings.Lines(string(data)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		for name := range m {
			for _, part := range timeless {
				if strings.Contains(name, part) {
					delete(m, name)
				}
			}
		}
		out = append(out, m)
	}
	return out
}

// sameFile compares two files byte by byte.
func sameFile(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if string(x) != string(y) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// stopAfter is a watch that asks for an end after n steps of a stage; it collects notes.
func stopAfter(stage string, n int, notes *[]string) Watch {
	stop := make(chan struct{})
	current := ""
	return Watch{
		Stop:  stop,
		Stage: func(s Stage) { current = s.Name },
		Step: func(done int, _ Record) {
			if current == stage && done == n {
				close(stop)
			}
		},
		Note: func(m string) { *notes = append(*notes, m) },
	}
}

// A run that was stopped and resumed ends with the bits of one that was not: weights, moments,
// metrics and completions.
func TestResumeIsExact(t *testing.T) {
	sets := []string{
		"sft.max_steps=25", "sft.batch_size=4", "sft.max_length=128", "sft.learning_rate=0.02", "num_iterations=2", "beta=0.1",
		"reward_weights.tag_count=10", "save_total_limit=1", "save_steps=7",
		"lr_scheduler_type=linear", "temperature=1.8", "top_p=0.95",
	}
	resumesExactly(t, sets, "sft/final/model.safetensors", "sft/final/tokenizer.json", "final/model.safetensors")
}

// resumesExactly compares a run with one of the same settings that was stopped twice: metrics,
// completions, moments, and the files that are named.
func resumesExactly(t *testing.T, sets []string, weights ...string) {
	t.Helper()
	whole := tinyConfig(t, sets...)
	if _, err := Train(context.Background(), whole, false, Watch{}); err != nil {
		t.Fatal(err)
	}
	if m := metricsOf(t, whole.OutputDir); len(m) != 4 || m[3]["grad_norm"] == 0.0 {
		t.Fatalf("the run has not learned: %v", m)
	}
	parts := *whole
	parts.OutputDir = filepath.Join(t.TempDir(), "parts")
	var notes []string
	for i, w := range []Watch{stopAfter("sft", 9, &notes), stopAfter("rlkd", 2, &notes), {}} {
		_, err := Train(context.Background(), &parts, i > 0, w)
		if stopped := errors.Is(err, ErrStopped); stopped != (i < 2) || err != nil && !stopped {
			t.Fatalf("part %d: %v", i, err)
		}
	}
	others := []string{"checkpoint-4/" + optimizerFile, "rollouts/step-000003.jsonl", "rollouts/step-000004.jsonl"}
	for _, f := range append(weights, others...) {
		sameFile(t, filepath.Join(whole.OutputDir, f), filepath.Join(parts.OutputDir, f))
	}
	for _, dir := range []string{"", "sft"} {
		a, _ := json.Marshal(metricsOf(t, filepath.Join(whole.OutputDir, dir)))
		b, _ := json.Marshal(metricsOf(t, filepath.Join(parts.OutputDir, dir)))
		if string(a) != string(b) {
			t.Errorf("metrics differ:\n%s\n%s", a, b)
		}
	}
}

// Of a damaged checkpoint nothing is used; the one before is, and that is said.
func TestDamagedCheckpointIsPassedOver(t *testing.T) {
	c := tinyConfig(t)
	want, err := Train(context.Background(), c, false, Watch{})
	if err != nil || want != nil {
		t.Fatal(want, err)
	}
	final, err := os.ReadFile(filepath.Join(c.OutputDir, "final/model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(path string) error{
		"model.safetensors": func(path string) error { return os.Truncate(path, 1000) },
		optimizerFile: func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 1
			return os.WriteFile(path, data, 0o666)
		},
		stateFile: os.Remove,
	} {
		if err := damage(filepath.Join(c.OutputDir, "checkpoint-4", name)); err != nil {
			t.Fatal(err)
		}
		var notes []string
		if _, err := Train(context.Background(), c, true, Watch{Note: func(m string) { notes = append(notes, m) }}); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(notes, "\n")
		if !strings.Contains(said, name) || !strings.Contains(said, "resuming from "+checkpointPath(c.OutputDir, 3)) {
			t.Errorf("%s: said %q", name, said)
		}
		again, err := os.ReadFile(filepath.Join(c.OutputDir, "final/model.safetensors"))
		if err != nil || string(again) != string(final) {
			t.Errorf("%s: the run ended elsewhere (%v)", name, err)
		}
	}
}

// A resumed run must be the same run.
func TestResumeRefusesAnotherRun(t *testing.T) {
	c := tinyConfig(t, "max_steps=1")
	if _, err := Train(context.Background(), c, false, Watch{}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		says   string
		change func(c *Config)
	}{
		{"learning_rate", func(c *Config) { c.LearningRate = 1 }},
		{"reward_weights.format", func(c *Config) { c.RewardWeights.Format = 3 }},
		{"structure.judge", func(c *Config) { c.Structure.Judge.Threshold = 0.1 }},
		{"sft", func(c *Config) { c.SFT = DefaultSFT() }},
		{"is not the file it was", func(c *Config) { writeLine(t, c.Dataset) }},
	} {
		other := *c
		x.change(&other)
		_, err := Train(context.Background(), &other, true, Watch{})
		if err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v", x.says, err)
		}
	}
	more := *c
	more.MaxSteps = 2
	if _, err := Train(context.Background(), &more, false, Watch{}); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("without --resume: %v", err)
	}
}

func writeLine(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`{"problem": "9 + 9", "answer": "18", "generation": "<think>\nI add: 9 + 9 = 18.\n</think>"}` + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A loss that is no number ends the run, with its batch kept.
func TestNonFiniteLossIsKept(t *testing.T) {
	c := tinyConfig(t, "learning_rate=1e30", "max_steps=9", "beta=0.1", "reward_weights.tag_count=10", "sft.max_steps=25", "sft.batch_size=4",
		"sft.max_length=128", "sft.learning_rate=0.02")
	_, err := Train(context.Background(), c, false, Watch{})
	var nonFinite *NonFiniteError
	if !errors.As(err, &nonFinite) {
		t.Fatalf("got %v", err)
	}
	found, _ := filepath.Glob(filepath.Join(c.OutputDir, "nonfinite-step-*.jsonl"))
	if len(found) != 1 || !strings.Contains(err.Error(), found[0]) {
		t.Fatalf("kept %v, said %q", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil || strings.Count(string(data), "\n") != c.PromptsPerStep*c.NumGenerations {
		t.Errorf("%s: %v, %d lines", found[0], err, strings.Count(string(data), "\n"))
	}
}

// Evaluations of one student are the same; the files of a run hold them.
func TestEvaluationsAreKept(t *testing.T) {
	c := tinyConfig(t, "max_steps=2", "eval.num_generations=2", "eval.bootstrap_samples=200")
	c.EvalDataset, c.EvalSteps = c.Dataset, 1
	evals, err := Train(context.Background(), c, false, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range evals {
		names = append(names, e.Name)
		if e.Problems != 4 || len(e.PerProblem) != 4 || e.Metrics["length"].Mean <= 0 {
			t.Errorf("%s: %+v", e.Name, e)
		}
	}
	if got := strings.Join(names, " "); got != "start step-1 step-2" {
		t.Errorf("evaluations: %s", got)
	}
	again, err := Train(context.Background(), c, true, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(evals[0])
	b, _ := json.Marshal(again[0])
	if string(a) != string(b) {
		t.Errorf("the kept evaluation differs:\n%s\n%s", a, b)
	}
	if d := Compare(evals[2], evals[2], c); d.Metrics["length"] != (Estimate{}) {
		t.Errorf("a student differs from itself: %+v", d.Metrics["length"])
	}
}

func TestNoTensorOutlivesARun(t *testing.T) {
	before := torch.Live()
	c := tinyConfig(t, "max_steps=1")
	if _, err := Train(context.Background(), c, false, Watch{}); err != nil {
		t.Fatal(err)
	}
	if now := torch.Live(); now != before {
		t.Errorf("%d tensors after the run, %d before", now, before)
	}
}

// noSteps is a decomposer that cannot be reached.
type noSteps struct{}

func (noSteps) Decompose(context.Context, []reward.Trace) ([]reward.Decomposition, error) {
	return nil, errors.New("connection refused")
}

// When too many rewards are missing the run stops, with the weights as they were saved.
func TestTooManyMissingRewardsStopTheRun(t *testing.T) {
	c := tinyConfig(t, "max_completion_length=60", "structure.min_trace_chars=1")
	data, err := loadDataset(c.Dataset, true, true)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{config: c, rlkd: data, scorer: reward.NewScorerWith(c.RewardWeights, c.Structure, noSteps{}, reward.Rules{})}
	err = r.in(c.OutputDir, func() error { return r.train(context.Background()) })
	var missing *MissingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "connection refused") {
		t.Fatalf("got %v", err)
	}
	if _, err := verifyCheckpoint(checkpointPath(c.OutputDir, 0)); err != nil {
		t.Error(err)
	}
	if m := metricsOf(t, c.OutputDir); len(m) != 0 {
		t.Errorf("the step that failed is in the metrics: %v", m)
	}
}
