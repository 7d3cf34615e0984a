package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// countOps is how many operations of a step can fail.
func countOps(t *testing.T, g *GRPO) (n int) {
	t.Helper()
	for after := 1 << 10; ; after *= 2 {
		torch.FailAfter(after)
		_, err := g.Step(tinySamples(), 0)
		left := torch.FailAfter(-1)
		if err == nil {
			return after - left
		}
	}
}

// A step that runs out of memory, wherever in a micro-batch, is taken with smaller ones, and
// comes to the same numbers and leaves nothing behind.
func TestOutOfMemoryHalvesTheMicroBatch(t *testing.T) {
	c := tinyConfig(t, "micro_batch_tokens=64", "num_iterations=2", "beta=0.1", "epsilon=0.01")
	step := func(after int) (stats []Stats, weights []float32, budget int, err error) {
		onTiny(t, c, func(s *Student, g *GRPO) error {
			if oe := g.openReference(c, s, c.Model); oe != nil {
				return oe
			}
			live := torch.Live()
			defer torch.FailAfter(-1)
			torch.OutOfMemoryAfter(after)
			stats, err = g.Step(tinySamples(), 1e-3)
			torch.FailAfter(-1)
			if now := torch.Live(); now != live {
				t.Fatalf("out of memory after %d operations: %d tensors, %d before", after, now, live)
			}
			budget = g.MicroTokens
			for _, p := range s.Params() {
				weights = append(weights, p.Value().Float32s()...)
			}
			return nil
		})
		return stats, weights, budget, err
	}
	want, weights, budget, err := step(-1)
	if err != nil || budget != 64 {
		t.Fatal(budget, err)
	}
	var ops int
	onTiny(t, c, func(s *Student, g *GRPO) error {
		if err := g.openReference(c, s, c.Model); err != nil {
			return err
		}
		ops = countOps(t, g)
		return nil
	})
	halved := 0
	for after := 0; after < ops; after += 1 + ops/60 {
		got, w, budget, err := step(after)
		var failed *torch.Error
		if errors.As(err, &failed) { // in the optimizer's part, where smaller micro-batches are of no use
			if !failed.OutOfMemory() || budget != 64 {
				t.Errorf("out of memory after %d of %d operations: %v, micro-batches of %d tokens", after, ops, err, budget)
			}
			continue
		}
		if err != nil || budget != 32 && budget != 16 {
			t.Fatalf("out of memory after %d of %d operations: micro-batches of %d tokens, %v", after, ops, budget, err)
		}
		halved++
		for i := range want {
			near(t, fmt.Sprintf("after %d: loss", after), got[i].Loss, want[i].Loss, 1e-5)
			near(t, fmt.Sprintf("after %d: kl", after), got[i].KL, want[i].KL, 1e-4)
			near(t, fmt.Sprintf("after %d: grad_norm", after), got[i].GradNorm, want[i].GradNorm, 1e-3*want[i].GradNorm)
		}
		for i := range weights {
			if math.Abs(float64(w[i]-weights[i])) > 4.2e-3 { // as in TestMicroBatchesChangeNothing, twice
				t.Fatalf("after %d: weight %d is %g, want %g", after, i, w[i], weights[i])
			}
		}
	}
	if halved < 20 {
		t.Errorf("only %d of the failures were met by smaller micro-batches", halved)
	}
}

// What does not fit although it is a single completion ends the step, and says what to do.
func TestOneCompletionThatDoesNotFit(t *testing.T) {
	c := tinyConfig(t, "micro_batch_tokens=1")
	onTiny(t, c, func(s *Student, g *GRPO) error {
		defer torch.FailAfter(-1)
		torch.OutOfMemoryAfter(20)
		_, err := g.Step(tinySamples(), 1e-3)
		var full *MemoryError
		if !errors.As(err, &full) || full.Completions != 1 || g.MicroTokens != 1 || !strings.Contains(err.Error(), "gradient_checkpointing") {
			t.Errorf("micro-batches of %d tokens, %v", g.MicroTokens, err)
		}
		return nil
	})
}

// A run says once that its micro-batches are smaller now, keeps to it, and so does the run that
// goes on with it; another micro_batch_tokens is another matter.
func TestHalvedMicroBatchIsRemembered(t *testing.T) {
	c := tinyConfig(t, "micro_batch_tokens=512", "sft.max_steps=2", "sft.batch_size=4", "sft.max_length=128")
	c.MaxSteps = 4
	var notes []string
	w := stopAfter("rlkd", 2, &notes)
	begin := w.Stage
	w.Stage = func(s Stage) {
		if begin(s); s.Name == "sft" {
			torch.OutOfMemoryAfter(10)
		}
	}
	defer torch.FailAfter(-1)
	if _, err := Train(context.Background(), c, false, w); !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	said := slices.DeleteFunc(notes, func(n string) bool { return !strings.Contains(n, "out of memory") })
	if len(said) != 1 || !strings.Contains(said[0], "instead of micro_batch_tokens (512)") {
		t.Errorf("notes %q", said)
	}
	state, err := verifyCheckpoint(filepath.Join(c.OutputDir, "checkpoint-2"))
	if err != nil || state.MicroBatch == nil || state.MicroBatch.Asked != 512 || state.MicroBatch.Fits != 256 {
		t.Fatalf("%+v, %v", state.MicroBatch, err)
	}
	fits := state.MicroBatch.Fits
	for _, x := range []struct{ asked, want int }{{512, fits}, {48, 48}} {
		l := &Learner{MicroTokens: x.asked}
		if state.remember(l, Watch{}); l.MicroTokens != x.want {
			t.Errorf("micro_batch_tokens %d: %d, want %d", x.asked, l.MicroTokens, x.want)
		}
	}
	if _, err := Train(context.Background(), c, true, Watch{}); err != nil {
		t.Fatal(err)
	}
	if state, err = verifyCheckpoint(filepath.Join(c.OutputDir, "checkpoint-4")); err != nil || state.MicroBatch == nil || state.MicroBatch.Fits != fits {
		t.Errorf("after resuming: %+v, %v", state.MicroBatch, err)
	}
}
