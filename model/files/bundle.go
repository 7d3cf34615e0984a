package files

import (
	"fmt"
	"os"
)

// Tensors is a safetensors file that is not a model: an optimizer's state, or reference
// numbers of a test.
type Tensors struct {
	file    *os.File
	tensors map[string]stored
}

// OpenTensors opens a safetensors file.
func OpenTensors(path string) (*Tensors, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	tensors, err := openSafetensors(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Tensors{f, tensors}, nil
}

// Read returns a tensor as fp32, row-major, and its shape.
func (t *Tensors) Read(name string) ([]float32, []int, error) {
	s, ok := t.tensors[name]
	if !ok {
		return nil, nil, fmt.Errorf("%s: holds no tensor %q", t.file.Name(), name)
	}
	values, err := s.read()
	return values, s.shape, err
}

// Close closes the file.
func (t *Tensors) Close() error { return t.file.Close() }

// WriteTensors writes a new safetensors file in fp32. read is called once for each tensor, in
// order.
func WriteTensors(path string, specs []TensorSpec, read func(name string) ([]float32, error)) error {
	return saveShard(path, specs, read, F32)
}
