// The floors in C++: plain loops in float32 that g++ -O3 -march=native -ffast-math turns into vectors. A subject that
// speaks the protocol of src/serve.ts: one question a line on stdin, one answer a line on stdout.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <regex>

#include "floor.hpp"
#include "products.hpp"

/** A layer from `from` to `to` with its results, slopes and gradients; `leak` is its activation's slope below 0. */
template <int from, int to> struct Dense {
  int rows;
  float leak;
  Floats w, b, h, d;

  Dense(Inputs& in, const std::string& name, int rows, float leak)
      : rows(rows), leak(leak), w(in[name + "weight"]), b(in[name + "bias"]), h(rows * to), d(rows * to) {}

  void forward(const float* x) {
    for (int i = 0; i < rows; i++)
      for (int o = 0; o < to; o++) {
        float z = b[o];
        for (int k = 0; k < from; k++) z += x[i * from + k] * w[o * from + k];
        h[i * to + o] = z > 0 ? z : leak * z;
      }
  }
  /** The slopes of the layer before. */
  void back(Floats& dx, const Floats& x, float leakBefore) const {
    for (int i = 0; i < rows; i++)
      for (int k = 0; k < from; k++) {
        float z = 0;
        for (int o = 0; o < to; o++) z += d[i * to + o] * w[o * from + k];
        dx[i * from + k] = x[i * from + k] > 0 ? z : leakBefore * z;
      }
  }
  void descend(const float* x, float rate) {
    float dw[to * from] = {}, db[to] = {};
    for (int i = 0; i < rows; i++)
      for (int o = 0; o < to; o++) {
        const float di = d[i * to + o];
        for (int k = 0; k < from; k++) dw[o * from + k] += di * x[i * from + k];
        db[o] += di;
      }
    for (int k = 0; k < to * from; k++) w[k] -= rate * dw[k];
    for (int o = 0; o < to; o++) b[o] -= rate * db[o];
  }
};

/** The mean of the squared errors; `d` becomes its slopes. */
float squares(const Floats& h, const Floats& y, Floats& d) {
  float loss = 0;
  for (size_t i = 0; i < y.size(); i++) {
    const float error = h[i] - y[i];
    loss += error * error;
    d[i] = 2 * error / y.size();
  }
  return loss / y.size();
}

/** As PyTorch has it: logarithms cut off at -100, the slope by the quotient and the sigmoid's slope. */
float logistic(const Floats& z, const Floats& y, Floats& d) {
  float loss = 0;
  for (size_t i = 0; i < y.size(); i++) {
    const float p = 1 / (1 + std::exp(-z[i])), q = 1 - p;
    loss -= y[i] * std::max(std::log(p), -100.f) + (1 - y[i]) * std::max(std::log(q), -100.f);
    d[i] = (p - y[i]) / std::max(p * q, 1e-12f) * (p * q) / y.size();
  }
  return loss / y.size();
}

template <int features> Ready linear(Inputs& in, const std::string& name, float rate,
                                     float (*criterion)(const Floats&, const Floats&, Floats&)) {
  auto layer = std::make_shared<Dense<features, 1>>(in, name, in["y"].size(), 1);
  auto loss = std::make_shared<float>();
  auto step = [=, x = in["x"], y = in["y"]] {
    layer->forward(x.data());
    *loss = criterion(layer->h, y, layer->d);
    layer->descend(x.data(), rate);
  };
  return {step, [=] { return std::vector<Floats>{{*loss}, layer->w, layer->b}; }};
}

Ready bostonMlp(Inputs& in) {
  const int rows = in["y"].size();
  auto first = std::make_shared<Dense<13, 10>>(in, "0.", rows, .01f);
  auto second = std::make_shared<Dense<10, 5>>(in, "2.", rows, .01f);
  auto third = std::make_shared<Dense<5, 1>>(in, "4.", rows, 1);
  auto loss = std::make_shared<float>();
  auto step = [=, x = in["x"], y = in["y"]] {
    first->forward(x.data());
    second->forward(first->h.data());
    third->forward(second->h.data());
    *loss = squares(third->h, y, third->d);
    third->back(second->d, second->h, .01f);
    second->back(first->d, first->h, .01f);
    third->descend(second->h.data(), 1e-3f);
    second->descend(first->h.data(), 1e-3f);
    first->descend(x.data(), 1e-3f);
  };
  return {step,
          [=] { return std::vector<Floats>{{*loss}, first->w, first->b, second->w, second->b, third->w, third->b}; }};
}

Ready activation(Inputs& in) {
  auto sum = std::make_shared<float>();
  auto slopes = std::make_shared<Floats>(in["x"].size());
  auto step = [=, x = in["x"]] {
    const int n = x.size();
    float* dx = slopes->data();
    double total = 0;
    for (int i = 0; i < n; i++) {
      const float e = std::exp(2 * (1.5f * x[i] + .5f)), t = 1 - 2 / (e + 1), s = 1 / (1 + std::exp(-x[i]));
      total += t * s;
      dx[i] = 1.5f * (1 - t * t) * s + t * s * (1 - s);
    }
    *sum = total;
  };
  return {step, [=] { return std::vector<Floats>{{*sum}, *slopes}; }};
}

Ready crossEntropy(Inputs& in) {
  auto loss = std::make_shared<float>();
  auto slopes = std::make_shared<Floats>(in["x"].size());
  auto step = [=, x = in["x"], y = in["y"]] {
    const int rows = y.size();
    *loss = crossEntropyOf(x.data(), (const int*)y.data(), slopes->data(), rows, x.size() / rows);
  };
  return {step, [=] { return std::vector<Floats>{{*loss}, *slopes}; }};
}

Ready scalarGraph(Inputs& in) {
  auto out = std::make_shared<std::vector<Floats>>(3, Floats(1));
  // Volatile: a compiler may not take what does not change out of the loop over steps.
  auto step = [=, x = in["x"], y = in["y"]] {
    const volatile float &a = x[0], &b = y[0];
    const float p = a, q = b;
    float z[11] = {p}, dz = 1, dx = 0, dy = 0;
    for (int k = 0; k < 10; k++) z[k + 1] = z[k] * q + p;
    for (int k = 9; k >= 0; k--) {
      dx += dz;
      dy += dz * z[k];
      dz *= q;
    }
    const float results[] = {z[10], dx + dz, dy};
    for (int i = 0; i < 3; i++) *(volatile float*)&(*out)[i][0] = results[i];
  };
  return {step, [=] { return *out; }};
}

constexpr int shape[] = {1000, 1000, 10};

/** Over an axis of `n`, around which are `outer` and `inner`; the last axis is short, and its size known. */
template <typename Take> Ready reduction(Inputs& in, int outer, int n, int inner, float start, float scale, Take take) {
  auto out = std::make_shared<Floats>(outer * inner);
  auto step = [=, x = in["x"]] {
    float* to = out->data();
    if (inner == 1) {
      for (int i = 0; i < outer; i++) {
        float m = start;
        for (int k = 0; k < shape[2]; k++) m = take(m, x[i * shape[2] + k]);
        to[i] = m * scale;
      }
      return;
    }
    for (int i = 0; i < outer; i++) {
      float* sums = to + i * inner;
      for (int j = 0; j < inner; j++) sums[j] = start;
      for (int k = 0; k < n; k++)
        for (int j = 0; j < inner; j++) sums[j] = take(sums[j], x[(i * n + k) * inner + j]);
      for (int j = 0; j < inner; j++) sums[j] *= scale;
    }
  };
  return {step, [=] { return std::vector<Floats>{*out}; }};
}

Ready reductionNamed(Inputs& in, const std::string& fn, int dim) {
  const int n = shape[dim];
  const int outer = dim == 0 ? 1 : dim == 1 ? shape[0] : shape[0] * shape[1];
  const int inner = shape[0] * shape[1] * shape[2] / n / outer;
  if (fn == "max") return reduction(in, outer, n, inner, -INFINITY, 1, [](float a, float b) { return std::max(a, b); });
  return reduction(in, outer, n, inner, 0, fn == "mean" ? 1.f / n : 1, [](float a, float b) { return a + b; });
}

const std::map<std::string, std::function<Ready(Inputs&)>> floors = {
    {"boston", [](Inputs& in) { return linear<13>(in, "", 1e-3f, squares); }},
    {"breast-cancer", [](Inputs& in) { return linear<30>(in, "0.", 1e-2f, logistic); }},
    {"boston-mlp", bostonMlp},
    {"mlp", mlp},
    {"matmul-64", matmul},
    {"matmul-256", matmul},
    {"matmul-512", matmul},
    {"matmul-1024", matmul},
    {"activation", activation},
    {"cross-entropy", crossEntropy},
    {"scalar-graph", scalarGraph},
};

/** A floor by its name; without a step where there is none. */
Ready make(const std::string& name, Inputs& in) {
  std::smatch match;
  if (std::regex_match(name, match, std::regex("(sum|mean|max)-([012])")))
    return reductionNamed(in, match[1], std::stoi(match[2]));
  const auto found = floors.find(name);
  return found == floors.end() ? Ready{} : found->second(in);
}

Floats read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  const float* data = reinterpret_cast<const float*>(bytes.data());
  return Floats(data, data + bytes.size() / sizeof(float));
}

std::string load(const std::string& line, Ready& ready) {
  std::smatch match;
  std::regex_search(line, match, std::regex("\"load\":\"([^\"]+)\""));
  const std::string name = match[1];
  const std::regex input("\"([^\"]+)\":\\{\"file\":\"([^\"]+)\"");
  Inputs in;
  for (std::sregex_iterator it(line.begin(), line.end(), input), end; it != end; ++it) in[(*it)[1]] = read((*it)[2]);
  ready = make(name, in);
  return ready.step ? "{}" : "{\"cannot\":\"no floor\"}";
}

std::string run(long n, const Ready& ready) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < n; i++) ready.step();
  const auto ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return "{\"ns\":" + std::to_string(ns) + ",\"peak\":" + std::to_string(usage.ru_maxrss * 1024L) + "}";
}

std::string write(const std::string& prefix, const Ready& ready) {
  const auto results = ready.results();
  for (size_t i = 0; i < results.size(); i++)
    std::ofstream(prefix + "." + std::to_string(i), std::ios::binary)
        .write(reinterpret_cast<const char*>(results[i].data()), results[i].size() * sizeof(float));
  return "{\"results\":" + std::to_string(results.size()) + "}";
}

int main() {
  Ready ready;
  for (std::string line; std::getline(std::cin, line);) {
    std::smatch match;
    std::string answer;
    if (line.rfind("{\"load\"", 0) == 0)
      answer = load(line, ready);
    else if (std::regex_search(line, match, std::regex("\"run\":(\\d+)")))
      answer = run(std::stol(match[1]), ready);
    else if (std::regex_search(line, match, std::regex("\"results\":\"([^\"]+)\"")))
      answer = write(match[1], ready);
    std::cout << answer << std::endl;
  }
}
