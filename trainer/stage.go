package trainer

import (
	"context"
	"errors"
	"path/filepath"
)

// ErrStopped says that a run ended early because its caller wished it, with everything saved.
var ErrStopped = errors.New("stopped")

// stage is a loop of steps with metrics and checkpoints: what supervised fine-tuning and RLKD
// have in common.
type stage struct {
	name    string
	dir     string // receives metrics.jsonl and checkpoint-N
	steps   int
	config  *Config
	student *Student
	opt     *Optimizer
	state   *State
	watch   Watch
	step    func(ctx context.Context) (Record, error) // takes a step and counts it in state
	between func(ctx context.Context) error           // runs after each step but the last, if set
}

// run goes on from state to the last step. It returns ErrStopped, with a checkpoint saved,
// when it was told to stop before the end.
func (s *stage) run(ctx context.Context) (err error) {
	metrics, err := OpenMetrics(filepath.Join(s.dir, "metrics.jsonl"), s.state.Step)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, metrics.Close()) }()
	s.watch.stage(Stage{Name: s.name, Done: s.state.Step, Steps: s.steps})
	for s.state.Step < s.steps {
		record, err := s.step(ctx)
		if err != nil {
			return s.failed(err)
		}
		if err := metrics.Write(record); err != nil {
			return err
		}
		s.watch.step(s.state.Step, record)
		stop := s.watch.stopped()
		if stop || s.state.Step == s.steps || s.state.Step%s.config.SaveSteps == 0 {
			if err := s.save(); err != nil {
				return err
			}
		}
		if s.state.Step == s.steps {
			break
		}
		if stop {
			return ErrStopped
		}
		if s.between != nil {
			if err := s.between(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stage) save() error {
	path, err := saveCheckpoint(s.dir, s.student, s.opt, *s.state, s.config.SaveTotalLimit)
	if err == nil {
		s.watch.note("saved " + path)
	}
	return err
}

// failed ends a run whose step could not be taken. What failed without touching the weights
// is worth a checkpoint.
func (s *stage) failed(err error) error {
	var missing *MissingError
	if errors.As(err, &missing) {
		return errors.Join(err, s.save())
	}
	return err
}
