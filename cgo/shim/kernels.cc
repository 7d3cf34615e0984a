// When our own kernels are used, and what stands in for them where they cannot be.
#include "kernels.hpp"

#include <atomic>

namespace shim::kernels {

static std::atomic<bool> wanted{true};
void enable(bool on) { wanted = on; }

bool enabled() {
#ifdef __x86_64__
  static const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                                __builtin_cpu_supports("avx512bf16");
  return wanted && supported;
#else
  return false;
#endif
}

bool usable(const at::Tensor &x) {
  return enabled() && x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.dim() > 0 && x.numel() > 0 && x.size(-1) % 16 == 0 && x.stride(-1) == 1;
}

bool usable_half(const at::Tensor &x) { return usable(x) && x.scalar_type() == at::kBFloat16; }

#ifndef __x86_64__ // nothing is usable, so nothing of this is called
at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &, double) { return x; }
std::tuple<at::Tensor, at::Tensor> rms_norm_backward(const at::Tensor &x, const at::Tensor &w, const at::Tensor &,
                                                     double) {
  return {x, w};
}
at::Tensor rope(const at::Tensor &x, const at::Tensor &, const at::Tensor &, double) { return x; }
at::Tensor silu_mul(const at::Tensor &x, const at::Tensor &) { return x; }
std::tuple<at::Tensor, at::Tensor> silu_mul_backward(const at::Tensor &x, const at::Tensor &y, const at::Tensor &) {
  return {x, y};
}
void accumulate(const at::Tensor &, const at::Tensor &) {}
void split(const at::Tensor &, const at::Tensor &, const at::Tensor &) {}
void join(const at::Tensor &, const at::Tensor &, const at::Tensor &) {}
std::tuple<at::Tensor, at::Tensor> kv_cache(int64_t, int64_t, int64_t, int64_t) { return {}; }
void store_kv(const at::Tensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &,
              const at::Tensor &, const at::Tensor &) {}
at::Tensor decode_layer(const at::Tensor &x, const Layer &, const Step &) { return x; }
at::Tensor attend(const at::Tensor &q, const at::Tensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &,
                  const at::Tensor &, double) {
  return q;
}
std::tuple<at::Tensor, at::Tensor> tree_attention(const at::Tensor &q, const at::Tensor &, const at::Tensor &,
                                                  const Tree &, double) {
  return {q, q};
}
std::tuple<at::Tensor, at::Tensor, at::Tensor> tree_attention_backward(const at::Tensor &q, const at::Tensor &k,
                                                                       const at::Tensor &v, const at::Tensor &,
                                                                       const at::Tensor &, const at::Tensor &,
                                                                       const Tree &, double) {
  return {q, k, v};
}
std::tuple<at::Tensor, at::Tensor, at::Tensor> log_softmax_at(const at::Tensor &x, const at::Tensor &, double) {
  return {x, x, x};
}
void log_softmax_at_backward(const at::Tensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &, double) {}
at::Tensor draw(const at::Tensor &x, const at::Tensor &, double) { return x; }
bool packable(const at::Tensor &) { return false; }
at::Tensor pack(at::TensorList ws) { return ws[0]; }
at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &, const at::Tensor &) { return x; }
bool many(const at::Tensor &, const at::Tensor &) { return false; }
at::Tensor linear(const at::Tensor &x, const at::Tensor &, const at::Tensor &) { return x; }
at::Tensor linear_rows(const at::Tensor &dy, const at::Tensor &, const at::Tensor &) { return dy; }
void add_linear_weights(const at::Tensor &, const at::Tensor &, const at::Tensor &) {}
at::Tensor turned(const at::Tensor &x) { return x; }
at::Tensor turned_rms_norm(const at::Tensor &x, const at::Tensor &, double) { return x; }
at::Tensor turned_silu_mul(const at::Tensor &x, const at::Tensor &) { return x; }
at::Tensor linear_weights(const at::Tensor &dy, const at::Tensor &) { return dy; }
#endif

} // namespace shim::kernels
