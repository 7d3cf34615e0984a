// Work on pieces of rows, in the threads that libtorch has.
#pragma once
#include "packed.hpp"

#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

namespace shim::ISA {

inline bf16 *half(const at::Tensor &t) { return static_cast<bf16 *>(t.data_ptr()); }

// room is a tensor whose elements are not set.
inline at::Tensor room(at::IntArrayRef sizes, const at::TensorOptions &options) {
  return at::Tensor(at::detail::empty_cpu(sizes, options));
}

// each runs fn(type, lo, hi) on pieces of n rows, type being a pointer to t's element type.
template <class F> void each(const at::Tensor &t, int64_t n, int64_t grain, F fn) {
  at::parallel_for(0, n, grain, [&](int64_t lo, int64_t hi) {
    if (t.scalar_type() == at::kFloat)
      fn(static_cast<float *>(nullptr), lo, hi);
    else
      fn(static_cast<bf16 *>(nullptr), lo, hi);
  });
}

// grain is how many rows of n elements are worth another thread.
inline int64_t grain(int64_t n) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, n)); }

} // namespace shim::ISA
