package trainer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	torch "github.com/rlkd/rlkd/cgo"
)

// fineTune runs the supervised stage in dir and saves dir/final. from is the checkpoint that
// state is of, if it is of one.
func (r *run) fineTune(ctx context.Context, student *Student, dir string, state State, from string) error {
	c, s := r.config, r.config.SFT
	if err := state.checkData(r.sft); err != nil {
		return err
	}
	rows, err := r.lessons(student)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return torch.Try(func() error {
		opt := NewOptimizer(student.Trained(), torch.AdamW{Beta1: c.AdamBeta1, Beta2: c.AdamBeta2, Eps: c.AdamEpsilon, WeightDecay: s.WeightDecay})
		if state.Step > 0 {
			if err := opt.restore(filepath.Join(from, optimizerFile), student, state.Updates); err != nil {
				return err
			}
		}
		sft := &SFT{
			Learner: &Learner{
				Model: student.Model, Opt: opt, MaxGradNorm: s.MaxGradNorm, Temperature: 1,
				MicroTokens: c.MicroBatchTokens, Checkpoint: c.GradientCheckpointing,
			},
			Rows: rows, Order: Order{Seed: c.Seed, Rows: len(rows)}, Batch: s.BatchSize, State: &state,
			Schedule: NewSchedule(s.LRSchedulerType, s.LearningRate, s.WarmupRatio, s.MaxSteps),
		}
		state.remember(sft.Learner, r.watch)
		defer func() { r.micro = state.MicroBatch }()
		st := &stage{
			name: "sft", dir: dir, steps: s.MaxSteps, config: c, student: student, opt: opt,
			state: &state, watch: r.watch, step: sft.Step,
		}
		if err := st.run(ctx); err != nil {
			return err
		}
		final := filepath.Join(dir, "final")
		if err := student.SaveModel(final); err != nil || s.Target != TargetSteps {
			return err
		}
		return markGSRM(final)
	})
}

// reinforce runs RLKD and saves output_dir/final.
func (r *run) reinforce(ctx context.Context, student *Student, state State, from, reference string) error {
	c := r.config
	if err := state.checkData(r.rlkd); err != nil {
		return err
	}
	problems, err := r.prompts(student, r.rlkd)
	if err != nil {
		return err
	}
	return torch.Try(func() error {
		grpo := newGRPO(c, student)
		if state.Step > 0 {
			if err := grpo.Opt.restore(filepath.Join(from, optimizerFile), student, state.Updates); err != nil {
				return err
			}
		}
		if state.MicroBatch == nil {
			state.MicroBatch = r.micro
		}
		state.remember(grpo.Learner, r.watch)
		if c.Beta != 0 {
			if err := grpo.openReference(c, student, reference); err != nil {
				return err
			}
		}
		rlkd := &RLKD{
			Config: c, Student: student, Scorer: r.scorer, GRPO: grpo, Problems: problems,
			Order: Order{Seed: c.Seed, Rows: len(problems)}, State: &state, Watch: r.watch,
			Schedule: NewSchedule(c.LRSchedulerType, c.LearningRate, c.WarmupRatio, c.MaxSteps),
		}
		st := &stage{
			name: "rlkd", dir: c.OutputDir, steps: c.MaxSteps, config: c, student: student, opt: grpo.Opt,
			state: &state, watch: r.watch, step: rlkd.recorded,
		}
		if c.EvalSteps > 0 {
			st.between = func(ctx context.Context) error {
				if state.Step%c.EvalSteps != 0 {
					return nil
				}
				return r.evaluate(ctx, fmt.Sprintf("step-%d", state.Step), student, true)
			}
		}
		if err := st.run(ctx); err != nil {
			return err
		}
		final := filepath.Join(c.OutputDir, "final")
		if err := student.SaveModel(final); err != nil {
			return err
		}
		r.watch.note("the trained model is " + final)
		return r.evaluate(ctx, fmt.Sprintf("step-%d", state.Step), student, true)
	})
}
