#include "kernels.hpp"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

namespace shim::kernels {
static std::atomic<bool> wanted{true};
void enable(bool on) { wanted = on; }
} // namespace shim::kernels

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
namespace {

struct bf16 {
  uint16_t bits;
};

inline __m512 load(const float *p) { return _mm512_loadu_ps(p); }
inline __m512 load(const bf16 *p) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
inline void store(float *p, __m512 v) { _mm512_storeu_ps(p, v); }
inline void store(bf16 *p, __m512 v) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(v)); }

// rounded is v as an element of type T would hold it.
inline __m512 rounded(const float *, __m512 v) { return v; }
inline __m512 rounded(const bf16 *, __m512 v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(v)), 16));
}

// e to the x, to about one unit in the last place: 2^n times a polynomial on [-ln2/2, ln2/2].
inline __m512 exp(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-104.0f));
  __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  return _mm512_scalef_ps(p, n);
}

template <class T> void norm_row(const T *x, const T *w, T *y, int64_t n, float eps) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += 16) {
    __m512 v = load(x + i);
    sum = _mm512_fmadd_ps(v, v, sum);
  }
  __m512 scale = _mm512_set1_ps(1.0f / std::sqrt(_mm512_reduce_add_ps(sum) / static_cast<float>(n) + eps));
  for (int64_t i = 0; i < n; i += 16)
    store(y + i, _mm512_mul_ps(load(w + i), rounded(x, _mm512_mul_ps(load(x + i), scale))));
}

// half is a multiple of 16.
template <class T> void rope_row(const T *x, const T *cos, const T *sin, T *y, int64_t half) {
  for (int64_t i = 0; i < half; i += 16) {
    __m512 a = load(x + i), b = load(x + half + i);
    store(y + i, _mm512_fnmadd_ps(b, load(sin + i), _mm512_mul_ps(a, load(cos + i))));
    store(y + half + i, _mm512_fmadd_ps(a, load(sin + half + i), _mm512_mul_ps(b, load(cos + half + i))));
  }
}

template <class T> void silu_mul_row(const T *gate, const T *up, T *y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    __m512 g = load(gate + i);
    __m512 s = _mm512_div_ps(g, _mm512_add_ps(exp(_mm512_sub_ps(_mm512_setzero_ps(), g)), _mm512_set1_ps(1)));
    store(y + i, _mm512_mul_ps(s, load(up + i)));
  }
}

// transposed sums: lane i of the result is the sum of the lanes of v[i].
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

// One row's attention in one group of query heads that share a key head: q [group, d], keys
// and values [n, d]; scores has room for group × (n rounded up to 16).
template <class T>
void attend_group(const T *q, const T *k, const T *v, T *out, float *scores, int64_t group, int64_t n, int64_t d,
                  float scale) {
  const int64_t room = (n + 15) / 16 * 16;
  for (int64_t g = 0; g < group; g++) {
    float *s = scores + g * room;
    __m512 top = _mm512_set1_ps(-INFINITY);
    for (int64_t t = 0; t < n; t += 16) {
      __m512 acc[16];
      const int64_t m = std::min<int64_t>(16, n - t);
      for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_setzero_ps();
      for (int64_t i = 0; i < d; i += 16) {
        __m512 qv = load(q + g * d + i);
        if (m == 16)
          for (int64_t j = 0; j < 16; j++) acc[j] = _mm512_fmadd_ps(qv, load(k + (t + j) * d + i), acc[j]);
        else
          for (int64_t j = 0; j < m; j++) acc[j] = _mm512_fmadd_ps(qv, load(k + (t + j) * d + i), acc[j]);
      }
      __m512 x = _mm512_mul_ps(sums(acc), _mm512_set1_ps(scale));
      x = _mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), static_cast<__mmask16>((1u << m) - 1), x);
      top = _mm512_max_ps(top, x);
      _mm512_storeu_ps(s + t, x);
    }
    const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top));
    __m512 sum = _mm512_setzero_ps();
    for (int64_t t = 0; t < room; t += 16) {
      __m512 e = exp(_mm512_sub_ps(_mm512_loadu_ps(s + t), most));
      sum = _mm512_add_ps(sum, e);
      _mm512_storeu_ps(s + t, e);
    }
    const __m512 share = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(sum));
    for (int64_t i = 0; i < d; i += 64) {
      const int64_t parts = std::min<int64_t>(4, (d - i) / 16);
      __m512 acc[4];
      for (auto &a : acc) a = _mm512_setzero_ps();
      if (parts == 4)
        for (int64_t t = 0; t < n; t++) {
          const __m512 p = _mm512_set1_ps(s[t]);
          for (int64_t j = 0; j < 4; j++) acc[j] = _mm512_fmadd_ps(p, load(v + t * d + i + 16 * j), acc[j]);
        }
      else
        for (int64_t t = 0; t < n; t++)
          for (int64_t j = 0; j < parts; j++)
            acc[j] = _mm512_fmadd_ps(_mm512_set1_ps(s[t]), load(v + t * d + i + 16 * j), acc[j]);
      for (int64_t j = 0; j < parts; j++) store(out + g * d + i + 16 * j, _mm512_mul_ps(acc[j], share));
    }
  }
}

// The first index at which the cumulative probability of softmax(x / temperature) exceeds u,
// added up in blocks.
template <class T> int64_t draw_row(const T *x, int64_t n, float inverse, float u, std::vector<float> &blocks) {
  constexpr int64_t step = 512;
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = _mm512_max_ps(top, load(x + i));
  const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top)), scale = _mm512_set1_ps(inverse);
  auto weight = [&](int64_t i) { return exp(_mm512_mul_ps(_mm512_sub_ps(load(x + i), most), scale)); };
  blocks.clear();
  double total = 0;
  for (int64_t lo = 0; lo < n; lo += step) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = lo; i < std::min(n, lo + step); i += 16) sum = _mm512_add_ps(sum, weight(i));
    blocks.push_back(_mm512_reduce_add_ps(sum));
    total += blocks.back();
  }
  const double goal = static_cast<double>(u) * total;
  double below = 0;
  size_t b = 0;
  while (b + 1 < blocks.size() && below + blocks[b] <= goal) below += blocks[b++];
  int64_t last = 0; // with any probability
  for (int64_t lo = static_cast<int64_t>(b) * step, i = lo; i < n; i += 16) {
    float w[16];
    _mm512_storeu_ps(w, weight(i));
    for (int64_t j = 0; j < 16; j++) {
      if (w[j] > 0) last = i + j;
      if ((below += w[j]) > goal) return i + j;
    }
  }
  return last;
}

// The first index of the largest element.
template <class T> int64_t largest(const T *x, int64_t n) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < n; i += 16) top = _mm512_max_ps(top, load(x + i));
  const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  for (int64_t i = 0; i < n; i += 16)
    if (auto equal = _mm512_cmp_ps_mask(load(x + i), most, _CMP_EQ_OQ)) return i + __builtin_ctz(equal);
  return 0;
}

// R rows times V blocks of 16 outputs. Weights are [blocks][in/2][16][2].
template <int R, int V>
void tile(const bf16 *x, const bf16 *w, const float *bias, bf16 *y, int64_t in, int64_t out) {
  __m512 acc[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) acc[r][v] = bias ? _mm512_loadu_ps(bias + 16 * v) : _mm512_setzero_ps();
  for (int64_t k = 0; k < in; k += 2) {
    __m512bh wv[V];
    for (int v = 0; v < V; v++) wv[v] = (__m512bh)_mm512_loadu_si512(w + v * 16 * in + k * 16);
    for (int r = 0; r < R; r++) {
      int pair;
      std::memcpy(&pair, x + r * in + k, sizeof pair);
      __m512bh xv = (__m512bh)_mm512_set1_epi32(pair);
      for (int v = 0; v < V; v++) acc[r][v] = _mm512_dpbf16_ps(acc[r][v], xv, wv[v]);
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(y + r * out + 16 * v, acc[r][v]);
}

template <int V> void rows(const bf16 *x, const bf16 *w, const float *bias, bf16 *y, int64_t n, int64_t in, int64_t out) {
  using Tile = void (*)(const bf16 *, const bf16 *, const float *, bf16 *, int64_t, int64_t);
  static constexpr Tile rest[] = {nullptr, tile<1, V>, tile<2, V>, tile<3, V>, tile<4, V>, tile<5, V>, tile<6, V>, tile<7, V>};
  int64_t r = 0;
  for (; r + 8 <= n; r += 8) tile<8, V>(x + r * in, w, bias, y + r * out, in, out);
  if (r < n) rest[n - r](x + r * in, w, bias, y + r * out, in, out);
}

// Blocks lo … hi of 16 outputs, three at a time.
void linear_blocks(const bf16 *x, const bf16 *w, const float *bias, bf16 *y, int64_t n, int64_t in, int64_t out,
                   int64_t lo, int64_t hi) {
  for (int64_t b = lo; b < hi;) {
    const bf16 *at = w + b * 16 * in;
    const float *add = bias ? bias + 16 * b : nullptr;
    const int64_t v = std::min<int64_t>(3, hi - b);
    (v == 3 ? rows<3> : v == 2 ? rows<2> : rows<1>)(x, at, add, y + 16 * b, n, in, out);
    b += v;
  }
}

void pack_block(const uint32_t *w, uint32_t *packed, int64_t pairs) {
  for (int64_t k = 0; k < pairs; k++)
    for (int64_t j = 0; j < 16; j++) packed[k * 16 + j] = w[j * pairs + k];
}

} // namespace
#pragma GCC pop_options

namespace shim::kernels {

static bool supported() {
  static const bool yes = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bf16");
  return yes;
}

bool enabled() { return wanted && supported(); }

bool usable(const at::Tensor &x) {
  return enabled() && x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.dim() > 0 &&
         x.size(-1) % 16 == 0 && x.stride(-1) == 1 && !(c10::GradMode::is_enabled() && x.requires_grad());
}

static bf16 *half(const at::Tensor &t) { return static_cast<bf16 *>(t.data_ptr()); }

// each runs fn<T>(lo, hi) on pieces of n rows, T being t's element type.
template <class F> static void each(const at::Tensor &t, int64_t n, int64_t grain, F fn) {
  at::parallel_for(0, n, std::max<int64_t>(1, grain), [&](int64_t lo, int64_t hi) {
    if (t.scalar_type() == at::kFloat)
      fn(static_cast<float *>(nullptr), lo, hi);
    else
      fn(static_cast<bf16 *>(nullptr), lo, hi);
  });
}

// grain is how many rows of n elements are worth another thread.
static int64_t grain(int64_t n) { return 16384 / std::max<int64_t>(1, n); }

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps) {
  auto in = x.contiguous();
  auto out = at::empty_like(in);
  const int64_t n = in.size(-1);
  each(in, in.numel() / n, grain(n), [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    auto *a = static_cast<const T *>(in.const_data_ptr()), *b = static_cast<const T *>(w.const_data_ptr());
    auto *y = static_cast<T *>(out.data_ptr());
    for (int64_t r = lo; r < hi; r++) norm_row(a + r * n, b, y + r * n, n, static_cast<float>(eps));
  });
  return out;
}

at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
  auto out = at::empty(x.sizes(), x.options());
  const int64_t n = x.size(0), heads = x.size(1), d = x.size(2);
  each(x, n, grain(heads * d), [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    auto *a = static_cast<const T *>(x.const_data_ptr()), *c = static_cast<const T *>(cos.const_data_ptr()),
         *s = static_cast<const T *>(sin.const_data_ptr());
    auto *y = static_cast<T *>(out.data_ptr());
    for (int64_t r = lo; r < hi; r++)
      for (int64_t h = 0; h < heads; h++)
        rope_row(a + r * x.stride(0) + h * x.stride(1), c + r * d, s + r * d, y + (r * heads + h) * d, d / 2);
  });
  return out;
}

at::Tensor silu_mul(const at::Tensor &gate, const at::Tensor &up) {
  auto out = at::empty(gate.sizes(), gate.options());
  const int64_t n = gate.size(1);
  each(gate, gate.size(0), grain(4 * n), [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    auto *g = static_cast<const T *>(gate.const_data_ptr()), *u = static_cast<const T *>(up.const_data_ptr());
    auto *y = static_cast<T *>(out.data_ptr());
    for (int64_t r = lo; r < hi; r++) silu_mul_row(g + r * gate.stride(0), u + r * up.stride(0), y + r * n, n);
  });
  return out;
}

at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                  const at::Tensor &vc, const at::Tensor &positions, double scale) {
  const int64_t n = q.size(0), heads = q.size(1), d = q.size(2), kv = k.size(1), width = kc.size(2);
  const int64_t group = heads / kv;
  auto query = q.contiguous();
  auto out = at::empty({n, heads, d}, q.options());
  const int64_t *at = positions.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < n; r++) TORCH_CHECK(at[r] >= 0 && at[r] < width, "position ", at[r], " of a cache of ", width);
  each(q, n * kv, 1, [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    std::vector<float> scores(static_cast<size_t>(group * (width + 15)));
    auto *qs = static_cast<const T *>(query.const_data_ptr()), *ks = static_cast<const T *>(k.const_data_ptr()),
         *vs = static_cast<const T *>(v.const_data_ptr());
    auto *kt = static_cast<T *>(kc.data_ptr()), *vt = static_cast<T *>(vc.data_ptr()), *y = static_cast<T *>(out.data_ptr());
    for (int64_t i = lo; i < hi; i++) {
      const int64_t r = i / kv, h = i % kv, past = i * width * d;
      std::memcpy(kt + past + at[r] * d, ks + r * k.stride(0) + h * k.stride(1), static_cast<size_t>(d) * sizeof(T));
      std::memcpy(vt + past + at[r] * d, vs + r * v.stride(0) + h * v.stride(1), static_cast<size_t>(d) * sizeof(T));
      attend_group(qs + i * group * d, kt + past, vt + past, y + i * group * d, scores.data(), group, at[r] + 1, d,
                   static_cast<float>(scale));
    }
  });
  return out;
}

at::Tensor draw(const at::Tensor &logits, const at::Tensor &uniform, double temperature) {
  auto in = logits.contiguous();
  auto out = at::empty({in.size(0)}, in.options().dtype(at::kLong));
  const int64_t n = in.size(1);
  const float *u = temperature == 0 ? nullptr : uniform.const_data_ptr<float>();
  each(in, in.size(0), 1, [&](auto *type, int64_t lo, int64_t hi) {
    using T = std::remove_pointer_t<decltype(type)>;
    std::vector<float> blocks;
    for (int64_t r = lo; r < hi; r++) {
      auto *row = static_cast<const T *>(in.const_data_ptr()) + r * n;
      out.data_ptr<int64_t>()[r] =
          temperature == 0 ? largest(row, n) : draw_row(row, n, static_cast<float>(1 / temperature), u[r], blocks);
    }
  });
  return out;
}

bool packable(const at::Tensor &w) {
  return enabled() && w.is_cpu() && w.scalar_type() == at::kBFloat16 && w.dim() == 2 && w.is_contiguous() &&
         w.size(0) % 16 == 0 && w.size(1) % 2 == 0;
}

at::Tensor pack(at::TensorList ws) {
  int64_t blocks = 0, in = ws[0].size(1);
  for (const auto &w : ws) {
    TORCH_CHECK(w.size(1) == in, "weights of ", in, " and ", w.size(1), " inputs packed together");
    blocks += w.size(0) / 16;
  }
  auto out = at::empty({blocks, in / 2, 16, 2}, ws[0].options());
  auto *to = static_cast<uint32_t *>(out.data_ptr());
  for (const auto &w : ws) {
    auto *from = static_cast<const uint32_t *>(w.const_data_ptr());
    at::parallel_for(0, w.size(0) / 16, 8, [&](int64_t lo, int64_t hi) {
      for (int64_t b = lo; b < hi; b++) pack_block(from + b * 8 * in, to + b * 8 * in, in / 2);
    });
    to += w.numel() / 2;
  }
  return out;
}

at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias) {
  auto rows = x.contiguous();
  const int64_t n = rows.size(0), in = rows.size(1), blocks = w.size(0), out = blocks * 16;
  TORCH_CHECK(rows.scalar_type() == at::kBFloat16 && in == w.size(1) * 2, "packed weights of ", w.size(1) * 2,
              " bf16 inputs, rows of ", in);
  auto y = at::empty({n, out}, rows.options());
  auto add = bias.defined() ? bias.to(at::kFloat) : at::Tensor();
  at::parallel_for(0, (blocks + 2) / 3, 1, [&](int64_t lo, int64_t hi) {
    linear_blocks(half(rows), half(w), add.defined() ? add.const_data_ptr<float>() : nullptr, half(y), n, in, out, 3 * lo,
                  std::min(blocks, 3 * hi));
  });
  return y;
}

} // namespace shim::kernels

#else // nothing is usable, so nothing is called

namespace shim::kernels {
bool usable(const at::Tensor &) { return false; }
bool enabled() { return false; }
bool packable(const at::Tensor &) { return false; }
at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &, double) { return x; }
at::Tensor rope(const at::Tensor &x, const at::Tensor &, const at::Tensor &) { return x; }
at::Tensor silu_mul(const at::Tensor &x, const at::Tensor &) { return x; }
at::Tensor attend(const at::Tensor &q, const at::Tensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &,
                  const at::Tensor &, double) {
  return q;
}
at::Tensor draw(const at::Tensor &x, const at::Tensor &, double) { return x; }
at::Tensor pack(at::TensorList ws) { return ws[0]; }
at::Tensor packed_linear(const at::Tensor &x, const at::Tensor &, const at::Tensor &) { return x; }
} // namespace shim::kernels
#endif
