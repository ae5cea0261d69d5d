// Routines of linear algebra (matrices.h), on the vectors of one instruction set. The algorithms, and the order in which an
// element is computed, are those of core's JavaScript; only sums of reflections are added up in another order, and products
// are fused with sums where the processor can.
#include "../matrices.h"

#include <cmath>
#include <utility>

#include "../kernels.h"
#include "../pool.h"
#include "lanes.inl"
#include "room.inl"

namespace flambeau::ISA {

namespace {

using V = Vec<double>;
constexpr Index L = lanes<double>;
/** The most columns or rows that are handled one by one. */
constexpr Index few = 8;
/** The rows of a tile of a product, which is two vectors wide: as many as there are registers for. */
constexpr int tall = VECTOR_BYTES == 64 ? 8 : 4;
/** The vectors of a strip of columns that are reflected, or rotated, at a time. */
constexpr int strip = VECTOR_BYTES == 64 ? 4 : isFetched ? 2 : 4;

Index least(Index a, Index b) { return a < b ? a : b; }

/** sum - a * b */
INLINE V minus_product(V sum, V a, V b) {
#if defined(__wasm_relaxed_simd__)
  return add_product<double>(sum, -a, b);
#else
  return sum - a * b;
#endif
}

/** Vectors side by side, of which the last has `part` elements. */
template <int W> struct Wide {
  V v[W];
};
template <int W, bool whole> INLINE Wide<W> load_wide(const double* p, Index part) {
  Wide<W> x;
#pragma GCC unroll 4
  for (int w = 0; w < W; w++) x.v[w] = whole || w + 1 < W ? load(p + w * L) : load_some(p + w * L, part);
  return x;
}
template <int W, bool whole> INLINE void store_wide(double* p, const Wide<W>& x, Index part) {
#pragma GCC unroll 4
  for (int w = 0; w < W; w++) {
    if (whole || w + 1 < W) store(p + w * L, x.v[w]);
    else store_some(p + w * L, x.v[w], part);
  }
}

/**
 * Calls `body` with a constant number of vectors, and whether they are whole, for n columns: as many as W at a time. Where code
 * is fetched, there is one text for the columns that are left.
 */
template <int W, class F> INLINE void in_strips(Index n, const F& body) {
  Index j = 0;
  for (; j + W * L <= n; j += W * L) body(std::integral_constant<int, W>(), std::true_type(), j, L);
  for (; j < n; j += L) {
    if (!isFetched && W > 1 && j + L <= n) body(std::integral_constant<int, 1>(), std::true_type(), j, L);
    else body(std::integral_constant<int, 1>(), std::false_type(), j, least(L, n - j));
  }
}

}  // namespace

}  // namespace flambeau::ISA
#include "elimination.inl"
#include "cholesky.inl"
#include "reflections.inl"
namespace flambeau::ISA {

namespace {

/** One matrix; `v` has the room that it takes. */
void compute(const Matrices& it, Index batch, double* v) {
  double* arrays[mostMatrixArrays];
  for (int32_t i = 0; i < mostMatrixArrays; i++) arrays[i] = it.arrays[i] + batch * it.lengths[i];
  const auto [a, b, c, d, e] = arrays;
  const auto [p, q, r, s, t] = it.sizes;
  switch (it.routine) {
    case Routine::lu:
      return lu(a, b, c, p, q, r == 1);
    case Routine::cholesky:
      return cholesky(a, b, p, v);
    case Routine::triangle:
      return triangle(a, b, p, q, r == 1, s == 1);
    case Routine::solve:
      return solve_lu(a, b, c, p, q);
    case Routine::subtract:
      return subtract(a, q, b, r, 1, c, q, p, q, r);
    case Routine::qr:
      return qr(a, b, p, q, v);
    case Routine::reflected:
      return reflected(a, b, c, it.lengths[2], p, q, r, s, t, v);
    case Routine::tridiagonal:
      return tridiagonal(a, b, c, d, p, v);
    case Routine::bidiagonal:
      return bidiagonal(a, b, c, d, e, p, q, v);
    case Routine::rotate:
      return rotate(a, b, c, d, it.lengths[3], p);
    case Routine::invert:
      return invert(a, b, c, d, p);
    case Routine::count:
      return;
  }
}

}  // namespace

bool matrices(const Matrices& it) {
  if (it.count == 0) return true;  // of any sizes
  // Vectors of reflections have as many elements as a matrix has rows, or columns.
  const Index count = it.routine == Routine::cholesky ? strips_of(it.sizes[0]) : it.sizes[0] + it.sizes[1];
  Workspace<4096> room(static_cast<int64_t>(sizeof(double)) * count);
  if (room.at() == nullptr) return false;
  for (Index batch = 0; batch < it.count; batch++) compute(it, batch, reinterpret_cast<double*>(room.at()));
  return true;
}

}  // namespace flambeau::ISA
