package reward

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward/hacking"
)

func TestHacksEarnNoMoreThanAnHonestWrongSolution(t *testing.T) {
	s := byRules(t)
	honest := scoreOne(t, s, penItem(hacking.HonestWrong, hacking.WrongAnswer))
	if honest.Structure != (Value{V: 0.5}) {
		t.Fatalf("the honest wrong solution has structure %+v, want a half", honest.Structure)
	}
	for name, reasoning := range hacking.Reasonings() {
		got := scoreOne(t, s, penItem(reasoning, hacking.WrongAnswer))
		if got.Structure.Missing != "" || got.Structure.V > honest.Structure.V {
			t.Errorf("%s: structure %+v, the honest wrong solution's is %g", name, got.Structure, honest.Structure.V)
		}
		if got.Total.Missing != "" || got.Total.V > honest.Total.V {
			t.Errorf("%s: total %+v, the honest wrong solution's is %g", name, got.Total, honest.Total.V)
		}
	}
}

// Without the right form there is nothing but the structure to collect.
func TestAnswerOnly(t *testing.T) {
	for _, completion := range []string{"", "32", `\boxed{32}`, `The answer is $32$.`, "</think>", strings.Repeat(`\boxed{32} `, 1000)} {
		got := scoreOne(t, byRules(t), Item{Problem: penProblem, Answer: hacking.Answer, Generation: penTeacher, Completion: completion})
		if got.Structure != (Value{}) || got.StudentSteps != 0 {
			t.Errorf("%.40q: structure %+v from %d steps, want 0 from none", completion, got.Structure, got.StudentSteps)
		}
	}
}

func BenchmarkRules(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000} {
		for _, name := range []string{"one endless sentence", "let", "100k of noise", "thousand quantities"} {
			text := hacking.Reasonings()[name]
			text = strings.Repeat(text, 1+n/len(text))[:n]
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(name, " ", "-"), n), func(b *testing.B) {
				b.SetBytes(int64(n))
				for range b.N {
					stepsOf(plain(text))
				}
			})
		}
	}
}
