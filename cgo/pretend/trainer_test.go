package pretend_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/cgo/pretend"
	"github.com/rlkd/rlkd/trainer"
)

// student is a Hugging Face directory with the model in dir and a tokenizer.
func student(t *testing.T, dir string) string {
	t.Helper()
	out := t.TempDir()
	for _, source := range []string{dir, "../../trainer/testdata/tiny-tokenizer"} {
		if err := os.CopyFS(out, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// config is a run of a few short steps, with a warm-up, a reference and several updates a step.
func config(t *testing.T, model, device string, lora bool, sets ...string) *trainer.Config {
	t.Helper()
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	var text strings.Builder
	for i := range 4 {
		fmt.Fprintf(&text, `{"problem": "%d + %d", "answer": "%d", "generation": "<think>\nI find the sum of both numbers first: %d + %d = %d.\n</think>\n<answer>\n%d\n</answer>"}`+"\n",
			i, i, 2*i, i, i, 2*i, 2*i)
	}
	if err := os.WriteFile(rows, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	base := []string{
		"model=" + model, "dataset=" + rows, "output_dir=" + filepath.Join(t.TempDir(), "run"), "device=" + device, "dtype=f32",
		"system_prompt=''", "max_prompt_length=40", "max_completion_length=12", "num_generations=4", "prompts_per_step=2",
		"max_steps=3", "learning_rate=0.001", "micro_batch_tokens=64", "save_steps=1", "save_total_limit=0",
		"reward_weights.tag_count=10", "reward_weights.format=0", "num_iterations=2", "beta=0.1", "temperature=1.8", "gradient_checkpointing=true",
		"sft.max_steps=4", "sft.batch_size=2", "sft.max_length=128", "sft.learning_rate=0.001",
	}
	if lora {
		base = append(base, "lora={r: 4, lora_dropout: 0.1}")
	}
	c, err := trainer.LoadConfig("", append(base, sets...), trainer.NeedTrain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// train is a whole run; with stops it is ended after the second step and gone on with.
func train(t *testing.T, c *trainer.Config, stops bool) {
	t.Helper()
	var watch trainer.Watch
	if stops {
		stop := make(chan struct{})
		stage := ""
		watch = trainer.Watch{
			Stop:  stop,
			Stage: func(s trainer.Stage) { stage = s.Name },
			Step: func(done int, _ trainer.Record) {
				if stage == "rlkd" && done == 2 {
					close(stop)
				}
			},
		}
	}
	_, err := trainer.Train(context.Background(), c, false, watch)
	if stops && errors.Is(err, trainer.ErrStopped) {
		_, err = trainer.Train(context.Background(), c, true, trainer.Watch{})
	} else if stops {
		t.Fatalf("the run was not stopped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// weights are the numbers in a directory that training wrote: those of a safetensors file, after
// its header.
func weights(t *testing.T, dir string, lora bool) (all []float32) {
	t.Helper()
	name := "model.safetensors"
	if lora {
		name = "adapter_model.safetensors"
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	data = data[8+binary.LittleEndian.Uint64(data):]
	all = make([]float32, len(data)/4)
	if _, err := binary.Decode(data, binary.LittleEndian, all); err != nil {
		t.Fatal(err)
	}
	return all
}

// learned are the metrics of a run that tell what was sampled and learned, step by step.
func learned(t *testing.T, dir string) (all []float32) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"loss", "grad_norm", "kl", "entropy", "reward", "completions/mean_length", "num_tokens"} {
			x, ok := m[key].(float64)
			if !ok {
				t.Fatalf("%s: no %s in %s", dir, key, line)
			}
			all = append(all, float32(x))
		}
	}
	return all
}

// A run on the device (warm-up, rollouts, updates, checkpoints) says and learns what one on the
// CPU does; stopped and resumed it ends with the bits of one that was not.
func TestTrainingIsThatOfTheCPU(t *testing.T) {
	eachWay(t, func(t *testing.T, dir string, lora bool) {
		model := student(t, dir)
		cpu, device, parts := config(t, model, "cpu", lora), config(t, model, pretend.Device, lora), config(t, model, pretend.Device, lora)
		train(t, cpu, false)
		counts := pretend.Count(func() { train(t, device, false) })
		if counts.Ops == 0 {
			t.Error("nothing ran on the device")
		}
		parts.Dataset = device.Dataset
		train(t, parts, true)
		same(t, "metrics", learned(t, device.OutputDir), learned(t, cpu.OutputDir), 1e-4)
		want, got := weights(t, filepath.Join(cpu.OutputDir, "final"), lora), weights(t, filepath.Join(device.OutputDir, "final"), lora)
		same(t, "weights", got, want, 1e-3)
		same(t, "resumed metrics", learned(t, parts.OutputDir), learned(t, device.OutputDir), 0)
		same(t, "resumed weights", weights(t, filepath.Join(parts.OutputDir, "final"), lora), got, 0)
	})
}

// savedTokens and savedBatches are how many completion tokens rollouts have, and how many
// micro-batches they make in config.
const savedTokens, savedBatches = 117, 3

// rollouts are three groups of saved completions.
func rollouts(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for i := range 9 {
		ids := make([]int, 5+2*i)
		for j := range ids {
			ids[j] = 3 + (7*i+13*j)%100
		}
		row, err := json.Marshal(map[string]any{"group": i / 3, "prompt_ids": []int{5 + i/3, 9, 30}, "completion_ids": ids, "reward": i % 3, "finished": true})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(row, '\n'))
	}
	path := filepath.Join(t.TempDir(), "rollouts.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// replay takes a step on saved rollouts and returns what the updates said, the weights they made
// and what came to the host before these were saved.
func replay(t *testing.T, c *trainer.Config, path string, lora bool) (said, learned []float32, counts pretend.Counts) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	onEngine(t, func() {
		var stats []trainer.Stats
		var err error
		counts = pretend.Count(func() { stats, err = trainer.Replay(c, path, "") })
		if err == nil {
			_, err = trainer.Replay(c, path, out)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stats {
			said = append(said, float32(s.Loss), float32(s.KL), float32(s.ClipRatio), float32(s.Entropy), float32(s.GradNorm), float32(s.Tokens))
		}
	})
	return said, weights(t, out, lora), counts
}

// `rlkd step` says and saves what it does on the CPU. An update stops the device twice: for what
// the loss says, four scalars, and for the gradient's norm. What a KL term and later updates need
// to know of each token comes to the host once for each micro-batch.
func TestStepIsThatOfTheCPU(t *testing.T) {
	path := rollouts(t)
	eachWay(t, func(t *testing.T, dir string, lora bool) {
		model := student(t, dir)
		for _, beta := range []float64{0, 0.1} {
			for _, iterations := range []int{1, 3} {
				sets := []string{fmt.Sprintf("beta=%g", beta), fmt.Sprintf("num_iterations=%d", iterations)}
				wantSaid, want, _ := replay(t, config(t, model, "cpu", lora, sets...), path, lora)
				said, got, counts := replay(t, config(t, model, pretend.Device, lora, sets...), path, lora)
				same(t, fmt.Sprint(sets, " updates"), said, wantSaid, 1e-4)
				same(t, fmt.Sprint(sets, " weights"), got, want, 1e-3)
				kept := 0 // vectors of log-probabilities
				if beta > 0 {
					kept++
				}
				if iterations > 1 {
					kept++
				}
				opened := 1 // models, each with a number that says that the device works
				if beta > 0 && !lora {
					opened++
				}
				if stops, bytes := opened+2*iterations+kept*savedBatches, 4*opened+20*iterations+kept*4*savedTokens; counts.Downloads != stops || counts.Downloaded != bytes {
					t.Errorf("%v: %d downloads of %d bytes, want %d of %d", sets, counts.Downloads, counts.Downloaded, stops, bytes)
				}
			}
		}
	})
}
