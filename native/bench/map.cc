// Benchmarks maps beside the speed of memory: processor time, minima of many alternating rounds.
//
//   map [threads] [word that a line must contain]
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../src/pool.h"
#include "clock.h"

using namespace flambeau;

namespace {

constexpr DType f = DType::float32;

/** A map over dense float32 inputs, and the memory that it needs. */
struct Case {
  std::string name;
  std::vector<int32_t> sizes;
  int inputs;
  std::vector<Code> codes;
  /** The value that is stored or reduced, and over which loops. */
  struct Out {
    int from;
    Reduce reduce;
    unsigned axes;
  };
  std::vector<Out> outs;

  std::vector<std::vector<float>> memory{};
  std::vector<std::vector<int32_t>> steps{};
  std::vector<Row> rows{};
  std::vector<Strided> in{};
  std::vector<MapOut> out{};

  int64_t elements() const {
    int64_t n = 1;
    for (int32_t size : sizes) n *= size;
    return n;
  }

  void prepare() {
    const int count = inputs + static_cast<int>(outs.size());
    for (int i = 0; i < count; i++) {
      const unsigned axes = i < inputs || outs[static_cast<size_t>(i - inputs)].reduce == Reduce::none
                                ? 0
                                : outs[static_cast<size_t>(i - inputs)].axes;
      std::vector<int32_t> row(sizes.size());
      int32_t step = 1;
      for (size_t l = sizes.size(); l-- > 0;) {
        row[l] = axes >> l & 1 ? 0 : step;
        step *= axes >> l & 1 ? 1 : sizes[l];
      }
      steps.push_back(row);
      memory.emplace_back(static_cast<size_t>(step));
      for (size_t j = 0; j < memory.back().size(); j++) memory.back()[j] = static_cast<float>(j % 1000) / 500 - 1;
    }
    for (int i = 0; i < count; i++) {
      std::vector<float>& values = memory[static_cast<size_t>(i)];
      rows.push_back({reinterpret_cast<char*>(values.data()), static_cast<int64_t>(values.size() * sizeof(float))});
      const Strided x{{i, f, 0}, steps[static_cast<size_t>(i)].data()};
      if (i < inputs) {
        in.push_back(x);
      } else {
        const Out& given = outs[static_cast<size_t>(i - inputs)];
        out.push_back({x, given.reduce, given.from});
      }
    }
  }

  void run(const Kernels& kernels) const {
    kernels.map(Map{static_cast<int32_t>(sizes.size()), sizes.data(), inputs, in.data(),
                    static_cast<int32_t>(out.size()), out.data(), static_cast<int32_t>(codes.size()), codes.data(), nullptr, false},
                Memory{rows.data(), static_cast<int32_t>(rows.size()), nullptr, 0});
  }
};

Code step(Step step, int dst, int a, int b = 0, int c = 0) { return {step, f, f, dst, a, b, c}; }
Code number(int dst, double x) {
  Code code = step(Step::constant, dst, 0);
  memcpy(&code.a, &x, sizeof x);
  return code;
}

/** 1 / (1 + e^-x) of input -1 into register `dst`; registers from `one` on are used. */
std::vector<Code> sigmoid(int dst, int one) {
  return {number(one, 1), step(Step::neg, dst, -1), step(Step::exp, dst, dst), step(Step::add, dst, dst, one),
          step(Step::div, dst, one, dst)};
}

std::vector<Code> together(std::vector<Code> a, const std::vector<Code>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/** tanh(1.5 x + 0.5) sigmoid(x) in register 2, its derivative in 3. */
std::vector<Code> activation() {
  return together(sigmoid(1, 4), {number(5, 1.5), number(6, 0.5), step(Step::fma, 0, -1, 5, 6), step(Step::tanh, 0, 0),
                                  step(Step::mul, 2, 0, 1), step(Step::mul, 3, 0, 0), step(Step::sub, 3, 4, 3),
                                  step(Step::mul, 3, 3, 5), step(Step::mul, 3, 3, 1), step(Step::sub, 7, 4, 1),
                                  step(Step::mul, 7, 2, 7), step(Step::add, 3, 3, 7)});
}

/** The loss and gradient of logistic regression: x the product, y the target. */
std::vector<Code> logistic() {
  return together(sigmoid(0, 1),
                  {step(Step::log, 2, 0), step(Step::mul, 2, -2, 2), step(Step::sub, 3, 1, 0), step(Step::log, 3, 3),
                   step(Step::sub, 4, 1, -2), step(Step::fma, 2, 4, 3, 2), step(Step::sub, 3, 0, -2)});
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int n : {16, 569, 1000000}) {
    const std::string of = " of " + std::to_string(n);
    all.push_back({"x * x" + of, {n}, 1, {step(Step::mul, 0, -1, -1)}, {{0, Reduce::none, 0}}});
    all.push_back({"exp" + of, {n}, 1, {step(Step::exp, 0, -1)}, {{0, Reduce::none, 0}}});
    all.push_back({"sigmoid" + of, {n}, 1, sigmoid(0, 1), {{0, Reduce::none, 0}}});
    all.push_back({"logistic" + of, {n}, 2, logistic(), {{2, Reduce::sum, 1}, {3, Reduce::none, 0}}});
    all.push_back(
        {"tanh sigmoid, sum, gradient" + of, {n}, 1, activation(), {{2, Reduce::sum, 1}, {3, Reduce::none, 0}}});
  }
  all.push_back({"sum of 569", {569}, 1, {}, {{-1, Reduce::sum, 1}}});
  all.push_back({"sum of rows 64 x 10", {64, 10}, 1, {}, {{-1, Reduce::sum, 2}}});
  for (Reduce fn : {Reduce::sum, Reduce::max}) {
    const std::string name = fn == Reduce::sum ? "sum" : "max";
    all.push_back({name + " of all", {10000000}, 1, {}, {{-1, fn, 1}}});
    all.push_back({name + " over axis 0", {1000, 10000}, 1, {}, {{-1, fn, 1}}});
    all.push_back({name + " over axis 1", {1000, 1000, 10}, 1, {}, {{-1, fn, 2}}});
    all.push_back({name + " over axis 2", {1000000, 10}, 1, {}, {{-1, fn, 2}}});
  }
  return all;
}

}  // namespace

int main(int count, char** words) {
  set_threads(count > 1 ? atoi(words[1]) : 1);
  std::vector<Case> all;
  for (Case& each : cases()) {
    if (count > 2 && each.name.find(words[2]) == std::string::npos) continue;
    all.push_back(each);
    all.back().prepare();
  }
  std::vector<std::pair<std::string, std::function<void(const Kernels&)>>> bodies;
  std::vector<double> work;
  for (const Case& each : all) {
    bodies.emplace_back(each.name, [&each](const Kernels& kernels) { each.run(kernels); });
    work.push_back(static_cast<double>(each.elements()));
  }
  race(bodies, work);
}
