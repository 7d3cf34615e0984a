package pretend_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
)

func init() { pretend.Register() }

// onEngine runs fn on the engine and sees that it leaves no tensor.
func onEngine(t *testing.T, fn func()) {
	t.Helper()
	before := torch.Live()
	if err := torch.Run(func() error { fn(); return nil }); err != nil {
		t.Fatal(err)
	}
	if now := torch.Live(); now != before {
		t.Errorf("%d tensors after, %d before", now, before)
	}
}

// numbers is a tensor of n numbers on a device.
func numbers(dev torch.Device, n int) *torch.Tensor {
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(math.Sin(float64(i) * 1.3))
	}
	return torch.FromFloat32s(data, torch.Float32, dev, n)
}

func TestDeviceIsFoundByItsName(t *testing.T) {
	onEngine(t, func() {
		dev, err := torch.FindDevice(pretend.Device)
		if err != nil {
			t.Fatal(err)
		}
		if got := torch.Zeros(torch.Float32, dev, 2).Device(); got != pretend.Device+":0" {
			t.Errorf("a tensor is on %q", got)
		}
		if _, err := torch.FindDevice("pretense"); err == nil {
			t.Error("another name is a device too")
		}
	})
	for name, want := range map[string]bool{pretend.Device: true, "cpu": true, "cuda:1": true, "gpu": false, "pretense": false} {
		if torch.IsDevice(name) != want {
			t.Errorf("IsDevice(%q) is %v", name, !want)
		}
	}
}

// An operand on the host is refused, also where a GPU would take it.
func TestMixingWithTheHostIsAnError(t *testing.T) {
	onEngine(t, func() {
		here, there := numbers(torch.CPU, 4), numbers(pretend.Device, 4)
		for name, mix := range map[string]func(){
			"host + device":   func() { here.Add(there) },
			"device + host":   func() { there.Add(here) },
			"device + scalar": func() { there.Add(torch.Full(1, torch.Float32, torch.CPU)) },
			"in place":        func() { there.Mul_(here) },
			"index":           func() { there.IndexSelect(0, torch.FromInts([]int{1}, torch.CPU, 1)) },
			"cat":             func() { torch.Cat(0, there, here) },
		} {
			err := torch.Try(func() error { mix(); return nil })
			if err == nil || !strings.Contains(err.Error(), "same device") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestBorderIsCounted(t *testing.T) {
	onEngine(t, func() {
		var x *torch.Tensor
		for _, c := range []struct {
			what string
			do   func()
			want pretend.Counts
		}{
			{"an upload", func() { x = numbers(pretend.Device, 6) }, pretend.Counts{Uploads: 1, Uploaded: 24}},
			{"a product", func() { x = x.Mul(x) }, pretend.Counts{Ops: 1}},
			{"a view and a copy within the device", func() { x.Narrow(0, 1, 4).Clone() }, pretend.Counts{}},
			{"a download", func() { x.Float32s() }, pretend.Counts{Downloads: 1, Downloaded: 24}},
			{"an item", func() { x.Sum().Item() }, pretend.Counts{Ops: 1, Downloads: 1, Downloaded: 4}},
			{"work on the host", func() { numbers(torch.CPU, 6).Sum().Item() }, pretend.Counts{}},
		} {
			if got := pretend.Count(c.do); got != c.want {
				t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
			}
		}
	})
}

// Memory that is short is an error that says so; it is there again when tensors are freed.
func TestMemoryCanBeShort(t *testing.T) {
	onEngine(t, func() {
		defer pretend.Limit(0)
		pretend.Limit(1 << 20)
		fill := func(n int) error {
			return torch.Try(func() error { torch.Zeros(torch.Float32, pretend.Device, n).MulScalar(2); return nil })
		}
		var full *torch.Error
		if err := fill(200_000); !errors.As(err, &full) || !full.OutOfMemory() {
			t.Errorf("1.6 MB in 1 MiB: %v", err)
		}
		if err := fill(100_000); err != nil {
			t.Errorf("0.8 MB in 1 MiB: %v", err)
		}
	})
}

// What operations write, resize, view or return in lists arrives where it should.
func TestOperationsGiveWhatTheCPUGives(t *testing.T) {
	for name, op := range map[string]func(x *torch.Tensor) *torch.Tensor{
		"arange":       func(x *torch.Tensor) *torch.Tensor { return torch.Arange(7, x.Device()).Cast(torch.Float32) },
		"in place":     func(x *torch.Tensor) *torch.Tensor { x = x.Clone(); x.Narrow(0, 3, 4).Exp_(); return x },
		"cat of views": func(x *torch.Tensor) *torch.Tensor { return torch.Cat(0, x.Narrow(0, 5, 3), x.Narrow(0, 0, 2)) },
		"transposed":   func(x *torch.Tensor) *torch.Tensor { return x.Reshape(3, 8).Transpose(0, 1).Contiguous() },
		"expanded":     func(x *torch.Tensor) *torch.Tensor { return x.Reshape(24, 1).Expand(24, 2).SumDim(0, false) },
		"two results":  func(x *torch.Tensor) *torch.Tensor { v, i := x.TopK(7, 0); return v.Add(i.Cast(torch.Float32)) },
		"a list written": func(x *torch.Tensor) *torch.Tensor {
			x = x.Clone()
			torch.Scale_([]*torch.Tensor{x}, x.Sum())
			return x
		},
		"a gradient": func(x *torch.Tensor) *torch.Tensor {
			w := x.Clone().RequireGrad(true)
			w.Mul(w).Softmax(0).Narrow(0, 2, 9).Exp().Sum().Backward()
			return w.Grad()
		},
		"bf16": func(x *torch.Tensor) *torch.Tensor {
			return x.Cast(torch.BFloat16).Mul(x.Cast(torch.BFloat16)).Cast(torch.Float32)
		},
	} {
		onEngine(t, func() {
			want, got := op(numbers(torch.CPU, 24)), op(numbers(pretend.Device, 24))
			if got.Device() != pretend.Device+":0" {
				t.Errorf("%s: the result is on %s", name, got.Device())
			}
			same(t, name, got.Float32s(), want.Float32s(), 0)
		})
	}
}

// same compares numbers, as shares of the largest.
func same(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	worst, largest := 0.0, 0.0
	for i, w := range want {
		worst, largest = max(worst, math.Abs(float64(got[i]-w))), max(largest, math.Abs(float64(w)))
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s: off by %g, where the largest is %g", what, worst, largest)
	}
}
