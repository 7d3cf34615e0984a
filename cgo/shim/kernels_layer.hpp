// Decoding: a whole layer for one new token per row, as one piece of parallel work.
#pragma once
#include "decode.hpp"
#include "kernels.hpp"
#include "linear.hpp"
#include "rows.hpp"

#include <omp.h>

namespace shim::ISA {

namespace {

// Run is a layer under way, as one of the threads that share it sees it. What one thread makes, the
// others read only after wait.
struct Run {
  const Layer &layer;
  const Step &step;
  int64_t thread, threads;
  int64_t n, hidden, wide; // rows, their elements, and the elements between gate-up and down
  const bf16 *x;
  bf16 *normed, *qkv, *attended, *middle, *active, *y;

  static void wait() {
#pragma omp barrier
  }

  // share calls fn(lo, hi) with this thread's part of count.
  template <class F> void share(int64_t count, F fn) const {
    fn(thread * count / threads, (thread + 1) * count / threads);
  }

  void norm(const bf16 *from, const at::Tensor &weight) const {
    share(n, [&](int64_t lo, int64_t hi) {
      for (int64_t r = lo; r < hi; r++)
        norm_row(from + r * hidden, half(weight), normed + r * hidden, hidden, static_cast<float>(step.eps));
    });
    wait();
  }

  // linear is all of a layer's outputs, plus `add` if that is given. Units of three blocks are what a
  // product is fastest at.
  void linear(const bf16 *from, const Linear &l, const bf16 *add, bf16 *to, const Linear &next) const {
    const int64_t blocks = l.weight.size(0), out = 16 * blocks;
    share((blocks + 2) / 3, [&](int64_t lo, int64_t hi) {
      const int64_t first = 3 * lo, count = std::min(blocks, 3 * hi) - first, in = 2 * l.weight.size(1);
      outputs(Left({from, in, 2}, n, in), l, first, count, to + 16 * first, out, mine(next));
      for (int64_t r = 0; add && r < n; r++)
        add_row(add + r * out + 16 * first, to + r * out + 16 * first, 16 * count);
    });
    wait();
  }

  // mine is where this thread's part of a layer's weights begins.
  const bf16 *mine(const Linear &l) const {
    if (!l.weight.defined()) return nullptr;
    return half(l.weight) + thread * ((l.weight.size(0) + 2) / 3) / threads * 3 * l.weight.stride(0);
  }

  // attention takes the heads that share a key head together: it turns their queries and the key by
  // their position and puts the key and the value to the past.
  void attention() const {
    const int64_t kv = step.kv, group = step.heads / kv, d = step.cos.size(-1), all = (step.heads + 2 * kv) * d;
    const int64_t *positions = step.positions.const_data_ptr<int64_t>();
    share(n * kv, [&](int64_t lo, int64_t hi) {
      Attention attend(group, 16 * layer.keys.size(2), d);
      std::vector<bf16> queries(static_cast<size_t>(group * d)), key(static_cast<size_t>(d));
      for (int64_t i = lo; i < hi; i++) {
        const int64_t r = i / kv, h = i % kv;
        const Past past(layer.keys, layer.values, r, h);
        const bf16 *q = qkv + r * all + h * group * d, *k = qkv + r * all + (step.heads + h) * d, *v = k + kv * d;
        for (int64_t g = 0; g < group; g++) turned(q + g * d, layer.q_norm, r, d, queries.data() + g * d);
        turned(k, layer.k_norm, r, d, key.data());
        past.put(positions[r], key.data(), v);
        attend.of(queries.data(), past, positions[r] + 1, attended + i * group * d, static_cast<float>(step.scale));
      }
    });
    wait();
  }

  void turned(const bf16 *from, const at::Tensor &norm, int64_t r, int64_t d, bf16 *to) const {
    if (norm.defined()) {
      norm_row(from, half(norm), to, d, static_cast<float>(step.eps));
      from = to;
    }
    rope_row(from, half(step.cos) + r * d, half(step.sin) + r * d, to, d / 2, 1);
  }

  // gate_up is silu(gate) * up: each thread needs of both the columns it makes.
  void gate_up() const {
    const Linear &l = layer.gate_up;
    const int64_t blocks = wide / 16, units = (blocks + 2) / 3;
    share(units, [&](int64_t lo, int64_t hi) {
      std::vector<bf16> both(static_cast<size_t>(n * 96));
      const Left rows({normed, hidden, 2}, n, hidden);
      for (int64_t u = lo; u < hi; u++) {
        const int64_t first = 3 * u, count = std::min<int64_t>(3, blocks - first);
        const bf16 *data = half(l.weight);
        outputs(rows, l, first, count, both.data(), 96, data + (blocks + first) * l.weight.stride(0));
        outputs(rows, l, blocks + first, count, both.data() + 48, 96,
                u + 1 < hi ? data + (first + 3) * l.weight.stride(0) : mine(layer.down));
        for (int64_t r = 0; r < n; r++)
          silu_mul_row(both.data() + r * 96, both.data() + r * 96 + 48, active + r * wide + 16 * first, 16 * count);
      }
    });
    wait();
  }

  void all() const {
    norm(x, layer.input_norm);
    linear(normed, layer.qkv, nullptr, qkv, layer.o);
    attention();
    linear(attended, layer.o, x, middle, layer.gate_up);
    norm(middle, layer.post_norm);
    gate_up();
    linear(active, layer.down, middle, y, {});
  }
};

} // namespace

at::Tensor decode_layer(const at::Tensor &input, const Layer &layer, const Step &step) {
  auto x = input.contiguous();
  const int64_t n = x.size(0), hidden = x.size(1), wide = layer.gate_up.weight.size(0) * 8;
  const int64_t *positions = step.positions.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < n; r++)
    TORCH_CHECK(positions[r] >= 0 && positions[r] < 16 * layer.keys.size(2), "position ", positions[r],
                " of a cache of ", 16 * layer.keys.size(2));
  auto make = [&](int64_t columns) { return room({n, columns}, x.options()); };
  auto normed = make(hidden), qkv = make(layer.qkv.weight.size(0) * 16), attended = make(layer.o.weight.size(1) * 2),
       middle = make(hidden), active = make(wide), y = make(hidden);
#pragma omp parallel num_threads(at::get_num_threads())
  Run{layer,        step,      omp_get_thread_num(), omp_get_num_threads(), n,            hidden,  wide, half(x),
      half(normed), half(qkv), half(attended),       half(middle),          half(active), half(y)}
      .all();
  return y;
}

} // namespace shim::ISA
