// Products of rows with packed weights, in tiles.
#pragma once
#include "packed.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

ISA_BEGIN
namespace shim::ISA {

template <class Part, class T> using Tile = void (*)(Part, Packed, const bf16 *, const float *, T *, int64_t);
template <class Part, int V, int N, From from, class T, int... R>
constexpr std::array<Tile<Part, T>, sizeof...(R)> tiles(std::integer_sequence<int, R...>) {
  return {tile<R + 1, V, N, from, T>...};
}

// rows first … n-1 times V blocks, as many at a time as a tile takes, each time bringing near N numbers for each
// pair of inputs.
template <int V, int N, From from, class T>
void tall(const Left &x, int64_t first, int64_t n, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  using Part = decltype(x.from(0));
  static constexpr auto rest = tiles<Part, V, N, from, T>(std::make_integer_sequence<int, tallest - 1>());
  for (int64_t r = first; r < n; r += tallest, next += N * w.in / 2)
    (r + tallest <= n ? tile<tallest, V, N, from, T> : rest[static_cast<size_t>(n - r - 1)])(x.from(r), w, next, bias,
                                                                                            y + r * stride, stride);
}

// All rows times V blocks. If Near, as many numbers at `next` are brought near meanwhile, evenly over the
// last rows: with few rows, reading weights from memory takes as long as computing by them.
template <int V, bool Near, From from, class T>
void rows(const Left &x, Packed w, const bf16 *next, const float *bias, T *y, int64_t stride) {
  constexpr int line = 32, last = widest > 1 ? V : 3; // so many tiles at most share in it
  if constexpr (!Near) {
    tall<V, 0, from>(x, 0, x.n, w, next, bias, y, stride);
  } else if (x.n <= tallest || (widest > 1 && V == 1 && x.n <= 2 * tallest)) {
    tall<V, V * line, from>(x, 0, x.n, w, next, bias, y, stride);
  } else if (x.n <= 2 * tallest) {
    tall<V, (widest > 1 ? (V + 1) / 2 * line : line / 2), from>(x, 0, x.n, w, next, bias, y, stride);
  } else {
    const int64_t first = std::max<int64_t>(0, (x.n + tallest - 1) / tallest - last) * tallest;
    tall<V, 0, from>(x, 0, first, w, next, bias, y, stride);
    tall<V, (V * line + last - 1) / last, from>(x, first, x.n, w, next, bias, y, stride);
  }
}

// product sets y [n, 16*blocks], or adds to it, to the n rows of x times the first blocks of w. If Near,
// what is at `near` is brought near meanwhile, as many numbers as w has; those that the last rows
// would bring are from `then` on, if that is given.
template <From from, bool Near = false, class T>
void product(const Left &x, Packed w, int64_t blocks, const float *bias, T *y, int64_t stride,
             const bf16 *near = nullptr, const bf16 *then = nullptr) {
  for (int64_t b = 0; b < blocks;) {
    const int64_t left = blocks - b, v = left == 4 && widest == 3 ? 2 : std::min<int64_t>(widest, left);
    const Packed at = w.from(b);
    const bf16 *next = left == v && then ? then : near + 16 * b * w.in;
    const float *add = from == From::bias ? bias + 16 * b : nullptr;
    if constexpr (widest == 3)
      (v == 3   ? rows<3, Near, from, T>
       : v == 2 ? rows<2, Near, from, T>
                : rows<1, Near, from, T>)(x, at, next, add, y + 16 * b, stride);
    else
      rows<1, Near, from, T>(x, at, next, add, y + 16 * b, stride);
    b += v;
  }
}

// ahead is what a product with w has near while it uses w itself: the blocks after those in use.
inline const bf16 *ahead(Packed w) { return w.data + widest * w.block; }

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
  static constexpr bf16 none[16] = {};
  for (int64_t o = 0; o < out; o += 16) {
    int64_t k = 0;
    for (; k + 1 < in; k += 2, to += 32) interleave(w + k * stride + o, w + (k + 1) * stride + o, to);
    for (; k < padded; k += 2, to += 32) interleave(k < in ? w + k * stride + o : none, none, to);
  }
}

} // namespace shim::ISA
ISA_END
