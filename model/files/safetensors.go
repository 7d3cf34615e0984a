package files

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
)

// maxHeader is the longest header the reference implementation reads.
const maxHeader = 100_000_000

// safetensorsEntry is one tensor in the header of a safetensors file.
type safetensorsEntry struct {
	DType   string  `json:"dtype"`
	Shape   []int   `json:"shape"`
	Offsets []int64 `json:"data_offsets"` // first byte and the one after the last, in the data
}

// openSafetensors reads the header of a safetensors file: eight bytes of
// length, a JSON object, then the data, which the tensors must fill without
// gap or overlap (https://github.com/huggingface/safetensors, "Format").
func openSafetensors(f *os.File) (map[string]stored, error) {
	header, start, size, err := safetensorsHeader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	names := slices.SortedFunc(maps.Keys(header), func(a, b string) int {
		return slices.Compare(header[a].Offsets, header[b].Offsets)
	})
	tensors := make(map[string]stored, len(header))
	var end int64
	for _, name := range names {
		e := header[name]
		d, err := e.check(end)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.Name(), name, err)
		}
		if end = e.Offsets[1]; end > size-start {
			return nil, fmt.Errorf("%s: truncated: %d bytes, %s would end at byte %d; fetch the file again", f.Name(), size, name, start+end)
		}
		tensors[name] = stored{file: f, offset: start + e.Offsets[0], dtype: d, shape: e.Shape}
	}
	if extra := size - start - end; extra > 0 {
		return nil, fmt.Errorf("%s: %d bytes follow the last tensor", f.Name(), extra)
	}
	return tensors, nil
}

// safetensorsHeader returns the tensors of the header, where the data start,
// and the size of the file.
func safetensorsHeader(f *os.File) (header map[string]safetensorsEntry, start, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, 0, err
	}
	size = info.Size()
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, 0, 0, fmt.Errorf("truncated: %d bytes are no safetensors file", size)
	}
	if _, err := f.ReadAt(prefix[:], 0); err != nil {
		return nil, 0, 0, err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return nil, 0, 0, fmt.Errorf("not a safetensors file: a header of %d bytes", length)
	}
	start = int64(len(prefix)) + int64(length)
	if start > size {
		return nil, 0, 0, fmt.Errorf("truncated: %d bytes, the header alone needs %d; fetch the file again", size, start)
	}
	text := make([]byte, length)
	if _, err := f.ReadAt(text, int64(len(prefix))); err != nil {
		return nil, 0, 0, err
	}
	var raw map[string]json.RawMessage
	if err := unmarshal(text, &raw); err != nil {
		return nil, 0, 0, fmt.Errorf("the header is not a JSON object: %w", err)
	}
	delete(raw, "__metadata__")
	header = make(map[string]safetensorsEntry, len(raw))
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		var e safetensorsEntry
		if err := json.Unmarshal(raw[name], &e); err != nil {
			return nil, 0, 0, fmt.Errorf("header: %s: %w", name, err)
		}
		if e.Shape == nil || len(e.Offsets) != 2 {
			return nil, 0, 0, fmt.Errorf("header: %s: want shape and two data_offsets", name)
		}
		header[name] = e
	}
	return header, start, size, nil
}

// check returns the entry's number format when its bytes begin at the given
// offset and are as many as its shape needs.
func (e safetensorsEntry) check(at int64) (DType, error) {
	var d DType
	switch e.DType {
	case "F32":
		d = F32
	case "F16":
		d = F16
	case "BF16":
		d = BF16
	default:
		return 0, fmt.Errorf("dtype %q is not supported (supported: F32, F16, BF16)", e.DType)
	}
	n, err := elements(e.Shape)
	switch {
	case err != nil:
		return 0, err
	case e.Offsets[0] != at:
		return 0, fmt.Errorf("data_offsets %v: the tensor before ends at %d", e.Offsets, at)
	case e.Offsets[1]-e.Offsets[0] != d.size(n):
		return 0, fmt.Errorf("data_offsets %v do not hold the %d bytes of shape %v in %s", e.Offsets, d.size(n), e.Shape, d)
	}
	return d, nil
}
