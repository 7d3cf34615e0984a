package torch

import (
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

// Populate has the system give memory for the first tensors on the CPU, so many bytes, in the background and
// at once: for who is about to fill that much, and has to wait for libtorch first. As it is written, page by
// page, the same memory takes longer. Only a process's first call does something.
func Populate(bytes int) {
	if populated.Swap(true) || loaded.Load() && Live() > 0 {
		return
	}
	go func() {
		const piece = 4 << 20 // while one is given no other thread can map anything
		a := heap()
		for at := uintptr(0); at+piece <= min(uintptr(bytes), a.bytes); at += piece {
			memory := unsafe.Slice((*byte)(unsafe.Add(a.at, at)), piece)
			if unix.Mprotect(memory, unix.PROT_READ|unix.PROT_WRITE) != nil || unix.Madvise(memory, unix.MADV_POPULATE_WRITE) != nil {
				return // a system that cannot gives each page when it is written
			}
		}
	}()
}
