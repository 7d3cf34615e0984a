// Package openai asks language models behind OpenAI-compatible servers, such as vLLM, llama.cpp
// and Ollama: some requests at a time, each with a time limit, again when it makes sense.
package openai

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"
	"golang.org/x/sync/errgroup"

	"github.com/rlkd/rlkd/reward"
)

// Client is a model behind a server; it is a [reward.LM], safe for concurrent use.
type Client struct {
	options reward.BackendOptions
	http    *resty.Client
	slots   chan struct{} // one for each request under way
	plain   atomic.Bool   // the server refuses requests for probabilities
	backoff time.Duration // before the first retry; doubled for each later one
	retries atomic.Int64
}

// New returns the model that the options name; keys that are not set have their defaults. It
// sends nothing. It fails when the variable that api_key_env names is not set.
func New(o reward.BackendOptions) (*Client, error) {
	o = o.Filled()
	var key string
	if o.APIKeyEnv != "" {
		if key = os.Getenv(o.APIKeyEnv); key == "" {
			return nil, fmt.Errorf("api_key_env: the environment variable %s is not set", o.APIKeyEnv)
		}
	}
	return &Client{
		options: o, http: newHTTP(o.BaseURL, key, o.Concurrency),
		slots: make(chan struct{}, o.Concurrency), backoff: time.Second / 2,
	}, nil
}

// Identity names the server, the model and the length of its replies.
func (c *Client) Identity() string {
	return fmt.Sprintf("openai %s %s %d", strings.TrimRight(c.options.BaseURL, "/"), c.options.Model, c.options.MaxTokens)
}

// Retries returns how many requests were sent again so far.
func (c *Client) Retries() int { return int(c.retries.Load()) }

// Write answers prompts greedily. An empty reply is asked for again, and then missing.
func (c *Client) Write(ctx context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	replies := make([]reward.Reply, len(prompts))
	err := c.each(ctx, prompts, func(ctx context.Context, i int) error {
		got, err := c.complete(ctx, c.request(prompts[i], c.options.MaxTokens))
		if err == nil {
			replies[i], err = readReply(got)
		}
		return err
	}, func(i int, missing string) { replies[i] = reward.Reply{Missing: missing} })
	return replies, err
}

// beliefTokens is the room for a judge's word, with marks before it.
const beliefTokens = 8

// Choose answers yes-or-no prompts: by the probabilities of the first token where the server
// gives them, else by the first word.
func (c *Client) Choose(ctx context.Context, prompts []reward.Prompt) ([]reward.Belief, error) {
	beliefs := make([]reward.Belief, len(prompts))
	err := c.each(ctx, prompts, func(ctx context.Context, i int) error {
		got, err := c.choose(ctx, c.request(prompts[i], beliefTokens))
		if err == nil {
			beliefs[i], err = readBelief(got)
		}
		return err
	}, func(i int, missing string) { beliefs[i] = reward.Belief{Missing: missing} })
	return beliefs, err
}

// choose asks for a completion with probabilities, and without them once the server has refused
// a request for them that it answers without.
func (c *Client) choose(ctx context.Context, r chatRequest) (chatReply, error) {
	if c.plain.Load() {
		return c.complete(ctx, r)
	}
	with := r
	with.Logprobs, with.TopLogprobs = true, 20
	got, err := c.complete(ctx, with)
	var refused *refusal
	if !errors.As(err, &refused) || refused.status != http.StatusBadRequest && refused.status != http.StatusUnprocessableEntity {
		return got, err
	}
	if got, err = c.complete(ctx, r); err == nil {
		c.plain.Store(true)
	}
	return got, err
}

// request asks for a greedy completion.
func (c *Client) request(p reward.Prompt, maxTokens int) chatRequest {
	var messages []chatMessage
	if p.System != "" {
		messages = append(messages, chatMessage{"system", p.System})
	}
	return chatRequest{
		Model: c.options.Model, Messages: append(messages, chatMessage{"user", p.User}), MaxTokens: maxTokens,
	}
}

// each runs ask for every prompt, as many at a time as are allowed, and hands those that failed
// to the end to miss with the reason. Its error is that of a cancelled context.
func (c *Client) each(ctx context.Context, prompts []reward.Prompt, ask func(context.Context, int) error, miss func(int, string)) error {
	var g errgroup.Group
	g.SetLimit(c.options.Concurrency)
	for i := range prompts {
		g.Go(func() error {
			select {
			case c.slots <- struct{}{}:
				defer func() { <-c.slots }()
			case <-ctx.Done():
				return ctx.Err()
			}
			err := c.persist(ctx, func(ctx context.Context) error { return ask(ctx, i) })
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				miss(i, missing(err))
			}
			return nil
		})
	}
	return g.Wait()
}

// persist repeats ask until it succeeds, fails for good, or is out of retries or time: waits
// count against the time that all its requests may take together.
func (c *Client) persist(ctx context.Context, ask func(context.Context) error) error {
	tries := *c.options.Retries + 1
	ctx, cancel := context.WithTimeout(ctx, time.Duration(tries)*c.options.Timeout)
	defer cancel()
	end, _ := ctx.Deadline()
	for try := 1; ; try++ {
		err := ask(ctx)
		if err == nil || try == tries || !worthRetrying(err) {
			return err
		}
		wait := max(retryAfter(err), c.pause(try))
		if time.Until(end) < wait {
			return err
		}
		select {
		case <-time.After(wait):
			c.retries.Add(1)
		case <-ctx.Done():
			return err
		}
	}
}

// maxBackoff is the longest wait before a retry that no server asked for.
const maxBackoff = 8 * time.Second

// pause is the wait before a retry: doubled each time, the upper half of it by chance, so that
// many clients do not come back at once.
func (c *Client) pause(try int) time.Duration {
	d := min(c.backoff<<min(try-1, 20), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// retryAfter is how long the server asked to wait, 0 if it did not.
func retryAfter(err error) time.Duration {
	var refused *refusal
	if !errors.As(err, &refused) {
		return 0
	}
	text := refused.header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
