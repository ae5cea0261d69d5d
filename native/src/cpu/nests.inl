// Contractions whose rows, columns or sum are several loops, such as convolutions. Tables of offsets, made once for
// many batch elements or for a block of the sum, say where elements lie; b is never copied. There are three ways:
// `sweep` reads vectors of columns of b (columns lie in runs), `sum_tile` has vectors along the sum (both factors lie in
// runs along it), `turned` has vectors along the rows, over packed panels of a, and reads b element by element (it may
// lie anywhere). The sizes and strides alone decide which, and in which order the terms of an element are added.
#pragma once
#include "../kernels.h"
#include "gemm.inl"

namespace flambeau::ISA {

/** The loops of one class, as one operand goes through them. */
struct Nest {
  int32_t depth;
  const int32_t *sizes, *steps;

  int64_t inner() const { return depth == 0 ? 1 : sizes[depth - 1]; }
  int64_t step() const { return depth == 0 ? 1 : steps[depth - 1]; }
};

/** Whether a nest has a constant stride, and which. */
INLINE bool is_even(const Nest& nest, int64_t* step) {
  *step = nest.step();
  for (int32_t d = nest.depth - 1; d > 0; --d) {
    if (nest.steps[d - 1] != int64_t{nest.sizes[d]} * nest.steps[d]) return false;
  }
  return true;
}

/** Calls `run(at, count)` for the pieces of innermost loops that make up the elements from `first` to before `end`. */
template <class Run> static void walk(const Nest& nest, int64_t first, int64_t end, const Run& run) {
  int32_t index[maxDepth] = {};
  int64_t at = 0, rest = first;
  for (int32_t d = nest.depth - 1; d >= 0; --d) {
    index[d] = static_cast<int32_t>(rest % nest.sizes[d]);
    rest /= nest.sizes[d];
    at += static_cast<int64_t>(index[d]) * nest.steps[d];
  }
  const int32_t last = nest.depth - 1;
  const int64_t inner = nest.inner();
  for (int64_t i = first, count; i < end; i += count) {
    count = last < 0 ? 1 : inner - index[last];
    if (count > end - i) count = end - i;
    run(static_cast<int32_t>(at), count);
    if (last < 0) return;
    index[last] += static_cast<int32_t>(count);
    at += count * nest.steps[last];
    for (int32_t d = last; d > 0 && index[d] == nest.sizes[d]; --d) {
      at += nest.steps[d - 1] - static_cast<int64_t>(nest.steps[d]) * nest.sizes[d];
      index[d] = 0;
      ++index[d - 1];
    }
  }
}

/** Writes the offsets of the elements from `first` to before `end`. */
static void offsets_of(const Nest& nest, int64_t first, int64_t end, int32_t* to) {
  const int32_t step = static_cast<int32_t>(nest.step());
  walk(nest, first, end, [&](int32_t at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) *to++ = at + static_cast<int32_t>(i) * step;
  });
}

/** A contraction of one batch element, or of several whose columns are taken together. */
template <class T> struct Nested {
  int64_t m, n, k;
  const T *a, *b;
  T* c;
  int64_t cRow;
  Nest aRows, aSum, bSum, bColumns, cColumns;
};

/** The even lanes of one vector, then the odd lanes of another. */
template <class T, int... l> INLINE Vec<T> halves(Vec<T> a, Vec<T> b, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(a, b, (2 * l < static_cast<int>(lanes<T>) ? 2 * l : 2 * l + 1)...);
}

/** A vector of elements that are `step` apart, or its first `count`. Reads nothing beyond the last of them. */
template <class T, int step, bool part> INLINE Vec<T> load_apart(const T* p, int64_t count) {
  constexpr int64_t L = lanes<T>;
  if constexpr (step == 1) {
    return part ? load_some(p, count) : load(p);
  } else {
    if (!part) return halves<T>(load(p), load(p + L - 1), AllLanes<T>{});
    const int64_t first = 2 * count - 1 < L ? 2 * count - 1 : L, second = 2 * count > L ? 2 * count - L : 0;
    return halves<T>(load_some(p, first), load_some(p + L - 1, second), AllLanes<T>{});
  }
}

// ---- tiles that read b where it is ----

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
#pragma GCC unroll 4
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
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) row[j] = load_apart<T, step, part>(b[j] + at, count);
#pragma GCC unroll 12
        for (int i = 0; i < R; ++i) {
          const Vec<T> x = splat(a[i / 4][i % 4 * aRow]);
#pragma GCC unroll 4
          for (int j = 0; j < N; ++j) sum[i][j] += x * row[j];
        }
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) a[g] += aColumn;
      }
#pragma GCC unroll 12
      for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
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
constexpr int sweepRows = 6;

template <class T, int N, int step, bool part, class = std::make_integer_sequence<int, sweepRows>> struct Sweeps;
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

/** By vectors of columns. `place(index)` gives a, b and c of a batch element; all share the tables. */
template <class T, class Place, class Finish>
static void run_direct(const Nested<T>& it, int64_t first, int64_t end, const Region& region, const Place& place,
                       const Finish& finish) {
  constexpr int64_t L = lanes<T>;
  constexpr int N = panelVectors, half = N / 2;
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
    const int64_t vectors = spot - spots, panels = vectors / N, rest = vectors - panels * N;
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
        const auto strip = [&](int64_t count, int64_t tileRows, const T* a, int64_t at) {
          sweep.tiles = count;
          sweep.a = a;
          sweep.aTile = packsA ? tileRows * it.k : tileRows * left.row;
          sweep.aColumn = packsA ? tileRows : left.column;
          sweep.c = c + at * it.cRow;
          sweep.spots = spots;
          sweep.panels = panels;
          if (panels > 0) run_sweep<T, N>(tileRows, step, sweep);
          if (rest == 0) return;
          sweep.spots += panels * N;
          sweep.panels = 1;
          rest > half ? run_sweep<T, N>(tileRows, step, sweep) : run_sweep<T, half>(tileRows, step, sweep);
        };
        const T* const start = packsA ? packed : a + row * left.row;
        if (tiles > 0) strip(tiles, height, start, row);
        if (restRows > 0) strip(1, restRows, start + tiles * height * (packsA ? it.k : left.row), row + tiles * height);
        finish(index, Region{row, rowEnd, column, columnEnd});
      }
    }
  }
}

// ---- sums along runs ----

/** A run of the sum in both factors. */
struct Run {
  int32_t a, b, count;
};

/** The most rows of a tile of sums, and the most columns of one of so many rows. */
constexpr int sumRows = 4;
constexpr int sum_columns(int rows) {
  return registers == 32 ? (rows == 1 ? 8 : rows == 2 ? 6 : rows == 3 ? 5 : 4) : rows == 1 ? 4 : rows == 2 ? 3 : 2;
}

/** c = or += sums of products along runs, in a tile of R rows and Q columns. */
template <class T, int R, int Q, int step>
static void sum_tile(const T* const* as, const T* const* bs, const Run* runs, int64_t count, T* c, int64_t cRow,
                     bool add) {
  constexpr int64_t L = lanes<T>;
  constexpr int all = static_cast<int>(up(R * Q, L) * L);
  const T *a[R], *b[Q];
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) a[i] = as[i];
#pragma GCC unroll 8
  for (int j = 0; j < Q; ++j) b[j] = bs[j];
  Vec<T> sum[all] = {};
  for (const Run* run = runs; run < runs + count; ++run) {
    int64_t x = run->a, y = run->b;
    const auto add = [&](auto part, int64_t some) {
      Vec<T> row[Q];
#pragma GCC unroll 8
      for (int j = 0; j < Q; ++j) row[j] = load_apart<T, step, decltype(part)::value>(b[j] + y, some);
#pragma GCC unroll 8
      for (int i = 0; i < R; ++i) {
        const Vec<T> left = load_apart<T, 1, decltype(part)::value>(a[i] + x, some);
#pragma GCC unroll 8
        for (int j = 0; j < Q; ++j) sum[i * Q + j] += left * row[j];
      }
    };
    int64_t rest = run->count;
    for (; rest >= L; rest -= L, x += L, y += step * L) add(std::false_type{}, L);
    if (rest > 0) add(std::true_type{}, rest);
  }
  T total[all];
#pragma GCC unroll 16
  for (int64_t s = 0; s < all; s += L) store(total + s, sums<T>(sum + s));
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < Q; ++j) {
      const T x = total[i * Q + j];
      c[i * cRow + j] = add ? c[i * cRow + j] + x : x;
    }
  }
}

template <class T, int step> struct SumTiles {
  using Tile = void (*)(const T* const*, const T* const*, const Run*, int64_t, T*, int64_t, bool);
  template <int R, int... Q> static Tile of(int64_t columns, std::integer_sequence<int, Q...>) {
    static constexpr Tile tiles[] = {sum_tile<T, R, Q + 1, step>...};
    return tiles[columns - 1];
  }
  static Tile of(int64_t rows, int64_t columns) {
    switch (rows) {
      case 1:
        return of<1>(columns, std::make_integer_sequence<int, sum_columns(1)>{});
      case 2:
        return of<2>(columns, std::make_integer_sequence<int, sum_columns(2)>{});
      case 3:
        return of<3>(columns, std::make_integer_sequence<int, sum_columns(3)>{});
      default:
        return of<4>(columns, std::make_integer_sequence<int, sum_columns(4)>{});
    }
  }
};

/** The part of the sum that is worked on at a time: its runs stay in the first-level cache. */
constexpr int64_t blockSum = 1024;

/** By vectors along the sum. */
template <class T, class Place, class Finish>
static void run_sums(const Nested<T>& it, int64_t first, int64_t end, const Region& region, const Place& place,
                     const Finish& finish) {
  const int64_t inner = it.aSum.inner(), step = it.bSum.step();
  const int64_t rows = region.rowEnd - region.row, columns = region.columnEnd - region.column;
  const int64_t deep = inner < blockSum ? blockSum / inner * inner : blockSum;
  const int64_t high = piece(rows, sumRows), wide = piece(columns, sum_columns(static_cast<int>(high)));
  int32_t* const aRows = scratch<4>().template room<int32_t>(rows + columns + 3 * (up(deep, inner) + 1));
  int32_t* const bColumns = aRows + rows;
  Run* const runs = reinterpret_cast<Run*>(bColumns + columns);
  offsets_of(it.aRows, region.row, region.rowEnd, aRows);
  offsets_of(it.bColumns, region.column, region.columnEnd, bColumns);
  for (int64_t p = 0, pEnd; p < it.k; p = pEnd) {
    pEnd = it.k - p < deep ? it.k : p + deep;
    // Both nests have the same sizes.
    Run* run = runs;
    walk(it.aSum, p, pEnd, [&](int32_t at, int64_t count) { *run++ = {at, 0, static_cast<int32_t>(count)}; });
    const int64_t count = run - runs;
    run = runs;
    walk(it.bSum, p, pEnd, [&](int32_t at, int64_t) { (run++)->b = at; });
    for (int64_t index = first; index < end; ++index) {
      const auto [a, b, c] = place(index);
      for (int64_t i = 0, tall; i < rows; i += tall) {
        tall = rows - i < high ? rows - i : high;
        const T* as[sumRows];
        for (int64_t r = 0; r < tall; ++r) as[r] = a + aRows[i + r];
        for (int64_t j = 0, broad; j < columns; j += broad) {
          broad = columns - j < wide ? columns - j : wide;
          const T* bs[sum_columns(1)];
          for (int64_t q = 0; q < broad; ++q) bs[q] = b + bColumns[j + q];
          T* const to = c + (region.row + i) * it.cRow + region.column + j;
          const auto tile = step == 1 ? SumTiles<T, 1>::of(tall, broad) : SumTiles<T, 2>::of(tall, broad);
          tile(as, bs, runs, count, to, it.cRow, p > 0);
        }
      }
      if (pEnd == it.k) finish(index, region);
    }
  }
}

// ---- tiles whose vectors go along the rows ----

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

template <class T, int R, int N> static void turned(const Turned<T>& it) {
  constexpr int64_t L = lanes<T>;
  const int32_t* column = it.columns;
  T* to = it.to;
  for (int64_t t = 0; t < it.tiles; ++t, column += R, to += R * N * L) {
    const T* b[R];
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) {
      b[i] = it.b + column[i];
      ITSELF(b[i]);
    }
    // Fetches what the next tile reads.
    const T* const next = it.b + (t + 1 < it.tiles ? column[R] : column[0]);
    const T* a = it.a;
    Vec<T> sum[R][N] = {};
    for (const int32_t *row = it.rows, *end = row + it.k; row < end; ++row, a += N * L) {
      const int64_t at = *row;
      __builtin_prefetch(next + at, 0, 2);
      Vec<T> x[N];
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) x[j] = load(a + j * L);
#pragma GCC unroll 8
      for (int i = 0; i < R; ++i) {
        const Vec<T> y = splat(b[i][at]);
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) sum[i][j] += x[j] * y;
      }
    }
#pragma GCC unroll 8
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
constexpr int turned_columns(int vectors) { return registers == 32 ? (vectors == 4 ? 7 : 8) : vectors == 2 ? 6 : 8; }

template <class T, int N, class = std::make_integer_sequence<int, turned_columns(N)>> struct TurnedTiles;
template <class T, int N, int... R> struct TurnedTiles<T, N, std::integer_sequence<int, R...>> {
  static void run(int64_t columns, const Turned<T>& it) {
    static constexpr void (*const of[])(const Turned<T>&) = {turned<T, R + 1, N>...};
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
  const int64_t wide = columns < blockTurned ? columns : blockTurned, deep = piece(it.k, blockTurnedK);
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
    const int64_t across = turned_columns(static_cast<int>(vectors));
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
