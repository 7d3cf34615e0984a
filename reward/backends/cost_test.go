package backends

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rlkd/rlkd/reward"
)

// BenchmarkCost is a step of 32 completions, no two texts of them alike, of 8 problems at a
// server that takes 50 ms a request: with the teachers' texts to take apart, and without. A
// round is a request for each completion; the bound is rounds * 50 ms * 32 / concurrency, and
// for as many requests as there are of teachers beside. No verdict is known without the judge.
func BenchmarkCost(b *testing.B) {
	const delay, concurrency, steps = 50 * time.Millisecond, 8, 3
	s := &server{delay: delay, reply: func(user string) string {
		if !strings.Contains(user, "\nReasoning: ") {
			return "yes"
		}
		name := user[strings.LastIndex(user, "\n")+1:]
		var lines []string
		for i := range steps {
			lines = append(lines, fmt.Sprintf("[think %d]: turn %d of %s\n[query %d]: what %d of %s\n[answer %d]: %d of %s", i+1, i, name, i+1, i, name, i+1, i, name))
		}
		return strings.Join(lines, "\n")
	}}
	batch := func(n int) (items []reward.Item) {
		for c := range 32 {
			items = append(items, reward.Item{Problem: fmt.Sprint("problem ", c/4),
				Generation: fmt.Sprintf("teacher<%d>", c/4), Completion: fmt.Sprintf("student<%d-%d>", n, c)})
		}
		return items
	}
	scorer := func() *reward.Scorer {
		return s.scorer(b, func(o *reward.Options) { o.Decomposer.Concurrency, o.Judge.Concurrency = concurrency, concurrency })
	}
	for _, teachers := range []string{"asked", "known"} {
		b.Run("teachers="+teachers, func(b *testing.B) {
			sc, took, requests, rounds, beside := scorer(), time.Duration(0), 0, 0, 0
			if teachers == "known" {
				if _, err := sc.Score(context.Background(), batch(0)); err != nil {
					b.Fatal(err)
				}
			}
			for n := range b.N {
				if teachers == "asked" {
					sc = scorer()
				}
				s.asked = nil
				start := time.Now()
				if _, err := sc.Score(context.Background(), batch(n+1)); err != nil {
					b.Fatal(err)
				}
				took += time.Since(start)
				most, others := mostOfOneStudent(s.asked)
				requests, rounds, beside = requests+len(s.asked), rounds+most, beside+others
			}
			n := float64(b.N)
			bound := time.Duration(rounds*32+beside) * delay / concurrency
			b.ReportMetric(float64(requests)/n, "requests/step")
			b.ReportMetric(float64(rounds)/n, "rounds/step")
			b.ReportMetric(bound.Seconds()*1000/n, "bound-ms/step")
			b.ReportMetric(took.Seconds()*1000/n, "ms/step")
			b.ReportMetric(took.Seconds()/bound.Seconds(), "of-bound")
		})
	}
}

var studentName = regexp.MustCompile(`student<[0-9-]+>`)

// mostOfOneStudent returns how often the server was asked about the student's text that it was
// asked about most, and how often about none.
func mostOfOneStudent(asked []string) (most, others int) {
	count := map[string]int{}
	for _, user := range asked {
		name := studentName.FindString(user)
		if name == "" {
			others++
			continue
		}
		count[name]++
		most = max(most, count[name])
	}
	return most, others
}
