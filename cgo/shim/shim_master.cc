// fp32 master weights beside bf16 ones, in two parts: the bf16 weight itself, and the low 16 bits that
// rounding left of it; and AdamW on them. The idea is Split-SGD-BF16's (Kalamkar et al. 2020, arXiv
// 2005.04680), but its high part is cut, ours is rounded to nearest even, as what passes compute with.
#include "kernels.hpp"
#include "shim.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty.h>

using namespace shim;

// split sets half to x rounded, and low to the bits of x less those of half: at most 2^15 either way, and
// the one value too large for 16 bits, of an x just between two, is one less.
static void split(const at::Tensor &x, const at::Tensor &half, const at::Tensor &low) {
  if (kernels::usable(x)) return kernels::here().split(x, half, low);
  half.copy_(x);
  low.copy_((x.view(at::kInt) - half.view(at::kShort).to(at::kInt) * (1 << 16)).clamp(-(1 << 15), (1 << 15) - 1));
}

// join sets x to what was split.
static void join(const at::Tensor &half, const at::Tensor &low, const at::Tensor &x) {
  if (kernels::usable(x)) return kernels::here().join(half, low, x);
  x.view(at::kInt).copy_(half.view(at::kShort).to(at::kInt) * (1 << 16) + low);
}

err torch_split(tensor half, tensor low, tensor x) {
  return guard([&] { split(T(x).detach().contiguous(), T(half).detach(), T(low)); });
}

err torch_join(tensor *out, tensor half, tensor low) {
  return guard([&] {
    auto x = at::empty(T(half).sizes(), T(half).options().dtype(at::kFloat));
    join(T(half).detach(), T(low), x);
    *out = own(x);
  });
}

namespace {

// Weights are a parameter in two parts, its gradient and its moments, flat.
struct Weights {
  at::Tensor half, low, grad, m, v;

  Weights piece(int64_t lo, int64_t n) const {
    return {half.narrow(0, lo, n), low.narrow(0, lo, n), grad.narrow(0, lo, n), m.narrow(0, lo, n), v.narrow(0, lo, n)};
  }
};

struct AdamW {
  at::Tensor step;
  double lr, beta1, beta2, eps, weight_decay;

  void operator()(std::vector<at::Tensor> p, std::vector<at::Tensor> grads, std::vector<at::Tensor> m,
                  std::vector<at::Tensor> v) const {
    const std::vector<at::Tensor> steps(p.size(), step);
    at::_fused_adamw_(p, grads, m, v, /*max_exp_avg_sqs=*/{}, steps, lr, beta1, beta2, weight_decay, eps, /*amsgrad=*/false,
                      /*maximize=*/false);
  }

  // in_pieces joins, updates and splits a piece after the other, so that the fp32 weights are never all in
  // memory: on the CPU, where threads share them, pieces that stay in its cache.
  void in_pieces(const std::vector<Weights> &all) const {
    const bool cpu = all[0].half.is_cpu();
    const int64_t size = cpu ? 1 << 17 : 1 << 22;
    std::vector<Weights> pieces;
    for (auto &w : all)
      for (int64_t lo = 0; lo < w.half.numel(); lo += size) pieces.push_back(w.piece(lo, std::min(size, w.half.numel() - lo)));
    const auto run = [&](int64_t lo, int64_t hi) {
      const at::AutoDispatchBelowADInplaceOrView no_graph; // threads have a grad mode of their own
      auto room = at::empty({size}, all[0].m.options());
      for (int64_t i = lo; i < hi; i++) {
        const auto &w = pieces[static_cast<size_t>(i)];
        auto x = room.narrow(0, 0, w.half.numel());
        join(w.half, w.low, x);
        (*this)({x}, {w.grad}, {w.m}, {w.v});
        split(x, w.half, w.low);
      }
    };
    const auto n = static_cast<int64_t>(pieces.size());
    cpu ? at::parallel_for(0, n, 1, run) : run(0, n);
  }
};

} // namespace

err torch_adamw(const tensor *params, const tensor *lows, const tensor *grads, const tensor *m, const tensor *v, int n,
                tensor step, double lr, double beta1, double beta2, double eps, double weight_decay) {
  return guard([&] {
    const AdamW update{T(step), lr, beta1, beta2, eps, weight_decay};
    std::vector<at::Tensor> whole[4]; // parameters, gradients, moments
    std::vector<Weights> parted;
    for (int i = 0; i < n; i++) {
      if (lows[i]) {
        parted.push_back({T(params[i]).detach().view(-1), T(lows[i]).view(-1), T(grads[i]).view(-1), T(m[i]).view(-1),
                          T(v[i]).view(-1)});
        continue;
      }
      whole[0].push_back(T(params[i]));
      whole[1].push_back(T(grads[i]));
      whole[2].push_back(T(m[i]));
      whole[3].push_back(T(v[i]));
    }
    if (!whole[0].empty()) update(whole[0], whole[1], whole[2], whole[3]);
    if (!parted.empty()) update.in_pieces(parted);
  });
}
