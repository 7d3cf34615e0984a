package torch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
)

// OpenCUDA loads libtorch's CUDA half into the process, once. The binary is linked to the
// CPU half alone; libtorch_cuda.so, found beside libtorch_cpu.so, registers its kernels
// when it is opened. That has to happen before anything asks libtorch for CUDA: it
// remembers its first answer.
var OpenCUDA = sync.OnceValue(func() error {
	dir, err := libraryDir()
	if err != nil {
		return err
	}
	lib := filepath.Join(dir, "libtorch_cuda.so")
	if _, err := os.Stat(lib); err != nil {
		return fmt.Errorf("CUDA is not available: there is no libtorch_cuda.so in %s", dir)
	}
	if _, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL); err != nil {
		return fmt.Errorf("CUDA is not available: %w", err)
	}
	return nil
})

// libraryDir is the directory of the libtorch_cpu.so that this process runs.
func libraryDir() (string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "", fmt.Errorf("cannot tell where libtorch is: %w", err)
	}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && strings.HasSuffix(strings.TrimSpace(line), "/libtorch_cpu.so") {
			return filepath.Dir(strings.TrimSpace(line[i:])), nil
		}
	}
	return "", fmt.Errorf("cannot tell where libtorch is: libtorch_cpu.so is not loaded")
}
