// The draw of each row's next token.
#ifdef __x86_64__
#include "each.hpp"
#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace shim::simd;

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace {

constexpr int64_t step = 512; // how many indices draw_row adds up at once

// The first index at which the cumulative probability of softmax(x / temperature) exceeds u,
// added up in blocks, which has room for one number for each step.
template <class T> int64_t draw_row(const T *x, int64_t n, float inverse, float u, float *blocks) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = _mm512_max_ps(top, load(x + i));
  const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top)), scale = _mm512_set1_ps(inverse);
  auto weight = [&](int64_t i) { return exp(_mm512_mul_ps(_mm512_sub_ps(load(x + i), most), scale)); };
  int64_t count = 0;
  double total = 0;
  for (int64_t lo = 0; lo < n; lo += step) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = lo; i < std::min(n, lo + step); i += 16) sum = _mm512_add_ps(sum, weight(i));
    total += blocks[count++] = _mm512_reduce_add_ps(sum);
  }
  const double goal = static_cast<double>(u) * total;
  double below = 0;
  int64_t b = 0;
  while (b + 1 < count && below + blocks[b] <= goal) below += blocks[b++];
  int64_t last = 0; // with any probability
  for (int64_t lo = b * step, i = lo; i < n; i += 16) {
    float w[16];
    _mm512_storeu_ps(w, weight(i));
    for (int64_t j = 0; j < 16; j++) {
      if (w[j] > 0) last = i + j;
      if ((below += w[j]) > goal) return i + j;
    }
  }
  return last;
}

// The first index of the largest element.
template <class T> int64_t largest(const T *x, int64_t n) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = _mm512_max_ps(top, load(x + i));
  const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  for (int64_t i = 0; i < n; i += 16)
    if (auto equal = _mm512_cmp_ps_mask(load(x + i), most, _CMP_EQ_OQ)) return i + __builtin_ctz(equal);
  return 0;
}

} // namespace
#pragma GCC pop_options

namespace shim::kernels {

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

} // namespace shim::kernels
#endif
