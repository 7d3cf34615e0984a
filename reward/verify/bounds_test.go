package verify

import (
	"strings"
	"testing"
)

// hostile are inputs that would take long, much memory or a deep stack without the package's limits.
var hostile = []string{
	strings.Repeat("{", 10000) + "1" + strings.Repeat("}", 10000),
	strings.Repeat("(", 1400) + "1" + strings.Repeat(")", 1400),
	strings.Repeat("|", 1000) + "x" + strings.Repeat("|", 1000),
	strings.Repeat(`\frac{1}{`, 200) + "2" + strings.Repeat("}", 200),
	strings.Repeat(`\boxed{`, 10000),
	strings.Repeat("-", 2000) + "1",
	strings.Repeat("1+", 1400) + "1",
	strings.Repeat("x^", 1000) + "2",
	strings.Repeat("2^{", 40) + "9" + strings.Repeat("}", 40),
	strings.Repeat("a", 100000),
	strings.Repeat("answer $ ", 12000),
	strings.Repeat(`answer\(`, 12000) + "\n",
	strings.Repeat("final answer is ", 6000),
	strings.Repeat("I hope ", 14000),
	strings.Repeat(`\text{`, 500),
	"5" + strings.Repeat("!", 2000),
	"9^{9^{9^{9}}}", "9^9^9^9", "(10^{100})^{100000}", "100000000!", "(1000!)!", `\binom{10^9}{5\cdot 10^8}`,
	"1E999999999", "10^{-999999999}", `\sum_{i=1}^{1000000000} i`, `\sum_{i=1}^{1000} \sum_{j=1}^{1000} ij`,
	`\prod_{i=1}^{1000} i^{1000}`, "0^{0}", "0^{-1}", `\frac{1}{0}`, `\log 0`, `\log_1 5`, `\tan \frac{\pi}{2}`, `\sqrt[0]{2}`,
	`\begin{pmatrix}` + strings.Repeat(`1&`, 700) + `1\end{pmatrix}`, strings.Repeat(`\begin{pmatrix}1&1\\1&1\end{pmatrix}`, 60),
	`\begin{pmatrix}\end{pmatrix}`, `\begin{array}{cc}1\end{array}`, `(1,2)\cup`, `\{\}`, "[\\infty, -\\infty]", "x_{", "x_{}", "\\", "", "\x00", "\xff\xfe",
	strings.Repeat("1,", 1400) + "1", strings.Repeat("x,", 1400) + "x",
}

// Each pair must come back, without a panic; go test's own limit stops what hangs.
func TestHostileInputIsBounded(t *testing.T) {
	for _, s := range hostile {
		for _, completion := range []string{s, `\boxed{` + s + "}", "The final answer is $" + s + "$. I hope"} {
			Accuracy(s, completion)
			Accuracy("5", completion)
			Accuracy("x=(1,2)", completion)
		}
		Equal(s, s)
		Equal("5 km", s)
	}
}

func TestLongCompletions(t *testing.T) {
	long := strings.Repeat(`So $x^2$ and \frac{1}{2}, the answer may be {3}. `, 20000)
	got, err := Accuracy("7", long+`\boxed{7}`)
	if got != 1 || err != nil {
		t.Errorf("Accuracy behind %d bytes = %v, %v; want 1", len(long), got, err)
	}
	if got, err := Accuracy("7", strings.Repeat("answer $8$ ", 50000)); got != 0 || err != nil {
		t.Errorf("Accuracy = %v, %v; want 0", got, err)
	}
}

func FuzzAccuracy(f *testing.F) {
	for _, s := range hostile {
		if len(s) < 300 {
			f.Add(s, `\boxed{`+s+"}")
		}
	}
	f.Add(`\frac{1}{2}`, `the final answer is $0.5$ and $x$`)
	f.Add(`(1,2)\cup[3,\infty)`, `\boxed{x<3 \text{ or } y\ge 2}`)
	f.Add(`x^2+y^2=4`, `$\boxed{\begin{pmatrix}1&2\\3&4\end{pmatrix}}$%`)
	f.Add("48 km", `\boxed{\sum_{k=1}^{5} \binom{5}{k} \pm \sin^2 x}`)
	f.Fuzz(func(t *testing.T, gold, completion string) {
		got, err := Accuracy(gold, completion)
		again, errAgain := Accuracy(gold, completion)
		if got != again || err != errAgain {
			t.Errorf("Accuracy(%q, %q) = %v, %v and then %v, %v", gold, completion, got, err, again, errAgain)
		}
		Equal(gold, completion)
	})
}
