// Kernels of our own for CPUs with AVX512-BF16: work that would be many small operations of
// libtorch, or that it does slowly with few rows. Each has a libtorch expression beside it in
// shim_fused.cc, for every other device, and to be compared with.
#pragma once
#include <ATen/ATen.h>

namespace shim::kernels {

// usable tells whether the kernels may be used on x: on this CPU, of fp32 or bf16, rows a
// multiple of 16 long and without gaps in them, and no graph to be recorded.
bool usable(const at::Tensor &x);
void enable(bool on);
bool enabled();

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps);
at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin);
at::Tensor silu_mul(const at::Tensor &gate, const at::Tensor &up);

// attend appends k and v [n, kvHeads, d] to the caches [rows, kvHeads, width, d] at the
// positions given, and is the attention of q [n, heads, d] to all positions up to those.
at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                  const at::Tensor &vc, const at::Tensor &positions, double scale);

// draw samples one index per row of logits [n, vocab]; at temperature 0 the first of the largest.
at::Tensor draw(const at::Tensor &logits, const at::Tensor &uniform, double temperature);

// packable tells whether w [out, in] has a packed form, [out/16, in/2, 16, 2].
bool packable(const at::Tensor &w);
at::Tensor pack(at::TensorList ws);
at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias);

} // namespace shim::kernels
