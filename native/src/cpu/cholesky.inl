// Cholesky factorizations. The transpose of the factor is computed in strips of columns, whose rows down to the diagonal follow
// each other, so that loops find all that they read side by side whatever the size of the matrix. Part of matrices.cc.
#pragma once

namespace flambeau::ISA {

namespace {

/** The columns of a strip: two vectors. */
constexpr Index wide = 2 * L;
/** Where strip s begins. */
constexpr Index strip_at(Index s) { return s * (s + 1) / 2 * wide * wide; }

/**
 * Writes some rows of a matrix into a strip, as far as the diagonal, or a strip into rows, with zeros after the diagonal. Where
 * there are fewer rows than columns in a strip, the last row takes the place of those that are missing.
 */
template <bool back> void copy_rows(double* a, Index n, Index from, double* strip) {
  const Index end = least(from + wide, n);
  double* rows[wide];
#pragma GCC unroll 16
  for (Index r = 0; r < wide; r++) rows[r] = a + least(from + r, n - 1) * n;
  // The last zeros may take the place of what is written after them.
  for (Index k = end; back && k < n; k += L) {
#pragma GCC unroll 16
    for (Index r = 0; r < wide; r++) store(rows[r] + least(k, n - L), V{});
  }
  Index j = 0;
  for (; j < end && end == from + wide; j += L) {
#pragma GCC unroll 4
    for (Index i = 0; i < wide; i += L) {
      V square[L];
      double* const own = a + (from + i) * n + j;
      double* const turned = strip + j * wide + i;
#pragma GCC unroll 8
      for (Index k = 0; k < L; k++) square[k] = load(back ? turned + k * wide : own + k * n);
      transpose<double>(square);
#pragma GCC unroll 8
      for (Index k = 0; k < L; k++) store(back ? own + k * n : turned + k * wide, square[k]);
    }
  }
  for (; j < end; j++) {
    // From the last one on, so that the last row of a matrix is written last.
#pragma GCC unroll 16
    for (Index r = wide - 1; r >= 0; r--) {
      if (back) rows[r][j] = strip[j * wide + r];
      else strip[j * wide + r] = rows[r][j];
    }
  }
  if (!back) {
    for (double* rest = strip + end * wide; rest < strip + (from + wide) * wide; rest++) *rest = 0;
    return;
  }
#pragma GCC unroll 16
  for (Index r = 0; r < wide; r++) {
    for (Index k = from + r + 1; k < end; k++) rows[r][k] = 0;
  }
}

/**
 * Factorizes `tall` rows of a strip, whose diagonal begins in its column `at`, if the matrix has so many, or else `count`.
 * Returns the order of the first leading minor that is not positive, or 0.
 */
template <int at> Index factor_rows(double* rows, Index count) {
  Wide<2> x[tall];
#pragma GCC unroll 8
  for (int i = 0; i < tall; i++) x[i] = load_wide<2, true>(rows + i * wide, L);
#pragma GCC unroll 8
  for (int j = 0; j < tall; j++) {
    if (j == count) break;
    const double pivot = x[j].v[(at + j) / L][(at + j) % L], root = std::sqrt(pivot);
    if (!(pivot > 0)) return j + 1;
#pragma GCC unroll 2
    for (int w = 0; w < 2; w++) x[j].v[w] /= splat(root);
    x[j].v[(at + j) / L][(at + j) % L] = root;
    store_wide<2, true>(rows + j * wide, x[j], L);
#pragma GCC unroll 8
    for (int i = j + 1; i < tall; i++) {
      const V factor = splat(x[j].v[(at + i) / L][(at + i) % L]);
#pragma GCC unroll 2
      for (int w = 0; w < 2; w++) x[i].v[w] = minus_product(x[i].v[w], factor, x[j].v[w]);
    }
  }
  return 0;
}

/** Factorizes all strips; returns as `factor_rows`. As many rows at a time as caches hold are subtracted from those below. */
Index factor_strips(double* strips, Index n) {
  for (Index from = 0; from < n; from += deep) {
    const Index to = least(from + deep, n);
    for (Index column = from; column < n; column += wide) {
      double* const own = strips + strip_at(column / wide);
      for (Index i = from; i < least(column + wide, n); i += tall) {
        const bool ends = i < to, solves = ends && i < column;
        const double* const factors = strips + strip_at(i / wide) + from * wide + i % wide;
        double* const rows = own + i * wide;
        tile<tall, 2, true>(rows, wide, factors, 1, wide, own + from * wide, wide, (ends ? i : to) - from, L,
                            solves ? Then::solve : Then::nothing);
        if (!ends || solves) continue;
        const Index minor = i == column ? factor_rows<0>(rows, n - i) : factor_rows<wide - tall>(rows, n - i);
        if (minor != 0) return i + minor;
      }
    }
  }
  return 0;
}

/** The elements that the strips of a matrix take. */
Index strips_of(Index n) { return strip_at((n + wide - 1) / wide); }

void cholesky(double* a, double* info, Index n, double* strips) {
  for (Index i = 0; i < n; i += wide) copy_rows<false>(a, n, i, strips + strip_at(i / wide));
  *info = static_cast<double>(factor_strips(strips, n));
  for (Index i = 0; i < n; i += wide) copy_rows<true>(a, n, i, strips + strip_at(i / wide));
}

}  // namespace

}  // namespace flambeau::ISA
