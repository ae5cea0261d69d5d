// A network of small layers trained by full-batch SGD. A lane is a row, so each element of a weight is multiplied by a
// vector of rows. A few vectors of rows at a time go forward and back; their part of the gradient is summed by lanes.
#pragma once

#include "linear.hpp"

/** Vectors of rows per group. */
constexpr int group = 8;

/** Results and slopes of a layer for one vector of rows. */
template <int size> struct Units { Vec h[size], d[size]; };

/** A layer from `from` to `to`; `leak` is its activation's slope below 0. */
template <int from, int to> struct Dense {
  float leak;
  Floats w, b;
  Vec dw[to * from] = {}, db[to] = {};
  Units<to> units[group];

  Dense(Inputs& in, const std::string& name, float leak) : leak(leak), w(in[name + "weight"]), b(in[name + "bias"]) {}

  void forward(const Vec (&x)[from], int v) {
    for (int o = 0; o < to; o++) {
      Vec z = all(b[o]);
      for (int k = 0; k < from; k++) z += w[o * from + k] * x[k];
      units[v].h[o] = leak == 1 ? z : larger(z, z * leak);
    }
  }
  /** The slopes of the layer before, whose results are x. */
  void back(Units<from>& before, float leakBefore, int v) const {
    for (int k = 0; k < from; k++) {
      Vec z = {};
      for (int o = 0; o < to; o++) z += w[o * from + k] * units[v].d[o];
      before.d[k] = before.h[k] > 0 ? z : z * leakBefore;
    }
  }
  /** Adds to sums for `high` outputs from o on, which stay in registers. */
  template <int high> void add(int o, const Vec* x, int step) {
    Vec sums[high][from], whole[high];
    memcpy(sums, dw + o * from, sizeof sums);
    memcpy(whole, db + o, sizeof whole);
    for (int v = 0; v < group; v++, x += step)
      for (int r = 0; r < high; r++) {
        const Vec d = units[v].d[o + r];
        whole[r] += d;
        for (int k = 0; k < from; k++) sums[r][k] += d * x[k];
      }
    memcpy(dw + o * from, sums, sizeof sums);
    memcpy(db + o, whole, sizeof whole);
  }
  void gradient(const Vec* x, int step) {
    if constexpr (to > 1)
      for (int o = 0; o + 1 < to; o += 2) add<2>(o, x, step);
    if constexpr (to % 2 == 1) add<1>(to - 1, x, step);
  }
  void descend(float rate) {
    constexpr int size = from * to;
    for (int i = 0; i < size; i += lanes) {
      const Vec sums = across([&](int r) { return dw[std::min(i + r, size - 1)]; }, plus);
      for (int r = 0; r < lanes && i + r < size; r++) w[i + r] -= rate * sums[r];
    }
    for (int o = 0; o < to; o++) b[o] -= rate * sum(db[o]);
    memset(dw, 0, sizeof dw);
    memset(db, 0, sizeof db);
  }
};

struct BostonMlp {
  static constexpr int features = 13, rows = group * lanes, wide = (features + lanes - 1) / lanes * lanes;
  Table table;
  Dense<13, 10> first;
  Dense<10, 5> second;
  Dense<5, 1> third;
  float loss;

  BostonMlp(Inputs& in)
      : table(in, rows, features), first(in, "0.", .01f), second(in, "2.", .01f), third(in, "4.", 1) {}

  void step() {
    Vec losses = {}, columns[group][wide];
    for (int i = 0; i < table.blocks * rows; i += rows) {
      for (int v = 0; v < group; v++) {
        const float* x = &table.x[(i + v * lanes) * features];
        for (int k = 0; k < wide; k += lanes) {
          for (int r = 0; r < lanes; r++) columns[v][k + r] = part(x + r * features + k, features - k);
          transpose(columns[v] + k);
        }
        first.forward(*(Vec(*)[features])columns[v], v);
        second.forward(first.units[v].h, v);
        third.forward(second.units[v].h, v);
        const int at = i + v * lanes;
        const Judged judged = squares(third.units[v].h[0], load(&table.y[at]), load(&table.share[at]));
        losses += judged.loss;
        third.units[v].d[0] = judged.slope;
        third.back(second.units[v], second.leak, v);
        second.back(first.units[v], first.leak, v);
      }
      third.gradient(second.units[0].h, 2 * 5);
      second.gradient(first.units[0].h, 2 * 10);
      first.gradient(columns[0], wide);
    }
    third.descend(1e-3f);
    second.descend(1e-3f);
    first.descend(1e-3f);
    loss = sum(losses);
  }
  std::vector<Floats> results() const { return {{loss}, first.w, first.b, second.w, second.b, third.w, third.b}; }
};
