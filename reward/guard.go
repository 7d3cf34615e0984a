package reward

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// chatTokens are the marks by which chat templates tell who speaks. In a text that a model is
// shown they would end the quotation.
var chatTokens = regexp.MustCompile(`(?i)<[|｜][^<>]{0,40}[|｜]>|</?s>|<<?/?sys>>?|\[/?inst\]|<(?:bos|eos|pad|start_of_turn|end_of_turn)>`)

// anyLabel is the label of a step anywhere in a line.
var anyLabel = regexp.MustCompile(`(?i)\[\s*(?:(?:meta|meat|sub)[- ]?)?(?:reasoning|think|problem|query|question|answer)\s*[0-9]{1,9}\s*\]`)

// Shown is a trace as a model may see it: see [plainTrace].
func Shown(t Trace) Trace { return Trace{plainTrace(t.Problem), plainTrace(t.Text)} }

// plainTrace is a text of a trace as a model may see it: without the marks of chat templates, and
// without the lines that carry labels of steps. Only who wants to be believed unread writes
// those; no reasoning has them.
func plainTrace(text string) string {
	text = chatTokens.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), " ")
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !anyLabel.MatchString(line) {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}

// maxQuoted is the most characters of a text that a judge is shown.
const maxQuoted = 1000

// quoted is a text as a judge sees it: on one line, between quotation marks that it cannot
// close, without the marks of chat templates and the labels of steps.
func quoted(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = anyLabel.ReplaceAllString(chatTokens.ReplaceAllString(text, " "), " ")
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), `"`, "'")
	if utf8.RuneCountInString(text) > maxQuoted {
		text = string([]rune(text)[:maxQuoted]) + "…"
	}
	return `"` + text + `"`
}

// grounds tells which steps a trace has.
type grounds struct {
	share          float64 // of a step's content words
	words, numbers map[string]bool
}

func newGrounds(share float64, trace string) grounds {
	return grounds{share, contentWords(trace), plainNumbers(trace)}
}

// holds tells whether the trace has enough of the step's content words, and all the numbers of
// its answer: what a model made up, or worked out by itself, earns the student nothing.
func (g grounds) holds(s Step) bool {
	if g.share == 0 {
		return true
	}
	found, absent := g.found(s)
	return absent == "" && found >= g.share
}

// found returns the share of the step's content words that the trace has, 1 if it has none, and
// a number of its answer that the trace has not, empty if it has them all.
func (g grounds) found(s Step) (share float64, absent string) {
	share = 1
	if words := contentWords(s.Meta + "\n" + s.Query + "\n" + s.Answer); len(words) > 0 {
		share = float64(shared(words, g.words)) / float64(len(words))
	}
	for n := range plainNumbers(s.Answer) {
		if !g.numbers[n] && (absent == "" || n < absent) {
			absent = n
		}
	}
	return share, absent
}

// Grounding returns what share of a step's content words is in a trace, from 0 to 1, and a
// number of its answer that is not there, empty if all are. A decomposer drops steps with less
// than the option grounding, and those with such a number.
func Grounding(s Step, trace string) (share float64, absent string) {
	return newGrounds(0, trace).found(s)
}

// plainNumbers returns the numbers of a text without separators of thousands, each once.
func plainNumbers(text string) map[string]bool {
	return asSet(strings.ReplaceAll(strings.Join(numberPattern.FindAllString(text, -1), " "), ",", ""))
}
