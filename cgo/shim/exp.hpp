// Exponentials, and what is taken off before them.
#pragma once
#include "packed.hpp"

#include <cmath>

ISA_BEGIN
namespace shim::ISA {

// e to the x, to about one unit in the last place: 2^n times a polynomial on [-ln2/2, ln2/2].
inline Lanes exp(Lanes x) {
  x = max(x, all(-104.0f));
  const Lanes n = whole(x * all(1.44269504f));
  Lanes r = fnma(n, all(0.693359375f), x);
  r = fnma(n, all(-2.12194440e-4f), r);
  Lanes p = all(1.9875691500e-4f);
  p = fma(p, r, all(1.3981999507e-3f));
  p = fma(p, r, all(8.3334519073e-3f));
  p = fma(p, r, all(4.1665795894e-2f));
  p = fma(p, r, all(1.6666665459e-1f));
  p = fma(p, r, all(5.0000001201e-1f));
  return scaled(fma(r * r, p, r + all(1.0f)), n);
}

// The largest of n numbers and those after them, up to a multiple of 16.
template <class T> float greatest(const T *x, int64_t n) {
  Lanes top = all(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = max(top, load(x + i));
  return max_of(top);
}

inline Lanes sigmoid(Lanes x) { return all(1) / (all(1) + exp(all(0) - x)); }

} // namespace shim::ISA
ISA_END
