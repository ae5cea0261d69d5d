// Products with a vector, or with few columns. The matrix has one unit stride. If that is along the sum, its rows are
// multiplied with the vector and summed; if it is across, its rows, each times an element of the vector, are added up.
// The remainder beside whole vectors is computed by vectors that overlap the last ones or are loaded partially.
#pragma once
#include "gemm.inl"

namespace flambeau::ISA {

/** y[i] = sum over p of m[i * row + p] * v[p] for rows from `first` to `end`, of `rows` in total. */
template <class T>
__attribute__((noinline)) static void dot_rows(int64_t first, int64_t end, int64_t rows, int64_t k, const T* m, int64_t row, const T* v, T* y) {
  constexpr int64_t L = lanes<T>;
  const int64_t whole = k - k % L, rest = k % L;
  const Vec<T> lastV = load_part(v + whole, rest);
  if (rows < L) {
    constexpr int chains = 8;
    for (int64_t i = first; i < end; ++i) {
      const T* const from = m + i * row;
      Vec<T> sum[chains] = {};
      int64_t p = 0;
      for (; p + chains * L <= k; p += chains * L) {
#pragma GCC unroll 8
        for (int u = 0; u < chains; ++u) sum[u] = add_product<T>(sum[u], load(from + p + u * L), load(v + p + u * L));
      }
      for (; p < whole; p += L) sum[0] = add_product<T>(sum[0], load(from + p), load(v + p));
      if (rest) sum[0] = add_product<T>(sum[0], load_part(from + p, rest), lastV);
      for (int half = chains / 2; half > 0; half /= 2) {
        for (int u = 0; u < half; ++u) sum[u] += sum[u + half];
      }
      T total = 0;
      for (int64_t lane = 0; lane < L; ++lane) total += sum[0][lane];
      y[i] = total;
    }
    return;
  }
  for (int64_t i = first; i < end; i += L) {
    if (i > rows - L) i = rows - L;
    const T* const from = m + i * row;
    Vec<T> sum[L] = {};
    for (int64_t p = 0; p < whole; p += L) {
      const Vec<T> x = load(v + p);
#pragma GCC unroll 16
      for (int64_t r = 0; r < L; ++r) sum[r] = add_product<T>(sum[r], load(from + r * row + p), x);
    }
    if (rest) {
#pragma GCC unroll 16
      for (int64_t r = 0; r < L; ++r) sum[r] = add_product<T>(sum[r], load_part(from + r * row + whole, rest), lastV);
    }
    store(y + i, sums<T>(sum));
  }
}

/**
 * y = sum over p of v[p * step] * m[p * row], for N vectors of columns: the last one is at `at`, overlapping the one
 * before it, or, if there is only a partial one, has `count` columns.
 */
template <class T, int N, bool part = false>
static void add_rows(int64_t k, const T* m, int64_t row, const T* v, int64_t step, T* y, int64_t at, int64_t count) {
  constexpr int64_t L = lanes<T>;
  constexpr int chains = 4;
  Vec<T> sum[chains][N] = {};
  const auto add = [&](Vec<T>* to) {
    const Vec<T> x = splat(*v);
#pragma GCC unroll 4
    for (int j = 0; j < N - 1; ++j) to[j] = add_product<T>(to[j], x, load(m + j * L));
    to[N - 1] = add_product<T>(to[N - 1], x, (part ? load_some(m, count) : load(m + at)));
    m += row;
    v += step;
  };
  for (; k >= chains; k -= chains) {
#pragma GCC unroll 4
    for (int u = 0; u < chains; ++u) add(sum[u]);
  }
  for (; k > 0; --k) add(sum[0]);
#pragma GCC unroll 4
  for (int j = 0; j < N; ++j) {
    const Vec<T> total = (sum[0][j] + sum[1][j]) + (sum[2][j] + sum[3][j]);
    if (part) {
      store_some(y, total, count);
    } else {
      store(y + (j < N - 1 ? j * L : at), total);
    }
  }
}

/** y = or += the sum of R rows of m, each times an element of v, for all columns: rows are read as they lie in memory. */
template <class T, int R>
__attribute__((noinline)) static void add_lines(int64_t columns, const T* m, int64_t row, const T* v, int64_t step, T* y, bool add) {
  constexpr int64_t L = lanes<T>;
  Vec<T> x[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) x[r] = splat(v[r * step]);
  int64_t j = 0;
  for (; j + L <= columns; j += L) {
    Vec<T> total = add ? load(y + j) : Vec<T>{};
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) total = add_product<T>(total, x[r], load(m + r * row + j));
    store(y + j, total);
  }
  if (const int64_t rest = columns - j; rest > 0) {
    Vec<T> total = add ? load_part(y + j, rest) : Vec<T>{};
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) total = add_product<T>(total, x[r], load_part(m + r * row + j, rest));
    store_part(y + j, total, rest);
  }
}

/**
 * y[j] = sum over p of v[p * step] * m[p * row + j] for columns from `first` to `end`: a vector of them, or all. It
 * goes from the last row to the first, because a layer's gradient reads what its forward pass has just read from the
 * first row to the last: of a matrix as large as the cache, half is still there, and also for the next step's forward
 * pass.
 */
template <class T>
static void add_rows(int64_t first, int64_t end, int64_t k, const T* m, int64_t row, const T* v, int64_t step, T* y) {
  constexpr int64_t L = lanes<T>, whole = panelVectors * L;
  m += (k - 1) * row;
  v += (k - 1) * step;
  row = -row;
  step = -step;
  if (end - first < L) return add_rows<T, 1, true>(k, m + first, row, v, step, y + first, 0, end - first);
  if constexpr (packsTiles) {
    // Columns in memory, because a few vectors of them, read row by row, would be less than a line of the cache each.
    constexpr int some = 8;
    int64_t p = 0;
    for (; p + some <= k; p += some)
      add_lines<T, some>(end - first, m + p * row + first, row, v + p * step, step, y + first, p > 0);
    for (; p < k; ++p) add_lines<T, 1>(end - first, m + p * row + first, row, v + p * step, step, y + first, p > 0);
  } else {
    for (int64_t j = first, width; j < end; j += width) {
      if (j > end - L) j = end - L;
      width = end - j < whole ? end - j : whole;
      const int64_t vectors = up(width, L);
      const auto add = vectors == 1   ? add_rows<T, 1>
                       : vectors == 2 ? add_rows<T, 2>
                                      : vectors == 3 ? add_rows < T,
                 panelVectors == 4 ? 3 : 1 > : add_rows < T, panelVectors == 4 ? 4 : 1 > ;
      add(k, m + j, row, v, step, y + j, width - L, L);
    }
  }
}

/** c[i][j] = a[i * step] * b[j]: a sum of one product, so that a resulting zero is 0 as in any other sum. */
template <class T>
__attribute__((noinline)) static void outer_rows(int64_t first, int64_t end, int64_t n, const T* a, int64_t step, const T* b, T* c) {
  constexpr int64_t L = lanes<T>;
  const int64_t whole = n - n % L, rest = n % L;
  const Vec<T> lastB = load_some(b + whole, rest);
  for (int64_t i = first; i < end; ++i) {
    const Vec<T> x = splat(a[i * step]);
    T* const to = c + i * n;
    for (int64_t j = 0; j < whole; j += L) store(to + j, Vec<T>{} + x * load(b + j));
    if (rest) store_some(to + whole, Vec<T>{} + x * lastB, rest);
  }
}

/**
 * Sums computed at once if both operands are contiguous along k: a rectangle of c, four rows high, or eight if it is
 * thin.
 */
constexpr int dotRows = 4;
constexpr int dotColumns = registers == 32 ? 4 : 2;
constexpr int dots = dotRows * dotColumns;

/** Whether sums along k are faster for n columns than tiles, whose last vector may be mostly empty. */
template <class T> constexpr bool dots_are_cheaper(int64_t n, int64_t k) {
  constexpr int64_t L = lanes<T>;
  return n * (up(k, L) + 3) < k * up(n, L);
}

/** `columns` columns of c in tiles of R rows: a vector along k for each sum, whose lanes are added up at the end. */
template <class T, int R, int columns>
static void dot_strip(const Product<T>& it, int64_t first, int64_t end, const T* b, T* c) {
  constexpr int64_t L = lanes<T>;
  constexpr int wide = dots / R;
  const int64_t k = it.k, bColumn = it.bColumn;
  for (int64_t i = first; i < end; i += R) {
    const T* from[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      from[r] = it.a + (i + r < end ? i + r : end - 1) * it.aRow;
      ITSELF(from[r]);
    }
    Vec<T> sum[dots] = {};
    const auto add = [&](auto at) {
      Vec<T> y[columns];
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) y[j] = at(b + j * bColumn);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Vec<T> x = at(from[r]);
#pragma GCC unroll 4
        for (int j = 0; j < columns; ++j) sum[r * wide + j] = add_product<T>(sum[r * wide + j], x, y[j]);
      }
    };
    int64_t p = 0;
    for (; p + L <= k; p += L) add([p](const T* line) { return load(line + p); });
    if (p < k) add([p, k](const T* line) { return load_some(line + p, k - p); });
    T total[dots];
#pragma GCC unroll 16
    for (int64_t s = 0; s < dots; s += L) store(total + s, sums<T>(sum + s));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      if (i + r < end) memcpy(c + (i + r) * it.n, total + r * wide, columns * sizeof(T));
    }
  }
}

/** Rows of a product whose operands are both contiguous along k. */
template <class T> static void dot_tiles(const Product<T>& it, int64_t first, int64_t end) {
  constexpr int thin = dotColumns / 2, high = dotRows * 2;
  for (int64_t j = 0, columns; j < it.n; j += columns) {
    columns = it.n - j < dotColumns ? it.n - j : dotColumns;
    const auto strip = columns == dotColumns ? dot_strip<T, dotRows, dotColumns>
                       : columns > thin      ? dot_strip<T, dotRows, thin + 1>
                       : columns == thin     ? dot_strip<T, high, thin>
                                             : dot_strip<T, high, 1>;
    strip(it, first, end, it.b + j * it.bColumn, it.c + j);
  }
}

}  // namespace flambeau::ISA
