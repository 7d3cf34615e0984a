package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/reward"
)

// run is one `rlkd train` or `rlkd sft`: the order of its stages, and what they share.
type run struct {
	config *Config
	resume bool
	watch  Watch
	scorer *reward.Scorer
	rlkd   dataset   // of RLKD
	sft    dataset   // of supervised fine-tuning
	held   []Problem // held out, to evaluate on
	evals  []*Evaluation
	micro  *MicroBudget // what the stage before has learnt
}

// Train is the whole of RLKD: evaluation of the student as it is, supervised warm-up if the
// configuration has a section sft, reinforcement learning, and an evaluation after each. All
// goes to output_dir. It returns the evaluations there are, also with ErrStopped.
func Train(ctx context.Context, c *Config, resume bool, w Watch) (evals []*Evaluation, err error) {
	r := &run{config: c, resume: resume, watch: w}
	if err := r.load(); err != nil {
		return nil, err
	}
	err = r.in(c.OutputDir, func() error { return r.train(ctx) })
	return r.evals, err
}

// load reads the data of all stages.
func (r *run) load() (err error) {
	c := r.config
	taught := c.RewardWeights.Structure > 0 // by a text that a row must have
	if r.rlkd, err = loadDataset(c.Dataset, true, taught); err != nil {
		return err
	}
	if c.SFT != nil {
		if r.sft, err = loadLessons(c, r.watch.note); err != nil {
			return err
		}
	}
	if c.EvalDataset == "" {
		return nil
	}
	if r.held, err = LoadProblems(c.EvalDataset, true, taught); err != nil {
		return err
	}
	if n := c.Eval.NumProblems; n > 0 && n < len(r.held) {
		r.held = r.held[:n]
	}
	return nil
}

// FineTune is supervised fine-tuning alone: checkpoints, metrics and the final model go to
// output_dir.
func FineTune(ctx context.Context, c *Config, resume bool, w Watch) error {
	lessons, err := loadLessons(c, w.note)
	if err != nil {
		return err
	}
	r := &run{config: c, resume: resume, watch: w, sft: lessons}
	return r.in(c.OutputDir, func() error {
		return torch.Run(func() error {
			state, path, err := r.checkpoint(c.OutputDir)
			if err != nil {
				return err
			}
			if path == "" {
				path = c.Model
			}
			student, err := r.openTrained(path)
			if err != nil {
				return err
			}
			return r.fineTune(ctx, student, c.OutputDir, state, path)
		})
	})
}

// in runs fn with the output directory locked and the configuration written there.
func (r *run) in(dir string, fn func() error) (err error) {
	out, err := OpenOutputDir(dir, r.resume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	path := filepath.Join(dir, "config.yaml")
	if r.resume {
		if err := sameRun(path, r.config); err != nil {
			return err
		}
	}
	err = WriteFileAtomic(path, func(w io.Writer) error { _, err := io.WriteString(w, r.config.String()); return err })
	if err != nil {
		return err
	}
	return fn()
}

// train goes through the stages, from where a resumed run was.
func (r *run) train(ctx context.Context) error {
	c := r.config
	warm := filepath.Join(c.OutputDir, "sft")
	warmed := filepath.Join(warm, "final")
	return torch.Run(func() error {
		state, from, err := r.checkpoint(c.OutputDir)
		if err != nil {
			return err
		}
		begun := from != ""
		if !begun {
			from = c.Model
			if r.resume && exists(warmed) {
				from = warmed
				r.watch.note("resuming from " + from)
			}
		}
		student, err := r.openTrained(from)
		if err != nil {
			return err
		}
		if r.scorer == nil {
			if r.scorer, err = NewScorer(c, student, r.watch.note); err != nil {
				return err
			}
		}
		if err := student.fitsRollouts(c); err != nil {
			return err
		}
		if err := r.evaluate(ctx, "start", student, from == c.Model); err != nil {
			return err
		}
		if c.SFT != nil {
			if from == c.Model {
				if err := r.warmUp(ctx, student, warm); err != nil {
					return err
				}
			}
			if err := r.evaluate(ctx, "sft", student, !begun); err != nil {
				return err
			}
		}
		reference := c.Model
		if c.SFT != nil {
			reference = warmed
		}
		return r.reinforce(ctx, student, state, from, reference)
	})
}

// openTrained is the configuration's, and says if there is a GPU that is not used.
func (r *run) openTrained(path string) (*Student, error) {
	s, err := r.config.openTrained(path)
	if why := torch.PassedOver(); why != nil {
		r.watch.note("the GPU is not used: " + why.Error())
	}
	return s, err
}

// warmUp fine-tunes the student before RLKD. A warm-up that was interrupted goes on.
func (r *run) warmUp(ctx context.Context, student *Student, dir string) error {
	state, from, err := r.checkpoint(dir)
	if err != nil {
		return err
	}
	if from != "" {
		if err := student.reload(from); err != nil {
			return err
		}
	}
	if err := r.fineTune(ctx, student, dir, state, from); err != nil {
		return err
	}
	steps, err := checkpoints(dir)
	for _, n := range steps { // the final model is all that RLKD needs of it
		err = errors.Join(err, os.RemoveAll(checkpointPath(dir, n)))
	}
	return err
}

// evaluate adds an evaluation of the student to the run's: the one kept in output_dir/eval
// if there is one, else, if able, a new one.
func (r *run) evaluate(ctx context.Context, name string, student *Student, able bool) error {
	if r.held == nil {
		return nil
	}
	base := filepath.Join(r.config.OutputDir, "eval", name)
	var kept Evaluation
	data, err := os.ReadFile(base + ".json")
	if err == nil {
		if err := json.Unmarshal(data, &kept); err != nil {
			return fmt.Errorf("%s.json: %w", base, err)
		}
		r.evals = append(r.evals, &kept)
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !able {
		r.watch.note("the evaluation " + name + " was not made and cannot be made any more")
		return nil
	}
	e := Evaluator{Config: r.config, Scorer: r.scorer, Problems: r.held, Watch: r.watch}
	out, err := e.Evaluate(ctx, name, student)
	if err != nil {
		return err
	}
	if err := out.save(base); err != nil {
		return err
	}
	r.evals = append(r.evals, out)
	r.watch.evaluated(out)
	return nil
}

// checkpoint is the newest whole checkpoint in dir of a run that is resumed.
func (r *run) checkpoint(dir string) (state State, path string, err error) {
	if !r.resume {
		return State{}, "", nil
	}
	path, state, err = latestCheckpoint(dir, r.watch.note)
	if err == nil && path != "" {
		r.watch.note("resuming from " + path)
	}
	return state, path, err
}

// lessons are the rows of supervised fine-tuning in a student's tokens, but for those that are
// too long.
func (r *run) lessons(s *Student) ([]Sample, error) {
	limit := r.config.SFT.MaxLength
	if err := s.fits("sft.max_length", limit); err != nil {
		return nil, err
	}
	rows, dropped, err := s.lessons(r.config.lesson, r.sft.problems, limit)
	if err != nil {
		return nil, err
	}
	return rows, r.checkDropped(r.sft, dropped, "sft.max_length", limit)
}

// prompts are the problems of d in a student's tokens, but for those whose prompt is too long.
func (r *run) prompts(s *Student, d dataset) ([]prompted, error) {
	limit := r.config.MaxPromptLength
	problems, dropped, err := s.prompts(r.config.SystemPrompt, d.problems, limit)
	if err != nil {
		return nil, err
	}
	return problems, r.checkDropped(d, dropped, "max_prompt_length", limit)
}

// checkDropped counts the rows that are too long; a dataset of nothing else is an error.
func (r *run) checkDropped(d dataset, dropped int, key string, limit int) error {
	if dropped == len(d.problems) {
		return fmt.Errorf("%s: all of its %d rows are longer than %s (%d tokens)", d.path, dropped, key, limit)
	}
	if dropped > 0 {
		r.watch.note(fmt.Sprintf("%s: %d of %d rows are longer than %s (%d tokens) and were dropped", d.path, dropped, len(d.problems), key, limit))
	}
	return nil
}

// dataset is a file of problems.
type dataset struct {
	path     string
	problems []Problem
	sum      uint32 // CRC-32C of the file
}

func loadDataset(path string, needAnswer, needTeacher bool) (dataset, error) {
	problems, err := LoadProblems(path, needAnswer, needTeacher)
	if err != nil {
		return dataset{}, err
	}
	sum, err := sumFile(path)
	return dataset{path, problems, sum.CRC32}, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
