// A linear layer with one output, trained by full-batch SGD: weights and sums of the gradient are in registers, and
// rows are processed in blocks that fit the nearest cache, so that memory is read once for predictions and gradient.
#pragma once

#include <cmath>
#include <memory>

#include "floor.hpp"
#include "vectors.hpp"

/** Slopes and losses of a vector of predictions, weighted by the row's share, 1 / n or 0. */
struct Judged {
  Vec slope, loss;
};

inline Judged squares(Vec z, Vec y, Vec share) {
  const Vec error = z - y;
  return {2 * error * share, error * error * share};
}

/** As in PyTorch: logarithms clamped at -100, the slope by the quotient and the sigmoid's slope. */
inline Judged logistic(Vec z, Vec y, Vec share) {
  const Vec p = 1 / (1 + exp(-z)), q = 1 - p;
  const Vec loss = y * larger(log(p), all(-100)) + (1 - y) * larger(log(q), all(-100));
  return {(p - y) / larger(p * q, all(1e-12f)) * (p * q) * share, -loss * share};
}

/** Rows of x and y, padded to whole blocks with rows of share 0. */
struct Table {
  int blocks;
  Floats x, y, share;

  Table(Inputs& in, int rows, int features) : x(in["x"]), y(in["y"]) {
    const int n = y.size(), whole = (n + rows - 1) / rows * rows;
    blocks = whole / rows;
    share.assign(n, 1.f / n);
    for (auto* to : {&y, &share}) to->resize(whole);
    x.resize(whole * features);
  }
};

/** `judge` is the criterion. */
template <int features, Judged (*judge)(Vec, Vec, Vec)> struct Linear {
  static constexpr int deep = 4, rows = deep * lanes, wide = (features + lanes - 1) / lanes;
  Table table;
  float rate, b, loss;
  Floats w;

  Linear(Inputs& in, const std::string& name, float rate)
      : table(in, rows, features), rate(rate), b(in[name + "bias"][0]), w(in[name + "weight"]) {
    w.resize(wide * lanes);
  }

  static Vec elements(const float* row, int k) { return part(row + k * lanes, features - k * lanes); }
  static Vec predictions(const float* x, const Vec (&w)[wide]) {
    const auto products = [&](int r) {
      Vec sum = elements(x + r * features, 0) * w[0];
      for (int k = 1; k < wide; k++) sum += elements(x + r * features, k) * w[k];
      return sum;
    };
    return across(products, plus);
  }
  void step() {
    Vec weights[wide], sums[chains][wide] = {}, losses = {}, whole = {};
    for (int k = 0; k < wide; k++) weights[k] = load(&w[k * lanes]);
    const float* x = table.x.data();
    for (int i = 0; i < table.blocks; i++, x += rows * features) {
      float d[rows];
      for (int v = 0; v < rows; v += lanes) store(d + v, predictions(x + v * features, weights) + b);
      for (int v = 0; v < rows; v += lanes) {
        const int at = i * rows + v;
        const Judged judged = judge(load(d + v), load(&table.y[at]), load(&table.share[at]));
        store(d + v, judged.slope);
        losses += judged.loss;
        whole += judged.slope;
      }
      for (int r = 0; r < rows; r += chains)
        for (int c = 0; c < chains; c++)
          for (int k = 0; k < wide; k++) sums[c][k] += d[r + c] * elements(x + (r + c) * features, k);
    }
    for (int k = 0; k < wide; k++) {
      for (int c = 1; c < chains; c++) sums[0][k] += sums[c][k];
      store(&w[k * lanes], weights[k] - rate * sums[0][k]);
    }
    b -= rate * sum(whole);
    loss = sum(losses);
  }
  std::vector<Floats> results() const { return {{loss}, {w.begin(), w.begin() + features}, {b}}; }
};
