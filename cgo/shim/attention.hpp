// Attention over segments, in parts: where keys lie, what is done to a row of scores, and the
// products of a block of rows with them.
#pragma once
#include "each.hpp"
#include "exp.hpp"
#include "kernels.hpp"
#include "tile.hpp"

#include <cmath>
#include <vector>

namespace shim::ISA {

constexpr int64_t blockRows = 64; // query rows whose scores are in memory at once

inline int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Plan is where things are: the keys of a segment, filled up to a multiple of 16, are columns
// of their own, one segment after the other.
struct Plan {
  const Tree &tree;
  std::vector<int64_t> column;             // of each segment, its first
  std::vector<std::vector<int64_t>> above; // of each segment, the chain from its root to itself
  int64_t columns = 0;

  explicit Plan(const Tree &tree) : tree(tree) {
    for (size_t s = 0; s < tree.size(); s++) {
      const int64_t parent = tree[s].parent;
      column.push_back(columns);
      columns += up(tree[s].length, 16);
      above.push_back(parent < 0 ? std::vector<int64_t>{} : above[static_cast<size_t>(parent)]);
      above.back().push_back(static_cast<int64_t>(s));
    }
  }

  int64_t padded(int64_t s) const { return up(tree[static_cast<size_t>(s)].length, 16); }
};

// Span is the columns of one segment: how many there are, and how many of them are seen.
struct Span {
  int64_t padded, seen;
};

// Heads are the rows of one head of x [n, heads, d].
struct Heads {
  bf16 *data;
  int64_t stride;
  bf16 *row(int64_t r) const { return data + r * stride; }
  Rows rows(int64_t r) const { return {row(r), stride, 2}; }
};

inline Heads head(const at::Tensor &x, int64_t h) { return {half(x) + h * x.size(2), x.size(1) * x.size(2)}; }

} // namespace shim::ISA

ISA_BEGIN
namespace shim::ISA {

// seen are the lanes of columns t … t+15 that are among the first n.
inline Mask seen(int64_t t, int64_t n) { return first(n - t); }

// weights are e^(by s - shift) of sixteen scores, 0 where they are not seen.
inline Lanes weights(const float *s, Mask seen, Lanes by, Lanes shift) {
  return select(seen, exp(fms(load(s), by, shift)), all(0));
}

// One row's softmax: scores s become e^(scale s - top) in p, 0 where they are not seen. It
// returns the log of the sum of e^(scale s).
inline float softmax_row(const float *s, bf16 *p, const Span *spans, int64_t count, float scale, float &sum) {
  const Lanes by = all(scale), none = all(-INFINITY);
  Lanes top = none;
  int64_t at = 0;
  for (int64_t i = 0; i < count; i++) {
    const Span x = spans[i];
    for (int64_t t = 0; t < x.seen; t += 16)
      top = max(top, select(seen(t, x.seen), load(s + at + t) * by, none));
    at += x.padded;
  }
  const float most = max_of(top);
  const Lanes shift = all(most);
  Lanes total = all(0);
  at = 0;
  for (int64_t i = 0; i < count; i++) {
    const Span x = spans[i];
    for (int64_t t = 0; t < x.padded; t += 16) {
      const Lanes e = weights(s + at + t, seen(t, x.seen), by, shift);
      total = total + e;
      store(p + at + t, e);
    }
    at += x.padded;
  }
  sum = sum_of(total);
  return most + std::log(sum);
}

inline void scaled_row(const float *x, bf16 *y, int64_t n, float by) {
  for (int64_t i = 0; i < n; i += 16) store(y + i, load(x + i) * all(by));
}

inline float dot_row(const bf16 *a, const bf16 *b, int64_t n) {
  Lanes sum = all(0);
  for (int64_t i = 0; i < n; i += 16) sum = fma(load(a + i), load(b + i), sum);
  return sum_of(sum);
}

// One row on the way back: from scores s and the gradients dp of the probabilities, the
// probabilities p and the gradients ds of the scores.
inline void gradient_row(const float *s, const float *dp, bf16 *p, bf16 *ds, const Span *spans, int64_t count,
                         float scale, float lse, float delta) {
  const Lanes by = all(scale), shift = all(lse), less = all(delta);
  int64_t at = 0;
  for (int64_t i = 0; i < count; i++) {
    const Span x = spans[i];
    for (int64_t t = 0; t < x.padded; t += 16) {
      const Lanes e = weights(s + at + t, seen(t, x.seen), by, shift);
      store(p + at + t, e);
      store(ds + at + t, (e * by) * (load(dp + at + t) - less));
    }
    at += x.padded;
  }
}

// paired brings x [n, width] to [n/2][width][2]; n is even.
inline void paired(const bf16 *x, bf16 *y, int64_t n, int64_t width) {
  for (int64_t r = 0; r < n; r += 2, x += 2 * width, y += 2 * width)
    for (int64_t t = 0; t < width; t += 16)
      interleave(x + t, x + width + t, y + 2 * t);
}

} // namespace shim::ISA
ISA_END

namespace shim::ISA {

// Keys are one key head's keys or values in the forms that products take.
struct Keys {
  std::vector<bf16> columns;  // to be multiplied by rows: [columns/16][d/2][16][2]
  std::vector<bf16> elements; // to be added up by columns: of each segment [d/16][padded/2][16][2]

  void by_column(const Plan &p, Heads x, int64_t d) {
    columns.resize(static_cast<size_t>(p.columns * d));
    for (size_t s = 0; s < p.tree.size(); s++)
      pack(x.row(p.tree[s].start), p.tree[s].length, d, x.stride, columns.data() + p.column[s] * d);
  }

  void by_element(const Plan &p, Heads x, int64_t d) {
    elements.resize(static_cast<size_t>(p.columns * d));
    for (size_t s = 0; s < p.tree.size(); s++)
      pack_transposed(x.row(p.tree[s].start), p.tree[s].length, up(p.tree[s].length, 16), d, x.stride,
                      elements.data() + p.column[s] * d);
  }
};

// Block is some rows of one head in one segment, and the memory to work on them.
struct Block {
  const Plan &plan;
  int64_t segment, first, n, d; // rows first … first+n-1 of the segment
  std::vector<Span> spans;

  Block(const Plan &plan, int64_t segment, int64_t first, int64_t d)
      : plan(plan), segment(segment), first(first), d(d) {
    const auto &seg = plan.tree[static_cast<size_t>(segment)];
    n = std::min(blockRows, seg.length - first);
    for (int64_t a : plan.above[static_cast<size_t>(segment)])
      spans.push_back({plan.padded(a), plan.tree[static_cast<size_t>(a)].length});
    spans.back().padded = up(first + n, 16); // what lies beyond is not seen by any of the rows
  }

  int64_t start() const { return plan.tree[static_cast<size_t>(segment)].start + first; }
  int64_t width() const {
    int64_t w = 0;
    for (const auto &x : spans) w += x.padded;
    return w;
  }
  // of_row are the spans of the block's row r.
  const Span *of_row(int64_t r) {
    spans.back().seen = first + r + 1;
    return spans.data();
  }
  int64_t chain() const { return static_cast<int64_t>(spans.size()); }

  // along calls fn(segment, the block's first column of it, columns) for each segment seen.
  template <class F> void along(F fn) const {
    int64_t at = 0;
    for (size_t i = 0; i < spans.size(); at += spans[i++].padded)
      fn(static_cast<size_t>(plan.above[static_cast<size_t>(segment)][i]), at, spans[i].padded);
  }

  // scores sets s [n, width] to x [n, d] times the keys.
  void scores(Rows x, const Keys &keys, float *s) const {
    const Left left(x, n, d);
    along([&](size_t seg, int64_t at, int64_t columns) {
      product<From::zero>(left, {keys.columns.data() + plan.column[seg] * d, d, 16 * d}, columns / 16, nullptr, s + at,
                          width());
    });
  }

  // sums sets y [n, d] to p [n, width] times the keys.
  void sums(const bf16 *p, const Keys &keys, float *y) const {
    std::fill(y, y + n * d, 0.0f);
    along([&](size_t seg, int64_t at, int64_t columns) {
      const Packed w{keys.elements.data() + plan.column[seg] * d, columns, 16 * plan.padded(static_cast<int64_t>(seg))};
      product<From::there>(Left({p + at, width(), 2}, n, columns), w, d / 16, nullptr, y, d);
    });
  }

  // gather adds to y [all columns, d] the transpose of p [n, width] times x [n, d]. turned and
  // packed are memory for n × width and n × d; n is rounded up to an even number, and p is zero there.
  void gather(const bf16 *p, Heads x, float *y, bf16 *turned, bf16 *packed) const {
    const int64_t even = up(n, 2), w = width();
    paired(p, turned, even, w);
    pack_transposed(x.row(start()), n, even, d, x.stride, packed);
    along([&](size_t seg, int64_t at, int64_t columns) {
      product<From::there>(Left({turned + 2 * at, 2, 2 * w}, columns, even), {packed, even, 16 * even}, d / 16, nullptr,
                           y + plan.column[seg] * d, d);
    });
  }
};

} // namespace shim::ISA
