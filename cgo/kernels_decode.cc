// Decoding: the attention of one new token per row to its past, and the draw of the next.
#ifdef __x86_64__
#include "each.hpp"
#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

using namespace shim::simd;

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace {

// sums: lane i of the result is the sum of the lanes of v[i].
inline __m512 sums(__m512 *v) {
  for (int i = 0; i < 8; i++) {
    __m512 lo = _mm512_shuffle_f32x4(v[i], v[i + 8], 0x44), hi = _mm512_shuffle_f32x4(v[i], v[i + 8], 0xEE);
    v[i] = _mm512_add_ps(lo, hi); // 256-bit halves: row i, row i + 8
  }
  for (int i = 0; i < 4; i++) {
    __m512 lo = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88), hi = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xDD);
    v[i] = _mm512_add_ps(lo, hi); // 128-bit quarters: rows i, i + 8, i + 4, i + 12
  }
  for (int i = 0; i < 2; i++) {
    __m512 lo = _mm512_shuffle_ps(v[i], v[i + 2], 0x44), hi = _mm512_shuffle_ps(v[i], v[i + 2], 0xEE);
    v[i] = _mm512_add_ps(lo, hi); // in each quarter: row i twice, row i + 2 twice
  }
  __m512 lo = _mm512_shuffle_ps(v[0], v[1], 0x88), hi = _mm512_shuffle_ps(v[0], v[1], 0xDD);
  // In each quarter: rows 0, 2, 1, 3; the quarters 0, 8, 4, 12.
  __m512 s = _mm512_add_ps(lo, hi);
  const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
  return _mm512_permutexvar_ps(order, s);
}

// The products of one query head with m keys, at most 16, in the lanes of the result; the last
// key's is in the lanes that are over. In bf16 two neighbours are multiplied at once.
inline __m512 dots(const float *q, const float *k, int64_t m, int64_t d) {
  __m512 acc[16];
  for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_setzero_ps();
  for (int64_t i = 0; i < d; i += 16) {
    const __m512 qv = load(q + i);
    for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_fmadd_ps(qv, load(k + std::min(j, m - 1) * d + i), acc[j]);
  }
  return sums(acc);
}

inline __m512 dots(const bf16 *q, const bf16 *k, int64_t m, int64_t d) {
  __m512 acc[16];
  for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_setzero_ps();
  for (int64_t i = 0; i < d; i += 32) {
    const __mmask32 there = d - i >= 32 ? ~0u : 0xFFFFu; // d is a multiple of 16
    const __m512bh qv = (__m512bh)_mm512_maskz_loadu_epi16(there, q + i);
    for (int64_t j = 0; j < 16; j++)
      acc[j] = _mm512_dpbf16_ps(acc[j], qv, (__m512bh)_mm512_maskz_loadu_epi16(there, k + std::min(j, m - 1) * d + i));
  }
  return sums(acc);
}

// The softmax of s [n], without the division: its e^(s - top), zeros up to a multiple of 16, and
// one over their sum.
inline float softmax(float *s, int64_t n) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t t = 0; t < n; t += 16) top = _mm512_max_ps(top, _mm512_loadu_ps(s + t));
  const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < n; t += 16) {
    const __m512 e = exp(_mm512_sub_ps(_mm512_loadu_ps(s + t), most));
    sum = _mm512_add_ps(sum, e);
    _mm512_storeu_ps(s + t, e);
  }
  return 1.0f / _mm512_reduce_add_ps(sum);
}

// H heads' sums of the values v [n, d], elements 16 × V of them, weighted by s.
template <int H, int V, class T>
inline void blend(const T *v, T *out, const float *s, const float *share, int64_t room, int64_t n, int64_t d) {
  __m512 acc[H][V];
  for (auto &h : acc)
    for (auto &a : h) a = _mm512_setzero_ps();
  for (int64_t t = 0; t < n; t++) {
    __m512 x[V];
    for (int j = 0; j < V; j++) x[j] = load(v + t * d + 16 * j);
    for (int h = 0; h < H; h++) {
      const __m512 p = _mm512_set1_ps(s[h * room + t]);
      for (int j = 0; j < V; j++) acc[h][j] = _mm512_fmadd_ps(p, x[j], acc[h][j]);
    }
  }
  for (int h = 0; h < H; h++)
    for (int j = 0; j < V; j++) store(out + h * d + 16 * j, _mm512_mul_ps(acc[h][j], _mm512_set1_ps(share[h])));
}

// One row's attention in one group of query heads that share a key head: q [group, d], keys
// and values [n, d]; scores has room for group × (n rounded up to 16) and group more.
template <class T>
void attend_group(const T *q, const T *k, const T *v, T *out, float *scores, int64_t group, int64_t n, int64_t d,
                  float scale) {
  const int64_t room = (n + 15) / 16 * 16;
  float *share = scores + group * room;
  for (int64_t t = 0; t < n; t += 16) {
    const int64_t m = std::min<int64_t>(16, n - t);
    const auto there = static_cast<__mmask16>((1u << m) - 1);
    for (int64_t g = 0; g < group; g++) {
      const __m512 x = _mm512_mul_ps(dots(q + g * d, k + t * d, m, d), _mm512_set1_ps(scale));
      _mm512_storeu_ps(scores + g * room + t, _mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), there, x));
    }
  }
  for (int64_t g = 0; g < group; g++) share[g] = softmax(scores + g * room, n);
  for (int64_t g = 0; g < group;) {
    const int64_t heads = std::min<int64_t>(3, group - g);
    for (int64_t i = 0; i < d;) {
      const bool four = d - i >= 64;
      auto *sum = heads == 3   ? (four ? blend<3, 4, T> : blend<3, 1, T>)
                  : heads == 2 ? (four ? blend<2, 4, T> : blend<2, 1, T>)
                               : (four ? blend<1, 4, T> : blend<1, 1, T>);
      sum(v + i, out + g * d + i, scores + g * room, share + g, room, n, d);
      i += four ? 64 : 16;
    }
    g += heads;
  }
}

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

at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                  const at::Tensor &vc, const at::Tensor &positions, double scale) {
  const int64_t n = q.size(0), heads = q.size(1), d = q.size(2), kv = k.size(1), width = kc.size(2);
  const int64_t group = heads / kv;
  auto query = q.contiguous();
  auto out = at::empty({n, heads, d}, q.options());
  const int64_t *at = positions.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < n; r++)
    TORCH_CHECK(at[r] >= 0 && at[r] < width, "position ", at[r], " of a cache of ", width);
  each(q, n * kv, 1, [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    std::vector<float> scores(static_cast<size_t>(group * (width + 16)));
    auto *qs = static_cast<const T *>(query.const_data_ptr()), *ks = static_cast<const T *>(k.const_data_ptr()),
         *vs = static_cast<const T *>(v.const_data_ptr());
    auto *kt = static_cast<T *>(kc.data_ptr()), *vt = static_cast<T *>(vc.data_ptr()),
         *y = static_cast<T *>(out.data_ptr());
    for (int64_t i = lo; i < hi; i++) {
      const int64_t r = i / kv, h = i % kv, past = i * width * d;
      std::memcpy(kt + past + at[r] * d, ks + r * k.stride(0) + h * k.stride(1), static_cast<size_t>(d) * sizeof(T));
      std::memcpy(vt + past + at[r] * d, vs + r * v.stride(0) + h * v.stride(1), static_cast<size_t>(d) * sizeof(T));
      attend_group(qs + i * group * d, kt + past, vt + past, y + i * group * d, scores.data(), group, at[r] + 1, d,
                   static_cast<float>(scale));
    }
  });
  return out;
}

at::Tensor draw(const at::Tensor &logits, const at::Tensor &uniform, double temperature) {
  auto in = logits.contiguous();
  auto out = at::empty({in.size(0)}, in.options().dtype(at::kLong));
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
