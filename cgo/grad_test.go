package torch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	torch "github.com/rlkd/rlkd/cgo"
)

// kernelGradients runs a kernel on leaves in bf16, and with libtorch's operations the same in bf16
// and in fp32, and compares the result and every gradient: what the kernel says may not be much
// further from fp32 than what libtorch says in bf16.
func kernelGradients(t *testing.T, leaves []*torch.Tensor, kernel, plain func(x []*torch.Tensor) *torch.Tensor) {
	t.Helper()
	run := func(dt torch.DType, op func(x []*torch.Tensor) *torch.Tensor) (out [][]float32) {
		torch.EnableGrad(func() {
			var xs []*torch.Tensor
			for _, l := range leaves {
				xs = append(xs, l.Cast(torch.BFloat16).Cast(dt).Detach().RequireGrad(true))
			}
			y := op(xs)
			out = append(out, y.Float32s())
			y.BackwardFrom(wave(torch.BFloat16, y.Device(), 11, y.Dims()...).Cast(dt))
			for _, x := range xs {
				out = append(out, x.Grad().Float32s())
			}
		})
		return out
	}
	got, want := run(torch.BFloat16, kernel), run(torch.Float32, plain)
	torch.UseKernels(false)
	half := run(torch.BFloat16, plain)
	torch.UseKernels(true)
	for i := range got {
		if d, usual := norm(got[i], want[i]), norm(half[i], want[i]); !(d <= 1.2*usual+0.002) {
			t.Errorf("result %d (0: forward, then gradients) differs from fp32 by %g of its norm, libtorch's in bf16 by %g", i, d, usual)
		}
	}
}

// norm is that of the difference as a share of that of want.
func norm(got, want []float32) float64 {
	var d, n float64
	for i, w := range want {
		d += float64(got[i]-w) * float64(got[i]-w)
		n += float64(w) * float64(w)
	}
	return math.Sqrt(d / max(n, 1e-2)) // some gradients are 0
}

func TestKernelGradients(t *testing.T) {
	if !torch.UseKernels(true) {
		t.Skip("no kernels for this CPU")
	}
	const n = 133 // not a multiple of anything
	run(t, func(dev torch.Device) {
		if dev != torch.CPU {
			t.Skip("kernels are for the CPU")
		}
		f32 := func(seed int, dims ...int) *torch.Tensor { return wave(torch.Float32, dev, seed, dims...) }
		norm := func(x []*torch.Tensor) *torch.Tensor { return torch.RMSNorm(x[0], x[1], 1e-5) }
		kernelGradients(t, []*torch.Tensor{f32(1, n, 576), f32(2, 576)}, norm, norm)
		angle := f32(4, n, 1, 32)
		angle = torch.Cat(-1, angle, angle)
		rope := func(x []*torch.Tensor) *torch.Tensor {
			return torch.Rope(x[0], angle.Cos().Cast(x[0].DType()), angle.Sin().Cast(x[0].DType()))
		}
		kernelGradients(t, []*torch.Tensor{f32(3, n, 3, 64)}, rope, rope)
		silu := func(x []*torch.Tensor) *torch.Tensor { return torch.SiluMul(x[0], x[1]) }
		kernelGradients(t, []*torch.Tensor{f32(5, n, 160).MulScalar(5), f32(6, n, 160)}, silu, silu)
		const deep = 4112 // more than are added up at once
		// n rows, and so many that the products are ours on every CPU.
		for _, n := range []int{n, 577} {
			linear := func(x []*torch.Tensor) *torch.Tensor { return torch.Linear(x[0], x[1], x[2]) }
			kernelGradients(t, []*torch.Tensor{f32(1, n, 96), f32(9, 80, 96), f32(8, 80)}, linear, linear)
			kernelGradients(t, []*torch.Tensor{f32(1, n, deep), f32(9, 32, deep), f32(8, 32)}, linear, linear)
			gated := func(x []*torch.Tensor) *torch.Tensor { return torch.SiluMulLinear(x[0], x[1], x[2], x[3]) }
			gatedPlain := func(x []*torch.Tensor) *torch.Tensor { return torch.Linear(silu(x), x[2], x[3]) }
			kernelGradients(t, []*torch.Tensor{f32(5, n, 160).MulScalar(5), f32(6, n, 160), f32(7, 48, 160), f32(8, 48)}, gated, gatedPlain)
			linears := func(of func(x []*torch.Tensor) []*torch.Tensor) func(x []*torch.Tensor) *torch.Tensor {
				return func(x []*torch.Tensor) *torch.Tensor { return torch.Cat(-1, of(x)...) }
			}
			kernelGradients(t, []*torch.Tensor{f32(1, n, 64), f32(2, 64), f32(9, deep, 64), f32(10, deep, 64), f32(11, deep)},
				linears(func(x []*torch.Tensor) []*torch.Tensor {
					return torch.NormLinears(x[0], x[1], 1e-5, x[2:4], []*torch.Tensor{nil, x[4]})
				}),
				linears(func(x []*torch.Tensor) []*torch.Tensor {
					y := norm(x)
					return []*torch.Tensor{torch.Linear(y, x[2], nil), torch.Linear(y, x[3], x[4])}
				}))
		}
	})
}

// The kernels for the products of many rows are there from 512 rows on, on some CPUs from the first; whatever rows are
// beside it, a row's outputs and gradient are the same.
func TestManyRows(t *testing.T) {
	if !torch.UseKernels(true) || torch.Kernels() == "amx" {
		t.Skip("no kernels for many rows on this CPU")
	}
	run(t, func(dev torch.Device) {
		if dev != torch.CPU {
			t.Skip("kernels are for the CPU")
		}
		x, w := wave(torch.BFloat16, dev, 1, 700, 112), wave(torch.BFloat16, dev, 2, 208, 112)
		ran := func(x *torch.Tensor) (y, dx []float32) {
			torch.EnableGrad(func() {
				x = x.Detach().RequireGrad(true)
				out := torch.Linear(x, w, nil)
				out.BackwardFrom(wave(torch.BFloat16, dev, 3, 700, 208).Narrow(0, 0, x.Dim(0)))
				y, dx = out.Float32s(), x.Grad().Float32s()
			})
			return y, dx
		}
		y, dx := ran(x)
		for _, n := range []int{512, 517, 640} {
			some, dsome := ran(x.Narrow(0, 0, n))
			if !slices.Equal(some, y[:len(some)]) || !slices.Equal(dsome, dx[:len(dsome)]) {
				t.Errorf("%d rows are not what they are among 700", n)
			}
		}
		product := x.MatMul(w.Transpose(0, 1).Contiguous())
		if d := norm(product.Float32s(), x.Cast(torch.Float32).MatMul(w.Cast(torch.Float32).Transpose(0, 1)).Float32s()); !(d <= 3e-3) {
			t.Errorf("a product without a graph differs from fp32 by %g of its norm", d)
		}
		wantError(t, torch.Try(func() error { x.MatMul(w.Transpose(0, 1).Narrow(0, 0, 96).Contiguous()); return nil }), "a layer of 96 outputs, rows of 112")
		other := wave(torch.BFloat16, dev, 2, 32, 48)
		wantError(t, torch.Try(func() error { torch.Linear(x, other, nil); return nil }), "a layer of 48 inputs, rows of 112")
	})
}

// Weights' gradients of pieces, gathered in fp32, are that of all of it.
func TestAddMM(t *testing.T) {
	run(t, func(dev torch.Device) {
		for _, width := range []int{96, 90} { // 90 has no kernel
			x, dy := wave(torch.BFloat16, dev, 1, 65, width), wave(torch.BFloat16, dev, 2, 65, 2*width)
			sum := torch.Full(1, torch.Float32, dev, 2*width, width)
			for at := 0; at < 65; at += 13 {
				sum.AddMM_(dy.Narrow(0, at, 13).Transpose(0, 1), x.Narrow(0, at, 13))
			}
			want := dy.Cast(torch.Float32).Transpose(0, 1).MatMul(x.Cast(torch.Float32)).AddScalar(1)
			if d := norm(sum.Float32s(), want.Float32s()); !(d <= 3e-3) {
				t.Errorf("width %d: differs by %g of its norm", width, d)
			} else if width == 96 && dev == torch.CPU && torch.UseKernels(true) && torch.Kernels() != "amx" && d > 1e-6 {
				t.Errorf("differs by %g of its norm: gathered in bf16", d)
			}
		}
	})
}

// forests are segments of different shapes: a sequence alone, prompts with completions, a
// chain of several, and tokens that are in no segment.
var forests = map[string][]torch.Segment{
	"one":     {{0, 1, -1}},
	"long":    {{0, 133, -1}},
	"prompts": {{0, 20, -1}, {20, 7, 0}, {27, 70, 0}, {97, 16, -1}, {113, 5, 3}, {118, 15, 3}},
	"chain":   {{0, 17, -1}, {17, 1, 0}, {18, 33, 1}, {51, 64, 1}, {115, 2, 3}},
}

// rowwise is attention by libtorch: each token alone with all it sees.
func rowwise(q, k, v *torch.Tensor, forest []torch.Segment, scale float64) *torch.Tensor {
	heads := func(x *torch.Tensor) *torch.Tensor { return x.Transpose(0, 1).Unsqueeze(0) } // [1, h, n, d]
	covered := 0
	var out []*torch.Tensor
	for i, s := range forest {
		for t := range s.Length {
			see := []*torch.Tensor{}
			seen := func(x *torch.Tensor, at int) *torch.Tensor {
				parts := []*torch.Tensor{x.Narrow(0, s.Start, t+1)}
				for p := s.Parent; p >= 0; p = forest[p].Parent {
					parts = append([]*torch.Tensor{x.Narrow(0, forest[p].Start, forest[p].Length)}, parts...)
				}
				return torch.Cat(0, parts...)
			}
			see = append(see, seen(k, i), seen(v, i))
			a := torch.Attention(heads(q.Narrow(0, s.Start+t, 1)), heads(see[0]), heads(see[1]), nil, false, scale)
			out = append(out, a.Reshape(1, q.Dim(1), q.Dim(2)))
		}
		covered += s.Length
	}
	if rest := q.Dim(0) - covered; rest > 0 {
		out = append(out, q.Narrow(0, covered, rest).MulScalar(0))
	}
	return torch.Cat(0, out...)
}

func TestTreeAttention(t *testing.T) {
	for _, shape := range []struct{ heads, kv, d int }{{6, 2, 64}, {2, 2, 16}, {4, 1, 80}} {
		for name, forest := range forests {
			t.Run(fmt.Sprint(name, shape), func(t *testing.T) {
				run(t, func(dev torch.Device) {
					if !torch.HasTreeAttention(torch.BFloat16, dev, shape.d) {
						t.Skip("no kernel here")
					}
					last := forest[len(forest)-1]
					n := last.Start + last.Length + 3
					leaves := []*torch.Tensor{
						wave(torch.Float32, dev, 1, n, shape.heads, shape.d).MulScalar(3),
						wave(torch.Float32, dev, 2, n, shape.kv, shape.d), wave(torch.Float32, dev, 3, n, shape.kv, shape.d),
					}
					kernelGradients(t, leaves, func(x []*torch.Tensor) *torch.Tensor {
						return torch.TreeAttention(x[0], x[1], x[2], forest, 0.2)
					}, func(x []*torch.Tensor) *torch.Tensor { return rowwise(x[0], x[1], x[2], forest, 0.2) })
				})
			})
		}
	}
}

// The log-probabilities, entropies and gradients of the head are those of log_softmax in fp32.
func TestLogSoftmaxAt(t *testing.T) {
	for _, dt := range []torch.DType{torch.Float32, torch.BFloat16} {
		run(t, func(dev torch.Device) {
			const n, vocab, scale = 5, 8208, 1 / 0.7
			x := torch.Cat(0, wave(dt, dev, 3, n-1, vocab).MulScalar(7), wave(dt, dev, 4, 1, vocab).MulScalar(300)) // most e^x are 0
			targets, d := torch.FromInts([]int{0, 8207, 16, 31, 4000}, dev, n), wave(torch.Float32, dev, 5, n)
			var want, wantEntropy, wantGrad []float32
			torch.EnableGrad(func() {
				leaf := x.Cast(torch.Float32).Clone().Detach().RequireGrad(true)
				z := leaf.MulScalar(scale)
				logp := z.Sub(z.LogSumExp(-1, true))
				at := logp.Gather(-1, targets.Reshape(n, 1)).Reshape(n)
				want = at.Float32s()
				wantEntropy = logp.Exp().Mul(logp).SumDim(-1, false).Neg().Float32s()
				at.BackwardFrom(d)
				wantGrad = leaf.Grad().Float32s()
			})
			logp, entropy, lse := torch.LogSoftmaxAt(x, targets, scale)
			if d := largest(logp.Float32s(), want); !(d < 1e-5) {
				t.Errorf("%v: log-probabilities differ by %g", dt, d)
			}
			if d := largest(entropy.Float32s(), wantEntropy); !(d < 1e-5) {
				t.Errorf("%v: entropies differ by %g", dt, d)
			}
			grad := torch.LogSoftmaxAtBackward(x, targets, lse, d, scale)
			if d := norm(grad.Float32s(), wantGrad); !(d <= tolerance(dt)/20) {
				t.Errorf("%v: the gradient differs by %g of its norm", dt, d)
			}
		})
	}
}
