// Times the interpreter of PTX (test/cuda): the parsing of the committed kernels, and a product of 256 x 256 x 256 with
// all checks, without counts and with them. In native:
//   g++ -std=c++17 -O2 -frounding-math -ffp-contract=off bench/ptx.cc $(ls test/cuda/*.cc | grep -v _test) -o ptx &&
//   ./ptx
#include "../test/cuda/ptx.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace flambeau::ptx;

namespace {

template <class F> double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int count, char** arguments) {
  std::ifstream file(count > 1 ? arguments[1] : "test/cuda/kernels/kernels.ptx");
  std::stringstream text;
  text << file.rdbuf();
  constexpr uint64_t limit = 1 << 30;
  constexpr int n = 256;
  Memory memory;
  std::unique_ptr<Module> module;
  const double parsing = seconds([&] { module = parse(text.str(), 0, memory, limit); });
  printf("%zu KB parsed in %.1f ms\n", text.str().size() / 1024, parsing * 1e3);
  Kernel& kernel = *module->kernels.at("matmul");
  const std::vector<float> values(n * n, 0.5f);
  Launch launch;
  launch.parameters.resize(static_cast<size_t>(kernel.parameterBytes));
  for (size_t i = 0; i < 3; i++) {
    const uint64_t address = memory.allocate(0, 4 * n * n, limit)->base;
    memory.write(address, values.data(), 4 * n * n);
    memcpy(launch.parameters.data() + 8 * i, &address, 8);
    memcpy(launch.parameters.data() + 24 + 4 * i, &n, 4);
  }
  const uint32_t grid[] = {n / 32, n / 32, 1}, block[] = {256, 1, 1};
  memcpy(launch.grid, grid, sizeof grid);
  memcpy(launch.block, block, sizeof block);
  for (const bool counts : {false, true}) {
    Options options;
    options.counts = counts;
    double best = 1e9;
    uint64_t instructions = 0;
    for (int round = 0; round < 7; round++) {
      best = std::min(best, seconds([&] { instructions = run(kernel, launch, memory, options); }));
    }
    printf("%s counts: %.2f million instructions of warps a second\n", counts ? "with" : "without",
           static_cast<double>(instructions) / best / 1e6);
  }
}
