// Attention of many tokens at once, forward and backward: every token sees the segments above
// its own, and its own up to itself. Scores of a block of rows are in memory as a whole, all
// others are not; products are of bf16 with fp32 sums.
#pragma once
#include "attention.hpp"

namespace shim::ISA {

std::tuple<at::Tensor, at::Tensor> tree_attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v,
                                                  const Tree &tree, double scale) {
  const int64_t heads = q.size(1), d = q.size(2), kv = k.size(1), segments = static_cast<int64_t>(tree.size());
  auto out = room(q.sizes(), q.options()).zero_();
  auto lse = room({q.size(0), heads}, q.options().dtype(at::kFloat)).zero_();
  const Plan plan(tree);
  std::vector<Keys> keys(static_cast<size_t>(kv)), values(static_cast<size_t>(kv));
  at::parallel_for(0, 2 * kv, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; i++)
      i % 2 == 0 ? keys[static_cast<size_t>(i / 2)].by_column(plan, head(k, i / 2), d)
                 : values[static_cast<size_t>(i / 2)].by_element(plan, head(v, i / 2), d);
  });
  at::parallel_for(0, segments * heads, 1, [&](int64_t lo, int64_t hi) {
    std::vector<float> s, y(static_cast<size_t>(blockRows * d)), sum(blockRows);
    std::vector<bf16> p;
    for (int64_t i = lo; i < hi; i++) {
      const int64_t segment = i / heads, h = i % heads;
      const auto g = static_cast<size_t>(h / (heads / kv));
      for (int64_t first = 0; first < tree[static_cast<size_t>(segment)].length; first += blockRows) {
        Block b(plan, segment, first, d);
        const int64_t width = b.width(), start = b.start();
        s.resize(std::max(s.size(), static_cast<size_t>(blockRows * width)));
        p.resize(s.size());
        b.scores(head(q, h).rows(start), keys[g], s.data());
        for (int64_t r = 0; r < b.n; r++)
          lse.data_ptr<float>()[(start + r) * heads + h] =
              softmax_row(s.data() + r * width, p.data() + r * width, b.of_row(r), b.chain(), static_cast<float>(scale),
                          sum[static_cast<size_t>(r)]);
        b.sums(p.data(), values[g], y.data());
        for (int64_t r = 0; r < b.n; r++)
          scaled_row(y.data() + r * d, head(out, h).row(start + r), d, 1 / sum[static_cast<size_t>(r)]);
      }
    }
  });
  return {out, lse};
}

namespace {

// Gradient is the way back of one tree of segments and one key head.
struct Gradient {
  const Plan &plan;
  const at::Tensor &q, &out, &lse, &dout, &dq;
  const Keys &keys, &values;
  std::vector<float> &dk, &dv; // [columns, d]
  float scale;
  std::vector<float> s, dp, sums;
  std::vector<bf16> p, ds, turned, packed;

  void block(Block b, int64_t h) {
    const int64_t width = b.width(), start = b.start(), d = b.d;
    const auto room = static_cast<size_t>(blockRows * width);
    if (s.size() < room) s.resize(room), dp.resize(room), p.resize(room), ds.resize(room), turned.resize(room);
    sums.resize(static_cast<size_t>(blockRows * d)), packed.resize(sums.size());
    b.scores(head(q, h).rows(start), keys, s.data());
    b.scores(head(dout, h).rows(start), values, dp.data());
    for (int64_t r = 0; r < b.n; r++)
      gradient_row(s.data() + r * width, dp.data() + r * width, p.data() + r * width, ds.data() + r * width,
                   b.of_row(r), b.chain(), scale, lse.const_data_ptr<float>()[(start + r) * q.size(1) + h],
                   dot_row(head(out, h).row(start + r), head(dout, h).row(start + r), d));
    if (b.n % 2 != 0) {
      std::fill_n(p.data() + b.n * width, width, bf16{0});
      std::fill_n(ds.data() + b.n * width, width, bf16{0});
    }
    b.sums(ds.data(), keys, sums.data());
    for (int64_t r = 0; r < b.n; r++) scaled_row(sums.data() + r * d, head(dq, h).row(start + r), d, 1);
    b.gather(p.data(), head(dout, h), dv.data(), turned.data(), packed.data());
    b.gather(ds.data(), head(q, h), dk.data(), turned.data(), packed.data());
  }
};

} // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> tree_attention_backward(const at::Tensor &q, const at::Tensor &k,
                                                                       const at::Tensor &v, const at::Tensor &out,
                                                                       const at::Tensor &lse, const at::Tensor &dout,
                                                                       const Tree &tree, double scale) {
  const int64_t heads = q.size(1), d = q.size(2), kv = k.size(1), group = heads / kv;
  auto dq = room(q.sizes(), q.options()).zero_(), dk = room(k.sizes(), k.options()).zero_(),
       dv = room(v.sizes(), v.options()).zero_();
  const Plan plan(tree);
  std::vector<Keys> keys(static_cast<size_t>(kv)), values(static_cast<size_t>(kv));
  std::vector<std::vector<float>> sumk(static_cast<size_t>(kv)), sumv(static_cast<size_t>(kv));
  at::parallel_for(0, kv, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t g = lo; g < hi; g++) {
      const auto i = static_cast<size_t>(g);
      keys[i].by_column(plan, head(k, g), d);
      keys[i].by_element(plan, head(k, g), d);
      values[i].by_column(plan, head(v, g), d);
      sumk[i].resize(static_cast<size_t>(plan.columns * d));
      sumv[i].resize(sumk[i].size());
    }
  });
  std::vector<int64_t> roots;
  for (size_t s = 0; s < tree.size(); s++)
    if (tree[s].parent < 0) roots.push_back(static_cast<int64_t>(s));
  at::parallel_for(0, static_cast<int64_t>(roots.size()) * kv, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; i++) {
      const auto g = static_cast<size_t>(i % kv);
      Gradient grad{plan, q,  out, lse, dout, dq, keys[g], values[g], sumk[g], sumv[g], static_cast<float>(scale),
                    {},   {}, {},  {},  {},   {}, {}};
      for (size_t s = 0; s < tree.size(); s++) {
        if (plan.above[s][0] != roots[static_cast<size_t>(i / kv)]) continue;
        for (int64_t first = 0; first < tree[s].length; first += blockRows)
          for (int64_t h = 0; h < group; h++)
            grad.block(Block(plan, static_cast<int64_t>(s), first, d), (i % kv) * group + h);
      }
    }
  });
  at::parallel_for(0, kv, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t g = lo; g < hi; g++)
      for (size_t s = 0; s < tree.size(); s++)
        for (int64_t r = 0; r < tree[s].length; r++) {
          const int64_t from = (plan.column[s] + r) * d, to = tree[s].start + r;
          scaled_row(sumk[static_cast<size_t>(g)].data() + from, head(dk, g).row(to), d, 1);
          scaled_row(sumv[static_cast<size_t>(g)].data() + from, head(dv, g).row(to), d, 1);
        }
  });
  return {dq, dk, dv};
}

} // namespace shim::ISA
