// Operations: each is one expression over ATen.
#include "grad.hpp"
#include "shim.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

using namespace shim;

#define OP(name, params, expr)                                                                                         \
  err name params {                                                                                                    \
    return guard([&] { *out = own(expr); });                                                                           \
  }

#define IN_PLACE(name, params, expr)                                                                                   \
  err name params {                                                                                                    \
    return guard([&] { expr; });                                                                                       \
  }

// Shape.
OP(torch_reshape, (tensor *out, tensor a, const int64_t *d, int n), T(a).reshape(dims(d, n)))
OP(torch_expand, (tensor *out, tensor a, const int64_t *d, int n), T(a).expand(dims(d, n)))
OP(torch_transpose, (tensor *out, tensor a, int64_t d0, int64_t d1), T(a).transpose(d0, d1))
OP(torch_narrow, (tensor *out, tensor a, int64_t dim, int64_t start, int64_t len), T(a).narrow(dim, start, len))
OP(torch_contiguous, (tensor *out, tensor a), T(a).contiguous())
OP(torch_unsqueeze, (tensor *out, tensor a, int64_t dim), T(a).unsqueeze(dim))
OP(torch_cat, (tensor *out, const tensor *ts, int n, int64_t dim), at::cat(list(ts, n), dim))
OP(torch_index_select, (tensor *out, tensor a, int64_t dim, tensor index), T(a).index_select(dim, T(index)))
OP(torch_gather, (tensor *out, tensor a, int64_t dim, tensor index), T(a).gather(dim, T(index)))
OP(torch_clone, (tensor *out, tensor a), T(a).clone())

// Arithmetic.
OP(torch_add, (tensor *out, tensor a, tensor b), T(a) + T(b))
OP(torch_sub, (tensor *out, tensor a, tensor b), T(a) - T(b))
OP(torch_mul, (tensor *out, tensor a, tensor b), T(a) * T(b))
OP(torch_div, (tensor *out, tensor a, tensor b), T(a) / T(b))
OP(torch_minimum, (tensor *out, tensor a, tensor b), at::minimum(T(a), T(b)))
OP(torch_add_scalar, (tensor *out, tensor a, double s), T(a) + s)
OP(torch_mul_scalar, (tensor *out, tensor a, double s), T(a) * s)
OP(torch_neg, (tensor *out, tensor a), -T(a))
OP(torch_exp, (tensor *out, tensor a), T(a).exp())
OP(torch_cos, (tensor *out, tensor a), T(a).cos())
OP(torch_sin, (tensor *out, tensor a), T(a).sin())
OP(torch_silu, (tensor *out, tensor a), at::silu(T(a)))
OP(torch_clamp, (tensor *out, tensor a, double lo, double hi), T(a).clamp(lo, hi))
OP(torch_sum, (tensor *out, tensor a), T(a).sum())
OP(torch_sum_dim, (tensor *out, tensor a, int64_t dim, int keep), T(a).sum(dim, keep != 0))
OP(torch_max_dim, (tensor *out, tensor a, int64_t dim, int keep), T(a).amax(dim, keep != 0))
OP(torch_argmax, (tensor *out, tensor a, int64_t dim), T(a).argmax(dim))
OP(torch_logsumexp, (tensor *out, tensor a, int64_t dim, int keep), T(a).logsumexp(dim, keep != 0))
OP(torch_softmax, (tensor *out, tensor a, int64_t dim), T(a).softmax(dim))
OP(torch_lt, (tensor *out, tensor a, tensor b), T(a).lt(T(b)))

err torch_topk(tensor *values, tensor *indices, tensor a, int64_t k, int64_t dim) {
  return guard([&] {
    auto [v, i] = T(a).topk(k, dim);
    *values = own(v);
    *indices = own(i);
  });
}

// What a transformer is made of.
OP(torch_matmul, (tensor *out, tensor a, tensor b), grad::matmul(T(a), T(b)))
OP(torch_linear, (tensor *out, tensor x, tensor w, tensor b), grad::linear(T(x), T(w), b ? T(b) : at::Tensor()))
OP(torch_embedding, (tensor *out, tensor w, tensor ids), at::embedding(T(w), T(ids)))

OP(torch_sdpa, (tensor *out, tensor q, tensor k, tensor v, tensor mask, int causal, double scale),
   at::scaled_dot_product_attention(T(q), T(k), T(v), mask ? std::optional<at::Tensor>(T(mask)) : std::nullopt, 0.0,
                                    causal != 0, scale, /*enable_gqa=*/T(q).size(-3) != T(k).size(-3)))

// In place.
IN_PLACE(torch_copy_, (tensor a, tensor src), M(a).copy_(T(src)))
IN_PLACE(torch_zero_, (tensor a), M(a).zero_())
IN_PLACE(torch_sub_, (tensor a, tensor b), M(a).sub_(T(b)))
IN_PLACE(torch_mul_, (tensor a, tensor b), M(a).mul_(T(b)))
IN_PLACE(torch_exp_, (tensor a), M(a).exp_())
IN_PLACE(torch_index_add_, (tensor a, int64_t dim, tensor index, tensor src), M(a).index_add_(dim, T(index), T(src)))

// Autograd.
IN_PLACE(torch_requires_grad, (tensor a, int on), M(a).set_requires_grad(on != 0))
IN_PLACE(torch_backward, (tensor a, tensor grad), T(a).backward(grad ? T(grad) : at::Tensor()))
IN_PLACE(torch_set_grad, (tensor a, tensor g), M(a).mutable_grad() = g ? T(g) : at::Tensor())
OP(torch_detach, (tensor *out, tensor a), T(a).detach())

err torch_grad(tensor *out, tensor a) {
  return guard([&] { *out = T(a).grad().defined() ? own(T(a).grad()) : nullptr; });
}

OP(torch_norm_list, (tensor *out, const tensor *ts, int n), at::stack(at::_foreach_norm(list(ts, n))).norm())
IN_PLACE(torch_scale_list, (const tensor *ts, int n, tensor factor), at::_foreach_mul_(list(ts, n), T(factor)))
