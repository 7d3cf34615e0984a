// Package pretend is a device for tests, so that what is to run on a GPU can be shown not to
// depend on running on the CPU. To libtorch it is an accelerator (PrivateUse1) of the name
// [Device]; its memory is the host's under addresses that only it can follow, and every
// operation is libtorch's CPU kernel. As on a GPU, an operation on tensors of both the device
// and the host is an error, code that follows a device's pointer crashes, the backward pass
// runs on a thread of its own, and what is copied between device and host is counted.
//
// No package but tests may import it; trainer/imports_test.go sees to that.
package pretend

// #cgo CXXFLAGS: -std=c++20 -O2 -isystem ${SRCDIR}/../../.cache/libtorch/torch/include
// #cgo LDFLAGS: -L${SRCDIR}/../../.cache/libtorch/torch/lib -Wl,-rpath,${SRCDIR}/../../.cache/libtorch/torch/lib -Wl,--allow-shlib-undefined -ltorch_cpu -lc10
// #include <stdlib.h>
// #include "device.h"
import "C"

import (
	"os"
	"sync"
	"unsafe"
)

// Device is the device's name.
const Device = "pretend"

// Register makes the device known to libtorch. It must come before the first backward pass of
// the process: autograd counts the devices once.
var Register = sync.OnceFunc(func() {
	name := C.CString(Device)
	defer C.free(unsafe.Pointer(name))
	C.pretend_register(name)
})

// Chosen is the device that tests are to run on: the CPU, or what RLKD_DEVICE names.
func Chosen() string {
	switch name := os.Getenv("RLKD_DEVICE"); name {
	case "":
		return "cpu"
	case Device:
		Register()
		return name
	default:
		return name
	}
}

// Counts says how many operations ran on the device, and what went over its border.
type Counts struct {
	Ops        int
	Uploads    int // copies from the host
	Uploaded   int // bytes of them
	Waits      int // uploads that the host waits for, as they are not from page-locked memory
	Downloads  int // copies to the host; each makes it wait
	Downloaded int // bytes of them
	Replays    int // of recorded graphs; what they do counts no more
}

// Count tells what fn makes the device do.
func Count(fn func()) Counts {
	a := read()
	fn()
	b := read()
	return Counts{b.Ops - a.Ops, b.Uploads - a.Uploads, b.Uploaded - a.Uploaded, b.Waits - a.Waits, b.Downloads - a.Downloads, b.Downloaded - a.Downloaded, b.Replays - a.Replays}
}

func read() Counts {
	var c C.pretend_counts
	C.pretend_read(&c)
	return Counts{int(c.ops), int(c.uploads), int(c.uploaded), int(c.waits), int(c.downloads), int(c.downloaded), int(c.replays)}
}

// Limit makes the device's memory scarce: what would take it over so many bytes is an error, as
// on a GPU that is full. 0 lifts the limit.
func Limit(bytes int) { C.pretend_limit(C.int64_t(bytes)) }
