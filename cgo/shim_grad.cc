// Our own kernels as nodes of libtorch's graph: what they keep for the way back, and the way back.
#include "grad.hpp"

#include <torch/csrc/autograd/custom_function.h>

namespace shim::grad {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// recorded tells whether an operation on these has to leave a trace.
static bool recorded(std::initializer_list<const at::Tensor *> xs) {
  if (!c10::GradMode::is_enabled()) return false;
  for (const auto *x : xs)
    if (x->requires_grad()) return true;
  return false;
}

struct RMSNorm : Function<RMSNorm> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &w, double eps) {
    ctx->save_for_backward({x, w});
    ctx->saved_data["eps"] = eps;
    return kernels::rms_norm(x, w, eps);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    auto [dx, dw] = kernels::rms_norm_backward(saved[0], saved[1], dy[0], ctx->saved_data["eps"].toDouble());
    return {dx, dw, {}};
  }
};

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps) {
  return recorded({&x, &w}) ? RMSNorm::apply(x, w, eps) : kernels::rms_norm(x, w, eps);
}

struct Rope : Function<Rope> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
    ctx->save_for_backward({cos, sin});
    return kernels::rope(x, cos, sin, 1);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    return {kernels::rope(dy[0].contiguous(), saved[0], saved[1], -1), {}, {}};
  }
};

at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
  return recorded({&x}) ? Rope::apply(x, cos, sin) : kernels::rope(x, cos, sin, 1);
}

struct SiluMul : Function<SiluMul> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &gate, const at::Tensor &up) {
    ctx->save_for_backward({gate, up});
    return kernels::silu_mul(gate, up);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    auto [dgate, dup] = kernels::silu_mul_backward(saved[0], saved[1], dy[0]);
    return {dgate, dup};
  }
};

at::Tensor silu_mul(const at::Tensor &gate, const at::Tensor &up) {
  return recorded({&gate, &up}) ? SiluMul::apply(gate, up) : kernels::silu_mul(gate, up);
}

struct TreeAttention : Function<TreeAttention> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
                            const kernels::Tree &tree, double scale) {
    auto [out, lse] = kernels::tree_attention(q, k, v, tree, scale);
    ctx->save_for_backward({q, k, v, out, lse});
    ctx->saved_data["scale"] = scale;
    std::vector<int64_t> flat;
    for (const auto &s : tree) flat.insert(flat.end(), {s.start, s.length, s.parent});
    ctx->saved_data["tree"] = flat;
    return out;
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    auto flat = ctx->saved_data["tree"].toIntVector();
    auto [dq, dk, dv] = kernels::tree_attention_backward(
        saved[0], saved[1], saved[2], saved[3], saved[4], dy[0].contiguous(),
        kernels::tree(flat.data(), static_cast<int64_t>(flat.size()) / 3), ctx->saved_data["scale"].toDouble());
    return {dq, dk, dv, {}, {}};
  }
};

at::Tensor tree_attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const kernels::Tree &tree,
                          double scale) {
  return recorded({&q, &k, &v}) ? TreeAttention::apply(q, k, v, tree, scale)
                                : std::get<0>(kernels::tree_attention(q, k, v, tree, scale));
}

} // namespace shim::grad
