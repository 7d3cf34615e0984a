// Decoding: caches of keys and values, and the attention of one new token per row to its past.
#pragma once
#include "decode.hpp"
#include "kernels.hpp"

ISA_BEGIN
namespace shim::ISA {
namespace {

// The products of one query head with m keys, at most 16, in the lanes of the result; the last
// key's is in the lanes that are over.
inline Lanes dots(const float *q, const float *k, int64_t m, int64_t d) {
  Lanes acc[16];
  for (int64_t j = 0; j < 16; j++) acc[j] = all(0);
  for (int64_t i = 0; i < d; i += 16) {
    const Lanes qv = load(q + i);
    for (int64_t j = 0; j < 16; j++) acc[j] = fma(qv, load(k + std::min(j, m - 1) * d + i), acc[j]);
  }
  return sums(acc);
}

// The softmax of s [n], without the division: its e^(s - top), zeros up to a multiple of 16, and
// one over their sum.
inline float softmax(float *s, int64_t n) {
  const Lanes most = all(greatest(s, n));
  Lanes sum = all(0);
  for (int64_t t = 0; t < n; t += 16) {
    const Lanes e = exp(load(s + t) - most);
    sum = sum + e;
    store(s + t, e);
  }
  return 1.0f / sum_of(sum);
}

// H heads' sums of sixteen elements of the values v [n, d], weighted by s.
template <int H>
inline void blend(const float *v, float *out, const float *s, const float *share, int64_t room, int64_t n, int64_t d) {
  Lanes acc[H];
  for (auto &a : acc) a = all(0);
  for (int64_t t = 0; t < n; t++) {
    const Lanes x = load(v + t * d);
    for (int h = 0; h < H; h++) acc[h] = fma(all(s[h * room + t]), x, acc[h]);
  }
  for (int h = 0; h < H; h++) store(out + h * d, acc[h] * all(share[h]));
}

// One row's attention in fp32 in one group of query heads that share a key head: q [group, d], keys
// and values [n, d]; scores has room for group × (n rounded up to 16) and group more.
void attend_group(const float *q, const float *k, const float *v, float *out, float *scores, int64_t group, int64_t n,
                  int64_t d, float scale) {
  const int64_t room = up(n, 16);
  float *share = scores + group * room;
  for (int64_t t = 0; t < n; t += 16)
    for (int64_t g = 0; g < group; g++) {
      const Lanes x = dots(q + g * d, k + t * d, std::min<int64_t>(16, n - t), d) * all(scale);
      store(scores + g * room + t, select(seen(t, n), x, all(-INFINITY)));
    }
  for (int64_t g = 0; g < group; g++) share[g] = softmax(scores + g * room, n);
  for (int64_t i = 0; i < d; i += 16)
    for (int64_t g = 0; g < group;) {
      const int64_t heads = std::min<int64_t>(3, group - g);
      auto *sum = heads == 3 ? blend<3> : heads == 2 ? blend<2> : blend<1>;
      sum(v + i, out + g * d + i, scores + g * room, share + g, room, n, d);
      g += heads;
    }
}

} // namespace
} // namespace shim::ISA
ISA_END

namespace shim::ISA {

std::tuple<at::Tensor, at::Tensor> kv_cache(int64_t rows, int64_t kv, int64_t width, int64_t d) {
  const auto options = at::TensorOptions(at::kBFloat16);
  width = up(width, 16);
  return {room({rows, kv, width / 16, d / 2, 16, 2}, options).zero_(),
          room({rows, kv, width / 2, d / 16, 16, 2}, options).zero_()};
}

void store_kv(const at::Tensor &kc, const at::Tensor &vc, const at::Tensor &k, const at::Tensor &v,
              const at::Tensor &tokens, const at::Tensor &rows, const at::Tensor &positions) {
  const int64_t kv = kc.size(1);
  const int64_t *from = tokens.const_data_ptr<int64_t>(), *to = rows.const_data_ptr<int64_t>(),
                *at = positions.const_data_ptr<int64_t>();
  at::parallel_for(0, tokens.numel(), 16, [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; i++)
      for (int64_t h = 0; h < kv; h++)
        Past(kc, vc, to[i], h)
            .put(at[i], half(k) + from[i] * k.stride(0) + h * k.stride(1), half(v) + from[i] * v.stride(0) + h * v.stride(1));
  });
}

static void attend_half(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                        const at::Tensor &vc, const int64_t *at, const at::Tensor &out, float scale) {
  const int64_t kv = k.size(1), d = q.size(2), group = q.size(1) / kv;
  at::parallel_for(0, q.size(0) * kv, 1, [&](int64_t lo, int64_t hi) {
    Attention attend(group, 16 * kc.size(2), d);
    for (int64_t i = lo; i < hi; i++) {
      const int64_t r = i / kv, h = i % kv;
      const Past past(kc, vc, r, h);
      past.put(at[r], half(k) + r * k.stride(0) + h * k.stride(1), half(v) + r * v.stride(0) + h * v.stride(1));
      attend.of(half(q) + i * group * d, past, at[r] + 1, half(out) + i * group * d, scale);
    }
  });
}

static void attend_float(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                         const at::Tensor &vc, const int64_t *at, const at::Tensor &out, float scale) {
  const int64_t kv = k.size(1), d = q.size(2), group = q.size(1) / kv, width = kc.size(2);
  at::parallel_for(0, q.size(0) * kv, 1, [&](int64_t lo, int64_t hi) {
    std::vector<float> scores(static_cast<size_t>(group * (width + 16)));
    auto *ks = k.const_data_ptr<float>(), *vs = v.const_data_ptr<float>();
    for (int64_t i = lo; i < hi; i++) {
      const int64_t r = i / kv, h = i % kv;
      float *keys = kc.data_ptr<float>() + i * width * d, *values = vc.data_ptr<float>() + i * width * d;
      std::copy_n(ks + r * k.stride(0) + h * k.stride(1), d, keys + at[r] * d);
      std::copy_n(vs + r * v.stride(0) + h * v.stride(1), d, values + at[r] * d);
      attend_group(q.const_data_ptr<float>() + i * group * d, keys, values, out.data_ptr<float>() + i * group * d,
                   scores.data(), group, at[r] + 1, d, scale);
    }
  });
}

at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                  const at::Tensor &vc, const at::Tensor &positions, double scale) {
  auto query = q.contiguous();
  auto out = room(q.sizes(), q.options());
  const bool packed = q.scalar_type() == at::kBFloat16;
  const int64_t width = packed ? 16 * kc.size(2) : kc.size(2);
  const int64_t *at = positions.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < q.size(0); r++)
    TORCH_CHECK(at[r] >= 0 && at[r] < width, "position ", at[r], " of a cache of ", width);
  (packed ? attend_half : attend_float)(query, k, v, kc, vc, at, out, static_cast<float>(scale));
  return out;
}

} // namespace shim::ISA
