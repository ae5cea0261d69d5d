// A BLAS library that the user names, loaded at run time and tested before use. None is required.
#pragma once
#include <cstdint>
#include <string>

namespace flambeau {

/**
 * Uses this library for products from now on: 'openblas', 'blis', 'mkl' or 'accelerate', a path, or '' for none.
 * Returns '' on success; otherwise why not, and the library in use stays.
 */
std::string use_blas(const std::string& name);
/** The library in use, by its file, or ''. */
std::string blas_in_use();

/** c (m x n, row-major) = a b by the library; false if there is none or it cannot read the operands' layouts. */
bool blas_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t aRow, int64_t aColumn, const float* b,
               int64_t bRow, int64_t bColumn, float* c);
bool blas_gemm(int64_t m, int64_t n, int64_t k, const double* a, int64_t aRow, int64_t aColumn, const double* b,
               int64_t bRow, int64_t bColumn, double* c);

}  // namespace flambeau
