package torch_test

import (
	"errors"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
)

// device is where the tests run: the CPU, or what RLKD_DEVICE names.
func device(t testing.TB) torch.Device {
	d, err := torch.FindDevice(pretend.Chosen())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func run(t testing.TB, fn func(dev torch.Device)) {
	t.Helper()
	err := torch.Run(func() error { fn(device(t)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != 0 {
		t.Fatalf("%d tensors alive after Run", n)
	}
}

// net is a small regression trained by AdamW: every kind of ownership a training step has.
type net struct{ w, m, v, step *torch.Tensor }

func newNet(dev torch.Device) *net {
	data := make([]float32, 64*64)
	for i := range data {
		data[i] = float32(i%13-6) / 64
	}
	return &net{
		w:    torch.FromFloat32s(data, torch.Float32, dev, 64, 64).RequireGrad(true),
		m:    torch.Zeros(torch.Float32, dev, 64, 64),
		v:    torch.Zeros(torch.Float32, dev, 64, 64),
		step: torch.Zeros(torch.Float32, dev),
	}
}

func (n *net) train(dev torch.Device) (loss float64) {
	torch.Scope(func() {
		x := torch.Full(0.5, torch.Float32, dev, 32, 64)
		hidden := torch.Tidy(func() *torch.Tensor { return torch.Linear(x, n.w, nil).Silu() })
		probs := torch.RMSNorm(hidden, torch.Full(1, torch.Float32, dev, 64), 1e-5).Softmax(-1)
		top, at := probs.TopK(3, -1)
		l := probs.Gather(-1, at).Sub(top.MulScalar(2)).Sum().MulScalar(0.01)
		l.Backward()
		torch.NoGrad(func() {
			one := torch.Full(1, torch.Float32, dev)
			n.step.Add_(one, 1)
			g := n.w.Grad()
			torch.Scale_([]*torch.Tensor{g}, torch.Norm([]*torch.Tensor{g}).AddScalar(1).Minimum(one))
			torch.AdamW_(torch.AdamW{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8},
				[]*torch.Tensor{n.w}, []*torch.Tensor{nil}, []*torch.Tensor{g}, []*torch.Tensor{n.m}, []*torch.Tensor{n.v}, n.step)
		})
		n.w.SetGrad(nil)
		loss = l.Item()
	})
	return loss
}

func TestStepLeavesNothing(t *testing.T) {
	run(t, func(dev torch.Device) {
		n := newNet(dev)
		live := torch.Live()
		first := n.train(dev)
		last := first
		for range 20 {
			last = n.train(dev)
		}
		if torch.Live() != live {
			t.Fatalf("%d tensors alive after the steps, %d before", torch.Live(), live)
		}
		if last >= first {
			t.Errorf("the loss went from %g to %g", first, last)
		}
	})
}

func TestFailureAtEachOperationLeavesNothing(t *testing.T) {
	run(t, func(dev torch.Device) {
		n := newNet(dev)
		live := torch.Live()
		for i := 0; ; i++ {
			torch.FailAfter(i)
			err := torch.Try(func() error { n.train(dev); return nil })
			torch.FailAfter(-1)
			if torch.Live() != live {
				t.Fatalf("operation %d: %d tensors alive, %d before (%v)", i, torch.Live(), live, err)
			}
			if err == nil {
				if i < 20 {
					t.Fatalf("only %d operations in a step", i)
				}
				return
			}
			n.w.SetGrad(nil)
		}
	})
}

func TestForeignPanicFreesAndGoesOn(t *testing.T) {
	run(t, func(dev torch.Device) {
		live := torch.Live()
		func() {
			defer func() {
				if r := recover(); r != "mine" {
					t.Errorf("recovered %v", r)
				}
			}()
			_ = torch.Try(func() error { torch.Zeros(torch.Float32, dev, 8); panic("mine") })
		}()
		if torch.Live() != live {
			t.Errorf("%d tensors alive, %d before", torch.Live(), live)
		}
	})
}

func TestMemoryIsFlatWithoutCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	run(t, func(dev torch.Device) {
		n := newNet(dev)
		var settled int
		var held torch.Memory
		for i := range 1000 {
			n.train(dev)
			if i == 200 {
				settled = rssKiB(t)
				held, _ = torch.MemoryOf(dev)
			}
		}
		if now, _ := torch.MemoryOf(dev); now.Allocated != held.Allocated || now.Reserved != held.Reserved {
			t.Errorf("of the device's memory %+v was in use, and %+v after 800 steps", held, now)
		}
		// 800 steps of 64x64 fp32 temporaries would be 200 MB if they stayed; Go's own
		// garbage, uncollected here, is some kilobytes a step.
		if grown := rssKiB(t) - settled; grown > 32<<10 {
			t.Errorf("resident memory grew by %d KiB over 800 steps", grown)
		}
	})
}

func rssKiB(t *testing.T) int {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 10
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	var e *torch.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want a *torch.Error with %q", err, text)
	}
}

func TestMisuse(t *testing.T) {
	run(t, func(dev torch.Device) {
		wantError(t, torch.Try(func() error {
			torch.Zeros(torch.Float32, dev, 2, 3).MatMul(torch.Zeros(torch.Float32, dev, 2, 3))
			return nil
		}), "shapes cannot be multiplied")
		wantError(t, torch.Try(func() error {
			var x *torch.Tensor
			torch.Scope(func() { x = torch.Zeros(torch.Float32, dev, 2) })
			x.Sum()
			return nil
		}), "used after its scope ended")
		wantError(t, torch.Try(func() error {
			torch.FromFloat32s(make([]float32, 5), torch.Float32, dev, 2, 3)
			return nil
		}), "5 values for the shape [2 3]")
		wantError(t, torch.Run(func() error { return nil }), "inside another Run")

		x := torch.Zeros(torch.Float32, dev, 2)
		for name, use := range map[string]func(){
			"op":    func() { x.Sum() },
			"make":  func() { torch.Zeros(torch.Float32, dev, 2) },
			"scope": func() { torch.Scope(func() {}) },
			"free":  func() { x.Free() },
		} {
			done := make(chan any)
			go func() {
				defer func() { done <- recover() }()
				use()
			}()
			if e, ok := (<-done).(*torch.Error); !ok || !strings.Contains(e.Msg, "another goroutine") {
				t.Errorf("%s off the engine: recovered %v", name, e)
			}
		}
	})
}

func TestKeepAndFree(t *testing.T) {
	run(t, func(dev torch.Device) {
		var y *torch.Tensor
		torch.Scope(func() {
			y = torch.Tidy(func() *torch.Tensor { return torch.Full(3, torch.Float32, dev, 2) }).Keep()
		})
		if got := y.Sum().Item(); got != 6 {
			t.Errorf("kept tensor sums to %g", got)
		}
		live := torch.Live()
		z := y.Clone()
		z.Free()
		z.Free()
		if torch.Live() != live {
			t.Errorf("%d alive after Free, want %d", torch.Live(), live)
		}
	})
}

func TestNoGradRestoresTheModeItFound(t *testing.T) {
	run(t, func(dev torch.Device) {
		w := torch.Full(2, torch.Float32, dev, 1).RequireGrad(true)
		records := func() bool { return torch.Try(func() error { w.Mul(w).Sum().Backward(); return nil }) == nil }
		torch.NoGrad(func() {
			torch.NoGrad(func() {})
			if records() {
				t.Error("recording after an inner NoGrad")
			}
			torch.EnableGrad(func() {
				if !records() {
					t.Error("not recording inside EnableGrad")
				}
			})
			if records() {
				t.Error("recording after EnableGrad")
			}
		})
		if !records() {
			t.Error("not recording after NoGrad")
		}
		w.SetGrad(nil)
	})
}

func TestDataGoesInAndOut(t *testing.T) {
	run(t, func(dev torch.Device) {
		in := []float32{1, -2.5, 3.25, 0, 5, 6}
		x := torch.FromFloat32s(in, torch.BFloat16, dev, 2, 3)
		for i, v := range x.Float32s() {
			if v != in[i] {
				t.Errorf("element %d is %g, want %g", i, v, in[i])
			}
		}
		back := torch.FromBytes(x.Bytes(), torch.BFloat16, torch.Float32, dev, 2, 3)
		if got := back.Transpose(0, 1).Contiguous().Float32s(); got[1] != 0 || got[2] != -2.5 {
			t.Errorf("transposed: %v", got)
		}
		if got := torch.FromInts([]int{7, -1 << 40}, dev, 2).Ints(); got[1] != -1<<40 {
			t.Errorf("integers: %v", got)
		}
		if d := x.Dims(); len(d) != 2 || d[1] != 3 || x.Dim(-1) != 3 || x.DType() != torch.BFloat16 {
			t.Errorf("dims %v, dtype %v", d, x.DType())
		}
	})
}

func BenchmarkHandle(b *testing.B) {
	run(b, func(dev torch.Device) {
		x := torch.Zeros(torch.Float32, dev, 1)
		b.ReportAllocs()
		for b.Loop() {
			torch.Scope(func() { x.Detach() })
		}
	})
}

func BenchmarkMul(b *testing.B) {
	run(b, func(dev torch.Device) {
		x := torch.Zeros(torch.Float32, dev, 1)
		for b.Loop() {
			torch.Scope(func() { x.Mul(x) })
		}
	})
}

// BenchmarkCall is a call into C that does nothing.
func BenchmarkCall(b *testing.B) {
	for b.Loop() {
		torch.Threads()
	}
}

// BenchmarkScope is a scope in which nothing is made.
func BenchmarkScope(b *testing.B) {
	run(b, func(torch.Device) {
		b.ReportAllocs()
		for b.Loop() {
			torch.Scope(func() {})
		}
	})
}
