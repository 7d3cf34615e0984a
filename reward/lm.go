package reward

import (
	"context"
	"strings"
)

// Prompt is a conversation for a language model: an optional system message and what the user
// says.
type Prompt struct {
	System, User string
	Stem         int // how many bytes of User other prompts about the same problem begin with too; a hint
}

// Reply is what a language model wrote to a prompt, or why it could not be had.
type Reply struct {
	Text    string
	Cut     bool   // it ended for want of room, not by itself
	Missing string // cause and detail; see [Cause]

	// TokensIn and TokensOut are the tokens that it was asked and answered with, as a server
	// counts them for its bill; 0 where nobody counts.
	TokensIn, TokensOut int
}

// Writer answers prompts, greedily. It returns one reply for each prompt, in their order, and
// marks those it failed on as missing; an error means that it failed on all of them. Every
// implementation bounds the time that it takes.
type Writer interface {
	Write(ctx context.Context, prompts []Prompt) ([]Reply, error)
}

// Belief is how likely a language model begins its reply with yes and with no, in any spelling,
// or why that could not be had. One that only shows what it wrote has 1 for it and 0 for the
// other.
type Belief struct {
	Yes, No float64
	Missing string // cause and detail; see [Cause]
}

// Chooser answers yes-or-no prompts, with the promises of [Writer].
type Chooser interface {
	Choose(ctx context.Context, prompts []Prompt) ([]Belief, error)
}

// LM is a language model that serves as decomposer or judge: in this process, or behind HTTP.
type LM interface {
	Writer
	Chooser
	// Identity names the model with all that its answers depend on beside the prompt: what a
	// cache keeps answers under.
	Identity() string
}

// The causes of a missing reward that are counted apart. The text of a missing value begins
// with one of them, a colon and a blank.
const (
	CauseUnreachable = "unreachable" // no connection, or one that broke
	CauseTimeout     = "timeout"     // no reply before the deadline
	CauseRefused     = "refused"     // the server replied with an error
	CauseUnreadable  = "unreadable"  // a reply that cannot be understood
	CauseTeacher     = "teacher"     // the teacher's text has no steps
	CauseGold        = "gold"        // the right answer does not parse
	CauseOther       = "other"
)

// Causes lists the causes that are counted apart, in the order in which they are shown.
var Causes = []string{CauseUnreachable, CauseTimeout, CauseRefused, CauseUnreadable, CauseTeacher, CauseGold, CauseOther}

// Cause returns which of the causes the reason of a missing value begins with; one that begins
// with none of them is other.
func Cause(missing string) string {
	for part := range strings.SplitSeq(missing, ": ") {
		switch part {
		case CauseUnreachable, CauseTimeout, CauseRefused, CauseUnreadable, CauseTeacher, CauseGold:
			return part
		}
	}
	return CauseOther
}
