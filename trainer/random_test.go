package trainer

import (
	"math"
	"path/filepath"
	"strings"

	"github.com/rlkd/rlkd/model/files"
	"github.com/rlkd/rlkd/model/rng"
)

// writeRandomWeights gives the directory of a config.json the weights it asks for: norms of 1, and
// matrices that keep the size of what they are multiplied by.
func writeRandomWeights(dir string) error {
	c, err := files.ReadConfig(dir)
	if err != nil {
		return err
	}
	byName := map[string]files.TensorSpec{}
	for _, s := range c.Tensors() {
		byName[s.Name] = s
	}
	draw := rng.NewStream(1, rng.LoRA, 0)
	return files.WriteTensors(filepath.Join(dir, "model.safetensors"), c.Tensors(), func(name string) ([]float32, error) {
		shape := byName[name].Shape
		n, width := 1, shape[len(shape)-1]
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			if values[i] = float32(2*draw.Float64()-1) / float32(math.Sqrt(float64(width))); strings.HasSuffix(name, "norm.weight") {
				values[i] = 1
			}
		}
		return values, nil
	})
}
