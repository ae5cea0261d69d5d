// LU factorizations, inverses, triangular systems and products of blocks of matrices, which they consist of. Part of
// matrices.cc.
#pragma once

namespace flambeau::ISA {

namespace {

// ---- products ----

/** What comes after products have been subtracted from rows: nothing, or the solution for the triangle that follows. */
enum class Then { nothing, solveUnit, solve };

/** Overwrites N rows with the solution for a lower triangle, whose elements are `ti` and `tl` apart. */
template <int N, int W> INLINE void solve_rows(Wide<W>* x, const double* t, Index ti, Index tl, bool unit) {
#pragma GCC unroll 8
  for (int i = 0; i < N; i++) {
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
  }
}

/**
 * Subtracts from R rows of c the product of a block of a, whose elements are `ai` and `al` apart, and rows of b. The triangle
 * that may follow is what comes after the block in a.
 */
template <int R, int W, bool whole>
SOME void tile(double* c, Index cw, const double* a, Index ai, Index al, const double* b, Index bw,
                 Index k, Index part, Then then) {
  Wide<W> x[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) x[r] = load_wide<W, whole>(c + r * cw, part);
  for (Index l = 0; l < k; l++, a += al) {
    const Wide<W> y = load_wide<W, whole>(b + l * bw, part);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const V factor = splat(a[r * ai]);
#pragma GCC unroll 4
      for (int w = 0; w < W; w++) x[r].v[w] = minus_product(x[r].v[w], factor, y.v[w]);
    }
  }
  if (then != Then::nothing) solve_rows<R>(x, a, ai, al, then == Then::solveUnit);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) store_wide<W, whole>(c + r * cw, x[r], part);
}

/** Rows of b that are copied side by side, because cache lines whose addresses differ by a power of two displace each other. */
constexpr Index deep = 128;

/**
 * Subtracts from the m x n block c the product of the m x k block a and the k x n block b. Rows are `cw` and `bw` apart,
 * elements of a `ai` and `al`; all may be negative. Where code is fetched, a triangle may follow a, whose system is solved
 * if the rows of c are those after b.
 */
void subtract(double* c, Index cw, const double* a, Index ai, Index al, const double* b, Index bw, Index m,
              Index n, Index k, Then then = Then::nothing) {
  alignas(64) double copy[deep * 2 * L];
  const bool solves = isFetched && then != Then::nothing;
  Index from = 0;
  do {
    const Index chunk = least(deep, k - from);
    in_strips<2>(n, [&](auto width, auto whole, Index j, Index part) {
      constexpr int W = width;
      constexpr bool isWhole = whole;
      const double* rows = b + from * bw + j;
      Index step = bw, depth = chunk;
      if (!isFetched && m > 2 * tall && depth > few) {
        for (Index l = 0; l < depth; l++)
          store_wide<W, true>(copy + l * W * L, load_wide<W, isWhole>(rows + l * bw, part), L);
        rows = copy;
        step = W * L;
      }
      const double* factors = a + from * al;
      double* to = c + j;
      const auto advance = [&](auto height) {
        constexpr int R = height;
        tile<R, W, isWhole>(to, cw, factors, ai, al, rows, step, depth, part, solves ? then : Then::nothing);
        to += R * cw;
        factors += R * ai;
        if (solves) depth += R;
      };
      Index i = 0;
      if constexpr (isWhole || !isFetched) {
        for (; i + tall <= m; i += tall) advance(std::integral_constant<int, tall>());
      }
      for (; i < m; i++) advance(std::integral_constant<int, 1>());
    });
    from += deep;
  } while (from < k);
}

// ---- triangles ----

/** Where code is fetched, the most rows for which a triangle is solved without dividing it. */
constexpr Index mostSolved = 64;

/** Where a range is divided, so that the second half is handled with what the first half gave. */
Index half_of(Index n) { return (n + 2 * few - 1) / (2 * few) * few; }

template <int N>
void solve_few(const double* t, Index ti, Index tl, double* b, Index bw, Index k, bool unit) {
  in_strips<2>(k, [&](auto width, auto whole, Index j, Index part) {
    constexpr int W = width;
    Wide<W> x[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) x[i] = load_wide<W, whole>(b + i * bw + j, part);
    solve_rows<N>(x, t, ti, tl, unit);
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) store_wide<W, whole>(b + i * bw + j, x[i], part);
  });
}

/**
 * Overwrites the n x k block b with the solution of T x = b for a lower triangle, whose elements are `ti` and `tl` apart. An
 * upper one is a lower one from its end on, with negative steps.
 */
void solve(const double* t, Index ti, Index tl, double* b, Index bw, Index n, Index k, bool unit) {
  Index first = n > few ? half_of(n) : n;
  if (isFetched && n <= mostSolved) {
    return subtract(b, bw, t, ti, tl, b, bw, n, k, 0, unit ? Then::solveUnit : Then::solve);
  }
  if (n <= few) {
    if (n <= 0) return;
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

// ---- transposition ----

/** Exchanges two squares of vectors, and writes the transpose of each. */
[[maybe_unused]] void exchange(double* a, double* b, Index n) {
  V x[L], y[L];
#pragma GCC unroll 8
  for (int i = 0; i < L; i++) {
    x[i] = load(a + i * n);
    y[i] = load(b + i * n);
  }
  transpose<double>(x);
  transpose<double>(y);
#pragma GCC unroll 8
  for (int i = 0; i < L; i++) {
    store(a + i * n, y[i]);
    store(b + i * n, x[i]);
  }
}

/**
 * Transposes a matrix in its place, block by block, so that caches hold them. Blocks are squares of vectors where code is not
 * fetched. Rows whose addresses differ by multiples of 2 KB displace each other, and vectors that lie in two cache lines
 * twice as many.
 */
void turn(double* a, Index n) {
  constexpr Index side = isFetched ? few : L;
  for (Index rows = 0; rows < n; rows += side) {
    for (Index columns = 0; columns <= rows; columns += side) {
      if constexpr (!isFetched) {
        if (columns < rows && rows + side <= n && n % 256 != 0) {
          exchange(a + rows * n + columns, a + columns * n + rows, n);
          continue;
        }
      }
      for (Index i = rows; i < least(rows + side, n); i++) {
        for (Index j = columns; j < least(columns + side, i); j++) std::swap(a[i * n + j], a[j * n + i]);
      }
    }
  }
}

// ---- LU ----

void swap_rows(double* x, double* y, Index n) {
  in_strips<2>(n, [&](auto width, auto whole, Index j, Index part) {
    const auto first = load_wide<width, whole>(x + j, part), second = load_wide<width, whole>(y + j, part);
    store_wide<width, whole>(x + j, second, part);
    store_wide<width, whole>(y + j, first, part);
  });
}

/** Divides elements below a pivot by it, and subtracts their products with the W last vectors of its row from theirs. */
template <int W> void eliminate(double* row, double* end, Index k, Index to, Index n) {
  const Index first = to - W * L;
  const Wide<W> own = load_wide<W, true>(row + first, L);
  for (double* at = row + n; at < end; at += n) {
    const double factor = at[k] / row[k];
    Wide<W> x = load_wide<W, true>(at + first, L);
#pragma GCC unroll 4
    for (int w = 0; w < W; w++) x.v[w] = minus_product(x.v[w], splat(factor), own.v[w]);
    store_wide<W, true>(at + first, x, L);
    at[k] = factor;
  }
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
        best = x > largest ? i : best;
        largest = x > largest ? x : largest;
      }
    }
    pivots[k] = static_cast<double>(best);
    const double pivot = a[best * n + k];
    if (pivot == 0) {
      if (singular == 0) singular = k + 1;
      continue;
    }
    if (best != k) swap_rows(a + k * n, a + best * n, n);
    double* const row = a + k * n;
    if (isFetched) {
      double* const end = a + m * n;
      switch ((to - k) / L) {
        case 0: eliminate<0>(row, end, k, to, n); break;
        case 1: eliminate<1>(row, end, k, to, n); break;
        case 2: eliminate<2>(row, end, k, to, n); break;
        case 3: eliminate<3>(row, end, k, to, n); break;
        default: eliminate<4>(row, end, k, to, n); break;
      }
      continue;
    }
    for (double* at = a + (k + 1) * n; at < a + m * n; at += n) {
      const double factor = at[k] /= pivot;
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

// ---- inverses ----

/** Overwrites an identity with the inverse of a lower triangle that has ones on its diagonal. */
void invert_lower(const double* t, double* b, Index bw, Index n) {
  if (n <= few) return solve(t, bw, 1, b, bw, n, n, true);
  const Index half = half_of(n), rest = n - half;
  double* const below = b + half * bw;
  const double* const corner = t + half * (bw + 1);
  invert_lower(t, b, bw, half);
  subtract(below, bw, t + half * bw, bw, 1, b, bw, rest, half, half);
  solve(corner, bw, 1, below, bw, rest, half, true);
  invert_lower(corner, below + half, bw, rest);
}

/** Overwrites a with the factors of its transpose. */
void invert(double* inverse, double* pivots, double* info, double* a, Index n) {
  turn(a, n);
  lu(a, pivots, info, n, n, true);
  for (Index i = 0; i < n; i++) inverse[i * (n + 1)] = 1;
  invert_lower(a, inverse, n, n);
  solve_upper(a, n, inverse, n, n, n, false);
  turn(inverse, n);
  for (Index i = n - 1; i >= 0; i--) swap_rows(inverse + i * n, inverse + static_cast<Index>(pivots[i]) * n, n);
}

}  // namespace

}  // namespace flambeau::ISA
