// Contractions by vectors of columns, which tiles read where they lie in b: its columns lie in runs.
#pragma once
#include "nests.inl"

namespace flambeau::ISA {

/** The offset of a vector of columns in a row of b and in a row of c. */
struct Spot {
  int32_t b, c;
};

/** Panels of vectors, and for each of them a strip of tiles. */
template <class T> struct Sweep {
  int64_t tiles, aTile;
  int64_t k;
  const T* a;
  int64_t aRow, aColumn;
  const T* b;
  /** Offsets of the rows of b. */
  const int32_t* rows;
  T* c;
  int64_t cRow;
  int64_t panels;
  const Spot* spots;
  /** Elements of a vector, where vectors are not full. */
  int64_t count;
};

template <class T, int R, int N, int step, bool part> static void sweep(const Sweep<T>& it) {
  constexpr int groups = (R + 3) / 4;
  const auto [tiles, aTile, k, first, aRow, aColumn, firstB, rows, firstC, cRow, panels, firstSpot, count] = it;
  const Spot* spot = firstSpot;
  for (int64_t panel = 0; panel < panels; ++panel, spot += N) {
    const T* b[N];
    T* c[N];
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      b[j] = firstB + spot[j].b;
      c[j] = firstC + spot[j].c;
    }
    const T* start = first;
    for (int64_t t = 0; t < tiles; ++t, start += aTile) {
      const T* a[groups];
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) {
        a[g] = start + 4 * g * aRow;
        ITSELF(a[g]);
      }
      Vec<T> sum[R][N] = {};
      for (int64_t p = 0; p < k; ++p) {
        const int64_t at = rows[p];
        Vec<T> row[N];
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) row[j] = load_apart<T, step, part>(b[j] + at, count);
#pragma GCC unroll 12
        for (int i = 0; i < R; ++i) {
          const Vec<T> x = splat(a[i / 4][i % 4 * aRow]);
#pragma GCC unroll 8
          for (int j = 0; j < N; ++j) sum[i][j] = add_product<T>(sum[i][j], x, row[j]);
        }
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) a[g] += aColumn;
      }
#pragma GCC unroll 12
      for (int i = 0; i < R; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) {
          if (part)
            store_some(c[j], sum[i][j], count);
          else
            store(c[j], sum[i][j]);
          c[j] += cRow;
        }
      }
    }
  }
}

/** The most rows of a tile of a sweep. */
constexpr int sweepRows = panelRows;

/** Rows of which a tile has more vectors, where there are registers for them. */
constexpr int fewRows = 2;

template <class T, int N, int step, bool part,
          class = std::make_integer_sequence<int, N <= panelVectors ? sweepRows : fewRows>>
struct Sweeps;
template <class T, int N, int step, bool part, int... R>
struct Sweeps<T, N, step, part, std::integer_sequence<int, R...>> {
  static void run(int64_t rows, const Sweep<T>& it) {
    static constexpr void (*const of[])(const Sweep<T>&) = {sweep<T, R + 1, N, step, part>...};
    of[rows - 1](it);
  }
};

template <class T, int N> static void run_sweep(int64_t rows, int64_t step, const Sweep<T>& it) {
  if constexpr (masked) {
    if (it.count < lanes<T>) {
      return step == 1 ? Sweeps<T, N, 1, true>::run(rows, it) : Sweeps<T, N, 2, true>::run(rows, it);
    }
  }
  return step == 1 ? Sweeps<T, N, 1, false>::run(rows, it) : Sweeps<T, N, 2, false>::run(rows, it);
}

/** All panels of so many vectors, N at a time. N spots follow the last one. */
template <class T, int N>
INLINE void run_panels(int64_t rows, int64_t step, const Spot* spots, int64_t vectors, Sweep<T>& it) {
  constexpr int half = N / 2;
  const int64_t panels = vectors / N, rest = vectors - panels * N;
  it.spots = spots;
  it.panels = panels;
  if (panels > 0) run_sweep<T, N>(rows, step, it);
  if (rest == 0) return;
  it.spots += panels * N;
  it.panels = 1;
  rest > half ? run_sweep<T, N>(rows, step, it)
  : rest > 1  ? run_sweep<T, half>(rows, step, it)
              : run_sweep<T, 1>(rows, step, it);
}

/** The number of elements of a that are packed at a time. */
constexpr int64_t blockOfA = blockRows * blockK;
/** The largest sum that has a table as a whole, and the columns that share one. */
constexpr int64_t tableK = 16384, tableColumns = 8192;

/** Rows of a, `height` at a time, the elements of a column side by side, by tables. */
template <class T>
static void pack_rows(const T* a, const int32_t* rows, const int32_t* sum, int64_t count, int64_t k, int64_t height,
                      T* to) {
  for (int64_t i = 0; i < count; i += height) {
    const int64_t high = count - i < height ? count - i : height;
    for (int64_t p = 0; p < k; ++p, to += high) {
      for (int64_t q = 0; q < high; ++q) to[q] = a[rows[i + q] + sum[p]];
    }
  }
}

/** The strides of a, if both are constant. */
template <class T> struct Left {
  bool even;
  int64_t row, column;

  explicit Left(const Nested<T>& it) {
    const bool evenRows = is_even(it.aRows, &row), evenSum = is_even(it.aSum, &column);
    even = evenRows && evenSum;
  }
};

/** A region. `place(index)` gives a, b and c of a batch element; all share the tables. */
template <class T, int N, class Place, class Finish>
static void sweep_region(const Nested<T>& it, int64_t first, int64_t end, const Region& region, const Place& place,
                       const Finish& finish) {
  constexpr int64_t L = lanes<T>;
  const int64_t inner = it.bColumns.inner(), step = it.bColumns.step();
  const int64_t rows = region.rowEnd - region.row, columns = region.columnEnd - region.column;
  const int64_t height = piece(rows, sweepRows);
  const Left<T> left(it);
  const bool packsA = !left.even || left.column != 1;
  const int64_t most = blockOfA / it.k / height * height;
  const int64_t high = !packsA || rows <= most ? rows : most < height ? height : most;
  T* const packed = packsA ? scratch<0>().template room<T>((high + height) * it.k + L) : nullptr;

  // Blocks of columns are whole runs.
  const int64_t runs = inner < tableColumns ? tableColumns / inner : 1;
  const int64_t wide = runs * inner < columns ? runs * inner : columns;
  const int64_t spotCount = up(wide, inner) * up(inner, L) + N;
  int32_t* const bSum = scratch<4>().template room<int32_t>(2 * it.k + rows + 2 * spotCount);
  int32_t *const aSum = bSum + it.k, *const aRows = aSum + it.k;
  Spot* const spots = reinterpret_cast<Spot*>(aRows + rows);
  offsets_of(it.bSum, 0, it.k, bSum);
  if (packsA) {
    offsets_of(it.aSum, 0, it.k, aSum);
    offsets_of(it.aRows, region.row, region.rowEnd, aRows);
  }

  Sweep<T> sweep;
  sweep.k = it.k;
  sweep.rows = bSum;
  sweep.cRow = it.cRow;
  sweep.count = inner < L ? inner : L;
  sweep.aRow = packsA ? 1 : left.row;
  for (int64_t column = region.column; column < region.columnEnd; column += wide) {
    const int64_t columnEnd = region.columnEnd - column < wide ? region.columnEnd : column + wide;
    Spot* spot = spots;
    int64_t flat = column;
    walk(it.bColumns, column, columnEnd, [&](int32_t at, int64_t count) {
      for (int64_t q = 0; q < count; q += L) {
        const int64_t from = q + L <= count || q == 0 ? q : count - L;
        *spot++ = {at + static_cast<int32_t>(from * step), static_cast<int32_t>(flat + from)};
      }
      flat += count;
    });
    const int64_t vectors = spot - spots;
    for (int i = 0; i < N; ++i) spot[i] = spot[-1];
    for (int64_t row = region.row; row < region.rowEnd; row += high) {
      const int64_t rowEnd = region.rowEnd - row < high ? region.rowEnd : row + high;
      const int64_t tiles = (rowEnd - row) / height, restRows = rowEnd - row - tiles * height;
      const T* from = nullptr;
      for (int64_t index = first; index < end; ++index) {
        const auto [a, b, c] = place(index);
        if (packsA && a != from) pack_rows(a, aRows + (row - region.row), aSum, rowEnd - row, it.k, height, packed);
        from = a;
        sweep.b = b;
        const auto strip = [&, c = c](int64_t count, int64_t tileRows, const T* a, int64_t at) {
          sweep.tiles = count;
          sweep.a = a;
          sweep.aTile = packsA ? tileRows * it.k : tileRows * left.row;
          sweep.aColumn = packsA ? tileRows : left.column;
          sweep.c = c + at * it.cRow;
          run_panels<T, N>(tileRows, step, spots, vectors, sweep);
        };
        const T* const start = packsA ? packed : a + row * left.row;
        if (tiles > 0) strip(tiles, height, start, row);
        if (restRows > 0) strip(1, restRows, start + tiles * height * (packsA ? it.k : left.row), row + tiles * height);
        finish(index, Region{row, rowEnd, column, columnEnd});
      }
    }
  }
}

/** By vectors of columns. Rows of so few that a tile's sums would wait for each other have wider tiles. */
template <class T, class Place, class Finish>
static void run_direct(const Nested<T>& it, int64_t first, int64_t end, const Region& region, const Place& place,
                       const Finish& finish) {
  if constexpr (registers == 32) {
    if (it.m <= fewRows) return sweep_region<T, 2 * panelVectors>(it, first, end, region, place, finish);
  }
  sweep_region<T, panelVectors>(it, first, end, region, place, finish);
}

}  // namespace flambeau::ISA
