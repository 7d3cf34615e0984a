package main

import (
	"fmt"
	"strings"
)

// Shape is the work of one GRPO step: Rows completions of Completion tokens each, Group of them
// after one prompt of Prompt tokens. No completion ends early, so the work is always the same.
type Shape struct {
	Rows       int `json:"rows"`
	Group      int `json:"group"`
	Prompt     int `json:"prompt"`
	Completion int `json:"completion"`
}

// String is the shape as ParseShape reads it: rows x prompt + completion, and the group's size
// where it is not 8.
func (s Shape) String() string {
	text := fmt.Sprintf("%dx%d+%d", s.Rows, s.Prompt, s.Completion)
	if s.Group != min(8, s.Rows) {
		text += fmt.Sprintf("/%d", s.Group)
	}
	return text
}

// ParseShape reads "16x64+128": 16 completions of 128 tokens after prompts of 64, 8 a prompt, or
// as many as follow a slash.
func ParseShape(text string) (s Shape, err error) {
	body, group, grouped := strings.Cut(text, "/")
	if _, err = fmt.Sscanf(body, "%dx%d+%d", &s.Rows, &s.Prompt, &s.Completion); err == nil {
		s.Group = min(8, s.Rows)
		if grouped {
			_, err = fmt.Sscanf(group, "%d", &s.Group)
		}
	}
	switch {
	case err != nil || s.String() != strings.TrimSuffix(text, fmt.Sprintf("/%d", min(8, s.Rows))):
		return s, fmt.Errorf("shape %q: want rows x prompt + completion, such as 16x64+128, or 16x64+128/4 for groups of 4", text)
	case s.Rows < 1 || s.Prompt < 1 || s.Completion < 1 || s.Group < 1 || s.Rows%s.Group != 0:
		return s, fmt.Errorf("shape %q: all numbers must be positive and the rows a multiple of the group's size %d", text, s.Group)
	}
	return s, nil
}

// parseShapes reads shapes separated by commas.
func parseShapes(text string) (out []Shape, err error) {
	for _, t := range strings.Split(text, ",") {
		s, err := ParseShape(strings.TrimSpace(t))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Prompts is how many prompts a step has.
func (s Shape) Prompts() int { return s.Rows / s.Group }

// Tokens is how many completion tokens a step has.
func (s Shape) Tokens() int { return s.Rows * s.Completion }
