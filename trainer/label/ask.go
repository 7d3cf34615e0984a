package label

import (
	"context"
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// provenance says, in a row, who labelled it and, of one that was rejected, why: the fault of
// the last reply, and that reply.
type provenance struct {
	Model    string `json:"model"`
	Prompt   string `json:"prompt"`
	Rejected string `json:"rejected,omitempty"`
	Reply    string `json:"reply,omitempty"`
}

// label asks for the steps of a row until they are right or the attempts are used up, and puts
// the row where it belongs. The error is one of writing, or that of a cancelled context.
func (r *run) label(ctx context.Context, row row) error {
	by := provenance{Model: r.Model, Prompt: PromptVersion}
	if strings.TrimSpace(row.trace.Text) == "" {
		by.Rejected = "there is no reasoning"
		return r.settle(row, nil, by)
	}
	asked := Prompt(row.domain, row.trace)
	prompt := asked
	for range r.Attempts {
		reply := r.write(ctx, prompt)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if reply.Missing != "" {
			r.fail(reply.Missing)
			return nil
		}
		steps, fault := read(reply.Text, row.trace, r.Grounding)
		if reply.Cut {
			fault = "it was cut off for want of room; write shorter lines, and join steps that serve the same sub-problem"
		}
		by.Rejected, by.Reply = fault, reply.Text
		if fault == "" {
			by.Reply = ""
			return r.settle(row, steps, by)
		}
		prompt = again(asked, reply.Text, fault)
	}
	return r.settle(row, nil, by)
}

// write asks once, and counts.
func (r *run) write(ctx context.Context, prompt reward.Prompt) reward.Reply {
	replies, err := r.writer.Write(ctx, []reward.Prompt{prompt})
	reply := reward.Reply{Missing: "no reply"}
	if err != nil {
		reply.Missing = err.Error()
	} else if len(replies) > 0 {
		reply = replies[0]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if reply.Missing == "" {
		r.streak = 0
	}
	r.counts.Requests++
	r.counts.TokensIn += reply.TokensIn
	r.counts.TokensOut += reply.TokensOut
	r.counts.Cost = (float64(r.counts.TokensIn)*r.PriceIn + float64(r.counts.TokensOut)*r.PriceOut) / 1e6
	return reply
}

// settle writes a row with its steps, or apart with the reason why it has none.
func (r *run) settle(row row, steps []reward.Step, by provenance) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if by.Rejected != "" {
		if err := r.rejects.add(row.id, row.with(labelKey, by)); err != nil {
			return err
		}
		r.counts.Rejected++
	} else {
		if err := r.out.add(row.id, row.with(stepsKey, steps, labelKey, by)); err != nil {
			return err
		}
		r.counts.Labelled++
	}
	r.progress()
	return nil
}

// fail counts a row for which no reply could be had.
func (r *run) fail(missing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts.Failed == 0 {
		r.failure = missing
	}
	r.counts.Failed++
	r.streak++
	r.progress()
}

// progress counts a row that was asked for; the lock is held.
func (r *run) progress() {
	r.counts.Left--
	if r.Progress != nil {
		r.Progress(r.counts)
	}
}
