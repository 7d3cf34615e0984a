package torch_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebitengine/purego"
	torch "github.com/rlkd/rlkd/cgo"
)

// mapped is the path of a library of libtorch's or ours in this process.
func mapped(t *testing.T, name string) string {
	t.Helper()
	torch.Version() // which loads them
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && strings.HasSuffix(strings.TrimSpace(line), "/"+name) {
			return strings.TrimSpace(line[i:])
		}
	}
	t.Fatal(name + " is not loaded")
	return ""
}

// includes is the directory of the headers of the libtorch in use.
func includes(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(mapped(t, "libc10.so")), "..", "include")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("this libtorch has no headers")
	}
	return dir
}

// What a caching allocator holds is read from the one that libtorch has for the device; here
// from one that a library brings, as libtorch_cuda.so does.
func TestMemoryOf(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "allocator.so")
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip("there is no g++")
	}
	build := exec.Command("g++", "-std=c++20", "-shared", "-fPIC", "-isystem", includes(t), "-o", lib, "testdata/allocator.cc")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("g++: %v\n%s", err, out)
	}
	handle, err := purego.Dlopen(lib, purego.RTLD_NOW)
	if err != nil {
		t.Fatal(err)
	}
	var register func()
	var set func(allocated, reserved, peak int64)
	var emptied func() int32
	purego.RegisterLibFunc(&register, handle, "fake_register")
	purego.RegisterLibFunc(&set, handle, "fake_set")
	purego.RegisterLibFunc(&emptied, handle, "fake_emptied")
	run(t, func(torch.Device) {
		none := func(when string, dev torch.Device) {
			if m, ok := torch.MemoryOf(dev); ok {
				t.Errorf("%s: %s has %+v", when, dev, m)
			}
		}
		none("always", torch.CPU)
		none("without an allocator", "xpu")
		register()
		none("before its first use", "xpu")
		torch.EmptyCache()
		set(100, 400, 300)
		for _, want := range []torch.Memory{{Allocated: 100, Reserved: 400, Peak: 300}, {Allocated: 100, Reserved: 400, Peak: 100}} {
			if m, ok := torch.MemoryOf("xpu"); !ok || m != want {
				t.Errorf("got %+v, %v, want %+v", m, ok, want)
			}
		}
		torch.EmptyCache()
		if m, _ := torch.MemoryOf("xpu:0"); m.Reserved != 100 || emptied() != 1 {
			t.Errorf("after EmptyCache: %+v, emptied %d times", m, emptied())
		}
		err := torch.Try(func() error { torch.MemoryOf("xpu:1"); return nil })
		if err == nil || !strings.Contains(err.Error(), "there is no device 1") {
			t.Errorf("of a device that is not there: %v", err)
		}
	})
}

// Whatever runs out of memory says so by its type.
func TestOutOfMemory(t *testing.T) {
	run(t, func(dev torch.Device) {
		var e *torch.Error
		err := torch.Try(func() error { torch.Zeros(torch.Float32, dev, 1<<45, 1<<10); return nil })
		if !errors.As(err, &e) || !e.OutOfMemory() {
			t.Errorf("a tensor of 128 PiB: %v", err)
		}
		if err = torch.Try(func() error { torch.Zeros(torch.Float32, dev, 2).Reshape(3); return nil }); !errors.As(err, &e) || e.OutOfMemory() {
			t.Errorf("a shape that does not fit: %v", err)
		}
	})
	for msg, want := range map[string]bool{ // as libtorch and its libraries write them
		"CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB of which 1.02 GiB is free.": true,
		"CUDA error: out of memory": true,
		"CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`": true,
		"CUDA error: device-side assert triggered":                                   false,
	} {
		if got := (&torch.Error{Op: "MatMul", Msg: msg}).OutOfMemory(); got != want {
			t.Errorf("%s: %v", msg, got)
		}
	}
}
