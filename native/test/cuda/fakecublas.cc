// A cuBLAS for tests, beside the driver for tests: products are work of a stream, which the host does over the device's
// memory when their turn comes. It takes what the real library's documentation allows, and nothing else. With
// FAKECUBLAS_TF32=1 its factors have the precision of TF32, with FAKECUBLAS_WRONG=1 its products of doubles are wrong.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fakecuda.h"

namespace {

enum Status { success = 0, notInitialized = 1, invalidValue = 7, executionFailed = 13, notSupported = 15 };

template <class T> struct Call {
  bool turnedA, turnedB;
  int m, n, k;
  T alpha, beta;
  CUdeviceptr a, b, c;
  int lda, ldb, ldc;
  long long strideA, strideB, strideC;
  int count;
};

bool has(const char* name) { return getenv(name) != nullptr; }

/** A matrix in columns. */
template <class T> std::vector<T> fetched(CUdeviceptr at, int rows, int columns, int line) {
  std::vector<T> values(static_cast<size_t>(rows) * columns);
  for (int j = 0; j < columns; j++) {
    fakecudaRead(values.data() + static_cast<size_t>(j) * rows, at + sizeof(T) * line * static_cast<size_t>(j),
                 sizeof(T) * rows);
  }
  return values;
}

float inTf32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x1000) & ~0x1fffu;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

template <class T> void compute(const void* parameters) {
  Call<T> p;
  memcpy(&p, parameters, sizeof p);
  for (int batch = 0; batch < p.count; batch++) {
    const auto at = [batch](CUdeviceptr base, long long stride) { return base + sizeof(T) * (batch * stride); };
    auto a = fetched<T>(at(p.a, p.strideA), p.turnedA ? p.k : p.m, p.turnedA ? p.m : p.k, p.lda);
    auto b = fetched<T>(at(p.b, p.strideB), p.turnedB ? p.n : p.k, p.turnedB ? p.k : p.n, p.ldb);
    if (sizeof(T) == 4 && has("FAKECUBLAS_TF32")) {
      for (T& x : a) x = static_cast<T>(inTf32(static_cast<float>(x)));
      for (T& x : b) x = static_cast<T>(inTf32(static_cast<float>(x)));
    }
    for (int j = 0; j < p.n; j++) {
      const CUdeviceptr column = at(p.c, p.strideC) + sizeof(T) * p.ldc * static_cast<size_t>(j);
      std::vector<T> c(p.m, T{0});
      // It is not read if it is not added: it may be NaN.
      if (p.beta != 0) fakecudaRead(c.data(), column, sizeof(T) * p.m);
      for (int i = 0; i < p.m; i++) {
        T sum = 0;
        for (int l = 0; l < p.k; l++) {
          const T x = a[p.turnedA ? l + static_cast<size_t>(i) * p.k : i + static_cast<size_t>(l) * p.m];
          const T y = b[p.turnedB ? j + static_cast<size_t>(l) * p.n : l + static_cast<size_t>(j) * p.k];
          sum = std::fma(x, y, sum);
        }
        if (sizeof(T) == 8 && has("FAKECUBLAS_WRONG")) sum += 1;
        c[i] = p.beta == 0 ? p.alpha * sum : p.alpha * sum + p.beta * c[i];
      }
      fakecudaWrite(column, c.data(), sizeof(T) * p.m);
    }
  }
}

}  // namespace

struct cublasContext {
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  void* workspace = nullptr;
};

namespace {

template <class T> Status multiply(cublasContext* handle, const Call<T>& call) {
  CUcontext current = nullptr;
  if (handle == nullptr || cuCtxGetCurrent(&current) != CUDA_SUCCESS) return notInitialized;
  if (current != handle->context) return executionFailed;
  const int m = call.m, n = call.n, k = call.k;
  if (m < 0 || n < 0 || k < 0 || call.count < 0 || call.ldc < std::max(1, m)) return invalidValue;
  if (call.lda < std::max(1, call.turnedA ? k : m) || call.ldb < std::max(1, call.turnedB ? n : k)) return invalidValue;
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
  if (cuStreamIsCapturing(handle->stream, &status) != CUDA_SUCCESS) return executionFailed;
  // Without a workspace of its own it would allocate one.
  if (status != CU_STREAM_CAPTURE_STATUS_NONE && handle->workspace == nullptr) return notSupported;
  return fakecudaCall(handle->stream, compute<T>, &call, sizeof call) == CUDA_SUCCESS ? success : executionFailed;
}

}  // namespace

FAKECUDA_EXPORT Status cublasCreate_v2(cublasContext** handle) {
  CUcontext current = nullptr;
  if (cuCtxGetCurrent(&current) != CUDA_SUCCESS || current == nullptr) return notInitialized;
  *handle = new cublasContext;
  (*handle)->context = current;
  return success;
}

FAKECUDA_EXPORT Status cublasDestroy_v2(cublasContext* handle) {
  delete handle;
  return success;
}

FAKECUDA_EXPORT Status cublasSetStream_v2(cublasContext* handle, CUstream stream) {
  if (handle == nullptr) return notInitialized;
  handle->stream = stream;
  handle->workspace = nullptr;
  return success;
}

FAKECUDA_EXPORT Status cublasSetWorkspace_v2(cublasContext* handle, void* workspace, size_t) {
  if (handle == nullptr) return notInitialized;
  handle->workspace = workspace;
  return reinterpret_cast<size_t>(workspace) % 256 == 0 ? success : invalidValue;
}

FAKECUDA_EXPORT Status cublasSetMathMode(cublasContext* handle, int mode) {
  if (handle == nullptr) return notInitialized;
  return mode == 0 || mode == 2 ? success : notSupported;
}

FAKECUDA_EXPORT Status cublasSgemmStridedBatched(cublasContext* handle, int opA, int opB, int m, int n, int k,
                                                 const float* alpha, const float* a, int lda, long long strideA,
                                                 const float* b, int ldb, long long strideB, const float* beta,
                                                 float* c, int ldc, long long strideC, int count) {
  const auto at = [](const float* x) { return reinterpret_cast<CUdeviceptr>(x); };
  return multiply<float>(handle, {opA == 1, opB == 1, m, n, k, *alpha, *beta, at(a), at(b), at(c), lda, ldb, ldc,
                                  strideA, strideB, strideC, count});
}

FAKECUDA_EXPORT Status cublasDgemmStridedBatched(cublasContext* handle, int opA, int opB, int m, int n, int k,
                                                 const double* alpha, const double* a, int lda, long long strideA,
                                                 const double* b, int ldb, long long strideB, const double* beta,
                                                 double* c, int ldc, long long strideC, int count) {
  const auto at = [](const double* x) { return reinterpret_cast<CUdeviceptr>(x); };
  return multiply<double>(handle, {opA == 1, opB == 1, m, n, k, *alpha, *beta, at(a), at(b), at(c), lda, ldb, ldc,
                                   strideA, strideB, strideC, count});
}
