package torch

import (
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addresses are a range that is kept for large tensors on the CPU (shim/heap.cc).
type addresses struct {
	at    unsafe.Pointer // nil if the system refuses so many
	bytes uintptr
}

// heap has as many addresses as the system lets a process have.
var heap = sync.OnceValue(func() (a addresses) {
	for bytes := uintptr(1) << 42; bytes >= 1<<32; bytes /= 2 {
		at, err := unix.MmapPtr(-1, 0, nil, bytes, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
		if err == nil {
			return addresses{at, bytes}
		}
	}
	return a
})

// populated is set by the first Populate: later the heap's first addresses are in use.
var populated atomic.Bool

// Populate has the system give memory for the first tensors on the CPU, so many bytes, in the background: for
// who is about to fill that much, and waits for libtorch meanwhile. Only a process's first call does something,
// and only while there are no tensors.
func Populate(bytes int) {
	if populated.Swap(true) || Live() > 0 {
		return
	}
	a := heap()
	memory := unsafe.Slice((*byte)(a.at), min(uintptr(bytes), a.bytes))
	if len(memory) == 0 || unix.Mprotect(memory, unix.PROT_READ|unix.PROT_WRITE) != nil {
		return // the heap will ask, and say why not
	}
	go func() {
		// Page by page, as if they were written: while the system is asked for many by MADV_POPULATE_WRITE no other
		// thread can map anything, and libtorch's loading stands still. What is there already stays as it is.
		for at := 0; at+4 <= len(memory); at += os.Getpagesize() {
			atomic.AddInt32((*int32)(unsafe.Pointer(&memory[at])), 0)
		}
	}()
}
