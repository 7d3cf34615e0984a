// The draw of each row's next token, and what it is from.
#pragma once
#include "each.hpp"
#include "exp.hpp"
#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

ISA_BEGIN
namespace shim::ISA {
namespace {

constexpr int64_t step = 512; // how many indices draw_row adds up at once

template <class T> float greatest(const T *x, int64_t n) {
  Lanes top = all(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = max(top, load(x + i));
  return max_of(top);
}

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

// Depths are what top_p_row needs memory for: the probability there is so far below the largest logit, in steps
// of 1/64, and the elements of the one step in which the limit lies, so that no others need be sorted.
struct Depths {
  static constexpr int steps = 2048; // the last has all that is further below
  double mass[steps];
  std::vector<std::pair<float, int64_t>> edge;
};

// out is x without the least likely elements: as many as have together 1-p of the probability or less. Of equal
// ones the first go first; the last of the largest stays.
template <class T> void top_p_row(const T *x, float *out, int64_t n, double p, Depths &at) {
  const float most = greatest(x, n);
  auto depth = [&](Lanes v) { return min(whole((all(most) - v) * all(64)), all(Depths::steps - 1)); };
  std::fill_n(at.mass, Depths::steps, 0);
  for (int64_t i = 0; i < n; i += 16) {
    float d[16], w[16];
    store(d, depth(load(x + i)));
    store(w, exp(load(x + i) - all(most)));
    for (int64_t j = 0; j < 16; j++) at.mass[static_cast<int>(d[j])] += w[j];
  }
  const double limit = (1 - p) * std::accumulate(at.mass, at.mass + Depths::steps, 0.0);
  double below = 0;
  int last = Depths::steps - 1; // of those that stay, if not whole
  while (last > 0 && below + at.mass[last] <= limit) below += at.mass[last--];

  at.edge.clear();
  const Lanes edge = all(static_cast<float>(last));
  for (int64_t i = 0; i < n; i += 16) {
    const Lanes v = max(load(x + i), all(-INFINITY)), d = depth(v); // minus infinity for what is no number
    store(out + i, select(less(edge, d), all(-INFINITY), v));
    for (unsigned hits = equal(d, edge); hits; hits &= hits - 1) {
      const int64_t e = i + __builtin_ctz(hits);
      at.edge.emplace_back(out[e], e);
    }
  }
  std::sort(at.edge.begin(), at.edge.end());
  for (size_t e = 0; e + (last == 0) < at.edge.size(); e++) {
    if ((below += std::exp(at.edge[e].first - most)) > limit) break;
    out[at.edge[e].second] = -INFINITY;
  }
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

at::Tensor top_p(const at::Tensor &logits, double p) {
  auto in = logits.contiguous();
  auto out = room(in.sizes(), in.options().dtype(at::kFloat));
  const int64_t n = in.size(1);
  each(in, in.size(0), 1, [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    Depths depths;
    for (int64_t r = lo; r < hi; r++)
      top_p_row(static_cast<const T *>(in.const_data_ptr()) + r * n, out.data_ptr<float>() + r * n, n, p, depths);
  });
  return out;
}

} // namespace shim::ISA
