package torch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

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

// populate makes tensors where the system is still giving memory, and is done when it was given.
func populate(t *testing.T) error {
	const bytes, piece = 512 << 20, 4 << 20
	torch.Populate(bytes)
	return torch.Run(func() error {
		var all []*torch.Tensor
		for i := range 32 { // a quarter of it
			all = append(all, torch.Full(float64(i), torch.Float32, torch.CPU, piece/4))
		}
		for began := time.Now(); rssKiB(t) < bytes>>10; time.Sleep(time.Millisecond) {
			if time.Since(began) > time.Minute {
				return fmt.Errorf("%d KiB are resident, %d were asked for", rssKiB(t), bytes>>10)
			}
		}
		for i, x := range all {
			if most, least := x.MaxDim(0, false).Item(), x.Neg().MaxDim(0, false).Neg().Item(); most != float64(i) || least != most {
				return fmt.Errorf("tensor %d holds %g to %g", i, least, most)
			}
		}
		return nil
	})
}

// Memory that is given in the background is there without being used, and what is written there meanwhile stays.
func TestPopulate(t *testing.T) {
	if a := ask(t, "populate", t.TempDir()); a.Result != "" {
		t.Error(a.Result)
	}
}
