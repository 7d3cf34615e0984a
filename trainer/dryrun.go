package trainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/reward/cache"
	"github.com/rlkd/rlkd/reward/openai"
	"github.com/rlkd/rlkd/trainer/plan"
)

// DryRun checks all that a run would meet before its first step (data, model files, tokenizer,
// lengths, reward options, output_dir, device, memory), as far as that can be done without loading
// weights, asking servers or changing anything on disk. It returns what the run would do, a line
// for each part, and its plan; or what is wrong. sft tells that the run is FineTune, not Train;
// available is as in [Plan].
func DryRun(c *Config, sft, resume bool, available int64) (lines []string, p *plan.Plan, err error) {
	d := &dryRun{run: run{config: c, resume: resume}, sft: sft}
	d.watch.Note = func(message string) { d.say("note", message) }
	steps := []func() error{d.data, d.device, d.model, d.lengths, d.rewards, d.output}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	if p, err = Plan(c, sft, available); err != nil {
		return nil, nil, fmt.Errorf("plan: %w", err)
	}
	if !p.Fits() {
		return nil, nil, tooLarge(p)
	}
	d.say("memory", fmt.Sprintf("peak %s (%s) of %s; micro_batch_tokens %d, at most %d", plan.Size(p.Peak), p.PeakPhase, plan.Size(p.Available), p.MicroTokens, p.Largest))
	return d.lines, p, nil
}

// tooLarge says what to change in a run that does not fit.
func tooLarge(p *plan.Plan) error {
	advice := fmt.Sprintf("the largest that fits is %d", p.Largest)
	if p.Largest == 0 {
		advice = fmt.Sprintf("set gradient_checkpointing: true, with which %d fits", p.Other)
	}
	return fmt.Errorf("plan: micro_batch_tokens %d takes %s (%s), more than the %s there are; %s; see rlkd plan",
		p.MicroTokens, plan.Size(p.Peak), p.PeakPhase, plan.Size(p.Available), advice)
}

// dryRun is a run that is only looked at.
type dryRun struct {
	run
	sft     bool
	student *Student // without weights
	lines   []string
}

func (d *dryRun) say(part, text string) {
	d.lines = append(d.lines, fmt.Sprintf("%-10s %s", part, text))
}

// data reads the datasets.
func (d *dryRun) data() (err error) {
	if d.sft {
		d.run.sft, err = loadLessons(d.config, d.watch.note)
		return err
	}
	return d.load()
}

// device finds what the run would compute on.
func (d *dryRun) device() error {
	return torch.Run(func() error {
		dev, dtype, err := Device(d.config.Device, d.config.DType)
		if err == nil {
			d.say("device", fmt.Sprintf("%s, %s", dev, dtype))
		}
		return err
	})
}

// model opens the student's files, and those of its adapter.
func (d *dryRun) model() error {
	c := d.config
	src, err := files.Open(c.Model)
	if err != nil {
		return err
	}
	defer src.Close()
	if d.student, err = newStudent(c.Model, src); err != nil {
		return err
	}
	how := "all weights are trained"
	if c.LoRA != nil {
		how = fmt.Sprintf("a LoRA adapter of rank %d is trained", c.LoRA.R)
	}
	if c.Adapter != "" {
		how = "the LoRA adapter " + c.Adapter + " is trained further"
		if err := d.adapter(src.Config); err != nil {
			return err
		}
	}
	d.say("model", fmt.Sprintf("%s: %s, %d layers, %d positions; %s", c.Model, src.Config.Family, src.Config.NumLayers, src.Config.MaxPositionEmbeddings, how))
	return nil
}

// adapter checks the adapter that training is to go on with.
func (d *dryRun) adapter(c files.Config) error {
	a, err := files.OpenAdapter(d.config.Adapter)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.Fits(c); err != nil {
		return err
	}
	if d.config.LoRA == nil {
		return nil
	}
	return d.config.sameLoRA(a.Config)
}

// lengths turns all data into tokens as the run would, and counts what is too long.
func (d *dryRun) lengths() error {
	c, s := d.config, d.student
	if c.SFT != nil {
		rows, err := d.lessons(s)
		if err != nil {
			return err
		}
		d.say("sft", fmt.Sprintf("%d steps of %d of the %d rows of %s", c.SFT.MaxSteps, c.SFT.BatchSize, len(rows), d.run.sft.path))
	}
	if d.sft {
		return nil
	}
	if err := s.fitsRollouts(c); err != nil {
		return err
	}
	problems, err := d.prompts(s, d.rlkd)
	if err != nil {
		return err
	}
	d.say("rlkd", fmt.Sprintf("%d steps of %d prompts, %d completions each, on the %d rows of %s", c.MaxSteps, c.PromptsPerStep, c.NumGenerations, len(problems), d.rlkd.path))
	return d.evaluations()
}

// evaluations checks the held-out problems.
func (d *dryRun) evaluations() error {
	if d.held == nil {
		return nil
	}
	c := d.config
	if err := d.student.fitsEvaluation(c); err != nil {
		return err
	}
	problems, err := d.prompts(d.student, dataset{path: c.EvalDataset, problems: d.held})
	if err == nil {
		d.say("evaluation", fmt.Sprintf("%d problems of %s, %d completions each", len(problems), c.EvalDataset, c.Eval.NumGenerations))
	}
	return err
}

// rewards checks the reward's options, and the files of the models it asks in this process.
// Servers are not asked.
func (d *dryRun) rewards() error {
	if d.sft {
		return nil
	}
	c := d.config
	_, err := reward.NewScorerOpening(c.RewardWeights, c.Structure, func(b reward.BackendOptions) (reward.LM, error) {
		if b.Backend == reward.BackendOpenAI {
			return openai.New(b)
		}
		return nil, c.checkLocal(b)
	})
	if err != nil {
		return err
	}
	if path := c.Structure.Cache; path != "" {
		if err := checkCache(path); err != nil {
			return fmt.Errorf("structure.cache: %w", err)
		}
	}
	w := c.RewardWeights
	d.say("reward", fmt.Sprintf("%g accuracy + %g format + %g tag_count + %g structure; decomposer %s, judge %s",
		w.Accuracy, w.Format, w.TagCount, w.Structure, describeBackend(c.Structure.Decomposer.BackendOptions), describeBackend(c.Structure.Judge.BackendOptions)))
	return nil
}

// checkCache fails where [cache.Open] would, but makes and changes nothing.
func checkCache(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return cache.Check(path)
	}
	if err := writable(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cache %s: %w", path, err)
	}
	return nil
}

func describeBackend(b reward.BackendOptions) string {
	words := []string{b.Backend}
	for _, word := range []string{b.Model, b.Adapter, b.BaseURL} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// checkLocal checks the files of a model in this process as localModels.open would load them.
func (c *Config) checkLocal(b reward.BackendOptions) error {
	path := localModels{config: c}.path(b)
	if path == "" {
		return errNoLocalModel
	}
	src, err := files.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	if _, err := newStudent(path, src); err != nil {
		return err
	}
	if b.Adapter == "" {
		return checkGSRM(path)
	}
	a, err := files.OpenAdapter(b.Adapter)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.Fits(src.Config); err != nil {
		return err
	}
	return checkGSRM(b.Adapter)
}

// output checks output_dir, and with resume what is to be gone on with.
func (d *dryRun) output() error {
	c := d.config
	state, err := checkOutputDir(c.OutputDir, d.resume)
	if err != nil {
		return err
	}
	if d.resume {
		if err := sameRun(filepath.Join(c.OutputDir, configName), c); err != nil {
			return err
		}
		if _, err := os.Stat(c.OutputDir); err == nil {
			path, _, err := latestCheckpoint(c.OutputDir, d.watch.note)
			if err != nil {
				return err
			}
			if path != "" {
				state = "goes on from " + path
			}
		}
	}
	d.say("output_dir", c.OutputDir+": "+state)
	return nil
}

// checkOutputDir fails where [OpenOutputDir] would, but changes nothing. It says what is there.
func checkOutputDir(dir string, resume bool) (state string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("output_dir %s: %w", dir, err)
		}
	}()
	had, err := fileNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "to be made", writable(filepath.Dir(filepath.Clean(dir)))
	}
	if err != nil {
		return "", err
	}
	if err := writable(dir); err != nil {
		return "", err
	}
	if err := lockFree(filepath.Join(dir, lockName)); err != nil {
		return "", err
	}
	if found := trace(had); found != "" && !resume {
		return "", anotherRun(found)
	}
	return "is there", nil
}
