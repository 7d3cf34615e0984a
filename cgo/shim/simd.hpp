// Sixteen numbers at a time, in fp32 registers, from memory of fp32 or bf16. Everything here is
// compiled for AVX512-BF16 and may only be called where kernels::enabled().
#pragma once
#include <immintrin.h>

#include <cstdint>

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace shim::simd {

struct bf16 {
  uint16_t bits;
};

inline __m512 widened(__m256i v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16)); }
inline __m256i narrowed(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }

inline __m256i bits(const bf16 *p) { return _mm256_loadu_si256((const __m256i *)p); }
inline __m512 load(const float *p) { return _mm512_loadu_ps(p); }
inline __m512 load(const bf16 *p) { return widened(bits(p)); }
inline void store(float *p, __m512 v) { _mm512_storeu_ps(p, v); }
inline void store(bf16 *p, __m512 v) { _mm256_storeu_si256((__m256i *)p, narrowed(v)); }

// rounded is v as an element of type T would hold it.
inline __m512 rounded(const float *, __m512 v) { return v; }
inline __m512 rounded(const bf16 *, __m512 v) { return widened(narrowed(v)); }

// e to the x, to about one unit in the last place: 2^n times a polynomial on [-ln2/2, ln2/2].
inline __m512 exp(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-104.0f));
  __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  return _mm512_scalef_ps(p, n);
}

// interleaved are the numbers of two rows of sixteen, one of each in turn.
inline __m512i interleaved(__m256i even, __m256i odd) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

// sigmoid is 1 / (1 + e to the -x).
inline __m512 sigmoid(__m512 x) {
  const __m512 one = _mm512_set1_ps(1);
  return _mm512_div_ps(one, _mm512_add_ps(one, exp(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

} // namespace shim::simd
#pragma GCC pop_options
