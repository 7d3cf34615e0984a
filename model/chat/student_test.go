package chat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/rlkd/rlkd/model/chat"
	"github.com/rlkd/rlkd/model/files"
)

// TestStudent renders the template in the default student's GGUF file, which
// `make student` fetches. testdata/student.json holds the prompts that
// transformers 5.23 makes with it.
func TestStudent(t *testing.T) {
	cache := os.Getenv("RLKD_CACHE")
	if cache == "" {
		cache = filepath.Join("..", "..", ".cache")
	}
	m, err := files.Open(filepath.Join(cache, "student", "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	template, err := chat.Parse(m.ChatTemplate, m.SpecialTokens)
	if err != nil {
		t.Fatal(err)
	}
	if template.Source() != m.ChatTemplate {
		t.Error("Source differs from what was parsed")
	}
	data, err := os.ReadFile("testdata/student.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		System       *string
		User, Prompt string
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	for _, c := range cases {
		messages := []chat.Message{{Role: "user", Content: c.User}}
		if c.System != nil {
			messages = append([]chat.Message{{Role: "system", Content: *c.System}}, messages...)
		}
		got, err := template.Render(messages, chat.Options{AddGenerationPrompt: true})
		if err != nil || got != c.Prompt {
			t.Errorf("got %q (%v)\nwant %q", got, err, c.Prompt)
		}
	}
}
