package trainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
)

const (
	stateFile     = "trainer_state.json"
	optimizerFile = "optimizer.safetensors"
	checkpointDir = "checkpoint-" // + the number of steps done
	stateVersion  = 1
)

// State is what a run has to remember beside the weights and the optimizer's moments. The
// random streams and the order of the data are functions of it and of the configuration.
type State struct {
	Version int                `json:"version"`
	Step    int                `json:"step"`    // steps done
	Updates int                `json:"updates"` // optimizer updates taken
	Tokens  int                `json:"tokens"`  // completion tokens seen
	Data    uint32             `json:"data"`    // CRC-32C of the dataset
	Files   map[string]fileSum `json:"files"`   // of the checkpoint, but this one

	MicroBatch *MicroBudget `json:"micro_batch,omitempty"` // set once memory ran out
}

type fileSum struct {
	Size  int64  `json:"size"`
	CRC32 uint32 `json:"crc32c"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumFile is the size and CRC-32C of a file.
func sumFile(path string) (fileSum, error) {
	f, err := os.Open(path)
	if err != nil {
		return fileSum{}, err
	}
	defer f.Close()
	h := crc32.New(castagnoli)
	n, err := io.Copy(h, f)
	return fileSum{n, h.Sum32()}, err
}

// SaveModel writes the student's weights, as they are trained (fp32), with its tokenizer and
// chat template as a Hugging Face directory; of an adapted student the adapter alone, as PEFT
// does. What is there already is replaced.
func (s *Student) SaveModel(dir string) error { return putDir(dir, s.write) }

// write saves the model into a directory that must not exist.
func (s *Student) write(dir string) error {
	defer torch.EmptyCache() // of the copies
	return torch.Try(func() error {
		values := masters(s.Trained())
		if s.Adapter != nil {
			return files.SaveAdapter(dir, s.Files, s.Adapter.Config, values)
		}
		return files.Save(dir, s.Files, values, files.SaveOptions{DType: files.F32})
	})
}

// masters reads weights in fp32 by name. What it returns is valid until it is called again, or the current
// scope ends.
func masters(ps []*model.Param) func(name string) ([]float32, error) {
	byName := map[string]*model.Param{}
	for _, p := range ps {
		byName[p.Name] = p
	}
	var last *torch.Tensor
	return func(name string) ([]float32, error) {
		last.Free()
		err := torch.Try(func() error { last = byName[name].Value().Keep(); return nil })
		if err != nil {
			return nil, err
		}
		return read(last)
	}
}

// read brings a tensor without gaps to the host; what is there in fp32 is not copied, but shared with it.
func read(t *torch.Tensor) (values []float32, err error) {
	err = torch.Try(func() error {
		if t.Device() == torch.CPU && t.DType() == torch.Float32 {
			values = t.Host()
		} else {
			values = t.Detach().Float32s()
		}
		return nil
	})
	return values, err
}

// putDir lets write make a directory beside dir and puts it in dir's place when it is whole.
func putDir(dir string, write func(fresh string) error) error {
	fresh, old := dir+".new", dir+".old"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := write(fresh); err != nil {
		return errors.Join(fmt.Errorf("save %s: %w", dir, err), os.RemoveAll(fresh))
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(fresh, dir), os.RemoveAll(old))
}

// saveCheckpoint writes output/checkpoint-N beside and renames it when it is whole, then
// removes all but the newest keep checkpoints (0 keeps all).
func saveCheckpoint(output string, s *Student, opt *Optimizer, state State, keep int) (path string, err error) {
	path = checkpointPath(output, state.Step)
	err = putDir(path, func(fresh string) error { return writeCheckpoint(fresh, s, opt, state) })
	if err != nil {
		return "", err
	}
	return path, prune(output, keep)
}

func writeCheckpoint(dir string, s *Student, opt *Optimizer, state State) error {
	if err := s.write(dir); err != nil {
		return err
	}
	if err := opt.save(filepath.Join(dir, optimizerFile), s); err != nil {
		return err
	}
	state.Version, state.Updates, state.Files = stateVersion, opt.updates, map[string]fileSum{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if state.Files[e.Name()], err = sumFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return WriteFileAtomic(filepath.Join(dir, stateFile), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(state)
	})
}

func checkpointPath(output string, step int) string {
	return filepath.Join(output, checkpointDir+strconv.Itoa(step))
}

// checkpoints lists the checkpoints of a run by their number of steps, newest first.
func checkpoints(output string) ([]int, error) {
	entries, err := os.ReadDir(output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var steps []int
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), checkpointDir)
		if n, err := strconv.Atoi(number); ok && err == nil {
			steps = append(steps, n)
		}
	}
	slices.Sort(steps)
	slices.Reverse(steps)
	return steps, nil
}

func prune(output string, keep int) error {
	steps, err := checkpoints(output)
	if err != nil || keep == 0 || len(steps) <= keep {
		return err
	}
	for _, n := range steps[keep:] {
		if err := os.RemoveAll(checkpointPath(output, n)); err != nil {
			return err
		}
	}
	return nil
}

// latestCheckpoint returns the newest checkpoint that is whole, "" if there is none, and tells
// note why newer ones were passed over.
func latestCheckpoint(output string, note func(string)) (path string, state State, err error) {
	steps, err := checkpoints(output)
	if err != nil {
		return "", state, err
	}
	for _, n := range steps {
		path := checkpointPath(output, n)
		state, err := verifyCheckpoint(path)
		if err == nil {
			return path, state, nil
		}
		note(fmt.Sprintf("%s is not whole and is not used: %v", path, err))
	}
	if len(steps) > 0 {
		return "", state, fmt.Errorf("resume: none of the %d checkpoints in %s is whole", len(steps), output)
	}
	return "", state, nil
}

// verifyCheckpoint reads a checkpoint's state and checks each of its files against it.
func verifyCheckpoint(dir string) (state State, err error) {
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return state, fmt.Errorf("%s: %w", path, err)
	}
	if state.Version != stateVersion {
		return state, fmt.Errorf("%s: version %d, this program writes and reads %d", path, state.Version, stateVersion)
	}
	for name, want := range state.Files {
		got, err := sumFile(filepath.Join(dir, name))
		switch {
		case err != nil:
			return state, err
		case got.Size != want.Size:
			return state, fmt.Errorf("%s has %d bytes, not %d", filepath.Join(dir, name), got.Size, want.Size)
		case got != want:
			return state, fmt.Errorf("%s is damaged: its checksum differs", filepath.Join(dir, name))
		}
	}
	return state, nil
}

// moment is one of the optimizer's tensors under the name it is stored by.
type moment struct {
	name string
	*torch.Tensor
}

// moments are m.<name> and v.<name> for each trained weight.
func (o *Optimizer) moments(s *Student) []moment {
	var out []moment
	for i, p := range s.Trained() {
		out = append(out, moment{"m." + p.Name, o.m[i]}, moment{"v." + p.Name, o.v[i]})
	}
	return out
}

// save writes the moments.
func (o *Optimizer) save(path string, s *Student) error {
	byName := map[string]*torch.Tensor{}
	var specs []files.TensorSpec
	for _, m := range o.moments(s) {
		byName[m.name] = m.Tensor
		specs = append(specs, files.TensorSpec{Name: m.name, Shape: m.Dims()})
	}
	return files.WriteTensors(path, specs, func(name string) ([]float32, error) { return read(byName[name]) })
}

// restore reads what save wrote.
func (o *Optimizer) restore(path string, s *Student, updates int) error {
	t, err := files.OpenTensors(path)
	if err != nil {
		return err
	}
	defer t.Close()
	o.updates = updates
	for _, m := range o.moments(s) {
		if err := load(t, m.name, m, m.Copy_); err != nil {
			return err
		}
	}
	return nil
}

// reader holds tensors by name: a model's weights or an optimizer's moments.
type reader interface {
	Read(name string) (values []float32, shape []int, err error)
}

// load gives a stored tensor, in fp32 on the device of what it is for and of its shape, to set.
func load(t reader, name string, to interface {
	Dims() []int
	Device() torch.Device
}, set func(*torch.Tensor)) error {
	values, shape, err := t.Read(name)
	if err != nil {
		return err
	}
	if !slices.Equal(shape, to.Dims()) {
		return fmt.Errorf("%s: shape %v, want %v", name, shape, to.Dims())
	}
	return torch.Try(func() error {
		set(torch.FromFloat32s(values, torch.Float32, to.Device(), shape...))
		return nil
	})
}
