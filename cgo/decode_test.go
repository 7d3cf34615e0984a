package torch_test

import (
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// layerSizes are of a layer whose blocks of sixteen outputs do not come in threes.
var layerSizes = struct{ hidden, intermediate, heads, kv, d, width int }{176, 304, 6, 2, 96, 70}

// newLayer is a layer with a past of two thirds of its width, with norms of q and k and with biases if full.
func newLayer(dev torch.Device, rows int, full bool) *torch.DecodeLayer {
	s, bf := layerSizes, torch.BFloat16
	l := &torch.DecodeLayer{InputNorm: wave(bf, dev, 1, s.hidden), PostNorm: wave(bf, dev, 2, s.hidden)}
	qkv, wide := (s.heads+2*s.kv)*s.d, s.intermediate
	packed := []*torch.Tensor{
		torch.Pack(wave(bf, dev, 3, qkv, s.hidden)), torch.Pack(wave(bf, dev, 4, s.hidden, s.heads*s.d)),
		torch.Pack(wave(bf, dev, 5, wide, s.hidden), wave(bf, dev, 6, wide, s.hidden)), torch.Pack(wave(bf, dev, 7, s.hidden, wide)),
	}
	for i, to := range []*torch.Packed{&l.QKV, &l.O, &l.GateUp, &l.Down} {
		to.Weight = packed[i]
		if full {
			to.Bias = wave(torch.Float32, dev, 8+i, []int{qkv, s.hidden, 2 * wide, s.hidden}[i])
		}
	}
	if full {
		l.QNorm, l.KNorm = wave(bf, dev, 12, s.d), wave(bf, dev, 13, s.d)
	}
	l.KV = torch.NewKV(bf, dev, rows, s.kv, s.width, s.d)
	var tokens, to, at []int
	for i := range rows * s.width * 2 / 3 {
		tokens, to, at = append(tokens, i), append(to, i%rows), append(at, i/rows)
	}
	past := func(seed int) *torch.Tensor { return wave(bf, dev, seed, len(tokens), s.kv, s.d) }
	l.KV.Store(past(14), past(15), torch.FromInts(tokens, dev, len(tokens)), torch.FromInts(to, dev, len(to)), torch.FromInts(at, dev, len(at)))
	return l
}

// operations is what DecodeLayer.Run stands for.
func operations(l *torch.DecodeLayer, x *torch.Tensor, s *torch.DecodeStep) *torch.Tensor {
	n, d := x.Dim(0), layerSizes.d
	linear := func(x *torch.Tensor, p torch.Packed) *torch.Tensor { return torch.PackedLinear(x, p.Weight, p.Bias) }
	qkv := linear(torch.RMSNorm(x, l.InputNorm, s.Eps), l.QKV)
	heads := func(first, count int) *torch.Tensor { return qkv.Narrow(1, first*d, count*d).Reshape(n, count, d) }
	q, k, v := heads(0, s.Heads), heads(s.Heads, s.KVHeads), heads(s.Heads+s.KVHeads, s.KVHeads)
	if l.QNorm != nil {
		q, k = torch.RMSNorm(q, l.QNorm, s.Eps), torch.RMSNorm(k, l.KNorm, s.Eps)
	}
	q, k = torch.Rope(q, s.Cos, s.Sin), torch.Rope(k, s.Cos, s.Sin)
	a := l.KV.Attend(q, k, v, s.Positions, layerSizes.width, s.Scale).Reshape(n, s.Heads*d)
	x = x.Add(linear(a, l.O))
	both := linear(torch.RMSNorm(x, l.PostNorm, s.Eps), l.GateUp)
	wide := both.Dim(1) / 2
	return x.Add(linear(torch.SiluMul(both.Narrow(1, 0, wide), both.Narrow(1, wide, wide)), l.Down))
}

// The kernel of a whole layer gives what its operations give, in any number of rows and threads.
func TestDecodeLayer(t *testing.T) {
	s := layerSizes
	run(t, func(dev torch.Device) {
		if !torch.UseKernels(true) || !torch.HasDecodeLayer(torch.BFloat16, dev, s.hidden, s.intermediate, s.d) {
			t.Skip("no kernel here")
		}
		threads := torch.Threads()
		defer torch.SetThreads(threads)
		for _, full := range []bool{false, true} {
			for _, n := range []int{1, 7, 16, 29} {
				at := make([]int, n)
				for i := range at {
					at[i] = []int{40, 0, 15, 16, 46, 69, 31}[i%7]
				}
				angle := wave(torch.Float32, dev, 16, n, 1, s.d)
				step := torch.DecodeStep{
					Positions: torch.FromInts(at, dev, n), Cos: angle.Cos().Cast(torch.BFloat16), Sin: angle.Sin().Cast(torch.BFloat16),
					Heads: s.heads, KVHeads: s.kv, Eps: 1e-5, Scale: 0.3,
				}
				x := wave(torch.BFloat16, dev, 17, n, s.hidden)
				want := operations(newLayer(dev, n, full), x, &step).Float32s()
				if d := largest(want, make([]float32, len(want))); !(d > 1) {
					t.Fatalf("the layer makes nothing of its input: %g", d)
				}
				for _, threads := range []int{1, 3} {
					torch.SetThreads(threads)
					if got := newLayer(dev, n, full).Run(x, &step).Float32s(); !slices.Equal(got, want) {
						t.Errorf("%d rows, %d threads, biases and norms %v: differs by %g", n, threads, full, largest(got, want))
					}
				}
			}
		}
	})
}

func TestDecodeLayerRefuses(t *testing.T) {
	s := layerSizes
	run(t, func(dev torch.Device) {
		if !torch.UseKernels(true) || !torch.HasDecodeLayer(torch.BFloat16, dev, s.hidden, s.intermediate, s.d) {
			t.Skip("no kernel here")
		}
		l, x := newLayer(dev, 1, false), wave(torch.BFloat16, dev, 17, 1, s.hidden)
		angle := wave(torch.BFloat16, dev, 16, 1, 1, s.d)
		step := torch.DecodeStep{Positions: torch.FromInts([]int{80}, dev, 1), Cos: angle, Sin: angle, Heads: s.heads, KVHeads: s.kv, Eps: 1e-5, Scale: 1}
		wantError(t, torch.Try(func() error { l.Run(x, &step); return nil }), "position 80 of a cache of 80")
		step.Positions = torch.FromInts([]int{8}, dev, 1)
		wantError(t, torch.Try(func() error { l.Run(x.Cast(torch.Float32), &step); return nil }), "no kernel")
	})
}
