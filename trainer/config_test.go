package trainer

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// loadText loads a configuration from text, as if it stood in the file c.yaml.
func loadText(t *testing.T, text string, sets []string, need Need) (*Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("c.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return LoadConfig("c.yaml", sets, need)
}

func TestLoadConfig(t *testing.T) {
	cfg, err := loadText(t, `
# a comment
model: student.gguf
dataset: rows.jsonl
output_dir: runs/a
seed: 18446744073709551615
learning_rate: 3e-6
weight_decay: .5
epsilon_high: 0.28
scale_rewards: false
system_prompt: |
  one
  two
reward_weights: {accuracy: 1, structure: 0}
sft:
  max_steps: 40
eval:
  num_generations: 2
`, []string{"max_steps=7", "sft.batch_size=3", "system_prompt=''", "eval.top_p=1.0", "structure.judge.threshold=0.25"}, NeedTrain)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.Model, want.Dataset, want.OutputDir = "student.gguf", "rows.jsonl", "runs/a"
	want.Seed, want.LearningRate, want.WeightDecay = 1<<64-1, 3e-6, 0.5
	high := 0.28
	want.EpsilonHigh, want.ScaleRewards, want.SystemPrompt, want.MaxSteps = &high, ScaleNone, "", 7
	want.RewardWeights.Accuracy, want.RewardWeights.Structure = 1, 0
	want.Structure.Judge.Threshold = 0.25
	want.SFT = DefaultSFT()
	want.SFT.MaxSteps, want.SFT.BatchSize = 40, 3
	want.Eval.NumGenerations, want.Eval.TopP, want.Eval.PassK = 2, 1, []int{2}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got\n%s\nwant\n%s", cfg, want)
	}
	if cfg.ClipHigh() != 0.28 || want.Epsilon != DefaultConfig().ClipHigh() {
		t.Errorf("clip high: got %g with epsilon_high, %g without", cfg.ClipHigh(), DefaultConfig().ClipHigh())
	}
}

func TestWarmUpOnlyWhereAsked(t *testing.T) {
	const base = "model: m\ndataset: d\noutput_dir: o\n"
	for _, c := range []struct {
		name, text string
		sets       []string
		need       Need
		want       bool
	}{
		{"no section", base, nil, NeedTrain, false},
		{"null section", base + "sft: null\n", nil, NeedTrain, false},
		{"section with nothing in it", base + "sft: {}\n", nil, NeedTrain, true},
		{"section", base + "sft:\n  max_steps: 1\n", nil, NeedTrain, true},
		{"set", base, []string{"sft.max_steps=1"}, NeedTrain, true},
		{"section set to null", base + "sft:\n  max_steps: 1\n", []string{"sft=null"}, NeedTrain, false},
		{"the sft command", base, nil, NeedSFT, true},
	} {
		cfg, err := loadText(t, c.text, c.sets, c.need)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := cfg.SFT != nil; got != c.want {
			t.Errorf("%s: warm-up %v, want %v", c.name, got, c.want)
		}
		if cfg.SFT != nil && cfg.SFT.BatchSize != DefaultSFT().BatchSize {
			t.Errorf("%s: batch_size %d is not the default", c.name, cfg.SFT.BatchSize)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	const base = "model: m\ndataset: d\noutput_dir: o\n"
	for _, c := range []struct {
		text string
		sets string // separated by blanks
		need Need
		want string
	}{
		{base + "bata: 0.1\n", "", NeedTrain, `c.yaml:4: unknown key "bata"; did you mean "beta"?`},
		{base + "sft:\n  bach_size: 2\n", "", NeedTrain, `c.yaml:5: unknown key "sft.bach_size"; did you mean "sft.batch_size"?`},
		{base + "structure:\n  judge:\n    treshold: 1\n", "", NeedScore, `c.yaml:6: unknown key "structure.judge.treshold"; did you mean "structure.judge.threshold"?`},
		{base, "max_step=3", NeedTrain, `--set max_step=3: unknown key "max_step"; did you mean "max_steps"?`},
		{base, "sft.max_step=3", NeedTrain, `--set sft.max_step=3: unknown key "sft.max_step"; did you mean "sft.max_steps"?`},
		{base, "max_steps.x=3", NeedTrain, `--set max_steps.x=3: unknown key "max_steps.x"; did you mean "max_steps"?`},
		{base, "max_steps", NeedTrain, "--set max_steps: want key=value"},
		{base, "max_steps=", NeedTrain, "--set max_steps=: no value; write max_steps='' for empty text or max_steps=null for none"},
		{base, "max_steps=[", NeedTrain, "--set max_steps=[: not valid YAML"},
		{base + "max_steps: 1\nmax_steps: 2\n", "", NeedTrain, "c.yaml:5: not valid YAML: mapping key \"max_steps\" already defined"},
		{base + "max_steps: ten\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer, got text "ten"`},
		{base + "max_steps: '10'\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer, got text "10"`},
		{base + "max_steps: 1.5\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer, got the number 1.5`},
		{base + "max_steps: 010\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer, got the number 010`},
		{base + "max_steps: 99999999999999999999\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer`},
		{base + "max_steps: true\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer, got true`},
		{base + "max_steps:\n", "", NeedTrain, `c.yaml:4: max_steps: want an integer, got nothing (null)`},
		{base + "seed: -1\n", "", NeedTrain, `c.yaml:4: seed: want an integer of 0 or more, got the number -1`},
		{base + "beta: .nan\n", "", NeedTrain, `c.yaml:4: beta: want a number`},
		{base + "beta: .inf\n", "", NeedTrain, `c.yaml:4: beta: want a number`},
		{base + "beta: 1e999\n", "", NeedTrain, `c.yaml:4: beta: want a number`},
		{base + "beta: [1]\n", "", NeedTrain, `c.yaml:4: beta: want a number, got a list`},
		{base + "log_completions: yes\n", "", NeedTrain, `c.yaml:4: log_completions: want true or false, got text "yes"`},
		{base + "dtype: 16\n", "", NeedTrain, `c.yaml:4: dtype: want text, got the number 16`},
		{base + "sft: true\n", "", NeedTrain, `c.yaml:4: sft: want a mapping of keys to values, got true`},
		{base + "eval:\n  pass_k: 3\n", "", NeedTrain, `c.yaml:5: eval.pass_k: want a list, got the number 3`},
		{base + "eval:\n  pass_k: [1, 5]\n", "", NeedTrain, `c.yaml:5: eval.pass_k[1]: want 1 to eval.num_generations (4), got 5`},
		{base + "model: &a m\n", "", NeedTrain, `c.yaml:4: not valid YAML`},
		{"a: &a 1\nmax_steps: *a\n", "", NeedTrain, `c.yaml:1: unknown key "a"`},
		{base + "<<: {max_steps: 3}\n", "", NeedTrain, `c.yaml:4: unknown key "<<"`},
		{base + "temperature: 0\n", "", NeedTrain, `c.yaml:4: temperature: want a number above 0, got 0`},
		{base + "top_p: 1.1\n", "", NeedTrain, `c.yaml:4: top_p: want above 0, at most 1, got 1.1`},
		{base + "num_generations: 1\n", "", NeedTrain, `c.yaml:4: num_generations: want an integer of 2 or more, got 1`},
		{base + "loss_type: ppo\n", "", NeedTrain, `c.yaml:4: loss_type: want one of grpo, bnpo, dapo, dr_grpo, got "ppo"`},
		{base + "device: gpu\n", "", NeedTrain, `c.yaml:4: device: want auto, cpu, cuda or cuda:N, got "gpu"`},
		{base + "sft:\n  batch_size: 0\n", "", NeedTrain, `c.yaml:5: sft.batch_size: want an integer of 1 or more, got 0`},
		{base + "reward_weights: {accuracy: 0, format: 0, tag_count: 0, structure: 0}\n", "", NeedScore, `c.yaml:4: reward_weights: want at least one above 0, got 0`},
		{base, "structure.max_missing=2", NeedScore, `--set structure.max_missing=2: structure.max_missing: want a share from 0 to 1, got 2`},
		{base, "learning_rate=0", NeedTrain, `--set learning_rate=0: learning_rate: want a number above 0, got 0`},
		{base + "eval_steps: 5\n", "", NeedTrain, `c.yaml: missing key "eval_dataset": set it in the file or by --set eval_dataset=…`},
		{"model: m\n", "", NeedTrain, `c.yaml: missing key "dataset"`},
		{"model: m\noutput_dir: o\n", "", NeedSFT, `c.yaml: missing key "sft.dataset"`},
		{"# nothing\n", "", NeedStep, `c.yaml: missing key "model"`},
		{"model: m\n", "", NeedEval, `c.yaml: missing key "eval_dataset"`},
		{"- a\n", "", NeedTrain, `c.yaml:1: want a mapping of keys to values, got a list`},
		{"model: m\n---\nmodel: n\n", "", NeedTrain, `c.yaml:3: a second YAML document; want one`},
		{"model: {\n", "", NeedTrain, `c.yaml:`},
		{"model: \"\xff\"\n", "", NeedTrain, `c.yaml: not valid UTF-8`},
	} {
		_, err := loadText(t, c.text, strings.Fields(c.sets), c.need)
		if err == nil {
			t.Errorf("%q %s: no error, want %s", c.text, c.sets, c.want)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%q %s:\ngot  %s\nwant %s", c.text, c.sets, got, c.want)
		}
	}
	if _, err := LoadConfig(filepath.Join(t.TempDir(), "no.yaml"), nil, NeedScore); err == nil || !strings.Contains(err.Error(), "no.yaml") {
		t.Errorf("missing file: %v", err)
	}
}

// TestCommandsNeedLittle checks that score, decompose and step do without what they do not use.
func TestCommandsNeedLittle(t *testing.T) {
	for _, need := range []Need{NeedScore, NeedDecompose} {
		if _, err := LoadConfig("", nil, need); err != nil {
			t.Error(err)
		}
	}
	if _, err := LoadConfig("", []string{"model=m"}, NeedStep); err != nil {
		t.Error(err)
	}
}

func TestConfigRoundTrip(t *testing.T) {
	plain := DefaultConfig()
	plain.Eval.PassK = []int{1, 4}
	full := DefaultConfig()
	full.Eval.PassK, full.SFT, full.LoRA = []int{1, 2, 4}, DefaultSFT(), DefaultLoRA()
	full.Seed, full.LearningRate, full.Beta = 1<<63+1, 1.25e-7, 1.0/3
	high := 0.28
	full.EpsilonHigh = &high
	for _, prompt := range []string{
		"", "yes", "null", "~", "010", "1e5", "a: b", "# no comment", "  blanks around  ", "two\nlines", "\n\nlines around\n\n",
		"\ttab", "ends\\", `"quoted"`, "'", "{a}", "[b]", "*c", "&d", "!e", "%f", "- g", "日本語 🙂", "trailing \nblanks  \n", " first\n  indented", "a\r\nb", "\u00a0", "---", "k: |\n  v\n", "\x01\x7f\v\a", "\u0085\u2028\ufeff\u200b\U000e0001", "<think>\n…\n</think>",
	} {
		full.SystemPrompt = prompt
		for _, want := range []*Config{plain, full} {
			got, err := loadText(t, want.String(), nil, NeedScore)
			if err != nil {
				t.Errorf("prompt %q: %v", prompt, err)
				continue
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("prompt %q: read back as\n%s\nwant\n%s", prompt, got, want)
			}
		}
	}
	text := full.String()
	for _, key := range configKeys("", reflect.TypeFor[Config]()) {
		if name := key[strings.LastIndex(key, ".")+1:]; !strings.Contains(text, name+":") {
			t.Errorf("%s is not in\n%s", key, text)
		}
	}
}
