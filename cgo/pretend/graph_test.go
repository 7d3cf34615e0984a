package pretend_test

import (
	"slices"
	"strings"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
	"github.com/rlkd/rlkd/cgo/pretend"
)

// work is of every kind that decoding is made of: views, lists, what is new and what is written in
// place, with shapes that are made up on the way.
func work(x, w, store *torch.Tensor) *torch.Tensor {
	y := torch.RMSNorm(torch.Linear(x, w, nil), torch.Full(1, torch.Float32, x.Device(), 4), 1e-5)
	store.Narrow(0, 2, 4).Copy_(y.Transpose(0, 1))
	at := torch.Arange(4, x.Device())
	best, _ := torch.Cat(0, y, store.Narrow(0, 1, 4)).TopK(2, -1)
	return store.IndexSelect(0, at).MatMul(y).Add(best.SumDim(-1, true).Narrow(0, 0, 4))
}

// A graph does again what was recorded, on what the tensors it reads hold then.
func TestGraphDoesTheWorkAgain(t *testing.T) {
	onEngine(t, func() {
		if torch.CanCapture(torch.CPU) || !torch.CanCapture(pretend.Device) {
			t.Fatal("the CPU records graphs, or the device does not")
		}
		x, w, store := numbers(pretend.Device, 16).Reshape(4, 4), numbers(pretend.Device, 16).Reshape(4, 4), torch.Zeros(torch.Float32, pretend.Device, 8, 4)
		graph, got := torch.Capture(pretend.Device, func() *torch.Tensor { return work(x, w, store) })
		defer graph.Free()
		for i := range 3 {
			x.Copy_(x.MulScalar(-1.5))
			other := torch.Zeros(torch.Float32, pretend.Device, 8, 4)
			other.Copy_(store)
			want := work(x, w, other)
			counts := pretend.Count(func() { graph.Replay() })
			if counts != (pretend.Counts{Replays: 1}) {
				t.Errorf("a replay is %+v", counts)
			}
			if !slices.Equal(got.Float32s(), want.Float32s()) || !slices.Equal(store.Float32s(), other.Float32s()) {
				t.Errorf("replay %d: %v and %v, want %v and %v", i, got.Float32s(), store.Float32s(), want.Float32s(), other.Float32s())
			}
		}
	})
}

// What a device cannot record is an error, and leaves neither a tensor nor a recording behind.
func TestWhatCannotBeRecorded(t *testing.T) {
	onEngine(t, func() {
		x := numbers(pretend.Device, 16).Reshape(4, 4)
		for name, fn := range map[string]func() *torch.Tensor{
			"a number that is read": func() *torch.Tensor { return x.MulScalar(x.Sum().Item()) },
			"a download":            func() *torch.Tensor { x.Float32s(); return x.MulScalar(2) },
			"an upload":             func() *torch.Tensor { return x.Add(numbers(pretend.Device, 4)) },
		} {
			live := torch.Live()
			err := torch.Try(func() error { torch.Capture(pretend.Device, fn); return nil })
			if err == nil || !strings.Contains(err.Error(), "not permitted when stream is capturing") {
				t.Errorf("%s: %v", name, err)
			}
			if now := torch.Live(); now != live {
				t.Errorf("%s: %d tensors, %d before", name, now, live)
			}
			x.Float32s() // is nothing that is recorded
		}
		if err := torch.Try(func() error { torch.Capture(torch.CPU, func() *torch.Tensor { return x.Clone() }); return nil }); err == nil {
			t.Error("the CPU has recorded a graph")
		}
	})
}

// A failure at any place of recording leaves nothing behind.
func TestFailureWhileRecordingLeavesNothing(t *testing.T) {
	onEngine(t, func() {
		defer torch.FailAfter(-1)
		x, w, store := numbers(pretend.Device, 16).Reshape(4, 4), numbers(pretend.Device, 16).Reshape(4, 4), torch.Zeros(torch.Float32, pretend.Device, 8, 4)
		live := torch.Live()
		for after := range 1000 {
			torch.FailAfter(after)
			err := torch.Try(func() error {
				graph, _ := torch.Capture(pretend.Device, func() *torch.Tensor { return work(x, w, store) })
				defer graph.Free()
				graph.Replay()
				return nil
			})
			torch.FailAfter(-1)
			if now := torch.Live(); now != live {
				t.Fatalf("failure after %d operations: %d tensors, %d before (%v)", after, now, live, err)
			}
			x.Float32s()
			if err == nil {
				if after < 20 {
					t.Errorf("only %d places to fail at", after)
				}
				return
			}
		}
		t.Error("it fails without being made to")
	})
}
