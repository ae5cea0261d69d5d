// The C interface of BLAS libraries, found by name in the library. A loaded library is never unloaded, because other
// threads may be executing it.
#include "blas.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

#include "blas_check.h"
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

/** Checks the library's products; returns '' or what is wrong. */
template <class T> std::string wrong(const Library& library, const char* function) {
  return wrong_products<T>(function, [&library](CheckedProduct<T>* p) {
    const auto row = [](const CheckedFactor<T>& x) { return x.turned ? 1 : x.line; };
    const auto column = [](const CheckedFactor<T>& x) { return x.turned ? x.line : 1; };
    for (int i = 0; i < p->count; ++i) {
      const bool done =
          multiply<T>(library, p->m, p->n, p->k, p->a.elements.data() + i * p->a.step, row(p->a), column(p->a),
                      p->b.elements.data() + i * p->b.step, row(p->b), column(p->b), p->c.data() + i * p->m * p->n);
      if (!done) return std::string("it does not take every layout");
    }
    return std::string();
  });
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
