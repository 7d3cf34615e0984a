package trainer

import (
	"fmt"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
)

// LoRAConfig is the section lora: training of low-rank terms on the linear layers with the
// model itself frozen. Keys are named as in PEFT's LoraConfig.
type LoRAConfig struct {
	// R is the rank of the terms. Default 16.
	R int `yaml:"r"`
	// Alpha over r, or over its root with use_rslora, is the factor of the terms. Default 32.
	Alpha float64 `yaml:"lora_alpha"`
	// Dropout is the share of each term's input that is zeroed in training. Default 0.
	Dropout float64 `yaml:"lora_dropout"`
	// TargetModules are the layers that get a term: of q_proj, k_proj, v_proj, o_proj, gate_proj,
	// up_proj and down_proj, or all-linear for all of them. Default all-linear.
	TargetModules Targets `yaml:"target_modules"`
	// UseRSLoRA divides lora_alpha by the root of r instead of by r. Default false.
	UseRSLoRA bool `yaml:"use_rslora"`
}

// Targets is a list of linear layers; in YAML it may also be one name.
type Targets []string

// DefaultLoRA returns the configuration of an empty section lora: rank and factor are TRL's,
// the layers those of QLoRA (Dettmers et al. 2023).
func DefaultLoRA() *LoRAConfig {
	return &LoRAConfig{R: 16, Alpha: 32, TargetModules: Targets{files.AllLinear}}
}

func (l *LoRAConfig) settings(base string) files.LoRA {
	return files.LoRA{Rank: l.R, Alpha: l.Alpha, Dropout: l.Dropout, Targets: l.TargetModules, RSLoRA: l.UseRSLoRA, Base: base}
}

// adapted tells whether training is of an adapter.
func (c *Config) adapted() bool { return c.LoRA != nil || c.Adapter != "" }

// openTrained loads the student to be trained. path is where its weights are: c.Model to begin
// with, later what [Student.SaveModel] wrote. With LoRA the model is c.Model in any case, and
// the adapter is a new one, that of c.Adapter, or what lies at path.
func (c *Config) openTrained(path string) (*Student, error) {
	if !c.adapted() {
		return Open(path, c.Device, c.DType, true)
	}
	s, err := Open(c.Model, c.Device, c.DType, false)
	if err != nil {
		return nil, err
	}
	switch {
	case path != c.Model:
		err = s.Adapt(path, true)
	case c.Adapter != "":
		err = s.Adapt(c.Adapter, true)
	default:
		if s.Adapter, err = s.NewAdapter(c.LoRA.settings(c.Model), c.Seed); err == nil {
			s.Use(s.Adapter)
		}
	}
	if err != nil {
		return nil, err
	}
	s.Adapter.Seed = c.Seed
	if c.LoRA == nil {
		return s, nil
	}
	s.Adapter.Config.Dropout = c.LoRA.Dropout // of the training, not of the adapter
	return s, c.sameLoRA(s.Adapter.Config)
}

// sameLoRA refuses a section lora that is not what the adapter to be trained further is.
func (c *Config) sameLoRA(a files.LoRA) error {
	want := c.LoRA.settings(c.Model)
	for _, x := range []struct {
		key       string
		want, got any
	}{
		{"r", want.Rank, a.Rank}, {"lora_alpha", want.Alpha, a.Alpha}, {"use_rslora", want.RSLoRA, a.RSLoRA},
		{"target_modules", fmt.Sprint(want.Modules()), fmt.Sprint(a.Modules())},
	} {
		if x.want != x.got {
			return fmt.Errorf("lora.%s is %v, but the adapter to go on with has %v", x.key, x.want, x.got)
		}
	}
	return nil
}

// openReference gives the KL term what it pulls towards: the model as it was at path before
// RLKD. With LoRA that is the student's own weights without the adapter, or with a frozen copy
// of what it was; otherwise a second model.
func (g *GRPO) openReference(c *Config, s *Student, path string) error {
	if s.Adapter == nil {
		ref, err := Open(path, c.Device, c.DType, false)
		if err == nil {
			g.Ref = ref.Model
		}
		return err
	}
	g.Ref = s.Model
	if path == c.Model {
		path = c.Adapter
	}
	if path == "" {
		return nil
	}
	var err error
	g.RefAdapter, err = s.OpenAdapter(path, false)
	return err
}

// Adapt brings an adapter in PEFT's format to the student and makes it active. With train it
// is what training changes.
func (s *Student) Adapt(dir string, train bool) (err error) {
	defer torch.EmptyCache()
	if s.Adapter, err = s.OpenAdapter(dir, train); err != nil {
		return err
	}
	s.Use(s.Adapter)
	return nil
}

// Trained are the weights that training changes: the adapter's if there is one.
func (s *Student) Trained() []*model.Param {
	if s.Adapter != nil {
		return s.Adapter.Params()
	}
	return s.Params()
}

// Merge writes the model at path with the adapter in a directory added to its weights, computed
// in fp32, as the Hugging Face directory out, which must not be there. It must run on the engine.
func Merge(path, adapter, out string, dtype files.DType) error {
	s, err := Open(path, "cpu", "f32", true)
	if err != nil {
		return err
	}
	a, err := s.OpenAdapter(adapter, false)
	if err != nil {
		return err
	}
	if err := torch.Try(func() error { s.Merge(a); return nil }); err != nil {
		return err
	}
	return files.Save(out, s.Files, masters(s.Params()), files.SaveOptions{DType: dtype})
}
