package audit

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/rlkd/rlkd/reward"
	"golang.org/x/net/html"
)

// evil is what a student might write to take over the page, in each context it could break.
const evil = `</pre></details></td></script><script>alert(1)</script><img src=x onerror=alert(2)> " ' onmouseover=alert(3) {{.}} javascript:alert(4)`

// written is the page of entries.
func written(t *testing.T, normalize string, entries ...Entry) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, Page{Title: "t", Weights: reward.DefaultWeights(), Normalize: normalize, Entries: entries}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNothingOfAStudentRuns(t *testing.T) {
	verdict := &reward.Verdict{Missing: evil, By: evil}
	step := reward.Step{Number: 1, Meta: evil, Query: evil, Answer: evil}
	missing := reward.Value{Missing: evil}
	e := Entry{Name: evil, Item: reward.Item{Problem: evil, Answer: evil, Generation: evil, Completion: evil}, Score: reward.Score{
		Accuracy: missing, Format: missing, TagCount: missing, Structure: missing, Total: missing, TeacherSteps: 1,
		Steps: []reward.StepScore{{Number: 1, Student: step, Teacher: step, Meta: verdict, Query: verdict, Answer: verdict}},
	}}
	var b strings.Builder
	if err := Write(&b, Page{Title: evil, Entries: []Entry{e}}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the text itself is not shown")
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		tags[n.Data]++
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "javascript:") && a.Key != "title" {
				t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	if tags["script"] != 1 || tags["img"] != 0 || tags["pre"] != 2 || tags["details"] != 3 {
		t.Errorf("the page's tags are %v", tags)
	}
	if regexp.MustCompile(`(?i)(src|href)="?(https?:|//)|url\(|@import`).MatchString(page) {
		t.Error("the page loads something")
	}
	if !strings.Contains(page, `script-src &#39;sha256-`) && !strings.Contains(page, `script-src 'sha256-`) {
		t.Error("the page has no policy")
	}
}

// TestArithmetic checks that the sums are written out as they were made.
func TestArithmetic(t *testing.T) {
	const teacher = "<think>\nFirst I should find how many apples there are in all. 3 + 4 = 7 apples. " +
		"Next I need the number of apples that are left. 7 - 2 = 5 apples.\n</think>\n<answer>\n\\boxed{5}\n</answer>"
	completion := strings.Replace(teacher, "7 - 2 = 5 apples", "7 - 2 = 6 apples", 1)
	item := reward.Item{Problem: "Tom has 3 apples, gets 4 and eats 2. How many are left?", Answer: "5", Generation: teacher, Completion: completion}
	for normalize, want := range map[string][]string{
		reward.NormalizeTeacher: {"(1 + 0.5) / 2 = 0.75", "15 × 1 accuracy + 10 × 1 format + 10 × 1 tags + 15 × 0.75 structure = 46.25", "worth 1 × ½ for its answer = 0.5"},
		reward.NormalizeNone:    {"1 + 0.5 = 1.5", "15 × 1.5 structure = 57.5"},
	} {
		o := reward.DefaultOptions()
		o.Normalize = normalize
		scorer, err := reward.NewScorer(reward.DefaultWeights(), o)
		if err != nil {
			t.Fatal(err)
		}
		scores, err := scorer.Score(context.Background(), []reward.Item{item})
		if err != nil {
			t.Fatal(err)
		}
		page := strings.ReplaceAll(written(t, normalize, Entry{Item: item, Score: scores[0]}), "&#43;", "+")
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("normalize %s: the page lacks %q", normalize, text)
			}
		}
		if strings.Contains(page, "the file says") {
			t.Errorf("normalize %s: the sums do not come out", normalize)
		}
	}
}

func TestVerdictsInWords(t *testing.T) {
	p := 0.8125
	same, differs := &reward.Verdict{Same: true, By: "judge", P: &p}, &reward.Verdict{By: "rules"}
	full := reward.Step{Meta: "m", Query: "q", Answer: "a"}
	s := reward.Score{StudentSteps: 5, TeacherSteps: 3, Structure: reward.Value{V: 0.25}, Total: reward.Value{V: 3.75}, Steps: []reward.StepScore{
		{Number: 1, Student: full, Teacher: full, Meta: same, Query: same, Answer: &reward.Verdict{Missing: "judge: timeout: 5s", By: "judge"}, Score: 1},
		{Number: 2, Student: full, Teacher: full, Meta: differs},
		{Number: 3, Student: full, Teacher: full},
	}}
	page := written(t, reward.NormalizeTeacher, Entry{Score: s, Trained: &Trained{}})
	for _, want := range []string{
		"by judge, p = 0.812", "judge: timeout: 5s", "worth not known", "worth 0: the paths part here", "worth 0: after step 2",
		"2 more steps, which are not compared", "not compared with its group", "the file says 0.25", "not in the file",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	s.Structure = reward.Value{Missing: "student: unreachable: no route"}
	page = strings.ReplaceAll(written(t, reward.NormalizeTeacher, Entry{Score: s}), "&#43;", "+")
	for _, want := range []string{"missing: student: unreachable: no route", "; without structure, which is missing"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestManyAndStrangeTexts writes 500 long completions, with bytes that are no text.
func TestManyAndStrangeTexts(t *testing.T) {
	entries := make([]Entry, 500)
	for i := range entries {
		entries[i].Item = reward.Item{Problem: fmt.Sprint("problem ", i), Completion: "\x00\xff\u202e" + strings.Repeat("word ", 4000)}
	}
	page := written(t, reward.NormalizeTeacher, entries...)
	if n := strings.Count(page, `<details class="entry"`); n != 500 {
		t.Errorf("%d entries", n)
	}
	if strings.ContainsAny(page, "\x00") || !strings.Contains(page, `id="c500"`) {
		t.Error("the texts are not as they should be")
	}
}
