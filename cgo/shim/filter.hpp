// What a token is drawn from: a row of logits without those that top-k, top-p or min-p drop.
#pragma once
#include "exp.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

ISA_BEGIN
namespace shim::ISA {

// Filter drops logits of a row: they become minus infinity. No more of them are sorted than must be: what they
// weigh is added up by how far below the largest they are, in steps of 1/64, and only those in the step up
// to which a filter reaches are put in order.
class Filter {
  static constexpr int steps = 2048; // the last has all that is further below
  float *x, most;
  int64_t n;
  std::vector<double> mass;
  std::vector<std::pair<float, int64_t>> edge; // with their indices: of equal ones the first are dropped first

  Lanes step(int64_t i) const { return min(whole((all(most) - load(x + i)) * all(64)), all(steps - 1)); }

  // weigh adds up what the logits weigh, weight(i) being that of the sixteen from i on.
  template <class W> double weigh(W weight) {
    double *m = mass.data();
    std::fill_n(m, steps, 0);
    for (int64_t i = 0; i < n; i += 16) {
      float s[16], w[16];
      store(s, step(i));
      store(w, weight(i));
      for (int64_t j = 0; j < 16; j++) m[static_cast<int>(s[j])] += w[j];
    }
    return std::accumulate(m, m + steps, 0.0);
  }

  // cut drops the steps furthest below that weigh no more than the limit, puts those of the next step in order,
  // and returns what it dropped.
  double cut(double limit) {
    double dropped = 0;
    size_t last = steps - 1;
    while (last > 0 && dropped + mass[last] <= limit) dropped += mass[last--];
    const Lanes reach = all(static_cast<float>(last));
    edge.clear();
    for (int64_t i = 0; i < n; i += 16) {
      const Lanes s = step(i);
      for (unsigned hits = equal(s, reach); hits; hits &= hits - 1) {
        const int64_t at = i + __builtin_ctz(hits);
        edge.emplace_back(x[at], at);
      }
      store(x + i, select(less(reach, s), all(-INFINITY), load(x + i)));
    }
    std::sort(edge.begin(), edge.end());
    return dropped;
  }

public:
  explicit Filter(int64_t n) : n(n), mass(steps) {}

  // begin brings a row over the temperature to where the rest is to be; what is no number is dropped.
  template <class T> void begin(const T *logits, float temperature, float *to) {
    x = to;
    for (int64_t i = 0; i < n; i += 16) store(x + i, max(load(logits + i) / all(temperature), all(-INFINITY)));
    most = greatest(x, n);
  }

  // top_k leaves the k largest, and what equals the least of them.
  void top_k(int64_t k) {
    weigh([one = all(1)](int64_t) { return one; });
    const auto dropped = static_cast<int64_t>(cut(static_cast<double>(n - k)));
    const float least = edge[static_cast<size_t>(n - k - dropped)].first;
    for (auto [v, i] : edge)
      if (v < least) x[i] = -INFINITY;
  }

  // top_p drops the least likely, as many as have together 1-p of the probability or less; the last of the
  // largest stays.
  void top_p(double p) {
    const double limit = (1 - p) * weigh([this](int64_t i) { return exp(load(x + i) - all(most)); });
    double dropped = cut(limit);
    for (auto [v, i] : edge) {
      if (v == most && i == edge.back().second) break;
      if ((dropped += std::exp(v - most)) > limit) break;
      x[i] = -INFINITY;
    }
  }

  // min_p drops what is less likely than this share of the most likely.
  void min_p(double share) {
    const Lanes least = all(most + static_cast<float>(std::log(share)));
    for (int64_t i = 0; i < n; i += 16) {
      const Lanes v = load(x + i);
      store(x + i, select(less(v, least), all(-INFINITY), v));
    }
  }
};

} // namespace shim::ISA
ISA_END
