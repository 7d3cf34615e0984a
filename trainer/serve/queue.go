package serve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rlkd/rlkd/reward"
	"github.com/sirupsen/logrus"
)

// job is the items of one request, and where its scores go.
type job struct {
	ctx   context.Context
	items []reward.Item
	size  int64       // bytes of the items
	done  chan result // has room for the one result
}

type result struct {
	scores []reward.Score
	err    error
}

// sizeOf counts the bytes of texts.
func sizeOf(items []reward.Item) (n int64) {
	for _, i := range items {
		n += int64(len(i.Problem) + len(i.Answer) + len(i.Generation) + len(i.Completion))
	}
	return n
}

// queue holds the jobs that wait, up to a number of items and of bytes.
type queue struct {
	most, batch int
	mostBytes   int64
	metrics     *metrics

	mu      sync.Mutex
	waiting []*job
	items   int   // of the waiting jobs
	bytes   int64 // of theirs
	state   state
	perItem time.Duration // how long an item of the last batch took
	wake    chan struct{} // has a token when something may be waiting
}

type state int

const (
	loading  state = iota // no scorer yet
	ready                 // one scores
	stopping              // no new jobs
)

// The reasons why a queue does not take a job.
var (
	errLoading  = errors.New("the models are being loaded")
	errStopping = errors.New("the server is stopping")
	errFull     = errors.New("the queue is full")
)

func newQueue(most, batch int, mostBytes int64, m *metrics) *queue {
	return &queue{most: most, batch: batch, mostBytes: mostBytes, metrics: m, wake: make(chan struct{}, 1)}
}

// room returns why n more items of so many bytes cannot wait, nil if they can. The caller holds
// the lock.
func (q *queue) room(n int, bytes int64) error {
	switch {
	case q.state == loading:
		return errLoading
	case q.state == stopping:
		return errStopping
	case q.items+n > q.most || q.items > 0 && q.bytes+bytes > q.mostBytes:
		return errFull
	}
	return nil
}

// accepts returns why not even one item can wait, nil if it can.
func (q *queue) accepts() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.room(1, 0)
}

// add lets a job wait for its turn.
func (q *queue) add(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.room(len(j.items), j.size); err != nil {
		return err
	}
	q.waiting = append(q.waiting, j)
	q.count(len(j.items), j.size)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return nil
}

// count changes what is known to wait.
func (q *queue) count(items int, bytes int64) {
	q.items += items
	q.bytes += bytes
	q.metrics.queued.Set(float64(q.items))
}

// take returns the jobs of the next batch: as many as fit, at least one if any waits.
func (q *queue) take() (jobs []*job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for len(q.waiting) > 0 {
		next := q.waiting[0]
		if n > 0 && n+len(next.items) > q.batch {
			break
		}
		q.waiting = q.waiting[1:]
		q.count(-len(next.items), -next.size)
		if next.ctx.Err() != nil { // nobody waits for it any more
			continue
		}
		n += len(next.items)
		jobs = append(jobs, next)
	}
	return jobs
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.state = stopping
}

// open says that there is a scorer, unless the queue was closed meanwhile.
func (q *queue) open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.state == loading {
		q.state = ready
	}
}

// retryAfter is in how many seconds, from 1 to 60, the queue should have room again.
func (q *queue) retryAfter() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := time.Duration(q.items) * q.perItem
	return int(math.Ceil(min(max(wait.Seconds(), 1), 60)))
}

// Work makes the server ready and scores what is queued, one batch at a time, until ctx ends.
// One at a time is enough: a model in this process has one engine, and a remote one gets the
// requests of the whole batch at once.
func (s *Server) Work(ctx context.Context, scorer Scorer) {
	s.queue.open()
	for {
		jobs := s.queue.take()
		if len(jobs) > 0 {
			s.score(ctx, scorer, jobs)
			continue
		}
		select {
		case <-s.queue.wake:
		case <-ctx.Done():
			return
		}
	}
}

// score scores the items of jobs together, and gives each job its own. It goes on until the
// last job that somebody waits for is done.
func (s *Server) score(ctx context.Context, scorer Scorer, jobs []*job) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	left := len(jobs)
	var mu sync.Mutex
	var items []reward.Item
	for _, j := range jobs {
		items = append(items, j.items...)
		stop := context.AfterFunc(j.ctx, func() {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 {
				cancel()
			}
		})
		defer stop()
	}
	began := time.Now()
	scores, err := scoreSafely(ctx, scorer, items)
	took := time.Since(began)
	s.queue.mu.Lock()
	s.queue.perItem = took / time.Duration(len(items))
	s.queue.mu.Unlock()
	s.metrics.scored(scores, len(items), took)
	logrus.WithFields(logrus.Fields{"requests": len(jobs), "rows": len(items), "took": took.Round(time.Millisecond)}).Debug("scored")
	at := 0
	for _, j := range jobs {
		r := result{err: err}
		if err == nil {
			r.scores = scores[at : at+len(j.items)]
		}
		at += len(j.items)
		j.done <- r
	}
}

// scoreSafely turns a panic into an error: one bad row must not end the server.
func scoreSafely(ctx context.Context, scorer Scorer, items []reward.Item) (scores []reward.Score, err error) {
	defer func() {
		if p := recover(); p != nil {
			logrus.WithField("stack", string(debug.Stack())).Errorf("internal error: %v", p)
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	scores, err = scorer.Score(ctx, items)
	if err == nil && len(scores) != len(items) {
		err = fmt.Errorf("internal error: %d scores for %d rows", len(scores), len(items))
	}
	return scores, err
}
