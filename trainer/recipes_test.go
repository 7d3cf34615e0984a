package trainer

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer/plan"
)

// The config.json of the models that the recipes name, but for what is small in the tests.
var paperModels = map[string]string{
	"DeepSeek-R1-Distill-Qwen-7B": qwen(`"bos_token_id": 151646, "eos_token_id": 151643, "max_position_embeddings": 131072, "rope_theta": 10000, "sliding_window": 4096, "use_mrope": false`),
	"Qwen2.5-Math-7B":             qwen(`"bos_token_id": 151643, "eos_token_id": 151643, "max_position_embeddings": 4096, "rope_theta": 10000, "sliding_window": 4096, "use_mrope": false`),
	"Qwen2.5-7B-Instruct":         qwen(`"bos_token_id": 151643, "eos_token_id": 151645, "max_position_embeddings": 32768, "rope_theta": 1000000.0, "sliding_window": 131072`),
}

func qwen(own string) string {
	return `{"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": 3584, "initializer_range": 0.02,
		"intermediate_size": 18944, "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 28, "num_hidden_layers": 28,
		"num_key_value_heads": 4, "rms_norm_eps": 1e-06, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.43.1",
		"use_cache": true, "use_sliding_window": false, "vocab_size": 152064, ` + own + `}`
}

// small makes a config.json that of a small model with the test tokenizer's vocabulary, padded as
// Qwen's is.
var small = strings.NewReplacer(`"hidden_size": 3584`, `"hidden_size": 56`, `"intermediate_size": 18944`, `"intermediate_size": 96`,
	`"num_hidden_layers": 28`, `"num_hidden_layers": 2`, `"num_attention_heads": 28`, `"num_attention_heads": 14`, `"num_key_value_heads": 4`, `"num_key_value_heads": 2`,
	`"vocab_size": 152064`, `"vocab_size": 2368`, "151643", "2332", "151645", "2334", "151646", "2333")

// paperRun is a recipe with its models and data replaced by small ones.
type paperRun struct {
	recipe, model string
	sft           bool
	dir           string
}

var paperRuns = []paperRun{
	{recipe: "rlkd-r1-distill-qwen-7b", model: "DeepSeek-R1-Distill-Qwen-7B"},
	{recipe: "rlkd-r1-distill-qwen-7b-lora", model: "DeepSeek-R1-Distill-Qwen-7B"},
	{recipe: "rlkd-zero-qwen2.5-math-7b", model: "Qwen2.5-Math-7B"},
	{recipe: "rlkd-zero-qwen2.5-math-7b-lora", model: "Qwen2.5-Math-7B"},
	{recipe: "gsrm-qwen2.5-7b", model: "Qwen2.5-7B-Instruct", sft: true},
	{recipe: "gsrm-qwen2.5-7b-lora", model: "Qwen2.5-7B-Instruct", sft: true},
}

func (p paperRun) need() Need {
	if p.sft {
		return NeedSFT
	}
	return NeedTrain
}

// paperFiles makes small models, a reward model's adapter and data in a directory.
func paperFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, config := range paperModels {
		randomModel(t, filepath.Join(dir, name), small.Replace(config))
	}
	c, err := LoadConfig("", []string{"model=" + filepath.Join(dir, "Qwen2.5-7B-Instruct"), "lora={}", "device=cpu"}, NeedPlan)
	if err != nil {
		t.Fatal(err)
	}
	err = torch.Run(func() error {
		s, err := c.openTrained(c.Model)
		if err != nil {
			return err
		}
		if err := s.SaveModel(filepath.Join(dir, "adapter")); err != nil {
			return err
		}
		return markGSRM(filepath.Join(dir, "adapter"))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]string{
		"rows.jsonl":   `{"problem": "What is 2 + 3?", "answer": "5", "generation": "<think>\nI add the numbers: 2 + 3 = 5.\n</think>\n<answer>\n\\boxed{5}\n</answer>"}`,
		"labels.jsonl": `{"problem": "What is 2 + 3?", "generation": "<think>\nI add the numbers: 2 + 3 = 5.\n</think>", "steps": [{"number": 1, "meta": "I add the numbers", "query": "2 + 3", "answer": "5"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat(row+"\n", 8)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sets replace what a recipe names by what is in dir.
func (p paperRun) sets() []string {
	at := func(name string) string { return filepath.Join(p.dir, name) }
	sets := []string{"model=" + at(p.model), "output_dir=" + at("runs/new"), "device=cpu"}
	if p.sft {
		return append(sets, "sft.dataset="+at("labels.jsonl"))
	}
	return append(sets, "dataset="+at("rows.jsonl"), "eval_dataset="+at("rows.jsonl"), "structure.cache="+at("runs/answers.db"),
		"structure.decomposer.model="+at("Qwen2.5-7B-Instruct"), "structure.decomposer.adapter="+at("adapter"), "structure.judge.model="+at("Qwen2.5-7B-Instruct"))
}

func (p paperRun) config(t *testing.T, more ...string) *Config {
	t.Helper()
	c, err := LoadConfig("recipes/"+p.recipe+".yaml", append(p.sets(), more...), p.need())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each recipe of the paper's is whole: with small models of its families a dry run finds nothing
// wrong, and changes nothing on disk.
func TestPaperRecipesDryRun(t *testing.T) {
	dir := paperFiles(t)
	before := tree(t, dir)
	for _, p := range paperRuns {
		p.dir = dir
		lines, _, err := DryRun(p.config(t), p.sft, false, 0)
		if err != nil {
			t.Errorf("%s: %v", p.recipe, err)
			continue
		}
		text := strings.Join(lines, "\n")
		want := []string{"device     cpu, bf16", p.model + ": qwen2", "the 8 rows of", "output_dir", "memory     peak"}
		if !p.sft {
			want = append(want, "decomposer local", "judge local", "evaluation 8 problems")
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in\n%s", p.recipe, w, text)
			}
		}
	}
	if after := tree(t, dir); after != before {
		t.Errorf("dry runs changed the disk: before\n%safter\n%s", before, after)
	}
}

// What a run would fail on, its dry run does, by one line that names it, with nothing made.
func TestDryRunFinds(t *testing.T) {
	dir := paperFiles(t)
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	broken := file("broken/config.json", small.Replace(paperModels["Qwen2.5-Math-7B"]))
	file("broken/tokenizer.json", "{")
	old := file("old/gsrm.json", `{"prompt_version": "gsrm-0"}`)
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(dir, "adapter", name))
		if err != nil {
			t.Fatal(err)
		}
		file("old/"+name, string(data))
	}
	other := file("other/metrics.jsonl", "")
	cut := file("cut.jsonl", `{"problem": "p", "answer": "1"}`)
	notDB := file("not.db", "this is no store")
	rl, lora, sft := paperRuns[0], paperRuns[1], paperRuns[4]
	cases := []struct {
		paperRun
		sets []string
		want string
	}{
		{rl, []string{"dataset=" + cut}, `cut.jsonl:1: missing key "generation"`},
		{rl, []string{"dataset=no.jsonl"}, "open no.jsonl"},
		{rl, []string{"eval_dataset=" + cut}, "cut.jsonl:1"},
		{rl, []string{"model=nowhere"}, "nowhere: no such file or directory"},
		{rl, []string{"model=" + filepath.Dir(broken)}, "holds no weights"},
		{rl, []string{"device=cuda:99"}, `device "cuda:99"`},
		{rl, []string{"max_prompt_length=5"}, "all of its 8 rows are longer than max_prompt_length (5 tokens)"},
		{rl, []string{"max_completion_length=200000"}, "more than the 131072 that the model has room for"},
		{rl, []string{"eval.max_completion_length=200000"}, "the evaluation's max_completion_length"},
		{rl, []string{"structure.decomposer.model=nowhere"}, "structure.decomposer: open model"},
		{rl, []string{"structure.decomposer.adapter=" + filepath.Dir(old)}, `trained on the prompts "gsrm-0"`},
		{rl, []string{"structure.decomposer.model=" + filepath.Join(dir, "DeepSeek-R1-Distill-Qwen-7B"), "structure.decomposer.adapter=nowhere"}, "open adapter: open nowhere"},
		{rl, []string{"structure.judge={backend: openai, model: m, base_url: 'http://h/v1', api_key_env: NOT_SET_ANYWHERE}"}, "NOT_SET_ANYWHERE is not set"},
		{rl, []string{"structure.cache=" + notDB}, "structure.cache: cache"},
		{rl, []string{"structure.cache=" + filepath.Join(notDB, "answers.db")}, "not a directory"},
		{rl, []string{"output_dir=" + filepath.Dir(other)}, "holds another run (metrics.jsonl)"},
		{rl, []string{"output_dir=" + filepath.Join(cut, "run")}, "not a directory"},
		{rl, []string{"sft={max_length: 8}"}, "are longer than sft.max_length (8 tokens)"},
		{lora, []string{"adapter=nowhere", "lora=null"}, "open adapter: open nowhere"},
		{lora, []string{"adapter=" + filepath.Join(dir, "adapter"), "lora.r=3"}, "lora.r is 3, but the adapter to go on with has 16"},
		{sft, []string{"sft.dataset=" + cut}, "cut.jsonl:1"},
		{sft, []string{"sft.max_length=40000"}, "sft.max_length is 40000 tokens, more than the 32768"},
	}
	before := tree(t, dir)
	for _, x := range cases {
		x.dir = dir
		lines, _, err := DryRun(x.config(t, x.sets...), x.sft, false, 0)
		if err == nil || len(lines) > 0 || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %v: %v, %v; want %q", x.recipe, x.sets, lines, err, x.want)
		}
	}
	rl.dir = dir
	_, p, err := DryRun(rl.config(t), false, false, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	for _, available := range []int64{100 << 20, p.Peak - 1} {
		if _, _, err := DryRun(rl.config(t), false, false, available); err == nil || !strings.HasPrefix(err.Error(), "plan: ") {
			t.Errorf("with %d bytes: %v", available, err)
		}
	}
	if after := tree(t, dir); after != before {
		t.Errorf("dry runs changed the disk: before\n%safter\n%s", before, after)
	}
}

// The recipes as they are, planned from the configurations of the models alone: with LoRA for a
// GPU of 80 GB, with all weights for one of 192 GB, as the recipes say.
func TestPaperRecipesArePlanned(t *testing.T) {
	dir := t.TempDir()
	for name, config := range paperModels {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "config.json"), []byte(config), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	base, err := reference7B(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paperRuns {
		p.dir = dir
		c := p.config(t, "device=cuda")
		c.Structure.Decomposer.Adapter = base
		for gigabytes, want := range map[int64]bool{80: c.LoRA != nil, 192: true} {
			got, err := Plan(c, p.sft, gigabytes*1e9)
			if fits := err == nil && got.Fits(); fits != want {
				t.Errorf("%s with %d GB: fits %v, want %v (%v)", p.recipe, gigabytes, fits, want, err)
			}
			if err == nil {
				t.Logf("%s with %d GB: peak %s in %s, micro_batch_tokens at most %d", p.recipe, gigabytes, plan.Size(got.Peak), got.PeakPhase, got.Largest)
			}
		}
	}
}

// reference7B writes the adapter_config.json of the reward model that the recipes use.
func reference7B(dir string) (string, error) {
	adapter := filepath.Join(dir, "adapter")
	if err := os.MkdirAll(adapter, 0o777); err != nil {
		return "", err
	}
	return adapter, os.WriteFile(filepath.Join(adapter, "adapter_config.json"),
		[]byte(`{"peft_type": "LORA", "r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}`), 0o666)
}

// tree lists what is below a directory: names, and sums of contents.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			fmt.Fprintln(&b, path)
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", path, sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
