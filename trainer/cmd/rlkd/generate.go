package main

import (
	"fmt"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/chat"
	"github.com/rlkd/rlkd/model/rng"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

// modelFlags are the flags of a command that runs a model.
func modelFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "model", Usage: "Hugging Face directory or .gguf `FILE`"},
		&cli.StringFlag{Name: "adapter", Usage: "LoRA adapter to use on the model, a `DIR` as PEFT or rlkd writes it"},
		&cli.StringFlag{Name: "device", Value: "auto", Usage: "auto, cpu, cuda or cuda:N"},
		&cli.StringFlag{Name: "dtype", Value: "auto", Usage: "auto, f32 or bf16"},
	}, more...)
}

// withModel runs fn on the engine with the model that the flags name, loaded for inference.
func withModel(c *cli.Context, fn func(*trainer.Student) error) error {
	if err := requireFlags(c, "model"); err != nil {
		return err
	}
	return torch.Run(func() error {
		s, err := openModel(c, c.String("model"), c.String("adapter"))
		if err != nil {
			return err
		}
		return fn(s)
	})
}

// openModel loads a model for inference, with an adapter unless that is empty.
func openModel(c *cli.Context, path, adapter string) (*trainer.Student, error) {
	s, err := trainer.Open(path, c.String("device"), c.String("dtype"), false)
	if err == nil && adapter != "" {
		err = s.Adapt(adapter, false)
	}
	return s, err
}

func generateCommand() *cli.Command {
	return &cli.Command{
		Name:  "generate",
		Usage: "continue prompts",
		Description: `Reads {"messages": [{"role", "content"}…]}, rendered by the model's chat template, or {"prompt": text}, and
writes {"prompt_ids", "completions": [{"text", "ids", "finished"}]}. A completion that is not finished
was cut at --max-tokens.`,
		Flags: modelFlags(
			&cli.IntFlag{Name: "max-tokens", Value: 512, Usage: "end a completion after `N` tokens"},
			&cli.Float64Flag{Name: "temperature", Value: 1, Usage: "divide the logits by `T`; 0 = greedy"},
			&cli.Float64Flag{Name: "top-p", Value: 1, Usage: "keep the likeliest tokens that have the share `P` of the probability"},
			&cli.IntFlag{Name: "top-k", Usage: "keep the `K` likeliest tokens; 0 = all"},
			&cli.Float64Flag{Name: "min-p", Usage: "drop tokens less likely than the share `P` of the likeliest; 0 = none"},
			&cli.IntFlag{Name: "n", Value: 1, Usage: "completions of each prompt"},
			&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "seed of the random numbers"},
			&cli.IntFlag{Name: "rows", Value: 32, Usage: "completions worked on at once"},
		),
		Action: generate,
	}
}

// completionRow is a completion as a row.
type completionRow struct {
	Text     string `json:"text"`
	IDs      []int  `json:"ids"`
	Finished bool   `json:"finished"`
}

type generatedRow struct {
	PromptIDs   []int           `json:"prompt_ids"`
	Completions []completionRow `json:"completions"`
}

func generate(c *cli.Context) error {
	if err := checkSampling(c); err != nil {
		return err
	}
	return withModel(c, func(s *trainer.Student) error {
		var requests []model.Request
		begun := 0 // rows of stdin before requests
		flush := func() error {
			g := generator(c, s, begun)
			groups, err := g.Generate(requests)
			if err != nil {
				return err
			}
			for i, completions := range groups {
				row := generatedRow{PromptIDs: requests[i].Prompt}
				for _, x := range completions {
					row.Completions = append(row.Completions, completionRow{s.Text(x), x.IDs, x.Finished})
				}
				if err := writeRow(c, row); err != nil {
					return err
				}
			}
			begun += len(requests)
			requests = nil
			return nil
		}
		n := c.Int("n")
		err := readRows(c, func(r trainer.Row) error {
			ids, err := prompt(s, r, c.Int("max-tokens"))
			if err != nil {
				return err
			}
			requests = append(requests, model.Request{Prompt: ids, N: n})
			if (len(requests)+1)*n > c.Int("rows") {
				return flush()
			}
			return nil
		})
		if err != nil || len(requests) == 0 {
			return err
		}
		return flush()
	})
}

// generator is one as the flags say; the random numbers belong to the row of stdin.
func generator(c *cli.Context, s *trainer.Student, begun int) model.Generator {
	seed := c.Uint64("seed")
	g := model.Generator{
		Model: s.Model, Stop: s.Stop, MaxTokens: c.Int("max-tokens"), Rows: max(c.Int("rows"), c.Int("n")),
		Sampling: model.Sampling{Temperature: c.Float64("temperature"), TopP: c.Float64("top-p"), TopK: c.Int("top-k"), MinP: c.Float64("min-p")},
		Uniform: func(request, sample, position int) float32 {
			return rng.Uniform(seed, 0, uint64(begun+request), uint64(sample), uint64(position))
		},
	}
	g.Tell(warn)
	return g
}

func checkSampling(c *cli.Context) error {
	for _, f := range []struct {
		flag string
		ok   bool
		want string
	}{
		{"max-tokens", c.Int("max-tokens") > 0, "an integer of 1 or more"},
		{"temperature", c.Float64("temperature") >= 0, "a number of 0 or more"},
		{"top-p", c.Float64("top-p") > 0 && c.Float64("top-p") <= 1, "above 0, at most 1"},
		{"top-k", c.Int("top-k") >= 0, "an integer of 0 or more"},
		{"min-p", c.Float64("min-p") >= 0 && c.Float64("min-p") < 1, "at least 0 and below 1"},
		{"n", c.Int("n") > 0, "an integer of 1 or more"},
		{"rows", c.Int("rows") > 0, "an integer of 1 or more"},
	} {
		if !f.ok {
			return fmt.Errorf("%s: --%s: want %s, got %v", c.Command.Name, f.flag, f.want, c.Value(f.flag))
		}
	}
	return nil
}

// prompt is a row's prompt in tokens, with room for a completion in the model's context.
func prompt(s *trainer.Student, r trainer.Row, maxTokens int) (ids []int, err error) {
	switch {
	case r.Has("messages") == r.Has("prompt"):
		return nil, r.Errorf(`want one of "messages" and "prompt"`)
	case r.Has("prompt"):
		var text string
		if err := r.Get("prompt", &text); err != nil {
			return nil, err
		}
		ids = s.Tokenizer.Encode(text, true)
	default:
		var messages []chat.Message
		if err := r.Get("messages", &messages); err != nil {
			return nil, err
		}
		if ids, err = s.Render(messages); err != nil {
			return nil, r.Errorf("messages: %w", err)
		}
	}
	if len(ids) == 0 {
		return nil, r.Errorf("the prompt is empty")
	}
	if room := s.Config.MaxPositionEmbeddings; len(ids)+maxTokens > room {
		return nil, r.Errorf("the prompt has %d tokens: with --max-tokens %d that is more than the %d the model has room for", len(ids), maxTokens, room)
	}
	return ids, nil
}

func logprobsCommand() *cli.Command {
	return &cli.Command{
		Name:        "logprobs",
		Usage:       "score given completions token by token",
		Description: `Reads {"prompt_ids", "completion_ids"} and writes {"logprobs"}, natural logarithms.`,
		Flags:       modelFlags(&cli.Float64Flag{Name: "temperature", Value: 1, Usage: "divide the logits by `T`"}),
		Action:      logprobs,
	}
}

func logprobs(c *cli.Context) error {
	if t := c.Float64("temperature"); !(t > 0) {
		return fmt.Errorf("logprobs: --temperature: want a number above 0, got %v", t)
	}
	return withModel(c, func(s *trainer.Student) error {
		return readRows(c, func(r trainer.Row) error {
			var seq model.Sequence
			var completion []int
			if err := fields(r, field{"prompt_ids", &seq.Prompt}, field{"completion_ids", &completion}); err != nil {
				return err
			}
			if err := s.CheckIDs(seq.Prompt, completion); err != nil {
				return r.Errorf("%w", err)
			}
			seq.Completions = [][]int{completion}
			var values []float32
			err := torch.Try(func() error {
				values = s.LogProbs(model.NewBatch([]model.Sequence{seq}), c.Float64("temperature"))
				return nil
			})
			if err != nil {
				return r.Errorf("%w", err)
			}
			return writeRow(c, struct {
				LogProbs []float32 `json:"logprobs"`
			}{values})
		})
	})
}
