package files

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// saveTensors writes the weights tensor by tensor: one file, or shards and an
// index of them.
func saveTensors(dir string, specs []TensorSpec, read func(name string) ([]float32, error), o SaveOptions) error {
	shards := split(specs, o)
	if len(shards) == 1 {
		return saveShard(filepath.Join(dir, singleFile), shards[0], read, o.DType)
	}
	weights := make(map[string]string)
	var total int64
	for i, shard := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		for _, s := range shard {
			weights[s.Name] = name
			total += s.bytes(o.DType)
		}
		if err := saveShard(filepath.Join(dir, name), shard, read, o.DType); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(dir, indexFile), map[string]any{
		"metadata":   map[string]any{"total_size": total},
		"weight_map": weights,
	})
}

// split fills shards in order; a tensor above the limit has one of its own.
func split(specs []TensorSpec, o SaveOptions) [][]TensorSpec {
	var shards [][]TensorSpec
	var size int64
	for _, s := range specs {
		n := s.bytes(o.DType)
		if len(shards) == 0 || size+n > o.MaxShardBytes {
			shards, size = append(shards, nil), 0
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], s)
		size += n
	}
	return shards
}

// Numel is how many numbers the tensor has.
func (s TensorSpec) Numel() int64 {
	n := int64(1)
	for _, d := range s.Shape {
		n *= int64(d)
	}
	return n
}

func (s TensorSpec) bytes(d DType) int64 { return d.size(s.Numel()) }

// saveShard writes a safetensors file (see openSafetensors).
func saveShard(path string, specs []TensorSpec, read func(name string) ([]float32, error), d DType) error {
	return writeFile(path, func(f *os.File) error {
		head, err := shardHeader(specs, d)
		if err != nil {
			return err
		}
		if _, err := f.Write(head); err != nil {
			return err
		}
		buffer := make([]byte, d.size(chunk))
		for _, s := range specs {
			values, err := read(s.Name)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			if int64(len(values)) != s.Numel() {
				return fmt.Errorf("%s: %d numbers for shape %v", s.Name, len(values), s.Shape)
			}
			for lo := 0; lo < len(values); lo += chunk {
				piece := values[lo:min(lo+chunk, len(values))]
				raw := buffer[:d.size(int64(len(piece)))]
				if i := encode(raw, d, piece); i >= 0 {
					return fmt.Errorf("%s: number %d, %g, is beyond the range of %s; save as F32 or BF16", s.Name, lo+i, piece[i], d)
				}
				if _, err := f.Write(raw); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// shardHeader returns what stands before the data. Its length is a multiple of
// eight, so that the numbers are aligned in a mapped file, and the format is
// named because transformers refuses a file without it.
func shardHeader(specs []TensorSpec, d DType) ([]byte, error) {
	entries := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var end int64
	for _, s := range specs {
		begin := end
		end += s.bytes(d)
		entries[s.Name] = safetensorsEntry{DType: d.String(), Shape: s.Shape, Offsets: []int64{begin, end}}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}
