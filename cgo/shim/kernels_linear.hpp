// Products of a few rows with weights that were packed before.
#pragma once
#include "each.hpp"
#include "kernels.hpp"
#include "linear.hpp"

namespace shim::ISA {

at::Tensor pack(at::TensorList ws) {
  int64_t blocks = 0, in = ws[0].size(1);
  for (const auto &w : ws) {
    TORCH_CHECK(w.size(1) == in, "weights of ", in, " and ", w.size(1), " inputs packed together");
    blocks += w.size(0) / 16;
  }
  auto out = room({blocks, in / 2, 16, 2}, ws[0].options());
  auto *to = half(out);
  for (const auto &w : ws) {
    auto *from = half(w);
    at::parallel_for(0, w.size(0) / 16, 8, [&](int64_t lo, int64_t hi) {
      pack(from + lo * 16 * in, (hi - lo) * 16, in, in, to + lo * 16 * in);
    });
    to += w.numel();
  }
  return out;
}

at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias) {
  auto rows = x.contiguous();
  const int64_t n = rows.size(0), in = rows.size(1), blocks = w.size(0), out = blocks * 16;
  TORCH_CHECK(rows.scalar_type() == at::kBFloat16 && in == w.size(1) * 2, "packed weights of ", w.size(1) * 2,
              " bf16 inputs, rows of ", in);
  auto y = room({n, out}, rows.options());
  const Linear layer{w, bias.defined() ? bias.to(at::kFloat) : at::Tensor()};
  at::parallel_for(0, (blocks + 2) / 3, 1, [&](int64_t lo, int64_t hi) {
    const int64_t first = 3 * lo, count = std::min(blocks, 3 * hi) - first;
    for (int64_t r = 0; r < n; r += passed) {
      const Left some({half(rows) + r * in, in, 2}, std::min(passed, n - r), in);
      outputs(some, layer, first, count, half(y) + r * out + 16 * first, out);
    }
  });
  return y;
}

} // namespace shim::ISA
