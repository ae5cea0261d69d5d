// Contractions to one row whose windows slide along both columns, as of convolutions to one channel and of depthwise ones:
// a row of b is loaded once for all rows of the result that it is a term of. Reading it again for each of them, as a
// sweep does, would take as many loads as multiplications. The terms of an element are added in the order of a sweep, so
// bits are equal.
#pragma once
#include "nests.inl"

namespace flambeau::ISA {

/** The vectors in a row of such a tile, and its most rows. */
constexpr int slideVectors = 2, slideRows = registers == 32 ? 8 : 4;
/** The fewest rows of a tile. */
constexpr int fewestSlideRows = 4;
/** The rows of a window that a tile takes together. */
constexpr int slideTaps = 5, fewestSlideTaps = 3;

/** A tile of one batch element. */
template <class T> struct Slide {
  /** The outer loops of the sum, as offsets in b. */
  int64_t outer;
  const int32_t* offsets;
  /** The height and width of a window, and the steps of b along them. */
  int64_t high, wide, down, along;
  /** The window, its rows side by side: [outer, wide, high]. */
  const T* a;
  const T* b;
  T* c;
  int64_t cRow;
  /** The second vector's distance from the first one. */
  int64_t far;
};

/** Adds what a row of b, number `I` of those that G rows of a window over R rows reach, gives to these rows. */
template <class T, int R, int G, int I>
INLINE void slide_row(const T* b, int64_t far, const Vec<T> (&taps)[G], Vec<T> (&sum)[R][slideVectors]) {
  Vec<T> x = load(b), y = load(b + far);
  KEEP(x);
  KEEP(y);
#pragma GCC unroll 8
  for (int g = G - 1; g >= 0; --g) {
    const int i = I - g;
    if (i < 0 || i >= R) continue;
    sum[i][0] = add_product<T>(sum[i][0], taps[g], x);
    sum[i][1] = add_product<T>(sum[i][1], taps[g], y);
  }
}

/** Adds the products with G rows of a window, a column of them at a time: its elements stay in registers. */
template <class T, int R, int G, int... I>
INLINE void slide_taps(const Slide<T>& it, const T* b, const T* a, Vec<T> (&sum)[R][slideVectors],
                       std::integer_sequence<int, I...>) {
  const int64_t wide = it.wide, high = it.high, along = it.along, down = it.down, far = it.far;
  for (int64_t q = 0; q < wide; ++q, b += along, a += high) {
    Vec<T> taps[G];
#pragma GCC unroll 8
    for (int g = 0; g < G; ++g) {
      taps[g] = splat(a[g]);
      KEEP(taps[g]);
    }
    (slide_row<T, R, G, I>(b + I * down, far, taps, sum), ...);
  }
}

/** A tile of R rows, whose windows are taken by G rows, and what is left of them one by one. */
template <class T, int R, int G> static void slide(const Slide<T>& it) {
  Vec<T> sum[R][slideVectors] = {};
  const T* a = it.a;
  for (int64_t p = 0; p < it.outer; ++p, a += it.wide * it.high) {
    const T* b = it.b + it.offsets[p];
    int64_t tap = 0;
    for (; tap + G <= it.high; tap += G, b += G * it.down) {
      slide_taps<T, R, G>(it, b, a + tap, sum, std::make_integer_sequence<int, R + G - 1>{});
    }
    for (; tap < it.high; ++tap, b += it.down) {
      slide_taps<T, R, 1>(it, b, a + tap, sum, std::make_integer_sequence<int, R>{});
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) {
    store(it.c + i * it.cRow, sum[i][0]);
    store(it.c + i * it.cRow + it.far, sum[i][1]);
  }
}

template <class T, int R> static void run_slide(int64_t taps, const Slide<T>& it) {
  taps == 3 ? slide<T, R, 3>(it) : taps == 4 ? slide<T, R, 4>(it) : slide<T, R, 5>(it);
}
template <class T> static void run_slide(int64_t rows, int64_t taps, const Slide<T>& it) {
  if constexpr (slideRows == 8) {
    if (rows == 8) return run_slide<T, 8>(taps, it);
    if (rows == 7) return run_slide<T, 7>(taps, it);
    if (rows == 6) return run_slide<T, 6>(taps, it);
    if (rows == 5) return run_slide<T, 5>(taps, it);
  }
  run_slide<T, 4>(taps, it);
}

/** The way exists for float32 alone, and not in modules that are fetched. */
template <class T> constexpr bool canSlide = !isFetched && sizeof(T) == 4;

/** Whether a contraction goes this way: its columns are rows of more than a vector, and move as the windows do. */
template <class T> static bool slides(const Nested<T>& it) {
  const Nest &columns = it.bColumns, &sum = it.bSum;
  return canSlide<T> && it.m == 1 && columns.depth == 2 && sum.depth >= 2 && columns.steps[1] == 1 &&
         columns.sizes[1] > lanes<T> && columns.sizes[0] >= fewestSlideRows &&
         sum.sizes[sum.depth - 2] >= fewestSlideTaps && sum.steps[sum.depth - 2] == columns.steps[0];
}

/** The rows of a tile: as many as divide `rows` with the least overlap. */
INLINE int64_t slide_rows_of(int64_t rows) {
  int64_t best = fewestSlideRows;
  for (int64_t r = best; r <= slideRows && r <= rows; ++r) best = up(rows, r) * r <= up(rows, best) * best ? r : best;
  return best;
}

/** How many rows of a window of `high` are taken together, with the fewest left. */
INLINE int64_t slide_taps_of(int64_t high) {
  int64_t best = fewestSlideTaps;
  for (int64_t g = best; g <= slideTaps && g <= high; ++g) best = high % g <= high % best ? g : best;
  return best;
}

/** Tiles over some rows of a plane, the first of which begins where `it` does. */
template <class T> static void slide_plane(const Slide<T>& it, int64_t rows, int64_t width) {
  constexpr int64_t L = lanes<T>, both = slideVectors * L;
  const int64_t tall = slide_rows_of(rows), taps = slide_taps_of(it.high);
  Slide<T> tile = it;
  tile.far = width < both ? width - L : L;
  for (int64_t row = 0; row < rows; row += tall) {
    const int64_t top = row + tall <= rows ? row : rows - tall;
    for (int64_t column = 0; column < width; column += both) {
      // The last vectors overlap those before.
      const int64_t left = column + both <= width || width < both ? column : width - both;
      tile.b = it.b + top * it.down + left;
      tile.c = it.c + top * it.cRow + left;
      run_slide(tall, taps, tile);
    }
  }
}

/** All batch elements from `first` to before `end`, whole rows of columns. */
template <class T, class Place, class Finish>
static void run_slides(const Nested<T>& it, int64_t first, int64_t end, const Region& region, const Place& place,
                       const Finish& finish) {
  const int32_t last = it.bSum.depth - 1;
  const Nest outer{last - 1, it.bSum.sizes, it.bSum.steps};
  const int64_t width = it.bColumns.sizes[1], line = it.bColumns.steps[0];
  const int64_t begin = region.column / width, rows = region.columnEnd / width - begin;
  const int64_t high = it.bSum.sizes[last - 1], wide = it.bSum.sizes[last], each = high * wide;
  int32_t* const aSum = scratch<4>().template room<int32_t>(it.k + it.k / each);
  int32_t* const offsets = aSum + it.k;
  offsets_of(it.aSum, 0, it.k, aSum);
  offsets_of(outer, 0, it.k / each, offsets);
  T* const window = scratch<0>().template room<T>(it.k);
  Slide<T> tile{it.k / each, offsets, high, wide, line, it.bSum.steps[last], window, nullptr, nullptr, width, 0};
  const T* from = nullptr;
  for (int64_t index = first; index < end; ++index) {
    const auto [a, b, c] = place(index);
    for (int64_t p = 0; a != from && p < tile.outer; ++p) {
      for (int64_t e = 0; e < each; ++e) window[p * each + e % wide * high + e / wide] = a[aSum[p * each + e]];
    }
    from = a;
    tile.b = b + begin * line;
    tile.c = c + begin * width;
    slide_plane(tile, rows, width);
    finish(index, region);
  }
}

}  // namespace flambeau::ISA
