// The three products of a linear layer with many rows: its outputs, and the gradients of its rows and of its
// weights. One factor or both are packed for it, which with so many rows takes little of the time.
#ifdef __x86_64__
#include "each.hpp"
#include "kernels.hpp"
#include "turn.hpp"

#include <ATen/record_function.h>

using namespace shim::simd;

namespace shim::kernels {

bool many(const at::Tensor &x, const at::Tensor &w) { // from so many rows on these are no slower than oneDNN's, bench/LOG.md
  return usable_half(x) && packable(w) && x.dim() == 2 && x.size(0) >= 512 && w.size(1) % 16 == 0;
}

// recorded makes a profile see what follows in its block, as it sees libtorch's operations.
#define recorded(name) RECORD_FUNCTION("rlkd::" name, c10::ArrayRef<const c10::IValue>())

// times is x [n, in] by packed weights, plus the bias, or added to sum, where these are defined.
static at::Tensor times(const at::Tensor &x, const at::Tensor &weights, const at::Tensor &bias, const at::Tensor &sum) {
  const int64_t n = x.size(0), in = x.size(1), stride = x.stride(0), out = weights.size(0) * 16;
  const auto add = bias.defined() ? bias.to(at::kFloat) : at::Tensor();
  auto y = sum.defined() ? sum : room({n, out}, x.options());
  const Packed by{half(weights), in, 16 * in};
  at::parallel_for(0, (n + 7) / 8, 1, [&](int64_t lo, int64_t hi) {
    constexpr int64_t R = 64; // rows that stay near while all weights pass
    for (int64_t r = 8 * lo; r < std::min(n, 8 * hi); r += R) {
      const int64_t rows = std::min(R, std::min(n, 8 * hi) - r);
      const Rows from{half(x) + r * stride, stride, 2};
      auto *to = half(y) + r * out;
      if (sum.defined())
        product<From::there>(from, rows, by, out / 16, nullptr, to, out);
      else if (add.defined())
        product<From::bias>(from, rows, by, out / 16, add.const_data_ptr<float>(), to, out);
      else
        product<From::zero>(from, rows, by, out / 16, nullptr, to, out);
    }
  });
  return y;
}

at::Tensor linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias) {
  recorded("linear");
  TORCH_CHECK(w.size(1) == x.size(1), "a layer of ", w.size(1), " inputs, rows of ", x.size(1));
  return times(x, pack(w), bias, {});
}

at::Tensor linear_rows(const at::Tensor &dy, const at::Tensor &w, const at::Tensor &sum) {
  recorded("linear_rows");
  return times(dy, turned(w), {}, sum);
}

at::Tensor turned(const at::Tensor &x) {
  const int64_t stride = x.stride(0);
  return turned_by(x.size(0), x.size(1), x.options(), [&](int64_t r, int64_t, bf16 *) {
    return Found{half(x) + r * stride, stride};
  });
}

// weights sets dw [out, in], or adds to it, to dyᵀ x, of x turned. The gradients of R outputs, packed, stay near.
template <From from, class T> static void weights(const at::Tensor &dy, const at::Tensor &x, T *dw) {
  recorded("linear_weights");
  constexpr int64_t R = 32;
  const int64_t n = dy.size(0), out = dy.size(1), even = x.size(1) * 2, blocks = x.size(0), in = blocks * 16;
  at::parallel_for(0, (out + R - 1) / R, 1, [&](int64_t lo, int64_t hi) {
    const std::unique_ptr<bf16[]> packed(new bf16[static_cast<size_t>(R * even)]);
    for (int64_t o = lo * R; o < std::min(out, hi * R); o += R) {
      const int64_t rows = std::min(R, out - o);
      pack_transposed(half(dy) + o, n, even, rows, dy.stride(0), packed.get());
      for (int64_t b = 0; b < blocks; b += 3)
        for (int64_t r = 0; r < rows; r += 16)
          product<from>({packed.get() + r * even, 2, 32}, 16, {half(x) + b * 16 * even, even, 16 * even},
                        std::min<int64_t>(3, blocks - b), nullptr, dw + (o + r) * in + b * 16, in);
    }
  });
}

at::Tensor linear_weights(const at::Tensor &dy, const at::Tensor &x) {
  auto dw = room({dy.size(1), x.size(0) * 16}, x.options());
  weights<From::zero>(dy, x, half(dw));
  return dw;
}

void add_linear_weights(const at::Tensor &sum, const at::Tensor &dy, const at::Tensor &x) {
  weights<From::there>(dy, x, sum.data_ptr<float>());
}

} // namespace shim::kernels
#endif
