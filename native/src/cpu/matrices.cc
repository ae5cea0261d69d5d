// Routines of linear algebra (matrices.h), on the vectors of one instruction set. The algorithms, and the order in which an
// element is computed, are those of core's JavaScript; only sums of reflections are added up in another order, and products
// are fused with sums where the processor can.
#include "../matrices.h"

#include <cmath>
#include <utility>

#include "../kernels.h"
#include "../pool.h"
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

// ---- products ----

/** Subtracts from R rows of c the product of a block of a, whose elements are `ai` and `al` apart, and rows of b. */
template <int R, int W, bool whole>
INLINE void tile(double* c, Index cw, const double* a, Index ai, Index al, const double* b, Index bw,
                 Index k, Index part) {
  Wide<W> x[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) x[r] = load_wide<W, whole>(c + r * cw, part);
  for (Index l = 0; l < k; l++) {
    const Wide<W> y = load_wide<W, whole>(b + l * bw, part);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const V factor = splat(a[r * ai + l * al]);
#pragma GCC unroll 4
      for (int w = 0; w < W; w++) x[r].v[w] = minus_product(x[r].v[w], factor, y.v[w]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) store_wide<W, whole>(c + r * cw, x[r], part);
}

/** Rows of b that are copied side by side, because cache lines whose addresses differ by a power of two displace each other. */
constexpr Index deep = 128;

/**
 * Subtracts from the m x n block c the product of the m x k block a and the k x n block b. Rows are `cw` and `bw` apart,
 * elements of a `ai` and `al`; all may be negative.
 */
void subtract(double* c, Index cw, const double* a, Index ai, Index al, const double* b, Index bw, Index m,
              Index n, Index k) {
  alignas(64) double copy[deep * 2 * L];
  for (Index from = 0; from < k; from += deep) {
    const Index depth = least(deep, k - from);
    in_strips<2>(n, [&](auto width, auto whole, Index j, Index part) {
      constexpr int W = width;
      constexpr bool isWhole = whole;
      const double* rows = b + from * bw + j;
      Index step = bw;
      if (!isFetched && m > 2 * tall && depth > few) {
        for (Index l = 0; l < depth; l++)
          store_wide<W, true>(copy + l * W * L, load_wide<W, isWhole>(rows + l * bw, part), L);
        rows = copy;
        step = W * L;
      }
      const double* factors = a + from * al;
      double* to = c + j;
      Index i = 0;
      if constexpr (isWhole || !isFetched) {
        for (; i + tall <= m; i += tall, to += tall * cw, factors += tall * ai)
          tile<tall, W, isWhole>(to, cw, factors, ai, al, rows, step, depth, part);
      }
      for (; i < m; i++, to += cw, factors += ai)
        tile<1, W, isWhole>(to, cw, factors, ai, al, rows, step, depth, part);
    });
  }
}

/** Divides n elements. */
void divide(double* row, Index n, double by) {
  in_strips<1>(n, [&](auto, auto whole, Index j, Index part) {
    auto x = load_wide<1, whole>(row + j, part);
    x.v[0] /= splat(by);
    store_wide<1, whole>(row + j, x, part);
  });
}

// ---- triangles ----

/** Where a range is divided, so that the second half is handled with what the first half gave. */
Index half_of(Index n) { return (n + 2 * few - 1) / (2 * few) * few; }

/** Solves for N rows, in registers. */
template <int N, int W, bool whole>
INLINE void solve_tile(const double* t, Index ti, Index tl, double* b, Index bw, bool unit, Index part) {
  Wide<W> x[N];
#pragma GCC unroll 8
  for (int i = 0; i < N; i++) {
    x[i] = load_wide<W, whole>(b + i * bw, part);
#pragma GCC unroll 8
    for (int l = 0; l < i; l++) {
      const V factor = splat(t[i * ti + l * tl]);
#pragma GCC unroll 4
      for (int w = 0; w < W; w++) x[i].v[w] = minus_product(x[i].v[w], factor, x[l].v[w]);
    }
    if (!unit) {
      const V pivot = splat(t[i * (ti + tl)]);
#pragma GCC unroll 4
      for (int w = 0; w < W; w++) x[i].v[w] /= pivot;
    }
    store_wide<W, whole>(b + i * bw, x[i], part);
  }
}

template <int N>
void solve_few(const double* t, Index ti, Index tl, double* b, Index bw, Index k, bool unit) {
  in_strips<2>(k, [&](auto width, auto whole, Index j, Index part) {
    solve_tile<N, width, whole>(t, ti, tl, b + j, bw, unit, part);
  });
}

/** The same for n rows, in less code. */
void solve_loop(const double* t, Index ti, Index tl, double* b, Index bw, Index n, Index k, bool unit) {
  for (Index i = 0; i < n; i++) {
    subtract(b + i * bw, 0, t + i * ti, 0, tl, b, bw, 1, k, i);
    if (!unit) divide(b + i * bw, k, t[i * (ti + tl)]);
  }
}

/**
 * Overwrites the n x k block b with the solution of T x = b for a lower triangle, whose elements are `ti` and `tl` apart. An
 * upper one is a lower one from its end on, with negative steps.
 */
void solve(const double* t, Index ti, Index tl, double* b, Index bw, Index n, Index k, bool unit) {
  Index first = n > few ? half_of(n) : n;
  if (n <= few) {
    if (n <= 0) return;
    if (isFetched) return solve_loop(t, ti, tl, b, bw, n, k, unit);
    if (n == 8) return solve_few<8>(t, ti, tl, b, bw, k, unit);
    if (n == 4) return solve_few<4>(t, ti, tl, b, bw, k, unit);
    if (n == 1) return solve_few<1>(t, ti, tl, b, bw, k, unit);
    first = n > 4 ? 4 : 1;
  }
  solve(t, ti, tl, b, bw, first, k, unit);
  double* const below = b + first * bw;
  subtract(below, bw, t + first * ti, ti, tl, b, bw, n - first, k, first);
  solve(t + first * (ti + tl), ti, tl, below, bw, n - first, k, unit);
}

void solve_upper(const double* t, Index tw, double* b, Index bw, Index n, Index k, bool unit) {
  if (n > 0) solve(t + (n - 1) * (tw + 1), -tw, -1, b + (n - 1) * bw, -bw, n, k, unit);
}

void triangle(double* b, const double* t, Index n, Index k, bool upper, bool unit) {
  if (upper) solve_upper(t, n, b, k, n, k, unit);
  else solve(t, n, 1, b, k, n, k, unit);
}

// ---- LU ----

void swap_rows(double* x, double* y, Index n) {
  for (Index j = 0; j < n; j++) std::swap(x[j], y[j]);
}

/** Factorizes some columns; returns the number of the first pivot that is 0, from 1, or 0. */
Index factor_columns(double* a, Index m, Index n, double* pivots, bool exchanges, Index from, Index to) {
  if (to - from > few) {
    const Index half = from + half_of(to - from);
    const Index first = factor_columns(a, m, n, pivots, exchanges, from, half);
    double* const right = a + from * n + half;
    solve(a + from * (n + 1), n, 1, right, n, half - from, to - half, true);
    subtract(a + half * (n + 1), n, a + half * n + from, n, 1, right, n, m - half, to - half, half - from);
    const Index second = factor_columns(a, m, n, pivots, exchanges, half, to);
    return first == 0 ? second : first;
  }
  Index singular = 0;
  for (Index k = from; k < to; k++) {
    Index best = k;
    if (exchanges) {
      double largest = std::fabs(a[k * n + k]);
      for (Index i = k + 1; i < m; i++) {
        const double x = std::fabs(a[i * n + k]);
        if (x > largest) {
          largest = x;
          best = i;
        }
      }
    }
    pivots[k] = static_cast<double>(best);
    const double pivot = a[best * n + k];
    if (pivot == 0) {
      if (singular == 0) singular = k + 1;
      continue;
    }
    if (best != k) swap_rows(a + k * n, a + best * n, n);
    const double* const row = a + k * n;
    for (double* at = a + (k + 1) * n; at < a + m * n; at += n) {
      const double factor = at[k] /= pivot;
      if (isFetched) {
        for (Index j = k + 1; j < to; j++) at[j] -= factor * row[j];
        continue;
      }
      for (Index j = k + 1; j < to; j += L) {
        const Index part = least(L, to - j);
        store_some(at + j, minus_product(load_some(at + j, part), splat(factor), load_some(row + j, part)), part);
      }
    }
  }
  return singular;
}

void lu(double* a, double* pivots, double* info, Index m, Index n, bool exchanges) {
  const Index steps = least(m, n);
  *info = static_cast<double>(factor_columns(a, m, n, pivots, exchanges, 0, steps));
  solve(a, n, 1, a + steps, n, steps, n - steps, true);
}

void solve_lu(double* b, const double* lu, const double* pivots, Index n, Index k) {
  for (Index i = 0; i < n; i++) {
    const double row = pivots[i];
    double* const own = b + i * k;
    if (row >= 0 && row < static_cast<double>(n)) swap_rows(own, b + static_cast<Index>(row) * k, k);
    else for (Index j = 0; j < k; j++) own[j] = NAN;
  }
  solve(lu, n, 1, b, k, n, k, true);
  solve_upper(lu, n, b, k, n, k, false);
}

// ---- Cholesky ----

/** Factorizes some rows of the upper triangle; returns the order of the first leading minor that is not positive, or 0. */
Index factor_rows(double* a, Index n, Index from, Index to) {
  if (to - from > few) {
    const Index half = from + half_of(to - from);
    if (const Index minor = factor_rows(a, n, from, half)) return minor;
    for (Index j = half; j < to; j += few) {
      const double* const above = a + from * n + j;
      subtract(a + j * (n + 1), n, above, 1, n, above, n, least(few, to - j), n - j, half - from);
    }
    return factor_rows(a, n, half, to);
  }
  for (Index j = from; j < to; j++) {
    double* const row = a + j * n;
    if (j > from) subtract(row + j, n, a + from * n + j, 1, n, a + from * n + j, n, 1, n - j, j - from);
    if (!(row[j] > 0)) return j + 1;
    row[j] = std::sqrt(row[j]);
    divide(row + j + 1, n - j - 1, row[j]);
  }
  return 0;
}

/** Calls `body` with the places of each pair of elements below and above the diagonal, block by block: so caches hold them. */
template <class F> INLINE void below_diagonal(Index n, const F& body) {
  for (Index rows = 0; rows < n; rows += few) {
    for (Index columns = 0; columns <= rows; columns += few) {
      for (Index i = rows; i < least(rows + few, n); i++) {
        for (Index j = columns; j < least(columns + few, i); j++) body(i * n + j, j * n + i);
      }
    }
  }
}

void cholesky(double* a, double* info, Index n) {
  // The factor's transpose has contiguous rows.
  below_diagonal(n, [&](Index below, Index above) { a[above] = a[below]; });
  *info = static_cast<double>(factor_rows(a, n, 0, n));
  below_diagonal(n, [&](Index below, Index above) {
    a[below] = a[above];
    a[above] = 0;
  });
}

// ---- reflections ----

/** The sum of a vector's elements. */
INLINE double total(V x) {
  double sum = 0;
  for (Index i = 0; i < L; i++) sum += x[i];
  return sum;
}

/**
 * Makes the reflection I - tau v v' that leaves only the first of n elements, which are `step` apart. Overwrites them with
 * what it leaves and with v without its first element, which is 1; v gets all of it. Returns tau.
 */
double reflection(double* a, Index step, Index n, double* v) {
  double squares = 0;
  v[0] = 1;
  for (Index i = 1; i < n; i++) {
    const double x = v[i] = a[i * step];
    squares += x * x;
  }
  if (squares == 0) return 0;
  const double alpha = a[0], norm = std::sqrt(alpha * alpha + squares), beta = alpha < 0 ? norm : -norm;
  const double divisor = alpha - beta;
  for (Index i = 1; i < n; i++) a[i * step] = v[i] /= divisor;
  a[0] = beta;
  return (beta - alpha) / beta;
}

/** Overwrites an n x count block, whose rows are `step` apart, with (I - tau v v') times it. */
void reflect_columns(double* a, Index step, Index count, Index n, const double* v, double tau) {
  if (tau == 0) return;
  in_strips<strip>(count, [&](auto width, auto whole, Index j, Index part) {
    constexpr int W = width;
    constexpr bool isWhole = whole;
    double* const first = a + j;
    Wide<W> even{}, odd{};
    const auto add = [&](Wide<W>& sum, Index i) {
      const Wide<W> x = load_wide<W, isWhole>(first + i * step, part);
      const V factor = splat(v[i]);
#pragma GCC unroll 4
      for (int w = 0; w < W; w++) sum.v[w] = add_product<double>(sum.v[w], factor, x.v[w]);
    };
    Index i = 0;
    for (; i + 2 <= n; i += 2) {
      add(even, i);
      add(odd, i + 1);
    }
    if (i < n) add(even, i);
#pragma GCC unroll 4
    for (int w = 0; w < W; w++) even.v[w] = (even.v[w] + odd.v[w]) * splat(tau);
    for (i = 0; i < n; i++) {
      Wide<W> x = load_wide<W, isWhole>(first + i * step, part);
      const V factor = splat(v[i]);
#pragma GCC unroll 4
      for (int w = 0; w < W; w++) x.v[w] = minus_product(x.v[w], factor, even.v[w]);
      store_wide<W, isWhole>(first + i * step, x, part);
    }
  });
}

/** Overwrites `count` rows of n elements, which are `step` apart, with each times I - tau v v'. */
void reflect_rows(double* a, Index step, Index count, Index n, const double* v, double tau) {
  if (tau == 0) return;
  for (Index k = 0; k < count; k++) {
    double* const row = a + k * step;
    V sum{};
    in_strips<1>(n, [&](auto, auto whole, Index j, Index part) {
      sum = add_product<double>(sum, load_wide<1, whole>(v + j, part).v[0], load_wide<1, whole>(row + j, part).v[0]);
    });
    const V factor = splat(total(sum) * tau);
    in_strips<1>(n, [&](auto, auto whole, Index j, Index part) {
      auto x = load_wide<1, whole>(row + j, part);
      x.v[0] = minus_product(x.v[0], factor, load_wide<1, whole>(v + j, part).v[0]);
      store_wide<1, whole>(row + j, x, part);
    });
  }
}

void qr(double* a, double* taus, Index m, Index n, double* v) {
  for (Index k = 0; k < least(m, n); k++) {
    double* const at = a + k * (n + 1);
    taus[k] = reflection(at, n, m - k, v);
    reflect_columns(at + 1, n, n - k - 1, m - k, v, taus[k]);
  }
}

void reflected(double* q, const double* a, const double* taus, Index count, Index m, Index columns, Index skip,
               Index step, Index along, double* v) {
  for (Index i = 0; i < least(m, columns); i++) q[i * columns + i] = 1;
  for (Index k = count - 1; k >= 0; k--) {
    const Index first = k + skip;
    const double* const own = a + first * step + k * along;
    v[0] = 1;
    for (Index i = 1; i < m - first; i++) v[i] = own[i * step];
    if (first < columns) reflect_columns(q + first * (columns + 1), columns, columns - first, m - first, v, taus[k]);
  }
}

void tridiagonal(double* a, double* d, double* e, double* taus, Index n, double* v) {
  for (Index k = 0; k < n; k++) {
    const Index rest = n - k - 1;
    double* const at = a + (k + 1) * (n + 1);
    if (k < n - 2) {
      taus[k] = reflection(at - 1, n, rest, v);
      reflect_rows(at, n, rest, rest, v, taus[k]);
      reflect_columns(at, n, rest, rest, v, taus[k]);
    }
    d[k] = a[k * (n + 1)];
    if (rest > 0) e[k] = at[-1];
  }
}

void bidiagonal(double* a, double* d, double* e, double* left, double* right, Index m, Index n, double* v) {
  for (Index k = 0; k < n; k++) {
    const Index rest = n - k - 1;
    double* const at = a + k * (n + 1);
    left[k] = reflection(at, n, m - k, v);
    reflect_columns(at + 1, n, rest, m - k, v, left[k]);
    if (k < n - 2) {
      right[k] = reflection(at + 1, 1, rest, v);
      reflect_rows(at + n + 1, n, m - k - 1, rest, v, right[k]);
    }
    d[k] = at[0];
    if (rest > 0) e[k] = at[1];
  }
}

/** A strip of columns at a time is rotated by all rotations; the row that two of them share is in registers. */
void rotate(double* a, const double* c, const double* s, const double* spans, Index length, Index n) {
  in_strips<strip>(n, [&](auto width, auto whole, Index j, Index part) {
    constexpr int W = width;
    constexpr bool isWhole = whole;
    Index at = 0;
    for (Index k = 0; k < length; k += 3) {
      const Index step = static_cast<Index>(spans[k + 1]) * n;
      double* row = a + static_cast<Index>(spans[k]) * n + j;
      Wide<W> x = load_wide<W, isWhole>(row, part);
      for (const Index end = at + static_cast<Index>(spans[k + 2]); at < end; at++, row += step) {
        const Wide<W> y = load_wide<W, isWhole>(row + step, part);
        const V cosine = splat(c[at]), sine = splat(s[at]);
        Wide<W> own;
#pragma GCC unroll 4
        for (int w = 0; w < W; w++) {
          own.v[w] = add_product<double>(cosine * x.v[w], sine, y.v[w]);
          x.v[w] = minus_product(cosine * y.v[w], sine, x.v[w]);
        }
        store_wide<W, isWhole>(row, own, part);
      }
      store_wide<W, isWhole>(row, x, part);
    }
  });
}

/** One matrix; `v` has room for a vector. */
void compute(const Matrices& it, Index batch, double* v) {
  double* arrays[mostMatrixArrays];
  for (int32_t i = 0; i < mostMatrixArrays; i++) arrays[i] = it.arrays[i] + batch * it.lengths[i];
  const auto [a, b, c, d, e] = arrays;
  const auto [p, q, r, s, t] = it.sizes;
  // What is left out is not compiled.
  if (it.routine > lastRoutine) return;
  switch (it.routine) {
    case Routine::lu:
      return lu(a, b, c, p, q, r == 1);
    case Routine::cholesky:
      return cholesky(a, b, p);
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
    case Routine::count:
      return;
  }
}

}  // namespace

bool matrices(const Matrices& it) {
  // Vectors of reflections have as many elements as a matrix has rows, or columns.
  Workspace<4096> room(
      lastRoutine < Routine::qr ? 0 : static_cast<int64_t>(sizeof(double)) * (it.sizes[0] + it.sizes[1]));
  if (room.at() == nullptr) return false;
  for (Index batch = 0; batch < it.count; batch++) compute(it, batch, reinterpret_cast<double*>(room.at()));
  return true;
}

}  // namespace flambeau::ISA
