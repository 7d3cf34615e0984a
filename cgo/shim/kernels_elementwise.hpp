// What is between the products of a layer, in bf16: RMSNorm, RoPE, SiLU·mul, and their gradients.
#pragma once
#include "each.hpp"
#include "kernels.hpp"
#include "rows.hpp"
#include "turn.hpp"

#include <vector>

ISA_BEGIN
namespace shim::ISA {
namespace {

// With s = inverse(x): y = w s x, so dx = s w dy - x s^3 sum(w dy x)/n, and dw gains s x dy.
void norm_row_backward(const bf16 *x, const bf16 *w, const bf16 *dy, bf16 *dx, float *dw, int64_t n, float eps) {
  const float s = inverse(x, n, eps);
  Lanes sum = all(0);
  for (int64_t i = 0; i < n; i += 16) sum = fma(load(w + i) * load(dy + i), load(x + i), sum);
  const Lanes scale = all(s);
  const Lanes back = all(s * s * s * sum_of(sum) / static_cast<float>(n));
  for (int64_t i = 0; i < n; i += 16) {
    const Lanes v = load(x + i), d = load(dy + i);
    store(dw + i, fma(rounded(x, v * scale), d, load(dw + i)));
    store(dx + i, fnma(v, back, load(w + i) * d * scale));
  }
}

// The derivative of g sigmoid(g) is sigmoid(g) (1 + g (1 - sigmoid(g))).
void silu_mul_row_backward(const bf16 *gate, const bf16 *up, const bf16 *dy, bf16 *dgate, bf16 *dup, int64_t n) {
  const Lanes one = all(1);
  for (int64_t i = 0; i < n; i += 16) {
    const Lanes g = load(gate + i), s = sigmoid(g), d = load(dy + i);
    const Lanes slope = s * fma(g, one - s, one);
    store(dgate + i, d * load(up + i) * slope);
    store(dup + i, d * (g * s));
  }
}

void accumulate_row(float *sum, const bf16 *x, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(sum + i, load(sum + i) + load(x + i));
}

// The nearest bf16, to even if two are as near, by its bits: the instruction for it takes the smallest numbers for 0.
void split_row(const uint32_t *x, uint16_t *half, int16_t *low, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const bool number = (x[i] & 0x7fffffff) <= 0x7f800000;
    const uint32_t h = number ? (x[i] + 0x7fff + (x[i] >> 16 & 1)) >> 16 : 0x7fc0;
    const auto left = static_cast<int32_t>(x[i] - (h << 16));
    half[i] = static_cast<uint16_t>(h);
    low[i] = static_cast<int16_t>(left < -0x8000 ? -0x8000 : left > 0x7fff ? 0x7fff : left);
  }
}

void join_row(const uint16_t *half, const int16_t *low, uint32_t *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = (static_cast<uint32_t>(half[i]) << 16) + static_cast<uint32_t>(low[i]);
}

} // namespace
} // namespace shim::ISA
ISA_END

namespace shim::ISA {

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps) {
  auto in = x.contiguous();
  auto out = room(in.sizes(), in.options());
  const int64_t n = in.size(-1);
  at::parallel_for(0, in.numel() / n, grain(n), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; r++)
      norm_row(half(in) + r * n, half(w), half(out) + r * n, n, static_cast<float>(eps));
  });
  return out;
}

at::Tensor turned_rms_norm(const at::Tensor &x, const at::Tensor &w, double eps) {
  auto in = x.contiguous();
  const int64_t n = in.size(1);
  return turned_by(in.size(0), n, in.options(), [&](int64_t r, int64_t count, bf16 *to) {
    for (int64_t i = 0; i < count; i++)
      norm_row(half(in) + (r + i) * n, half(w), to + i * n, n, static_cast<float>(eps));
    return Found{to, n};
  });
}

std::tuple<at::Tensor, at::Tensor> rms_norm_backward(const at::Tensor &x, const at::Tensor &w, const at::Tensor &dy,
                                                     double eps) {
  constexpr int64_t rows = 64; // whose sum for dw is made in one go: the same in any number of threads
  auto in = x.contiguous(), d = dy.contiguous();
  auto dx = room(in.sizes(), in.options());
  const int64_t n = in.size(-1), all = in.numel() / n, parts = (all + rows - 1) / rows;
  auto dw = room({parts, n}, in.options().dtype(at::kFloat)).zero_();
  at::parallel_for(0, parts, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo * rows; r < std::min(all, hi * rows); r++)
      norm_row_backward(half(in) + r * n, half(w), half(d) + r * n, half(dx) + r * n,
                        dw.data_ptr<float>() + r / rows * n, n, static_cast<float>(eps));
  });
  return {dx, dw.sum(0).to(w.scalar_type())};
}

at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin, double sign) {
  auto out = room(x.sizes(), x.options());
  const int64_t n = x.size(0), heads = x.size(1), d = x.size(2);
  at::parallel_for(0, n, grain(heads * d), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; r++)
      for (int64_t h = 0; h < heads; h++)
        rope_row(half(x) + r * x.stride(0) + h * x.stride(1), half(cos) + r * d, half(sin) + r * d,
                 half(out) + (r * heads + h) * d, d / 2, static_cast<float>(sign));
  });
  return out;
}

at::Tensor silu_mul(const at::Tensor &gate, const at::Tensor &up) {
  auto out = room(gate.sizes(), gate.options());
  const int64_t n = gate.size(1);
  at::parallel_for(0, gate.size(0), grain(4 * n), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; r++)
      silu_mul_row(half(gate) + r * gate.stride(0), half(up) + r * up.stride(0), half(out) + r * n, n);
  });
  return out;
}

at::Tensor turned_silu_mul(const at::Tensor &gate, const at::Tensor &up) {
  const int64_t n = gate.size(1);
  return turned_by(gate.size(0), n, gate.options(), [&](int64_t r, int64_t count, bf16 *to) {
    for (int64_t i = 0; i < count; i++)
      silu_mul_row(half(gate) + (r + i) * gate.stride(0), half(up) + (r + i) * up.stride(0), to + i * n, n);
    return Found{to, n};
  });
}

std::tuple<at::Tensor, at::Tensor> silu_mul_backward(const at::Tensor &gate, const at::Tensor &up,
                                                     const at::Tensor &dy) {
  auto d = dy.contiguous();
  auto dgate = room(gate.sizes(), gate.options()), dup = room(gate.sizes(), gate.options());
  const int64_t n = gate.size(1);
  at::parallel_for(0, gate.size(0), grain(4 * n), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; r++)
      silu_mul_row_backward(half(gate) + r * gate.stride(0), half(up) + r * up.stride(0), half(d) + r * n,
                            half(dgate) + r * n, half(dup) + r * n, n);
  });
  return {dgate, dup};
}

void accumulate(const at::Tensor &sum, const at::Tensor &x) {
  at::parallel_for(0, sum.numel() / 16, grain(16), [&](int64_t lo, int64_t hi) {
    accumulate_row(sum.data_ptr<float>() + 16 * lo, half(x) + 16 * lo, 16 * (hi - lo));
  });
}

static uint32_t *words(const at::Tensor &t) { return static_cast<uint32_t *>(t.data_ptr()); }

void split(const at::Tensor &x, const at::Tensor &half, const at::Tensor &low) {
  at::parallel_for(0, x.numel(), grain(1), [&](int64_t lo, int64_t hi) {
    split_row(words(x) + lo, &ISA::half(half)[lo].bits, low.data_ptr<int16_t>() + lo, hi - lo);
  });
}

void join(const at::Tensor &half, const at::Tensor &low, const at::Tensor &x) {
  at::parallel_for(0, x.numel(), grain(1), [&](int64_t lo, int64_t hi) {
    join_row(&ISA::half(half)[lo].bits, low.data_ptr<int16_t>() + lo, words(x) + lo, hi - lo);
  });
}

} // namespace shim::ISA
