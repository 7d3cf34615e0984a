package torch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// compile makes a shared library of C source.
func compile(t *testing.T, source, to string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("there is no gcc to make the library that stands for the driver")
	}
	args = append([]string{"-shared", "-fPIC", "-o", to, "-Wl,-soname," + filepath.Base(to), "-xc", source}, args...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

// fakeDriver is a directory with libraries that stand for NVIDIA's driver.
func fakeDriver(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"libcuda.so.1", "libnvidia-ml.so.1"} {
		compile(t, "testdata/nvidia.c", filepath.Join(dir, name))
	}
	return dir
}

// asked is what TestAsChild found.
type asked struct {
	Result      string // of OpenDriver and Retain, or of QueryNVIDIA, of FindDevice, of Kernels, of waysIn, or of populate
	Unavailable bool   // it is an error of that type
	NVIDIA      torch.NVIDIA
}

// ask runs a question to the driver in a process of its own, where libraries are looked for in
// dir first and env is set. The libraries are opened and called as they would be for real.
func ask(t *testing.T, question, dir string, env ...string) (a asked) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestAsChild$", "-test.v")
	child.Env = append(os.Environ(), "RLKD_TEST_ASK="+question, "LD_LIBRARY_PATH="+dir+":"+os.Getenv("LD_LIBRARY_PATH"))
	child.Env = append(child.Env, env...)
	out, err := child.CombinedOutput()
	_, answer, ok := strings.Cut(string(out), "ANSWER ")
	answer, _, _ = strings.Cut(answer, "\n")
	if err != nil || !ok {
		t.Fatalf("%s, %v: %v\n%s", question, env, err, out)
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAsChild answers the question that ask put into the environment.
func TestAsChild(t *testing.T) {
	var a asked
	var err error
	switch question := os.Getenv("RLKD_TEST_ASK"); question {
	case "":
		return
	case "library":
		err = waysIn()
	case "kernels":
		err = torch.Run(func() error { a.Result = torch.Kernels(); return nil })
	case "populate":
		err = populate(t)
	case "nvml":
		a.NVIDIA, err = torch.QueryNVIDIA()
	case "driver":
		var d *torch.Driver
		if d, err = torch.OpenDriver(13020); err == nil {
			a.Result = fmt.Sprintf("CUDA %d, %d devices", d.CUDA, d.Devices)
			err = d.Retain(1)
		}
	default:
		err = torch.Run(func() error {
			d, err := torch.FindDevice(question)
			a.Result = string(d)
			if why := torch.PassedOver(); why != nil {
				a.Result += ", " + why.Error()
			}
			return err
		})
	}
	if err != nil {
		var u *torch.Unavailable
		a.Result, a.Unavailable = err.Error(), errors.As(err, &u)
	}
	answer, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("ANSWER %s\n", answer)
}

// Whatever the driver lacks is said in a line that tells what to do.
func TestDriver(t *testing.T) {
	fake := fakeDriver(t)
	if a := ask(t, "driver", fake); a.Result != "CUDA 13020, 2 devices" {
		t.Errorf("a driver that works: %q", a.Result)
	}
	// The driver need not know the minor version.
	if a := ask(t, "driver", fake, "FAKE_CUDA=13000"); a.Unavailable {
		t.Errorf("a driver for 13.0: %q", a.Result)
	}
	for _, c := range []struct{ env, want string }{
		{"FAKE_CUDA=12080", "the NVIDIA driver is too old: it runs CUDA up to 12.8; install a driver for CUDA 13 (580 or newer), or use a libtorch built for CUDA 12"},
		{"FAKE_INIT=100", "the NVIDIA driver shows no device; see whether nvidia-smi lists one; CUDA_VISIBLE_DEVICES is "},
		{"FAKE_DEVICES=0", "the NVIDIA driver shows no device; see whether"},
		{"FAKE_DEVICES=1", "there is no device 1: 1 found, counted from 0; choose one of them"},
		{"FAKE_INIT=34", "stub, not a driver; take the stubs out"},
		{"FAKE_INIT=802", "not ready; start their service"},
		{"FAKE_INIT=803", "different versions; restart the machine"},
		{"FAKE_INIT=999", "the NVIDIA driver fails: cuInit gives error 999; see whether"},
		{"FAKE_RETAIN=46", "device 1 is busy: another process has it for itself; wait for that process"},
		{"FAKE_RETAIN=2", "device 1 is out of memory; end the processes"},
		{"FAKE_RETAIN=700", "cuDevicePrimaryCtxRetain gives error 700"},
	} {
		a := ask(t, "driver", fake, c.env, "CUDA_VISIBLE_DEVICES=0,1")
		if !a.Unavailable || !strings.Contains(a.Result, c.want) || strings.Contains(a.Result, "\n") {
			t.Errorf("%s: %q, want %q", c.env, a.Result, c.want)
		}
	}
	broken := t.TempDir() // a library of that name without the functions
	compile(t, os.DevNull, filepath.Join(broken, "libcuda.so.1"))
	if a := ask(t, "driver", broken); !a.Unavailable || !strings.Contains(a.Result, "libcuda.so.1 has no cu") {
		t.Errorf("a driver without functions: %q", a.Result)
	}
}

func TestNVML(t *testing.T) {
	fake := fakeDriver(t)
	a := ask(t, "nvml", fake)
	want := []torch.GPU{
		{Name: "NVIDIA H100 80GB HBM3", Total: 80 << 30, Used: 1 << 30, Utilization: 87, Temperature: 41},
		{Name: "NVIDIA T4", Total: 80 << 30, Used: 1 << 30, Utilization: -1, Temperature: 41},
	}
	if a.Result != "" || a.NVIDIA.Driver != "580.95.05" || a.NVIDIA.CUDA != 13020 || !slices.Equal(a.NVIDIA.GPUs, want) {
		t.Errorf("got %+v, %q", a.NVIDIA, a.Result)
	}
	for _, c := range []struct{ env, want string }{
		{"FAKE_NVML_INIT=9", "kernel module is not loaded; load it"},
		{"FAKE_NVML_INIT=18", "different versions; restart"},
		{"FAKE_NVML_INIT=4", "may not look at the GPUs; run as"},
		{"FAKE_NVML_HANDLE=15", "lost: it has fallen off the bus; restart"},
		{"FAKE_NVML_HANDLE=16", "has to be reset; nvidia-smi --gpu-reset"},
		{"FAKE_NVML_HANDLE=999", "nvmlDeviceGetHandleByIndex says Unknown Error; see whether nvidia-smi works"},
	} {
		if a := ask(t, "nvml", fake, c.env); !a.Unavailable || !strings.Contains(a.Result, c.want) {
			t.Errorf("%s: %q, want %q", c.env, a.Result, c.want)
		}
	}
}

// Where nothing is hidden from the test, the machine has a driver or it has not.
func TestNoDriver(t *testing.T) {
	_, err := torch.OpenDriver(0)
	if err == nil {
		t.Skip("there is a GPU")
	}
	_, nvml := torch.QueryNVIDIA()
	for _, err := range []error{err, nvml} {
		var u *torch.Unavailable
		if !errors.As(err, &u) || u.Why == "" || u.Do == "" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
	}
	if a := ask(t, "auto", t.TempDir()); a.Result != "cpu" {
		t.Errorf("auto is %q", a.Result)
	}
}

// libtorch's CUDA half is looked for beside the CPU half and in LIBTORCH, and what is wrong with
// it is said.
func TestCUDAHalf(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "libtorch", "lib")
	if err := os.MkdirAll(lib, 0o777); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(lib, "libtorch_cuda.so")
	env := "LIBTORCH=" + filepath.Dir(lib)
	a := ask(t, "cuda", "", env)
	if !strings.Contains(a.Result, "there is no libtorch_cuda.so in ") {
		t.Skipf("libtorch here has its CUDA half: %s", a.Result)
	}
	if auto := ask(t, "auto", fakeDriver(t), env); !strings.HasPrefix(auto.Result, "cpu, there is no libtorch_cuda.so in ") {
		t.Errorf("auto with a GPU and no library: %q", auto.Result)
	}
	if !a.Unavailable || !strings.Contains(a.Result, lib) || !strings.Contains(a.Result, "make libtorch CUDA=1") {
		t.Errorf("no library: %q", a.Result)
	}
	companion := filepath.Join(t.TempDir(), "libcudnn.so.9")
	compile(t, os.DevNull, companion)
	compile(t, os.DevNull, half, "-Wl,--no-as-needed", "-L"+filepath.Dir(companion), "-l:libcudnn.so.9")
	if a := ask(t, "cuda", "", env); !a.Unavailable || !strings.Contains(a.Result, "libcudnn.so.9, which "+half+" needs, was not found") {
		t.Errorf("a companion is missing: %q", a.Result)
	}
	if a := ask(t, "cuda", filepath.Dir(companion), env); !a.Unavailable || !strings.Contains(a.Result, "was loaded and brought no CUDA") {
		t.Errorf("a library of that name: %q", a.Result)
	}
	if err := os.WriteFile(half, []byte("not a library"), 0o666); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, "cuda", "", env); !a.Unavailable || !strings.Contains(a.Result, "cannot be loaded: ") {
		t.Errorf("no library at all: %q", a.Result)
	}
	if err := os.WriteFile(filepath.Join(lib, "libtorch_cpu.so"), []byte("another"), 0o666); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, "cuda", "", env); !a.Unavailable || !strings.Contains(a.Result, "is of another libtorch than") {
		t.Errorf("another libtorch: %q", a.Result)
	}
}
