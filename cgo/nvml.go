package torch

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
)

// NVIDIA is what the NVIDIA management library (NVML: libnvidia-ml.so.1, part of the driver)
// tells of a machine.
type NVIDIA struct {
	Driver string // the driver's version, such as 580.95.05
	CUDA   int    // the newest CUDA version that the driver runs: 13020 is 13.2
	GPUs   []GPU  // as nvidia-smi counts them; CUDA may count otherwise
}

// GPU is one device. A number that it does not tell is -1.
type GPU struct {
	Name        string
	Total, Used int64 // bytes of memory
	Utilization int   // percent of the time, lately, in which it computed
	Temperature int   // °C
}

// Results of NVML (nvml.h, nvmlReturn_t).
const (
	nvmlNotSupported    = 3
	nvmlNoPermission    = 4
	nvmlDriverNotLoaded = 9
	nvmlGPULost         = 15
	nvmlResetRequired   = 16
	nvmlMismatch        = 18
)

// nvml holds the functions of the library.
var nvml struct {
	init        func() int32
	errorString func(result int32) string
	driver      func(version []byte, length uint32) int32
	cuda        func(version *int32) int32
	count       func(n *uint32) int32
	handle      func(index uint32, device *uintptr) int32
	name        func(device uintptr, name []byte, length uint32) int32
	memory      func(device uintptr, totalFreeUsed *[3]uint64) int32
	utilization func(device uintptr, gpuMemory *[2]uint32) int32
	temperature func(device uintptr, sensor uint32, celsius *uint32) int32
}

// openNVML loads and starts the library, once.
var openNVML = sync.OnceValue(func() error {
	const libnvml = "libnvidia-ml.so.1"
	err := bind(libnvml, opener(libnvml), map[string]any{
		"nvmlInit_v2": &nvml.init, "nvmlErrorString": &nvml.errorString,
		"nvmlSystemGetDriverVersion": &nvml.driver, "nvmlSystemGetCudaDriverVersion": &nvml.cuda,
		"nvmlDeviceGetCount_v2": &nvml.count, "nvmlDeviceGetHandleByIndex_v2": &nvml.handle,
		"nvmlDeviceGetName": &nvml.name, "nvmlDeviceGetMemoryInfo": &nvml.memory,
		"nvmlDeviceGetUtilizationRates": &nvml.utilization, "nvmlDeviceGetTemperature": &nvml.temperature,
	})
	if err != nil {
		return noDriver(err)
	}
	return nvmlSays("nvmlInit", nvml.init())
})

// QueryNVIDIA asks NVML for the driver and the GPUs, as they are now. With an error, a
// *Unavailable, come the driver and the GPUs that told of themselves before it.
func QueryNVIDIA() (n NVIDIA, err error) {
	if err := openNVML(); err != nil {
		return n, err
	}
	version := make([]byte, 80)
	var cuda int32
	var count uint32
	err = errors.Join(
		nvmlSays("nvmlSystemGetDriverVersion", nvml.driver(version, uint32(len(version)))),
		nvmlSays("nvmlSystemGetCudaDriverVersion", nvml.cuda(&cuda)),
		nvmlSays("nvmlDeviceGetCount", nvml.count(&count)))
	if err != nil {
		return n, err
	}
	n.Driver, n.CUDA = text(version), int(cuda)
	for i := range count {
		gpu, err := queryGPU(i)
		if err != nil {
			return n, err
		}
		n.GPUs = append(n.GPUs, gpu)
	}
	return n, nil
}

func queryGPU(index uint32) (g GPU, err error) {
	var device uintptr
	name := make([]byte, 96)
	var memory [3]uint64
	var busy [2]uint32
	var celsius uint32
	if err := nvmlSays("nvmlDeviceGetHandleByIndex", nvml.handle(index, &device)); err != nil {
		return g, err
	}
	if err := nvmlSays("nvmlDeviceGetName", nvml.name(device, name, uint32(len(name)))); err != nil {
		return g, err
	}
	g = GPU{Name: text(name), Total: -1, Used: -1, Utilization: -1, Temperature: -1}
	told := func(call string, result int32) bool {
		if result != nvmlNotSupported {
			err = errors.Join(err, nvmlSays(call, result))
		}
		return result == 0
	}
	if told("nvmlDeviceGetMemoryInfo", nvml.memory(device, &memory)) {
		g.Total, g.Used = int64(memory[0]), int64(memory[2])
	}
	if told("nvmlDeviceGetUtilizationRates", nvml.utilization(device, &busy)) {
		g.Utilization = int(busy[0])
	}
	if told("nvmlDeviceGetTemperature", nvml.temperature(device, 0, &celsius)) { // 0 is the GPU's own sensor
		g.Temperature = int(celsius)
	}
	return g, err
}

// nvmlSays explains a result of NVML, nil if it is success.
func nvmlSays(call string, result int32) error {
	switch result {
	case 0:
		return nil
	case nvmlNoPermission:
		return &Unavailable{"NVML may not look at the GPUs", "run as a user who may use /dev/nvidia*"}
	case nvmlDriverNotLoaded:
		return &Unavailable{"the NVIDIA driver's kernel module is not loaded", "load it (modprobe nvidia), or restart the machine"}
	case nvmlGPULost:
		return &Unavailable{"a GPU is lost: it has fallen off the bus", "restart the machine"}
	case nvmlResetRequired:
		return &Unavailable{"a GPU has to be reset", "nvidia-smi --gpu-reset, or restart the machine"}
	case nvmlMismatch:
		return driverSays(call, cudaDriverMismatch)
	}
	return &Unavailable{fmt.Sprintf("the NVIDIA driver fails: %s says %s", call, nvml.errorString(result)),
		"see whether nvidia-smi works, and what the system's log says"}
}

// text is a C string.
func text(buffer []byte) string {
	s, _, _ := bytes.Cut(buffer, []byte{0})
	return string(s)
}
