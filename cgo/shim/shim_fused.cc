// Operations made of several: by a kernel of our own where there is one, else by libtorch's.
#include "grad.hpp"
#include "shim.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

#include <algorithm>

using namespace shim;

const char *torch_choose_kernels(const char *name) { return kernels::choose(name) ? kernels::here().name : nullptr; }
void torch_use_kernels(int on) { kernels::enable(on != 0); }
int torch_has_kernels(void) { return kernels::enabled(); }

// Elementwise work in fp32 is left to libtorch: results there are compared to the last digits,
// and the peers share its rounding.

static bool contiguous_like(const at::Tensor &x, std::initializer_list<const at::Tensor *> others) {
  for (const auto *t : others)
    if (t->scalar_type() != x.scalar_type() || !t->is_contiguous()) return false;
  return true;
}

// accumulates tells whether a += b is the gathering of bf16 gradients in fp32, for which there is a kernel.
static bool accumulates(const at::Tensor &a, const at::Tensor &b, double scale) {
  return scale == 1 && kernels::usable(a) && kernels::usable_half(b) && a.scalar_type() == at::kFloat && a.is_contiguous() &&
         b.is_contiguous() && a.sizes() == b.sizes() && !grad::recorded({a, b});
}

err torch_add_(tensor a, tensor b, double scale) {
  return guard([&] {
    if (accumulates(T(a), T(b), scale))
      kernels::here().accumulate(T(a), T(b));
    else
      M(a).add_(T(b), scale);
  });
}

// gathers tells whether a += x y is the gathering in fp32 of weights' gradients, xᵀ and y in bf16, for which
// there is a kernel.
static bool gathers(const at::Tensor &a, const at::Tensor &x, const at::Tensor &y) {
  return a.scalar_type() == at::kFloat && a.is_contiguous() && x.dim() == 2 && y.dim() == 2 && kernels::usable_half(x.t()) &&
         kernels::usable_half(y) && kernels::here().many != kernels::never && x.size(1) == y.size(0) && a.dim() == 2 &&
         a.size(0) == x.size(0) && a.size(1) == y.size(1) && !grad::recorded({a, x, y});
}

err torch_addmm_(tensor a, tensor x, tensor y) {
  return guard([&] {
    if (gathers(T(a), T(x), T(y)))
      kernels::here().add_linear_weights(T(a), T(x).t(), kernels::here().turned(T(y)));
    else if (T(a).scalar_type() == T(x).scalar_type())
      M(a).addmm_(T(x), T(y));
    else if (grad::by_float(T(x)) && T(a).scalar_type() == at::kFloat)
      M(a).addmm_(T(x).to(at::kFloat), T(y).to(at::kFloat));
    else
      M(a).add_(T(x).mm(T(y)));
  });
}

// transformers' LlamaRMSNorm: the mean square in fp32, the result in x's dtype, then the weight.
static at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps) {
  if (kernels::usable_half(x) && contiguous_like(x, {&w})) return grad::rms_norm(x, w, eps);
  auto f = x.to(at::kFloat);
  auto n = f * at::rsqrt(f.square().mean(-1, true) + eps);
  return w * n.to(x.scalar_type());
}

err torch_rms_norm(tensor *out, tensor x, tensor w, double eps) {
  return guard([&] { *out = own(rms_norm(T(x), T(w), eps)); });
}

// Rotary embedding, halves convention (transformers' rotate_half):
// out = x * cos + cat(-x2, x1) * sin with x = (x1, x2) along the last dimension.
static at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
  const int64_t half = x.size(-1) / 2;
  if (kernels::usable_half(x) && x.dim() == 3 && half % 16 == 0 && contiguous_like(x, {&cos, &sin}) &&
      cos.numel() == x.size(0) * x.size(2) && sin.numel() == cos.numel())
    return grad::rope(x, cos, sin);
  auto rotated = at::cat({-x.narrow(-1, half, half), x.narrow(-1, 0, half)}, -1);
  return x * cos + rotated * sin;
}

err torch_rope(tensor *out, tensor x, tensor cos, tensor sin) {
  return guard([&] { *out = own(rope(T(x), T(cos), T(sin))); });
}

// gated tells whether there is a kernel for silu(gate) * up.
static bool gated(const at::Tensor &gate, const at::Tensor &up) {
  return kernels::usable_half(gate) && kernels::usable_half(up) && gate.dim() == 2 && gate.sizes() == up.sizes();
}

err torch_silu_mul(tensor *out, tensor gate, tensor up) {
  return guard([&] {
    *out = own(gated(T(gate), T(up)) ? grad::silu_mul(T(gate), T(up)) : at::silu(T(gate)) * T(up));
  });
}

err torch_norm_linears(tensor *out, tensor x, tensor norm, double eps, const tensor *ws, const tensor *bs, int n) {
  return guard([&] {
    auto weights = list(ws, n);
    std::vector<at::Tensor> biases, made;
    for (int i = 0; i < n; i++) biases.push_back(bs[i] ? T(bs[i]) : at::Tensor());
    if (kernels::usable_half(T(x)) && contiguous_like(T(x), {&T(norm)})) {
      made = grad::norm_linears(T(x), T(norm), eps, weights, biases);
    } else {
      auto normed = rms_norm(T(x), T(norm), eps);
      for (size_t i = 0; i < weights.size(); i++) made.push_back(grad::linear(normed, weights[i], biases[i]));
    }
    for (auto &t : made) *out++ = own(t);
  });
}

err torch_silu_mul_linear(tensor *out, tensor gate, tensor up, tensor w, tensor b) {
  return guard([&] {
    const auto bias = b ? T(b) : at::Tensor();
    *out = own(gated(T(gate), T(up)) ? grad::silu_mul_linear(T(gate), T(up), T(w), bias)
                                     : grad::linear(at::silu(T(gate)) * T(up), T(w), bias));
  });
}

// Caches are [rows, kvHeads, width, d], or as our kernels have them.
static bool packed(const at::Tensor &cache) { return cache.dim() == 6; }

static void put(const at::Tensor &cache, const at::Tensor &rows, const at::Tensor &positions, const at::Tensor &x) {
  cache.transpose(1, 2).index_put_({rows, positions}, x);
}

err torch_kv_cache(tensor *k, tensor *v, int64_t rows, int64_t kv_heads, int64_t width, int64_t d) {
  return guard([&] {
    auto [keys, values] = kernels::here().kv_cache(rows, kv_heads, width, d);
    *k = own(keys), *v = own(values);
  });
}

err torch_store_kv(tensor k_cache, tensor v_cache, tensor k, tensor v, tensor tokens, tensor rows, tensor positions) {
  return guard([&] {
    if (packed(T(k_cache)))
      return kernels::here().store_kv(T(k_cache), T(v_cache), T(k), T(v), T(tokens), T(rows), T(positions));
    put(T(k_cache), T(rows), T(positions), T(k).index_select(0, T(tokens)));
    put(T(v_cache), T(rows), T(positions), T(v).index_select(0, T(tokens)));
  });
}

// The batched form: seen as [n, kvHeads, group, d], q shares its keys within a group, and
// attention is two products without expanding the keys. Only the first used positions count.
static at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                         const at::Tensor &vc, const at::Tensor &positions, int64_t used, double scale) {
  const int64_t n = q.size(0), heads = q.size(1), d = q.size(2), kv = k.size(1);
  auto rows = at::arange(n, positions.options());
  auto past = [&](const at::Tensor &cache, const at::Tensor &x) {
    put(cache, rows, positions, x);
    return cache.narrow(0, 0, n).narrow(2, 0, used);
  };
  auto keys = past(kc, k), values = past(vc, v);
  auto scores = at::matmul(q.reshape({n, kv, heads / kv, d}) * scale, keys.transpose(2, 3)).to(at::kFloat);
  auto beyond = at::arange(used, positions.options()).unsqueeze(0) > positions.unsqueeze(1);
  auto weights = scores.masked_fill(beyond.view({n, 1, 1, used}), -INFINITY).softmax(-1).to(q.scalar_type());
  return at::matmul(weights, values).reshape({n, heads, d});
}

err torch_attend(tensor *out, tensor q, tensor k, tensor v, tensor k_cache, tensor v_cache, tensor positions,
                 int64_t used, double scale) {
  return guard([&] {
    const bool plain = T(q).scalar_type() == at::kFloat && kernels::usable(T(q)) && kernels::usable(T(k)) &&
                       kernels::usable(T(v)) && contiguous_like(T(q), {&T(k_cache), &T(v_cache)});
    const bool fits = plain || packed(T(k_cache));
    *out = own(fits ? kernels::here().attend(T(q), T(k), T(v), T(k_cache), T(v_cache), T(positions), scale)
                    : attend(T(q), T(k), T(v), T(k_cache), T(v_cache), T(positions), used, scale));
  });
}

err torch_tree_attention(tensor *out, tensor q, tensor k, tensor v, const int64_t *segments, int n, double scale) {
  return guard([&] {
    for (const auto *x : {&T(q), &T(k), &T(v)})
      TORCH_CHECK(kernels::usable_half(*x) && x->dim() == 3, "no kernel for a tensor of this device, type and shape");
    *out = own(grad::tree_attention(T(q).contiguous(), T(k).contiguous(), T(v).contiguous(), kernels::tree(segments, n),
                                    scale));
  });
}

err torch_log_softmax_at(tensor *logp, tensor *entropy, tensor *lse, tensor logits, tensor targets, double scale) {
  return guard([&] {
    const auto &x = T(logits), &t = T(targets);
    if (kernels::usable_half(x)) {
      auto [p, e, l] = kernels::here().log_softmax_at(x, t, scale);
      *logp = own(p), *entropy = own(e), *lse = own(l);
      return;
    }
    auto f = x.to(at::kFloat);
    if (scale != 1) f = f * scale;
    auto l = f.logsumexp(-1, true);
    *logp = own((f.gather(-1, t.unsqueeze(1)) - l).squeeze(1));
    auto z = f - l; // lse less the mean logit would be the difference of two large numbers
    auto e = z.exp();
    *entropy = own(z.clamp_min_(-104).mul_(e).sum(-1).neg_());
    *lse = own(l.squeeze(1));
  });
}

err torch_log_softmax_at_backward(tensor *out, tensor logits, tensor targets, tensor lse, tensor dlogp, double scale) {
  return guard([&] {
    const auto &x = T(logits), &t = T(targets);
    auto d = T(dlogp).contiguous();
    if (kernels::usable_half(x) && x.is_contiguous()) {
      kernels::here().log_softmax_at_backward(x, t, T(lse), d, scale);
      *out = own(x);
      return;
    }
    auto f = x.to(at::kFloat);
    if (scale != 1) f = f * scale;
    auto by = (d * scale).unsqueeze(1);
    auto p = (f - T(lse).unsqueeze(1)).exp_().mul_(-by);
    *out = own(p.scatter_add_(-1, t.unsqueeze(1), by).to(x.scalar_type()));
  });
}

// The first index at which the cumulative probability exceeds the variate; the likeliest at temperature 0.
err torch_draw(tensor *out, tensor logits, tensor uniform, double temperature) {
  return guard([&] {
    const auto &x = T(logits);
    auto u = uniform ? T(uniform) : at::Tensor();
    if (kernels::usable(x)) {
      *out = own(kernels::here().draw(x, u, temperature));
    } else if (temperature == 0) {
      *out = own(x.argmax(-1));
    } else {
      auto cdf = (x.to(at::kFloat) / temperature).softmax(-1).cumsum(-1);
      *out = own(cdf.le(u.unsqueeze(1) * cdf.narrow(-1, x.size(1) - 1, 1)).sum(-1));
    }
  });
}

// The filters of transformers' generate in its order: top-k, top-p, min-p. Of equal logits top-p drops the first.
err torch_filter(tensor *out, tensor logits, double temperature, int64_t k, double p, double min_p) {
  return guard([&] {
    auto x = T(logits);
    if (kernels::usable(x)) {
      *out = own(kernels::here().filter(x, temperature, k, p, min_p));
      return;
    }
    const int64_t n = x.size(-1);
    x = x.to(at::kFloat);
    if (temperature != 1) x = x / temperature;
    if (k > 0 && k < n) x = x.masked_fill(x.lt(std::get<0>(x.topk(k)).narrow(-1, k - 1, 1)), -INFINITY);
    if (p < 1) {
      auto [sorted, order] = x.sort(/*stable=*/true, -1, false);
      auto drop = sorted.softmax(-1).cumsum(-1).le(1 - p);
      drop.narrow(-1, n - 1, 1).zero_(); // the most likely stays
      x = x.masked_fill(drop.scatter(-1, order, drop), -INFINITY);
    }
    if (min_p > 0) x = x.masked_fill(x.lt(x.amax(-1, true) + std::log(min_p)), -INFINITY);
    *out = own(x);
  });
}

err torch_pack(tensor *out, const tensor *ws, int n) {
  return guard([&] {
    auto all = list(ws, n);
    *out = std::all_of(all.begin(), all.end(), kernels::packable) ? own(kernels::here().pack(all)) : nullptr;
  });
}

err torch_packed_linear(tensor *out, tensor x, tensor w, tensor b) {
  return guard([&] { *out = own(kernels::here().packed_linear(T(x), T(w), b ? T(b) : at::Tensor())); });
}

err torch_decode_layer(tensor *out, tensor x, const decode_layer *l, tensor positions, tensor cos, tensor sin,
                       int64_t heads, int64_t kv_heads, double eps, double scale) {
  return guard([&] {
    auto of = [](tensor t) { return t ? T(t) : at::Tensor(); };
    const kernels::Layer layer{T(l->input_norm),
                               of(l->q_norm),
                               of(l->k_norm),
                               T(l->post_norm),
                               {T(l->qkv), of(l->qkv_bias)},
                               {T(l->o), of(l->o_bias)},
                               {T(l->gate_up), of(l->gate_up_bias)},
                               {T(l->down), of(l->down_bias)},
                               T(l->keys),
                               T(l->values)};
    TORCH_CHECK(packed(layer.keys) && kernels::usable_half(T(x)), "no kernel for a tensor of this device and type");
    *out = own(kernels::here().decode_layer(T(x), layer, {T(positions), T(cos), T(sin), heads, kv_heads, eps, scale}));
  });
}
