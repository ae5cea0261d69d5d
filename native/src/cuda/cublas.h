// Products by cuBLAS, which is opened at run time where a user asks for it, declared by hand like the driver. Nothing is
// computed by it before its products were compared with sums that the host computes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "library.h"

namespace flambeau::cuda {

/** A factor of a product as cuBLAS reads it: the step between its lines, and whether these are its columns. */
struct Factor {
  CUdeviceptr at = 0;
  int32_t line = 0;
  bool turned = false;
  /** Elements to the same factor of the next product of a batch. */
  int64_t step = 0;
};

/** A batch of products of m x k and k x n matrices; the results are row-major. */
struct Product {
  /** Bytes of an element: 4 is float32, 8 is float64. */
  int32_t width = 4;
  int32_t m = 0, n = 0, k = 0, count = 1;
  Factor a, b;
  CUdeviceptr c = 0;
  int64_t step = 0;
};

/** cuBLAS for one stream. */
class Blas {
 public:
  virtual ~Blas() = default;
  virtual CUresult multiply(const Product& product) = 0;
  /** The library's file. */
  virtual const std::string& file() const = 0;

  /**
   * Opens 'cublas', or the library at a path, for a stream of the current context, and checks its products; nullptr if
   * that fails, with the reason. `workspace` is memory that it may use.
   */
  static std::unique_ptr<Blas> open(const std::string& name, CUstream stream, CUdeviceptr workspace, size_t bytes,
                                    std::string* fault);
};

}  // namespace flambeau::cuda
