package trainer

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer/plan"
)

// Plan works out how much memory a run needs: that of train, or of sft if it is so. available is
// how many bytes there are; 0 stands for what the machine has now. It reads the configurations of
// the models, not their weights. It is an error, of one line, if nothing fits.
func Plan(c *Config, sft bool, available int64) (*plan.Plan, error) {
	j, err := c.job(sft)
	if err != nil {
		return nil, err
	}
	if available == 0 {
		if available, err = availableMemory(c.Device, j.CUDA); err != nil {
			return nil, err
		}
	}
	return plan.New(j, available)
}

// job is what the memory of a run by the configuration depends on.
func (c *Config) job(sft bool) (j plan.Job, err error) {
	if j.Student, err = files.ReadConfig(c.Model); err != nil {
		return j, err
	}
	if j.LoRA, err = c.plannedAdapter(); err != nil {
		return j, err
	}
	if err := c.planDevice(&j); err != nil {
		return j, err
	}
	j.Checkpoint = c.GradientCheckpointing
	if s := c.SFT; s != nil {
		j.WarmUp = &plan.Training{Completion: s.MaxLength, Group: 1, Sequences: s.BatchSize, MicroTokens: c.MicroBatchTokens}
	}
	if sft {
		return j, nil
	}
	rows := c.PromptsPerStep * c.NumGenerations
	j.Update = &plan.Training{
		Prompt: c.MaxPromptLength, Completion: c.MaxCompletionLength,
		Group: c.NumGenerations, Sequences: rows, MicroTokens: c.MicroBatchTokens,
	}
	j.Rollout = &plan.Sampling{
		Prompt: c.MaxPromptLength, Completion: c.MaxCompletionLength, Prompts: c.PromptsPerStep, PerPrompt: c.NumGenerations,
		Rows: rows, Filtered: c.TopK > 0 || c.TopP < 1 || c.MinP > 0,
	}
	if c.EvalDataset != "" {
		e := c.Eval
		j.Evaluate = &plan.Sampling{
			Prompt: c.MaxPromptLength, Completion: c.evalLength(),
			Prompts: max(1, e.BatchSize/e.NumGenerations), PerPrompt: e.NumGenerations,
			Rows: max(e.BatchSize, e.NumGenerations), Filtered: e.TopK > 0 || e.TopP < 1,
		}
	}
	if c.Beta != 0 {
		j.Reference = c.plannedReference()
	}
	j.Rewards, err = c.plannedRewards(j.Student)
	return j, err
}

// plannedAdapter is the adapter that is trained, nil for none.
func (c *Config) plannedAdapter() (*files.LoRA, error) {
	if c.Adapter != "" {
		l, err := files.ReadAdapterConfig(c.Adapter)
		return &l, err
	}
	if c.LoRA == nil {
		return nil, nil
	}
	l := c.LoRA.settings(c.Model)
	return &l, nil
}

// plannedReference is what [GRPO.openReference] will load.
func (c *Config) plannedReference() plan.Reference {
	switch {
	case !c.adapted():
		return plan.ReferenceModel
	case c.Adapter != "" || c.SFT != nil:
		return plan.ReferenceAdapter
	}
	return plan.NoReference
}

// planDevice says what the run computes on and in. A GPU that is named need not be there.
func (c *Config) planDevice(j *plan.Job) error {
	if strings.HasPrefix(c.Device, "cuda") {
		j.CUDA, j.Half = true, c.DType != "f32"
		return nil
	}
	return torch.Run(func() error {
		dev, dt, err := Device(c.Device, c.DType)
		j.CUDA, j.Half = dev != torch.CPU, dt == torch.BFloat16
		j.Kernels = torch.HasTreeAttention(dt, dev, j.Student.HeadDim)
		return err
	})
}

// plannedRewards are the models that [NewScorer] will load: see localModels.
func (c *Config) plannedRewards(student files.Config) (out []plan.Reward, err error) {
	models := localModels{config: c, loaded: map[string]*Student{}}
	if c.adapted() {
		models.loaded[c.Model] = nil
	}
	for _, x := range []struct {
		name string
		reward.BackendOptions
		writes bool
	}{{"decomposer", c.Structure.Decomposer.BackendOptions, true}, {"judge", c.Structure.Judge.BackendOptions, false}} {
		path := models.path(x.BackendOptions)
		if path == "" {
			continue
		}
		_, shared := models.loaded[path]
		models.loaded[path] = nil
		r := plan.Reward{Name: x.name, Model: student, Shared: shared}
		if path != c.Model {
			if r.Model, err = files.ReadConfig(path); err != nil {
				return nil, fmt.Errorf("structure.%s: %w", x.name, err)
			}
		}
		if x.Adapter != "" && (shared || models.users(path) > 1) {
			l, err := files.ReadAdapterConfig(x.Adapter)
			if err != nil {
				return nil, fmt.Errorf("structure.%s: %w", x.name, err)
			}
			r.Adapter = &l
		}
		if x.writes {
			r.Writes = c.decompositions(x.Filled().MaxTokens)
		}
		out = append(out, r)
	}
	return out, nil
}

// decompositions are what a decomposer writes for a step: the steps of each completion, and of the
// teacher's text for each prompt, which is taken to be as long. Its prompt is the instruction, at
// three characters a token and some for the chat template, with what the student read and wrote.
func (c *Config) decompositions(maxTokens int) *plan.Sampling {
	ask := reward.DecomposePrompt
	if c.Structure.Decomposer.Prompt == reward.PromptFewShot {
		ask = reward.FewShotPrompt
	}
	empty := ask(reward.Trace{})
	instruction := (len(empty.System)+len(empty.User))/3 + 32
	n := c.PromptsPerStep * (c.NumGenerations + 1)
	return &plan.Sampling{
		Prompt: instruction + c.MaxPromptLength + c.MaxCompletionLength, Completion: maxTokens,
		Prompts: n, PerPrompt: 1, Rows: localRows, Shared: instruction + c.MaxPromptLength, SharedBy: c.NumGenerations + 1,
	}
}

// availableMemory is how much memory a GPU, or the machine, could give to a process that starts
// now: what its driver says; what the kernel says, or the limit of the control group if that is less.
func availableMemory(device string, cuda bool) (int64, error) {
	if cuda {
		return gpuMemory(device)
	}
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("the machine's memory is not known (%w): say it by --memory, such as --memory 16GB", err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return min(kib<<10, groupLimit()), nil
			}
		}
	}
	return 0, fmt.Errorf("/proc/meminfo does not say what memory is available: say it by --memory, such as --memory 16GB")
}

// gpuMemory is what is free on a GPU, by the number that nvidia-smi gives it.
func gpuMemory(device string) (int64, error) {
	n, err := torch.QueryNVIDIA()
	if err != nil {
		return 0, fmt.Errorf("the memory of the GPU is not known (%w): say it by --memory, such as --memory 80GB", err)
	}
	_, number, _ := strings.Cut(device, ":")
	i, _ := strconv.Atoi(number) // none is the first
	if i >= len(n.GPUs) || n.GPUs[i].Total < 0 || n.GPUs[i].Used < 0 {
		return 0, fmt.Errorf("the memory of the GPU %d is not known: say it by --memory, such as --memory 80GB", i)
	}
	return n.GPUs[i].Total - n.GPUs[i].Used, nil
}

// groupLimit is what the control group of a container may still take.
func groupLimit() int64 {
	number := func(path string) (int64, bool) {
		data, err := os.ReadFile(path)
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		return n, err == nil // "max" is no number, and no limit
	}
	limit, limited := number("/sys/fs/cgroup/memory.max")
	used, known := number("/sys/fs/cgroup/memory.current")
	if !limited || !known {
		return 1 << 62
	}
	return max(0, limit-used)
}
