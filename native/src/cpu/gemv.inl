// Products with a vector, or with few columns. The matrix has one unit stride: along the sum, then its rows are
// multiplied with the vector and summed; or across it, then its rows are added up, each times an element of the vector.
// What is left of a matrix beside whole vectors is done by vectors that overlap the last ones or that are loaded in
// part.
#pragma once
#include "gemm.inl"

namespace flambeau::ISA {

/** y[i] = sum over p of m[i * row + p] * v[p] for rows from `first` to `end`, of `rows` that there are in all. */
template <class T>
static void dot_rows(int64_t first, int64_t end, int64_t rows, int64_t k, const T* m, int64_t row, const T* v, T* y) {
  constexpr int64_t L = lanes<T>;
  const int64_t whole = k - k % L, rest = k % L;
  const Vec<T> lastV = load_some(v + whole, rest);
  if (rows < L) {
    constexpr int chains = 8;
    for (int64_t i = first; i < end; ++i) {
      const T* const from = m + i * row;
      Vec<T> sum[chains] = {};
      int64_t p = 0;
      for (; p + chains * L <= k; p += chains * L) {
#pragma GCC unroll 8
        for (int u = 0; u < chains; ++u) sum[u] += load(from + p + u * L) * load(v + p + u * L);
      }
      for (; p < whole; p += L) sum[0] += load(from + p) * load(v + p);
      if (rest) sum[0] += load_some(from + p, rest) * lastV;
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
      for (int64_t r = 0; r < L; ++r) sum[r] += load(from + r * row + p) * x;
    }
    if (rest) {
#pragma GCC unroll 16
      for (int64_t r = 0; r < L; ++r) sum[r] += load_some(from + r * row + whole, rest) * lastV;
    }
    store(y + i, sums<T>(sum));
  }
}

/**
 * y = sum over p of v[p * step] * m[p * row], for N vectors of columns: the last one is at `at`, over the one before
 * it, or, when there is only a part of one, has `count` columns.
 */
template <class T, int N, bool part = false>
static void add_rows(int64_t k, const T* m, int64_t row, const T* v, int64_t step, T* y, int64_t at, int64_t count) {
  constexpr int64_t L = lanes<T>;
  constexpr int chains = 4;
  Vec<T> sum[chains][N] = {};
  const auto add = [&](Vec<T>* to) {
    const Vec<T> x = splat(*v);
#pragma GCC unroll 4
    for (int j = 0; j < N - 1; ++j) to[j] += x * load(m + j * L);
    to[N - 1] += x * (part ? load_some(m, count) : load(m + at));
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

/** y[j] = sum over p of v[p * step] * m[p * row + j] for columns from `first` to `end`: a vector of them, or all. */
template <class T>
static void add_rows(int64_t first, int64_t end, int64_t k, const T* m, int64_t row, const T* v, int64_t step, T* y) {
  constexpr int64_t L = lanes<T>, whole = panelVectors * L;
  if (end - first < L) return add_rows<T, 1, true>(k, m + first, row, v, step, y + first, 0, end - first);
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

/** Rows and columns of c whose sums are done at once when both operands lie along the sum. */
constexpr int dotRows = 4;
constexpr int dotColumns = registers == 32 ? 4 : 2;

/** Whether a product with n columns takes less as sums along k than in tiles, whose last vector may be mostly empty. */
template <class T> constexpr bool dots_are_cheaper(int64_t n, int64_t k) {
  constexpr int64_t L = lanes<T>;
  return n * (up(k, L) + 3) < k * up(n, L);
}

/** `rows` rows of c from sums of `columns` columns: a vector along k of each, whose lanes are added up in the end. */
template <class T, int columns> static void dot_tile(int64_t k, const T* a, int64_t aRow, int64_t rows, const T* b,
                                                     int64_t bColumn, T* c, int64_t cRow) {
  constexpr int64_t L = lanes<T>;
  Vec<T> sum[dotRows * dotColumns] = {};
  const T* from[dotRows];
  for (int i = 0; i < dotRows; ++i) from[i] = a + (i < rows ? i : rows - 1) * aRow;
  const auto add = [&](auto at) {
    Vec<T> y[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) y[j] = at(b + j * bColumn);
#pragma GCC unroll 4
    for (int i = 0; i < dotRows; ++i) {
      const Vec<T> x = at(from[i]);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) sum[i * dotColumns + j] += x * y[j];
    }
  };
  int64_t p = 0;
  for (; p + L <= k; p += L) add([p](const T* line) { return load(line + p); });
  if (p < k) add([p, k](const T* line) { return load_some(line + p, k - p); });
  T total[dotRows * dotColumns];
#pragma GCC unroll 16
  for (int64_t i = 0; i < dotRows * dotColumns; i += L) store(total + i, sums<T>(sum + i));
#pragma GCC unroll 4
  for (int64_t i = 0; i < dotRows; ++i) {
    if (i < rows) memcpy(c + i * cRow, total + i * dotColumns, columns * sizeof(T));
  }
}

/** Rows of a product whose operands both lie along k. */
template <class T> static void dot_tiles(const Product<T>& it, int64_t first, int64_t end) {
  for (int64_t i = first; i < end; i += dotRows) {
    const int64_t rows = end - i < dotRows ? end - i : dotRows;
    for (int64_t j = 0; j < it.n; j += dotColumns) {
      const int64_t columns = it.n - j < dotColumns ? it.n - j : dotColumns;
      const auto tile = columns == 1   ? dot_tile<T, 1>
                        : columns == 2 ? dot_tile<T, 2>
                                       : columns == 3 ? dot_tile < T,
                 dotColumns == 4 ? 3 : 1 > : dot_tile < T, dotColumns == 4 ? 4 : 1 > ;
      tile(it.k, it.a + i * it.aRow, it.aRow, rows, it.b + j * it.bColumn, it.bColumn, it.c + i * it.n + j, it.n);
    }
  }
}

}  // namespace flambeau::ISA
