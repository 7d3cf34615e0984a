package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-resty/resty/v2"
)

// chatRequest is what is asked of POST chat/completions: the part of OpenAI's API that all
// servers know. A temperature of 0 is sent, for without one servers sample.
type chatRequest struct {
	Model       string        `json:"model"`
	Messages    []chatMessage `json:"messages"`
	Temperature float64       `json:"temperature"`
	MaxTokens   int           `json:"max_tokens"`
	Logprobs    bool          `json:"logprobs,omitempty"`
	TopLogprobs int           `json:"top_logprobs,omitempty"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// chatReply is what is read of the answer.
type chatReply struct {
	Choices []struct {
		Message      chatMessage `json:"message"`
		FinishReason string      `json:"finish_reason"`
		Logprobs     struct {
			Content []tokenLogprobs `json:"content"`
		} `json:"logprobs"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
}

// tokenLogprobs are the likeliest tokens at one place, with natural logarithms of their
// probabilities.
type tokenLogprobs struct {
	Top []struct {
		Token   string  `json:"token"`
		Logprob float64 `json:"logprob"`
	} `json:"top_logprobs"`
}

// maxBytes is the longest reply that is read.
const maxBytes = 8 << 20

// newHTTP returns a client that sends to the server, at most so many requests at a time over
// connections that stay. It follows no redirect, which may lead the key and the texts to someone
// else's server, and repeats nothing: persist does, with replies in view that are well-formed
// and still of no use.
func newHTTP(baseURL, key string, connections int) *resty.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = connections
	return resty.New().SetBaseURL(baseURL).SetAuthToken(key).SetTransport(t).SetResponseBodyLimit(maxBytes).
		SetRedirectPolicy(resty.RedirectPolicyFunc(func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }))
}

// complete sends one request, under the time limit.
func (c *Client) complete(ctx context.Context, r chatRequest) (reply chatReply, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	response, err := c.http.R().SetContext(ctx).SetBody(r).Post("chat/completions")
	switch {
	case errors.Is(err, resty.ErrResponseBodyTooLarge):
		return reply, fmt.Errorf("%w: more than %d bytes", errUnreadable, maxBytes)
	case err != nil:
		return reply, err
	case !response.IsSuccess():
		return reply, &refusal{response.StatusCode(), refusalText(response), response.Header()}
	}
	if err := json.Unmarshal(response.Body(), &reply); err != nil {
		return reply, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return reply, nil
}

// refusalText is why the server refused: the message of OpenAI's errors, or all that it said.
func refusalText(r *resty.Response) string {
	if code := r.StatusCode(); code >= 300 && code < 400 {
		return "it sends elsewhere; name that address in base_url"
	}
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	json.Unmarshal(r.Body(), &said) // what is not of this form is shown as it is
	return cmp.Or(said.Error.Message, strings.TrimSpace(r.String()), http.StatusText(r.StatusCode()))
}
