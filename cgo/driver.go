package torch

import (
	"fmt"
	"os"
	"sync"

	"github.com/ebitengine/purego"
)

// Driver is NVIDIA's driver, as its library libcuda.so.1 tells of it.
type Driver struct {
	CUDA    int // the newest CUDA version that it runs: 13020 is 13.2
	Devices int // GPUs it shows this process

	retain func(context *uintptr, device int32) int32
}

const libcuda = "libcuda.so.1"

// openLibcuda opens the driver's library, or fails to, once.
var openLibcuda = sync.OnceValues(opener(libcuda))

// Results of the CUDA driver API (cuda.h, CUresult).
const (
	cudaOutOfMemory    = 2
	cudaStubLibrary    = 34
	cudaUnavailable    = 46
	cudaNoDevice       = 100
	cudaNotReady       = 802
	cudaDriverMismatch = 803
)

// minimum names the oldest driver for each major version of CUDA (CUDA Toolkit release notes,
// minor version compatibility).
var minimum = map[int]string{11: "450.80", 12: "525.60", 13: "580"}

// OpenDriver opens the driver and sees whether it can run programs built for a CUDA version
// (13020 is 13.2, 0 is any) and has a GPU. Errors are *Unavailable.
func OpenDriver(cuda int) (*Driver, error) {
	var (
		init_   func(flags uint32) int32
		version func(v *int32) int32
		count   func(n *int32) int32
		d       Driver
		v, n    int32
	)
	err := bind(libcuda, openLibcuda, map[string]any{
		"cuInit": &init_, "cuDriverGetVersion": &version, "cuDeviceGetCount": &count, "cuDevicePrimaryCtxRetain": &d.retain,
	})
	if err != nil {
		return nil, noDriver(err)
	}
	if r := version(&v); r != 0 {
		return nil, driverSays("cuDriverGetVersion", r)
	}
	// Within a major version older drivers do.
	if d.CUDA = int(v); d.CUDA < cuda/1000*1000 {
		newer := ""
		if least, ok := minimum[cuda/1000]; ok {
			newer = fmt.Sprintf(" (%s or newer)", least)
		}
		return nil, &Unavailable{fmt.Sprintf("the NVIDIA driver is too old: it runs CUDA up to %s", cudaVersion(d.CUDA)),
			fmt.Sprintf("install a driver for CUDA %d%s, or use a libtorch built for CUDA %d", cuda/1000, newer, d.CUDA/1000)}
	}
	if r := init_(0); r != 0 {
		return nil, driverSays("cuInit", r)
	}
	if r := count(&n); r != 0 {
		return nil, driverSays("cuDeviceGetCount", r)
	}
	if d.Devices = int(n); n == 0 {
		return nil, driverSays("cuDeviceGetCount", cudaNoDevice)
	}
	return &d, nil
}

// Retain makes the primary context of a GPU, the one that libtorch works in, and keeps it.
// Errors are *Unavailable.
func (d *Driver) Retain(index int) error {
	if index >= d.Devices {
		return &Unavailable{fmt.Sprintf("there is no device %d: %d found, counted from 0", index, d.Devices),
			"choose one of them" + visible()}
	}
	var context uintptr
	switch r := d.retain(&context, int32(index)); r {
	case 0:
		return nil
	case cudaUnavailable:
		return &Unavailable{fmt.Sprintf("device %d is busy: another process has it for itself", index),
			"wait for that process (nvidia-smi shows it), choose another by --device cuda:N, or allow sharing by nvidia-smi -c DEFAULT"}
	case cudaOutOfMemory:
		return &Unavailable{fmt.Sprintf("device %d is out of memory", index),
			"end the processes that fill it (nvidia-smi shows them), or choose another by --device cuda:N"}
	default:
		return driverSays("cuDevicePrimaryCtxRetain", r)
	}
}

// driverSays explains a result of the driver.
func driverSays(call string, result int32) error {
	switch result {
	case cudaNoDevice:
		return &Unavailable{"the NVIDIA driver shows no device", "see whether nvidia-smi lists one" + visible()}
	case cudaStubLibrary:
		return &Unavailable{"libcuda.so.1 is the CUDA toolkit's stub, not a driver", "take the stubs out of LD_LIBRARY_PATH, and install the NVIDIA driver"}
	case cudaDriverMismatch:
		return &Unavailable{"the NVIDIA driver's library and its kernel module are of different versions", "restart the machine, or load the module that was installed last"}
	case cudaNotReady:
		return &Unavailable{"the GPUs are not ready", "start their service (nvidia-fabricmanager on machines with NVSwitch)"}
	}
	return &Unavailable{fmt.Sprintf("the NVIDIA driver fails: %s gives error %d", call, result), "see whether nvidia-smi works, and what the system's log says"}
}

// noDriver is the error of a driver's library that cannot be opened or is not complete.
func noDriver(err error) error {
	return &Unavailable{fmt.Sprintf("there is no NVIDIA driver (%v)", err),
		"install the driver; in a container: run it with --gpus all, on a host with the NVIDIA container toolkit"}
}

// visible reminds of the variable that hides devices, if it is set.
func visible() string {
	if v, ok := os.LookupEnv("CUDA_VISIBLE_DEVICES"); ok {
		return fmt.Sprintf("; CUDA_VISIBLE_DEVICES is %q", v)
	}
	return ""
}

// opener opens a library.
func opener(library string) func() (handle uintptr, err error) {
	return func() (uintptr, error) { return purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL) }
}

// bind opens a library and points each function variable at the symbol it is under.
func bind(library string, open func() (uintptr, error), functions map[string]any) error {
	handle, err := open()
	if err != nil {
		return err
	}
	for name, fn := range functions {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return fmt.Errorf("%s has no %s", library, name)
		}
		purego.RegisterFunc(fn, symbol)
	}
	return nil
}
