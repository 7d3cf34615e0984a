package files

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// from reads the weights of a model for Save.
func from(m *Model) func(string) ([]float32, error) {
	return func(name string) ([]float32, error) {
		values, _, err := m.Read(name)
		return values, err
	}
}

func TestSaveAndOpenAgain(t *testing.T) {
	for _, c := range []struct {
		source string
		o      SaveOptions
		files  int // of weights
	}{
		{"llama", SaveOptions{}, 1},
		{"llama.gguf", SaveOptions{DType: F32, MaxShardBytes: 20000}, 3},
		{"qwen2", SaveOptions{DType: BF16, MaxShardBytes: 1}, 14},
		{"qwen2.gguf", SaveOptions{DType: F16}, 1},
		{"qwen3", SaveOptions{DType: BF16}, 1},
		{"qwen3.gguf", SaveOptions{DType: F32}, 1},
	} {
		t.Run(c.source, func(t *testing.T) {
			src := open(t, filepath.Join("testdata", c.source))
			dir := filepath.Join(t.TempDir(), "saved")
			if err := Save(dir, src, from(src), c.o); err != nil {
				t.Fatal(err)
			}
			saved := open(t, dir)
			sameModel(t, saved, src, c.o.DType)
			if n := len(saved.files); n != c.files {
				t.Errorf("%d files of weights, want %d", n, c.files)
			}
			again := filepath.Join(t.TempDir(), "again")
			if err := Save(again, saved, from(saved), c.o); err != nil {
				t.Fatal(err)
			}
			sameFiles(t, again, dir)
		})
	}
}

// sameModel compares all that Open tells of two models; the first one's
// weights are the other's in a format (0: the source's).
func sameModel(t *testing.T, got, want *Model, d DType) {
	t.Helper()
	if d == 0 {
		d = want.Config.DType
	}
	config := want.Config
	config.DType = d
	if a, b := describeConfig(t, got.Config), describeConfig(t, config); a != b {
		t.Errorf("configuration\n%s\nwant\n%s", a, b)
	}
	if !slices.Equal(got.Stop, want.Stop) || got.ChatTemplate != want.ChatTemplate || !maps.Equal(got.SpecialTokens, want.SpecialTokens) {
		t.Errorf("text %v %q %v, want %v %q %v", got.Stop, got.ChatTemplate, got.SpecialTokens, want.Stop, want.ChatTemplate, want.SpecialTokens)
	}
	for _, name := range want.Names() {
		values, _, err := want.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		raw := make([]byte, d.size(int64(len(values))))
		encode(raw, d, values)
		gotD, _, gotRaw, err := got.ReadRaw(name)
		if err != nil {
			t.Fatal(err)
		}
		if gotD != d || !bytes.Equal(gotRaw, raw) {
			t.Errorf("%s differs, or is %s and not %s", name, gotD, d)
		}
	}
}

func sameFiles(t *testing.T, got, want string) {
	t.Helper()
	entries, err := os.ReadDir(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		a, errA := os.ReadFile(filepath.Join(got, e.Name()))
		b, errB := os.ReadFile(filepath.Join(want, e.Name()))
		if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is not the same when saved again (%v)", e.Name(), err)
		}
	}
}

// TestSaveKeepsUnknownKeys checks that what this program does not understand survives.
func TestSaveKeepsUnknownKeys(t *testing.T) {
	source := copyModel(t, "qwen2")
	edit(t, source, configFile, `"use_cache": true`, `"use_cache": false, "auto_map": {"a": "b.py"}, "note": "<kept>"`)
	src := open(t, source)
	dir := filepath.Join(t.TempDir(), "saved")
	if err := Save(dir, src, from(src), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		configFile:      `"note": "<kept>"`,
		generationFile:  `"temperature": 0.7`,
		tokenizerConfig: `"backend": "tokenizers"`,
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s (%v)", file, want, err)
		}
		if strings.Contains(string(text), "auto_map") {
			t.Errorf("%s names code that is not there", file)
		}
	}
}

// TestFailedSaveLeavesNothing covers each way a save ends early.
func TestFailedSaveLeavesNothing(t *testing.T) {
	src := open(t, "testdata/llama")
	broken := errors.New("device lost")
	big := func(name string) ([]float32, error) {
		values, _, err := src.Read(name)
		if err == nil {
			values[3] = 1e6
		}
		return values, err
	}
	for _, c := range []struct {
		name string
		read func(string) ([]float32, error)
		o    SaveOptions
		want string
	}{
		{"read fails", func(string) ([]float32, error) { return nil, broken }, SaveOptions{}, "model.embed_tokens.weight: device lost"},
		{"wrong size", func(string) ([]float32, error) { return make([]float32, 3), nil }, SaveOptions{}, "3 numbers for shape [40 32]"},
		{"overflow", big, SaveOptions{DType: F16}, "number 3, 1e+06, is beyond the range of F16"},
		{"quantised", from(src), SaveOptions{DType: Q4_0}, "cannot be written as Q4_0"},
		{"shard size", from(src), SaveOptions{MaxShardBytes: -1}, "shards of -1 bytes"},
	} {
		parent := t.TempDir()
		checkNothingSaved(t, parent, Save(filepath.Join(parent, "saved"), src, c.read, c.o), c.want)
	}
}

func checkNothingSaved(t *testing.T, parent string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want %q", err, want)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%q: left %v (%v)", want, left, err)
	}
}

// TestSaveOnFullDisk runs itself in a process whose files may not grow beyond
// less than the weights take.
func TestSaveOnFullDisk(t *testing.T) {
	const child = "RLKD_TEST_SAVE_INTO"
	if parent := os.Getenv(child); parent != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 30_000, Max: 30_000}); err != nil {
			t.Fatal(err)
		}
		src := open(t, "testdata/llama")
		checkNothingSaved(t, parent, Save(filepath.Join(parent, "saved"), src, from(src), SaveOptions{}), "file too large")
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSaveOnFullDisk$")
	cmd.Env = append(os.Environ(), child+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSaveRefusesWhatIsThere(t *testing.T) {
	src, dir := open(t, "testdata/llama"), t.TempDir()
	if err := Save(dir, src, from(src), SaveOptions{}); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("error %v", err)
	}
	missing := filepath.Join(dir, "no", "where")
	if err := Save(missing, src, from(src), SaveOptions{}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// TestSavePanicLeavesNothing: operations on tensors report failures by panics.
func TestSavePanicLeavesNothing(t *testing.T) {
	src, parent := open(t, "testdata/llama"), t.TempDir()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("left %v (%v)", left, err)
		}
	}()
	Save(filepath.Join(parent, "saved"), src, func(string) ([]float32, error) { panic("out of memory") }, SaveOptions{})
}

func TestHalfToEven(t *testing.T) {
	for _, c := range []struct {
		v    float32
		d    DType
		want uint16
	}{
		{1 + 1.0/256, BF16, 0x3f80}, {1 + 3.0/256, BF16, 0x3f82}, {-(1 + 3.0/256), BF16, 0xbf82},
		{1 + 1.0/2048, F16, 0x3c00}, {1 + 3.0/2048, F16, 0x3c02}, {65519, F16, 0x7bff},
		{0x1p-25, F16, 0}, {0x1.8p-24, F16, 2}, {0x1.ffcp-15, F16, 0x0400}, {float32(math.Inf(-1)), F16, 0xfc00},
	} {
		raw := make([]byte, 2)
		if i := encode(raw, c.d, []float32{c.v}); i >= 0 {
			t.Errorf("%g overflows %s", c.v, c.d)
		}
		if got := uint16(raw[0]) | uint16(raw[1])<<8; got != c.want {
			t.Errorf("%g in %s is %#x, want %#x", c.v, c.d, got, c.want)
		}
	}
}
