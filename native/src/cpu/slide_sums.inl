// Contractions by vectors along the sum whose columns are windows that slide along both loops of it, as of the gradient by
// the weight of depthwise convolutions: a vector of b is loaded once for all rows of the window, and meets as many
// rows of a. A tile of sums.inl loads one of b for each column.
#pragma once
#include "sums.inl"

namespace flambeau::ISA {

/** The least and greatest height and width of a window. */
constexpr int fewestSlideSums = 3, mostSlideSums = registers == 32 ? 5 : 3;
/** The terms that are added in vectors before these are summed. */
constexpr int64_t slideSums = 2048;

/** Some rows of the sum: where they begin in a and b, and how many they are. */
struct Strips {
  int32_t a, b, rows;
};

/** The sum in strips, of which some are summed together. */
struct Cut {
  const Strips* strips;
  /** The most rows of a strip, how many strips there are, and how many are summed together. */
  int64_t most, count, together;
};

/** The most rows of a strip that have terms for windows of a height. */
template <class T> static int64_t strip_rows(const Nested<T>& it) {
  const int64_t high = it.bColumns.sizes[it.bColumns.depth - 2], rows = slideSums / it.bSum.inner();
  return piece(it.bSum.sizes[it.bSum.depth - 2], rows < 2 * high ? 2 * high : rows);
}

/** The numbers that `cut_of` needs. */
template <class T> static int64_t strips_room(const Nested<T>& it) {
  const int64_t tall = it.bSum.sizes[it.bSum.depth - 2], planes = it.k / (tall * it.bSum.inner());
  return (2 + 3 * up(tall, strip_rows(it))) * planes;
}

/** Cuts the sum; the strips are in `room`. */
template <class T> static Cut cut_of(const Nested<T>& it, int32_t* room) {
  const Nest& sum = it.bSum;
  const int64_t tall = sum.sizes[sum.depth - 2], broad = sum.inner(), planes = it.k / (tall * broad), most = strip_rows(it);
  int32_t *const aPlanes = room, *const bPlanes = aPlanes + planes;
  Strips* const strips = reinterpret_cast<Strips*>(bPlanes + planes);
  offsets_of({sum.depth - 2, sum.sizes, it.aSum.steps}, 0, planes, aPlanes);
  offsets_of({sum.depth - 2, sum.sizes, sum.steps}, 0, planes, bPlanes);
  const int32_t aLine = it.aSum.steps[sum.depth - 2], bLine = sum.steps[sum.depth - 2];
  Strips* strip = strips;
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t y = 0; y < tall; y += most) {
      *strip++ = {aPlanes[p] + static_cast<int32_t>(y) * aLine, bPlanes[p] + static_cast<int32_t>(y) * bLine,
                  static_cast<int32_t>(tall - y < most ? tall - y : most)};
    }
  }
  const int64_t together = slideSums / (most * broad);
  return {strips, most, strip - strips, together < 1 ? 1 : together};
}

/** c = or += what a part of a window sums: G rows and Q columns of it, which are `along` apart in b and `cRow` in c. */
template <class T> struct SlideSums {
  const T *a, *b;
  const Strips* strips;
  int64_t count, wide, aLine, bLine, along;
  T* c;
  int64_t cRow;
  bool add;
};

template <class T, int G, int Q> static void slide_sums(const SlideSums<T>& it) {
  constexpr int64_t L = lanes<T>;
  constexpr int all = static_cast<int>(up(G * Q, L) * L);
  const int64_t wide = it.wide, aLine = it.aLine, bLine = it.bLine, along = it.along;
  Vec<T> sum[all] = {};
  for (const Strips* strip = it.strips; strip < it.strips + it.count; ++strip) {
    const int64_t rows = strip->rows;
    const T *a = it.a + strip->a, *b = it.b + strip->b;
    // Row i of b meets the rows i - g of a, of which the first and last rows miss some.
    for (int64_t i = 0; i < rows + G - 1; ++i, a += aLine, b += bLine) {
      const auto add = [&](auto part, auto whole, int64_t q, int64_t some) ALWAYS_INLINE {
        Vec<T> x[Q];
#pragma GCC unroll 8
        for (int k = 0; k < Q; ++k) {
          x[k] = load_apart<T, 1, decltype(part)::value>(b + q + k * along, some);
          KEEP(x[k]);
        }
#pragma GCC unroll 8
        for (int g = 0; g < G; ++g) {
          if (!decltype(whole)::value && (i < g || i - g >= rows)) continue;
          Vec<T> y = load_apart<T, 1, decltype(part)::value>(a + q - g * aLine, some);
          KEEP(y);
#pragma GCC unroll 8
          for (int k = 0; k < Q; ++k) sum[g * Q + k] = add_product<T>(sum[g * Q + k], y, x[k]);
        }
      };
      const auto row = [&](auto whole) ALWAYS_INLINE {
        int64_t q = 0;
        for (; q + L <= wide; q += L) add(std::false_type{}, whole, q, L);
        if (q < wide) add(std::true_type{}, whole, q, wide - q);
      };
      i >= G - 1 && i < rows ? row(std::true_type{}) : row(std::false_type{});
    }
  }
  T total[all];
#pragma GCC unroll 16
  for (int64_t s = 0; s < all; s += L) store(total + s, sums<T>(sum + s));
  for (int g = 0; g < G; ++g) {
    for (int k = 0; k < Q; ++k) {
      T* const to = it.c + g * it.cRow + k;
      *to = it.add ? *to + total[g * Q + k] : total[g * Q + k];
    }
  }
}

template <class T, int G> static void run_slide_sums(int64_t columns, const SlideSums<T>& it) {
  if constexpr (mostSlideSums == 5) {
    if (columns == 5) return slide_sums<T, G, 5>(it);
    if (columns == 4) return slide_sums<T, G, 4>(it);
  }
  slide_sums<T, G, 3>(it);
}
template <class T> static void run_slide_sums(int64_t rows, int64_t columns, const SlideSums<T>& it) {
  if constexpr (mostSlideSums == 5) {
    if (rows == 5) return run_slide_sums<T, 5>(columns, it);
    if (rows == 4) return run_slide_sums<T, 4>(columns, it);
  }
  run_slide_sums<T, 3>(columns, it);
}

/** Whether a contraction goes this way: its rows are so few that in tiles of sums.inl hardly any products share a load. */
template <class T> static bool slides_along_sum(const Nested<T>& it) {
  if (isFetched || sizeof(T) != 4) return false;
  const Nest &columns = it.bColumns, &sum = it.bSum;
  if (columns.depth < 2 || sum.depth < 2 || it.aSum.depth != sum.depth || sum.step() != 1) return false;
  const int64_t high = columns.sizes[columns.depth - 2], wide = columns.inner();
  return columns.steps[columns.depth - 2] == sum.steps[sum.depth - 2] && sum.inner() >= lanes<T> &&
         sum.sizes[sum.depth - 2] >= 2 * high && high >= fewestSlideSums && wide >= fewestSlideSums &&
         high <= mostSlideSums && wide <= mostSlideSums && it.m < 3;
}

/** All batch elements from `first` to before `end`, whole windows of columns. */
template <class T, class Place, class Finish>
static void run_slide_sums(const Nested<T>& it, int64_t first, int64_t end, const Region& region, const Place& place,
                           const Finish& finish) {
  const Nest &columns = it.bColumns, &sum = it.bSum;
  const int64_t high = columns.sizes[columns.depth - 2], wide = columns.inner(), each = high * wide;
  const int64_t rows = region.rowEnd - region.row, windows = (region.columnEnd - region.column) / each;
  int32_t* const aRows = scratch<4>().template room<int32_t>(rows + windows + strips_room(it));
  int32_t* const bWindows = aRows + rows;
  offsets_of(it.aRows, region.row, region.rowEnd, aRows);
  offsets_of({columns.depth - 2, columns.sizes, columns.steps}, region.column / each, region.columnEnd / each, bWindows);
  const Cut cut = cut_of(it, bWindows + windows);
  SlideSums<T> tile;
  tile.wide = sum.inner();
  tile.aLine = it.aSum.steps[sum.depth - 2];
  tile.bLine = sum.steps[sum.depth - 2];
  tile.along = columns.step();
  tile.cRow = wide;
  for (int64_t index = first; index < end; ++index) {
    const auto [a, b, c] = place(index);
    for (int64_t s = 0; s < cut.count; s += cut.together) {
      tile.strips = cut.strips + s;
      tile.count = cut.count - s < cut.together ? cut.count - s : cut.together;
      tile.add = s > 0;
      for (int64_t i = 0; i < rows; ++i) {
        tile.a = a + aRows[i];
        for (int64_t w = 0; w < windows; ++w) {
          tile.b = b + bWindows[w];
          tile.c = c + (region.row + i) * it.cRow + region.column + w * each;
          run_slide_sums(high, wide, tile);
        }
      }
    }
    finish(index, region);
  }
}

}  // namespace flambeau::ISA
