package torch

// #cgo LDFLAGS: -ldl -Wl,-rpath,$ORIGIN -Wl,-rpath,${SRCDIR}/../bin
// #include <stdlib.h>
// #include "shim.h"
// err library_open(const char *name, const char **path);
import "C"

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// library is our part of libtorch's process: the C++ of shim/, linked to libtorch. Loading libtorch
// takes longer than all that the program does before it needs a tensor, and what needs none, such as
// --help, should not wait for it. So it is opened when it is needed, or beside other work. It lies beside
// the program, or for what go test and go run build in bin/ of the sources.
const library = "librlkd_torch.so"

//go:embed shim.h
var header []byte

var (
	load   = sync.OnceValue(func() error { return open(library) })
	loaded atomic.Bool // load has succeeded
)

// Preload begins to load libtorch and returns at once: for who knows that it will be needed. That
// it cannot be loaded is told by what needs it.
func Preload() { go load() }

// need waits for libtorch and panics with an *Unavailable if there is none. Each function that
// reaches C without a tensor in hand has to call it first.
func need() {
	if err := load(); err != nil {
		panic(err)
	}
}

func open(name string) error {
	_, _ = openLibcuda() // only one library is opened at a time, and who looks for a GPU would wait for this one
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	var path *C.char
	if e := C.library_open(s, &path); e != nil {
		defer C.free(unsafe.Pointer(e))
		return &Unavailable{fmt.Sprintf("%s, which has to be beside the program, cannot be loaded: %s", name, C.GoString(e)),
			"run `make build`, with LIBTORCH=/path for a libtorch of your own"}
	}
	// A struct that has changed since would be read as what it was.
	sum := sha256.Sum256(header)
	if !strings.HasPrefix(C.GoString(C.torch_built_from()), hex.EncodeToString(sum[:])) {
		return &Unavailable{C.GoString(path) + " was built from other sources than this program", "run `make build`"}
	}
	a := heap()
	C.torch_install((*[0]byte)(C.torch_on_engine), a.at, C.size_t(a.bytes))
	if err := chooseKernels(os.Getenv("RLKD_KERNELS")); err != nil {
		return err
	}
	_, _ = os.Stat(C.GoString(path)) // so that go test knows that its results depend on it
	loaded.Store(true)
	return nil
}
