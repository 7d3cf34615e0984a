package openai

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/rlkd/rlkd/reward"
)

// readReply returns what a completion says; one without text is unreadable.
func readReply(c chatReply) (reward.Reply, error) {
	if len(c.Choices) == 0 {
		return reward.Reply{}, fmt.Errorf("%w: no choices in it", errUnreadable)
	}
	first := c.Choices[0]
	if strings.TrimSpace(first.Message.Content) == "" {
		return reward.Reply{}, fmt.Errorf("%w: it has no text", errUnreadable)
	}
	return reward.Reply{
		Text: first.Message.Content, Cut: first.FinishReason == "length",
		TokensIn: c.Usage.PromptTokens, TokensOut: c.Usage.CompletionTokens,
	}, nil
}

// readBelief returns how likely the first token says yes and no, in all spellings that the
// server lists; failing that, what the first word says.
func readBelief(c chatReply) (reward.Belief, error) {
	if len(c.Choices) == 0 {
		return reward.Belief{}, fmt.Errorf("%w: no choices in it", errUnreadable)
	}
	first := c.Choices[0]
	if b, ok := likely(first.Logprobs.Content); ok {
		return b, nil
	}
	switch word(first.Message.Content) {
	case "yes":
		return reward.Belief{Yes: 1}, nil
	case "no":
		return reward.Belief{No: 1}, nil
	}
	return reward.Belief{}, fmt.Errorf("%w: want yes or no, got %.40q", errUnreadable, first.Message.Content)
}

// likely sums the probabilities of yes and no as first token, if either is listed.
func likely(tokens []tokenLogprobs) (b reward.Belief, ok bool) {
	if len(tokens) == 0 {
		return b, false
	}
	for _, t := range tokens[0].Top {
		p := math.Exp(t.Logprob)
		if !(p >= 0 && p <= 1.001) {
			return b, false
		}
		// Some servers show a leading blank as the tokenizer writes it.
		switch strings.ToLower(strings.Trim(t.Token, " \t\r\nĠ▁")) {
		case "yes":
			b.Yes += p
		case "no":
			b.No += p
		}
	}
	return b, b.Yes+b.No > 0
}

// word returns the first word of a text, without the marks around it, in small letters.
func word(text string) string {
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	text = strings.TrimLeftFunc(text, notLetter)
	if end := strings.IndexFunc(text, unicode.IsSpace); end >= 0 {
		text = text[:end]
	}
	return strings.ToLower(strings.TrimRightFunc(text, notLetter))
}
