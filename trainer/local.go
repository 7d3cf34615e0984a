package trainer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/reward"
)

// localLM is a language model in this process that the reward asks: it satisfies [reward.LM].
// All its work is on the engine.
type localLM struct {
	student   *Student
	adapter   *model.Adapter // active for its work; nil = the weights as they are
	identity  string
	maxTokens int                  // of a reply
	rows      int                  // most texts worked on at once
	note      func(message string) // told when it works on fewer, if set
	yes, no   []int
}

// Identity names the weights by what is in their files.
func (l *localLM) Identity() string { return l.identity }

// Write answers prompts greedily. A prompt that the model has no room for is missing.
func (l *localLM) Write(ctx context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	replies := make([]reward.Reply, len(prompts))
	ids, asked, err := l.render(prompts, l.maxTokens, func(i int, missing string) { replies[i].Missing = missing })
	if err != nil || len(ids) == 0 {
		return replies, err
	}
	requests := make([]model.Request, len(ids))
	for i, prompt := range ids {
		shared, err := l.shared(prompts[asked[i]], prompt)
		if err != nil {
			return nil, err
		}
		requests[i] = model.Request{Prompt: prompt, Shared: shared, N: 1}
	}
	g := model.Generator{
		Model: l.student.Model, Stop: l.student.Stop, MaxTokens: l.maxTokens, Rows: l.rows,
		Progress: func(int, int) error { return ctx.Err() },
	}
	if l.note != nil {
		g.Tell(func(message string) { l.note("the reward's model: " + message) })
	}
	var out [][]model.Completion
	err = l.on(func() error { out, err = g.Generate(requests); return err })
	l.student.PhaseEnds()
	if err != nil {
		return nil, err
	}
	for i, at := range asked {
		c := out[i][0]
		replies[at] = reward.Reply{Text: l.student.Text(c), Cut: !c.Finished}
	}
	return replies, nil
}

// on runs fn on the model with its adapter.
func (l *localLM) on(fn func() error) error {
	return torch.Try(func() (err error) {
		l.student.With(l.adapter, func() { err = fn() })
		return err
	})
}

// budget is how many tokens of prompts are looked at in one pass.
const budget = 4096

// Choose tells how likely yes and no come next, from one pass over each prompt.
func (l *localLM) Choose(ctx context.Context, prompts []reward.Prompt) ([]reward.Belief, error) {
	beliefs := make([]reward.Belief, len(prompts))
	ids, asked, err := l.render(prompts, 1, func(i int, missing string) { beliefs[i].Missing = missing })
	if err != nil || len(ids) == 0 {
		return beliefs, err
	}
	var logp [][]float32
	err = l.on(func() error {
		logp = l.student.Next(ids, slices.Concat(l.yes, l.no), budget)
		return ctx.Err()
	})
	l.student.PhaseEnds()
	if err != nil {
		return nil, err
	}
	for i, at := range asked {
		beliefs[at] = reward.Belief{Yes: probability(logp[i][:len(l.yes)]), No: probability(logp[i][len(l.yes):])}
	}
	return beliefs, nil
}

// probability is that of any of some tokens.
func probability(logp []float32) (p float64) {
	for _, x := range logp {
		p += math.Exp(float64(x))
	}
	return p
}

// render returns the prompts as token ids, with their places in the list, but for those that
// leave no room for a reply of so many tokens: they go to drop.
func (l *localLM) render(prompts []reward.Prompt, reply int, drop func(i int, missing string)) (ids [][]int, asked []int, err error) {
	room := l.student.Config.MaxPositionEmbeddings
	for i, p := range prompts {
		prompt, err := l.student.Prompt(p.System, p.User)
		if err != nil {
			return nil, nil, err
		}
		if len(prompt)+reply > room {
			drop(i, fmt.Sprintf("%s: a prompt of %d tokens and a reply of %d do not fit the model's %d", reward.CauseOther, len(prompt), reply, room))
			continue
		}
		ids, asked = append(ids, prompt), append(asked, i)
	}
	return ids, asked, nil
}

// shared are the lengths of what a prompt's tokens have in common with those of the prompts of the
// same system message, and of the same stem.
func (l *localLM) shared(p reward.Prompt, ids []int) (lengths []int, err error) {
	for _, user := range []string{"", p.User[:p.Stem]} {
		other, err := l.student.Prompt(p.System, user)
		if err != nil {
			return nil, err
		}
		n := 0
		for n < min(len(ids), len(other)) && ids[n] == other[n] {
			n++
		}
		lengths = append(lengths, n)
	}
	return lengths, nil
}

// spellings are the tokens that spell a word, in any case and with or without a blank before it.
func (s *Student) spellings(word string) (ids []int) {
	for id := range min(s.Tokenizer.VocabSize(), s.Config.VocabSize) {
		if strings.EqualFold(strings.TrimSpace(s.Tokenizer.Decode([]int{id})), word) {
			ids = append(ids, id)
		}
	}
	return ids
}
