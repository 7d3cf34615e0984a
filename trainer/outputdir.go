package trainer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OutputDir is a directory that belongs to one run of the program until it is closed.
type OutputDir struct {
	Path string
	lock *os.File
	made bool     // there was no directory
	had  []string // names of the files in it
}

// configName is the file of the configuration that a run uses.
const configName = "config.yaml"

// lockName is the file whose lock means that a run works in its directory. The kernel lets go
// of the lock when the process ends, however it ends; the file stays and means nothing.
const lockName = ".lock"

// traces are the files that a run leaves.
var traces = []string{configName, "metrics.jsonl", "checkpoint-*"}

// OpenOutputDir makes the directory dir if there is none and takes it for this run. It is an
// error if nothing can be written there, if another run is at work in it, or, unless this run
// resumes, if it holds what another run left.
func OpenOutputDir(dir string, resume bool) (*OutputDir, error) {
	_, err := os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("output_dir: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("output_dir %s: %w", dir, err)
	}
	had, err := fileNames(dir)
	if found := trace(had); err == nil && found != "" && !resume {
		err = anotherRun(found)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("output_dir %s: %w", dir, err)
	}
	return &OutputDir{Path: dir, lock: lock, made: made, had: had}, nil
}

func anotherRun(found string) error {
	return fmt.Errorf("holds another run (%s): go on with it by --resume, or name another output_dir", found)
}

// trace returns the first of a directory's files that another run left, "" if there is none.
func trace(files []string) string {
	for _, name := range files {
		for _, pattern := range traces {
			if match, _ := filepath.Match(pattern, name); match { // the patterns are well-formed
				return name
			}
		}
	}
	return ""
}

// fileNames lists the files of a directory, in order.
func fileNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out, err
}

// lockDir takes the lock of dir and writes the number of this process into its file, which
// shows that dir can be written to.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("cannot be written to: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		err = atWork(f)
	case err != nil:
		err = fmt.Errorf("cannot be locked: %w", err)
	default:
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
		}
		if err != nil {
			err = fmt.Errorf("cannot be written to: %w", err)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// atWork says who holds the lock in f.
func atWork(f *os.File) error {
	holder, _ := io.ReadAll(io.LimitReader(f, 32))
	return fmt.Errorf("another run is at work in it (process %s); wait for its end or name another output_dir", strings.TrimSpace(string(holder)))
}

// lockFree fails if a run holds the lock at path. It makes no file.
func lockFree(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // which lets go of the lock
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return atWork(f)
	}
	return nil
}

// writable fails if nothing can be made in dir, or in the nearest folder above it that there is.
func writable(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
		return writable(filepath.Dir(dir))
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("%s cannot be written to: %w", dir, err)
	}
	return nil
}

// Close lets go of the directory. A new run that got no further than its configuration, because
// its model is not there, say, leaves nothing that would be in the way of the next.
func (d *OutputDir) Close() error {
	return errors.Join(d.tidy(), d.lock.Close())
}

func (d *OutputDir) tidy() error {
	files, err := fileNames(d.Path)
	begun := slices.ContainsFunc(files, func(name string) bool {
		return name != configName && name != lockName && !slices.Contains(d.had, name)
	})
	switch {
	case err != nil || begun:
		return err
	case d.made:
		return os.RemoveAll(d.Path)
	case slices.Contains(files, configName) && !slices.Contains(d.had, configName):
		return os.Remove(filepath.Join(d.Path, configName))
	}
	return nil
}

// WriteFileAtomic lets write make the contents of a file, and puts the file at path when all
// of it is on disk: whatever fails, path is what it was. The contents grow in path + ".tmp".
// The directory is made if there is none.
func WriteFileAtomic(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	temporary := path + ".tmp"
	f, err := os.Create(temporary)
	if err != nil {
		return err
	}
	defer os.Remove(temporary) // gone already if all went well
	buffered := bufio.NewWriterSize(f, 1<<16)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the renames in a directory outlast a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
