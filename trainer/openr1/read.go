package openr1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/rlkd/rlkd/trainer"
)

// The columns of the published dataset that are read, and the one that is made.
const (
	generationColumn  = "generation"
	problemColumn     = "problem"
	answerColumn      = "answer"
	generationsColumn = "generations"
	verifyColumn      = "correctness_math_verify"
	llamaColumn       = "correctness_llama"
)

// Files returns the files that the patterns name, those of a pattern in the order of their
// names: a file, a directory (all .parquet, .jsonl and .json files in it, also with .gz) or a
// pattern with *, ? or [. A pattern that names none is an error.
func Files(patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		info, err := os.Stat(pattern)
		switch {
		case err == nil && info.IsDir():
			entries, err := os.ReadDir(pattern)
			if err != nil {
				return nil, err
			}
			before := len(files)
			for _, e := range entries {
				switch filepath.Ext(strings.TrimSuffix(e.Name(), ".gz")) {
				case ".parquet", ".jsonl", ".json":
					files = append(files, filepath.Join(pattern, e.Name()))
				}
			}
			if len(files) == before {
				return nil, fmt.Errorf("%s: no .parquet or .jsonl file in this directory", pattern)
			}
		case err == nil:
			files = append(files, pattern)
		case strings.ContainsAny(pattern, "*?["):
			found, globErr := filepath.Glob(pattern)
			if globErr != nil || len(found) == 0 {
				return nil, fmt.Errorf("%s: no file has such a name", pattern)
			}
			files = append(files, found...)
		default:
			return nil, err
		}
	}
	for i, f := range files {
		if slices.Contains(files[:i], f) {
			return nil, fmt.Errorf("%s: named twice", f)
		}
	}
	return files, nil
}

// CheckKeep tells what is wrong with a column to keep beside the others.
func CheckKeep(name string, others []string) error {
	switch name {
	case "":
		return errors.New("no name of a column")
	case problemColumn, answerColumn, generationColumn, generationsColumn, verifyColumn, llamaColumn:
		return errors.New("rows have it, or what it becomes, anyway")
	}
	if slices.Contains(others, name) {
		return errors.New("named twice")
	}
	return nil
}

// Columns says what is read beside what is always read.
type Columns struct {
	Llama bool
	Keep  []string // text columns; those that a file lacks are empty
}

// Read calls each with every record of a file, in order, and stops at the first error. The
// first bytes tell the form: parquet, JSON lines, or JSON lines compressed by gzip. Memory is
// bounded by some pages of a parquet file, or by a line. An error names the file, and the line
// or row and column it is about.
func Read(path string, c Columns, each func(Record) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("version https://git-lfs")):
		return fmt.Errorf("%s: a Git LFS pointer in place of the file; fetch it by git lfs pull", path)
	case bytes.HasPrefix(head, []byte("PAR1")) || strings.HasSuffix(path, ".parquet"):
		return readParquet(f, path, c, each)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		lines, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return readLines(lines, path, c, each)
	}
	return readLines(f, path, c, each)
}

// readLines reads JSON lines. Keys that are missing are an error but for the verdicts and what
// is kept.
func readLines(r io.Reader, path string, c Columns, each func(Record) error) error {
	return trainer.ReadRows(r, path, func(row trainer.Row) error {
		record := Record{Kept: make([]string, len(c.Keep))}
		fields := []struct {
			key  string
			dst  any
			need bool
		}{
			{problemColumn, &record.Problem, true}, {answerColumn, &record.Answer, true},
			{generationsColumn, &record.Generations, true}, {verifyColumn, &record.MathVerify, false},
		}
		for _, f := range fields {
			if err := optional(row, f.key, f.dst, f.need); err != nil {
				return err
			}
		}
		if c.Llama {
			if err := optional(row, llamaColumn, &record.Llama, false); err != nil {
				return err
			}
		}
		for i, key := range c.Keep {
			if err := optional(row, key, &record.Kept[i], false); err != nil {
				return err
			}
		}
		return each(record)
	})
}

// optional reads a key that may be null and, unless it is needed, missing.
func optional(row trainer.Row, key string, dst any, need bool) error {
	if row.Has(key) || need && !row.Null(key) {
		return row.Get(key, dst)
	}
	return nil
}
