package torch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// wave is a tensor of numbers within ±1 that look random.
func wave(dt torch.DType, dev torch.Device, seed int, dims ...int) *torch.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(math.Sin(float64(i*(seed+7)) * 1.37))
	}
	return torch.FromFloat32s(data, dt, dev, dims...)
}

// fused are the operations with a kernel, on n rows; those of fewer rows begin as those of more.
var fused = map[string]func(dt torch.DType, dev torch.Device, n int) *torch.Tensor{
	"RMSNorm": func(dt torch.DType, dev torch.Device, n int) *torch.Tensor {
		return torch.RMSNorm(wave(dt, dev, 1, n, 576), wave(dt, dev, 2, 576), 1e-5)
	},
	"Rope": func(dt torch.DType, dev torch.Device, n int) *torch.Tensor {
		x := wave(dt, dev, 3, n, 5*64).Narrow(1, 64, 3*64).Reshape(n, 3, 64) // with gaps
		angle := wave(torch.Float32, dev, 4, n, 1, 64)
		return torch.Rope(x, angle.Cos().Cast(dt), angle.Sin().Cast(dt))
	},
	"SiluMul": func(dt torch.DType, dev torch.Device, n int) *torch.Tensor {
		both := wave(dt, dev, 5, n, 320).MulScalar(20)
		return torch.SiluMul(both.Narrow(1, 0, 160), both.Narrow(1, 160, 160))
	},
	"SiluMul of large numbers": func(dt torch.DType, dev torch.Device, n int) *torch.Tensor { // e^200 is infinite in fp32
		return torch.SiluMul(wave(dt, dev, 5, n, 160).MulScalar(200), wave(dt, dev, 6, n, 160).MulScalar(0.01))
	},
	"Attend": func(dt torch.DType, dev torch.Device, n int) *torch.Tensor {
		const kv, group, d, width = 2, 3, 80, 70
		cache := torch.NewKV(dt, dev, 9, kv, width, d)
		var tokens, rows, positions []int
		for i := range 9 * width {
			tokens, rows, positions = append(tokens, i), append(rows, i/width), append(positions, i%width)
		}
		ints := func(x []int) *torch.Tensor { return torch.FromInts(x, dev, len(x)) }
		cache.Store(wave(dt, dev, 6, 9*width, kv, d), wave(dt, dev, 7, 9*width, kv, d), ints(tokens), ints(rows), ints(positions))
		at := []int{0, 69, 15, 16, 40, 33, 1}[:n]
		return cache.Attend(wave(dt, dev, 8, n, kv*group, d).MulScalar(3), wave(dt, dev, 9, n, kv, d), wave(dt, dev, 10, n, kv, d),
			ints(at), slices.Max(at)+1, 0.3)
	},
}

func TestKernelsAgreeWithLibtorch(t *testing.T) {
	if !torch.UseKernels(true) {
		t.Skip("no kernels for this CPU")
	}
	defer torch.UseKernels(true)
	for name, op := range fused {
		for _, dt := range []torch.DType{torch.Float32, torch.BFloat16} {
			run(t, func(dev torch.Device) {
				const rows = 7
				got := op(dt, dev, rows).Float32s()
				// In fp32 most are libtorch's own, and so is what they make of a row.
				for n := 1; n < rows && (dt == torch.BFloat16 || name == "Attend"); n++ {
					if few := op(dt, dev, n).Float32s(); !slices.Equal(few, got[:len(few)]) {
						t.Errorf("%s in %v: with %d rows in all, a row is not what it is with %d", name, dt, n, rows)
					}
				}
				torch.UseKernels(false)
				want := op(dt, dev, rows).Float32s()
				torch.UseKernels(true)
				if d := largest(got, want); !(d <= tolerance(dt)) {
					t.Errorf("%s in %v differs by %g", name, dt, d)
				}
			})
		}
	}
}

// tolerance is for results of at most some 20.
func tolerance(dt torch.DType) float64 {
	if dt == torch.Float32 {
		return 1e-5
	}
	return 0.13
}

// largest is the largest difference of got and want, as a share of want if that is more than 1.
func largest(got, want []float32) (d float64) {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	for i, w := range want {
		x := math.Abs(float64(got[i]-w)) / max(1, math.Abs(float64(w)))
		if math.IsNaN(x) {
			return x
		}
		d = max(d, x)
	}
	return d
}

func TestPackedLinear(t *testing.T) {
	run(t, func(dev torch.Device) {
		w1, w2 := wave(torch.BFloat16, dev, 1, 64, 96), wave(torch.BFloat16, dev, 2, 48, 96)
		packed := torch.Pack(w1, w2)
		if packed == nil {
			if torch.UseKernels(true) && dev == torch.CPU {
				t.Error("bf16 weights have no packed form")
			}
			t.Skip("no packed form here")
		}
		if torch.Pack(w1.Cast(torch.Float32)) != nil || torch.Pack(w1.Narrow(0, 0, 40)) != nil {
			t.Error("fp32, or 40 outputs, have a packed form")
		}
		bias := wave(torch.BFloat16, dev, 3, 112)
		var all []float32
		for _, n := range []int{150, 1, 7, 8, 19, 64} {
			x := wave(torch.BFloat16, dev, 4, n, 96)
			got := torch.PackedLinear(x, packed, bias).Float32s()
			torch.UseKernels(false)
			want := torch.Linear(x, torch.Cat(0, w1, w2), bias).Float32s()
			torch.UseKernels(true)
			if d := largest(got, want); !(d <= 0.02) {
				t.Errorf("%d rows differ by %g", n, d)
			}
			if all == nil {
				all = got
			}
			if !slices.Equal(got, all[:len(got)]) {
				t.Errorf("with %d rows a row is not what it is among 150", n)
			}
		}
		wantError(t, torch.Try(func() error { torch.PackedLinear(wave(torch.BFloat16, dev, 5, 2, 64), packed, nil); return nil }), "96 bf16 inputs")
		wantError(t, torch.Try(func() error { torch.Pack(w1, wave(torch.BFloat16, dev, 5, 16, 64)); return nil }), "packed together")
	})
}

// Evenly spread variates draw each index as often as its probability says.
func TestDraw(t *testing.T) {
	const vocab, draws = 2048, 5000
	for _, on := range []bool{true, false} {
		torch.UseKernels(on)
		for _, dt := range []torch.DType{torch.Float32, torch.BFloat16} {
			run(t, func(dev torch.Device) {
				row := wave(dt, dev, 3, 1, vocab).MulScalar(6)
				row = torch.Cat(1, torch.Full(math.Inf(-1), dt, dev, 1, 16), row.Narrow(1, 16, vocab-16))
				probs := row.Cast(torch.Float32).MulScalar(1 / 0.7).Softmax(-1).Float32s()
				var u []float32
				for i := range draws {
					u = append(u, (float32(i)+0.5)/draws)
				}
				counts := make([]float64, vocab)
				for _, id := range torch.Draw(row.Expand(draws, vocab), torch.FromFloat32s(u, torch.Float32, dev, draws), 0.7).Ints() {
					counts[id]++
				}
				for i, p := range probs {
					if d := math.Abs(counts[i]/draws - float64(p)); d > 1.5/draws || p == 0 && counts[i] > 0 {
						t.Errorf("kernels %v, %v: index %d was drawn %g times of %d, probability %g", on, dt, i, counts[i], draws, p)
					}
				}
				if got, want := torch.Draw(row, nil, 0).Ints(), row.ArgMax(-1).Ints(); !slices.Equal(got, want) {
					t.Errorf("kernels %v, %v: the likeliest is %v, want %v", on, dt, got, want)
				}
			})
		}
	}
	torch.UseKernels(true)
}

// What the filters leave is what libtorch's sorts of a row say, with the same order among equals.
func TestFilter(t *testing.T) {
	const vocab = 2048
	run(t, func(dev torch.Device) {
		fill := func(value float64, n int) *torch.Tensor { return torch.Full(value, torch.Float32, dev, 1, n) }
		wide := wave(torch.Float32, dev, 3, 1, vocab).MulScalar(40)
		rows := map[string]*torch.Tensor{
			"all apart":           wave(torch.Float32, dev, 3, 1, vocab).MulScalar(6),
			"bf16, many equal":    wave(torch.BFloat16, dev, 3, 1, vocab).MulScalar(6),
			"far apart":           wide,
			"some are barred":     torch.Cat(1, fill(math.Inf(-1), 1024), wide.Narrow(1, 0, 1024)),
			"one has nearly all":  torch.Cat(1, fill(0, 1024), fill(50, 1), fill(0, 1023)),
			"one has exactly all": torch.Cat(1, fill(math.Inf(-1), 1024), fill(50, 1), fill(math.Inf(-1), 1023)),
			"all equal":           fill(2, vocab),
			"two heights":         torch.Cat(1, fill(1, 1000), fill(2, 1048)),
		}
		for _, temperature := range []float64{1, 0.6} {
			for _, k := range []int{0, 1, 50, 1500, vocab, 3 * vocab} {
				for _, p := range []float64{1, 0, 0.25, 0.5, 0.9, 0.95, 0.999, 1 - 1e-7} {
					for _, least := range []float64{0, 0.03, 1} {
						for name, row := range rows {
							torch.Scope(func() { checkFilter(t, name, row, temperature, k, p, least) })
						}
					}
				}
			}
		}
		wild := torch.Cat(1, fill(math.NaN(), 16), fill(math.Inf(1), 16), wide.Narrow(1, 0, 32))
		for _, part := range []*torch.Tensor{wild, wild.Narrow(1, 16, 48), wild.Narrow(1, 0, 16), fill(math.Inf(-1), 16)} {
			torch.Filter(part, 0.6, 7, 0.9, 0.1).Float32s() // what is no distribution does no harm
		}
	})
}

func checkFilter(t *testing.T, name string, row *torch.Tensor, temperature float64, k int, p, least float64) {
	t.Helper()
	got := torch.Filter(row, temperature, k, p, least).Float32s()
	torch.UseKernels(false)
	want := torch.Filter(row, temperature, k, p, least).Float32s()
	all := torch.Filter(row, temperature, k, 1, 0).Softmax(-1).Float32s() // before top-p
	torch.UseKernels(true)
	apart, left := 0.0, 0.0
	for i := range got {
		if got[i] != want[i] { // where a sum is as near to the limit as rounding is
			apart += float64(all[i])
		}
		if !math.IsInf(float64(got[i]), -1) {
			left += float64(all[i])
		}
	}
	if apart > 1e-5 || left == 0 || least == 0 && left < p-1e-5 {
		t.Errorf("%s, temperature %g, top-k %d, top-p %g, min-p %g: %g are apart, %g are left", name, temperature, k, p, least, apart, left)
	}
}

// BenchmarkLinear is the product a transformer spends its time in: rows through two of SmolLM2's
// up projections, with libtorch's plain weight and with our packed one.
func BenchmarkLinear(b *testing.B) {
	const in, out = 576, 3072
	for _, n := range []int{1, 16, 64, 256, 1024} {
		product := func(name string, dt torch.DType, prepare func(w *torch.Tensor) *torch.Tensor, apply func(x, w, bias *torch.Tensor) *torch.Tensor) {
			b.Run(fmt.Sprintf("%s/rows=%d", name, n), func(b *testing.B) {
				run(b, func(dev torch.Device) {
					x, w := torch.Full(0.5, dt, dev, n, in), prepare(torch.Full(0.5, dt, dev, out, in))
					if w == nil {
						b.Skip("no packed form here")
					}
					for b.Loop() {
						torch.Scope(func() { apply(x, w, nil) })
					}
					b.ReportMetric(2*float64(n)*in*out*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			})
		}
		same := func(w *torch.Tensor) *torch.Tensor { return w }
		product("float32", torch.Float32, same, torch.Linear)
		product("bfloat16", torch.BFloat16, same, torch.Linear)
		product("packed", torch.BFloat16, func(w *torch.Tensor) *torch.Tensor { return torch.Pack(w) }, torch.PackedLinear)
	}
}

// Gradients in bf16 are gathered in fp32 as libtorch adds them, to the bit.
func TestGatheringGradients(t *testing.T) {
	if !torch.UseKernels(true) {
		t.Skip("no kernels for this CPU")
	}
	defer torch.UseKernels(true)
	run(t, func(dev torch.Device) {
		var sums [2][]float32
		for i, on := range []bool{true, false} {
			torch.UseKernels(on)
			sum := wave(torch.Float32, dev, 1, 37, 48).MulScalar(1e3)
			sum.Add_(wave(torch.BFloat16, dev, 2, 37, 48), 1)
			sums[i] = sum.Float32s()
		}
		if !slices.Equal(sums[0], sums[1]) {
			t.Errorf("the kernel adds to %v …, libtorch to %v …", sums[0][:4], sums[1][:4])
		}
	})
}
