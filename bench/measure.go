package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/trainer"
	"golang.org/x/sys/unix"
)

// Job is what a measuring process is asked to do, and how often.
type Job struct {
	Shape   Shape    `json:"shape"`
	Sets    []string `json:"sets"`    // configuration as rlkd's --set has it: model, dtype, device, …
	Seed    uint64   `json:"seed"`    // of prompts and of what is sampled
	Steps   int      `json:"steps"`   // measured ones; the first counts like the others
	Train   bool     `json:"train"`   // with an update after each rollout, else generation alone
	Profile bool     `json:"profile"` // one more step, which is not counted, for the parts of an update
}

// Step is the time of one step's parts, in seconds. First is until each prompt's first tokens
// are there: packing of weights and prefill.
type Step struct {
	First   float64 `json:"first_s"`
	Rollout float64 `json:"rollout_s"` // First included
	Train   float64 `json:"train_s"`
	All     float64 `json:"step_s"`
}

// Parts are where an update's time goes, in seconds, by the operations it is made of. Products
// are the matrix products of all parts, by libtorch or by our own kernels.
type Parts struct {
	Forward   float64 `json:"forward_s"` // and the loss head with its gradients
	Backward  float64 `json:"backward_s"`
	Optimizer float64 `json:"optimizer_s"`
	Products  float64 `json:"products_s"`
	Go        float64 `json:"go_s"` // outside of all operations
}

// Measured is what a process found out.
type Measured struct {
	Job       Job     `json:"job"`
	Startup   float64 `json:"startup_s"` // from the start of the process until the first step can begin
	Steps     []Step  `json:"steps"`
	Parts     *Parts  `json:"parts,omitempty"`
	PeakBytes float64 `json:"peak_bytes"`             // resident, of the steps that are counted, loading included
	Device    float64 `json:"device_bytes,omitempty"` // most that tensors took of a device with memory of its own

	Config  files.Config `json:"config"` // of the model
	DType   string       `json:"dtype"`
	Threads int          `json:"threads"`
}

// measure does the job in this process.
func measure(j Job) (m Measured, err error) {
	m.Job = j
	c, err := trainer.LoadConfig("", j.Sets, trainer.NeedStep)
	if err != nil {
		return m, err
	}
	err = torch.Run(func() error {
		b := bench{job: j}
		if err := b.open(c); err != nil {
			return err
		}
		_, ids, err := prompts(b.student.Tokenizer, j.Shape.Prompts(), j.Shape.Prompt, j.Seed)
		if err != nil {
			return err
		}
		b.prompts = ids
		m.Config, m.DType, m.Threads = b.student.Config, b.student.DType.String(), torch.Threads()
		if m.Startup, err = age(); err != nil {
			return err
		}
		for range j.Steps {
			s, err := b.step()
			if err != nil {
				return err
			}
			m.Steps = append(m.Steps, s)
		}
		m.PeakBytes = trainer.PeakMemory()
		if memory, ok := torch.MemoryOf(b.student.Device); ok {
			m.Device = float64(memory.Peak)
		}
		if j.Profile {
			m.Parts, err = b.parts()
		}
		return err
	})
	return m, err
}

// bench is a student at work.
type bench struct {
	job     Job
	student *trainer.Student
	grpo    *trainer.GRPO // nil without training
	rate    float64
	prompts [][]int
	steps   int
}

func (b *bench) open(c *trainer.Config) (err error) {
	if b.rate = c.LearningRate; b.job.Train {
		b.student, b.grpo, err = trainer.OpenGRPO(c)
	} else {
		b.student, err = trainer.Open(c.Model, c.Device, c.DType, false)
	}
	return err
}

// step is a rollout and an update by it.
func (b *bench) step() (s Step, err error) {
	began := time.Now()
	completions, first, err := b.rollout()
	if err != nil {
		return s, err
	}
	s.First, s.Rollout = first.Seconds(), time.Since(began).Seconds()
	if b.job.Train {
		trained := time.Now()
		if _, err = b.grpo.Step(b.samples(completions), b.rate); err != nil {
			return s, err
		}
		s.Train = time.Since(trained).Seconds()
	}
	s.All = time.Since(began).Seconds()
	b.steps++
	return s, nil
}

// rollout generates as a step of the trainer does, but that nothing ends a completion early.
// first is when the first tokens of all rows were there.
func (b *bench) rollout() (out [][]model.Completion, first time.Duration, err error) {
	requests := make([]model.Request, len(b.prompts))
	for i, p := range b.prompts {
		requests[i] = model.Request{Prompt: p, N: b.job.Shape.Group}
	}
	began, tokens := time.Now(), 0
	g := model.Generator{
		Model: b.student.Model, Sampling: model.Sampling{Temperature: 1, TopP: 1}, MaxTokens: b.job.Shape.Completion, Rows: b.job.Shape.Rows,
		Uniform: func(request, sample, position int) float32 {
			return rng.Uniform(b.job.Seed, uint64(b.steps), uint64(request), uint64(sample), uint64(position))
		},
		Progress: func(n, _ int) error {
			if tokens += n; first == 0 && tokens >= b.job.Shape.Rows {
				first = time.Since(began)
			}
			return nil
		},
	}
	out, err = g.Generate(requests)
	b.student.PhaseEnds()
	if err == nil && tokens != b.job.Shape.Tokens() {
		err = fmt.Errorf("%d tokens were generated, not %d", tokens, b.job.Shape.Tokens())
	}
	return out, first, err
}

// samples are completions with rewards that cost nothing: what a completion's place in its
// group says. No advantage is 0, so that each is trained on.
func (b *bench) samples(groups [][]model.Completion) (out []trainer.Sample) {
	for i, completions := range groups {
		for k, c := range completions {
			a := 1 - 2*float64(k%2)
			out = append(out, trainer.Sample{Group: i, Prompt: b.prompts[i], Completion: c.IDs, Advantage: a})
		}
	}
	return out
}

// age is the time since this process was started, in seconds to a hundredth: what the loader does
// before main is part of it.
func age() (float64, error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third on
	began, err := strconv.ParseFloat(fields[22-3], 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/self/stat: %w", err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, err
	}
	const ticks = 100 // a second, on every Linux that Go knows
	return float64(now.Nano())/1e9 - began/ticks, nil
}
