package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/rng"
)

// randomModel is a model of the student's kind and vocabulary with random weights.
type randomModel struct {
	like          string // whose tokenizer and other settings it takes
	width, layers int
	seed          uint64
}

// write saves the model as a new Hugging Face directory in bf16. Heads, key-value heads and the inner size
// of the MLP grow with the width; a head keeps its size.
func (r randomModel) write(dir string) error {
	src, err := files.Open(r.like)
	if err != nil {
		return err
	}
	defer src.Close()
	c := &src.Config
	c.NumHeads, c.NumKVHeads = max(1, c.NumHeads*r.width/c.HiddenSize), max(1, c.NumKVHeads*r.width/c.HiddenSize)
	c.IntermediateSize = c.IntermediateSize * r.width / c.HiddenSize
	c.HiddenSize, c.NumLayers = r.width, r.layers
	sizes, number := map[string]int{}, map[string]int{}
	for i, t := range c.Tensors() {
		sizes[t.Name], number[t.Name] = 1, i
		for _, d := range t.Shape {
			sizes[t.Name] *= d
		}
	}
	return files.Save(dir, src, func(name string) ([]float32, error) {
		stream := rng.NewStream(r.seed, randomWeights, uint64(number[name]))
		out := make([]float32, sizes[name])
		for i := range out {
			if out[i] = float32(stream.Float64()-0.5) / 16; strings.Contains(name, "norm") {
				out[i] = 1
			}
		}
		return out, nil
	}, files.SaveOptions{DType: files.BF16})
}

// copyModel saves a model, GGUF or not, as a Hugging Face directory in fp32, unless dir is there.
func copyModel(path, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	src, err := files.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	return files.Save(dir, src, func(name string) ([]float32, error) { v, _, err := src.Read(name); return v, err }, files.SaveOptions{DType: files.F32})
}
