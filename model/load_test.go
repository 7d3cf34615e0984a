package model_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/model"
	"github.com/rlkd/rlkd/model/files"
)

// A file that is cut after it was opened is an error that says so, while other tensors of it are
// being read, and leaves no tensor behind.
func TestLoadingWhatIsCutMeanwhile(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tinyModels(t)[0])); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, "model.safetensors")
	info, err := os.Stat(weights)
	if err != nil {
		t.Fatal(err)
	}
	run(t, func() {
		for _, train := range []bool{false, true} {
			src, err := files.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			if err := os.Truncate(weights, info.Size()/2); err != nil {
				t.Fatal(err)
			}
			live := torch.Live()
			torch.Scope(func() {
				_, err = model.Load(src, model.Options{Device: device(t), DType: torch.BFloat16, Train: train})
			})
			if err == nil || !strings.Contains(err.Error(), "was it changed") {
				t.Errorf("train %v: half of the weights are gone: %v", train, err)
			}
			if n := torch.Live(); n != live {
				t.Errorf("train %v: %d tensors are left of a model that was not loaded", train, n-live)
			}
			if err := os.Truncate(weights, info.Size()); err != nil { // whole in length, for Open
				t.Fatal(err)
			}
		}
	})
}
