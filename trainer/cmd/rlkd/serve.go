package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rlkd/rlkd/reward"
	"github.com/rlkd/rlkd/trainer"
	"github.com/rlkd/rlkd/trainer/serve"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// tokenVariable is where the server's token is if --token-env names no other.
const tokenVariable = "RLKD_TOKEN"

func serveCommand() *cli.Command {
	o := serve.DefaultOptions()
	return &cli.Command{
		Name:  "serve-reward",
		Usage: "score completions over HTTP, for other trainers",
		Description: `POST /score takes a row as rlkd score does, or {"rows": […]}, and answers in the same form; "reward" is the total,
or null where a part that has a weight is missing. POST /get_reward takes what OpenRLHF sends to a remote
reward model; a label is the text of {"answer", "generation"}, or an answer whose row is in --data. GET
/healthz is 200 when the models are loaded, GET /metrics is for Prometheus. The token in $RLKD_TOKEN, if
there is one, must come with every request but /healthz. SIGTERM finishes what is queued, and ends. Of
the configuration it uses reward_weights and structure.`,
		Flags: append(configFlags(),
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8000", Usage: "`HOST:PORT`; a port of 0 takes a free one, which the log names"},
			&cli.StringFlag{Name: "data", Usage: "JSONL `FILE` of {problem, answer, generation}, for requests that bring only the problem"},
			&cli.StringFlag{Name: "token-env", Usage: "`NAME` of the environment variable with the token (default: " + tokenVariable + ", if it is set)"},
			&cli.BoolFlag{Name: "insecure", Usage: "let other machines in without a token"},
			&cli.IntFlag{Name: "max-rows", Value: o.MaxRows, Usage: "most rows of a request"},
			&cli.Int64Flag{Name: "max-body", Value: o.MaxBody, Usage: "most bytes of a request"},
			&cli.IntFlag{Name: "queue", Value: o.Queue, Usage: "most rows that may wait"},
			&cli.IntFlag{Name: "batch", Value: o.Batch, Usage: "most rows of several requests scored together"},
			&cli.DurationFlag{Name: "timeout", Value: o.Timeout, Usage: "most time for a request"},
			&cli.StringSliceFlag{Name: "end", Usage: "`TEXT` of a token that ends a completion, for /get_reward; may be repeated (default: those of common models)"},
			&cli.BoolFlag{Name: "debug", Usage: "log every request"},
		),
		Action: serveReward,
	}
}

func serveReward(c *cli.Context) error {
	config, err := loadConfig(c, trainer.NeedScore)
	if err != nil {
		return err
	}
	options, err := serveOptions(c, config.RewardWeights)
	if err != nil {
		return err
	}
	if c.Bool("debug") {
		logrus.SetLevel(logrus.DebugLevel)
	}
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return fmt.Errorf("serve-reward: --listen: %w", err)
	}
	logrus.Infof("listening on http://%s", listener.Addr())
	ctx, stop := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return serve.New(options).Serve(ctx, listener, func(work func(serve.Scorer)) error {
		return withScorer(c, trainer.NeedScore, func(s *reward.Scorer) error { work(s); return nil })
	})
}

// serveOptions reads the flags. They must be positive, and let nobody in by accident.
func serveOptions(c *cli.Context, w reward.Weights) (o serve.Options, err error) {
	o = serve.DefaultOptions()
	o.Weights = w
	o.MaxRows, o.MaxBody, o.Queue, o.Batch, o.Timeout = c.Int("max-rows"), c.Int64("max-body"), c.Int("queue"), c.Int("batch"), c.Duration("timeout")
	for _, f := range []struct {
		name   string
		enough bool
		want   string
	}{
		{"max-rows", o.MaxRows >= 1, "1 or more"}, {"max-body", o.MaxBody >= 1, "1 or more"}, {"batch", o.Batch >= 1, "1 or more"},
		{"queue", o.Queue >= o.MaxRows, "at least --max-rows"}, {"timeout", o.Timeout >= time.Millisecond, "1ms or more"},
	} {
		if !f.enough {
			return o, fmt.Errorf("serve-reward: --%s: want %s, got %v", f.name, f.want, c.Value(f.name))
		}
	}
	if c.IsSet("end") {
		o.Ends = c.StringSlice("end")
	}
	if o.Token, err = token(c); err != nil {
		return o, err
	}
	if path := c.String("data"); path != "" {
		problems, err := trainer.LoadProblems(path, true, true)
		if err != nil {
			return o, err
		}
		for _, p := range problems {
			o.Data = append(o.Data, reward.Item{Problem: p.Prompt, Answer: p.Answer, Generation: p.Teacher, TeacherSteps: p.Steps})
		}
	}
	return o, nil
}

// token returns the token that requests must bear. Without one, only this machine may ask.
func token(c *cli.Context) (string, error) {
	name := c.String("token-env")
	token := os.Getenv(name)
	if name == "" {
		token = os.Getenv(tokenVariable)
	} else if token == "" {
		return "", fmt.Errorf("serve-reward: --token-env: the environment has no %s, or it is empty", name)
	}
	host, _, err := net.SplitHostPort(c.String("listen"))
	if err != nil {
		return "", fmt.Errorf("serve-reward: --listen: want HOST:PORT, got %q", c.String("listen"))
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && token == "" && !c.Bool("insecure") {
		return "", fmt.Errorf("serve-reward: --listen %s is open to other machines: set a token in %s, or allow it by --insecure", c.String("listen"), tokenVariable)
	}
	return token, nil
}
