// The loss head: log-softmax at one target a row, without a row's probabilities in memory.
#pragma once
#include "each.hpp"
#include "exp.hpp"
#include "kernels.hpp"

#include <cmath>

ISA_BEGIN
namespace shim::ISA {
namespace {

struct Sums {
  float lse, entropy;
};

// Of p = softmax(scale x): log sum exp(scale x), and the entropy, which is lse - sum(p scale x).
Sums sums_row(const bf16 *x, int64_t n, float scale) {
  const float most = greatest(x, n) * scale;
  const Lanes shift = all(most), by = all(scale);
  double total = 0, moment = 0;
  for (int64_t lo = 0; lo < n; lo += 4096) { // fp32 sums are short
    Lanes sum = all(0), first = all(0);
    for (int64_t i = lo; i < std::min(n, lo + 4096); i += 16) {
      const Lanes z = fms(load(x + i), by, shift), e = exp(z);
      sum = sum + e;
      first = fma(e, max(z, all(-104.0f)), first);
    }
    total += sum_of(sum);
    moment += sum_of(first);
  }
  const double log = std::log(total);
  return {static_cast<float>(most + log), static_cast<float>(log - moment / total)};
}

inline float value(const bf16 *x, int64_t i) {
  const uint32_t bits = static_cast<uint32_t>(x[i].bits) << 16;
  float f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}

// x becomes (onehot(target) - softmax(scale x)) * d * scale.
void gradient_row(bf16 *x, int64_t n, int64_t target, float lse, float d, float scale) {
  const Lanes by = all(scale), shift = all(lse), minus = all(-d * scale);
  const float own = (1 - std::exp(value(x, target) * scale - lse)) * d * scale;
  for (int64_t i = 0; i < n; i += 16) store(x + i, exp(fms(load(x + i), by, shift)) * minus);
  bf16 *there = x + target / 16 * 16;
  float near[16];
  store(near, load(there));
  near[target % 16] = own;
  store(there, load(near));
}

} // namespace
} // namespace shim::ISA
ISA_END

namespace shim::ISA {

std::tuple<at::Tensor, at::Tensor, at::Tensor> log_softmax_at(const at::Tensor &x, const at::Tensor &targets,
                                                              double scale) {
  const int64_t n = x.size(0), vocab = x.size(1);
  auto make = [&] { return room({n}, x.options().dtype(at::kFloat)); };
  auto logp = make(), entropy = make(), lse = make();
  const auto *target = targets.const_data_ptr<int64_t>();
  at::parallel_for(0, n, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; r++) {
      const bf16 *row = half(x) + r * x.stride(0);
      const Sums s = sums_row(row, vocab, static_cast<float>(scale));
      lse.data_ptr<float>()[r] = s.lse;
      entropy.data_ptr<float>()[r] = s.entropy;
      logp.data_ptr<float>()[r] = value(row, target[r]) * static_cast<float>(scale) - s.lse;
    }
  });
  return {logp, entropy, lse};
}

void log_softmax_at_backward(const at::Tensor &x, const at::Tensor &targets, const at::Tensor &lse,
                             const at::Tensor &dlogp, double scale) {
  const auto *target = targets.const_data_ptr<int64_t>();
  const auto *log = lse.const_data_ptr<float>(), *d = dlogp.const_data_ptr<float>();
  at::parallel_for(0, x.size(0), 1, [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; r++)
      gradient_row(half(x) + r * x.stride(0), x.size(1), target[r], log[r], d[r], static_cast<float>(scale));
  });
}

} // namespace shim::ISA
