package trainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/reward"
)

// NewScorer makes the scorer that a configuration describes. It runs on the engine: models in
// this process belong to the current scope, and the scorer may be used only on the engine as
// long as that lives. Each is loaded once, whoever of decomposer and judge asks it; one over the
// weights that student, if not nil, keeps frozen under its LoRA adapter shares them.
func NewScorer(c *Config, student *Student) (*reward.Scorer, error) {
	models := localModels{config: c, loaded: map[string]*Student{}}
	if student != nil && student.Adapter != nil {
		models.loaded[c.Model] = student
	}
	return reward.NewScorerOpening(c.RewardWeights, c.Structure, models.open)
}

// WithScorer runs fn on the engine with the configuration's scorer.
func WithScorer(c *Config, fn func(*reward.Scorer) error) error {
	return torch.Run(func() error {
		s, err := NewScorer(c, nil)
		if err != nil {
			return err
		}
		return fn(s)
	})
}

// localModels are the models in this process that the reward asks, by the path of their weights.
type localModels struct {
	config *Config
	loaded map[string]*Student
}

// localRows is how many texts a local model works on at once.
const localRows = 32

// open loads the model that the options of a local backend name.
func (m localModels) open(o reward.BackendOptions) (reward.LM, error) {
	path := o.Model
	if path == "" {
		path = m.config.Model
	}
	if path == "" {
		return nil, errors.New("model: the backend local needs one, here or at the top level")
	}
	identity, err := fingerprint(path)
	if err != nil {
		return nil, err
	}
	if m.loaded[path] == nil {
		if m.loaded[path], err = Open(path, m.config.Device, m.config.DType, false); err != nil {
			return nil, err
		}
	}
	l := &localLM{student: m.loaded[path], maxTokens: o.MaxTokens, rows: localRows}
	gsrm := path
	if o.Adapter != "" {
		gsrm = o.Adapter
		if l.adapter, err = l.student.OpenAdapter(o.Adapter, false); err != nil {
			return nil, err
		}
		sum, err := fingerprint(o.Adapter)
		if err != nil {
			return nil, err
		}
		identity += " + " + sum
	}
	if err := checkGSRM(gsrm); err != nil {
		return nil, err
	}
	l.identity = fmt.Sprintf("%s %s, %d tokens", identity, l.student.DType, o.MaxTokens)
	l.yes, l.no = l.student.spellings("yes"), l.student.spellings("no")
	return l, nil
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
