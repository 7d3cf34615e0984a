package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// gguf is the head of a GGUF file: its key-value pairs and where its tensors
// lie (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
type gguf struct {
	// values holds uint64, int64, float64, bool or string, and slices of them.
	values  map[string]any
	tensors []ggufTensor
}

type ggufTensor struct {
	name string
	stored
}

const (
	ggufMagic     = "GGUF"
	ggufMaxDims   = 4
	ggufAlignment = 32
)

// openGGUF reads the head of a GGUF file of version 2 or 3.
func openGGUF(f *os.File) (*gguf, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	r := &ggufReader{r: bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 1<<16), left: size}
	g, err := r.head()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if err := g.place(f, size-r.left, size); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return g, nil
}

func (r *ggufReader) head() (*gguf, error) {
	if magic := string(r.bytes(4)); r.err == nil && magic != ggufMagic {
		return nil, fmt.Errorf("not a GGUF file: it begins with %q; a model is a .gguf file or a Hugging Face directory", magic)
	}
	if version := r.uint32(); r.err == nil && version != 2 && version != 3 {
		return nil, fmt.Errorf("GGUF version %d is not supported (supported: 2, 3, little-endian)", version)
	}
	tensors, pairs := r.uint64(), r.uint64()
	g := &gguf{values: make(map[string]any)}
	for i := uint64(0); i < pairs && r.err == nil; i++ {
		key := r.string()
		if _, ok := g.values[key]; ok && r.err == nil {
			return nil, fmt.Errorf("metadata: %s is there twice", key)
		}
		g.values[key] = r.value(r.uint32(), key)
	}
	for i := uint64(0); i < tensors && r.err == nil; i++ {
		g.tensors = append(g.tensors, r.tensor())
	}
	if errors.Is(r.err, io.ErrUnexpectedEOF) {
		return nil, errors.New("truncated: it ends within the metadata; fetch the file again")
	}
	return g, r.err
}

// place turns the tensors' offsets into positions in the file and checks that
// each lies within it.
func (g *gguf) place(f *os.File, headEnd, size int64) error {
	alignment, ok := int64(ggufAlignment), true
	if v := g.values["general.alignment"]; v != nil {
		var u uint64
		u, ok = v.(uint64)
		alignment = int64(u)
	}
	if !ok || alignment < 1 || alignment > 1<<20 {
		return fmt.Errorf("general.alignment: %v is not a size", g.values["general.alignment"])
	}
	start := (headEnd + alignment - 1) / alignment * alignment
	var missing []string
	var need int64
	for i := range g.tensors {
		t := &g.tensors[i]
		t.file = f
		t.offset += start
		end := t.offset + t.dtype.size(int64(t.numel()))
		if end > size {
			missing = append(missing, t.name)
			need = max(need, end)
		}
	}
	if missing != nil {
		return fmt.Errorf("truncated: %d of %d bytes, %d tensors are cut off (%s); fetch the file again", size, need, len(missing), firstFew(missing))
	}
	return g.checkOverlap()
}

func (g *gguf) checkOverlap() error {
	byOffset := slices.Clone(g.tensors)
	slices.SortStableFunc(byOffset, func(a, b ggufTensor) int { return int(min(max(a.offset-b.offset, -1), 1)) })
	for i := 1; i < len(byOffset); i++ {
		a, b := byOffset[i-1], byOffset[i]
		if a.offset+a.dtype.size(int64(a.numel())) > b.offset {
			return fmt.Errorf("tensors %s and %s overlap", a.name, b.name)
		}
	}
	return nil
}

// tensor reads one tensor's description; its offset is within the data.
func (r *ggufReader) tensor() ggufTensor {
	t := ggufTensor{name: r.string()}
	dims := r.uint32()
	if r.err == nil && (dims > ggufMaxDims || dims == 0) {
		r.err = fmt.Errorf("tensor %s: %d dimensions", t.name, dims)
	}
	for i := uint32(0); i < dims && r.err == nil; i++ {
		d := r.uint64()
		if d > math.MaxInt32 {
			r.err = fmt.Errorf("tensor %s: dimension %d is out of range", t.name, d)
		}
		t.shape = append(t.shape, int(d))
	}
	kind, offset := r.uint32(), r.uint64()
	if r.err != nil {
		return t
	}
	if offset > 1<<60 {
		r.err = fmt.Errorf("tensor %s: offset %d is out of range", t.name, offset)
	}
	t.offset = int64(offset)
	t.dtype = ggufDType(kind)
	n, err := elements(t.shape)
	switch {
	case err != nil:
		r.err = fmt.Errorf("tensor %s: %w", t.name, err)
	case t.dtype == 0:
		r.err = fmt.Errorf("tensor %s: type %s is not supported (supported: F32, F16, BF16, Q8_0, Q4_0, Q4_1)", t.name, ggufTypeName(kind))
	case n > 0 && t.shape[0]%formats[t.dtype].numbers != 0:
		r.err = fmt.Errorf("tensor %s: rows of %d numbers do not hold whole blocks of %s", t.name, t.shape[0], t.dtype)
	}
	slices.Reverse(t.shape) // GGUF counts dimensions from the innermost
	return t
}

func ggufDType(kind uint32) DType {
	for d, f := range formats {
		if f.ggufType == kind {
			return d
		}
	}
	return 0
}

// ggufTypeName names the types of enum ggml_type that a user may meet.
func ggufTypeName(kind uint32) string {
	names := map[uint32]string{
		6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K",
		16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
		24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
	}
	if name, ok := names[kind]; ok {
		return name
	}
	return fmt.Sprint("number ", kind)
}
