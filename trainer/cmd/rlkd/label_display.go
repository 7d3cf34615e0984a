package main

import (
	"fmt"
	"io"
	"time"

	"github.com/rlkd/rlkd/trainer/label"
	"github.com/schollz/progressbar/v3"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// labelDisplay shows how far labelling is and what it has cost: a progress bar on a terminal,
// log lines elsewhere.
type labelDisplay struct {
	log      io.Writer
	terminal bool
	bar      *progressbar.ProgressBar // nil until the first row is done
	began    time.Time
	shown    time.Time // when the last log line was written
	stop     chan struct{}
	release  func()
}

// logEvery is the time between log lines.
const logEvery = 10 * time.Second

func newLabelDisplay(c *cli.Context) *labelDisplay {
	d := &labelDisplay{log: c.App.ErrWriter, terminal: isTerminal(c.App.ErrWriter), began: time.Now()}
	d.stop, d.release = stopOnSignal(d.log, "finishing the rows under way; once more ends at once, without those")
	return d
}

// progress shows the counts after each row.
func (d *labelDisplay) progress(n label.Counts) {
	if d.terminal {
		if d.bar == nil {
			d.bar = progressbar.NewOptions(n.Rows-n.Before,
				progressbar.OptionSetWriter(d.log), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(24))
		}
		d.bar.Describe(fmt.Sprintf("label  %d rejected  %d failed  %s", n.Rejected, n.Failed, spent(n)))
		_ = d.bar.Set(n.Labelled + n.Rejected + n.Failed) // the bar is an ornament
		return
	}
	if time.Since(d.shown) >= logEvery {
		d.line(n)
	}
}

// line logs the counts.
func (d *labelDisplay) line(n label.Counts) {
	d.shown = time.Now()
	done := n.Labelled + n.Rejected + n.Failed
	fields := logrus.Fields{"rejected": n.Rejected, "failed": n.Failed, "tokens_in": n.TokensIn, "tokens_out": n.TokensOut, "cost": number(n.Cost)}
	if done > 0 && n.Left > 0 {
		fields["left"] = (time.Since(d.began) / time.Duration(done) * time.Duration(n.Left)).Round(time.Second)
	}
	logrus.WithFields(fields).Infof("label %d/%d", done, n.Rows-n.Before)
}

// close shows the last counts and lets signals have their usual effect again.
func (d *labelDisplay) close(n label.Counts) {
	d.release()
	if d.bar != nil {
		fmt.Fprintln(d.log)
	} else if n.Requests > 0 {
		d.line(n)
	}
}

func (d *labelDisplay) note(message string) {
	if d.terminal {
		fmt.Fprintln(d.log, message)
		return
	}
	logrus.Info(message)
}

// spent says what was used so far.
func spent(n label.Counts) string {
	tokens := fmt.Sprintf("%.1fk in, %.1fk out", float64(n.TokensIn)/1e3, float64(n.TokensOut)/1e3)
	if n.Cost == 0 {
		return tokens
	}
	return fmt.Sprintf("%s, cost %.2f", tokens, n.Cost)
}
