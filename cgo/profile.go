package torch

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// OpCost is what the calls of one operation cost while a profile was made. On a device that
// works asynchronously, time is that of handing the work over, and the wait falls to the
// operation that reads a result.
type OpCost struct {
	Op     string        `json:"op"`               // as it is called in this package; free is the end of scopes
	Inside string        `json:"inside,omitempty"` // the operation of libtorch within it; empty for all of Op
	Calls  int           `json:"calls"`
	Time   time.Duration `json:"ns"` // of an Inside, without what is in another
}

// profiling tells that check has to name each call. It changes between operations only.
var profiling bool

// StartProfile begins to add up what each operation costs. It and StopProfile must be called on
// the engine, or while there is none.
func StartProfile() {
	need()
	C.torch_profile(1)
	profiling = true
}

// StopProfile ends what StartProfile began and returns the operations, the one that took
// longest first, each followed by what ran inside it.
func StopProfile() []OpCost {
	need()
	profiling = false
	C.torch_profile(0)
	lines := C.torch_profile_read()
	defer C.free(unsafe.Pointer(lines))
	var out []OpCost
	whole := map[string]time.Duration{}
	for line := range strings.Lines(C.GoString(lines)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		c := OpCost{Op: f[0], Inside: f[1]}
		fmt.Sscan(f[2], &c.Calls)
		fmt.Sscan(f[3], (*int64)(&c.Time))
		if out = append(out, c); c.Inside == "" {
			whole[c.Op] = c.Time
		}
	}
	slices.SortFunc(out, func(a, b OpCost) int {
		if a.Op != b.Op {
			return cmp.Or(cmp.Compare(whole[b.Op], whole[a.Op]), cmp.Compare(a.Op, b.Op))
		}
		if (a.Inside == "") != (b.Inside == "") {
			return cmp.Compare(len(a.Inside), len(b.Inside)) // the whole first
		}
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Inside, b.Inside))
	})
	return out
}

func profileOp(op string) {
	name := C.CString(op)
	C.torch_profile_op(name)
	C.free(unsafe.Pointer(name))
}
