package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"
	"unsafe"
)

// SetThreads sets how many threads an operation on the CPU uses.
func SetThreads(n int) {
	checkEngine("SetThreads")
	checkInPlace("SetThreads", C.torch_set_threads(C.int(n)))
}

// Threads is how many threads an operation on the CPU uses.
func Threads() int { return int(C.torch_threads()) }

// Version is that of the libtorch in use.
func Version() string { return C.GoString(C.torch_version()) }

// CPUCapability is the vector instruction set libtorch's own kernels use, such as AVX512.
func CPUCapability() string { return C.GoString(C.torch_cpu_capability()) }

// EmptyCache gives memory that is free but kept for reuse, by libtorch or by Go, back to the
// system, so that a phase with tensors of other sizes does not need its memory on top.
func EmptyCache() {
	checkEngine("EmptyCache")
	debug.FreeOSMemory()
	C.torch_empty_cache()
}

// Synchronize waits until dev has done all its work.
func Synchronize(dev Device) {
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	checkInPlace("Synchronize", C.torch_synchronize(name))
}

// IsDevice tells whether name is how a device is written: auto, cpu, cuda or cuda:N, or the name
// of a kind of device that a library loaded into the process has added to libtorch.
func IsDevice(name string) bool { return deviceName.MatchString(name) || added(name) }

var deviceName = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]+)?)$`)

func added(name string) bool {
	kind, _, _ := strings.Cut(name, ":")
	s := Device(kind).cstring()
	defer C.free(unsafe.Pointer(s))
	return C.torch_added_device(s) != 0
}

// FindDevice resolves what [IsDevice] accepts to a device that works, or says what is missing.
// It must be called on the engine.
func FindDevice(name string) (Device, error) {
	kind, _, _ := strings.Cut(name, ":")
	switch kind {
	case "cpu":
		return CPU, nil
	case "auto":
		if OpenCUDA() == nil && C.torch_cuda_count() > 0 {
			return "cuda", nil
		}
		return CPU, nil
	case "cuda":
		if err := OpenCUDA(); err != nil {
			return "", fmt.Errorf("device %q: %w", name, err)
		}
	default:
		if !added(name) {
			return "", fmt.Errorf("device %q: want auto, cpu, cuda or cuda:N", name)
		}
	}
	s := Device(name).cstring()
	defer C.free(unsafe.Pointer(s))
	if err := Try(func() error { check("device", C.torch_device_ok(s)); return nil }); err != nil {
		return "", fmt.Errorf("device %q: %w; use --device cpu, or see `rlkd doctor`", name, err)
	}
	return Device(name), nil
}
