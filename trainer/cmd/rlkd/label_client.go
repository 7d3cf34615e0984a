package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rlkd/rlkd/reward"
)

// labelClient asks a model behind an OpenAI-compatible server, greedily: a [reward.Writer].
type labelClient struct {
	address, model, key string
	maxTokens, retries  int
	timeout             time.Duration // of one request
}

// maxReply is the longest body that is read, in bytes.
const maxReply = 8 << 20

// Write answers prompts one after the other.
func (c labelClient) Write(ctx context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	replies := make([]reward.Reply, len(prompts))
	for i, p := range prompts {
		replies[i] = c.persist(ctx, p)
	}
	return replies, ctx.Err()
}

// persist asks until there is a reply, a refusal for good, or no retry left.
func (c labelClient) persist(ctx context.Context, p reward.Prompt) reward.Reply {
	for try := 0; ; try++ {
		reply, again := c.ask(ctx, p)
		if reply.Missing == "" || !again || try == c.retries {
			return reply
		}
		select {
		case <-time.After(time.Second << min(try, 5)):
		case <-ctx.Done():
			return reply
		}
	}
}

// ask sends one request, and tells whether the same one may succeed later.
func (c labelClient) ask(ctx context.Context, p reward.Prompt) (reply reward.Reply, again bool) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body, err := json.Marshal(map[string]any{
		"model": c.model, "temperature": 0, "max_tokens": c.maxTokens,
		"messages": []map[string]string{{"role": "system", "content": p.System}, {"role": "user", "content": p.User}},
	})
	if err != nil {
		return reward.Reply{Missing: err.Error()}, false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return reward.Reply{Missing: err.Error()}, false
	}
	request.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reward.Reply{Missing: broken(err)}, true
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return reward.Reply{Missing: broken(err)}, true
	}
	if code := response.StatusCode; code != http.StatusOK {
		said := oneLine(string(text[:min(len(text), 300)]))
		return reward.Reply{Missing: fmt.Sprintf("%s: the server replied %d: %s", reward.CauseRefused, code, said)},
			code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500
	}
	return readCompletion(text)
}

// broken is why a connection gave no reply.
func broken(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return reward.CauseTimeout + ": " + oneLine(err.Error())
	}
	return reward.CauseUnreachable + ": " + oneLine(err.Error())
}

// readCompletion reads a completion; one without text may have some when it is asked for again.
func readCompletion(text []byte) (reply reward.Reply, again bool) {
	var got struct {
		Choices []struct {
			Message struct{ Content string }
			Reason  string `json:"finish_reason"`
		}
		Usage struct {
			In  int `json:"prompt_tokens"`
			Out int `json:"completion_tokens"`
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return reward.Reply{Missing: reward.CauseUnreadable + ": " + err.Error()}, true
	}
	if len(got.Choices) == 0 || strings.TrimSpace(got.Choices[0].Message.Content) == "" {
		return reward.Reply{Missing: reward.CauseUnreadable + ": a reply without text"}, true
	}
	first := got.Choices[0]
	return reward.Reply{Text: first.Message.Content, Cut: first.Reason == "length", TokensIn: got.Usage.In, TokensOut: got.Usage.Out}, false
}
