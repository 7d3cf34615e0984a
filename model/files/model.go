package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/rlkd/rlkd/model/tokenizer"
)

// Model is an opened model: its configuration, and where its tensors lie. It
// is safe for concurrent reads and holds files open until it is closed.
type Model struct {
	Config Config

	// Stop lists, sorted, every id that ends a completion: the eos_token_id of
	// config.json and generation_config.json and the eos_token of
	// tokenizer_config.json, or the eos, eot and eom ids of a GGUF file. It is
	// empty when the files name none.
	Stop []int

	// ChatTemplate is the Jinja source that turns messages into a prompt, or ""
	// when the model has none.
	ChatTemplate string

	// SpecialTokens holds the tokens a chat template may name ("bos_token",
	// "eos_token", …), as far as the files give them.
	SpecialTokens map[string]string

	path    string
	files   []*os.File
	tensors map[string]stored
	gguf    *gguf // nil for a Hugging Face directory
	hf      hfText

	tokenizer func() (*tokenizer.Tokenizer, error)
}

// Open reads the configuration of a Hugging Face directory or of a .gguf file
// and checks that every parameter is there, whole, and of the right shape. It
// reads no weights.
func Open(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	m := &Model{path: path}
	m.tokenizer = sync.OnceValues(m.loadTokenizer)
	if info.IsDir() {
		err = m.readDirectory()
	} else {
		err = m.readGGUF()
	}
	if err == nil {
		if err = m.Config.checkTensors(m.tensors); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		} else {
			err = m.checkTiedHead()
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open model: %w", err), m.Close())
	}
	return m, nil
}

func (m *Model) readDirectory() (err error) {
	if m.hf.config, err = readObject(filepath.Join(m.path, configFile)); err != nil {
		return err
	}
	if m.Config, err = parseHFConfig(m.hf.config); err != nil {
		return err
	}
	if err := m.readText(); err != nil {
		return err
	}
	m.tensors, err = m.openDirectory(m.path)
	return err
}

func (m *Model) readGGUF() error {
	f, err := m.open(m.path)
	if err != nil {
		return err
	}
	if m.gguf, err = openGGUF(f); err != nil {
		return err
	}
	if m.Config, err = ggufConfig(m.path, m.gguf); err != nil {
		return err
	}
	m.tensors = m.gguf.byHFName(m.Config)
	return m.readGGUFText()
}

// addStop adds ids that end a completion; where names the field they are from.
func (m *Model) addStop(where string, ids ...int) error {
	for _, id := range ids {
		if id < 0 || id >= m.Config.VocabSize {
			return fmt.Errorf("%s: %d is not between 0 and the vocabulary's size %d", where, id, m.Config.VocabSize)
		}
	}
	m.Stop = slices.Compact(slices.Sorted(slices.Values(append(m.Stop, ids...))))
	return nil
}

// open opens a file that Close closes.
func (m *Model) open(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err == nil {
		m.files = append(m.files, f)
	}
	return f, err
}

// Close closes the files of the model.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	m.files = nil
	return errors.Join(errs...)
}

// Names lists the parameters in the order of [Config.Tensors].
func (m *Model) Names() []string {
	var names []string
	for _, s := range m.Config.Tensors() {
		names = append(names, s.Name)
	}
	return names
}

// Shape returns the shape of a parameter and the format it is stored in; ok is
// false when there is no tensor of that name.
func (m *Model) Shape(name string) (shape []int, d DType, ok bool) {
	t, ok := m.tensors[name]
	return slices.Clone(t.shape), t.dtype, ok
}

// Read returns a whole parameter as fp32, row-major, and its shape. What is
// stored in another format is converted. Beside the result it needs a small
// buffer for each processor.
func (m *Model) Read(name string) ([]float32, []int, error) {
	t, err := m.find(name)
	if err != nil {
		return nil, nil, err
	}
	values, err := t.read()
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	return values, slices.Clone(t.shape), nil
}

// ReadTo is Read into dst, as many numbers as the parameter has.
func (m *Model) ReadTo(name string, dst []float32) error {
	t, err := m.find(name)
	if err != nil {
		return err
	}
	if t.numel() != len(dst) {
		return fmt.Errorf("read %s: it has %d numbers, not %d", name, t.numel(), len(dst))
	}
	if err := t.readTo(dst); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// ReadRaw returns a whole parameter as it is stored, little-endian and
// row-major, with its format and shape. A quantised one comes as it is too;
// Read converts it.
func (m *Model) ReadRaw(name string) (DType, []int, []byte, error) {
	t, err := m.find(name)
	if err != nil {
		return 0, nil, nil, err
	}
	raw, err := t.readRaw()
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	return t.dtype, slices.Clone(t.shape), raw, nil
}

func (m *Model) find(name string) (stored, error) {
	t, ok := m.tensors[name]
	if !ok {
		return t, fmt.Errorf("%s: holds no tensor %q", m.path, name)
	}
	return t, nil
}

// shortest returns the double nearest to the shortest decimal that names the
// same float32.
func shortest(v float64) float64 {
	if float64(float32(v)) != v {
		return v
	}
	d, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64)
	if err != nil {
		return v
	}
	return d
}
