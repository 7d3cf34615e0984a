// Package cache keeps on disk what language models answered, so that no run asks for it again.
// What is kept is found by the model's identity, the version of the prompts and the prompt.
//
// The file is a bbolt store. A process holds its lock only while it reads or writes a batch,
// never while a model works, so that several runs share a file; a batch is one transaction, so
// that a run that is killed leaves the file whole.
package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/rlkd/rlkd/reward"
)

// Store is a file of answers. It is safe for concurrent use, also by several processes.
type Store struct {
	path string
	wait time.Duration // the longest wait for the file's lock
}

var bucket = []byte("answers 1")

// errShort says that pages of the file are not there.
var errShort = errors.New("damaged: the file has been cut short")

// Open returns the store in the file at path, which it makes if there is none, with its folder.
// It fails on a file that is something else, or damaged.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cache %s: %w", path, err)
	}
	s := &Store{path, 10 * time.Second}
	err := s.with(false, func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil && !errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%w; name another file, or remove it", err)
	}
	return s, nil
}

// Check fails where [Open] would on a file that is there, but changes nothing.
func Check(path string) error {
	s := &Store{path, time.Second}
	err := s.with(true, func(*bolt.Tx) error { return nil })
	if err != nil && !errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("%w; name another file, or remove it", err)
	}
	return nil
}

// with runs a transaction on the file, under its lock. A damaged file is an error: bbolt maps
// the file and panics on pages that make no sense, and a page past the file's end is a fault,
// which is made a panic too.
func (s *Store) with(readOnly bool, do func(*bolt.Tx) error) (err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			// To close what bbolt made of the file could hang. The lock would outlive the file, which stays mapped.
			syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
			file.Close()
			err = fmt.Errorf("damaged: %v", r)
		}
		if err != nil {
			err = fmt.Errorf("cache %s: %w", s.path, err)
		}
	}()
	db, err := bolt.Open(s.path, 0o644, &bolt.Options{
		Timeout: s.wait, ReadOnly: readOnly,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			file = f
			return f, err
		},
	})
	if err != nil {
		return err
	}
	whole := func(tx *bolt.Tx) error {
		if info, err := file.Stat(); err != nil || info.Size() < tx.Size() {
			return cmp.Or(err, errShort)
		}
		return do(tx)
	}
	if readOnly {
		err = db.View(whole)
	} else {
		err = db.Update(whole)
	}
	return errors.Join(err, db.Close())
}

// get decodes the values kept under keys into their places in values, and tells which there
// were. While another process keeps the file locked for too long there are none, nor when the
// file has been removed: the next put makes it again.
func get[T any](s *Store, keys [][32]byte) (values []T, known []bool, err error) {
	values, known = make([]T, len(keys)), make([]bool, len(keys))
	err = s.with(true, func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		for i := 0; b != nil && i < len(keys); i++ {
			if data := b.Get(keys[i][:]); data != nil {
				known[i] = json.Unmarshal(data, &values[i]) == nil
			}
		}
		return nil
	})
	if errors.Is(err, bolterrors.ErrTimeout) || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return values, known, err
}

// put keeps values under keys. What the lock keeps it from writing is asked for again one day.
func put[T any](s *Store, keys [][32]byte, values []T) error {
	if len(keys) == 0 {
		return nil
	}
	err := s.with(false, func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		for i := 0; err == nil && i < len(keys); i++ {
			var data []byte
			if data, err = json.Marshal(values[i]); err == nil {
				err = b.Put(keys[i][:], data)
			}
		}
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil
	}
	return err
}

// Keep returns the model with its answers kept in the store. Failures are not kept, nor are
// replies that were cut.
func (s *Store) Keep(lm reward.LM) reward.LM { return kept{s, lm} }

type kept struct {
	store *Store
	reward.LM
}

// Write asks the model only for the replies that are not kept.
func (k kept) Write(ctx context.Context, prompts []reward.Prompt) ([]reward.Reply, error) {
	return through(ctx, k, "write", prompts, k.LM.Write, func(r reward.Reply) bool { return r.Missing == "" && !r.Cut && r.Text != "" })
}

// Choose asks the model only for the beliefs that are not kept.
func (k kept) Choose(ctx context.Context, prompts []reward.Prompt) ([]reward.Belief, error) {
	return through(ctx, k, "choose", prompts, k.LM.Choose, func(b reward.Belief) bool { return b.Missing == "" && b.Yes+b.No > 0 })
}

// through answers prompts from the store, and those it has not by ask, equal ones once; good
// tells which answers to keep.
func through[T any](ctx context.Context, k kept, kind string, prompts []reward.Prompt,
	ask func(context.Context, []reward.Prompt) ([]T, error), good func(T) bool) ([]T, error) {
	keys := make([][32]byte, len(prompts))
	for i, p := range prompts {
		keys[i] = k.key(kind, p)
	}
	values, known, err := get[T](k.store, keys)
	if err != nil {
		return nil, err
	}
	var open []reward.Prompt
	at := map[[32]byte]int{} // of a key in open
	for i, key := range keys {
		if _, listed := at[key]; !known[i] && !listed {
			at[key] = len(open)
			open = append(open, prompts[i])
		}
	}
	if len(open) == 0 {
		return values, nil
	}
	answers, err := ask(ctx, open)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(open) {
		return nil, fmt.Errorf("%s: %d answers to %d prompts", reward.CauseUnreadable, len(answers), len(open))
	}
	var newKeys [][32]byte
	var newValues []T
	for key, j := range at {
		if good(answers[j]) {
			newKeys, newValues = append(newKeys, key), append(newValues, answers[j])
		}
	}
	for i, key := range keys {
		if !known[i] {
			values[i] = answers[at[key]]
		}
	}
	return values, put(k.store, newKeys, newValues)
}

// key is what an answer is kept under.
func (k kept) key(kind string, p reward.Prompt) [32]byte {
	parts, _ := json.Marshal([]string{kind, k.Identity(), reward.PromptVersion, p.System, p.User}) // texts always encode
	return sha256.Sum256(parts)
}
