// The most that vectors can do: sums of products in registers, without memory, in turn with matrix products, which are
// measured against it (`node tools/wasm.mjs bench roof`, `... roof_relaxed`).
#include <cstdio>

#include "../src/cpu/isa.h"
#include "../src/pool.h"
#include "clock.h"

using namespace flambeau;
using namespace flambeau::ISA;

namespace {

using V = Vec<float>;
constexpr int64_t turns = 20000;
/** Enough that none waits for its own results, and few enough for an engine's registers. */
constexpr int chains = 12;

/** What the compiler cannot know, so that it computes everything. */
volatile float unknown = 1;
volatile float result;

/** Each chain multiplies and adds, in one instruction where there is one. */
void sums(const Kernels&) {
  V x[chains];
  const V factor = splat<float>(unknown);
  for (V& one : x) one = factor;
  for (int64_t t = 0; t < turns; t++) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; i++) x[i] = add_product<float>(factor, x[i], factor);
  }
  V sum{};
  for (V& one : x) sum += one;
  result = sum[0];
}

/** A product of square matrices. */
struct Square {
  int32_t n, sizes[3], aSteps[2], bSteps[2];
  std::vector<float> a, b, c;

  explicit Square(int32_t n) : n(n), sizes{n, n, n}, aSteps{n, 1}, bSteps{1, n} {
    const size_t count = static_cast<size_t>(n) * static_cast<size_t>(n);
    a.assign(count, 0.5f);
    b.assign(count, 0.25f);
    c.resize(count);
  }
  double operations() const { return 2.0 * n * n * n; }
  void run(const Kernels& kernels) {
    const auto row = [](std::vector<float>& x) {
      return Row{reinterpret_cast<char*>(x.data()), static_cast<int64_t>(x.size() * sizeof(float))};
    };
    const Row rows[] = {row(a), row(b), row(c)};
    constexpr DType f = DType::float32;
    kernels.contract(Contract{f, 0, 1, 1, 1, sizes, 1, n, n, n, {{0, f, 0}, aSteps}, {{1, f, 0}, bSteps}, {2, f, 0}, 0,
                              nullptr, 0, nullptr, -1, nullptr, nullptr, nullptr},
                     Memory{rows, 3, nullptr, 0}, nullptr);
  }
};

}  // namespace

int main() {
  set_threads(1);
  std::vector<std::pair<std::string, std::function<void(const Kernels&)>>> bodies;
  std::vector<double> work;
  const double operations = 2.0 * turns * chains * lanes<float>;
  bodies.emplace_back("sums of products in registers", sums);
  work.push_back(operations);
  std::vector<Square> squares;
  for (int32_t n : {64, 128, 256, 384, 512, 1024}) squares.emplace_back(n);
  for (Square& square : squares) {
    const std::string name = "product of " + std::to_string(square.n);
    bodies.emplace_back(name, [&square](const Kernels& kernels) { square.run(kernels); });
    work.push_back(square.operations());
  }
  race(bodies, work);
}
