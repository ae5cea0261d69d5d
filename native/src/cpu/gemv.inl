// Products with a vector. The matrix has one unit stride: along the sum, then its rows are multiplied with the vector
// and summed; or across it, then its rows are added up, each times an element of the vector. What is left of a matrix
// beside whole vectors is done by vectors that overlap the last ones or that are loaded in part.
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

/** y = sum over p of v[p * step] * m[p * row], for N vectors of columns, the last of them of `last` columns. */
template <class T, int N, bool partial>
static void add_rows(int64_t k, const T* m, int64_t row, const T* v, int64_t step, T* y, int64_t last) {
  constexpr int64_t L = lanes<T>;
  constexpr int chains = 4;
  Vec<T> sum[chains][N] = {};
  const auto add = [&](Vec<T>* to) {
    const Vec<T> x = splat(*v);
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) to[j] += x * (partial && j == N - 1 ? load_some(m + j * L, last) : load(m + j * L));
    m += row;
    v += step;
  };
  for (; k >= chains; k -= chains) {
#pragma GCC unroll 4
    for (int u = 0; u < chains; ++u) add(sum[u]);
  }
  for (; k > 0; --k) add(sum[0]);
  for (int j = 0; j < N; ++j) {
    const Vec<T> total = (sum[0][j] + sum[1][j]) + (sum[2][j] + sum[3][j]);
    if (partial && j == N - 1)
      store_some(y + j * L, total, last);
    else
      store(y + j * L, total);
  }
}

/** y[j] = sum over p of v[p * step] * m[p * row + j] for columns from `first` to `end`, of `columns` in all. */
template <class T> static void add_rows(int64_t first, int64_t end, int64_t columns, int64_t k, const T* m, int64_t row,
                                        const T* v, int64_t step, T* y) {
  constexpr int64_t L = lanes<T>;
  for (int64_t j = first; j < end;) {
    if constexpr (masked) {
      const int64_t vectors = end - j < 4 * L ? up(end - j, L) : 4;
      const int64_t last = end - j < vectors * L ? end - j - (vectors - 1) * L : L;
      const auto add = vectors == 4   ? add_rows<T, 4, true>
                       : vectors == 3 ? add_rows<T, 3, true>
                       : vectors == 2 ? add_rows<T, 2, true>
                                      : add_rows<T, 1, true>;
      add(k, m + j, row, v, step, y + j, last);
      j += vectors * L;
    } else if (columns < L) {
      return add_rows<T, 1, true>(k, m, row, v, step, y, columns);
    } else if (end - j >= 2 * L) {
      add_rows<T, 2, false>(k, m + j, row, v, step, y + j, L);
      j += 2 * L;
    } else {
      if (j > columns - L) j = columns - L;
      add_rows<T, 1, false>(k, m + j, row, v, step, y + j, L);
      j += L;
    }
  }
}

}  // namespace flambeau::ISA
