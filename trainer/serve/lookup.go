package serve

import (
	"strings"

	"github.com/rlkd/rlkd/reward"
)

// lookup finds rows of a dataset.
type lookup struct {
	byProblem map[string]reward.Item
	byAnswer  map[string][]reward.Item
}

// newLookup keeps the rows; of several with one problem the first counts.
func newLookup(rows []reward.Item) lookup {
	l := lookup{map[string]reward.Item{}, map[string][]reward.Item{}}
	for _, row := range rows {
		if _, known := l.byProblem[row.Problem]; known {
			continue
		}
		l.byProblem[row.Problem] = row
		l.byAnswer[row.Answer] = append(l.byAnswer[row.Answer], row)
	}
	return l
}

func (l lookup) empty() bool { return len(l.byProblem) == 0 }

// problem returns the row with exactly this problem.
func (l lookup) problem(text string) (reward.Item, bool) {
	row, found := l.byProblem[text]
	return row, found
}

// answer returns the row with this answer whose problem is part of the prompt; of several the
// one with the longest problem, which contains the others or leaves less of the prompt unread.
func (l lookup) answer(answer, prompt string) (best reward.Item, found bool) {
	for _, row := range l.byAnswer[answer] {
		if len(row.Problem) > len(best.Problem) && strings.Contains(prompt, row.Problem) {
			best, found = row, true
		}
	}
	return best, found
}
