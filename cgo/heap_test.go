package torch_test

import (
	"math/rand/v2"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// Large tensors that come and go, of sizes around the ends of holes and pages, keep what is theirs.
func TestHeapKeepsTensorsApart(t *testing.T) {
	run(t, func(dev torch.Device) {
		random := rand.New(rand.NewPCG(1, 2))
		type held struct {
			tensor *torch.Tensor
			value  float64
		}
		var all []held
		check := func(h held) {
			if most, least := h.tensor.MaxDim(0, false).Item(), h.tensor.Neg().MaxDim(0, false).Neg().Item(); most != h.value || least != h.value {
				t.Fatalf("a tensor of %d elements holds %g to %g, want %g", h.tensor.Numel(), least, most, h.value)
			}
		}
		for i := range 400 {
			if len(all) > 0 && (len(all) == 30 || random.IntN(3) == 0) {
				at := random.IntN(len(all))
				torch.Scope(func() { check(all[at]) })
				all[at].tensor.Free()
				all = append(all[:at], all[at+1:]...)
				continue
			}
			n := 32<<10 + random.IntN(64)*1024 + random.IntN(3) - 1 // 128 KiB, from which on the heap is used, and more
			all = append(all, held{torch.Full(float64(i), torch.Float32, dev, n), float64(i)})
		}
		for _, h := range all {
			torch.Scope(func() { check(h) })
		}
	})
}

// What is let go of stays for the next tensors, also smaller and neighbouring ones, until EmptyCache.
func TestHeapReusesMemory(t *testing.T) {
	run(t, func(dev torch.Device) {
		if dev != torch.CPU {
			t.Skip("the heap is the CPU's")
		}
		const mb = 1 << 18 // elements
		takes := func(sizes ...int) {
			torch.Scope(func() {
				for _, n := range sizes {
					torch.Full(1, torch.Float32, dev, n*mb)
				}
			})
		}
		torch.EmptyCache()
		before := rssKiB(t)
		takes(200, 100)
		kept := rssKiB(t)
		if kept-before < 290<<10 {
			t.Errorf("300 MB came and went, %d MB stayed", (kept-before)>>10)
		}
		takes(30, 120, 50, 100)
		if more := rssKiB(t) - kept; more > 10<<10 {
			t.Errorf("the next 300 MB took %d MB more", more>>10)
		}
		torch.EmptyCache()
		if left := rssKiB(t) - before; left > 10<<10 {
			t.Errorf("after EmptyCache %d MB are left", left>>10)
		}
	})
}
