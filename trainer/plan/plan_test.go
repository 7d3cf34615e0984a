package plan

import (
	"strings"
	"testing"

	"github.com/rlkd/rlkd/model/files"
)

// job is a small run.
func job() Job {
	return Job{
		Half: true, Kernels: true,
		Student: files.Config{
			Family: files.Llama, VocabSize: 1000, HiddenSize: 64, IntermediateSize: 256, NumLayers: 4, NumHeads: 4, NumKVHeads: 2, HeadDim: 16,
			TieWordEmbeddings: true,
		},
		Update:  &Training{Prompt: 100, Completion: 300, Group: 4, Sequences: 16, MicroTokens: 2048},
		Rollout: &Sampling{Prompt: 100, Completion: 300, Prompts: 4, PerPrompt: 4, Rows: 16},
	}
}

// The micro-batch is filled as the packer fills it: a prompt once for its group.
func TestShapeIsThePackers(t *testing.T) {
	for _, c := range []struct {
		budget, rows, tokens int
	}{{1, 1, 400}, {400, 1, 400}, {699, 1, 400}, {700, 2, 700}, {1300, 4, 1300}, {1699, 4, 1300}, {1700, 5, 1700}, {1 << 20, 16, 5200}} {
		s := Training{Prompt: 100, Completion: 300, Group: 4, Sequences: 16, MicroTokens: c.budget}.shape()
		if s.N != int64(c.rows) || s.P != roundUp(c.tokens) || s.T != 400 || s.M != int64(300*c.rows) {
			t.Errorf("%d tokens: %+v, want %d rows, %d tokens", c.budget, s, c.rows, c.tokens)
		}
	}
}

// The largest micro-batch fits and the next does not; without room for one sequence there is a
// refusal that says where the memory goes.
func TestLargest(t *testing.T) {
	j := job()
	small, large := j.within(1).peak(), j.within(1<<20).peak()
	if small >= large {
		t.Fatalf("one sequence takes %d bytes, all %d", small, large)
	}
	available := (small + large) / 2
	p, err := New(j, available)
	if err != nil {
		t.Fatal(err)
	}
	if p.Largest < 400 || j.within(p.Largest).peak() > available || j.within(p.Largest+tokenStep).peak() <= available {
		t.Errorf("the largest is %d of %d bytes", p.Largest, available)
	}
	if p.Other < p.Largest {
		t.Errorf("with checkpointing the largest is %d, without %d", p.Other, p.Largest)
	}
	if p, err = New(j, large); err != nil || p.Largest != roundUpInt(16*400) {
		t.Errorf("with room for all the largest is %d, %v", p.Largest, err)
	}
	j.Checkpoint = true
	smallest := j.within(1).peak()
	if _, err = New(j, smallest); err != nil {
		t.Errorf("%d bytes are enough: %v", smallest, err)
	}
	if _, err = New(j, smallest-1); err == nil || !strings.Contains(err.Error(), "nothing fits") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d bytes are not enough: %v", smallest-1, err)
	}
}

func roundUpInt(n int) int { return int(roundUp(n)) }

// What each thing saves is saved, and costs what it costs.
func TestSettingsChangeTheirParts(t *testing.T) {
	part := func(j Job, phase, name string) int64 {
		for _, p := range j.phases() {
			for _, x := range p.Parts {
				if p.Name == phase && x.Name == name {
					return x.Bytes
				}
			}
		}
		return 0
	}
	plain := job()
	n := numel(plain.Student.Tensors())
	lora, reference, checkpointed, full := job(), job(), job(), job()
	lora.LoRA = &files.LoRA{Rank: 8, Alpha: 16, Targets: []string{files.AllLinear}}
	reference.Reference, checkpointed.Checkpoint, full.Half, full.Kernels = ReferenceModel, true, false, false
	// A and B of q, k, v, o, gate, up and down.
	terms := int64(4 * 8 * ((64 + 64) + (64 + 32) + (64 + 32) + (64 + 64) + 3*(64+256)))
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"gradients", part(plain, "update", "gradients"), 4 * n},
		{"gradients of LoRA", part(lora, "update", "gradients"), 4 * terms},
		{"moments of LoRA", part(lora, "update", "optimizer moments"), 8 * terms},
		{"weights with LoRA", part(lora, "update", "weights"), 2*n + 2*terms},
		{"reference", part(reference, "update", "reference"), 2 * n},
		{"no reference", part(plain, "update", "reference"), 0},
		{"masters in fp32", part(full, "update", "masters"), 4 * n},
		{"weights in fp32", part(full, "update", "weights"), 0},
		{"packed weights in fp32", part(full, "rollout", "packed weights"), 0},
		{"packed weights", part(plain, "rollout", "packed weights"), 2 * (4*(64*(2*64+2*32)+3*64*256) + 1000*64)},
		{"KV cache", part(plain, "rollout", "KV cache"), 2 * 4 * 16 * 400 * 32 * 2},
		{"KV cache in fp32", part(full, "rollout", "KV cache"), 2 * 4 * 16 * 400 * 32 * 4},
		{"inputs of layers", part(checkpointed, "update", "activations"), (4 + 2) * 2048 * 64 * 2},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.what, c.got, c.want)
		}
	}
	if a, b := part(checkpointed, "update", "activations"), part(plain, "update", "activations"); a*4 > b {
		t.Errorf("checkpointing keeps %d bytes, without it %d", a, b)
	}
}
