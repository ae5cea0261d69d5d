// Kernels that nvcc made (kernels/kernels.cu), from the committed text and from one made now where nvcc is: their
// results against formulas in C++, in every order of blocks and warps, and what a correct kernel may not be blamed for.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>

#include "device.h"

namespace {

std::string folder() {
  const std::string file = __FILE__;
  return file.substr(0, file.rfind('/')) + "/kernels/";
}
std::string textOf(const std::string& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/** The text that nvcc makes now; empty where there is none. */
std::string compiled() {
  if (system("nvcc --version >/dev/null 2>&1") != 0) return "";
  const TemporaryFile made;
  const std::string command = "nvcc -arch=sm_80 -ptx -fmad=false -o " + made.path + " " + folder() + "kernels.cu";
  return system(command.c_str()) == 0 ? textOf(made.path) : "";
}

uint32_t seed = 7;
uint32_t draw() { return seed = seed * 1664525u + 1013904223u; }
std::vector<float> floats(size_t count) {
  std::vector<float> x(count);
  for (float& each : x)
    each = static_cast<float>(static_cast<int>(draw() >> 8) - (1 << 23)) / static_cast<float>(1 << 22);
  return x;
}

template <class T> void compare(const std::vector<T>& got, const std::vector<T>& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); i++) {
    const auto a = static_cast<double>(got[i]), b = static_cast<double>(want[i]);
    const bool same = a == b || (a != a && b != b) || std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
    INFO("element " << i);
    if (!same) CHECK(a == b);
  }
}

void checkSaxpy(const Program& program) {
  const int n = 1000;
  const std::vector<float> x = floats(n), y = floats(n);
  Buffer<float> bx(x), by(y);
  must(ran(program.function("saxpy"), {3, 96}, by.address, bx.address, 2.5f, n));
  std::vector<float> want(n);
  // The product is rounded, because the compiler was told not to fuse.
  for (size_t i = 0; i < want.size(); i++) {
    const volatile float product = 2.5f * x[i];
    want[i] = product + y[i];
  }
  compare(by.read(), want, 0);
}

void checkMatmul(const Program& program) {
  const int m = 45, n = 70, k = 50;
  const std::vector<float> a = floats(m * k), b = floats(k * n);
  Buffer<float> ba(a), bb(b), bc(m * n);
  int sizes[] = {m, n, k};
  void* list[] = {&bc.address, &ba.address, &bb.address, &sizes[0], &sizes[1], &sizes[2]};
  must(cuLaunchKernel(program.function("matmul"), 3, 2, 1, 256, 1, 1, 0, nullptr, list, nullptr));
  std::vector<float> want(m * n);
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++) {
      float sum = 0;
      for (int l = 0; l < k; l++) {
        const volatile float product = a[static_cast<size_t>(i * k + l)] * b[static_cast<size_t>(l * n + j)];
        sum += product;
      }
      want[static_cast<size_t>(i * n + j)] = sum;
    }
  }
  compare(bc.read(), want, 0);
}

void checkSoftmax(const Program& program) {
  const int rows = 5, n = 200;
  const std::vector<float> x = floats(rows * n);
  Buffer<float> in(x), out(rows * n);
  must(ran(program.function("softmax"), {rows, 128, 16}, out.address, in.address, n));
  std::vector<float> want(rows * n);
  for (int r = 0; r < rows; r++) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += std::exp(static_cast<double>(x[static_cast<size_t>(r * n + i)]));
    for (int i = 0; i < n; i++) {
      const auto at = static_cast<size_t>(r * n + i);
      want[at] = static_cast<float>(std::exp(static_cast<double>(x[at])) / sum);
    }
  }
  compare(out.read(), want, 1e-6);
}

void checkSort(const Program& program) {
  const int n = 200;
  std::vector<float> x = floats(n);
  for (float& each : x) each = std::floor(each * 10);
  std::vector<int> places(n);
  std::iota(places.begin(), places.end(), 0);
  Buffer<float> values(x);
  Buffer<int> order(n);
  must(ran(program.function("sort"), {1, 256}, values.address, order.address, n));
  std::stable_sort(places.begin(), places.end(),
                   [&](int a, int b) { return x[static_cast<size_t>(a)] < x[static_cast<size_t>(b)]; });
  compare(order.read(), places, 0);
}

void checkHistogram(const Program& program) {
  const int n = 3000;
  std::vector<uint8_t> x(n);
  std::vector<int> want(256, 0);
  for (uint8_t& each : x) want[each = static_cast<uint8_t>(draw() >> 24)]++;
  Buffer<uint8_t> in(x);
  Buffer<int> counts(std::vector<int>(256, 0));
  must(ran(program.function("histogram"), {4, 256}, counts.address, in.address, n));
  compare(counts.read(), want, 0);
}

void checkTotal(const Program& program) {
  const int n = 500;
  const std::vector<float> x(n, 0.5f);
  Buffer<float> in(x), parts(6), out(1);
  Buffer<unsigned> done(std::vector<unsigned>(1, 0));
  must(ran(program.function("total"), {6, 32}, out.address, parts.address, done.address, in.address, n));
  CHECK(out.read()[0] == 250);
}

void checkFunctions(const Program& program) {
  std::vector<float> x = {0.0f, -0.0f, 1.0f,   -1.0f, 0.5f,   3.3f,     -2.7f,     100.0f,
                          1e6f, 1e-3f, 7e-39f, 88.0f, -88.0f, INFINITY, -INFINITY, NAN};
  const int n = static_cast<int>(x.size());
  Buffer<float> in(x), out(x.size() * 12);
  must(ran(program.function("singles"), {1, 32}, out.address, in.address, n));
  using F = std::function<double(double)>;
  const F singles[] = {[](double a) { return std::sin(a); },
                       [](double a) { return std::cos(a); },
                       [](double a) { return std::exp(a); },
                       [](double a) { return std::log(a); },
                       [](double a) { return std::tanh(a); },
                       [](double a) { return std::erf(a); },
                       [](double a) { return std::pow(std::fabs(a), static_cast<double>(1.7f)); },
                       [](double a) { return std::fmod(a, static_cast<double>(0.7f)); },
                       [](double a) { return std::sqrt(a); },
                       [](double a) { return 1 / a; },
                       [](double a) { return 1 / std::sqrt(a); },
                       [](double a) { return std::nearbyint(a); }};
  std::vector<float> want;
  for (const F& f : singles) {
    for (const float a : x) want.push_back(static_cast<float>(f(static_cast<double>(a))));
  }
  compare(out.read(), want, 1e-6);
  std::vector<double> y(x.begin(), x.end());
  Buffer<double> in64(y), out64(y.size() * 7);
  must(ran(program.function("doubles"), {1, 32}, out64.address, in64.address, n));
  const F doubles[] = {[](double a) { return std::sin(a); },
                       [](double a) { return std::exp(a); },
                       [](double a) { return std::log(a); },
                       [](double a) { return std::pow(std::fabs(a), 1.7); },
                       [](double a) { return std::fmod(a, 0.7); },
                       [](double a) { return std::sqrt(a); },
                       [](double a) { return 1 / a; }};
  std::vector<double> want64;
  for (const F& f : doubles) {
    for (const double a : y) want64.push_back(f(a));
  }
  compare(out64.read(), want64, 1e-14);
}

void checkIntegers(const Program& program) {
  std::vector<int64_t> x, y;
  for (int i = 0; i < 32; i++) {
    x.push_back(static_cast<int64_t>(uint64_t{draw()} << 32 | draw()) >> (i % 5 * 9));
    y.push_back(static_cast<int64_t>(uint64_t{draw()} << 32 | draw()) >> (i % 4 * 15));
  }
  const int n = 32;
  Buffer<int64_t> bx(x), by(y), out(16 * n);
  must(ran(program.function("integers"), {1, 32}, out.address, bx.address, by.address, n));
  std::vector<int64_t> want(16 * n);
  for (size_t i = 0; i < n; i++) {
    const int64_t a = x[i], b = y[i];
    const auto c = static_cast<int32_t>(a), d = static_cast<int32_t>(b);
    const auto e = static_cast<uint32_t>(a), f = static_cast<uint32_t>(b);
    const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
    int64_t chosen;
    switch (d & 7) {
      case 0:
        chosen = 11;
        break;
      case 1:
        chosen = c;
        break;
      case 2:
        chosen = __builtin_popcountll(ua);
        break;
      case 3:
        chosen = e == 0 ? 32 : __builtin_clz(e);
        break;
      case 4: {
        uint32_t reversed = 0;
        for (int k = 0; k < 32; k++) reversed |= (e >> k & 1) << (31 - k);
        chosen = reversed;
        break;
      }
      case 5:
        chosen = static_cast<int32_t>(int64_t{c} * d >> 32);
        break;
      case 6:
        chosen = __builtin_ffs(c);
        break;
      default: {
        const uint64_t both = uint64_t{f} << 32 | e;
        uint32_t bytes = 0;
        const int from[] = {2, 7, 1, 6};
        for (int k = 0; k < 4; k++) bytes |= static_cast<uint32_t>(both >> (8 * from[k]) & 255) << (8 * k);
        // An int in CUDA C++, as the others.
        chosen = bytes;
      }
    }
    const int64_t results[] = {static_cast<int64_t>(ua + ub),
                               static_cast<int64_t>(ua * ub),
                               a / b,
                               a % b,
                               a >> (b & 63),
                               static_cast<int64_t>(ua << (b & 63)),
                               c / d,
                               c % d,
                               e / f,
                               e % f,
                               static_cast<int64_t>(static_cast<__int128>(a) * b >> 64),
                               static_cast<int32_t>(e * static_cast<uint32_t>(d & 7)),
                               chosen,
                               static_cast<int8_t>(c),
                               static_cast<uint16_t>(e),
                               a < 0 ? -a : a};
    for (size_t k = 0; k < 16; k++) want[k * n + i] = results[k];
  }
  compare(out.read(), want, 0);
}

void checkStaged(const Program& program) {
  const std::vector<float> x = floats(256);
  Buffer<float> in(x), out(256);
  must(ran(program.function("staged"), {1, 64}, out.address, in.address));
  std::vector<float> want(x.rbegin(), x.rend());
  compare(out.read(), want, 0);
}

void checkAll(const std::string& text) {
  open();
  const Program program(text);
  checkSaxpy(program);
  checkMatmul(program);
  checkSoftmax(program);
  checkSort(program);
  checkHistogram(program);
  checkTotal(program);
  checkFunctions(program);
  checkIntegers(program);
  checkStaged(program);
}

}  // namespace

TEST_CASE("kernels that nvcc made are right, in the order of their blocks and warps") {
  const Environment environment;
  checkAll(textOf(folder() + "kernels.ptx"));
}
TEST_CASE("kernels that nvcc made are right with blocks and warps in reversed order") {
  const Environment environment({"ORDER=reversed"});
  checkAll(textOf(folder() + "kernels.ptx"));
}
TEST_CASE("kernels that nvcc made are right with blocks and warps in random orders") {
  for (const char* order : {"ORDER=random:1", "ORDER=random:2"}) {
    const Environment environment({order});
    checkAll(textOf(folder() + "kernels.ptx"));
  }
}
TEST_CASE("each barrier of the kernels that is taken away is found as a race") {
  const std::string text = textOf(folder() + "kernels.ptx"), barrier = "bar.sync";
  int barriers = 0;
  for (size_t at = text.find(barrier); at != std::string::npos; at = text.find(barrier, at + 1)) {
    const Environment environment;
    open();
    std::string broken = text;
    broken.replace(at, barrier.size(), "//");
    const Program program(broken);
    const int n = 200, rows = 4;
    const Buffer<float> x(floats(40000)), y(40000);
    const Buffer<int> counts(std::vector<int>(256, 0));
    const Buffer<uint8_t> bytes(std::vector<uint8_t>(1000, 3));
    const Buffer<unsigned> done(std::vector<unsigned>(1, 0));
    const CUfunction softmax = program.function("softmax"), matmul = program.function("matmul");
    const CUfunction histogram = program.function("histogram"), total = program.function("total");
    const CUfunction staged = program.function("staged"), sort = program.function("sort");
    // After a fault every launch returns its code.
    ran(softmax, {rows, 128, 16}, y.address, x.address, n);
    ran(matmul, {1, 256}, y.address, x.address, x.address, 32, 32, 64);
    ran(histogram, {2, 256}, counts.address, bytes.address, 1000);
    ran(total, {3, 64}, y.address, y.address + 64, done.address, x.address, 999);
    ran(staged, {1, 64}, y.address, x.address);
    const CUresult code = ran(sort, {1, 256}, x.address, y.address, n);
    CAPTURE(barriers);
    CAPTURE(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n') + 1);
    CHECK(code == CUDA_ERROR_LAUNCH_FAILED);
    const std::string why = fakecudaLastFault();
    CHECK((why.find("race") != std::string::npos || why.find("never written") != std::string::npos));
    barriers++;
  }
  CHECK(barriers > 8);
}
TEST_CASE("kernels that nvcc makes now are right") {
  const std::string text = compiled();
  if (text.empty()) {
    MESSAGE("SKIPPED: there is no nvcc; the committed text was tried");
    return;
  }
  const Environment environment;
  checkAll(text);
}
