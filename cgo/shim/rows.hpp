// What happens to one row of bf16 between the products of a layer.
#pragma once
#include "exp.hpp"

#include <cmath>

ISA_BEGIN
namespace shim::ISA {

// inverse is 1 over the root of the mean square of x [n], plus eps.
inline float inverse(const bf16 *x, int64_t n, float eps) {
  Lanes sum = all(0);
  for (int64_t i = 0; i < n; i += 16) {
    const Lanes v = load(x + i);
    sum = fma(v, v, sum);
  }
  return 1.0f / std::sqrt(sum_of(sum) / static_cast<float>(n) + eps);
}

inline void norm_row(const bf16 *x, const bf16 *w, bf16 *y, int64_t n, float eps) {
  const Lanes scale = all(inverse(x, n, eps));
  for (int64_t i = 0; i < n; i += 16)
    store(y + i, load(w + i) * rounded(x, load(x + i) * scale));
}

// half is a multiple of 16; sin has the sign -1 to turn back.
inline void rope_row(const bf16 *x, const bf16 *cos, const bf16 *sin, bf16 *y, int64_t half, float sign) {
  const Lanes s = all(sign);
  for (int64_t i = 0; i < half; i += 16) {
    const Lanes a = load(x + i), b = load(x + half + i);
    store(y + i, fnma(b, s * load(sin + i), a * load(cos + i)));
    store(y + half + i,
          fma(a, s * load(sin + half + i), b * load(cos + half + i)));
  }
}

inline void silu_mul_row(const bf16 *gate, const bf16 *up, bf16 *y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const Lanes g = load(gate + i);
    store(y + i, g * sigmoid(g) * load(up + i));
  }
}

inline void add_row(const bf16 *x, bf16 *y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(y + i, load(x + i) + load(y + i));
}

} // namespace shim::ISA
ISA_END
