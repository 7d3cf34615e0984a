// A part of a linear layer's outputs, of packed weights.
#pragma once
#include "each.hpp"
#include "kernels.hpp"
#include "tile.hpp"

namespace shim::kernels {

// outputs sets columns 0 … 16*blocks of `to` to outputs 16*first … of the layer for the n rows `from`;
// what is read after that is `then`, if it is given.
inline void outputs(const simd::bf16 *from, int64_t n, const Linear &l, int64_t first, int64_t blocks, simd::bf16 *to,
                    int64_t stride, const simd::bf16 *then = nullptr) {
  using namespace simd;
  const int64_t in = l.weight.size(1) * 2;
  const Packed w{half(l.weight) + first * 16 * in, in, 16 * in};
  if (l.bias.defined())
    product<From::bias, true>({from, in, 2}, n, w, blocks, l.bias.const_data_ptr<float>() + 16 * first, to, stride,
                              ahead(w), then);
  else
    product<From::zero, true>({from, in, 2}, n, w, blocks, nullptr, to, stride, ahead(w), then);
}

} // namespace shim::kernels
