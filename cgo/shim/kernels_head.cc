// The loss head: log-softmax at one target a row, without a row's probabilities in memory.
#ifdef __x86_64__
#include "each.hpp"
#include "kernels.hpp"

#include <cmath>

using namespace shim::simd;

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace {

struct Sums {
  float lse, entropy;
};

// Of p = softmax(scale x): log sum exp(scale x), and the entropy, which is lse - sum(p scale x).
Sums sums_row(const bf16 *x, int64_t n, float scale) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = _mm512_max_ps(top, load(x + i));
  const float most = _mm512_reduce_max_ps(top) * scale;
  const __m512 shift = _mm512_set1_ps(most), by = _mm512_set1_ps(scale);
  double total = 0, moment = 0;
  for (int64_t lo = 0; lo < n; lo += 4096) { // fp32 sums are short
    __m512 sum = _mm512_setzero_ps(), first = _mm512_setzero_ps();
    for (int64_t i = lo; i < std::min(n, lo + 4096); i += 16) {
      const __m512 z = _mm512_fmsub_ps(load(x + i), by, shift), e = exp(z);
      sum = _mm512_add_ps(sum, e);
      first = _mm512_fmadd_ps(e, _mm512_max_ps(z, _mm512_set1_ps(-104.0f)), first);
    }
    total += _mm512_reduce_add_ps(sum);
    moment += _mm512_reduce_add_ps(first);
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
  const __m512 by = _mm512_set1_ps(scale), shift = _mm512_set1_ps(lse), minus = _mm512_set1_ps(-d * scale);
  const float own = (1 - std::exp(value(x, target) * scale - lse)) * d * scale;
  for (int64_t i = 0; i < n; i += 16) store(x + i, _mm512_mul_ps(exp(_mm512_fmsub_ps(load(x + i), by, shift)), minus));
  const __mmask16 hit = static_cast<__mmask16>(1u << target % 16);
  bf16 *there = x + target / 16 * 16;
  store(there, _mm512_mask_mov_ps(load(there), hit, _mm512_set1_ps(own)));
}

} // namespace
#pragma GCC pop_options

namespace shim::kernels {

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

} // namespace shim::kernels
#endif
