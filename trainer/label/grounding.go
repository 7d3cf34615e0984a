package label

import (
	"strings"
	"unicode"

	"github.com/rlkd/rlkd/reward"
)

// stemLength is the number of letters by which forms of a word are taken for one.
const stemLength = 5

// grounded returns the share of a step's words, of four letters or more, and numbers that the
// reasoning or its problem has; 1 for a step without any.
func grounded(s reward.Step, t reward.Trace) float64 {
	there := words(t.Problem + " " + t.Text)
	said := words(s.Meta + " " + s.Query + " " + s.Answer)
	found := 0
	for w := range said {
		if there[w] {
			found++
		}
	}
	if len(said) == 0 {
		return 1
	}
	return float64(found) / float64(len(said))
}

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		letters := []rune(w)
		if len(letters) >= 4 || unicode.IsDigit(letters[0]) {
			set[string(letters[:min(len(letters), stemLength)])] = true
		}
	}
	return set
}
