package wordproblems

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/reward"
)

// The teacher's moves. {m} and {o} are the two parts in a random order, {x} the one that the
// question names first; {f} names the quantity to find, {e} its calculation.
var (
	weighing = []string{
		"I could start with {m} or {o}.", "Either {m} or {o} could be first.", "Both {m} and {o} are open.",
		"{m} or {o} first?", "Two ways in: {m} or {o}.",
	}
	choosing = []string{
		"The question names {x} first, so I find {f}: {e}.", "The question asks about {x} first, so first {f}: {e}.",
		"The question puts {x} first, so I work out {f}: {e}.", "The question begins with {x}, so I get {f}: {e}.",
	}
	goingOn   = []string{"Next {f}: {e}.", "Now {f}: {e}.", "That leaves {f}: {e}.", "Then I find {f}: {e}.", "Then I need {f}: {e}."}
	joining   = []string{"With both known, {f}: {e}.", "Now I can get {f}: {e}.", "Both parts are there, so {f}: {e}.", "Then {f}: {e}."}
	finishing = []string{"Finally {f}: {e}.", "Last, {f}: {e}.", "So I find {f}: {e}."}
	answering = []string{`The answer is \boxed{%s}.`, `So it is \boxed{%s}.`, `That makes \boxed{%s}.`, `The result is \boxed{%s}.`}
)

// Teach writes the teacher's text for a problem. Its wording is a function of the seed and the
// index alone.
func Teach(p Problem, seed, index uint64) string {
	text, _ := teach(p, seed, index)
	return text
}

// teach writes the teacher's text and its steps: the sentence up to the calculation is the
// meta-reasoning, the name of the quantity with its calculation the query.
func teach(p Problem, seed, index uint64) (text string, steps []reward.Step) {
	random := rng.NewStream(seed, wording, index)
	mention := p.Choices
	if random.IntN(2) == 1 {
		mention = [2]string{mention[1], mention[0]}
	}
	said := []string{capital(strings.NewReplacer("{m}", mention[0], "{o}", mention[1]).Replace(pick(random, weighing)))}
	for i, step := range p.Steps {
		move := [][]string{choosing, goingOn, joining, finishing}[i]
		name := pick(random, step.Names)
		fill := func(frame string) string {
			return strings.NewReplacer("{x}", p.Choices[0], "{f}", name, "{e}", fmt.Sprintf("%s = %d", step.Expr, step.Value)).Replace(frame)
		}
		frame := pick(random, move)
		meta, _, _ := strings.Cut(frame, ": {e}")
		said = append(said, fill(frame))
		steps = append(steps, reward.Step{Number: i + 1, Meta: fill(meta), Query: name + ": " + step.Expr, Answer: strconv.Itoa(step.Value)})
	}
	return "<think>\n" + strings.Join(said, " ") + "\n</think>\n<answer>\n" +
		fmt.Sprintf(pick(random, answering), p.Answer()) + "\n</answer>", steps
}

// capital returns the text with its first letter in upper case if that is an ASCII one.
func capital(text string) string {
	if text == "" || text[0] >= utf8.RuneSelf {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
