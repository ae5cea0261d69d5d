// Benchmarks products beside those of OpenBLAS, oneDNN and Eigen, if they are installed: medians of 15 alternating
// rounds in GF/s, and the ratio of the kernels' speed to that of the fastest other library.
//
//   gemm [threads] [word that a line must contain]
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../src/dispatch.h"
#include "../src/pool.h"

#if __has_include(<eigen3/Eigen/Core>)
#include <eigen3/Eigen/Core>
#define HAS_EIGEN
#endif

using namespace flambeau;

namespace {

const Kernels& chosen() {
  static std::string error;
  static const Kernels* const found = kernels(&error);
  if (found == nullptr) fprintf(stderr, "%s\n", error.c_str()), exit(1);
  return *found;
}

struct Case {
  const char* name;
  int m, k, n;
  bool turnA, turnB;
};

constexpr Case squares[] = {
    {"square 64", 64, 64, 64, false, false},         {"square 128", 128, 128, 128, false, false},
    {"square 192", 192, 192, 192, false, false},     {"square 256", 256, 256, 256, false, false},
    {"square 384", 384, 384, 384, false, false},     {"square 512", 512, 512, 512, false, false},
    {"square 768", 768, 768, 768, false, false},     {"square 1024", 1024, 1024, 1024, false, false},
    {"square 1536", 1536, 1536, 1536, false, false}, {"square 2048", 2048, 2048, 2048, false, false},
    {"square 512 A'", 512, 512, 512, true, false},   {"square 512 B'", 512, 512, 512, false, true},
};

/** Layers: the forward product, then the gradients of the weight and of the input. */
constexpr int layers[][3] = {{569, 30, 1},   {404, 13, 1},   {404, 13, 10}, {404, 10, 5},    {404, 5, 1},
                             {64, 784, 256}, {64, 256, 128}, {64, 128, 10}, {64, 1024, 1024}};

void* symbol(const std::vector<const char*>& files, const char* name) {
  for (const char* file : files) {
    if (void* library = dlopen(file, RTLD_NOW | RTLD_GLOBAL)) {
      if (void* found = dlsym(library, name)) return found;
    }
  }
  return nullptr;
}

const std::vector<const char*> openblas{"libopenblas.so.0"};
const std::vector<const char*> onednn{"libdnnl.so.3", "libdnnl.so.2"};

double seconds(const std::function<void()>& body, int times) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / times;
}

template <class T> constexpr DType dtype_of = sizeof(T) == 4 ? DType::float32 : DType::float64;

template <class T> void run(const Case& it) {
  const int m = it.m, n = it.n, k = it.k;
  std::vector<T> a(static_cast<size_t>(m) * k), b(static_cast<size_t>(k) * n), c(static_cast<size_t>(m) * n),
      d(c.size());
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<T>(rand() % 1000) / 1000;
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<T>(rand() % 1000) / 1000;

  const Row rows[] = {{reinterpret_cast<char*>(a.data()), static_cast<int64_t>(a.size() * sizeof(T))},
                      {reinterpret_cast<char*>(b.data()), static_cast<int64_t>(b.size() * sizeof(T))},
                      {reinterpret_cast<char*>(c.data()), static_cast<int64_t>(c.size() * sizeof(T))}};
  const Memory memory{rows, 3, nullptr, 0};
  const int32_t aSteps[] = {it.turnA ? 1 : k, it.turnA ? m : 1}, bSteps[] = {it.turnB ? 1 : n, it.turnB ? k : 1};
  const int32_t sizes[] = {m, n, k};
  const Contract product{dtype_of<T>, 0, 1, 1, 1, sizes, 1, m, n, k, {{0, dtype_of<T>, 0}, aSteps}, {{1, dtype_of<T>, 0}, bSteps},
                         {2, dtype_of<T>, 0}, 0, nullptr, 0, nullptr, -1};

  std::vector<std::pair<const char*, std::function<void()>>> bodies;
  bodies.emplace_back("own", [&] { chosen().contract(product, memory, nullptr); });
  using Cblas = void (*)(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);
  if (const auto gemm = reinterpret_cast<Cblas>(symbol(openblas, sizeof(T) == 4 ? "cblas_sgemm" : "cblas_dgemm"))) {
    bodies.emplace_back("OpenBLAS", [&, gemm] {
      gemm(101, it.turnA ? 112 : 111, it.turnB ? 112 : 111, m, n, k, 1, a.data(), it.turnA ? m : k, b.data(),
           it.turnB ? k : n, 0, d.data(), n);
    });
  }
  if constexpr (sizeof(T) == 4) {
    using Dnnl = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t,
                         float, float*, int64_t);
    if (const auto gemm = reinterpret_cast<Dnnl>(symbol(onednn, "dnnl_sgemm"))) {
      bodies.emplace_back("oneDNN", [&, gemm] {
        gemm(it.turnA ? 'T' : 'N', it.turnB ? 'T' : 'N', m, n, k, 1, a.data(), it.turnA ? m : k, b.data(),
             it.turnB ? k : n, 0, d.data(), n);
      });
    }
  }
#ifdef HAS_EIGEN
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  if (threads() == 1) {
    bodies.emplace_back("Eigen", [&] {
      // Column-major, which is Eigen's default: the same numbers seen as transposed.
      Eigen::Map<Matrix> x(a.data(), it.turnA ? m : k, it.turnA ? k : m),
          y(b.data(), it.turnB ? k : n, it.turnB ? n : k);
      Eigen::Map<Matrix> z(d.data(), n, m);
      if (it.turnA && it.turnB)
        z.noalias() = y.transpose() * x.transpose();
      else if (it.turnA)
        z.noalias() = y * x.transpose();
      else if (it.turnB)
        z.noalias() = y.transpose() * x;
      else
        z.noalias() = y * x;
    });
  }
#endif
  std::vector<std::vector<double>> times(bodies.size());
  std::vector<int> repeats;
  for (const auto& [name, body] : bodies) {
    body();
    repeats.push_back(std::max(1, static_cast<int>(3e-4 / seconds(body, 2))));
  }
  for (int round = 0; round < 15; ++round) {
    for (size_t i = 0; i < bodies.size(); ++i) times[i].push_back(seconds(bodies[i].second, repeats[i]));
  }
  for (size_t i = 0; i < c.size(); ++i) {
    if (std::abs(c[i] - d[i]) > 1e-3 * k && bodies.size() > 1) printf("WRONG at %zu: %g, not %g\n", i, c[i], d[i]);
    if (std::abs(c[i] - d[i]) > 1e-3 * k && bodies.size() > 1) break;
  }
  printf("%-8s %-24s", sizeof(T) == 4 ? "float32" : "float64", it.name);
  double own = 0, best = 0;
  for (size_t i = 0; i < bodies.size(); ++i) {
    std::nth_element(times[i].begin(), times[i].begin() + 7, times[i].end());
    const double speed = 2e-9 * m * n * k / times[i][7];
    printf("  %s %6.1f (%.2f us)", bodies[i].first, speed, times[i][7] * 1e6);
    if (i == 0)
      own = speed;
    else
      best = std::max(best, speed);
  }
  if (best > 0) printf("  %.2f", own / best);
  printf("\n");
  fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  const int wanted = count > 1 ? atoi(words[1]) : 1;
  const char* only = count > 2 ? words[2] : "";
  set_threads(wanted);
  if (const auto set = reinterpret_cast<void (*)(int)>(symbol(openblas, "openblas_set_num_threads"))) set(wanted);
  if (symbol(onednn, "dnnl_sgemm")) {
    if (const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))) set(wanted);
  }
  printf("%s, %d thread(s)\n", chosen().name, threads());
  const auto both = [&](const Case& it) {
    if (std::string("float32 ").append(it.name).find(only) != std::string::npos) run<float>(it);
    if (std::string("float64 ").append(it.name).find(only) != std::string::npos) run<double>(it);
  };
  for (const Case& it : squares) both(it);
  for (const auto& [m, k, n] : layers) {
    const std::string size = std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n);
    both({("layer " + size).c_str(), m, k, n, false, true});
    both({("weight of " + size).c_str(), n, m, k, true, false});
    both({("input of " + size).c_str(), m, n, k, false, false});
  }
}
