package trainer

import (
	"fmt"
	"slices"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/chat"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/tokenizer"
	"golang.org/x/sys/cpu"
)

// Student is a model with what turns text into its tokens and back.
type Student struct {
	*model.Model
	Files     *files.Model
	Tokenizer *tokenizer.Tokenizer
	Chat      *chat.Template
	Stop      []int // token ids that end a completion
}

// Device resolves a config's device and dtype: what was found, or what is missing.
func Device(device, dtype string) (torch.Device, torch.DType, error) {
	dev, err := torch.FindDevice(device)
	if err != nil {
		return "", 0, err
	}
	switch dtype {
	case "f32":
		return dev, torch.Float32, nil
	case "bf16":
		return dev, torch.BFloat16, nil
	case "auto":
		if dev != torch.CPU || cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16 {
			return dev, torch.BFloat16, nil
		}
		return dev, torch.Float32, nil
	}
	return "", 0, fmt.Errorf("dtype %q: want auto, f32 or bf16", dtype)
}

// OpenStudent loads a model, its tokenizer and its chat template from an HF directory or a
// .gguf file. The tensors belong to the current scope.
func OpenStudent(path string, o model.Options) (*Student, error) {
	src, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	s := &Student{Files: src, Stop: src.Stop}
	if s.Tokenizer, err = src.Tokenizer(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Chat, err = chat.Parse(src.ChatTemplate, src.SpecialTokens); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Model, err = model.Load(src, o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Prompt is the conversation {system, user} rendered by the model's own template up to where
// the assistant begins, as token ids. An empty system prompt is left out.
func (s *Student) Prompt(system, user string) ([]int, error) {
	messages := []chat.Message{{Role: "user", Content: user}}
	if system != "" {
		messages = slices.Insert(messages, 0, chat.Message{Role: "system", Content: system})
	}
	return s.Render(messages)
}

// Render is a conversation as token ids, up to where the assistant begins.
func (s *Student) Render(messages []chat.Message) ([]int, error) {
	text, err := s.Chat.Render(messages, chat.Options{AddGenerationPrompt: true})
	if err != nil {
		return nil, err
	}
	return s.Tokenizer.Encode(text, false), nil
}

// Text is what a completion says: without the token that ended it.
func (s *Student) Text(c model.Completion) string {
	ids := c.IDs
	if c.Finished {
		ids = ids[:len(ids)-1]
	}
	return s.Tokenizer.Decode(ids)
}
