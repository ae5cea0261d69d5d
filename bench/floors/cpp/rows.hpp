// Floors that stream over memory: elementwise functions, rows of classes, and reductions.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "floor.hpp"
#include "vectors.hpp"

inline Ready activation(Inputs& in) {
  auto sum = std::make_shared<float>();
  auto slopes = std::make_shared<Floats>(in["x"].size());
  auto step = [=, x = in["x"]] {
    constexpr int part = 4096;  // elements that are added up in float32
    double total = 0;
    for (int from = 0, n = x.size(); from < n; from += part) {
      Vec sums[chains] = {};
      each(std::min(part, n - from), [&](int at, int count, int chain) {
        const Vec z = ::part(&x[from + at], count, -INFINITY);
        const Vec t = 1 - 2 / (exp(3 * z + 1) + 1), s = 1 / (1 + exp(-z));
        sums[chain] += t * s;
        store(&(*slopes)[from + at], 1.5f * (1 - t * t) * s + t * s * (1 - s), count);
      });
      for (const Vec& s : sums) total += ::sum(s);
    }
    *sum = total;
  };
  return {step, [=] { return std::vector<Floats>{{*sum}, *slopes}; }};
}

/** The mean loss of logits; `d` becomes their slopes. */
inline float crossEntropyOf(const float* x, const int* y, float* d, int rows, int n) {
  double total = 0;
  for (int i = 0; i < rows; i++, x += n, d += n) {
    Vec mosts[chains], sums[chains] = {};
    std::fill_n(mosts, chains, all(-INFINITY));
    each(n, [&](int at, int count, int chain) { mosts[chain] = larger(mosts[chain], part(x + at, count, -INFINITY)); });
    for (const Vec& other : mosts) mosts[0] = larger(mosts[0], other);
    const float most = joined(mosts[0], larger);
    each(n, [&](int at, int count, int chain) {
      const Vec e = exp(part(x + at, count, -INFINITY) - most);
      sums[chain] += e;
      store(d + at, e, count);
    });
    const float whole = sum(sums[0] + sums[1] + sums[2] + sums[3]), scale = 1 / (whole * rows);
    each(n, [&](int at, int count, int) { store(d + at, part(d + at, count) * scale, count); });
    d[y[i]] -= 1.f / rows;
    total += std::log(whole) + most - x[y[i]];
  }
  return total / rows;
}

inline Ready crossEntropy(Inputs& in) {
  auto loss = std::make_shared<float>();
  auto slopes = std::make_shared<Floats>(in["x"].size());
  auto step = [=, x = in["x"], y = in["y"]] {
    const int rows = y.size();
    *loss = crossEntropyOf(x.data(), (const int*)y.data(), slopes->data(), rows, x.size() / rows);
  };
  return {step, [=] { return std::vector<Floats>{{*loss}, *slopes}; }};
}

/** Reductions of 1000 x 1000 x 10. Memory some lines ahead is prefetched where vectors cross cache lines. */
template <class Join> struct Reduction {
  static constexpr int n = 1000, few = 10, ahead = 1024;
  int dim;
  float start, scale;
  Join join;
  Floats x, out;

  /** Eight rows of a matrix at a time are joined with the row of results. */
  void first() {
    constexpr int wide = n * few, high = 8;
    std::fill(out.begin(), out.end(), start);
    for (int i = 0; i < n; i += high)
      for (int j = 0; j < wide; j += lanes) {
        Vec result = load(&out[j]);
        for (int r = 0; r < high; r++) result = join(result, load(&x[(i + r) * wide + j]));
        store(&out[j], i + high == n ? result * scale : result);
      }
  }
  /** Rows of ten repeat after five vectors. */
  void second() {
    constexpr int five = 5;
    for (int i = 0; i < n; i++) {
      Vec results[five];
      std::fill_n(results, five, all(start));
      const float* row = &x[i * n * few];
      for (int k = 0; k < n * few; k += five * lanes)
        for (int v = 0; v < five; v++) {
          __builtin_prefetch(row + k + v * lanes + ahead);
          results[v] = join(results[v], load(row + k + v * lanes));
        }
      float each[five * lanes];
      memcpy(each, results, sizeof each);
      for (int j = 0; j < few; j++) {
        float result = start;
        for (int k = j; k < five * lanes; k += few) result = join(result, each[k]);
        out[i * few + j] = result * scale;
      }
    }
  }
  void third() {
    for (int i = 0; i < n * n; i += lanes) {
      for (int line = 0; line < few; line++) __builtin_prefetch(x.data() + i * few + ahead + line * lanes);
      const auto row = [&](int r) {
        const float* of = &x[(i + r) * few];
        Vec result = part(of, few, start);
        for (int k = lanes; k < few; k += lanes) result = join(result, part(of + k, few - k, start));
        return result;
      };
      const Vec result = across(row, join);
      store(&out[i], result * scale);
    }
  }
  void step() { dim == 0 ? first() : dim == 1 ? second() : third(); }
  std::vector<Floats> results() const { return {out}; }
};

inline Ready reduction(Inputs& in, const std::string& fn, int dim) {
  const auto made = [&](float start, float scale, auto join) {
    return ready(std::make_shared<Reduction<decltype(join)>>(
        Reduction<decltype(join)>{dim, start, scale, join, in["x"], Floats(dim == 2 ? 1000000 : 10000)}));
  };
  if (fn == "max") return made(-INFINITY, 1, larger);
  const float scale = fn == "sum" ? 1 : dim == 2 ? 1.f / 10 : 1.f / 1000;
  return made(0, scale, plus);
}
