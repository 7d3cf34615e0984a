package chat

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// golden is testdata/golden.json, which scripts/golden/chat.py writes with
// transformers.
type golden struct {
	Special map[string]string
	Now     time.Time
	Cases   []struct {
		Name, Template      string
		Messages            []Message
		AddGenerationPrompt bool `json:"add_generation_prompt"`
		Vars                map[string]json.RawMessage
		Want                *string
		Error               string
	}
	Failures []struct {
		Name, Template string
		Line           *int
		Message        string
	}
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func render(template string, special map[string]string, messages []Message, o Options) (string, error) {
	parsed, err := Parse(template, special)
	if err != nil {
		return "", err
	}
	return parsed.Render(messages, o)
}

func TestGolden(t *testing.T) {
	var g golden
	readJSON(t, "testdata/golden.json", &g)
	if len(g.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range g.Cases {
		vars := make(map[string]any)
		for name, v := range c.Vars {
			vars[name] = v
		}
		got, err := render(c.Template, g.Special, c.Messages, Options{c.AddGenerationPrompt, vars, g.Now})
		switch {
		case c.Want == nil && err == nil:
			t.Errorf("%s: got %q, want the error %q", c.Name, got, c.Error)
		case c.Want == nil && !strings.Contains(err.Error(), c.Error):
			t.Errorf("%s: got the error %q, want %q in it", c.Name, err, c.Error)
		case c.Want != nil && err != nil:
			t.Errorf("%s: %v\nwant %q", c.Name, err, *c.Want)
		case c.Want != nil && got != *c.Want:
			t.Errorf("%s:\n got %q\nwant %q", c.Name, got, *c.Want)
		}
	}
}

func TestFailures(t *testing.T) {
	var g golden
	readJSON(t, "testdata/golden.json", &g)
	for _, f := range g.Failures {
		_, err := render(f.Template, g.Special, []Message{{"user", "hi"}}, Options{})
		if err == nil {
			t.Errorf("%s: no error", f.Name)
			continue
		}
		if !strings.Contains(err.Error(), f.Message) || f.Line != nil && !strings.Contains(err.Error(), fmt.Sprintf("line %d: ", *f.Line)) {
			t.Errorf("%s: got %q, want line %v and %q", f.Name, err, f.Line, f.Message)
		}
		if strings.Contains(err.Error(), "invalid call") {
			t.Errorf("%s: the error shows how it was raised: %q", f.Name, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has more than a line: %q", f.Name, err)
		}
	}
}
