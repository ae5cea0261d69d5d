#include "cublas.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <mutex>
#include <type_traits>
#include <vector>

namespace flambeau::cuda {
namespace {

using Handle = struct cublasContext*;
/** A cublasStatus_t, of which only 0 is good. */
using Status = int;

template <class T>
using Gemm = Status(Handle, int opA, int opB, int m, int n, int k, const T* alpha, const T* a, int lda,
                        long long strideA, const T* b, int ldb, long long strideB, const T* beta, T* c, int ldc,
                        long long strideC, int count);

/** Neither TF32 nor sums in fewer bits: what PyTorch asks for, too. The self-check would find them. */
constexpr int defaultMath = 0;
constexpr Status notAllocated = 3, executionFailed = 13;

#define FLAMBEAU_CUBLAS_FUNCTIONS(F)                                \
  F(cublasCreate_v2, Status(Handle*))                           \
  F(cublasDestroy_v2, Status(Handle))                           \
  F(cublasSetStream_v2, Status(Handle, CUstream))               \
  F(cublasSetWorkspace_v2, Status(Handle, void*, size_t))       \
  F(cublasSetMathMode, Status(Handle, int))                     \
  F(cublasSgemmStridedBatched, Gemm<float>)                         \
  F(cublasDgemmStridedBatched, Gemm<double>)

struct Library {
  std::string file;
#define FLAMBEAU_CUBLAS_MEMBER(name, type) std::add_pointer_t<type> name = nullptr;
  FLAMBEAU_CUBLAS_FUNCTIONS(FLAMBEAU_CUBLAS_MEMBER)
#undef FLAMBEAU_CUBLAS_MEMBER
};

CUresult result_of(Status status) {
  return status == 0                 ? CUDA_SUCCESS
         : status == notAllocated    ? CUDA_ERROR_OUT_OF_MEMORY
         : status == executionFailed ? CUDA_ERROR_LAUNCH_FAILED
                                     : CUDA_ERROR_UNKNOWN;
}

class Opened : public Blas {
 public:
  explicit Opened(const Library& library) : library_(library) {}
  ~Opened() override {
    if (handle_ != nullptr) library_.cublasDestroy_v2(handle_);
  }

  /** The name of a function that failed, or nullptr. */
  const char* prepare(CUstream stream, CUdeviceptr workspace, size_t bytes) {
    if (library_.cublasCreate_v2(&handle_) != 0) return "cublasCreate";
    if (library_.cublasSetStream_v2(handle_, stream) != 0) return "cublasSetStream";
    // It comes after the stream, which takes the library's own workspace again. A graph must not allocate.
    if (library_.cublasSetWorkspace_v2(handle_, reinterpret_cast<void*>(workspace), bytes) != 0)
      return "cublasSetWorkspace";
    if (library_.cublasSetMathMode(handle_, defaultMath) != 0) return "cublasSetMathMode";
    return nullptr;
  }

  CUresult multiply(const Product& product) override {
    return product.width == 4 ? run<float>(product, library_.cublasSgemmStridedBatched)
                              : run<double>(product, library_.cublasDgemmStridedBatched);
  }
  const std::string& file() const override { return library_.file; }

 private:
  /** cuBLAS has columns where we have rows, so it multiplies the transposed factors in the other order. */
  template <class T> CUresult run(const Product& p, Gemm<T>* gemm) {
    const T one = 1, zero = 0;
    const auto at = [](CUdeviceptr address) { return reinterpret_cast<T*>(address); };
    return result_of(gemm(handle_, p.b.turned, p.a.turned, p.n, p.m, p.k, &one, at(p.b.at), p.b.line, p.b.step,
                          at(p.a.at), p.a.line, p.a.step, &zero, at(p.c), p.n, p.step, p.count));
  }

  const Library& library_;
  Handle handle_ = nullptr;
};

/** Memory of the device for as long as a check takes. */
struct Scratch {
  CUdeviceptr at = 0;
  explicit Scratch(size_t bytes) { driver().cuMemAlloc_v2(&at, bytes); }
  ~Scratch() { driver().cuMemFree_v2(at); }
};

/** Compares products with sums in double precision; returns '' or what is wrong. */
template <class T> std::string wrong(Blas& blas, CUstream stream, const char* function) {
  constexpr int sizes[][3] = {{2, 2, 1}, {3, 5, 2}, {17, 31, 64}, {64, 64, 64}, {33, 70, 129}};
  constexpr int count = 2;
  const Driver& driver = cuda::driver();
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
      const int stepA = lineA * (turnA ? k : m), stepB = lineB * (turnB ? n : k), stepC = m * n;
      std::vector<T> a(count * stepA), b(count * stepB), c(count * stepC, std::numeric_limits<T>::quiet_NaN());
      for (T& x : a) x = random();
      for (T& x : b) x = random();
      const Scratch onA(a.size() * sizeof(T)), onB(b.size() * sizeof(T)), onC(c.size() * sizeof(T));
      if (onA.at == 0 || onB.at == 0 || onC.at == 0) return "there is no memory to check it with";
      const auto bring = [&](CUdeviceptr to, const std::vector<T>& from) {
        return driver.cuMemcpyHtoDAsync_v2(to, from.data(), from.size() * sizeof(T), stream);
      };
      CUresult code = bring(onA.at, a);
      if (code == CUDA_SUCCESS) code = bring(onB.at, b);
      if (code == CUDA_SUCCESS) code = bring(onC.at, c);
      if (code == CUDA_SUCCESS) {
        code = blas.multiply({sizeof(T), m, n, k, count, {onA.at, lineA, turnA, stepA}, {onB.at, lineB, turnB, stepB},
                              onC.at, stepC});
      }
      if (code == CUDA_SUCCESS)
        code = driver.cuMemcpyDtoHAsync_v2(c.data(), onC.at, c.size() * sizeof(T), stream);
      if (code == CUDA_SUCCESS) code = driver.cuStreamSynchronize(stream);
      if (code != CUDA_SUCCESS) return std::string(function) + ": " + describe(code);
      for (int at = 0; at < count * m * n; ++at) {
        const int batch = at / (m * n), i = at / n % m, j = at % n;
        double sum = 0, size = 0;
        for (int p = 0; p < k; ++p) {
          const double term = static_cast<double>(a[batch * stepA + (turnA ? i + p * lineA : i * lineA + p)]) *
                              b[batch * stepB + (turnB ? p + j * lineB : p * lineB + j)];
          sum += term;
          size += std::abs(term);
        }
        if (std::abs(c[at] - sum) <= size * k * std::numeric_limits<T>::epsilon()) continue;
        char text[200];
        snprintf(text, sizeof text, "%s of %d x %d and %d x %d%s%s gives %g where %g is right", function, m, k, k, n,
                 turnA ? ", the first transposed" : "", turnB ? ", the second transposed" : "",
                 static_cast<double>(c[at]), sum);
        return text;
      }
    }
  }
  return "";
}

std::vector<std::string> files_of(const std::string& name) {
  if (name == "cublas") return {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"};
  if (name.find_first_of("/\\.") != std::string::npos) return {name};
  return {};
}

/** The library of that name, opened once in the process and never closed; nullptr with the reason. */
const Library* library_of(const std::string& name, std::string* fault) {
  static std::mutex mutex;
  static std::vector<std::unique_ptr<Library>> known;
  const std::lock_guard<std::mutex> lock(mutex);
  const std::vector<std::string> files = files_of(name);
  if (files.empty()) {
    *fault = "'" + name + "' names no BLAS of CUDA: 'cublas' and paths to libraries do";
    return nullptr;
  }
  std::string tried;
  for (const std::string& file : files) {
    for (const auto& each : known) {
      if (each->file == file) return each.get();
    }
    std::string error;
    void* const handle = open_library(file, &error);
    if (handle == nullptr) {
      tried += "\n  " + file + ": " + error;
      continue;
    }
    auto library = std::make_unique<Library>();
    library->file = file;
#define FLAMBEAU_CUBLAS_FIND(name, type)                                        \
  library->name = reinterpret_cast<std::add_pointer_t<type>>(symbol_of(handle, #name)); \
  if (library->name == nullptr) {                                               \
    *fault = "BLAS '" + file + "' cannot be used: it has no function " #name;   \
    return nullptr;                                                             \
  }
    FLAMBEAU_CUBLAS_FUNCTIONS(FLAMBEAU_CUBLAS_FIND)
#undef FLAMBEAU_CUBLAS_FIND
    known.push_back(std::move(library));
    return known.back().get();
  }
  *fault = "BLAS '" + name + "' could not be loaded. Looked for:" + tried;
  return nullptr;
}

}  // namespace

std::unique_ptr<Blas> Blas::open(const std::string& name, CUstream stream, CUdeviceptr workspace, size_t bytes,
                                 std::string* fault) {
  const Library* library = library_of(name, fault);
  if (library == nullptr) return nullptr;
  auto made = std::make_unique<Opened>(*library);
  std::string reason;
  if (const char* failed = made->prepare(stream, workspace, bytes)) reason = std::string(failed) + " failed";
  if (reason.empty()) reason = wrong<float>(*made, stream, "cublasSgemmStridedBatched");
  if (reason.empty()) reason = wrong<double>(*made, stream, "cublasDgemmStridedBatched");
  if (reason.empty()) return made;
  *fault = "BLAS '" + name + "' (" + library->file + ") cannot be used: " + reason;
  return nullptr;
}

}  // namespace flambeau::cuda
