// Package audit writes scores as a page that a person can read: for each completion the steps
// of student and teacher side by side, who decided what and how surely, and the arithmetic from
// the verdicts to the total. The page is one file that loads nothing else.
package audit

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/rlkd/rlkd/reward"
)

// Page is what is written.
type Page struct {
	Title     string         // such as the name of the file with the completions
	Weights   reward.Weights // of the parts in the total
	Normalize string         // whether the steps' sum is divided by the teacher's steps, as in the configuration
	Entries   []Entry
}

// Entry is one completion with its score.
type Entry struct {
	Name  string // what to call it beside its number, such as its group and sample
	Item  reward.Item
	Score reward.Score
	// Trained is what the trainer made of it, if it is from a run.
	Trained *Trained
}

// Trained is what a run made of a score.
type Trained struct {
	Reward    *float64 // nil when it was not comparable with those of its group
	Advantage float64
}

//go:embed page.html
var pageText string

//go:embed page.css
var style string

//go:embed page.js
var script string

var page = template.Must(template.New("page").Parse(pageText))

// Write writes the page. All that students and teachers wrote is escaped, and the policy in the
// page's head lets no script run but its own.
func Write(w io.Writer, p Page) error {
	sum := sha256.Sum256([]byte(script))
	view := struct {
		Title, ScriptHash string
		Style             template.CSS
		Script            template.JS
		Summary           []average
		Rows              []row
	}{
		Title: p.Title, ScriptHash: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		Style: template.CSS(style), Script: template.JS(script),
	}
	for i, e := range p.Entries {
		view.Rows = append(view.Rows, newRow(i+1, e, p))
	}
	view.Summary = summary(p.Entries)
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}
