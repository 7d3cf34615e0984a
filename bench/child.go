package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

// childCommand is what a measuring process runs: each has one of its own, so that no memory or
// prepared kernel of an earlier one is left. It reads a request and writes the answer, as JSON.
func childCommand() *cli.Command {
	return &cli.Command{
		Name: "child", Hidden: true,
		Action: func(*cli.Context) (err error) {
			var r request
			if err := json.NewDecoder(os.Stdin).Decode(&r); err != nil {
				return err
			}
			var answer any
			if r.Job != nil {
				answer, err = measure(*r.Job)
			} else {
				answer, err = limitsOf(r.Limits)
			}
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(answer)
		},
	}
}

// request is one of two things to do.
type request struct {
	Job    *Job   `json:"job,omitempty"`
	Limits string `json:"limits,omitempty"` // the device whose they are
}

// limitsOf measures the limits of a device that is named as in a configuration.
func limitsOf(device string) (l Limits, err error) {
	err = torch.Run(func() error {
		dev, _, err := trainer.Device(device, "auto")
		if err == nil {
			l = measureLimits(dev)
		}
		return err
	})
	return l, err
}

// runner starts measuring processes.
type runner struct{ wrap []string }

func newRunner(c *cli.Context) runner { return runner{strings.Fields(c.String("wrap"))} }

// ask has a process of this program do what q says.
func (r runner) ask(q request, answer any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return r.run(q, answer, self, "child")
}

// run starts a process that reads q and writes the answer, both as JSON. What it says on stderr
// is part of the error if it fails.
func (r runner) run(q, answer any, command ...string) error {
	in, err := json.Marshal(q)
	if err != nil {
		return err
	}
	command = append(slices.Clone(r.wrap), command...)
	cmd := exec.Command(command[0], command[1:]...)
	var out, log bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &log
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, lines[len(lines)-1])
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		return fmt.Errorf("%s: its answer: %w: %.200q", strings.Join(command, " "), err, out.String())
	}
	return nil
}
