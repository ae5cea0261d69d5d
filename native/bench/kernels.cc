// Benchmarks products, convolutions and kernels along rows without another library, natively and in WebAssembly
// (`node tools/wasm.mjs bench`): processor time, minima of many alternating rounds.
//
//   kernels [word that a line must contain]
#include <cstdio>
#include <functional>

#include "../src/pool.h"
#include "clock.h"

using namespace flambeau;

namespace {

constexpr DType f = DType::float32;
/** Elements of a line of the cache. */
constexpr size_t line = 16;

struct Case {
  std::string name;
  /** Multiplications and additions, or elements. */
  double work;
  /** Each from the first line of the cache in it on, as buffers of tensors are. */
  std::vector<std::vector<float>> memory{};
  std::vector<int32_t> classes{};
  std::vector<Row> rows{};
  std::vector<int32_t> sizes{}, aSteps{}, bSteps{};
  Contract product{};
  CompositeOp composite{};
  bool isProduct = true;

  void add(int64_t count) {
    memory.emplace_back(static_cast<size_t>(count + line));
    for (size_t i = 0; i < memory.back().size(); i++) memory.back()[i] = static_cast<float>(i * 7919 % 1000) / 500 - 1;
  }
  /** The rows of all that was added. */
  void prepare() {
    for (auto& values : memory) {
      const size_t past = reinterpret_cast<uintptr_t>(values.data()) / sizeof(float) % line, first = past == 0 ? 0 : line - past;
      rows.push_back({reinterpret_cast<char*>(values.data() + first), static_cast<int64_t>((values.size() - line) * sizeof(float))});
    }
    if (!classes.empty()) rows[1] = {reinterpret_cast<char*>(classes.data()), static_cast<int64_t>(classes.size()) * 4};
    product.sizes = sizes.data();
    product.a.steps = aSteps.data();
    product.b.steps = bSteps.data();
  }
  void run(const Kernels& kernels) const {
    const Memory all{rows.data(), static_cast<int32_t>(rows.size()), nullptr, 0};
    isProduct ? kernels.contract(product, all, nullptr) : kernels.composite(composite, all);
  }
};

Case contraction(const std::string& name, std::vector<int32_t> sizes, int32_t batch, int32_t rows, int32_t columns,
                 int32_t sum, std::vector<int32_t> a, std::vector<int32_t> b, int64_t aCount, int64_t bCount) {
  Case it{name, 0};
  int64_t count[4] = {1, 1, 1, 1};
  const int32_t depths[] = {batch, rows, columns, sum};
  for (int32_t k = 0, d = 0; k < 4; k++)
    for (int32_t i = 0; i < depths[k]; i++) count[k] *= sizes[d++];
  it.work = 2.0 * count[0] * count[1] * count[2] * count[3];
  it.sizes = sizes;
  it.aSteps = a;
  it.bSteps = b;
  it.product = Contract{f, batch, rows, columns, sum, nullptr, count[0], count[1], count[2], count[3],
                        {{0, f, 0}, nullptr}, {{1, f, 0}, nullptr}, {2, f, 0}, 0, nullptr, 0, nullptr, -1};
  it.add(aCount);
  it.add(bCount);
  it.add(count[0] * count[1] * count[2]);
  return it;
}

/** m x k times k x n; `turnA`, `turnB`: the factor lies transposed. */
Case product(const std::string& name, int32_t m, int32_t k, int32_t n, bool turnA = false, bool turnB = false) {
  return contraction(name + " " + std::to_string(m) + " x " + std::to_string(k) + " x " + std::to_string(n), {m, n, k}, 0, 1, 1, 1,
                     {turnA ? 1 : k, turnA ? m : 1}, {turnB ? 1 : n, turnB ? k : 1}, int64_t{m} * k, int64_t{k} * n);
}

/** Windows of `size` by `size` over images that have their zeros around them already. */
Case convolution(int32_t images, int32_t in, int32_t out, int32_t side, int32_t size) {
  const int32_t high = side + size - 1, plane = high * high;
  return contraction("convolution " + std::to_string(images) + " x " + std::to_string(in) + " to " + std::to_string(out) + " of " +
                         std::to_string(side) + ", " + std::to_string(size) + " x " + std::to_string(size),
                     {images, out, side, side, in, size, size}, 1, 1, 2, 3, {0, in * size * size, size * size, size, 1},
                     {in * plane, plane, high, 1, high, 1}, int64_t{out} * in * size * size, int64_t{images} * in * plane);
}

/** The gradient of such a convolution by its weight. */
Case by_weight(int32_t images, int32_t in, int32_t out, int32_t side, int32_t size) {
  const int32_t high = side + size - 1, plane = high * high, count = side * side;
  return contraction("by weight " + std::to_string(images) + " x " + std::to_string(in) + " to " + std::to_string(out) + " of " +
                         std::to_string(side) + ", " + std::to_string(size) + " x " + std::to_string(size),
                     {out, in, size, size, images, side, side}, 0, 1, 3, 3, {count, out * count, side, 1},
                     {in * plane, high, 1, plane, high, 1}, int64_t{images} * out * count, int64_t{images} * in * plane);
}

Case rows(const std::string& name, Composite kind, int32_t outer, int32_t n) {
  Case it{name + " " + std::to_string(outer) + " x " + std::to_string(n), double(outer) * n};
  it.isProduct = false;
  it.composite = CompositeOp{kind, f, outer, n, 1, {-100}, {}, {}};
  const int64_t all = int64_t{outer} * n;
  const bool isLoss = kind == Composite::crossEntropy, isBack = kind == Composite::crossEntropyBackward;
  const int64_t counts[] = {all, isLoss || isBack ? outer : all, isBack ? outer : all, outer, outer, all};
  const int32_t operands = isBack ? 6 : isLoss ? 5 : 3;
  for (int32_t i = 0; i < operands; i++) {
    it.add(counts[i]);
    it.composite.operands[i] = {i, i == 1 && (isLoss || isBack) ? DType::int32 : f, 0};
    it.composite.steps[i] = 1;
  }
  if (isLoss || isBack)
    for (int32_t i = 0; i < outer; i++) it.classes.push_back(i * 31 % n);
  if (isBack) for (auto& x : it.memory[3]) x = 7;
  return it;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int32_t n : {64, 256, 512, 1024}) all.push_back(product("product", n, n, n));
  all.push_back(product("layer", 64, 784, 256, false, true));
  all.push_back(product("weight of layer", 256, 64, 784, true, false));
  all.push_back(product("input of layer", 64, 256, 784));
  all.push_back(product("last layer", 64, 128, 10, false, true));
  all.push_back(product("weight of last layer", 10, 64, 128, true, false));
  all.push_back(product("matrix and column", 1000, 1000, 1));
  all.push_back(product("row and matrix", 1, 1000, 1000));
  all.push_back(product("matrix and column", 569, 30, 1));
  all.push_back(product("row and matrix", 1, 569, 30));
  all.push_back(convolution(16, 16, 16, 32, 3));
  all.push_back(convolution(16, 64, 64, 8, 3));
  all.push_back(convolution(16, 3, 16, 32, 3));
  all.push_back(convolution(16, 1, 6, 28, 5));
  all.push_back(by_weight(16, 1, 6, 28, 5));
  all.push_back(rows("softmax", Composite::softmax, 1024, 1000));
  all.push_back(rows("softmax", Composite::softmax, 64, 10));
  all.push_back(rows("logarithm of softmax", Composite::logSoftmax, 1024, 1000));
  all.push_back(rows("cross entropy", Composite::crossEntropy, 1024, 1000));
  all.push_back(rows("its gradient", Composite::crossEntropyBackward, 1024, 1000));
  return all;
}

}  // namespace

int main(int count, char** words) {
  set_threads(1);
  std::vector<std::pair<std::string, std::function<void(const Kernels&)>>> bodies;
  std::vector<double> work;
  std::vector<Case> all;
  for (Case& each : cases())
    if (count < 2 || each.name.find(words[1]) != std::string::npos) all.push_back(std::move(each));
  for (Case& each : all) {
    each.prepare();
    bodies.emplace_back(each.name, [&each](const Kernels& kernels) { each.run(kernels); });
    work.push_back(each.work);
  }
  race(bodies, work);
}
