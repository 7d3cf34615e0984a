// The product that everything large here is made of: rows of bf16 times packed bf16, sums in fp32.
#pragma once
#include "simd.hpp"

#include <algorithm>
#include <cstring>

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace shim::simd {

// Packed is a matrix [out, in] as blocks of 16 outputs, [out/16][in/2][16][2]: what one
// instruction takes, two inputs for each of sixteen outputs, lies together. in is even. One
// block is after another's first `block` numbers: 16 × in, or more if only the first inputs count.
// Elsewhere blocks are side by side, [in/2][out/16][16][2], with `pair` numbers from one pair of
// inputs to the next.
struct Packed {
  const bf16 *data;
  int64_t in, block, pair = 32;
  Packed from(int64_t b) const { return {data + b * block, in, block, pair}; }
};

// Rows are the other factor: the inputs k, k+1 (k even) of row r are at data + r*row + k/2*pair.
struct Rows {
  const bf16 *data;
  int64_t row, pair;
};

// What sums start from: zero, a value for each output, or what is there.
enum class From { zero, bias, there };

// R rows times V blocks of 16 outputs, to y with a stride between rows. Meanwhile F times as many
// lines as there are pairs of inputs, from `next` on, are brought near.
template <int R, int V, int F, From from, class T>
inline void tile(Rows x, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  __m512 acc[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) {
      if constexpr (from == From::zero) acc[r][v] = _mm512_setzero_ps();
      if constexpr (from == From::bias) acc[r][v] = _mm512_loadu_ps(bias + 16 * v);
      if constexpr (from == From::there) acc[r][v] = load(y + r * stride + 16 * v);
    }
  const bf16 *pairs = x.data, *weights = w.data;
  for (int64_t k = 0; k < w.in; k += 2, pairs += x.pair, weights += w.pair, next += 32 * F) {
    __m512bh wv[V];
    for (int v = 0; v < V; v++) wv[v] = (__m512bh)_mm512_loadu_si512(weights + v * w.block);
    for (int f = 0; f < F; f++) _mm_prefetch((const char *)(next + 32 * f), _MM_HINT_T1);
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

// n rows times V blocks, eight rows at a time, each eight bringing near F lines for each pair of inputs.
template <int V, int F, From from, class T>
void eights(Rows x, int64_t n, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  using Tile = void (*)(Rows, Packed, const bf16 *, const float *, T *, int64_t);
  static constexpr Tile rest[] = {nullptr,
                                  tile<1, V, F, from, T>,
                                  tile<2, V, F, from, T>,
                                  tile<3, V, F, from, T>,
                                  tile<4, V, F, from, T>,
                                  tile<5, V, F, from, T>,
                                  tile<6, V, F, from, T>,
                                  tile<7, V, F, from, T>};
  for (int64_t r = 0; r < n; r += 8, next += F * 16 * w.in) {
    const Rows these{x.data + r * x.row, x.row, x.pair};
    (r + 8 <= n ? tile<8, V, F, from, T> : rest[n - r])(these, w, next, bias, y + r * stride, stride);
  }
}

// n rows times V blocks. If Near, as many numbers at `next` are brought near meanwhile, evenly over the
// last rows: with few rows, reading weights from memory takes as long as computing by them.
template <int V, bool Near, From from, class T>
void rows(Rows x, int64_t n, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  if constexpr (!Near) {
    eights<V, 0, from>(x, n, w, next, bias, y, stride);
  } else if (n <= 8 || (V == 1 && n <= 16)) {
    eights<V, V, from>(x, n, w, next, bias, y, stride);
  } else if (n <= 16) {
    eights<V, (V + 1) / 2, from>(x, n, w, next, bias, y, stride);
  } else {
    const int64_t first = std::max<int64_t>(0, (n + 7) / 8 - V) * 8;
    eights<V, 0, from>(x, first, w, next, bias, y, stride);
    eights<V, 1, from>({x.data + first * x.row, x.row, x.pair}, n - first, w, next, bias, y + first * stride, stride);
  }
}

// product sets y [n, 16*blocks], or adds to it, to n rows of x times the first blocks of w. If Near,
// what is at `near` is brought near meanwhile, as many numbers as w has; those that the last rows
// would bring are from `then` on, if that is given.
template <From from, bool Near = false, class T>
void product(Rows x, int64_t n, Packed w, int64_t blocks, const float *bias, T *y, int64_t stride,
             const bf16 *near = nullptr, const bf16 *then = nullptr) {
  for (int64_t b = 0; b < blocks;) {
    const int64_t left = blocks - b, v = left == 4 ? 2 : std::min<int64_t>(3, left);
    const Packed at = w.from(b);
    const bf16 *next = left == v && then ? then : near + 16 * b * w.in;
    const float *add = from == From::bias ? bias + 16 * b : nullptr;
    (v == 3   ? rows<3, Near, from, T>
     : v == 2 ? rows<2, Near, from, T>
              : rows<1, Near, from, T>)(x, n, at, next, add, y + 16 * b, stride);
    b += v;
  }
}

// ahead is what a product with w has near while it uses w itself: the blocks after those in use.
inline const bf16 *ahead(Packed w) { return w.data + 3 * w.block; }

// pack brings the rows w [out, in], a stride apart, into the form of Packed; outputs up to
// a multiple of 16 are filled up with zeros. in is even.
inline void pack(const bf16 *w, int64_t out, int64_t in, int64_t stride, bf16 *to) {
  auto *pairs = reinterpret_cast<uint32_t *>(to);
  for (int64_t b = 0; b < out; b += 16, pairs += 8 * in)
    for (int64_t j = 0; j < 16; j++)
      for (int64_t k = 0; k < in / 2; k++) {
        uint32_t pair = 0;
        if (b + j < out) std::memcpy(&pair, w + (b + j) * stride + 2 * k, sizeof pair);
        pairs[k * 16 + j] = pair;
      }
}

// pack_transposed packs the transpose of w [in, out], rows a stride apart: outputs are a multiple
// of 16, inputs are filled up with zeros to an even number, padded.
inline void pack_transposed(const bf16 *w, int64_t in, int64_t padded, int64_t out, int64_t stride, bf16 *to) {
  const __m256i none = _mm256_setzero_si256();
  for (int64_t o = 0; o < out; o += 16)
    for (int64_t k = 0; k < padded; k += 2, to += 32) {
      auto row = [&](int64_t i) { return i < in ? bits(w + i * stride + o) : none; };
      _mm512_storeu_si512(to, interleaved(row(k), row(k + 1)));
    }
}

} // namespace shim::simd
#pragma GCC pop_options
