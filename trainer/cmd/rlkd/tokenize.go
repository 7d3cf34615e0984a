package main

import (
	"fmt"
	"strings"

	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/tokenizer"
	"github.com/rlkd/rlkd/trainer"
	"github.com/urfave/cli/v2"
)

func tokenizeCommand() *cli.Command {
	return &cli.Command{
		Name:        "tokenize",
		Usage:       "turn text into token ids and back",
		Description: `Reads {"text"} and writes {"ids"}; with --decode it reads {"ids"} and writes {"text"}, special tokens included.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "`PATH` of a tokenizer.json, of a Hugging Face directory or of a .gguf file"},
			&cli.BoolFlag{Name: "decode", Usage: "turn ids into text"},
			&cli.BoolFlag{Name: "special", Usage: "add the special tokens that the model wants around a text"},
		},
		Action: tokenize,
	}
}

func tokenize(c *cli.Context) error {
	if err := requireFlags(c, "model"); err != nil {
		return err
	}
	tok, err := openTokenizer(c.String("model"))
	if err != nil {
		return err
	}
	return readRows(c, func(r trainer.Row) error {
		if c.Bool("decode") {
			return decode(c, tok, r)
		}
		var text string
		if err := r.Get("text", &text); err != nil {
			return err
		}
		ids := tok.Encode(text, c.Bool("special"))
		if ids == nil {
			ids = []int{} // [] in JSON, not null
		}
		return writeRow(c, struct {
			IDs []int `json:"ids"`
		}{ids})
	})
}

// decode writes the text of a row's ids.
func decode(c *cli.Context, tok *tokenizer.Tokenizer, r trainer.Row) error {
	var ids []int
	if err := r.Get("ids", &ids); err != nil {
		return err
	}
	for _, id := range ids {
		if _, ok := tok.Token(id); !ok {
			return r.Errorf("ids: the tokenizer has no token %d", id)
		}
	}
	return writeRow(c, struct {
		Text string `json:"text"`
	}{tok.Decode(ids)})
}

// openTokenizer reads a model's tokenizer and nothing else of it.
func openTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if !strings.HasSuffix(path, ".gguf") {
		return tokenizer.Load(path)
	}
	m, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	tok, err := m.Tokenizer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tok, nil
}
