// The three products of a linear layer with many rows: its outputs, and the gradients of its rows and of its
// weights. One factor or both are packed for it, which with so many rows takes little of the time.
#pragma once
#include "each.hpp"
#include "kernels.hpp"
#include "turn.hpp"

#include <ATen/record_function.h>

#include <memory>
#include <vector>

namespace shim::ISA {

// recorded makes a profile see what follows in its block, as it sees libtorch's operations.
#define recorded(name) RECORD_FUNCTION("rlkd::" name, c10::ArrayRef<const c10::IValue>())

// finish_row sets y to sums s, plus a bias or what is there.
ISA_BEGIN
inline void finish_row(const float *s, const float *bias, bool there, bf16 *y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16)
    store(y + i, bias ? load(s + i) + load(bias + i) : there ? load(s + i) + load(y + i) : load(s + i));
}
ISA_END

// some_times is times for a few rows. Of many inputs, sums of a part after the other are in fp32 in memory.
static void some_times(Rows x, int64_t n, Packed w, int64_t out, const float *bias, bool there, bf16 *y) {
  if (w.in <= deep) {
    const Left rows(x, n, w.in);
    (there  ? product<From::there, false, bf16>
     : bias ? product<From::bias, false, bf16>
            : product<From::zero, false, bf16>)(rows, w, out / 16, bias, y, out, nullptr, nullptr);
    return;
  }
  const std::unique_ptr<float[]> sums(new float[static_cast<size_t>(n * out)]);
  for (int64_t k = 0; k < w.in; k += deep) {
    const int64_t inputs = std::min(deep, w.in - k);
    const Left rows(x.inputs(k), n, inputs);
    (k == 0 ? product<From::zero, false, float> : product<From::there, false, float>)(
        rows, w.inputs(k, inputs), out / 16, nullptr, sums.get(), out, nullptr, nullptr);
  }
  for (int64_t r = 0; r < n; r++) finish_row(sums.get() + r * out, bias, there, y + r * out, out);
}

// times is x [n, in] by packed weights, plus the bias, or added to sum, where these are defined.
static at::Tensor times(const at::Tensor &x, const at::Tensor &weights, const at::Tensor &bias, const at::Tensor &sum) {
  const int64_t n = x.size(0), in = x.size(1), stride = x.stride(0), out = weights.size(0) * 16;
  const auto add = bias.defined() ? bias.to(at::kFloat) : at::Tensor();
  auto y = sum.defined() ? sum : room({n, out}, x.options());
  const Packed by{half(weights), in, 16 * in};
  at::parallel_for(0, (n + 7) / 8, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t r = 8 * lo; r < std::min(n, 8 * hi); r += resident)
      some_times({half(x) + r * stride, stride, 2}, std::min(resident, std::min(n, 8 * hi) - r), by, out,
                 add.defined() ? add.const_data_ptr<float>() : nullptr, sum.defined(), half(y) + r * out);
  });
  return y;
}

at::Tensor turned(const at::Tensor &x) {
  const int64_t stride = x.stride(0);
  return turned_by(x.size(0), x.size(1), x.options(), [&](int64_t r, int64_t, bf16 *) {
    return Found{half(x) + r * stride, stride};
  });
}

at::Tensor linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias) {
  recorded("linear");
  TORCH_CHECK(w.size(1) == x.size(1), "a layer of ", w.size(1), " inputs, rows of ", x.size(1));
  return times(x, pack(w), bias, {});
}

at::Tensor linear_rows(const at::Tensor &dy, const at::Tensor &w, const at::Tensor &sum) {
  recorded("linear_rows");
  TORCH_CHECK(w.size(0) == dy.size(1), "a layer of ", w.size(0), " outputs, rows of ", dy.size(1));
  return times(dy, turned(w), {}, sum);
}

// weights sets dw [out, in], or adds to it, to dyᵀ x, of x turned. The gradients of R outputs, packed, stay near.
template <From from, class T> static void weights(const at::Tensor &dy, const at::Tensor &x, T *dw) {
  recorded("linear_weights");
  constexpr int64_t R = 32;
  const int64_t n = dy.size(0), out = dy.size(1), even = x.size(1) * 2, blocks = x.size(0), in = blocks * 16;
  at::parallel_for(0, (out + R - 1) / R, 1, [&](int64_t lo, int64_t hi) {
    const std::unique_ptr<bf16[]> packed(new bf16[static_cast<size_t>(R * even)]);
    const std::unique_ptr<float[]> memory(new float[static_cast<size_t>(Left::room(R, even))]);
    for (int64_t o = lo * R; o < std::min(out, hi * R); o += R) {
      const int64_t rows = std::min(R, out - o);
      pack_transposed(half(dy) + o, n, even, rows, dy.stride(0), packed.get());
      std::vector<Left> sixteens;
      for (int64_t r = 0; r < rows; r += 16)
        sixteens.emplace_back(Rows{packed.get() + r * even, 2, 32}, 16, even, memory.get() + Left::room(r, even));
      for (int64_t b = 0; b < blocks; b += widest)
        for (size_t i = 0; i < sixteens.size(); i++)
          product<from>(sixteens[i], {half(x) + b * 16 * even, even, 16 * even}, std::min<int64_t>(widest, blocks - b),
                        nullptr, dw + (o + 16 * static_cast<int64_t>(i)) * in + b * 16, in);
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

} // namespace shim::ISA
