// Which of our own kernels are used, and where.
#include "kernels.hpp"

#include <atomic>
#include <cstring>

namespace shim {

#ifdef __x86_64__
namespace avx512 {
extern const kernels::Kernels table;
}
namespace avx2 {
extern const kernels::Kernels table;
}
#endif

namespace kernels {

static std::atomic<bool> wanted{true};
static std::atomic<const Kernels *> chosen{nullptr};

bool choose(const char *name) {
  const Kernels *found = nullptr;
#ifdef __x86_64__
  auto offer = [&](const Kernels &k, bool supported) {
    if (!found && supported && (!*name || !std::strcmp(name, k.name))) found = &k;
  };
  // With a unit for products, which libtorch uses, ours of many rows are slower.
  static const Kernels amx = [] {
    Kernels k = avx512::table;
    k.name = "amx", k.many = never;
    return k;
  }();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bf16");
  offer(amx, avx512 && __builtin_cpu_supports("amx-bf16"));
  offer(avx512::table, avx512);
  offer(avx2::table, avx2);
#endif
  if (found || !*name) chosen = found;
  return found;
}

const Kernels &here() { return *chosen; }

void enable(bool on) { wanted = on; }
bool enabled() { return wanted && chosen; }

bool usable(const at::Tensor &x) {
  return enabled() && x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.dim() > 0 && x.numel() > 0 && x.size(-1) % 16 == 0 && x.stride(-1) == 1;
}

bool usable_half(const at::Tensor &x) { return usable(x) && x.scalar_type() == at::kBFloat16; }

bool packable(const at::Tensor &w) {
  return enabled() && w.is_cpu() && w.scalar_type() == at::kBFloat16 && w.dim() == 2 && w.is_contiguous() &&
         w.size(0) % 16 == 0 && w.size(1) % 2 == 0;
}

bool many(const at::Tensor &x, const at::Tensor &w) {
  return usable_half(x) && packable(w) && x.dim() == 2 && x.size(0) >= here().many && w.size(1) % 16 == 0;
}

} // namespace kernels
} // namespace shim
