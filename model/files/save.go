package files

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SaveOptions say how Save writes the weights.
type SaveOptions struct {
	DType         DType // F32, F16 or BF16; 0 is the DType of the source's Config
	MaxShardBytes int64 // the most a weights file may hold; 0 is 5 GB, as in transformers
}

// defaultShardBytes is what transformers splits at.
const defaultShardBytes = 5e9

// Save writes a model as a Hugging Face directory: configuration, generation
// settings, tokenizer and chat template as src has them, and weights from
// read, which is called once for each of Config.Tensors in that order and so
// need never hold more than one. src may be closed.
//
// The directory appears whole or not at all: it is written beside its place,
// synced, and renamed. One that is there already is an error, and so is a
// finite weight that the DType cannot hold.
func Save(dir string, src *Model, read func(name string) ([]float32, error), o SaveOptions) error {
	if o.DType == 0 {
		o.DType = src.Config.DType
	}
	if o.MaxShardBytes == 0 {
		o.MaxShardBytes = defaultShardBytes
	}
	switch {
	case o.DType != F32 && o.DType != F16 && o.DType != BF16:
		return fmt.Errorf("save %s: weights cannot be written as %s (supported: F32, F16, BF16)", dir, o.DType)
	case o.MaxShardBytes < 0:
		return fmt.Errorf("save %s: shards of %d bytes", dir, o.MaxShardBytes)
	}
	if err := checkAbsent(dir); err != nil {
		return err
	}
	if err := writeBeside(dir, func(work string) error {
		if err := src.saveText(work, o.DType); err != nil {
			return err
		}
		return saveTensors(work, src.Config.Tensors(), read, o)
	}); err != nil {
		return fmt.Errorf("save %s: %w", dir, err)
	}
	return nil
}

// checkAbsent is an error if there is something at the place of a directory to be saved.
func checkAbsent(dir string) error {
	_, err := os.Lstat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil:
		err = errors.New("it is there already; remove it or save elsewhere")
	}
	return fmt.Errorf("save %s: %w", dir, err)
}

// writeBeside lets fill write a directory under another name and then gives it
// its own. Nothing is left behind when fill fails or panics.
func writeBeside(dir string, fill func(work string) error) error {
	parent := filepath.Dir(filepath.Clean(dir))
	work, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".unfinished-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) // nothing once it is renamed
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	if err := fill(work); err != nil {
		return err
	}
	if err := syncDirectory(work); err != nil {
		return err
	}
	if err := os.Rename(work, dir); err != nil {
		return err
	}
	return syncDirectory(parent)
}

// writeFile writes and syncs one new file.
func writeFile(path string, fill func(f *os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	closed := f.Close()
	return cmp.Or(err, closed)
}

// syncDirectory makes the names in a directory durable.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	closed := d.Close()
	return cmp.Or(err, closed)
}
