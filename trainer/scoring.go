package trainer

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rlkd/rlkd/reward"
)

// scoring is the rewards of a step's groups. Where they need no model in this process, a group is
// scored as soon as its completions have ended, while others are still being generated: the time
// that a server or a slow rule takes is then not waited for. Else the engine has to be free
// first, and the whole step is one batch.
type scoring struct {
	scorer *reward.Scorer
	whole  context.Context // of the step
	ctx    context.Context // of the groups: over when one of them fails
	cancel context.CancelFunc
	groups *errgroup.Group

	mu     sync.Mutex
	scores map[int][]reward.Score // of each group that was scored ahead
	busy   int                    // groups being scored
	spent  time.Duration          // in which busy was not 0, up to since
	since  time.Time
}

func newScoring(ctx context.Context, s *reward.Scorer) *scoring {
	x := &scoring{scorer: s, scores: map[int][]reward.Score{}}
	x.whole, x.cancel = context.WithCancel(ctx)
	x.groups, x.ctx = errgroup.WithContext(x.whole)
	return x
}

// begin scores a group on a goroutine of its own.
func (x *scoring) begin(group int, rollouts []Rollout) {
	x.count(1)
	x.groups.Go(func() error {
		defer x.count(-1)
		scores, err := x.scorer.Score(x.ctx, items(rollouts))
		x.mu.Lock()
		defer x.mu.Unlock()
		x.scores[group] = scores
		return err
	})
}

// count adds to the groups being scored.
func (x *scoring) count(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	if x.busy > 0 {
		x.spent += now.Sub(x.since)
	}
	x.busy, x.since = x.busy+n, now
}

// overlap is for how long groups have been scored by now.
func (x *scoring) overlap() time.Duration {
	x.count(0)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.spent
}

// stop gives up what is still under way, and waits for it to end.
func (x *scoring) stop() {
	x.cancel()
	_ = x.groups.Wait() // whoever stops it early has an error of his own
}

// finish returns the scores of all rollouts, in their order.
func (x *scoring) finish(rollouts []Rollout) ([]reward.Score, error) {
	if err := x.groups.Wait(); err != nil {
		return nil, err
	}
	if len(x.scores) == 0 {
		return x.scorer.Score(x.whole, items(rollouts))
	}
	var out []reward.Score
	for group := range len(x.scores) {
		out = append(out, x.scores[group]...)
	}
	return out, nil
}
