// Contractions by vectors along the sum: both factors lie in runs along it.
#pragma once
#include "nests.inl"

namespace flambeau::ISA {

/** A run of the sum in both factors. */
struct Run {
  int32_t a, b, count;
};

/** The longest step of b along the sum. */
constexpr int sumSteps = isFetched ? 1 : 2;
/** The most rows of a tile of sums, and the most columns of one of so many rows. */
constexpr int sumRows = 4;
constexpr int sum_columns(int rows) {
  if (isFetched) return 2;
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
      for (int j = 0; j < Q; ++j) {
        row[j] = load_apart<T, step, decltype(part)::value>(b[j] + y, some);
        KEEP(row[j]);
      }
#pragma GCC unroll 8
      for (int i = 0; i < R; ++i) {
        Vec<T> left = load_apart<T, 1, decltype(part)::value>(a[i] + x, some);
        KEEP(left);
#pragma GCC unroll 8
        for (int j = 0; j < Q; ++j) sum[i * Q + j] = add_product<T>(sum[i * Q + j], left, row[j]);
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
          auto tile = SumTiles<T, 1>::of(tall, broad);
          if constexpr (sumSteps == 2) tile = step == 1 ? tile : SumTiles<T, 2>::of(tall, broad);
          tile(as, bs, runs, count, to, it.cRow, p > 0);
        }
      }
      if (pEnd == it.k) finish(index, region);
    }
  }
}

}  // namespace flambeau::ISA
