package files

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// openDirectory opens the weights of a Hugging Face directory: one safetensors
// file, or the shards that an index lists. The files stay open in m.
func (m *Model) openDirectory(dir string) (map[string]stored, error) {
	index := filepath.Join(dir, indexFile)
	single := filepath.Join(dir, singleFile)
	if exists(single) || !exists(index) {
		f, err := m.open(single)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: holds no weights: neither %s nor %s is there (pickled .bin files are not read)", dir, singleFile, indexFile)
		}
		if err != nil {
			return nil, err
		}
		return openSafetensors(f)
	}
	shards, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	return m.openShards(dir, shards)
}

// readIndex returns, for each shard of an index, the tensors it must hold.
func readIndex(path string) (map[string][]string, error) {
	o, err := readObject(path)
	if err != nil {
		return nil, err
	}
	o.require("weight_map")
	var weights map[string]string
	o.get("weight_map", "an object of strings", &weights)
	if o.err != nil {
		return nil, o.err
	}
	shards := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		shard := weights[name]
		if !filepath.IsLocal(shard) || filepath.Base(shard) != shard {
			return nil, fmt.Errorf("%s: weight_map: %s: %q is not a file name", path, name, shard)
		}
		shards[shard] = append(shards[shard], name)
	}
	return shards, nil
}

func (m *Model) openShards(dir string, shards map[string][]string) (map[string]stored, error) {
	all := make(map[string]stored)
	for _, shard := range slices.Sorted(maps.Keys(shards)) {
		f, err := m.open(filepath.Join(dir, shard))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: missing, though %s lists %d tensors in it; fetch it again", filepath.Join(dir, shard), indexFile, len(shards[shard]))
		}
		if err != nil {
			return nil, err
		}
		tensors, err := openSafetensors(f)
		if err != nil {
			return nil, err
		}
		for _, name := range shards[shard] {
			if _, ok := tensors[name]; !ok {
				return nil, fmt.Errorf("%s: does not hold %s, which %s lists in it", f.Name(), name, indexFile)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(tensors)) {
			if other, ok := all[name]; ok {
				return nil, fmt.Errorf("%s: %s is in %s too", f.Name(), name, other.file.Name())
			}
			all[name] = tensors[name]
		}
	}
	return all, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
