// What the kernels are made of where a CPU has AVX512-BF16: sixteen numbers at a time, in fp32 registers,
// from memory of fp32 or bf16, and the tile of a product.
#pragma once
#include "packed.hpp"

#include <immintrin.h>

#include <cstring>

ISA_BEGIN
namespace shim::ISA {

using Lanes = __m512;
using Mask = __mmask16;

inline Lanes all(float x) { return _mm512_set1_ps(x); }
inline Lanes widened(__m256i v) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16)); }
inline __m256i narrowed(Lanes v) { return (__m256i)_mm512_cvtneps_pbh(v); }

inline __m256i bits(const bf16 *p) { return _mm256_loadu_si256((const __m256i *)p); }
inline Lanes load(const float *p) { return _mm512_loadu_ps(p); }
inline Lanes load(const bf16 *p) { return widened(bits(p)); }
inline void store(float *p, Lanes v) { _mm512_storeu_ps(p, v); }
inline void store(bf16 *p, Lanes v) { _mm256_storeu_si256((__m256i *)p, narrowed(v)); }

// rounded is v as an element of type T would hold it.
inline Lanes rounded(const float *, Lanes v) { return v; }
inline Lanes rounded(const bf16 *, Lanes v) { return widened(narrowed(v)); }

inline Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a, b, c); }   // a b + c
inline Lanes fnma(Lanes a, Lanes b, Lanes c) { return _mm512_fnmadd_ps(a, b, c); } // c - a b
inline Lanes fms(Lanes a, Lanes b, Lanes c) { return _mm512_fmsub_ps(a, b, c); }   // a b - c
inline Lanes max(Lanes a, Lanes b) { return _mm512_max_ps(a, b); }
inline Lanes min(Lanes a, Lanes b) { return _mm512_min_ps(a, b); } // b where a is no number
inline float sum_of(Lanes v) { return _mm512_reduce_add_ps(v); }
inline float max_of(Lanes v) { return _mm512_reduce_max_ps(v); }

// first are the first n lanes, and select has those of a, and of b elsewhere.
inline Mask first(int64_t n) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_cmplt_epi32_mask(lanes, _mm512_set1_epi32(static_cast<int>(n < 16 ? n : 16)));
}
inline Lanes select(Mask m, Lanes a, Lanes b) { return _mm512_mask_mov_ps(b, m, a); }
inline Mask less(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }

// equal has a bit for each lane in which a and b are.
inline unsigned equal(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }

// whole are the nearest whole numbers, and scaled is p times 2 to the n.
inline Lanes whole(Lanes x) { return _mm512_roundscale_ps(x, 0); }
inline Lanes scaled(Lanes p, Lanes n) { return _mm512_scalef_ps(p, n); }

// interleave puts the numbers of two rows of sixteen to `to`, one of each in turn.
inline void interleave(const bf16 *even, const bf16 *odd, bf16 *to) {
  const __m512i a = _mm512_cvtepu16_epi32(bits(even)), b = _mm512_cvtepu16_epi32(bits(odd));
  _mm512_storeu_si512(to, _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
}

// sums: lane i of the result is the sum of the lanes of v[i].
inline Lanes sums(Lanes *v) {
  for (int i = 0; i < 8; i++) {
    Lanes lo = _mm512_shuffle_f32x4(v[i], v[i + 8], 0x44), hi = _mm512_shuffle_f32x4(v[i], v[i + 8], 0xEE);
    v[i] = _mm512_add_ps(lo, hi); // 256-bit halves: row i, row i + 8
  }
  for (int i = 0; i < 4; i++) {
    Lanes lo = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88), hi = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xDD);
    v[i] = _mm512_add_ps(lo, hi); // 128-bit quarters: rows i, i + 8, i + 4, i + 12
  }
  for (int i = 0; i < 2; i++) {
    Lanes lo = _mm512_shuffle_ps(v[i], v[i + 2], 0x44), hi = _mm512_shuffle_ps(v[i], v[i + 2], 0xEE);
    v[i] = _mm512_add_ps(lo, hi); // in each quarter: row i twice, row i + 2 twice
  }
  Lanes lo = _mm512_shuffle_ps(v[0], v[1], 0x88), hi = _mm512_shuffle_ps(v[0], v[1], 0xDD);
  // In each quarter: rows 0, 2, 1, 3; the quarters 0, 8, 4, 12.
  Lanes s = _mm512_add_ps(lo, hi);
  const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
  return _mm512_permutexvar_ps(order, s);
}

// Left are the rows of a product in the form that tiles take, which is theirs. room is the memory for it.
struct Left {
  Rows rows;
  int64_t n;
  Left(Rows rows, int64_t n, int64_t) : rows(rows), n(n) {}
  Left(Rows rows, int64_t n, int64_t, float *) : rows(rows), n(n) {}
  static int64_t room(int64_t, int64_t) { return 0; }
  Rows from(int64_t r) const { return rows.from(r); }
};

constexpr int tallest = 8, widest = 3; // the rows and the blocks of outputs that a tile takes at most
constexpr int64_t resident = 64;       // rows that stay near while all weights pass
constexpr int64_t passed = INT64_MAX;  // rows that a thread's part of packed weights passes at once
constexpr int64_t deep = INT64_MAX;    // inputs that are added up at once
constexpr int64_t worthwhile = 512;    // from so many rows on it is no slower to pack weights than oneDNN, bench/LOG.md
constexpr bool half_products = true;

// R rows times V blocks of 16 outputs, to y with a stride between rows. Meanwhile N numbers
// for each pair of inputs, from `next` on, are brought near.
template <int R, int V, int N, From from, class T>
inline void tile(Rows x, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  __m512 acc[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) {
      if constexpr (from == From::zero) acc[r][v] = _mm512_setzero_ps();
      if constexpr (from == From::bias) acc[r][v] = _mm512_loadu_ps(bias + 16 * v);
      if constexpr (from == From::there) acc[r][v] = load(y + r * stride + 16 * v);
    }
  const bf16 *pairs = x.data, *weights = w.data;
  for (int64_t k = 0; k < w.in; k += 2, pairs += x.pair, weights += w.pair, next += N) {
    __m512bh wv[V];
    for (int v = 0; v < V; v++) wv[v] = (__m512bh)_mm512_loadu_si512(weights + v * w.block);
    for (int i = 0; i < N; i += 32) _mm_prefetch((const char *)(next + i), _MM_HINT_T1);
    for (int r = 0; r < R; r++) {
      int pair;
      std::memcpy(&pair, pairs + r * x.row, sizeof pair);
      const __m512bh xv = (__m512bh)_mm512_set1_epi32(pair);
      for (int v = 0; v < V; v++) acc[r][v] = _mm512_dpbf16_ps(acc[r][v], xv, wv[v]);
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(y + r * stride + 16 * v, acc[r][v]);
}

} // namespace shim::ISA
ISA_END
