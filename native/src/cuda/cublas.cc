#include "cublas.h"

#include <mutex>
#include <type_traits>
#include <vector>

#include "../blas_check.h"

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

#define FLAMBEAU_CUBLAS_FUNCTIONS(F)                      \
  F(cublasCreate_v2, Status(Handle*))                     \
  F(cublasDestroy_v2, Status(Handle))                     \
  F(cublasSetStream_v2, Status(Handle, CUstream))         \
  F(cublasSetWorkspace_v2, Status(Handle, void*, size_t)) \
  F(cublasSetMathMode, Status(Handle, int))               \
  F(cublasSgemmStridedBatched, Gemm<float>)               \
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

/** Checks products on the device; returns '' or what is wrong. */
template <class T> std::string wrong(Blas& blas, CUstream stream, const char* function) {
  return wrong_products<T>(function, [&](CheckedProduct<T>* p) -> std::string {
    const auto bytes = [](const std::vector<T>& x) { return x.size() * sizeof(T); };
    const Scratch a(bytes(p->a.elements)), b(bytes(p->b.elements)), c(bytes(p->c));
    if (a.at == 0 || b.at == 0 || c.at == 0) return "there is no memory to check it with";
    const Driver& driver = cuda::driver();
    const auto bring = [&](const Scratch& to, const std::vector<T>& from) {
      return driver.cuMemcpyHtoDAsync_v2(to.at, from.data(), bytes(from), stream);
    };
    CUresult code = bring(a, p->a.elements);
    if (code == CUDA_SUCCESS) code = bring(b, p->b.elements);
    if (code == CUDA_SUCCESS) code = bring(c, p->c);
    if (code == CUDA_SUCCESS) {
      code = blas.multiply({sizeof(T), p->m, p->n, p->k, p->count, {a.at, p->a.line, p->a.turned, p->a.step},
                            {b.at, p->b.line, p->b.turned, p->b.step}, c.at, p->m * p->n});
    }
    if (code == CUDA_SUCCESS) code = driver.cuMemcpyDtoHAsync_v2(p->c.data(), c.at, bytes(p->c), stream);
    if (code == CUDA_SUCCESS) code = driver.cuStreamSynchronize(stream);
    return code == CUDA_SUCCESS ? "" : describe(code);
  });
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
