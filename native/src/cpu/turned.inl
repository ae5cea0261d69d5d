// Contractions by vectors along the rows, over packed panels of a: elements of b are read one by one, wherever they lie.
#pragma once
#include "nests.inl"

namespace flambeau::ISA {

/** Tiles side by side, each of some columns, whose elements of b are read one by one. */
template <class T> struct Turned {
  int64_t tiles, k;
  /** `k` rows of the tile's vectors. */
  const T* a;
  const T* b;
  /** Offsets of the rows and columns of b. */
  const int32_t *rows, *columns;
  /** A row of vectors for each column. */
  T* to;
  bool add;
};

/** `isRun`: the columns of a tile are a run of elements of b. */
template <class T, int R, int N, bool isRun> static void turned(const Turned<T>& it) {
  constexpr int64_t L = lanes<T>;
  const int32_t* column = it.columns;
  T* to = it.to;
  for (int64_t t = 0; t < it.tiles; ++t, column += R, to += R * N * L) {
    constexpr int starts = isRun ? 1 : R;
    const T* b[starts];
#pragma GCC unroll 8
    for (int i = 0; i < starts; ++i) {
      b[i] = it.b + column[i];
      ITSELF(b[i]);
    }
    // Fetches what the next tile reads.
    const T* const next = it.b + (t + 1 < it.tiles ? column[R] : column[0]);
    const T* a = it.a;
    Vec<T> sum[R][N] = {};
    for (const int32_t *row = it.rows, *end = row + it.k; row < end; ++row, a += N * L) {
      const int64_t at = *row;
      if (!isRun) __builtin_prefetch(next + at, 0, 2);
      Vec<T> x[N];
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) x[j] = load(a + j * L);
#pragma GCC unroll 14
      for (int i = 0; i < R; ++i) {
        const Vec<T> y = splat(isRun ? b[0][at + i] : b[i % starts][at]);
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) sum[i][j] = add_product<T>(sum[i][j], x[j], y);
      }
    }
#pragma GCC unroll 14
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) {
        T* const at = to + (i * N + j) * L;
        store(at, it.add ? sum[i][j] + load(at) : sum[i][j]);
      }
    }
  }
}

/** The most columns of such a tile; each takes a pointer. */
constexpr int turned_columns(int vectors) { return registers == 32 ? (vectors == 4 ? 7 : 8) : vectors == 2 ? panelRows : 8; }

template <class T, int N, class = std::make_integer_sequence<int, turned_columns(N)>> struct TurnedTiles;
template <class T, int N, int... R> struct TurnedTiles<T, N, std::integer_sequence<int, R...>> {
  static void run(int64_t columns, const Turned<T>& it) {
    static constexpr void (*const of[])(const Turned<T>&) = {turned<T, R + 1, N, false>...};
    of[columns - 1](it);
  }
};

template <class T> static void run_turned(int64_t columns, int64_t vectors, const Turned<T>& it) {
  if constexpr (panelVectors == 4) {
    if (vectors == 4) return TurnedTiles<T, 4>::run(columns, it);
    if (vectors == 3) return TurnedTiles<T, 3>::run(columns, it);
  }
  return vectors == 2 ? TurnedTiles<T, 2>::run(columns, it) : TurnedTiles<T, 1>::run(columns, it);
}

/** The columns of tiles of a single vector that are runs, which take one pointer. */
constexpr int fewestInRun = 8, mostInRun = registers == 32 ? 14 : 12;

/** How many columns such a tile has: as many as divide the runs of b; 0 if there is none. */
template <class T> static int64_t run_of(const Nested<T>& it) {
  const int64_t inner = it.bColumns.inner();
  if (isFetched || it.m > lanes<T> || it.bColumns.step() != 1) return 0;
  int64_t most = mostInRun;
  while (most >= fewestInRun && inner % most != 0) --most;
  return most < fewestInRun ? 0 : most;
}

template <class T, int... R>
static void run_runs(int64_t columns, const Turned<T>& it, std::integer_sequence<int, R...>) {
  static constexpr void (*const of[])(const Turned<T>&) = {turned<T, R + fewestInRun, 1, true>...};
  of[columns - fewestInRun](it);
}

/** The columns that are summed before they are stored, and the part of the sum that is worked on at a time. */
constexpr int64_t blockTurned = 512, blockTurnedK = 256;
/** The largest panel of a that is packed once for all columns. */
constexpr int64_t wholePanel = blockColumns * blockK;

/** Transposes sums into rows of c; `at` has the offsets of its columns. */
template <class T>
static void store_turned(const T* from, int64_t vectors, int64_t rows, int64_t columns, T* c, int64_t cRow,
                         const int32_t* at) {
  constexpr int64_t L = lanes<T>;
  for (int64_t j = 0; j < columns; j += L) {
    const int64_t wide = columns - j < L ? columns - j : L;
    const bool together = at[j + wide - 1] - at[j] == wide - 1;
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t first = v < vectors - 1 ? v * L : rows < L ? 0 : rows - L, high = rows < L ? rows : L;
      Vec<T> square[L] = {};
      for (int64_t q = 0; q < wide; ++q) square[q] = load(from + ((j + q) * vectors + v) * L);
      transpose<T>(square);
      T* const to = c + first * cRow;
      if (together && wide == L) {
        for (int64_t r = 0; r < high; ++r) store(to + r * cRow + at[j], square[r]);
      } else if (together) {
        for (int64_t r = 0; r < high; ++r) store_some(to + r * cRow + at[j], square[r], wide);
      } else {
        for (int64_t r = 0; r < high; ++r) {
          for (int64_t q = 0; q < wide; ++q) to[r * cRow + at[j + q]] = square[r][q];
        }
      }
    }
  }
}

/** By vectors along the rows. */
template <class T, class Finish>
static void run_turned(const Nested<T>& it, const Region& region, const Finish& finish) {
  constexpr int64_t L = lanes<T>;
  const int64_t rows = region.rowEnd - region.row, columns = region.columnEnd - region.column;
  const int64_t most = piece(up(rows, L), panelVectors), high = most * L < rows ? most * L : rows;
  const int64_t each = run_of(it), deep = piece(it.k, blockTurnedK);
  const bool inRuns = each > 0 && region.column % each == 0 && columns % each == 0;
  const int64_t block = inRuns ? blockTurned / each * each : blockTurned, wide = columns < block ? columns : block;
  // Packed panels of a serve all columns if there is room for them.
  const bool keepsA = columns <= wide || most * L * it.k <= wholePanel;
  int64_t rowStep, sumStep;
  const bool even = is_even(it.aRows, &rowStep), evenSum = is_even(it.aSum, &sumStep);
  T* const packed = scratch<0>().template room<T>(most * L * (keepsA && columns > wide ? it.k : deep));
  T* const sums = scratch<1>().template room<T>(wide * most * L);
  int32_t* const bSum = scratch<4>().template room<int32_t>(deep + 2 * wide + high + deep);
  int32_t *const bColumns = bSum + deep, *const cColumns = bColumns + wide, *const aRows = cColumns + wide,
                 *const aSum = aRows + high;
  Turned<T> tile;
  tile.b = it.b;
  for (int64_t row = region.row; row < region.rowEnd; row += high) {
    const int64_t count = region.rowEnd - row < high ? region.rowEnd - row : high, vectors = up(count, L);
    const int64_t across = inRuns ? each : turned_columns(static_cast<int>(vectors));
    if (!even) offsets_of(it.aRows, row, row + count, aRows);
    for (int64_t column = region.column; column < region.columnEnd; column += wide) {
      const int64_t width = region.columnEnd - column < wide ? region.columnEnd - column : wide;
      const int64_t broad = piece(width, across), tiles = width / broad, rest = width - tiles * broad;
      offsets_of(it.bColumns, column, column + width, bColumns);
      offsets_of(it.cColumns, column, column + width, cColumns);
      for (int64_t p = 0; p < it.k; p += deep) {
        tile.k = it.k - p < deep ? it.k - p : deep;
        tile.add = p > 0;
        offsets_of(it.bSum, p, p + tile.k, bSum);
        T* const panel = packed + (keepsA && columns > wide ? p * vectors * L : 0);
        if (!keepsA || column == region.column) {
          T* to = panel;
          const T* const a = it.a + row * rowStep;
          if (even && evenSum) {
            pack_panel(a + p * sumStep, sumStep, rowStep, tile.k, count, to);
          } else if (even) {
            walk(it.aSum, p, p + tile.k, [&](int32_t at, int64_t some) {
              pack_panel(a + at, it.aSum.step(), rowStep, some, count, to);
              to += some * vectors * L;
            });
          } else {
            offsets_of(it.aSum, p, p + tile.k, aSum);
            for (int64_t q = 0; q < tile.k; ++q, to += vectors * L) {
              for (int64_t v = 0; v < vectors; ++v) {
                const int64_t first = v < vectors - 1 ? v * L : count < L ? 0 : count - L;
                for (int64_t l = 0; l < L; ++l) {
                  to[v * L + l] = first + l < count ? it.a[aRows[first + l] + aSum[q]] : 0;
                }
              }
            }
          }
        }
        tile.a = panel;
        tile.rows = bSum;
        tile.columns = bColumns;
        tile.tiles = tiles;
        tile.to = sums;
        if (inRuns) {
          run_runs(each, tile, std::make_integer_sequence<int, mostInRun - fewestInRun + 1>());
          continue;
        }
        run_turned(broad, vectors, tile);
        if (rest == 0) continue;
        tile.columns += tiles * broad;
        tile.tiles = 1;
        tile.to += tiles * broad * vectors * L;
        run_turned(rest, vectors, tile);
      }
      store_turned(sums, vectors, count, width, it.c + row * it.cRow, it.cRow, cColumns);
      finish(Region{row, row + count, column, column + width});
    }
  }
}

}  // namespace flambeau::ISA
