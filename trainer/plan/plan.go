// Package plan works out how much memory a run needs before it is begun. It knows the sizes of
// the models and what the code holds in each phase of a run, and reads no weights.
//
// Every number is the sum of named parts, each with its formula in the comment of the function
// that returns it. In them P is the packed tokens of a pass, N rows of T places the padded layout
// that attention sees, M the tokens that are predicted, H the hidden size, I the intermediate
// size, Q and K the widths of all query and of all key heads, V the vocabulary, L the layers, and
// b the bytes of a number in a pass: 2 in bf16, 4 in fp32.
//
// Sequences are taken to be as long as the configuration allows, so a plan is of the worst step;
// but micro-batches of very unequal sequences have more padding in attention than the plan has.
package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rlkd/rlkd/model/files"
)

// Job is all that the memory of a run depends on.
type Job struct {
	CUDA    bool // on an NVIDIA GPU, whose memory is then meant; otherwise the machine's
	Half    bool // passes compute in bf16; otherwise in fp32
	Kernels bool // our own kernels compute what they can (torch.HasTreeAttention), and decode by packed weights

	Student    files.Config
	LoRA       *files.LoRA // of the adapter that is trained in place of the weights; nil for none
	Reference  Reference
	Rewards    []Reward // the models in this process that the reward asks
	Checkpoint bool     // gradient checkpointing

	WarmUp   *Training // supervised; nil for none
	Update   *Training // of a policy gradient; nil for none
	Rollout  *Sampling // nil for none
	Evaluate *Sampling // nil for none
}

// Reference is what the KL term needs in memory.
type Reference string

// The kinds of reference: none, or the student's own weights without their adapter; a second
// model; a second adapter on the student's weights.
const (
	NoReference      Reference = ""
	ReferenceModel   Reference = "model"
	ReferenceAdapter Reference = "adapter"
)

// Reward is a model in this process that the reward asks.
type Reward struct {
	Name    string // decomposer or judge
	Model   files.Config
	Shared  bool        // its weights are in memory anyway
	Adapter *files.LoRA // kept beside the weights; nil for none, and for one that is merged
	Writes  *Sampling   // what it writes for a step; nil for one that only chooses
}

// Training is one optimizer step. Lengths are the greatest, in tokens.
type Training struct {
	Prompt, Completion int
	Group              int // completions that share a prompt
	Sequences          int // completions in a step
	MicroTokens        int // micro_batch_tokens
}

// Sampling is one call of the generator. Lengths are the greatest, in tokens.
type Sampling struct {
	Prompt, Completion int
	Prompts, PerPrompt int
	Rows               int  // the most completions worked on at once
	Filtered           bool // by top-k, top-p or min-p
	Shared, SharedBy   int  // so many tokens that prompts begin with are the same in so many prompts
}

// Part is one use of memory.
type Part struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Phase is a part of a run with what is in memory at its worst moment.
type Phase struct {
	Name  string `json:"name"`
	Parts []Part `json:"parts"`
	Bytes int64  `json:"bytes"` // of all parts
}

// Plan is the memory of a run.
type Plan struct {
	Parameters int64   `json:"parameters"` // of the student
	Trained    int64   `json:"trained"`    // of them, or of its adapter, those that training changes
	Phases     []Phase `json:"phases"`
	Peak       int64   `json:"peak_bytes"`
	PeakPhase  string  `json:"peak_phase"`
	Available  int64   `json:"available_bytes"`

	MicroTokens int `json:"micro_batch_tokens"` // as configured
	// Largest is the greatest micro_batch_tokens that fits, a multiple of 64, at most what a step
	// has; 0 if even a single sequence does not. Other is the same with gradient checkpointing the
	// other way, and OtherPeak the peak of the run as configured but for that.
	Largest   int   `json:"largest_micro_batch_tokens"`
	Other     int   `json:"largest_micro_batch_tokens_other_checkpointing"`
	OtherPeak int64 `json:"peak_bytes_other_checkpointing"`
	// Checkpoint is gradient_checkpointing as configured.
	Checkpoint bool `json:"gradient_checkpointing"`
}

// Fits tells whether the run as configured has enough memory.
func (p *Plan) Fits() bool { return p.Peak <= p.Available }

// New plans a job with so many bytes of memory. It is an error, of one line, if nothing fits.
func New(j Job, available int64) (*Plan, error) {
	p := &Plan{Parameters: numel(j.Student.Tensors()), Trained: numel(j.trained()), Available: available, Checkpoint: j.Checkpoint}
	for _, t := range []*Training{j.WarmUp, j.Update} {
		if t != nil {
			p.MicroTokens = t.MicroTokens
		}
	}
	p.Phases = j.phases()
	worst := worst(p.Phases)
	p.Peak, p.PeakPhase = worst.Bytes, worst.Name
	p.Largest = j.largest(available)
	other := j
	other.Checkpoint = !j.Checkpoint
	p.Other, p.OtherPeak = other.largest(available), other.peak()
	if p.Largest == 0 && p.Other == 0 {
		return nil, j.refusal(available)
	}
	return p, nil
}

func worst(phases []Phase) Phase {
	return slices.MaxFunc(phases, func(a, b Phase) int { return cmp.Compare(a.Bytes, b.Bytes) })
}

func (j Job) peak() int64 { return worst(j.phases()).Bytes }

// within is the job with another micro_batch_tokens.
func (j Job) within(tokens int) Job {
	for _, t := range []**Training{&j.WarmUp, &j.Update} {
		if *t != nil {
			with := **t
			with.MicroTokens = tokens
			*t = &with
		}
	}
	return j
}

// tokenStep is what the number of packed tokens is rounded up to (model.NewBatch).
const tokenStep = 64

// largest is the greatest micro_batch_tokens with which the job fits, 0 if there is none.
func (j Job) largest(available int64) int {
	most := tokenStep
	for _, t := range []*Training{j.WarmUp, j.Update} {
		if t != nil {
			most = max(most, t.Sequences*(t.Prompt+t.Completion))
		}
	}
	lo, hi := 0, (most+tokenStep-1)/tokenStep
	for lo < hi {
		middle := (lo + hi + 1) / 2
		if j.within(middle*tokenStep).peak() <= available {
			lo = middle
		} else {
			hi = middle - 1
		}
	}
	return lo * tokenStep
}

// refusal says in one line that the job does not fit, and where its memory goes.
func (j Job) refusal(available int64) error {
	j.Checkpoint = true
	w := worst(j.within(1).phases())
	slices.SortStableFunc(w.Parts, func(a, b Part) int { return cmp.Compare(b.Bytes, a.Bytes) })
	text := ""
	for _, p := range w.Parts[:min(3, len(w.Parts))] {
		text += fmt.Sprintf(", %s %s", p.Name, Size(p.Bytes))
	}
	advice := "set lora, take a smaller model, or shorten the lengths"
	if j.LoRA != nil {
		advice = "take a smaller model, or shorten the lengths"
	}
	return fmt.Errorf("nothing fits: with one sequence in a micro-batch and gradient checkpointing %s takes %s of the %s there are (%s); %s",
		w.Name, Size(w.Bytes), Size(available), text[2:], advice)
}

// Size is a number of bytes for people.
func Size(bytes int64) string {
	const mib, gib = 1 << 20, 1 << 30
	if bytes < gib {
		return fmt.Sprintf("%.0f MiB", float64(bytes)/mib)
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/gib)
}
