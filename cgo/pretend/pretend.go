// Package pretend is a device for tests, so that what is to run on a GPU can be shown not to
// depend on running on the CPU. To libtorch it is an accelerator (PrivateUse1) of the name
// [Device]; its memory is the host's under addresses that only it can follow, and every
// operation is libtorch's CPU kernel. As on a GPU, an operation on tensors of both the device
// and the host is an error, code that follows a device's pointer crashes, the backward pass
// runs on a thread of its own, and what is copied between device and host is counted.
//
// What it is made of is C++ in device/, a library of its own that lies in bin/.
//
// No package but tests may import it; trainer/imports_test.go sees to that.
package pretend

import (
	"os"
	"sync"

	"github.com/ebitengine/purego"
	torch "github.com/rlkd/rlkd/cgo"
)

// Device is the device's name.
const Device = "pretend"

// Register makes the device known to libtorch. It must come before the first backward pass of
// the process: autograd counts the devices once.
var Register = sync.OnceFunc(func() {
	torch.Version() // libtorch is loaded, and may be asked for the device
	lib().register(Device)
})

// device is the C face of the device, device.h.
type device struct {
	register func(name string)
	read     func(*Counts)
	limit    func(bytes int)
}

var lib = sync.OnceValue(func() (d device) {
	handle, err := purego.Dlopen("librlkd_pretend.so", purego.RTLD_LAZY|purego.RTLD_GLOBAL)
	if err != nil {
		panic(err.Error() + "; run `make libraries`")
	}
	purego.RegisterLibFunc(&d.register, handle, "pretend_register")
	purego.RegisterLibFunc(&d.read, handle, "pretend_read")
	purego.RegisterLibFunc(&d.limit, handle, "pretend_limit")
	return d
})

// Chosen is the device that tests are to run on: the CPU, or what RLKD_DEVICE names.
func Chosen() string {
	switch name := os.Getenv("RLKD_DEVICE"); name {
	case "":
		return "cpu"
	case Device:
		Register()
		return name
	default:
		return name
	}
}

// Counts says how many operations ran on the device, and what went over its border. It is
// pretend_counts of device.h.
type Counts struct {
	Ops        int
	Uploads    int // copies from the host
	Uploaded   int // bytes of them
	Waits      int // uploads that the host waits for, as they are not from page-locked memory
	Downloads  int // copies to the host; each makes it wait
	Downloaded int // bytes of them
	Replays    int // of recorded graphs; what they do counts no more
}

// Count tells what fn makes the device do.
func Count(fn func()) Counts {
	a := read()
	fn()
	b := read()
	return Counts{b.Ops - a.Ops, b.Uploads - a.Uploads, b.Uploaded - a.Uploaded, b.Waits - a.Waits, b.Downloads - a.Downloads, b.Downloaded - a.Downloaded, b.Replays - a.Replays}
}

func read() (c Counts) {
	lib().read(&c)
	return c
}

// Limit makes the device's memory scarce: what would take it over so many bytes is an error, as
// on a GPU that is full. 0 lifts the limit.
func Limit(bytes int) { lib().limit(bytes) }
