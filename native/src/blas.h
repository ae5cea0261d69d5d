// A BLAS that the user names, loaded while the process runs and tested before it is trusted. There need be none.
#pragma once
#include <cstdint>
#include <string>

namespace flambeau {

/**
 * From now on products go to this library: 'openblas', 'blis', 'mkl' or 'accelerate', a path, or '' for none. Returns
 * why not, then what was in use stays; or '' when it is.
 */
std::string use_blas(const std::string& name);
/** The library in use: what was loaded, or ''. */
std::string blas_in_use();

/** c (m x n, row-major) = a b by the library; false where there is none or it cannot read the operands as they lie. */
bool blas_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t aRow, int64_t aColumn, const float* b,
               int64_t bRow, int64_t bColumn, float* c);
bool blas_gemm(int64_t m, int64_t n, int64_t k, const double* a, int64_t aRow, int64_t aColumn, const double* b,
               int64_t bRow, int64_t bColumn, double* c);

}  // namespace flambeau
