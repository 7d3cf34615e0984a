package trainer

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// slowSteps takes texts apart by rules, but not before it is told to; it tells when it was asked.
type slowSteps struct {
	asked chan struct{}
	go_   chan struct{}
}

func (s slowSteps) Decompose(ctx context.Context, traces []reward.Trace) ([]reward.Decomposition, error) {
	select {
	case s.asked <- struct{}{}:
	default:
	}
	select {
	case <-s.go_:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return reward.Rules{}.Decompose(ctx, traces)
}

// The first group is being scored while the second is generated, and the scores are those of the
// whole step scored afterwards.
func TestGroupsAreScoredWhileOthersAreGenerated(t *testing.T) {
	c := tinyConfig(t, "structure.min_trace_chars=1")
	problems, err := LoadProblems(c.Dataset, true, true)
	if err != nil {
		t.Fatal(err)
	}
	onTiny(t, c, func(s *Student, _ *GRPO) error {
		prompts, _, err := s.prompts("", problems[:2], 40)
		if err != nil {
			return err
		}
		slow := slowSteps{make(chan struct{}, 1), make(chan struct{})}
		x := newScoring(context.Background(), reward.NewScorerWith(c.RewardWeights, c.Structure, slow, reward.Rules{}))
		defer x.stop()
		complete := 0
		smp := &sampler{
			student: s, sampling: model.Sampling{Temperature: 1, TopP: 1}, generations: 3, maxTokens: 12, rows: 3,
			uniform: func(row, sample, position int) float32 {
				return rng.Uniform(1, 0, uint64(row), uint64(sample), uint64(position))
			},
			done: func(group int, r []Rollout) { complete++; x.begin(group, r) },
		}
		waited := false
		smp.progress = func(int, int) error { // called with the second group under way
			if complete == 1 && !waited {
				waited = true
				select {
				case <-slow.asked:
				case <-time.After(time.Minute):
					t.Error("the first group was complete, but nobody scored it")
				}
			}
			return nil
		}
		rollouts, err := smp.sample(prompts)
		if err != nil {
			return err
		}
		if !waited || complete != 2 || x.overlap() == 0 {
			t.Errorf("%d groups were complete, waited %t, overlap %v", complete, waited, x.overlap())
		}
		close(slow.go_)
		got, err := x.finish(rollouts)
		if err != nil {
			return err
		}
		whole := reward.NewScorerWith(c.RewardWeights, c.Structure, reward.Rules{}, reward.Rules{})
		want, err := whole.Score(context.Background(), items(rollouts))
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("scored by groups %+v, in one batch %+v", got, want)
		}
		return err
	})
}

// A step that is given up does not wait for a reward that never comes.
func TestScoringStops(t *testing.T) {
	slow := slowSteps{make(chan struct{}, 1), make(chan struct{})}
	c := tinyConfig(t, "structure.min_trace_chars=1")
	x := newScoring(context.Background(), reward.NewScorerWith(c.RewardWeights, c.Structure, slow, reward.Rules{}))
	x.begin(0, []Rollout{{Problem: Problem{Prompt: "1 + 1", Answer: "2", Teacher: "<think>\nI add: 1 + 1 = 2.\n</think>\n2"}, Text: "<think>\nI add: 1 + 1 = 2.\n</think>\n2", Finished: true}})
	<-slow.asked
	x.stop()
}
