package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/rlkd/rlkd/trainer"
	"github.com/schollz/progressbar/v3"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// display shows what a run does: a progress bar on a terminal, log lines elsewhere.
type display struct {
	log      io.Writer
	terminal bool
	every    int // steps between log lines
	stop     chan struct{}

	bar        *progressbar.ProgressBar // nil without a terminal, and between stages
	stage      string
	steps      int // of the stage
	sampling   bool
	tokens     int // sampled in this stage
	began      time.Time
	beganAt    int    // steps done when the stage began
	release    func() // ends listening to signals
	lastReward float64
}

// newDisplay begins to listen to SIGINT and SIGTERM: the first asks the run to finish its step
// and save, a second ends the program at once.
func newDisplay(c *cli.Context, config *trainer.Config) *display {
	d := &display{log: c.App.ErrWriter, terminal: isTerminal(c.App.ErrWriter), every: config.LoggingSteps, lastReward: math.NaN()}
	d.stop, d.release = stopOnSignal(d.log, "finishing the step; once more ends at once, without saving")
	return d
}

// isTerminal tells whether what is written to w is shown on a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// stopOnSignal begins to listen to SIGINT and SIGTERM: the first shows the message and closes
// stop, a second ends the program at once. After release they have their usual effect.
func stopOnSignal(log io.Writer, message string) (stop chan struct{}, release func()) {
	stop = make(chan struct{})
	signalled := make(chan os.Signal, 2)
	signal.Notify(signalled, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		if _, ok := <-signalled; !ok {
			return
		}
		fmt.Fprintln(log, "rlkd: "+message)
		close(stop)
		if _, ok := <-signalled; ok {
			os.Exit(130)
		}
	}()
	return stop, sync.OnceFunc(func() {
		signal.Stop(signalled)
		close(signalled)
	})
}

// close ends the bar and lets signals have their usual effect again.
func (d *display) close() {
	d.finish()
	d.release()
}

func (d *display) watch() trainer.Watch {
	return trainer.Watch{
		Stage: d.begin, Step: d.step, Sampled: d.sampled, Note: d.note, Evaluate: d.evaluated, Stop: d.stop,
	}
}

// begin starts a stage. Steps of an evaluation are completions.
func (d *display) begin(s trainer.Stage) {
	d.finish()
	d.stage, d.steps, d.sampling, d.tokens, d.began, d.beganAt = s.Name, s.Steps, s.Sampling, 0, time.Now(), s.Done
	if !d.terminal {
		unit := "steps"
		if s.Sampling {
			unit = "completions"
		}
		logrus.WithField(unit, s.Steps).Info(s.Name)
		return
	}
	d.bar = progressbar.NewOptions(s.Steps,
		progressbar.OptionSetWriter(d.log), progressbar.OptionSetDescription(s.Name),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true), progressbar.OptionSetWidth(24),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(d.log) }),
	)
	d.set(s.Done)
}

func (d *display) finish() {
	if d.bar != nil && !d.bar.IsFinished() {
		fmt.Fprintln(d.log)
	}
	d.bar = nil
}

func (d *display) set(done int) {
	if d.bar != nil {
		_ = d.bar.Set(done) // the bar is an ornament: that it cannot be drawn is no reason to stop
	}
}

// sampled moves the bar of an evaluation and keeps the speed of any.
func (d *display) sampled(tokens, ended int) {
	d.tokens += tokens
	if d.bar == nil {
		return
	}
	speed := float64(d.tokens) / time.Since(d.began).Seconds()
	if d.sampling {
		d.bar.Describe(fmt.Sprintf("%s  %.0f tokens/s", d.stage, speed))
		_ = d.bar.Add(ended)
		return
	}
	d.bar.Describe(fmt.Sprintf("%s  reward %s  %.0f tokens/s", d.stage, number(d.lastReward), speed))
}

// shown are the metrics of a log line, with the names they have there.
var shown = []struct{ metric, as string }{
	{"loss", "loss"}, {"reward", "reward"}, {"rewards/accuracy/mean", "accuracy"}, {"rewards/structure/mean", "structure"},
	{"rewards/format/mean", "format"}, {"grad_norm", "grad_norm"}, {"completions/mean_length", "length"},
	{"rollout_tokens_per_s", "rollout_tok/s"}, {"train_tokens_per_s", "train_tok/s"}, {"step_time", "step_s"},
}

func (d *display) step(done int, r trainer.Record) {
	if d.terminal {
		if reward := r.Get("reward"); !math.IsNaN(reward) {
			d.lastReward = reward
		} else if d.bar != nil {
			d.bar.Describe(fmt.Sprintf("%s  loss %s  %s tokens/s", d.stage, number(r.Get("loss")), number(r.Get("train_tokens_per_s"))))
		}
		d.set(done)
		return
	}
	if done%d.every != 0 && done != d.steps {
		return
	}
	fields := logrus.Fields{}
	for _, m := range shown {
		if v := r.Get(m.metric); !math.IsNaN(v) {
			fields[m.as] = number(v)
		}
	}
	perStep := time.Since(d.began) / time.Duration(max(1, done-d.beganAt))
	fields["left"] = (perStep * time.Duration(d.steps-done)).Round(time.Second)
	logrus.WithFields(fields).Infof("%s %d/%d", d.stage, done, d.steps)
}

// number prints a metric with the digits that say something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "-"
	case a >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case a < 0.001:
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.4g", v)
}

func (d *display) note(message string) {
	if d.bar != nil {
		_ = d.bar.Clear()
		fmt.Fprintln(d.log, message)
		return
	}
	logrus.Info(message)
}

// warn is how commands without a display tell what is worth a line.
func warn(message string) { logrus.Warn(message) }

func (d *display) evaluated(e *trainer.Evaluation) {
	d.note(fmt.Sprintf("%s: accuracy %s, structure %s, format %s, reward %s over %d problems", e.Name,
		number(e.Metrics["accuracy"].Mean), number(e.Metrics["structure"].Mean), number(e.Metrics["format"].Mean), number(e.Metrics["reward"].Mean), e.Problems))
}
