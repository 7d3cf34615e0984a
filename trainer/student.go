package trainer

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/chat"
	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/tokenizer"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/cpu"
)

// Student is a model with what turns text into its tokens and back.
type Student struct {
	*model.Model
	Adapter   *model.Adapter // the LoRA adapter in use; nil for none
	Files     *files.Model
	Tokenizer *tokenizer.Tokenizer
	Chat      *chat.Template
	Stop      []int // token ids that end a completion
	EndOfTurn int   // the one of them that ends the assistant's turn in the chat template
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
		if dev != torch.CPU || torch.Kernels() != "none" || MultipliesBF16() {
			return dev, torch.BFloat16, nil
		}
		return dev, torch.Float32, nil
	}
	return "", 0, fmt.Errorf("dtype %q: want auto, f32 or bf16", dtype)
}

// MultipliesBF16 tells whether the CPU has instructions for it, without which libtorch multiplies bf16 far slower than
// fp32.
func MultipliesBF16() bool { return cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16 }

// Open is OpenStudent with a device and dtype as a configuration names them. With train the
// student has weights to be trained.
func Open(path, device, dtype string, train bool) (*Student, error) {
	return open(path, func() (o model.Options, err error) {
		o.Train = train
		o.Device, o.DType, err = Device(device, dtype)
		return o, err
	})
}

// OpenStudent loads a model, its tokenizer and its chat template from an HF directory or a
// .gguf file. The tensors belong to the current scope.
func OpenStudent(path string, o model.Options) (*Student, error) {
	return open(path, func() (model.Options, error) { return o, nil })
}

// open asks for the options when the tokenizer is under way already: to find a device waits for
// libtorch, which may be loading yet.
func open(path string, options func() (model.Options, error)) (*Student, error) {
	src, err := files.Open(path)
	if err != nil {
		_, missing := options()
		return nil, cmp.Or(missing, err) // the device first, as without it no path helps
	}
	defer src.Close()
	var s *Student
	var beside errgroup.Group
	beside.Go(func() (err error) { s, err = newStudent(path, src); return err })
	defer beside.Wait() // it reads src
	o, err := options()
	if err != nil {
		return nil, err
	}
	defer torch.EmptyCache() // of what was read
	m, err := model.Load(src, o)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if err := cmp.Or(beside.Wait(), err); err != nil {
		return nil, err
	}
	s.Model = m
	return s, nil
}

// PhaseEnds lets go of what the caching allocator of the student's device keeps for reuse: the tensors
// of the next phase have other sizes. On the CPU memory stays: getting it again takes longer.
func (s *Student) PhaseEnds() {
	if s.Device != torch.CPU {
		torch.EmptyCache()
	}
}

// newStudent is the student of an opened model without its weights: what turns text into tokens.
func newStudent(path string, src *files.Model) (_ *Student, err error) {
	s := &Student{Model: &model.Model{Config: src.Config}, Files: src, Stop: src.Stop}
	if s.Tokenizer, err = src.Tokenizer(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Chat, err = chat.Parse(src.ChatTemplate, src.SpecialTokens); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.EndOfTurn, err = s.endOfTurn(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// endOfTurn is the stop token that the chat template puts behind what the assistant said.
func (s *Student) endOfTurn() (int, error) {
	const said = "said"
	text, err := s.Chat.Render([]chat.Message{{Role: "user", Content: "asked"}, {Role: "assistant", Content: said}}, chat.Options{})
	if err != nil {
		return 0, err
	}
	ids := s.Tokenizer.Encode(text[strings.LastIndex(text, said)+len(said):], false)
	for _, id := range append(ids, s.Stop...) {
		if slices.Contains(s.Stop, id) {
			return id, nil
		}
	}
	return 0, fmt.Errorf("no token ends a text: the model names no eos_token_id")
}

// reload takes the trained weights of a checkpoint.
func (s *Student) reload(path string) error {
	src, err := s.weights(path)
	if err != nil {
		return err
	}
	defer src.Close()
	for _, p := range s.Trained() {
		if err := load(src, p.Name, p, p.Set); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// weights opens what write saved.
func (s *Student) weights(path string) (interface {
	reader
	io.Closer
}, error) {
	if s.Adapter != nil {
		return files.OpenAdapter(path)
	}
	return files.Open(path)
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

// CheckIDs refuses token ids that the model does not know, and an empty prompt or completion.
func (s *Student) CheckIDs(prompt, completion []int) error {
	for _, part := range []struct {
		key string
		ids []int
	}{{"prompt_ids", prompt}, {"completion_ids", completion}} {
		if len(part.ids) == 0 {
			return fmt.Errorf("%s: empty", part.key)
		}
		for i, id := range part.ids {
			if id < 0 || id >= s.Config.VocabSize {
				return fmt.Errorf("%s[%d]: %d is no token of a vocabulary of %d", part.key, i, id, s.Config.VocabSize)
			}
		}
	}
	return nil
}

// fitsRollouts fails if a prompt with its completion is more than the model can take.
func (s *Student) fitsRollouts(c *Config) error {
	return s.fits("max_prompt_length + max_completion_length", c.MaxPromptLength+c.MaxCompletionLength)
}

// fits refuses lengths that the model has no positions for. key names them in the configuration.
func (s *Student) fits(key string, tokens int) error {
	if room := s.Config.MaxPositionEmbeddings; tokens > room {
		return fmt.Errorf("%s is %d tokens, more than the %d that the model has room for (max_position_embeddings)", key, tokens, room)
	}
	return nil
}
