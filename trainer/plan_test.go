package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer/plan"
)

// planned is a run whose memory is measured and compared with its plan.
type planned struct {
	name, model string // "" is the default student
	sets        []string
}

// Every case has two micro-batches or more, of sequences as long as the configuration allows.
var plannedRuns = []planned{
	{"SmolLM2 bf16", "", []string{"dtype=bf16", "micro_batch_tokens=800"}},
	{"SmolLM2 bf16, larger micro-batch, checkpointing", "", []string{"dtype=bf16", "micro_batch_tokens=1600", "gradient_checkpointing=true"}},
	{"SmolLM2 fp32, reference", "", []string{"dtype=f32", "micro_batch_tokens=400", "beta=0.04"}},
	{"SmolLM2 fp32, checkpointing", "", []string{"dtype=f32", "micro_batch_tokens=800", "gradient_checkpointing=true"}},
	{"SmolLM2 bf16, LoRA", "", []string{"dtype=bf16", "micro_batch_tokens=800", "lora={}"}},
	{"SmolLM2 bf16, LoRA, checkpointing, reward model", "", []string{"dtype=bf16", "micro_batch_tokens=1600", "lora={}", "gradient_checkpointing=true",
		"structure.decomposer={backend: local, model: " + studentPath() + ", adapter: recipes/gsrm/adapter, max_tokens: 32}"}},
	{"SmolLM2 bf16, reference, reward model", "", []string{"dtype=bf16", "micro_batch_tokens=400", "beta=0.04",
		"structure.decomposer={backend: local, model: " + studentPath() + ", adapter: recipes/gsrm/adapter, max_tokens: 32}"}},
	{"wide llama fp32", "llama", []string{"dtype=f32", "micro_batch_tokens=400"}},
	{"wide qwen2 bf16", "qwen2", []string{"dtype=bf16", "micro_batch_tokens=800"}},
	{"wide qwen3 bf16, LoRA with dropout", "qwen3", []string{"dtype=bf16", "micro_batch_tokens=800", "lora={lora_dropout: 0.05}"}},
}

// wide are models whose weights, vocabulary or activations are large beside their depth.
var wide = map[string]string{
	"llama": `{"model_type": "llama", "vocab_size": 8192, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 4, "num_attention_heads": 16,
		"num_key_value_heads": 16, "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "tie_word_embeddings": false, "eos_token_id": 2}`,
	"qwen2": `{"model_type": "qwen2", "vocab_size": 65536, "hidden_size": 768, "intermediate_size": 4096, "num_hidden_layers": 6, "num_attention_heads": 12,
		"num_key_value_heads": 2, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "tie_word_embeddings": false, "eos_token_id": 2}`,
	"qwen3": `{"model_type": "qwen3", "vocab_size": 16384, "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 16,
		"num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "tie_word_embeddings": true, "eos_token_id": 2}`,
}

// config is that of the run: eight completions a step.
func (p planned) config(t *testing.T, dir string) *Config {
	model := p.model
	if model == "" {
		model = studentPath()
	} else {
		model = filepath.Join(dir, model)
		if _, err := os.Stat(model); err != nil {
			randomModel(t, model, wide[p.model])
		}
	}
	base := []string{
		"model=" + model, "dataset=unused", "output_dir=" + filepath.Join(dir, "run"), "device=cpu",
		"max_prompt_length=80", "max_completion_length=180", "num_generations=4", "prompts_per_step=4",
		"temperature=20", // hardly anything ends before its time
	}
	c, err := LoadConfig("", append(base, p.sets...), NeedTrain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPlanAgreesWithMeasuredPeaks takes a real step for each case in a process of its own and
// compares the most memory that process held with the plan. That takes minutes for the default
// student: RLKD_PLAN=all (make plan-check) has all cases, any other value those of random models.
func TestPlanAgreesWithMeasuredPeaks(t *testing.T) {
	if os.Getenv("RLKD_PLAN") == "" {
		t.Skip("a measurement of minutes: make plan-check")
	}
	dir := t.TempDir()
	table := &bytes.Buffer{}
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "run\tplan\tmeasured\tdifference\tphase")
	for _, p := range plannedRuns {
		if p.model == "" && os.Getenv("RLKD_PLAN") != "all" {
			continue
		}
		t.Run(p.name, func(t *testing.T) { p.compare(t, dir, w) })
	}
	w.Flush()
	t.Log("\n" + table.String())
}

// compare writes the plan beside what was measured, in all and by phase, and fails if they are far apart.
func (p planned) compare(t *testing.T, dir string, w io.Writer) {
	c := p.config(t, dir)
	want, err := Plan(c, false, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	peaks := measure(t, c)
	peak := int64(0)
	for _, phase := range peaks {
		peak = max(peak, phase.Bytes)
	}
	off := float64(want.Peak)/float64(peak) - 1
	fmt.Fprintf(w, "%s\t%s\t%s\t%+.1f %%\t%s\n", p.name, plan.Size(want.Peak), plan.Size(peak), 100*off, want.PeakPhase)
	for _, phase := range want.Phases {
		for _, m := range peaks {
			if m.Name == phase.Name {
				fmt.Fprintf(w, "  %s\t%s\t%s\t%+.1f %%\n", m.Name, plan.Size(phase.Bytes), plan.Size(m.Bytes), 100*(float64(phase.Bytes)/float64(m.Bytes)-1))
			}
		}
	}
	if math.Abs(off) > 0.15 {
		t.Errorf("the plan is off by %.1f %%", 100*off)
	}
}

// A decomposer is asked about the texts of students and teachers, and what they share is counted once.
func TestPlanOfDecompositions(t *testing.T) {
	c := planned{sets: []string{"structure.decomposer={backend: local, model: " + studentPath() + ", max_tokens: 32}"}}.config(t, t.TempDir())
	j, err := c.job(false)
	if err != nil || len(j.Rewards) != 1 || j.Rewards[0].Writes == nil {
		t.Fatalf("%+v, %v", j.Rewards, err)
	}
	w := *j.Rewards[0].Writes
	if instruction := w.Shared - 80; w.Prompt != instruction+80+180 || instruction < 49 || instruction > 98 { // it has 49 tokens
		t.Errorf("prompts of %d tokens, of which %d are shared", w.Prompt, w.Shared)
	}
	if w.Prompts != 4*(4+1) || w.SharedBy != 4+1 || w.PerPrompt != 1 || w.Completion != 32 || w.Rows != localRows {
		t.Errorf("%+v", w)
	}
}

// measuring names the environment variable that makes TestPlanChild run.
const measuring = "RLKD_PLAN_RUN"

// measure runs the configuration's phases in another process and returns the peak of each.
func measure(t *testing.T, c *Config) (peaks []plan.Phase) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(c.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestPlanChild$", "-test.v")
	child.Env = append(os.Environ(), measuring+"="+path)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if row, ok := strings.CutPrefix(line, "peak "); ok {
			var p plan.Phase
			if err := json.Unmarshal([]byte(row), &p); err != nil {
				t.Fatal(err)
			}
			peaks = append(peaks, p)
		}
	}
	if len(peaks) == 0 {
		t.Fatalf("no peaks in\n%s", out)
	}
	return peaks
}

// TestPlanChild is the process that is measured: the phases of a run, by the functions of one,
// with prompts of full length and advantages that are not 0.
func TestPlanChild(t *testing.T) {
	path := os.Getenv(measuring)
	if path == "" {
		t.Skip("it is a part of TestPlanAgreesWithMeasuredPeaks")
	}
	c, err := LoadConfig(path, nil, NeedTrain)
	if err != nil {
		t.Fatal(err)
	}
	if err := torch.Run(func() error { return measuredStep(c) }); err != nil {
		t.Fatal(err)
	}
}

func measuredStep(c *Config) error {
	s, err := c.openTrained(c.Model)
	if err != nil {
		return err
	}
	scorer, err := NewScorer(c, s, nil)
	if err != nil {
		return err
	}
	if c.Beta == 0 {
		tellPeak("loading")
	}
	grpo := newGRPO(c, s)
	if c.Beta != 0 {
		if err := grpo.openReference(c, s, c.Model); err != nil {
			return err
		}
		tellPeak("loading")
	}
	run := &RLKD{Config: c, Student: s, Scorer: scorer, GRPO: grpo, Problems: randomPrompts(c, s), Order: Order{Rows: c.PromptsPerStep}}
	rollouts, err := run.sampler(0).sample(run.batch(0))
	if err != nil {
		return err
	}
	tellPeak("rollout")
	if _, err := scorer.Score(context.Background(), readable(items(rollouts))); err != nil {
		return err
	}
	tellPeak("decomposer")
	a := Advantages{Values: make([]float64, len(rollouts)), Used: make([]bool, len(rollouts))}
	for i := range rollouts {
		a.Values[i], a.Used[i] = float64(1-2*(i%2)), true
	}
	if _, err := grpo.Step(samples(rollouts, a, false), 1e-6); err != nil {
		return err
	}
	tellPeak("update")
	if err := os.MkdirAll(c.OutputDir, 0o777); err != nil {
		return err
	}
	_, err = saveCheckpoint(c.OutputDir, s, grpo.Opt, State{Step: 1}, 1)
	tellPeak("saving")
	return err
}

// readable gives random completions, of which a decomposer would be shown little, a text of their
// length that ended by itself: one that was cut is not taken apart at all.
func readable(items []reward.Item) []reward.Item {
	for i := range items {
		items[i].Cut = false
		items[i].Completion = fmt.Sprintf("First I count the apples, of which there are %d. ", i) + strings.Repeat("So it is five and two. ", 24)
	}
	return items
}

// randomPrompts are as long as allowed.
func randomPrompts(c *Config, s *Student) (out []prompted) {
	for row := range c.PromptsPerStep {
		p := prompted{Problem: Problem{Row: row, Prompt: strings.Repeat("How many are there? ", 15) + fmt.Sprintf("Now there are %d.", row), Answer: "1", Teacher: "<think>\nFirst I count the apples: there are 3 apples in all.\n</think>"}}
		for i := range c.MaxPromptLength {
			p.ids = append(p.ids, 3+int(float32(s.Config.VocabSize-3)*rng.Uniform(1, 2, uint64(row), 3, uint64(i))))
		}
		out = append(out, p)
	}
	return out
}

// tellPeak prints the most memory the process has held since the last call.
func tellPeak(phase string) {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			fmt.Printf("peak {\"name\": %q, \"bytes\": %d}\n", phase, kib<<10)
		}
	}
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where it cannot be, phases include those before
}

// randomModel writes a Hugging Face directory of a random model with the given config.json and a
// small tokenizer of Qwen's kind.
func randomModel(t testing.TB, dir, config string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o777))
	put := func(name string, data []byte) { t.Helper(); must(os.WriteFile(filepath.Join(dir, name), data, 0o666)) }
	tokenizer, err := os.ReadFile("../model/tokenizer/testdata/qwen2-style.json")
	must(err)
	put("tokenizer.json", tokenizer)
	put("config.json", []byte(config))
	must(writeRandomWeights(dir))
	put("chat_template.jinja", []byte(`{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`))
	put("tokenizer_config.json", []byte(`{"eos_token": "<|im_end|>"}`))
}
