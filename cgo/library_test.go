package torch_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebitengine/purego"
	torch "github.com/rlkd/rlkd/cgo"
)

// go test does not build C++, and would pass with what was built of other sources.
func TestLibrariesAreBuiltFromTheseSources(t *testing.T) {
	for name, c := range map[string]struct{ header, dir string }{"torch": {"shim.h", "shim"}, "pretend": {"pretend/device/device.h", "pretend/device"}} {
		var built func() string
		library := "librlkd_" + name + ".so"
		handle, err := purego.Dlopen(library, purego.RTLD_LAZY)
		if err != nil {
			t.Fatalf("%v; run `make libraries`", err)
		}
		purego.RegisterLibFunc(&built, handle, name+"_built_from")
		files, err := filepath.Glob(filepath.Join(c.dir, "[a-z]*"))
		if err != nil {
			t.Fatal(err)
		}
		sum := func(files ...string) string {
			all := sha256.New()
			for _, f := range files {
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				all.Write(data)
			}
			return hex.EncodeToString(all.Sum(nil))
		}
		if want := sum(c.header) + " " + sum(append([]string{c.header}, files...)...); built() != want {
			t.Errorf("%s was built from other sources than those of cgo/%s; run `make libraries`", library, c.dir)
		}
	}
}

// waysIn are the functions that reach libtorch without a tensor in hand. They must all fail by the same
// error, which is returned; without a library there is nothing to call.
func waysIn() (why error) {
	if n := torch.Live(); n != 0 || torch.IsDevice("gpu") {
		return fmt.Errorf("%d tensors, or a device gpu", n)
	}
	for name, call := range map[string]func(){
		"Version": func() { torch.Version() }, "CPUCapability": func() { torch.CPUCapability() }, "CUDAVersion": func() { torch.CUDAVersion() },
		"Threads": func() { torch.Threads() }, "SetThreads": func() { torch.SetThreads(1) }, "EmptyCache": torch.EmptyCache,
		"MemoryOf": func() { torch.MemoryOf(torch.CPU) }, "Synchronize": func() { torch.Synchronize(torch.CPU) },
		"Kernels": func() { torch.Kernels() }, "UseKernels": func() { torch.UseKernels(true) }, "HasTreeAttention": func() { torch.HasTreeAttention(torch.BFloat16, torch.CPU, 64) },
		"StartProfile": torch.StartProfile, "StopProfile": func() { torch.StopProfile() },
		"CanCapture": func() { torch.CanCapture(torch.CPU) }, "Capture": func() { torch.Capture(torch.CPU, func() *torch.Tensor { return nil }) },
		"NoGrad": func() { torch.NoGrad(func() {}) }, "NewKV": func() { torch.NewKV(torch.BFloat16, torch.CPU, 1, 1, 1, 64) },
		"FromFloat32s": func() { torch.FromFloat32s([]float32{1}, torch.Float32, torch.CPU, 1) }, "Full": func() { torch.Full(1, torch.Float32, torch.CPU) },
		"Empty": func() { torch.Empty(torch.Float32, torch.CPU, 1) }, "Reserve": func() { torch.Reserve(torch.Float32, torch.CPU, 1) },
		"Arange": func() { torch.Arange(1, torch.CPU) }, "FromInts": func() { torch.FromInts([]int{1}, torch.CPU, 1) },
		"FromBytes": func() { torch.FromBytes([]byte{1}, torch.Uint8, torch.Uint8, torch.CPU, 1) },
		"OpenCUDA": func() {
			if err := torch.OpenCUDA(); err != nil {
				panic(err)
			}
		},
	} {
		err := torch.Run(func() error { call(); return nil })
		if err == nil || why != nil && err != why {
			return fmt.Errorf("%s: %v, where another says %v", name, err, why)
		}
		why = err
	}
	return why
}

// A library that is not there, or not this program's, is said in a line that tells what to do.
func TestNoLibrary(t *testing.T) {
	dir := t.TempDir() // where the child looks first
	lib := filepath.Join(dir, "librlkd_torch.so")
	says := func(want string) {
		t.Helper()
		if a := ask(t, "library", dir); !a.Unavailable || !strings.Contains(a.Result, want) || strings.Contains(a.Result, "\n") {
			t.Errorf("got %q, want %q", a.Result, want)
		}
	}
	if err := os.WriteFile(lib, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	says("librlkd_torch.so, which has to be beside the program, cannot be loaded: ")
	compile(t, os.DevNull, lib)
	says("undefined symbol: torch_built_from; run `make build`")
	source := filepath.Join(dir, "another.c")
	if err := os.WriteFile(source, []byte(`const char *torch_built_from(void) { return "another"; }`), 0o666); err != nil {
		t.Fatal(err)
	}
	compile(t, source, lib, "-Wl,--no-as-needed", "-xnone", mapped(t, "librlkd_torch.so")) // the other functions are that one's
	says(lib + " was built from other sources than this program; run `make build`")
}
