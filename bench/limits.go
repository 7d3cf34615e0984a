package main

import (
	"time"

	torch "github.com/rlkd/rlkd/cgo"
)

// measureLimits finds what the device does at best: the fastest of a few large products for each
// dtype, and memory that is read and copied, by libtorch on as many threads as it takes.
func measureLimits(dev torch.Device) Limits {
	l := Limits{FLOPs: map[string]float64{}, Threads: torch.Threads()}
	for _, dt := range []torch.DType{torch.Float32, torch.BFloat16} {
		// The shapes of a training step, and square ones.
		for _, d := range [][3]int{{2048, 576, 1536}, {4096, 1536, 576}, {1024, 1024, 1024}, {2048, 2048, 2048}} {
			torch.Scope(func() {
				x, w := torch.Full(0.5, dt, dev, d[0], d[1]), torch.Full(0.5, dt, dev, d[2], d[1])
				took := fastest(dev, 8, func() { torch.Linear(x, w, nil) })
				l.FLOPs[dt.String()] = max(l.FLOPs[dt.String()], 2*float64(d[0]*d[1]*d[2])/took)
			})
		}
	}
	const n = 64 << 20 // a quarter of a gigabyte
	x, y := torch.Full(1, torch.Float32, dev, n), torch.Zeros(torch.Float32, dev, n)
	l.Sum = 4 * n / fastest(dev, 6, func() { x.Sum() })
	l.Copy = 2 * 4 * n / fastest(dev, 6, func() { y.Copy_(x) })
	l.Bytes = max(l.Sum, l.Copy, 3*4*n/fastest(dev, 6, func() { y.Add_(x, 0.5) }))
	return l
}

// fastest is the least time of n calls of fn, in seconds.
func fastest(dev torch.Device, n int, fn func()) float64 {
	best := time.Hour
	torch.NoGrad(func() {
		for range n {
			began := time.Now()
			torch.Scope(fn)
			torch.Synchronize(dev)
			best = min(best, time.Since(began))
		}
	})
	return best.Seconds()
}
