package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/reward"
)

// localLM is a language model in this process that the reward asks: it satisfies [reward.LM].
// All its work is on the engine.
type localLM struct {
	student   *Student
	identity  string
	maxTokens int // of a reply
	rows      int // most replies worked on at once
	yes, no   []int
}

// newLocalLM is a loaded model as the reward asks it.
func newLocalLM(s *Student, identity string, maxTokens, rows int) *localLM {
	yes, no := s.spellings("yes"), s.spellings("no")
	return &localLM{student: s, identity: identity, maxTokens: maxTokens, rows: rows, yes: yes, no: no}
}

// Identity names the weights by what is in their files.
func (l *localLM) Identity() string { return l.identity }

// Write answers prompts greedily. A prompt that the model has no room for is missing.
func (l *localLM) Write(ctx context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	replies := make([]reward.Reply, len(prompts))
	ids, asked, err := l.render(prompts, l.maxTokens, func(i int, missing string) { replies[i].Missing = missing })
	if err != nil || len(ids) == 0 {
		return replies, err
	}
	requests := make([]model.Request, len(ids))
	for i, prompt := range ids {
		requests[i] = model.Request{Prompt: prompt, N: 1}
	}
	g := model.Generator{
		Model: l.student.Model, Stop: l.student.Stop, MaxTokens: l.maxTokens, Rows: l.rows,
		Progress: func(int, int) error { return ctx.Err() },
	}
	var out [][]model.Completion
	err = torch.Try(func() error { out, err = g.Generate(requests); return err })
	torch.EmptyCache()
	if err != nil {
		return nil, err
	}
	for i, at := range asked {
		c := out[i][0]
		replies[at] = reward.Reply{Text: l.student.Text(c), Cut: !c.Finished}
	}
	return replies, nil
}

// budget is how many tokens of prompts are looked at in one pass.
const budget = 4096

// Choose tells how likely yes and no come next, from one pass over each prompt.
func (l *localLM) Choose(ctx context.Context, prompts []reward.Prompt) ([]reward.Belief, error) {
	beliefs := make([]reward.Belief, len(prompts))
	ids, asked, err := l.render(prompts, 1, func(i int, missing string) { beliefs[i].Missing = missing })
	if err != nil || len(ids) == 0 {
		return beliefs, err
	}
	var logp [][]float32
	err = torch.Try(func() error {
		logp = l.student.Next(ids, slices.Concat(l.yes, l.no), budget)
		return ctx.Err()
	})
	torch.EmptyCache()
	if err != nil {
		return nil, err
	}
	for i, at := range asked {
		beliefs[at] = reward.Belief{Yes: probability(logp[i][:len(l.yes)]), No: probability(logp[i][len(l.yes):])}
	}
	return beliefs, nil
}

// probability is that of any of some tokens.
func probability(logp []float32) (p float64) {
	for _, x := range logp {
		p += math.Exp(float64(x))
	}
	return p
}

// render returns the prompts as token ids, with their places in the list, but for those that
// leave no room for a reply of so many tokens: they go to drop.
func (l *localLM) render(prompts []reward.Prompt, reply int, drop func(i int, missing string)) (ids [][]int, asked []int, err error) {
	room := l.student.Config.MaxPositionEmbeddings
	for i, p := range prompts {
		prompt, err := l.student.Prompt(p.System, p.User)
		if err != nil {
			return nil, nil, err
		}
		if len(prompt)+reply > room {
			drop(i, fmt.Sprintf("%s: a prompt of %d tokens and a reply of %d do not fit the model's %d", reward.CauseOther, len(prompt), reply, room))
			continue
		}
		ids, asked = append(ids, prompt), append(asked, i)
	}
	return ids, asked, nil
}

// spellings are the tokens that spell a word, in any case and with or without a blank before it.
func (s *Student) spellings(word string) (ids []int) {
	for id := range min(s.Tokenizer.VocabSize(), s.Config.VocabSize) {
		if strings.EqualFold(strings.TrimSpace(s.Tokenizer.Decode([]int{id})), word) {
			ids = append(ids, id)
		}
	}
	return ids
}

// fingerprint names a model by the sizes and checksums of its files.
func fingerprint(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(path, "*.safetensors")); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	for _, name := range names {
		sum, err := sumFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s %d %08x;", filepath.Base(name), sum.Size, sum.CRC32)
	}
	return b.String(), nil
}

// gsrmFile says, beside the weights of a generative structure reward model, which wording of
// the prompt it was trained on.
const gsrmFile = "gsrm.json"

type gsrmMark struct {
	PromptVersion string `json:"prompt_version"`
}

func markGSRM(dir string) error {
	return WriteFileAtomic(filepath.Join(dir, gsrmFile), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(gsrmMark{reward.PromptVersion})
	})
}

// checkGSRM refuses a model that was trained on another wording of the prompt than this
// program's. One that does not say is taken.
func checkGSRM(dir string) error {
	path := filepath.Join(dir, gsrmFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err != nil && !isDir(dir) {
		return nil
	}
	var mark gsrmMark
	if err == nil {
		err = json.Unmarshal(data, &mark)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if mark.PromptVersion != reward.PromptVersion {
		return fmt.Errorf("%s: trained on the prompts %q, this program asks by %q: train it again with rlkd sft", dir, mark.PromptVersion, reward.PromptVersion)
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
