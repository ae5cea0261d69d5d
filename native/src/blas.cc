// The C interface of BLAS libraries, found by name in the library. A loaded library is never unloaded, because other
// threads may be executing it.
#include "blas.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <mutex>
#include <vector>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

#include "pool.h"

namespace flambeau {
namespace {

/** cblas.h's numbers for row-major matrices, as they are and transposed. */
enum { rowMajor = 101, asIs = 111, transposed = 112 };

template <class T> using Gemm = void (*)(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);

struct Library {
  std::string name;
  Gemm<float> sgemm = nullptr;
  Gemm<double> dgemm = nullptr;
  /**
   * The library's function for setting threads, or null. BLIS takes a wider integer than the others, which read its
   * lower half.
   */
  void (*setThreads)(int64_t) = nullptr;
  mutable std::atomic<int> threads{0};
  /** The library loaded before. */
  const Library* next = nullptr;
};

std::atomic<const Library*> chosen{nullptr};

Gemm<float> gemm_of(const Library& library, float) { return library.sgemm; }
Gemm<double> gemm_of(const Library& library, double) { return library.dgemm; }

/** How BLAS can read a rows x columns matrix with these strides, with the leading dimension; false if it cannot. */
bool lies(int64_t rows, int64_t columns, int64_t row, int64_t column, int* how, int* step) {
  constexpr int64_t most = std::numeric_limits<int>::max();
  if (column == 1 && row >= columns && row <= most) {
    *how = asIs;
    *step = static_cast<int>(row);
  } else if (row == 1 && column >= rows && column <= most) {
    *how = transposed;
    *step = static_cast<int>(column);
  } else {
    return false;
  }
  return true;
}

template <class T> bool multiply(const Library& library, int64_t m, int64_t n, int64_t k, const T* a, int64_t aRow,
                                 int64_t aColumn, const T* b, int64_t bRow, int64_t bColumn, T* c) {
  int howA, stepA, howB, stepB;
  if (!lies(m, k, aRow, aColumn, &howA, &stepA) || !lies(k, n, bRow, bColumn, &howB, &stepB)) return false;
  if (const int count = threads(); library.setThreads && library.threads.exchange(count) != count) {
    library.setThreads(count);
  }
  gemm_of(library, T{})(rowMajor, howA, howB, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), 1, a,
                        stepA, b, stepB, 0, c, static_cast<int>(n));
  return true;
}

/**
 * Checks the library's products; returns '' or what is wrong. c is filled with NaN first, and lines have more room than
 * elements.
 */
template <class T> std::string wrong(const Library& library, const char* function) {
  constexpr int sizes[][3] = {{2, 2, 1}, {3, 5, 2}, {17, 31, 64}, {64, 64, 64}, {33, 70, 129}, {96, 80, 100}};
  uint32_t seed = 1;
  const auto random = [&seed] {
    seed = seed * 1664525u + 1013904223u;
    return static_cast<T>(static_cast<int32_t>(seed)) / static_cast<T>(1u << 31);
  };
  for (const auto& [m, n, k] : sizes) {
    for (int layout = 0; layout < 8; ++layout) {
      const bool turnA = layout & 1, turnB = layout & 2;
      const int gap = layout & 4 ? 3 : 0;
      const int lineA = (turnA ? m : k) + gap, lineB = (turnB ? k : n) + gap;
      std::vector<T> a(static_cast<size_t>(lineA) * (turnA ? k : m)), b(static_cast<size_t>(lineB) * (turnB ? n : k));
      for (T& x : a) x = random();
      for (T& x : b) x = random();
      std::vector<T> c(static_cast<size_t>(m) * n, std::numeric_limits<T>::quiet_NaN());
      const int aRow = turnA ? 1 : lineA, aColumn = turnA ? lineA : 1;
      const int bRow = turnB ? 1 : lineB, bColumn = turnB ? lineB : 1;
      multiply<T>(library, m, n, k, a.data(), aRow, aColumn, b.data(), bRow, bColumn, c.data());
      for (int i = 0; i < m; ++i) {
        for (int j = 0; j < n; ++j) {
          double sum = 0, size = 0;
          for (int p = 0; p < k; ++p) {
            const double term = static_cast<double>(a[i * aRow + p * aColumn]) * b[p * bRow + j * bColumn];
            sum += term;
            size += std::abs(term);
          }
          const double got = c[static_cast<size_t>(i) * n + j];
          if (std::abs(got - sum) <= size * k * std::numeric_limits<T>::epsilon()) continue;
          char text[200];
          snprintf(text, sizeof text, "%s of %d x %d and %d x %d%s%s gives %g where %g is right", function, m, k, k, n,
                   turnA ? ", the first transposed" : "", turnB ? ", the second transposed" : "", got, sum);
          return text;
        }
      }
    }
  }
  return "";
}

std::vector<std::string> files_of(const std::string& name) {
  if (name == "openblas") return {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"};
  if (name == "blis") return {"libblis.so.4", "libblis.so", "libblis.dylib"};
  if (name == "mkl") return {"libmkl_rt.so.2", "libmkl_rt.so.1", "libmkl_rt.so", "libmkl_rt.dylib"};
  if (name == "accelerate") return {"/System/Library/Frameworks/Accelerate.framework/Accelerate"};
  if (name.find_first_of("/\\.") != std::string::npos) return {name};
  return {};
}

#if defined(_WIN32)
void* open_library(const std::string&, std::string* error) {
  *error = "no library is loaded by name on Windows";
  return nullptr;
}
void* find(void*, const char*) { return nullptr; }
#else
void* open_library(const std::string& file, std::string* error) {
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) *error = dlerror();
  return handle;
}
void* find(void* library, const char* name) { return dlsym(library, name); }
#endif

}  // namespace

std::string use_blas(const std::string& name) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  if (name.empty()) {
    chosen.store(nullptr);
    return "";
  }
  const std::vector<std::string> files = files_of(name);
  if (files.empty()) {
    return "'" + name + "' names no BLAS: 'openblas', 'blis', 'mkl', 'accelerate' and paths to libraries do";
  }
  static const Library* loaded = nullptr;
  for (const Library* library = loaded; library; library = library->next) {
    if (std::find(files.begin(), files.end(), library->name) == files.end()) continue;
    chosen.store(library);
    return "";
  }
  std::string tried;
  void* handle = nullptr;
  std::string file;
  for (const std::string& candidate : files) {
    std::string error;
    file = candidate;
    if ((handle = open_library(candidate, &error))) break;
    tried += "\n  " + candidate + ": " + error;
  }
  if (!handle) return "BLAS '" + name + "' could not be loaded. Looked for:" + tried;
  auto* const library = new Library;
  library->name = file;
  library->sgemm = reinterpret_cast<Gemm<float>>(find(handle, "cblas_sgemm"));
  library->dgemm = reinterpret_cast<Gemm<double>>(find(handle, "cblas_dgemm"));
  library->next = loaded;
  for (const char* setter : {"openblas_set_num_threads", "bli_thread_set_num_threads", "MKL_Set_Num_Threads"}) {
    if (void* const found = find(handle, setter)) library->setThreads = reinterpret_cast<void (*)(int64_t)>(found);
  }
  std::string fault;
  if (!library->sgemm || !library->dgemm) {
    fault = std::string("it has no function ") + (library->sgemm ? "cblas_dgemm" : "cblas_sgemm");
  } else {
    fault = wrong<float>(*library, "cblas_sgemm");
    if (fault.empty()) fault = wrong<double>(*library, "cblas_dgemm");
  }
  if (!fault.empty()) {
    delete library;
    return "BLAS '" + name + "' (" + file + ") cannot be used: " + fault;
  }
  loaded = library;
  chosen.store(library);
  return "";
}

std::string blas_in_use() {
  const Library* const library = chosen.load();
  return library ? library->name : "";
}

bool blas_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t aRow, int64_t aColumn, const float* b,
               int64_t bRow, int64_t bColumn, float* c) {
  const Library* const library = chosen.load(std::memory_order_acquire);
  return library && multiply(*library, m, n, k, a, aRow, aColumn, b, bRow, bColumn, c);
}

bool blas_gemm(int64_t m, int64_t n, int64_t k, const double* a, int64_t aRow, int64_t aColumn, const double* b,
               int64_t bRow, int64_t bColumn, double* c) {
  const Library* const library = chosen.load(std::memory_order_acquire);
  return library && multiply(*library, m, n, k, a, aRow, aColumn, b, bRow, bColumn, c);
}

}  // namespace flambeau
