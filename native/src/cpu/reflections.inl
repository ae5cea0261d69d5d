// Householder reflections, what they factorize, and rotations of rows. Part of matrices.cc.
#pragma once

namespace flambeau::ISA {

namespace {

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

}  // namespace

}  // namespace flambeau::ISA
