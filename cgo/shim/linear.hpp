// A part of a linear layer's outputs, of packed weights.
#pragma once
#include "each.hpp"
#include "kernels.hpp"
#include "tile.hpp"

namespace shim::ISA {

// outputs sets columns 0 … 16*blocks of `to` to outputs 16*first … of the layer for the rows `from`;
// what is read after that is `then`, if it is given.
inline void outputs(const Left &from, const Linear &l, int64_t first, int64_t blocks, bf16 *to, int64_t stride,
                    const bf16 *then = nullptr) {
  const int64_t in = l.weight.size(1) * 2;
  const Packed w{half(l.weight) + first * 16 * in, in, 16 * in};
  if (l.bias.defined())
    product<From::bias, true>(from, w, blocks, l.bias.const_data_ptr<float>() + 16 * first, to, stride, ahead(w), then);
  else
    product<From::zero, true>(from, w, blocks, nullptr, to, stride, ahead(w), then);
}

} // namespace shim::ISA
