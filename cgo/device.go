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
	need()
	checkInPlace("SetThreads", C.torch_set_threads(C.int(n)))
}

// Threads is how many threads an operation on the CPU uses.
func Threads() int {
	need()
	return int(C.torch_threads())
}

// Version is that of the libtorch in use.
func Version() string {
	need()
	return C.GoString(C.torch_version())
}

// CPUCapability is the vector instruction set libtorch's own kernels use, such as AVX512.
func CPUCapability() string {
	need()
	return C.GoString(C.torch_cpu_capability())
}

// EmptyCache gives memory that is free but kept for reuse, by libtorch or by Go, back to the
// system, so that a phase with tensors of other sizes does not need its memory on top.
func EmptyCache() {
	checkEngine("EmptyCache")
	need()
	debug.FreeOSMemory()
	check("EmptyCache", C.torch_empty_cache())
}

// Memory is what the caching allocator of a device holds, in bytes.
type Memory struct {
	Allocated int64 // by tensors
	Reserved  int64 // got from the device: by tensors, or free and kept for reuse
	Peak      int64 // most allocated since the last call of MemoryOf
}

// MemoryOf asks the caching allocator of dev. Without one, as on the CPU, ok is false.
func MemoryOf(dev Device) (m Memory, ok bool) {
	name := dev.cstring()
	defer C.free(unsafe.Pointer(name))
	var has C.int
	var bytes [3]C.int64_t
	check("MemoryOf", C.torch_memory(name, &has, &bytes[0]))
	return Memory{int64(bytes[0]), int64(bytes[1]), int64(bytes[2])}, has != 0
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
	if !loaded.Load() {
		return false // nothing can have been added to libtorch; a misspelt name is not worth loading it
	}
	kind, _, _ := strings.Cut(name, ":")
	s := Device(kind).cstring()
	defer C.free(unsafe.Pointer(s))
	return C.torch_added_device(s) != 0
}

var passedOver error

// PassedOver says why "auto" took the CPU although there is a GPU, nil if it did not.
func PassedOver() error { return passedOver }

// FindDevice resolves what [IsDevice] accepts to a device that works, or says what is missing and
// what to do. It must be called on the engine.
func FindDevice(name string) (Device, error) {
	kind, _, _ := strings.Cut(name, ":")
	switch kind {
	case "cpu":
		return CPU, nil
	case "auto":
		if _, err := OpenDriver(0); err != nil {
			return CPU, nil // without loading gigabytes to find out
		}
		dev, err := cudaDevice("cuda")
		if passedOver = err; err != nil {
			return CPU, nil
		}
		return dev, nil
	case "cuda":
		dev, err := cudaDevice(name)
		if err != nil {
			return "", fmt.Errorf("device %q: %w", name, err)
		}
		return dev, nil
	}
	if !added(name) {
		return "", fmt.Errorf("device %q: want auto, cpu, cuda or cuda:N", name)
	}
	s := Device(name).cstring()
	defer C.free(unsafe.Pointer(s))
	if err := Try(func() error { check("device", C.torch_device_ok(s)); return nil }); err != nil {
		return "", fmt.Errorf("device %q: %w; use --device cpu, or see `rlkd doctor`", name, err)
	}
	return Device(name), nil
}
