// The draw of each row's next token, and what it is from.
#pragma once
#include "each.hpp"
#include "exp.hpp"
#include "filter.hpp"
#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

ISA_BEGIN
namespace shim::ISA {
namespace {

constexpr int64_t step = 512; // how many indices draw_row adds up at once

// The first index at which the cumulative probability of softmax(x / temperature) exceeds u,
// added up in blocks, which has room for one number for each step.
template <class T> int64_t draw_row(const T *x, int64_t n, float inverse, float u, float *blocks) {
  const Lanes most = all(greatest(x, n)), scale = all(inverse);
  auto weight = [&](int64_t i) { return exp((load(x + i) - most) * scale); };
  int64_t count = 0;
  double total = 0;
  for (int64_t lo = 0; lo < n; lo += step) {
    Lanes sum = all(0);
    for (int64_t i = lo; i < std::min(n, lo + step); i += 16) sum = sum + weight(i);
    total += blocks[count++] = sum_of(sum);
  }
  const double goal = static_cast<double>(u) * total;
  double below = 0;
  int64_t b = 0;
  while (b + 1 < count && below + blocks[b] <= goal) below += blocks[b++];
  int64_t last = 0; // with any probability
  for (int64_t lo = b * step, i = lo; i < n; i += 16) {
    float w[16];
    store(w, weight(i));
    for (int64_t j = 0; j < 16; j++) {
      if (w[j] > 0) last = i + j;
      if ((below += w[j]) > goal) return i + j;
    }
  }
  return last;
}

// The first index of the largest element.
template <class T> int64_t largest(const T *x, int64_t n) {
  const Lanes most = all(greatest(x, n));
  for (int64_t i = 0; i < n; i += 16)
    if (const unsigned hits = equal(load(x + i), most)) return i + __builtin_ctz(hits);
  return 0;
}

} // namespace
} // namespace shim::ISA
ISA_END

namespace shim::ISA {

at::Tensor draw(const at::Tensor &logits, const at::Tensor &uniform, double temperature) {
  auto in = logits.contiguous();
  auto out = room({in.size(0)}, in.options().dtype(at::kLong));
  const int64_t n = in.size(1);
  const float *u = temperature == 0 ? nullptr : uniform.const_data_ptr<float>();
  each(in, in.size(0), 1, [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    std::vector<float> blocks(static_cast<size_t>(n / step + 1));
    for (int64_t r = lo; r < hi; r++) {
      auto *row = static_cast<const T *>(in.const_data_ptr()) + r * n;
      out.data_ptr<int64_t>()[r] = temperature == 0
                                       ? largest(row, n)
                                       : draw_row(row, n, static_cast<float>(1 / temperature), u[r], blocks.data());
    }
  });
  return out;
}

at::Tensor filter(const at::Tensor &logits, double temperature, int64_t k, double p, double min_p) {
  auto in = logits.contiguous();
  auto out = room(in.sizes(), in.options().dtype(at::kFloat));
  const int64_t n = in.size(1);
  each(in, in.size(0), 1, [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    Filter row(n);
    for (int64_t r = lo; r < hi; r++) {
      auto *from = static_cast<const T *>(in.const_data_ptr()) + r * n;
      row.begin(from, static_cast<float>(temperature), out.data_ptr<float>() + r * n);
      if (k > 0 && k < n) row.top_k(k);
      if (p < 1) row.top_p(p);
      if (min_p > 0) row.min_p(min_p);
    }
  });
  return out;
}

} // namespace shim::ISA
