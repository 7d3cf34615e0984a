// Decoding: caches of keys and values, and the attention of one new token per row to its past.
#ifdef __x86_64__
#include "decode.hpp"
#include "kernels.hpp"

using namespace shim::kernels;

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace {

// sums: lane i of the result is the sum of the lanes of v[i].
inline __m512 sums(__m512 *v) {
  for (int i = 0; i < 8; i++) {
    __m512 lo = _mm512_shuffle_f32x4(v[i], v[i + 8], 0x44), hi = _mm512_shuffle_f32x4(v[i], v[i + 8], 0xEE);
    v[i] = _mm512_add_ps(lo, hi); // 256-bit halves: row i, row i + 8
  }
  for (int i = 0; i < 4; i++) {
    __m512 lo = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88), hi = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xDD);
    v[i] = _mm512_add_ps(lo, hi); // 128-bit quarters: rows i, i + 8, i + 4, i + 12
  }
  for (int i = 0; i < 2; i++) {
    __m512 lo = _mm512_shuffle_ps(v[i], v[i + 2], 0x44), hi = _mm512_shuffle_ps(v[i], v[i + 2], 0xEE);
    v[i] = _mm512_add_ps(lo, hi); // in each quarter: row i twice, row i + 2 twice
  }
  __m512 lo = _mm512_shuffle_ps(v[0], v[1], 0x88), hi = _mm512_shuffle_ps(v[0], v[1], 0xDD);
  // In each quarter: rows 0, 2, 1, 3; the quarters 0, 8, 4, 12.
  __m512 s = _mm512_add_ps(lo, hi);
  const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
  return _mm512_permutexvar_ps(order, s);
}

// The products of one query head with m keys, at most 16, in the lanes of the result; the last
// key's is in the lanes that are over.
inline __m512 dots(const float *q, const float *k, int64_t m, int64_t d) {
  __m512 acc[16];
  for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_setzero_ps();
  for (int64_t i = 0; i < d; i += 16) {
    const __m512 qv = load(q + i);
    for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_fmadd_ps(qv, load(k + std::min(j, m - 1) * d + i), acc[j]);
  }
  return sums(acc);
}

// The softmax of s [n], without the division: its e^(s - top), zeros up to a multiple of 16, and
// one over their sum.
inline float softmax(float *s, int64_t n) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t t = 0; t < n; t += 16) top = _mm512_max_ps(top, _mm512_loadu_ps(s + t));
  const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < n; t += 16) {
    const __m512 e = exp(_mm512_sub_ps(_mm512_loadu_ps(s + t), most));
    sum = _mm512_add_ps(sum, e);
    _mm512_storeu_ps(s + t, e);
  }
  return 1.0f / _mm512_reduce_add_ps(sum);
}

// H heads' sums of sixteen elements of the values v [n, d], weighted by s.
template <int H>
inline void blend(const float *v, float *out, const float *s, const float *share, int64_t room, int64_t n, int64_t d) {
  __m512 acc[H];
  for (auto &a : acc) a = _mm512_setzero_ps();
  for (int64_t t = 0; t < n; t++) {
    const __m512 x = load(v + t * d);
    for (int h = 0; h < H; h++) acc[h] = _mm512_fmadd_ps(_mm512_set1_ps(s[h * room + t]), x, acc[h]);
  }
  for (int h = 0; h < H; h++) store(out + h * d, _mm512_mul_ps(acc[h], _mm512_set1_ps(share[h])));
}

// One row's attention in fp32 in one group of query heads that share a key head: q [group, d], keys
// and values [n, d]; scores has room for group × (n rounded up to 16) and group more.
void attend_group(const float *q, const float *k, const float *v, float *out, float *scores, int64_t group, int64_t n,
                  int64_t d, float scale) {
  const int64_t room = up(n, 16);
  float *share = scores + group * room;
  for (int64_t t = 0; t < n; t += 16)
    for (int64_t g = 0; g < group; g++) {
      const __m512 x = _mm512_mul_ps(dots(q + g * d, k + t * d, std::min<int64_t>(16, n - t), d), _mm512_set1_ps(scale));
      _mm512_storeu_ps(scores + g * room + t, _mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), seen(t, n), x));
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
#pragma GCC pop_options

namespace shim::kernels {

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

} // namespace shim::kernels
#endif
