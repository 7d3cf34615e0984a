package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

var errUnreadable = errors.New("a reply that cannot be understood")

// refusal is an answer that is none: a status other than success.
type refusal struct {
	status int
	text   string
	header http.Header
}

// Error says what the server said.
func (r *refusal) Error() string { return fmt.Sprintf("the server replied %d: %s", r.status, r.text) }

// worthRetrying tells whether the same request may succeed later: not when the server has
// refused it for what it is.
func worthRetrying(err error) bool {
	var refused *refusal
	if !errors.As(err, &refused) {
		return true
	}
	return refused.status == http.StatusRequestTimeout || refused.status == http.StatusTooManyRequests || refused.status >= 500
}

// missing is the reason that an error gives, behind its cause, on one line.
func missing(err error) string {
	cause := reward.CauseUnreachable // whatever else happens between here and the server
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		cause = reward.CauseRefused
	case errors.Is(err, errUnreadable):
		cause = reward.CauseUnreadable
	case errors.Is(err, context.DeadlineExceeded):
		cause = reward.CauseTimeout
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
