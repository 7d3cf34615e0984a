// What happens to one row of bf16 between the products of a layer.
#pragma once
#include "simd.hpp"

#include <cmath>

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace shim::simd {

// inverse is 1 over the root of the mean square of x [n], plus eps.
inline float inverse(const bf16 *x, int64_t n, float eps) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += 16) {
    const __m512 v = load(x + i);
    sum = _mm512_fmadd_ps(v, v, sum);
  }
  return 1.0f / std::sqrt(_mm512_reduce_add_ps(sum) / static_cast<float>(n) + eps);
}

inline void norm_row(const bf16 *x, const bf16 *w, bf16 *y, int64_t n, float eps) {
  const __m512 scale = _mm512_set1_ps(inverse(x, n, eps));
  for (int64_t i = 0; i < n; i += 16)
    store(y + i, _mm512_mul_ps(load(w + i), rounded(x, _mm512_mul_ps(load(x + i), scale))));
}

// half is a multiple of 16; sin has the sign -1 to turn back.
inline void rope_row(const bf16 *x, const bf16 *cos, const bf16 *sin, bf16 *y, int64_t half, float sign) {
  const __m512 s = _mm512_set1_ps(sign);
  for (int64_t i = 0; i < half; i += 16) {
    const __m512 a = load(x + i), b = load(x + half + i);
    store(y + i, _mm512_fnmadd_ps(b, _mm512_mul_ps(s, load(sin + i)), _mm512_mul_ps(a, load(cos + i))));
    store(y + half + i,
          _mm512_fmadd_ps(a, _mm512_mul_ps(s, load(sin + half + i)), _mm512_mul_ps(b, load(cos + half + i))));
  }
}

inline void silu_mul_row(const bf16 *gate, const bf16 *up, bf16 *y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const __m512 g = load(gate + i);
    store(y + i, _mm512_mul_ps(_mm512_mul_ps(g, sigmoid(g)), load(up + i)));
  }
}

inline void add_row(const bf16 *x, bf16 *y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(y + i, _mm512_add_ps(load(x + i), load(y + i)));
}

} // namespace shim::simd
#pragma GCC pop_options
