// What the kernels are made of on other x86 CPUs (AVX2 and FMA): sixteen numbers at a time, in two fp32
// registers, from memory of fp32 or bf16, and the tile of a product.
#pragma once
#include "packed.hpp"

#include <immintrin.h>

#include <cstring>
#include <memory>
#include <utility>

ISA_BEGIN
namespace shim::ISA {

struct Lanes {
  __m256 lo, hi;
};
struct Mask {
  __m256i lo, hi;
};

inline Lanes operator+(Lanes a, Lanes b) { return {a.lo + b.lo, a.hi + b.hi}; }
inline Lanes operator-(Lanes a, Lanes b) { return {a.lo - b.lo, a.hi - b.hi}; }
inline Lanes operator*(Lanes a, Lanes b) { return {a.lo * b.lo, a.hi * b.hi}; }
inline Lanes operator/(Lanes a, Lanes b) { return {a.lo / b.lo, a.hi / b.hi}; }

inline Lanes all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }

// firsts are the first numbers of eight pairs of bf16.
inline __m256 firsts(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }
inline __m256i bits(const bf16 *p) { return _mm256_loadu_si256((const __m256i *)p); }

inline __m256 eight(const bf16 *p) { return firsts(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p))); }

// nearest are the bits of the nearest bf16, to even if two are as near.
inline __m256i nearest(__m256 v) {
  const __m256i x = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_srli_epi32(_mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  return _mm256_blendv_epi8(up, _mm256_set1_epi32(0x7fc0), _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
}

inline Lanes load(const float *p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline Lanes load(const bf16 *p) { return {eight(p), eight(p + 8)}; }
inline void store(float *p, Lanes v) {
  _mm256_storeu_ps(p, v.lo);
  _mm256_storeu_ps(p + 8, v.hi);
}
inline void store(bf16 *p, Lanes v) {
  const __m256i mixed = _mm256_packus_epi32(nearest(v.lo), nearest(v.hi)); // quarters of lo, hi, lo, hi
  _mm256_storeu_si256((__m256i *)p, _mm256_permute4x64_epi64(mixed, 0xd8));
}

// rounded is v as an element of type T would hold it.
inline Lanes rounded(const float *, Lanes v) { return v; }
inline Lanes rounded(const bf16 *, Lanes v) { return {firsts(nearest(v.lo)), firsts(nearest(v.hi))}; }

inline Lanes fma(Lanes a, Lanes b, Lanes c) { // a b + c
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline Lanes fnma(Lanes a, Lanes b, Lanes c) { // c - a b
  return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}
inline Lanes fms(Lanes a, Lanes b, Lanes c) { // a b - c
  return {_mm256_fmsub_ps(a.lo, b.lo, c.lo), _mm256_fmsub_ps(a.hi, b.hi, c.hi)};
}
inline Lanes max(Lanes a, Lanes b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }

inline Lanes min(Lanes a, Lanes b) { // b where a is no number
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}

inline float sum_of(Lanes v) {
  const __m256 eight = v.lo + v.hi;
  __m128 x = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
  x = x + _mm_movehl_ps(x, x);
  return x[0] + x[1];
}
inline float max_of(Lanes v) {
  const __m256 eight = _mm256_max_ps(v.lo, v.hi);
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return x[0] > x[1] ? x[0] : x[1];
}

// first are the first n lanes, and select has those of a, and of b elsewhere.
inline Mask first(int64_t n) {
  const __m256i below = _mm256_set1_epi32(static_cast<int>(n < 16 ? n : 16));
  return {_mm256_cmpgt_epi32(below, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
          _mm256_cmpgt_epi32(below, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15))};
}
inline Lanes select(Mask m, Lanes a, Lanes b) {
  return {_mm256_blendv_ps(b.lo, a.lo, _mm256_castsi256_ps(m.lo)),
          _mm256_blendv_ps(b.hi, a.hi, _mm256_castsi256_ps(m.hi))};
}

inline Mask less(Lanes a, Lanes b) {
  return {_mm256_castps_si256(_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
          _mm256_castps_si256(_mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}

// equal has a bit for each lane in which a and b are.
inline unsigned equal(Lanes a, Lanes b) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ)) |
                               _mm256_movemask_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)) << 8);
}

// whole are the nearest whole numbers, and scaled is p times 2 to the n: 0 below 2^-126, infinite from 2^128 on.
inline Lanes whole(Lanes x) {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(x.lo, nearest), _mm256_round_ps(x.hi, nearest)};
}
inline __m256 scaled(__m256 p, __m256 n) {
  const __m256 exponent = _mm256_min_ps(_mm256_max_ps(n, _mm256_set1_ps(-127)), _mm256_set1_ps(128));
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(exponent), _mm256_set1_epi32(127));
  return p * _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
inline Lanes scaled(Lanes p, Lanes n) { return {scaled(p.lo, n.lo), scaled(p.hi, n.hi)}; }

// interleave puts the numbers of two rows of sixteen to `to`, one of each in turn.
inline void interleave(const bf16 *even, const bf16 *odd, bf16 *to) {
  const __m256i a = bits(even), b = bits(odd);
  const __m256i lo = _mm256_unpacklo_epi16(a, b), hi = _mm256_unpackhi_epi16(a, b); // of each half of sixteen
  _mm256_storeu_si256((__m256i *)to, _mm256_permute2x128_si256(lo, hi, 0x20));
  _mm256_storeu_si256((__m256i *)(to + 16), _mm256_permute2x128_si256(lo, hi, 0x31));
}

// sums: lane i of the result is the sum of the lanes of v[i].
inline Lanes sums(Lanes *v) {
  float s[16];
  for (int i = 0; i < 16; i++) s[i] = sum_of(v[i]);
  return load(s);
}

} // namespace shim::ISA
ISA_END

namespace shim::ISA {

constexpr int tallest = 6, widest = 1; // the rows and the blocks of outputs that a tile takes at most
constexpr int64_t resident = 36;       // rows that stay near while all weights pass
constexpr int64_t passed = 60;         // rows that a thread's part of packed weights passes at once
constexpr int64_t deep = 2048;         // inputs that are added up at once: so many stay near in fp32
constexpr int64_t worthwhile = 1;      // libtorch has no fast product of bf16 on these CPUs
constexpr bool half_products = false;

// scratch is memory for n numbers, the thread's until it asks again.
inline float *scratch(int64_t n) {
  thread_local std::unique_ptr<float[]> memory;
  thread_local int64_t room = 0;
  if (room < n) memory.reset(new float[static_cast<size_t>(n)]), room = n;
  return memory.get();
}

// Left are the rows of a product in the form that tiles take: in fp32, six rows together, [n/6][in][6], the
// last of them as many as there are. Without memory for it, it is the thread's until another is made.
struct Left {
  float *data;
  int64_t n, in;
  Left(Rows rows, int64_t n, int64_t in) : Left(rows, n, in, scratch(room(n, in))) {}
  Left(Rows rows, int64_t n, int64_t in, float *memory);
  static int64_t room(int64_t n, int64_t in) { return n * in; }
  const float *from(int64_t r) const { return data + r * in; }
};

} // namespace shim::ISA

ISA_BEGIN
namespace shim::ISA {

// four brings the first sixteen inputs of four rows, each row's together, to [16][4], `apart` from input to input.
inline void four(Rows x, float *to, int64_t apart) {
  __m256 v[4][2];
  for (int r = 0; r < 4; r++) v[r][0] = eight(x.data + r * x.row), v[r][1] = eight(x.data + r * x.row + 8);
  for (int h = 0; h < 2; h++, to += 8 * apart) {
    const __m256 a = _mm256_unpacklo_ps(v[0][h], v[1][h]), b = _mm256_unpackhi_ps(v[0][h], v[1][h]);
    const __m256 c = _mm256_unpacklo_ps(v[2][h], v[3][h]), d = _mm256_unpackhi_ps(v[2][h], v[3][h]);
    const __m256 s[] = {_mm256_shuffle_ps(a, c, 0x44), _mm256_shuffle_ps(a, c, 0xee), _mm256_shuffle_ps(b, d, 0x44),
                        _mm256_shuffle_ps(b, d, 0xee)}; // inputs 0 and 4, 1 and 5, 2 and 6, 3 and 7
    for (int i = 0; i < 4; i++) {
      _mm_storeu_ps(to + i * apart, _mm256_castps256_ps128(s[i]));
      _mm_storeu_ps(to + (i + 4) * apart, _mm256_extractf128_ps(s[i], 1));
    }
  }
}

// fours brings four rows to [in][4], or as many inputs as lie well for it, which it returns.
inline int64_t fours(Rows x, int64_t in, float *to, int64_t apart) {
  const __m128i high = _mm_set1_epi32(static_cast<int>(0xffff0000));
  int64_t k = 0;
  if (x.pair == 2)
    for (; k + 16 <= in; k += 16) four(x.inputs(k), to + k * apart, apart);
  if (x.row == 2)
    for (; k < in; k += 2) {
      const __m128i pairs = _mm_loadu_si128((const __m128i *)x.inputs(k).data);
      _mm_storeu_si128((__m128i *)(to + k * apart), _mm_slli_epi32(pairs, 16));
      _mm_storeu_si128((__m128i *)(to + (k + 1) * apart), _mm_and_si128(pairs, high));
    }
  return k;
}

// spread brings up to six rows to [in][rows].
inline void spread(Rows x, int64_t rows, int64_t in, float *to) {
  int64_t k = 0;
  if (rows >= 4) k = fours(x, in, to, rows);
  if (rows > 4) fours(x.from(rows - 4), in, to + rows - 4, rows); // some of them again
  for (; k < in; k += 2)
    for (int64_t r = 0; r < rows; r++) {
      uint32_t pair;
      std::memcpy(&pair, x.data + r * x.row + k / 2 * x.pair, sizeof pair);
      const uint32_t both[] = {pair << 16, pair & 0xffff0000};
      std::memcpy(to + k * rows + r, both, sizeof *both);
      std::memcpy(to + (k + 1) * rows + r, both + 1, sizeof *both);
    }
}

inline Left::Left(Rows rows, int64_t n, int64_t in, float *memory) : data(memory), n(n), in(in) {
  for (int64_t r = 0; r < n; r += tallest) spread(rows.from(r), n - r < tallest ? n - r : tallest, in, memory + r * in);
}

// unrolled calls fn with 0 … N-1 as constants: arrays indexed by them are registers.
template <int N, class F> [[gnu::always_inline]] inline void unrolled(F fn) {
  [&]<int... i>(std::integer_sequence<int, i...>) [[gnu::always_inline]] {
    (fn(std::integral_constant<int, i>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

// R rows times a block of 16 outputs, to y with a stride between rows. Meanwhile N numbers
// for each pair of inputs, from `next` on, are brought near. With six rows all sixteen registers are in use:
// the assembly keeps GCC from loading before there is a use, for which it would have to put accumulators aside.
template <int R, int V, int N, From from, class T>
inline void tile(const float *x, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  Lanes acc[R];
  unrolled<R>([&](auto r) [[gnu::always_inline]] {
    if constexpr (from == From::zero) acc[r] = all(0);
    if constexpr (from == From::bias) acc[r] = load(bias);
    if constexpr (from == From::there) acc[r] = load(y + r * stride);
  });
  auto add = [&](const float *at, __m256 lo, __m256 hi) [[gnu::always_inline]] {
    unrolled<R>([&](auto r) [[gnu::always_inline]] {
      __m256 a = acc[r].lo, b = acc[r].hi, row;
      asm volatile("vbroadcastss %[at], %[row]\n\t"
                   "vfmadd231ps %[lo], %[row], %[a]\n\t"
                   "vfmadd231ps %[hi], %[row], %[b]"
                   : [a] "+x"(a), [b] "+x"(b), [row] "=&x"(row)
                   : [at] "m"(at[r]), [lo] "x"(lo), [hi] "x"(hi));
      acc[r] = {a, b};
    });
  };
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000));
  const bf16 *weights = w.data;
  for (int64_t k = 0; k < w.in; k += 2, x += 2 * R, weights += w.pair, next += N) {
    if constexpr (N > 0) _mm_prefetch((const char *)next, _MM_HINT_T1);
    const auto *pairs = (const __m256i *)weights;
    __m256 lo, hi;
    asm volatile("vmovdqu %[p], %[lo]\n\tvpslld $16, %[lo], %[lo]\n\t" // of each pair the first
                 "vmovdqu %[q], %[hi]\n\tvpslld $16, %[hi], %[hi]"
                 : [lo] "=&x"(lo), [hi] "=&x"(hi)
                 : [p] "m"(pairs[0]), [q] "m"(pairs[1]));
    add(x, lo, hi);
    asm volatile("vpand %[p], %[high], %[lo]\n\tvpand %[q], %[high], %[hi]" // and the second
                 : [lo] "=&x"(lo), [hi] "=&x"(hi)
                 : [p] "m"(pairs[0]), [q] "m"(pairs[1]), [high] "x"(high));
    add(x + R, lo, hi);
  }
  unrolled<R>([&](auto r) [[gnu::always_inline]] { store(y + r * stride, acc[r]); });
}

} // namespace shim::ISA
ISA_END
