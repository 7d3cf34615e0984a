// Where decoding keeps keys and values in bf16, and the attention of one new token to them.
#pragma once
#include "attention.hpp"

namespace shim::ISA {

// Past are the keys and values of one row and one key head, in the form that products take: keys
// [width/16][d/2][16][2], to be multiplied by queries, and values [width/2][d/16][16][2], to be added
// up by position. What no token was put to is finite. The next head's, or row's, are behind them.
struct Past {
  bf16 *keys, *values;
  int64_t width, d;

  Past(const at::Tensor &k, const at::Tensor &v, int64_t row, int64_t head)
      : keys(half(k) + (row * k.size(1) + head) * k.stride(1)),
        values(half(v) + (row * k.size(1) + head) * v.stride(1)), width(k.size(2) * 16), d(v.size(3) * 16) {}

  void put(int64_t t, const bf16 *k, const bf16 *v) const {
    bf16 *to = keys + t / 16 * 16 * d + t % 16 * 2;
    for (int64_t i = 0; i < d; i += 2) std::memcpy(to + 16 * i, k + i, 2 * sizeof *k);
    to = values + t / 2 * 2 * d + t % 2;
    for (int64_t i = 0; i < d; i++) to[2 * i] = v[i];
  }
};

// Attention is one thread's memory for the attention of a group of query heads that share a key
// head to at most width positions.
struct Attention {
  int64_t group, d, room;
  std::vector<float> scores, sums;
  std::vector<bf16> weights;

  Attention(int64_t group, int64_t width, int64_t d)
      : group(group), d(d), room(up(width, 16)), scores(static_cast<size_t>(group * room)),
        sums(static_cast<size_t>(group * d)), weights(scores.size()) {}

  // of is the attention of q [group, d] to the first n positions of the past, out [group, d].
  void of(const bf16 *q, const Past &past, int64_t n, bf16 *out, float scale) {
    const int64_t seen = up(n, 16);
    const Span span{seen, n};
    product<From::zero, true>(Left({q, d, 2}, group, d), {past.keys, d, 16 * d}, seen / 16, nullptr, scores.data(), room,
                              past.keys + past.width * d);
    for (int64_t g = 0; g < group; g++) {
      float sum;
      softmax_row(scores.data() + g * room, weights.data() + g * room, &span, 1, scale, sum);
      scores[static_cast<size_t>(g * room)] = 1 / sum; // the scores themselves are not needed any more
    }
    product<From::zero, true>(Left({weights.data(), room, 2}, group, seen), {past.values, seen, 32, 2 * d}, d / 16, nullptr,
                              sums.data(), d, past.values + past.width * d);
    for (int64_t g = 0; g < group; g++)
      scaled_row(sums.data() + g * d, out + g * d, d, scores[static_cast<size_t>(g * room)]);
  }
};

} // namespace shim::ISA
