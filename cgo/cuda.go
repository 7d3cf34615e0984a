package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Unavailable says why a device cannot be used, and what to do about it.
type Unavailable struct{ Why, Do string }

func (u *Unavailable) Error() string { return u.Why + "; " + u.Do }

// OpenCUDA loads libtorch's CUDA half into the process, once. librlkd_torch.so is linked to the
// CPU half alone; libtorch_cuda.so, found beside libtorch_cpu.so or in the libtorch that
// LIBTORCH names, registers its kernels when it is opened. That has to happen before anything
// asks libtorch for CUDA: it remembers its first answer.
var OpenCUDA = sync.OnceValue(func() error {
	if err := load(); err != nil {
		return err
	}
	lib, err := findCUDA()
	if err != nil {
		return err
	}
	if _, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL); err != nil {
		return notLoaded(lib, err.Error())
	}
	if CUDAVersion() == 0 {
		return &Unavailable{lib + " was loaded and brought no CUDA",
			"OpenCUDA has to come before other uses of libtorch, and the file has to be libtorch " + Version() + "'s"}
	}
	return nil
})

// CUDAVersion is the CUDA version of the libtorch that OpenCUDA loaded: 13020 is 13.2. It is 0
// without one. Ask only after OpenCUDA.
func CUDAVersion() int {
	need()
	return int(C.torch_cuda_version())
}

// getCUDA is what to do when there is no libtorch with CUDA.
const getCUDA = "run `make libtorch CUDA=1`, or let LIBTORCH name a libtorch with CUDA (lib/libtorch_cuda.so); the CPU works without"

// findCUDA returns the path of the libtorch_cuda.so that belongs to the libtorch in use.
func findCUDA() (string, error) {
	cpu, err := libtorchCPU()
	if err != nil {
		return "", err
	}
	dirs := []string{filepath.Dir(cpu)}
	if root := os.Getenv("LIBTORCH"); root != "" {
		dirs = append(dirs, filepath.Join(root, "lib"), root)
	}
	for _, dir := range dirs {
		lib := filepath.Join(dir, "libtorch_cuda.so")
		if _, err := os.Stat(lib); err != nil {
			continue
		}
		if size, ok := sizeOf(filepath.Join(dir, "libtorch_cpu.so")); ok {
			if used, _ := sizeOf(cpu); size != used {
				return "", &Unavailable{fmt.Sprintf("%s is of another libtorch than %s, which is in use", lib, cpu),
					"let LIBTORCH name libtorch " + Version()}
			}
		}
		return lib, nil
	}
	return "", &Unavailable{"there is no libtorch_cuda.so in " + strings.Join(dirs, ", "), getCUDA}
}

func sizeOf(path string) (int64, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// notLoaded explains what the dynamic linker said about lib.
func notLoaded(lib, said string) error {
	if missing, _, ok := strings.Cut(said, ": cannot open shared object file"); ok && !strings.Contains(missing, "libtorch_cuda.so") {
		return &Unavailable{fmt.Sprintf("%s, which %s needs, was not found", missing, lib),
			"the CUDA libraries (nvidia/ of their wheels) have to be beside torch/, as `make libtorch CUDA=1` puts them"}
	}
	return &Unavailable{"libtorch's CUDA half cannot be loaded: " + said, getCUDA}
}

// libtorchCPU is the libtorch_cpu.so that this process runs.
func libtorchCPU() (string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "", fmt.Errorf("cannot tell where libtorch is: %w", err)
	}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && strings.HasSuffix(strings.TrimSpace(line), "/libtorch_cpu.so") {
			return strings.TrimSpace(line[i:]), nil
		}
	}
	return "", fmt.Errorf("cannot tell where libtorch is: libtorch_cpu.so is not loaded")
}

// cudaDevice makes sure that a device works: "cuda" or "cuda:N". It says what is missing on
// the way: libtorch's CUDA half, the driver, the device, the room on it.
func cudaDevice(name string) (Device, error) {
	_, number, _ := strings.Cut(name, ":")
	index, err := strconv.Atoi(number)
	if err != nil && number != "" || index < 0 {
		return "", fmt.Errorf("want cuda or cuda:N")
	}
	if err := OpenCUDA(); err != nil {
		return "", err
	}
	loaded := fmt.Sprintf("CUDA %s is loaded, but ", cudaVersion(CUDAVersion()))
	driver, err := OpenDriver(CUDAVersion())
	if err == nil {
		err = driver.Retain(index)
	}
	if u, ok := err.(*Unavailable); ok {
		return "", &Unavailable{loaded + u.Why, u.Do}
	}
	s := Device(name).cstring()
	defer C.free(unsafe.Pointer(s))
	err = Try(func() error { check("device", C.torch_device_ok(s)); return nil })
	if e, ok := err.(*Error); ok {
		return "", &Unavailable{loaded + "the device fails: " + e.Msg, "look at it with nvidia-smi, or use --device cpu"}
	}
	return Device(name), err
}

// cudaVersion writes 13020 as 13.2.
func cudaVersion(n int) string { return fmt.Sprintf("%d.%d", n/1000, n%1000/10) }
