package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	api "github.com/openai/openai-go/v3"

	"github.com/rlkd/rlkd/reward"
)

var (
	errUnreadable = errors.New("a reply that cannot be understood")
	errTooLarge   = fmt.Errorf("%w: more than %d bytes", errUnreadable, maxBytes)
	errBroken     = errors.New("the connection broke in the reply")
	errRedirect   = errors.New("the server sends elsewhere; name that address in base_url")
)

// maxBytes is the longest reply that is read.
const maxBytes = 8 << 20

// transport bounds the replies, and refuses to be sent elsewhere.
type transport struct{ http.RoundTripper }

func newTransport(connections int) transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = connections
	return transport{t}
}

// RoundTrip sends a request.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		response.Body.Close()
		return nil, fmt.Errorf("%w (%s)", errRedirect, response.Status)
	}
	response.Body = &bounded{response.Body, maxBytes}
	return response, nil
}

// bounded is a body that fails when it is too long.
type bounded struct {
	io.ReadCloser
	left int
}

// Read reads at most what is left.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	if err != nil && err != io.EOF { // the library tells it from JSON that ends too early by nothing else
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return n, err
}

// worthRetrying tells whether the same request may succeed later: not when the server has
// refused it for what it is.
func worthRetrying(err error) bool {
	var refused *api.Error
	if errors.As(err, &refused) {
		code := refused.StatusCode
		return code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500
	}
	return !errors.Is(err, errRedirect)
}

// missing is the reason that an error gives, behind its cause, on one line.
func missing(err error) string {
	cause := reward.CauseOther
	var refused *api.Error
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var network net.Error
	switch {
	case errors.As(err, &refused):
		return oneLine(fmt.Sprintf("%s: the server replied %d: %s", reward.CauseRefused, refused.StatusCode, refused.Message))
	case errors.Is(err, errRedirect):
		cause = reward.CauseRefused
	case errors.Is(err, errUnreadable), errors.As(err, &syntax), errors.As(err, &kind):
		cause = reward.CauseUnreadable
	case errors.Is(err, context.DeadlineExceeded):
		cause = reward.CauseTimeout
	case errors.As(err, &network), errors.Is(err, errBroken):
		cause = reward.CauseUnreachable
	default: // what the library says of a body that is not what it wants
		cause = reward.CauseUnreadable
	}
	return oneLine(cause + ": " + err.Error())
}

// oneLine keeps a reason short enough for a line of a table.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
