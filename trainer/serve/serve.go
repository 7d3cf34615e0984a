// Package serve scores completions over HTTP, for trainers other than ours. POST /score takes
// rows as `rlkd score` does, POST /get_reward speaks the form of OpenRLHF's remote reward
// model, GET /healthz says whether the models are loaded, GET /metrics is for Prometheus.
//
// Requests wait in a bounded queue, and those that wait are scored together. Every refusal is
// one line of JSON, {"error": …}, with the row and key it is about. A reward that cannot be
// known is null with its reason, never 0.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/rlkd/rlkd/reward"
	"github.com/sirupsen/logrus"
)

// Scorer scores a batch of completions; [reward.Scorer] is one.
type Scorer interface {
	Score(ctx context.Context, items []reward.Item) ([]reward.Score, error)
}

// Options bound what the server takes on.
type Options struct {
	Weights reward.Weights // which parts count
	Data    []reward.Item  // dataset rows, for requests that leave out the answer or the teacher's text
	Token   string         // what requests must bear, healthz excepted; empty to let everybody in

	MaxBody int64         // bytes of a request
	MaxRows int           // completions of a request
	Queue   int           // completions that may wait; at least MaxRows
	Batch   int           // completions scored together, where several requests wait
	Timeout time.Duration // for a request, from its first byte to its answer
	Ends    []string      // what may end a completion in /get_reward, such as <|im_end|>
}

// DefaultOptions returns the limits of `rlkd serve-reward`.
func DefaultOptions() Options {
	return Options{
		Weights: reward.DefaultWeights(), MaxBody: 16 << 20, MaxRows: 1024, Queue: 4096, Batch: 256, Timeout: 2 * time.Minute,
		Ends: []string{"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<eos>", "</s>", "<｜end▁of▁sentence｜>"},
	}
}

// Server answers requests. It refuses them until it has a scorer.
type Server struct {
	options Options
	queue   *queue
	lookup  lookup
	metrics *metrics
	reading chan struct{} // a place for each request that is being read
}

// What bounds the memory: the requests that are read at once, and the bytes that may wait, as a
// multiple of MaxBody.
const (
	maxReading = 32
	maxWaiting = 16
)

// New returns a server that has no scorer yet. Its options must be positive.
func New(o Options) *Server {
	m := newMetrics()
	return &Server{
		options: o, queue: newQueue(o.Queue, o.Batch, maxWaiting*o.MaxBody, m), lookup: newLookup(o.Data), metrics: m,
		reading: make(chan struct{}, maxReading),
	}
}

// Serve answers requests on l until ctx ends, then refuses new ones, finishes what is queued
// and returns nil. Meanwhile run, on a goroutine of its own, makes the scorer and hands it to
// work, which scores on that goroutine until the server ends: a model in this process may be
// bound to it. If run fails, the server stops with its error.
func (s *Server) Serve(ctx context.Context, l net.Listener, run func(work func(Scorer)) error) error {
	timeout := s.options.Timeout
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: timeout,
		WriteTimeout: 2*timeout + 10*time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16,
	}
	served, worked := make(chan error, 1), make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	working, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		worked <- run(func(scorer Scorer) {
			s.queue.open()
			logrus.Info("ready")
			s.Work(working, scorer)
		})
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case err := <-worked:
		h.Close()
		if err == nil {
			err = errors.New("serve: the scorer ended")
		}
		return err
	case <-ctx.Done():
		return s.finish(h)
	}
}

// finish waits for the requests that are being answered, each of which has its deadline.
func (s *Server) finish(h *http.Server) error {
	logrus.WithField("rows", s.queue.length()).Info("stopping: finishing what is queued")
	s.queue.close()
	ctx, cancel := context.WithTimeout(context.Background(), s.options.Timeout+5*time.Second)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		h.Close()
		return fmt.Errorf("serve: some requests were not finished: %w", err)
	}
	return nil
}
