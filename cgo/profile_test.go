package torch_test

import (
	"testing"
	"time"

	torch "github.com/rlkd/rlkd/cgo"
)

// A profile counts each call and what libtorch ran inside it, also on the way back, and nothing
// of what came before or after.
func TestProfile(t *testing.T) {
	several := false // a device other than the CPU may make several operations of one
	work := func() {
		run(t, func(dev torch.Device) {
			several = dev != torch.CPU
			w := torch.Full(0.5, torch.Float32, dev, 8, 8).RequireGrad(true)
			x := torch.Full(0.5, torch.Float32, dev, 4, 8)
			for range 3 {
				torch.Scope(func() { torch.Linear(x, w, nil).Sum().Backward() })
			}
		})
	}
	work()
	torch.StartProfile()
	began := time.Now()
	work()
	wall := time.Since(began)
	ops := torch.StopProfile()
	work()

	calls := map[[2]string]int{}
	var whole, inside time.Duration
	for i, o := range ops {
		calls[[2]string{o.Op, o.Inside}] = o.Calls
		if o.Inside == "" {
			whole += o.Time
		} else if inside += o.Time; ops[i-1].Op != o.Op {
			t.Errorf("%s/%s does not follow its operation", o.Op, o.Inside)
		}
	}
	for op, want := range map[[2]string]int{
		{"Full", ""}: 2, {"Linear", ""}: 3, {"Backward", ""}: 3, {"Sum", ""}: 3, {"Linear", "aten::linear"}: 3, {"Backward", "aten::mm"}: 3,
	} {
		if n := calls[op]; n != want && (n < want || op[1] == "" || !several) {
			t.Errorf("%v: %d calls, want %d", op, n, want)
		}
	}
	if inside <= 0 || inside > whole || whole > wall {
		t.Errorf("%v inside operations that took %v in %v", inside, whole, wall)
	}
}
