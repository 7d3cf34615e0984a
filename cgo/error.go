package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

// Error is a tensor operation that failed: which one, and what libtorch said.
type Error struct {
	Op  string // the operation, as it is called in this package
	Msg string // libtorch's message, first line
}

func (e *Error) Error() string { return "torch: " + e.Op + ": " + e.Msg }

// OutOfMemory tells whether the operation failed for want of memory on its device, so that
// a caller may go on with smaller pieces.
func (e *Error) OutOfMemory() bool {
	for _, said := range []string{"out of memory", "can't allocate memory", "bad_alloc", "STATUS_ALLOC_FAILED"} {
		if strings.Contains(e.Msg, said) {
			return true
		}
	}
	return false
}

func check(op string, e C.err) {
	if profiling {
		profileOp(op)
	}
	if e == nil {
		return
	}
	msg := C.GoString(e)
	C.free(unsafe.Pointer(e))
	msg, _, _ = strings.Cut(msg, "\n")
	panic(&Error{Op: op, Msg: msg})
}

func checkEngine(op string) {
	if C.torch_on_engine() == 0 {
		panic(&Error{Op: op, Msg: "called outside torch.Run, or on another goroutine"})
	}
}

func checkLen(op string, have int, dims []int) {
	want := 1
	for _, d := range dims {
		want *= d
	}
	if have != want {
		panic(&Error{Op: op, Msg: fmt.Sprintf("%d values for the shape %v", have, dims)})
	}
}

var (
	failAfter = -1
	failure   string
)

// FailAfter makes the n-th operation from now on fail with an injected *Error (0 is the
// next); a negative n turns that off. It is there so that tests can show that a failure at
// any point of a step leaks nothing. It returns how many were left before.
func FailAfter(n int) (left int) {
	left, failAfter, failure = failAfter, n, "failure injected by FailAfter"
	return left
}

// OutOfMemoryAfter is FailAfter, and the operation fails for want of memory.
func OutOfMemoryAfter(n int) { failAfter, failure = n, "out of memory, injected by OutOfMemoryAfter" }

func inject(op string) {
	if failAfter < 0 {
		return
	}
	if failAfter--; failAfter < 0 {
		panic(&Error{Op: op, Msg: failure})
	}
}
