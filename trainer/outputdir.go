package trainer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OutputDir is a directory that belongs to one run of the program until it is closed.
type OutputDir struct {
	Path string
	lock *os.File
}

// lockName is the file whose lock means that a run works in its directory. The kernel lets go
// of the lock when the process ends, however it ends; the file stays and means nothing.
const lockName = ".lock"

// traces are the files that a run leaves.
var traces = []string{"config.yaml", "metrics.jsonl", "checkpoint-*"}

// OpenOutputDir makes the directory dir if there is none and takes it for this run. It is an
// error if nothing can be written there, if another run is at work in it, or, unless this run
// resumes, if it holds what another run left.
func OpenOutputDir(dir string, resume bool) (*OutputDir, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("output_dir: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("output_dir %s: %w", dir, err)
	}
	found, err := trace(dir)
	if err == nil && found != "" && !resume {
		err = fmt.Errorf("holds another run (%s): go on with it by --resume, or name another output_dir", found)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("output_dir %s: %w", dir, err)
	}
	return &OutputDir{dir, lock}, nil
}

// trace returns the name of a file that another run left in dir, "" if there is none.
func trace(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		for _, pattern := range traces {
			if match, err := filepath.Match(pattern, e.Name()); match || err != nil {
				return e.Name(), err
			}
		}
	}
	return "", nil
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
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		err = fmt.Errorf("another run is at work in it (process %s); wait for its end or name another output_dir", strings.TrimSpace(string(holder)))
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

// Close lets go of the directory.
func (d *OutputDir) Close() error { return d.lock.Close() }

// WriteFileAtomic lets write make the contents of a file, and puts the file at path when all
// of it is on disk: whatever fails, path is what it was. The contents grow in path + ".tmp".
func WriteFileAtomic(path string, write func(io.Writer) error) error {
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
