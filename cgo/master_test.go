package torch_test

import (
	"math"
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// masters are fp32 weights of every size: random bits that are numbers, those between two bf16, the
// smallest, zeros and infinities, [37, 48].
func masters() []float32 {
	out := make([]float32, 37*48)
	bits := uint32(1)
	for i := range out {
		for bits = bits*1664525 + 1013904223; bits&0x7f800000 == 0x7f800000; {
			bits = bits*1664525 + 1013904223
		}
		out[i] = math.Float32frombits(bits)
	}
	for i := range 64 { // ties, which go down and up in turn
		out[i] = math.Float32frombits(0x3f808000 + uint32(i)<<16)
	}
	copy(out[64:], []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-40, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1))})
	return out
}

// Half of a weight in two parts is what libtorch rounds it to, and both together are the weight, but for
// ties that are rounded down: they lose one in the last place. NaN stays NaN.
func TestSplitIsUndoneByJoin(t *testing.T) {
	defer torch.UseKernels(true)
	for _, on := range []bool{true, false} {
		torch.UseKernels(on)
		run(t, func(dev torch.Device) {
			values := masters()
			whole := torch.FromFloat32s(values, torch.Float32, dev, 37, 48)
			half, low := torch.Split(whole)
			if rounded := whole.Cast(torch.BFloat16); !slices.Equal(half.Float32s(), rounded.Float32s()) {
				t.Errorf("kernels %v: halves are not what libtorch rounds to", on)
			}
			for i, got := range torch.Join(half, low).Float32s() {
				have, want := math.Float32bits(got), math.Float32bits(values[i])
				if want&0x1ffff == 0x8000 {
					want--
				}
				if have != want {
					t.Fatalf("kernels %v: number %d is %08x after it was split, was %08x", on, i, have, math.Float32bits(values[i]))
				}
			}
			nan := torch.Full(math.NaN(), torch.Float32, dev, 16)
			if half, low := torch.Split(nan); !math.IsNaN(half.Sum().Item()) || !math.IsNaN(torch.Join(half, low).Sum().Item()) {
				t.Errorf("kernels %v: NaN is a number after it was split", on)
			}
		})
	}
}

// AdamW on weights in two parts is AdamW on fp32 weights, to the bit; some of its pieces are not full.
func TestAdamWOnPartsIsAdamWOnWhole(t *testing.T) {
	defer torch.UseKernels(true)
	for _, on := range []bool{true, false} {
		torch.UseKernels(on)
		run(t, func(dev torch.Device) {
			const n = 300_000
			sizes := [][]int{{n}, {3, 5}, {576, 48}}
			var want, parts, lows, grads []*torch.Tensor
			for i, dims := range sizes {
				w := wave(torch.Float32, dev, i, dims...)
				half, low := torch.Split(w)
				want, parts, lows = append(want, torch.Join(half, low)), append(parts, half), append(lows, low)
				grads = append(grads, wave(torch.Float32, dev, i+7, dims...))
			}
			moments := func() (out []*torch.Tensor) {
				for _, dims := range sizes {
					out = append(out, torch.Zeros(torch.Float32, dev, dims...))
				}
				return out
			}
			o := torch.AdamW{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01}
			m, v, n1, v1 := moments(), moments(), moments(), moments()
			for step := range 3 {
				at := torch.Full(float64(step+1), torch.Float32, dev)
				torch.AdamW_(o, want, make([]*torch.Tensor, len(want)), grads, m, v, at)
				torch.AdamW_(o, parts, lows, grads, n1, v1, at)
				for i := range want {
					whole := torch.Join(parts[i], lows[i])
					half, low := torch.Split(want[i]) // where a tie loses a bit, so does this
					if !slices.Equal(whole.Float32s(), torch.Join(half, low).Float32s()) || !slices.Equal(m[i].Float32s(), n1[i].Float32s()) {
						t.Fatalf("kernels %v, step %d: weights %v differ", on, step+1, sizes[i])
					}
					torch.NoGrad(func() { want[i].Copy_(whole) })
				}
			}
		})
	}
}
