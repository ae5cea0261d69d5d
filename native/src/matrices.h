// Routines of linear algebra, as core's ops/linalg/routines.ts defines them: what they compute, and the order of sizes and
// arrays. Everything is in double precision and row-major.
#pragma once
#include <cstddef>
#include <cstdint>

namespace flambeau {

/** Counts and distances of elements: as wide as addresses, because wider ones cost instructions. */
using Index = std::ptrdiff_t;

/** In the order of `routines` in packages/stream/src/codes.ts. */
enum class Routine : int32_t {
  lu,
  cholesky,
  triangle,
  solve,
  subtract,
  qr,
  reflected,
  tridiagonal,
  bidiagonal,
  rotate,
  invert,
  count
};

constexpr int32_t mostMatrixSizes = 5, mostMatrixArrays = 5;

/** A routine over `count` matrices. */
struct Matrices {
  Routine routine;
  Index count;
  int32_t sizeCount, arrayCount;
  Index sizes[mostMatrixSizes];
  double* arrays[mostMatrixArrays];
  /** The elements that each array has for a matrix. */
  Index lengths[mostMatrixArrays];
};

/** Whether there is such a routine, with as many sizes and arrays as it takes, and as many elements in them as it touches. */
bool fits(const Matrices& it);

}  // namespace flambeau
