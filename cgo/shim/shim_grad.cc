// Our own kernels as nodes of libtorch's graph: what they keep for the way back, and the way back.
#include "grad.hpp"

#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>

namespace shim::grad {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

bool recorded(at::TensorList xs) {
  return c10::GradMode::is_enabled() && std::any_of(xs.begin(), xs.end(), [](auto &x) { return x.defined() && x.requires_grad(); });
}

struct RMSNorm : Function<RMSNorm> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &w, double eps) {
    ctx->save_for_backward({x, w});
    ctx->saved_data["eps"] = eps;
    return kernels::here().rms_norm(x, w, eps);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    auto [dx, dw] = kernels::here().rms_norm_backward(saved[0], saved[1], dy[0], ctx->saved_data["eps"].toDouble());
    return {dx, dw, {}};
  }
};

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps) {
  return recorded({x, w}) ? RMSNorm::apply(x, w, eps) : kernels::here().rms_norm(x, w, eps);
}

struct Rope : Function<Rope> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
    ctx->save_for_backward({cos, sin});
    return kernels::here().rope(x, cos, sin, 1);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    return {kernels::here().rope(dy[0].contiguous(), saved[0], saved[1], -1), {}, {}};
  }
};

at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
  return recorded(x) ? Rope::apply(x, cos, sin) : kernels::here().rope(x, cos, sin, 1);
}

struct SiluMul : Function<SiluMul> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &gate, const at::Tensor &up) {
    ctx->save_for_backward({gate, up});
    return kernels::here().silu_mul(gate, up);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    auto saved = ctx->get_saved_variables();
    auto [dgate, dup] = kernels::here().silu_mul_backward(saved[0], saved[1], dy[0]);
    return {dgate, dup};
  }
};

at::Tensor silu_mul(const at::Tensor &gate, const at::Tensor &up) {
  return recorded({gate, up}) ? SiluMul::apply(gate, up) : kernels::here().silu_mul(gate, up);
}

static std::optional<at::Tensor> optional(const at::Tensor &b) { return b.defined() ? std::optional(b) : std::nullopt; }

bool by_float(const at::Tensor &x) {
  constexpr int64_t rows = 8; // worth bringing the weights to fp32 for
  return x.is_cpu() && x.scalar_type() == at::kBFloat16 && kernels::enabled() && !kernels::here().half_products &&
         x.dim() > 1 && x.numel() >= rows * x.size(-1);
}

// A linear layer without a graph of our own.
static at::Tensor product(const at::Tensor &x, const at::Tensor &w, const at::Tensor &b) {
  if (kernels::many(x, w)) return kernels::here().linear(x, w, b);
  if (!by_float(x)) return at::linear(x, w, optional(b));
  return at::linear(x.to(at::kFloat), w.to(at::kFloat), b.defined() ? std::optional(b.to(at::kFloat)) : std::nullopt)
      .to(x.scalar_type());
}

// Backward is the way back through linear layers that read the same: made again by `read`, or by `turn` as our own
// product needs it.
struct Backward {
  std::function<at::Tensor()> read, turn;
  at::Tensor x = {}, turned = {}, dx = {}; // dx is the gradient of what they read, so far

  void rows(const at::Tensor &dy, const at::Tensor &w) {
    if (kernels::many(dy, w))
      dx = kernels::here().linear_rows(dy, w, dx);
    else
      dx = dx.defined() ? dx.addmm_(dy, w) : dy.mm(w);
  }
  at::Tensor weights(const at::Tensor &dy, const at::Tensor &w) {
    if (kernels::many(dy, w)) {
      if (!turned.defined()) turned = turn();
      return kernels::here().linear_weights(dy, turned);
    }
    if (!x.defined()) x = read();
    return dy.t().mm(x);
  }
};

struct Linear : Function<Linear> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &w,
                            const std::optional<at::Tensor> &b) {
    ctx->save_for_backward({x, w});
    ctx->saved_data["biased"] = b.has_value();
    return product(x, w, b.value_or(at::Tensor()));
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    const auto of = ctx->get_saved_variables();
    Backward back{[&] { return of[0]; }, [&] { return kernels::here().turned(of[0]); }};
    if (ctx->needs_input_grad(0)) back.rows(dy[0], of[1]);
    at::Tensor dw, db;
    if (ctx->needs_input_grad(1)) dw = back.weights(dy[0], of[1]);
    if (ctx->saved_data["biased"].toBool() && ctx->needs_input_grad(2)) db = dy[0].sum(0);
    return {back.dx, dw, db};
  }
};

at::Tensor linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &b) {
  return kernels::many(x, w) && recorded({x, w, b}) ? Linear::apply(x, w, optional(b)) : product(x, w, b);
}

at::Tensor matmul(const at::Tensor &a, const at::Tensor &b) {
  if (kernels::many(a, b) && !recorded({a, b})) return kernels::here().linear_rows(a, b, {});
  return by_float(a) ? at::matmul(a.to(at::kFloat), b.to(at::kFloat)).to(a.scalar_type()) : at::matmul(a, b);
}

// Of x, the norm's weight, the layers' weights, and the biases there are: bit i of biased is layer i's.
struct NormLinears : Function<NormLinears> {
  static variable_list run(at::TensorList of, size_t layers, int64_t biased, double eps) {
    auto normed = kernels::here().rms_norm(of[0], of[1], eps);
    variable_list out;
    size_t b = 2 + layers;
    for (size_t i = 0; i < layers; i++) out.push_back(product(normed, of[2 + i], biased >> i & 1 ? of[b++] : at::Tensor()));
    return out;
  }
  static variable_list forward(AutogradContext *ctx, at::TensorList of, size_t layers, int64_t biased, double eps) {
    ctx->save_for_backward(of.vec());
    ctx->saved_data["biased"] = biased;
    ctx->saved_data["eps"] = eps;
    return run(of, layers, biased, eps);
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    const auto of = ctx->get_saved_variables();
    const double eps = ctx->saved_data["eps"].toDouble();
    const int64_t biased = ctx->saved_data["biased"].toInt();
    variable_list grads(of.size() + 3);
    Backward back{[&] { return kernels::here().rms_norm(of[0], of[1], eps); },
                  [&] { return kernels::here().turned_rms_norm(of[0], of[1], eps); }};
    size_t b = 2 + dy.size();
    for (size_t i = 0; i < dy.size(); i++) {
      const size_t w = 2 + i, bias = biased >> i & 1 ? b++ : 0;
      if (!dy[i].defined()) continue;
      if (ctx->needs_input_grad(w)) grads[w] = back.weights(dy[i], of[w]);
      if (bias && ctx->needs_input_grad(bias)) grads[bias] = dy[i].sum(0);
      back.rows(dy[i], of[w]);
    }
    if (back.dx.defined()) std::tie(grads[0], grads[1]) = kernels::here().rms_norm_backward(of[0], of[1], back.dx, eps);
    return grads;
  }
};

std::vector<at::Tensor> norm_linears(const at::Tensor &x, const at::Tensor &norm, double eps, at::TensorList weights,
                                     at::TensorList biases) {
  variable_list of{x, norm};
  of.insert(of.end(), weights.begin(), weights.end());
  int64_t biased = 0;
  for (size_t i = 0; i < biases.size(); i++)
    if (biases[i].defined()) biased |= int64_t{1} << i, of.push_back(biases[i]);
  return recorded(of) ? NormLinears::apply(at::TensorList(of), weights.size(), biased, eps)
                      : NormLinears::run(of, weights.size(), biased, eps);
}

struct SiluMulLinear : Function<SiluMulLinear> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &gate, const at::Tensor &up, const at::Tensor &w,
                            const std::optional<at::Tensor> &b) {
    ctx->save_for_backward({gate, up, w});
    ctx->saved_data["biased"] = b.has_value();
    return product(kernels::here().silu_mul(gate, up), w, b.value_or(at::Tensor()));
  }
  static variable_list backward(AutogradContext *ctx, variable_list dy) {
    const auto of = ctx->get_saved_variables();
    Backward back{[&] { return kernels::here().silu_mul(of[0], of[1]); },
                  [&] { return kernels::here().turned_silu_mul(of[0], of[1]); }};
    at::Tensor dw, db;
    if (ctx->needs_input_grad(2)) dw = back.weights(dy[0], of[2]);
    if (ctx->saved_data["biased"].toBool() && ctx->needs_input_grad(3)) db = dy[0].sum(0);
    back.rows(dy[0], of[2]);
    auto [dgate, dup] = kernels::here().silu_mul_backward(of[0], of[1], back.dx);
    return {dgate, dup, dw, db};
  }
};

at::Tensor silu_mul_linear(const at::Tensor &gate, const at::Tensor &up, const at::Tensor &w, const at::Tensor &b) {
  return recorded({gate, up, w, b}) ? SiluMulLinear::apply(gate, up, w, optional(b))
                                    : product(kernels::here().silu_mul(gate, up), w, b);
}

struct TreeAttention : Function<TreeAttention> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
                            const kernels::Tree &tree, double scale) {
    auto [out, lse] = kernels::here().tree_attention(q, k, v, tree, scale);
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
    auto [dq, dk, dv] = kernels::here().tree_attention_backward(
        saved[0], saved[1], saved[2], saved[3], saved[4], dy[0].contiguous(),
        kernels::tree(flat.data(), static_cast<int64_t>(flat.size()) / 3), ctx->saved_data["scale"].toDouble());
    return {dq, dk, dv, {}, {}};
  }
};

at::Tensor tree_attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const kernels::Tree &tree,
                          double scale) {
  return recorded({q, k, v}) ? TreeAttention::apply(q, k, v, tree, scale)
                                : std::get<0>(kernels::here().tree_attention(q, k, v, tree, scale));
}

} // namespace shim::grad
