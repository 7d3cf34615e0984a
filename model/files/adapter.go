package files

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	adapterConfigFile = "adapter_config.json"
	adapterFile       = "adapter_model.safetensors"
)

// Adapter is an opened LoRA adapter in PEFT's format. It is safe for concurrent reads and
// holds a file open until it is closed.
type Adapter struct {
	Config LoRA

	path    string
	file    *os.File
	tensors map[string]stored
}

// IsAdapter tells whether a directory holds an adapter rather than a model.
func IsAdapter(dir string) bool { return exists(filepath.Join(dir, adapterConfigFile)) }

// OpenAdapter reads the configuration of a directory that PEFT or [SaveAdapter] wrote. What
// PEFT can do and this program cannot is an error that names the key. It reads no weights.
func OpenAdapter(dir string) (*Adapter, error) {
	o, err := readObject(filepath.Join(dir, adapterConfigFile))
	if err != nil {
		return nil, fmt.Errorf("open adapter: %w", err)
	}
	a := &Adapter{path: dir}
	if a.Config, err = parseLoRA(o); err != nil {
		return nil, fmt.Errorf("open adapter: %w", err)
	}
	a.file, err = os.Open(filepath.Join(dir, adapterFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: holds no %s (pickled .bin files are not read)", dir, adapterFile)
	}
	if err == nil {
		a.tensors, err = openSafetensors(a.file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open adapter: %w", err), a.Close())
	}
	return a, nil
}

// Close closes the adapter's file.
func (a *Adapter) Close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// Fits reports how the adapter's tensors differ from those that one on such a model has.
func (a *Adapter) Fits(c Config) error {
	var specs []TensorSpec
	for _, p := range a.Config.Pairs(c) {
		specs = append(specs, p.A, p.B)
	}
	if faults := compare(specs, a.tensors, func(string) bool { return false }); faults != "" {
		return fmt.Errorf("%s: the adapter does not fit the model: %s; it was made for %q", a.path, faults, a.Config.Base)
	}
	return nil
}

// Read returns a whole tensor as fp32, row-major, and its shape.
func (a *Adapter) Read(name string) ([]float32, []int, error) {
	t, ok := a.tensors[name]
	if !ok {
		return nil, nil, fmt.Errorf("%s: holds no tensor %q", a.path, name)
	}
	values, err := t.read()
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	return values, slices.Clone(t.shape), nil
}

// SaveAdapter writes an adapter on the model text as PEFT does: its configuration, its weights
// in fp32 from read, which is called once for each tensor, and the model's tokenizer and chat
// template. text may be closed. The directory appears whole or not at all; one that is there
// already is an error.
func SaveAdapter(dir string, text *Model, l LoRA, read func(name string) ([]float32, error)) error {
	if err := checkAbsent(dir); err != nil {
		return err
	}
	var specs []TensorSpec
	for _, p := range l.Pairs(text.Config) {
		specs = append(specs, p.A, p.B)
	}
	if err := writeBeside(dir, func(work string) error {
		if err := text.saveTokenizer(work); err != nil {
			return err
		}
		if err := writeJSON(filepath.Join(work, adapterConfigFile), l.fields()); err != nil {
			return err
		}
		return saveShard(filepath.Join(work, adapterFile), specs, read, F32)
	}); err != nil {
		return fmt.Errorf("save %s: %w", dir, err)
	}
	return nil
}

// fields are those of adapter_config.json.
func (l LoRA) fields() map[string]any {
	return map[string]any{
		"alpha_pattern":           map[string]any{},
		"auto_mapping":            nil,
		"base_model_name_or_path": l.Base,
		"bias":                    "none",
		"fan_in_fan_out":          false,
		"inference_mode":          true,
		"init_lora_weights":       true,
		"layers_pattern":          nil,
		"layers_to_transform":     nil,
		"lora_alpha":              l.Alpha,
		"lora_dropout":            l.Dropout,
		"modules_to_save":         nil,
		"peft_type":               "LORA",
		"r":                       l.Rank,
		"rank_pattern":            map[string]any{},
		"revision":                nil,
		"target_modules":          l.Modules(),
		"task_type":               "CAUSAL_LM",
		"use_dora":                false,
		"use_rslora":              l.RSLoRA,
	}
}

// parseLoRA reads an adapter_config.json as PEFT 0.21 does.
func parseLoRA(o *object) (LoRA, error) {
	o.require("peft_type")
	if kind := o.text("peft_type", ""); o.err == nil && kind != "LORA" {
		o.fail("peft_type", "%q is not supported (supported: LORA)", kind)
	}
	l := LoRA{
		Rank:    o.integer("r", 8),
		Alpha:   o.number("lora_alpha", 8),
		Dropout: o.number("lora_dropout", 0),
		Targets: o.targets(),
		RSLoRA:  o.boolean("use_rslora", false),
		Base:    o.text("base_model_name_or_path", ""),
	}
	o.refuseUnknownLoRA()
	if key, problem := l.Check(); key != "" {
		o.fail(key, "%s", problem)
	}
	return l, o.err
}

// layerPath is what may stand before the path of a linear layer in its block.
var layerPath = regexp.MustCompile(`^((model\.)?layers\.)?[0-9]+\.`)

// targets reads target_modules: all-linear, or a list of names, which PEFT compares with the
// ends of the modules' paths, and which it makes whole paths if the list was all-linear. That
// the layers are then all those of the model is checked by the tensors there are.
func (o *object) targets() []string {
	const key = "target_modules"
	o.require(key)
	if o.err != nil {
		return nil
	}
	if excerpt(o.fields[key]) == `"`+AllLinear+`"` {
		return []string{AllLinear}
	}
	var names []string
	o.get(key, `a list of names or "`+AllLinear+`"`, &names)
	var out []string
	for _, name := range names {
		path := strings.Split(layerPath.ReplaceAllString(name, ""), ".")
		if len(path) == 2 && path[0] == parent(path[1]) {
			name = path[1]
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// loraKeys are the keys of adapter_config.json that are read, or say nothing about what the
// adapter computes.
var loraKeys = []string{
	"r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "base_model_name_or_path", "peft_type",
	"auto_mapping", "revision", "inference_mode", "peft_version", "megatron_core", "qalora_group_size",
}

// loraValues are the values that further keys may have.
var loraValues = map[string][]string{
	"bias":              {`"none"`},
	"task_type":         {`"CAUSAL_LM"`},
	"init_lora_weights": {"true", `"gaussian"`, `"orthogonal"`}, // others change the base
}

// refuseUnknownLoRA refuses each key that asks for something else than a plain LoRA adapter: one
// that is not known and not null, false or empty.
func (o *object) refuseUnknownLoRA() {
	for _, key := range slices.Sorted(maps.Keys(o.fields)) {
		value := excerpt(o.fields[key])
		nothing := []string{"null", "false", "{}", "[]", `""`}
		if slices.Contains(loraKeys, key) || slices.Contains(nothing, value) || slices.Contains(loraValues[key], value) {
			continue
		}
		o.fail(key, "%s is not supported", value)
	}
}
