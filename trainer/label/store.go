package label

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/rlkd/rlkd/trainer"
	"golang.org/x/sys/unix"
)

// store is a JSONL file that rows are added to, each once. While it is open no other run can
// open it.
type store struct {
	path  string
	file  *os.File
	lines map[id]span // where the line of each row is
	size  int64
}

// span is where a line stands in a file, with its line end.
type span struct{ offset, length int64 }

// openStore opens the file at path, which it makes if there is none, and finds the rows in it.
// Every row must have the key that says that labelling wrote it. What a process that was killed
// left of a last line is cut off.
func openStore(path string) (*store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	s := &store{path: path, file: file, lines: map[id]span{}}
	if err := s.lock(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.scan(); err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

// lock takes the file for this process, until it is closed.
func (s *store) lock() error {
	err := unix.Flock(int(s.file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errors.New("another run writes to it; wait for its end or name another file")
	}
	if err != nil {
		return fmt.Errorf("cannot be locked: %w", err)
	}
	now, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	mine, err := s.file.Stat()
	if err == nil && !os.SameFile(now, mine) {
		err = errors.New("was replaced by another run; start again")
	}
	return err
}

// scan reads the file.
func (s *store) scan() error {
	lines := bufio.NewReaderSize(s.file, 1<<16)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", s.path, n, err)
		}
		whole := bytes.HasSuffix(line, []byte("\n"))
		if !whole && !json.Valid(line) { // nothing, or torn
			return s.file.Truncate(s.size)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if err := s.found(line); err != nil {
				return fmt.Errorf("%s:%d: %w", s.path, n, err)
			}
		}
		s.size += int64(len(line))
		if !whole { // all but its end
			s.size++
			_, err := s.file.WriteString("\n")
			return err
		}
	}
}

// found keeps where a row is.
func (s *store) found(line []byte) error {
	var ours map[string]json.RawMessage
	if err := json.Unmarshal(line, &ours); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	if ours[labelKey] == nil {
		return fmt.Errorf("has no key %q, so it was not written by rlkd label; name another file", labelKey)
	}
	stripped, err := strip(line)
	if err != nil {
		return err
	}
	end := len(bytes.TrimSuffix(line, []byte("\n")))
	s.keep(sha256.Sum256(stripped), span{s.size, int64(end) + 1})
	return nil
}

// keep notes where the line of a row is, the first one if it has several.
func (s *store) keep(row id, at span) {
	if _, known := s.lines[row]; !known {
		s.lines[row] = at
	}
}

// has tells whether the row is in the file.
func (s *store) has(row id) bool {
	_, known := s.lines[row]
	return known
}

// add appends the line of a row.
func (s *store) add(row id, line []byte) error {
	if n, err := s.file.Write(line); err != nil {
		if n > 0 {
			err = errors.Join(err, s.file.Truncate(s.size))
		}
		return err
	}
	s.keep(row, span{s.size, int64(len(line))})
	s.size += int64(len(line))
	return nil
}

// close puts the lines in the order of their rows, those of other rows first, as they are. A
// file without lines goes.
func (s *store) close(order []id) error {
	err := s.file.Sync()
	switch {
	case err != nil:
	case s.size == 0:
		err = os.Remove(s.path)
	default:
		err = s.arrange(order)
	}
	return errors.Join(err, s.file.Close())
}

func (s *store) arrange(order []id) error {
	var ordered []span
	listed := map[id]bool{}
	for _, row := range order {
		if at, ok := s.lines[row]; ok && !listed[row] {
			listed[row] = true
			ordered = append(ordered, at)
		}
	}
	var others []span
	for row, at := range s.lines {
		if !listed[row] {
			others = append(others, at)
		}
	}
	byOffset := func(a, b span) int { return int(a.offset - b.offset) }
	slices.SortFunc(others, byOffset)
	all := append(others, ordered...)
	if slices.IsSortedFunc(all, byOffset) {
		return nil
	}
	return trainer.WriteFileAtomic(s.path, func(w io.Writer) error {
		for _, at := range all {
			if _, err := io.Copy(w, io.NewSectionReader(s.file, at.offset, at.length)); err != nil {
				return err
			}
		}
		return nil
	})
}
