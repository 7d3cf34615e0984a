package trainer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputDirBelongsToOneRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "[b]") // made with its parents, whatever its name
	first, err := OpenOutputDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, resume := range []bool{false, true} {
		if _, err := OpenOutputDir(dir, resume); !strings.Contains(errorText(err), "another run is at work in it") {
			t.Errorf("a second run, resume %v: %v", resume, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenOutputDir(dir, false)
	if err != nil {
		t.Fatalf("after the first run left nothing: %v", err)
	}
	again.Close()
}

// TestOutputDirOfRunThatDidNotBegin checks what a run that failed at its start leaves behind.
func TestOutputDirOfRunThatDidNotBegin(t *testing.T) {
	for _, c := range []struct {
		name, before, during string
		after                string // "" = no directory
	}{
		{"new directory", "", "config.yaml", ""},
		{"directory of the user", "notes.txt", "config.yaml", ".lock notes.txt"},
		{"the run began", "", "config.yaml metrics.jsonl", ".lock config.yaml metrics.jsonl"},
		{"resumed", "config.yaml", "", ".lock config.yaml"},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		touch := func(names string) {
			for _, name := range strings.Fields(names) {
				if err := WriteFileAtomic(filepath.Join(dir, name), func(io.Writer) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
		}
		touch(c.before)
		out, err := OpenOutputDir(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		touch(c.during)
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		entries, _ := os.ReadDir(dir)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != c.after {
			t.Errorf("%s: left %q, want %q", c.name, got, c.after)
		}
		if _, err := os.Stat(dir); (err != nil) != (c.after == "") {
			t.Errorf("%s: the directory: %v", c.name, err)
		}
	}
}

func TestOutputDirHoldsAnotherRun(t *testing.T) {
	for _, name := range []string{"config.yaml", "metrics.jsonl", "checkpoint-50", "notes.txt"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		want := "output_dir " + dir + ": holds another run (" + name + "): go on with it by --resume, or name another output_dir"
		if name == "notes.txt" {
			want = ""
		}
		out, err := OpenOutputDir(dir, false)
		if errorText(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
		if err == nil {
			out.Close()
		}
		out, err = OpenOutputDir(dir, true)
		if err != nil {
			t.Fatalf("%s: resume: %v", name, err)
		}
		out.Close()
	}
}

func TestOutputDirCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), "/proc/self"} {
		if _, err := OpenOutputDir(dir, false); !strings.HasPrefix(errorText(err), "output_dir") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestWriteFileAtomic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write := func(text string, fail error) error {
		return WriteFileAtomic(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	if err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	if err := write("two, in part", full); !errors.Is(err, full) || !strings.Contains(err.Error(), path) {
		t.Errorf("the failure was reported as %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "one" {
		t.Errorf("after a failure the file is %q", got)
	}
	if _, err := os.Stat(path + ".tmp"); !os.IsNotExist(err) {
		t.Errorf("the temporary file is left: %v", err)
	}
	if err := write("two", nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "two" {
		t.Errorf("the file is %q", got)
	}
}
