package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rlkd runs the program in this process: its exit code, stdout and stderr.
func rlkd(in string, args ...string) (code int, out, log string) {
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"rlkd"}, args...), strings.NewReader(in), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// tokenizerJSON is a small tokenizer of the qwen2 kind.
const tokenizerJSON = "../../../model/tokenizer/testdata/qwen2-style.json"

// largeConfig is the config.json of a model of 7.6 billion parameters.
const largeConfig = `{"model_type": "qwen2", "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
	"num_attention_heads": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "max_position_embeddings": 32768, "tie_word_embeddings": false}`

const goodRow = `{"problem":"p","answer":"a","generation":"g"}` + "\n"

// badFiles makes the files that the commands fail on and goes to their directory.
func badFiles(t *testing.T) {
	t.Helper()
	tok, err := filepath.Abs(tokenizerJSON)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"unknown.yaml": "learning_rat: 1\n",
		"type.yaml":    "structure:\n  max_missing: many\n",
		"range.yaml":   "structure:\n  max_missing: 3\n",
		"broken.yaml":  "structure: {\n",
		"broken.json":  `{"model": `,
		"short.gguf":   "GGUF\x03\x00\x00\x00",
		"some.yaml":    "max_steps: 1\n",
		"train.yaml":   "model: no.gguf\ndataset: good.jsonl\noutput_dir: out\n",
		"good.jsonl":   goodRow,
		"key.jsonl":    goodRow + `{"problem":"p","answer":"a"}`,
		"json.jsonl":   goodRow + goodRow + `{"problem"`,
		"empty.jsonl":  "\n",

		"other/config.yaml":   "seed: 1\n",
		"unknown/config.json": `{"model_type":"mamba"}`,
		"large/config.json":   largeConfig,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(tok, "tokenizer.json"); err != nil {
		t.Fatal(err)
	}
}

// TestBadInput checks that each bad input is one line that names it, with exit code 1 and
// nothing on stdout.
func TestBadInput(t *testing.T) {
	badFiles(t)
	const tok = "tokenize --model tokenizer.json"
	for _, c := range []struct{ args, in, want string }{
		{"scroe", "", `unknown command "scroe". Did you mean "score"?`},
		{"help scroe", "", "No help topic for 'scroe'"},
		{"--verbos", "", "unknown flag --verbos; did you mean --version?"},
		{"score --confg x", "", "score: unknown flag --confg; did you mean --config?"},
		{"score --config", "", "score: flag needs an argument: -config"},
		{"score now", "", `score: unexpected argument "now"; see rlkd score --help`},
		{"doctor --json=maybe", "", `doctor: invalid boolean value "maybe" for -json`},
		{"score --config no.yaml", "", "config: open no.yaml: no such file or directory"},
		{"score --config unknown.yaml", "", `unknown.yaml:1: unknown key "learning_rat"; did you mean "learning_rate"?`},
		{"score --config type.yaml", "", `type.yaml:2: structure.max_missing: want a number, got text "many"`},
		{"decompose --config range.yaml", "", "range.yaml:2: structure.max_missing: want a share from 0 to 1, got 3"},
		{"decompose --config broken.yaml", "", "broken.yaml:1: not valid YAML"},
		{"score --set eval.pass_k=[1,9]", "", "--set eval.pass_k=[1,9]: eval.pass_k[1]: want 1 to eval.num_generations (4), got 9"},
		{"score", "\n{\"problem\": 1}\n", "stdin:2: problem: want text, got the number 1"},
		{"score", `{"problem":"p","answer":"a","generation":"g"}`, `stdin:1: missing key "completion"`},
		{"score", `{"problem"`, "stdin:1: not valid JSON: unexpected end of JSON input at byte 10"},
		{"decompose", `{"problem":"p","Text":"t"}`, `stdin:1: missing key "text"`},
		{"decompose", "[]", "stdin:1: want a JSON object, got a list []"},
		{"tokenize", "", "tokenize: missing flag --model; see rlkd tokenize --help"},
		{"tokenize --model no.json", "", "no.json"},
		{"tokenize --model broken.json", "", "broken.json"},
		{"tokenize --model no.gguf", "", "no.gguf"},
		{"tokenize --model short.gguf", "", "short.gguf"},
		{"tokenize --model .", "{}", `stdin:1: missing key "text"`},
		{tok, `{"text":["a"]}`, `stdin:1: text: want text, got a list ["a"]`},
		{tok, "{\"text\":\"\xff\"}", "stdin:1: not valid UTF-8"},
		{tok + " --decode", `{"ids":[0,99999999]}`, "stdin:1: ids: the tokenizer has no token 99999999"},
		{tok + " --decode", `{"ids":[-1]}`, "stdin:1: ids: the tokenizer has no token -1"},
		{tok + " --decode", `{"ids":["a"]}`, `stdin:1: ids: want a list, each an integer, got a list ["a"]`},
		{"train", "", "train: missing flag --config; see rlkd train --help"},
		{"train --config some.yaml", "", `some.yaml: missing key "model"`},
		{"sft --config some.yaml --set model=m", "", `some.yaml: missing key "sft.dataset"`},
		{"train --config train.yaml --set beta=-1", "", "--set beta=-1: beta: want a number of 0 or more, got -1"},
		{"train --config train.yaml --set dataset=no.jsonl", "", "dataset: open no.jsonl: no such file or directory"},
		{"train --config train.yaml --set dataset=key.jsonl", "", `dataset: key.jsonl:2: missing key "generation"`},
		{"train --config train.yaml --set dataset=json.jsonl", "", "dataset: json.jsonl:3: not valid JSON"},
		{"train --config train.yaml --set dataset=empty.jsonl", "", "dataset: empty.jsonl has no rows"},
		{"train --config train.yaml --set eval_dataset=key.jsonl", "", "dataset: key.jsonl:2"},
		{"train --config train.yaml --set output_dir=other", "", "output_dir other: holds another run (config.yaml): go on with it by --resume"},
		{"train --config train.yaml --set output_dir=good.jsonl", "", "output_dir"},
		{"train --config train.yaml --set device=cuda:99", "", `device "cuda:99"`},
		{"train --config train.yaml", "", "no.gguf: no such file or directory"},
		{"train --config train.yaml --set model=short.gguf", "", "short.gguf"},
		{"train --config train.yaml --set model=unknown", "", `model_type: "mamba" is not supported`},
		{"sft --config train.yaml", "", "no.gguf: no such file or directory"},
		{"train --config train.yaml --dry-run", "", "no.gguf: no such file or directory"},
		{"train --config train.yaml --dry-run --set dataset=key.jsonl", "", `dataset: key.jsonl:2: missing key "generation"`},
		{"train --config train.yaml --dry-run --set output_dir=good.jsonl", "", "no.gguf"},
		{"train --config train.yaml --dry-run --memory 80", "", `train: --memory: want a size such as 80GB or 74.5GiB, got "80"`},
		{"sft --config train.yaml --dry-run", "", "no.gguf: no such file or directory"},
		{"plan", "", "plan: missing flag --config; see rlkd plan --help"},
		{"plan --config some.yaml", "", `some.yaml: missing key "model"`},
		{"plan --config train.yaml", "", "plan: open model: stat no.gguf: no such file or directory"},
		{"plan --config train.yaml --set model=short.gguf", "", "plan: open model: short.gguf"},
		{"plan --config train.yaml --set model=unknown", "", `model_type: "mamba" is not supported`},
		{"plan --config train.yaml --set model=large --memory 1GB", "", "plan: nothing fits: with one sequence in a micro-batch and gradient checkpointing"},
		{"plan --config train.yaml --set model=large --memory GB", "", "plan: --memory: want a size"},
		{"plan --config train.yaml --set model=large --set device=cuda", "", "say it by --memory"},
		{"generate --model no.gguf", "", "no.gguf: no such file or directory"},
		{"generate --model no.gguf --top-p x", "", `generate: invalid value "x" for flag -top-p`},
		{"logprobs --model short.gguf", "", "short.gguf"},
		{"step --config train.yaml --rollouts good.jsonl", "", ""},
		{"eval --model no.gguf --data key.jsonl", "", ""},
		{"step --config train.yaml --rollouts good.jsonl --set lora.rank=4", "", `unknown key "lora.rank"; did you mean "lora.r"?`},
		{"merge --model m --adapter a", "", "merge: missing flag --out; see rlkd merge --help"},
		{"merge --model m --adapter a --out out --dtype q4", "", `merge: --dtype: want one of bf16, f16, f32, got "q4"`},
		{"merge --model no.gguf --adapter a --out out", "", "no.gguf: no such file or directory"},
		{"audit", "", "audit: missing flag --rollouts; see rlkd audit --help"},
		{"audit --rollouts no.jsonl", "", "rollouts: open no.jsonl: no such file or directory"},
		{"audit --rollouts good.jsonl", "", `rollouts: good.jsonl:1: missing key "group"`},
		{"audit --rollouts empty.jsonl", "", "rollouts: empty.jsonl has no rows"},
		{"score --html out/page.html", `{"problem":"p"}`, `stdin:1: missing key "answer"`},
		{"serve-reward --listen 8000", "", `serve-reward: --listen: want HOST:PORT, got "8000"`},
		{"serve-reward --listen 0.0.0.0:0", "", "--listen 0.0.0.0:0 is open to other machines: set a token in RLKD_TOKEN, or allow it by --insecure"},
		{"serve-reward --listen :0", "", "is open to other machines"},
		{"serve-reward --listen 127.0.0.1:99999", "", "serve-reward: --listen: listen tcp: address 99999: invalid port"},
		{"serve-reward --token-env NOT_SET_ANYWHERE", "", "the environment has no NOT_SET_ANYWHERE"},
		{"serve-reward --queue 5", "", "--queue: want at least --max-rows, got 5"},
		{"serve-reward --timeout 0s", "", "--timeout: want 1ms or more, got 0s"},
		{"serve-reward --data key.jsonl", "", `dataset: key.jsonl:2: missing key "generation"`},
		{"serve-reward --config range.yaml", "", "range.yaml"},
		{"label --data good.jsonl", "", "label: missing flag --out; see rlkd label --help"},
		{"label --data good.jsonl --out out --model m --base-url here", "", `label: --base-url: want an address such as http://localhost:8000/v1, got "here"`},
		{"label --data good.jsonl --out out --model m --base-url http://h/v1 --attempts 0", "", "label: --attempts: want 1 or more, got 0"},
		{"label --data good.jsonl --out out --model m --base-url http://h/v1 --domain art", "", `label: --domain: want one of [math code science puzzle], got "art"`},
		{"label --data good.jsonl --out out --model m --base-url http://h/v1 --max-cost 1", "", "label: --max-cost without --price-in and --price-out"},
		{"label --data good.jsonl --out out --model m --base-url http://h/v1 --api-key-env NOT_SET_ANYWHERE", "", "NOT_SET_ANYWHERE"},
		{"label --data json.jsonl --out out --model m --base-url http://h/v1", "", "label: json.jsonl:3: not valid JSON"},
		{"label --data no.jsonl --out out --model m --base-url http://h/v1", "", "label: open no.jsonl: no such file or directory"},
		{"data --out out", "", "data: missing flag --input; see rlkd data --help"},
		{"data --input good.jsonl", "", "data: missing flag --out; see rlkd data --help"},
		{"data --input no.parquet --out out", "", "data: stat no.parquet: no such file or directory"},
		{"data --input *.parquet --out out", "", "data: *.parquet: no file has such a name"},
		{"data --input good.jsonl --out out", "", `data: good.jsonl:1: missing key "generations"`},
		{"data --input good.jsonl --out good.jsonl", "", "data: good.jsonl: is an input too"},
		{"data --input good.jsonl --out out --test t --test-size 1.5", "", "data: --test-size: want a share between 0 and 1"},
		{"data --input good.jsonl --out out --keep answer", "", "data: --keep answer: rows have it"},
	} {
		code, out, log := rlkd(c.in, strings.Fields(c.args)...)
		if code != 1 || out != "" || strings.Count(log, "\n") != 1 || !strings.HasPrefix(log, "rlkd: ") || !strings.Contains(log, c.want) {
			t.Errorf("rlkd %s: exit %d, stdout %q, stderr\n%swant\n%s", c.args, code, out, log, c.want)
		}
		if _, err := os.Stat("out"); err == nil {
			t.Fatalf("rlkd %s left its output directory behind", c.args)
		}
	}
}

// panicking stands for a fault of the program.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("index out of range\n[3]") }

func TestPanicIsOneLine(t *testing.T) {
	var out, log bytes.Buffer
	code := run([]string{"rlkd", "score"}, panicking{}, &out, &log)
	want := "rlkd: internal error: index out of range [3]; please report it; RLKD_DEBUG=1 shows where\n"
	if code != 1 || out.Len() > 0 || log.String() != want {
		t.Errorf("exit %d, stdout %q, stderr %q", code, &out, &log)
	}
}

func TestStdoutFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	r, closed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	r.Close()
	for name, c := range map[string]struct {
		out io.Writer
		log string
	}{
		"no space":    {full, "rlkd: stdout: write /dev/full: no space left on device\n"},
		"broken pipe": {closed, ""}, // who closed it knows
	} {
		var log bytes.Buffer
		code := run([]string{"rlkd", "decompose"}, strings.NewReader(`{"problem":"p","text":"t"}`), c.out, &log)
		if code != 1 || log.String() != c.log {
			t.Errorf("%s: exit %d, stderr %q, want %q", name, code, &log, c.log)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"help", "score"}, {"score", "--help"}, {"--version"}} {
		code, out, log := rlkd("", args...)
		if code != 0 || !strings.Contains(out, "rlkd") || log != "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, code, out, log)
		}
	}
}
