// Floors whose time is matrix products: the product itself, and a network of three layers that Adam trains.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "floor.hpp"

/** Elements of a matrix as they lie: (i, j) at i * row + j * column. */
struct Matrix {
  const float* data;
  int row, column;
};

using Lanes = float __attribute__((vector_size(64)));

/** c = a b, m by k and k by n: tiles of `high` rows and two vectors, which read copies that lie in their order. */
inline void product(Matrix a, Matrix b, float* c, int m, int k, int n) {
  constexpr int high = 8, lanes = sizeof(Lanes) / sizeof(float), wide = 2 * lanes, deep = 256;
  const auto up = [](int size, int step) { return (size + step - 1) / step * step; };
  static std::vector<Lanes> spaceA, spaceB;
  spaceA.resize(up(m, high) * deep / lanes);
  spaceB.resize(up(n, wide) * deep / lanes);
  float *as = (float*)spaceA.data(), *bs = (float*)spaceB.data();
  for (int from = 0; from < k; from += deep) {
    const int depth = std::min(deep, k - from);
    const auto copy = [&](float* to, const float* x, int size, int across, int along, int step) {
      for (int i = 0; i < up(size, step); i += step)
        for (int p = 0; p < depth; p++)
          for (int r = 0; r < step; r++) *to++ = i + r < size ? x[(i + r) * across + (from + p) * along] : 0;
    };
    copy(as, a.data, m, a.row, a.column, high);
    copy(bs, b.data, n, b.column, b.row, wide);
    for (int j = 0; j < n; j += wide)
      for (int i = 0; i < m; i += high) {
        Lanes sums[high][2] = {};
        const float* x = as + i * depth;
        const Lanes* y = (const Lanes*)(bs + j * depth);
        for (int p = 0; p < depth; p++, x += high, y += 2)
          for (int r = 0; r < high; r++) {
            sums[r][0] += x[r] * y[0];
            sums[r][1] += x[r] * y[1];
          }
        const int rows = std::min(high, m - i), columns = std::min(wide, n - j);
        for (int r = 0; r < rows; r++)
          for (int t = 0; t < columns; t++) {
            float& to = c[(i + r) * n + j + t];
            to = (from == 0 ? 0 : to) + sums[r][t / lanes][t % lanes];
          }
      }
  }
}

inline Ready matmul(Inputs& in) {
  const int n = std::lround(std::sqrt(in["a"].size()));
  auto c = std::make_shared<Floats>(n * n);
  auto step = [=, a = in["a"], b = in["b"]] { product({a.data(), n, 1}, {b.data(), n, 1}, c->data(), n, n, n); };
  return {step, [=] { return std::vector<Floats>{*c}; }};
}

/** A layer of the network that Adam trains; `h` are its results after their relu, `d` their slopes. */
struct Wide {
  int from, to;
  Floats w, b, h, d, dw, db, first[2], second[2];

  Wide(Inputs& in, const std::string& name, int rows)
      : w(in[name + "weight"]), b(in[name + "bias"]), h(rows * b.size()), d(h), dw(w.size()), db(b.size()) {
    to = b.size();
    from = w.size() / to;
    for (auto* moments : {first, second}) moments[0].resize(w.size()), moments[1].resize(b.size());
  }

  void forward(const float* x, int rows, bool relu) {
    product({x, from, 1}, {w.data(), 1, from}, h.data(), rows, from, to);
    for (int i = 0; i < rows; i++)
      for (int o = 0; o < to; o++) {
        const float z = h[i * to + o] + b[o];
        h[i * to + o] = relu && z < 0 ? 0 : z;
      }
  }
  void gradients(const float* x, int rows) {
    product({d.data(), 1, to}, {x, from, 1}, dw.data(), to, rows, from);
    std::fill(db.begin(), db.end(), 0.f);
    for (int i = 0; i < rows; i++)
      for (int o = 0; o < to; o++) db[o] += d[i * to + o];
  }
  void slopes(Wide& before, int rows) const {
    product({d.data(), to, 1}, {w.data(), from, 1}, before.d.data(), rows, to, from);
    for (int i = 0; i < rows * from; i++) before.d[i] = before.h[i] > 0 ? before.d[i] : 0;
  }
  void adam(int t) {
    const float rate = 1e-3 / (1 - std::pow(.9, t)), scale = 1 / std::sqrt(1 - std::pow(.999, t));
    Floats* const parameters[] = {&w, &b};
    const Floats* const gradients[] = {&dw, &db};
    for (int part = 0; part < 2; part++) {
      float *p = parameters[part]->data(), *m = first[part].data(), *v = second[part].data();
      const float* g = gradients[part]->data();
      for (size_t i = 0; i < parameters[part]->size(); i++) {
        m[i] = .9f * m[i] + .1f * g[i];
        v[i] = .999f * v[i] + .001f * g[i] * g[i];
        p[i] -= rate * m[i] / (std::sqrt(v[i]) * scale + 1e-8f);
      }
    }
  }
};

/** The mean loss of logits; `d` becomes their slopes. */
inline float crossEntropyOf(const float* x, const int* y, float* d, int rows, int n) {
  double total = 0;
  for (int i = 0; i < rows; i++, x += n, d += n) {
    float most = x[0], sum = 0;
    for (int k = 0; k < n; k++) most = std::max(most, x[k]);
    for (int k = 0; k < n; k++) sum += d[k] = std::exp(x[k] - most);
    for (int k = 0; k < n; k++) d[k] *= 1 / (sum * rows);
    d[y[i]] -= 1.f / rows;
    total += std::log(sum) + most - x[y[i]];
  }
  return total / rows;
}

inline Ready mlp(Inputs& in) {
  const int rows = in["y"].size();
  auto layers = std::make_shared<std::vector<Wide>>();
  for (const auto* name : {"0.", "2.", "4."}) layers->emplace_back(in, name, rows);
  auto loss = std::make_shared<float>();
  auto step = [=, x = in["x"], y = in["y"], t = 0]() mutable {
    auto& [first, second, third] = *(Wide(*)[3])layers->data();
    first.forward(x.data(), rows, true);
    second.forward(first.h.data(), rows, true);
    third.forward(second.h.data(), rows, false);
    *loss = crossEntropyOf(third.h.data(), (const int*)y.data(), third.d.data(), rows, third.to);
    third.slopes(second, rows);
    second.slopes(first, rows);
    third.gradients(second.h.data(), rows);
    second.gradients(first.h.data(), rows);
    first.gradients(x.data(), rows);
    t++;
    for (auto& layer : *layers) layer.adam(t);
  };
  return {step, [=] {
            std::vector<Floats> results{{*loss}};
            for (const auto& layer : *layers) results.push_back(layer.w), results.push_back(layer.b);
            return results;
          }};
}
