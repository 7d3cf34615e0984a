package trainer

import (
	"cmp"
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
	"github.com/rlkd/rlkd/reward/backends"
)

// NewScorer makes the scorer that a configuration describes. It runs on the engine: models in
// this process belong to the current scope, and the scorer may be used only on the engine as
// long as that lives. Each is loaded once, whoever of decomposer and judge asks it; one over the
// weights that student, if not nil, keeps frozen under its LoRA adapter shares them. note, if not
// nil, is told a line when a model has to work otherwise than it was asked to.
func NewScorer(c *Config, student *Student, note func(message string)) (*reward.Scorer, error) {
	models := localModels{config: c, loaded: map[string]*Student{}, note: note}
	if student != nil && student.Adapter != nil {
		models.loaded[c.Model] = student
	}
	return backends.NewScorer(c.RewardWeights, c.Structure, models.open)
}

// WithScorer runs fn on the engine with the configuration's scorer; note is as in [NewScorer].
func WithScorer(c *Config, note func(message string), fn func(*reward.Scorer) error) error {
	return torch.Run(func() error {
		s, err := NewScorer(c, nil, note)
		if err != nil {
			return err
		}
		return fn(s)
	})
}

// scoresApart tells whether the reward needs no model in this process, and so no engine.
func (c *Config) scoresApart() bool {
	s := c.Structure
	return s.Decomposer.Backend != reward.BackendLocal && s.Judge.Backend != reward.BackendLocal
}

// localModels are the models in this process that the reward asks, by the path of their weights.
type localModels struct {
	config *Config
	loaded map[string]*Student
	note   func(message string) // nil = nobody is told
}

var errNoLocalModel = errors.New("model: the backend local needs one, here or at the top level")

// localRows is how many texts a local model works on at once.
const localRows = 40

// open loads the model that the options of a local backend name. An adapter is merged into
// weights that nobody else uses, because that is faster.
func (m localModels) open(o reward.BackendOptions) (reward.LM, error) {
	path := m.path(o)
	if path == "" {
		return nil, errNoLocalModel
	}
	identity, err := fingerprint(path)
	if err != nil {
		return nil, err
	}
	alone := m.users(path) == 1
	if m.loaded[path] == nil {
		if m.loaded[path], err = Open(path, m.config.Device, m.config.DType, false); err != nil {
			return nil, err
		}
	}
	l := &localLM{student: m.loaded[path], maxTokens: o.MaxTokens, rows: localRows, note: m.note}
	trained := path // where a reward model says what prompts it knows
	if o.Adapter != "" {
		trained = o.Adapter
		sum, err := fingerprint(o.Adapter)
		if err != nil {
			return nil, err
		}
		identity += fmt.Sprintf(" + %s merged %t", sum, alone)
		if err := l.adapt(o.Adapter, alone); err != nil {
			return nil, err
		}
	}
	if err := checkGSRM(trained); err != nil {
		return nil, err
	}
	l.identity = fmt.Sprintf("%s %s, %d tokens", identity, l.student.DType, o.MaxTokens)
	l.yes, l.no = l.student.spellings("yes"), l.student.spellings("no")
	return l, nil
}

// path is where the weights of a backend are; empty for one that is not local.
func (m localModels) path(o reward.BackendOptions) string {
	if o.Backend != reward.BackendLocal {
		return ""
	}
	return cmp.Or(o.Model, m.config.Model)
}

// users counts who works with the weights at a path: decomposer, judge, and a student that
// shares them.
func (m localModels) users(path string) (n int) {
	if m.loaded[path] != nil {
		n++ // by the student, or by decomposer and judge both
	}
	for _, o := range []reward.BackendOptions{m.config.Structure.Decomposer.BackendOptions, m.config.Structure.Judge.BackendOptions} {
		if m.path(o) == path {
			n++
		}
	}
	return n
}

// adapt puts an adapter on the model: for good, or for the time that it is asked.
func (l *localLM) adapt(dir string, merge bool) (err error) {
	if !merge {
		l.adapter, err = l.student.OpenAdapter(dir, false)
		return err
	}
	return torch.Try(func() error {
		a, err := l.student.OpenAdapter(dir, false)
		if err == nil {
			l.student.Merge(a)
		}
		return err
	})
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
