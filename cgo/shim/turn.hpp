// Rows as the gradients of weights need them, which are sums over rows.
#pragma once
#include "each.hpp"
#include "tile.hpp"

#include <memory>

namespace shim::ISA {

// turned_by packs the transpose of n rows of some width (a multiple of 16), [width/16, n/2, 16, 2]; n is rounded up
// to an even number. rows(r, count, to) makes rows r … r+count-1 at `to`, one under the other, or says where they are
// and how far apart.
struct Found {
  const bf16 *data;
  int64_t stride;
};
template <class F> at::Tensor turned_by(int64_t n, int64_t width, const at::TensorOptions &options, F rows) {
  constexpr int64_t R = 32;
  const int64_t even = n + n % 2;
  auto y = room({width / 16, even / 2, 16, 2}, options);
  at::parallel_for(0, (n + R - 1) / R, 1, [&](int64_t lo, int64_t hi) {
    const std::unique_ptr<bf16[]> memory(new bf16[static_cast<size_t>(R * width)]);
    for (int64_t r = lo * R; r < std::min(n, hi * R); r += R) {
      const int64_t count = std::min(R, n - r), padded = count + count % 2;
      const Found at = rows(r, count, memory.get());
      for (int64_t c = 0; c < width; c += 16)
        pack_transposed(at.data + c, count, padded, 16, at.stride, half(y) + c * even + r * 16);
    }
  });
  return y;
}

} // namespace shim::ISA
