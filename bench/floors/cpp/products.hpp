// Floors whose time is matrix products: the product itself, and a network of three layers that Adam trains.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "floor.hpp"
#include "rows.hpp"
#include "vectors.hpp"

/** A strided matrix, by rows, or by columns if it is transposed; `step` is the distance between them. */
struct Matrix {
  const float* data;
  int step;
  bool turned;

  float at(int i, int j) const { return turned ? data[j * step + i] : data[i * step + j]; }
};

/** Copies a part of a matrix row by row, `wide` elements from one row to the next. */
inline void copy(float* to, int wide, Matrix x, int row, int column, int rows, int columns) {
  int wholeRows = 0, wholeColumns = columns / lanes * lanes;
  if (x.turned) {
    wholeRows = rows / lanes * lanes;
    for (int i = 0; i < wholeRows; i += lanes)
      for (int j = 0; j < wholeColumns; j += lanes) {
        Vec block[lanes];
        for (int k = 0; k < lanes; k++) block[k] = load(x.data + (column + j + k) * x.step + row + i);
        transpose(block);
        for (int k = 0; k < lanes; k++) store(to + (i + k) * wide + j, block[k]);
      }
  } else {
    wholeRows = rows;
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < wholeColumns; j += lanes)
        store(to + i * wide + j, load(x.data + (row + i) * x.step + column + j));
  }
  for (int i = 0; i < rows; i++)
    for (int j = i < wholeRows ? wholeColumns : 0; j < columns; j++) to[i * wide + j] = x.at(row + i, column + j);
}

/** Rows and terms of a block of a, and the size of a tile, whose sums stay in registers. */
constexpr int much = 256, deep = 256, high = bytes == 64 ? 8 : 4, wide = 2 * lanes;

/** A tile of c, whose last rows and columns may lie beyond the edge: `first` stores sums, later calls add to them. */
inline void tile(const float* x, const float* y, int terms, float* c, int step, int rows, int columns, bool first) {
  Vec sums[high][2] = {};
  for (int r = 0; r < high && r < rows; r++)
    for (int half = 0; half < 2; half++) __builtin_prefetch(c + r * step + half * lanes, 1);
  for (int p = 0; p < terms; p++, x++, y += wide)
    for (int r = 0; r < high; r++) {
      sums[r][0] += x[r * deep] * load(y);
      sums[r][1] += x[r * deep] * load(y + lanes);
    }
  for (int r = 0; r < high && r < rows; r++)
    for (int half = 0; half < 2 && half * lanes < columns; half++) {
      float* to = c + r * step + half * lanes;
      const int count = columns - half * lanes;
      store(to, first ? sums[r][half] : sums[r][half] + part(to, count), count);
    }
}

/** c = a b, m by k and k by n, from packed copies: a panel of b stays in the first-level cache, the rest nearby. */
inline void product(Matrix a, Matrix b, float* c, int m, int k, int n) {
  const auto up = [](int size, int step) { return (size + step - 1) / step * step; };
  static std::vector<Vec> spaceA(much * deep / lanes), spaceB;
  spaceB.resize(up(n, wide) * deep / lanes);
  float *as = (float*)spaceA.data(), *bs = (float*)spaceB.data();
  const int blocks = up(k, deep) / deep, depth = up(k, blocks) / blocks;
  for (int from = 0; from < k; from += depth) {
    const int terms = std::min(depth, k - from);
    for (int p = 0; p < terms; p += lanes)
      for (int j = 0; j < n; j += wide)
        copy(bs + j * deep + p * wide, wide, b, from + p, j, std::min(lanes, terms - p), std::min(wide, n - j));
    for (int top = 0; top < m; top += much) {
      const int rows = std::min(much, m - top);
      copy(as, deep, a, top, from, rows, terms);
      for (int j = 0; j < n; j += wide)
        for (int i = 0; i < rows; i += high)
          tile(as + i * deep, bs + j * deep, terms, c + (top + i) * n + j, n, rows - i, n - j, from == 0);
    }
  }
}

inline Ready matmul(Inputs& in) {
  const int n = std::lround(std::sqrt(in["a"].size()));
  auto c = std::make_shared<Floats>(n * n);
  auto step = [=, a = in["a"], b = in["b"]] {
    product({a.data(), n, false}, {b.data(), n, false}, c->data(), n, n, n);
  };
  return {step, [=] { return std::vector<Floats>{*c}; }};
}

/** A layer of the network that Adam trains; `h` are its results after the relu, `d` their slopes. */
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
    product({x, from, false}, {w.data(), from, true}, h.data(), rows, from, to);
    for (int i = 0; i < rows; i++)
      for (int o = 0; o < to; o++) {
        const float z = h[i * to + o] + b[o];
        h[i * to + o] = relu && z < 0 ? 0 : z;
      }
  }
  void gradients(const float* x, int rows) {
    product({d.data(), to, true}, {x, from, false}, dw.data(), to, rows, from);
    std::fill(db.begin(), db.end(), 0.f);
    for (int i = 0; i < rows; i++)
      for (int o = 0; o < to; o++) db[o] += d[i * to + o];
  }
  void slopes(Wide& before, int rows) const {
    product({d.data(), to, false}, {w.data(), from, false}, before.d.data(), rows, to, from);
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
