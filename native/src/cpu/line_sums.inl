// Contractions by vectors along the sum whose columns are windows that slide along both loops of it, with more rows than
// slide_sums.inl takes, as of the gradient by the weight of a first convolution. Lines of an image rarely fill vectors.
// Copies of b, one for each column of a window, have their lines end to end, as they lie in a, so that a run is a whole
// plane. Slices of the sum are added up on their own, which the sizes alone decide; threads share the slices.
#pragma once
#include "slide_sums.inl"

namespace flambeau::ISA {

/** The most slices of all sums. */
constexpr int64_t lineSlices = 16;
/** The elements of copies that are summed together: beside some rows of a they stay in the first-level cache. */
constexpr int64_t lineElements = 6144;
/** For each vector of a line, the fewest products with an element of b: below, copying takes longer than it saves. */
constexpr int64_t fewestProducts = 5;

/** Whether a contraction goes this way. */
template <class T> static bool sums_lines(const Nested<T>& it) {
  const Nest &columns = it.bColumns, &sum = it.bSum;
  if (columns.depth < 2 || sum.depth < 2 || it.aSum.depth != sum.depth || sum.step() != 1 || columns.step() != 1) return false;
  const int64_t high = columns.sizes[columns.depth - 2], inner = sum.inner();
  return columns.steps[columns.depth - 2] == sum.steps[sum.depth - 2] && it.aSum.steps[sum.depth - 2] == inner &&
         inner % lanes<T> != 0 && 2 * inner >= lanes<T> && sum.sizes[sum.depth - 2] >= 2 * high &&
         it.m * high > fewestProducts * up(inner, lanes<T>);
}

/** Copies lines of b end to end, once for each column of a window. */
template <class T>
static void copy_lines(const T* from, int64_t line, int64_t lines, int64_t broad, T* to, int64_t wide, int64_t copy) {
  constexpr int64_t L = lanes<T>;
  const int64_t whole = broad / L * L, rest = broad - whole;
  for (int64_t q = 0; q < wide; ++q) {
    const T* x = from + q;
    T* at = to + q * copy;
    for (int64_t y = 0; y < lines; ++y, x += line, at += broad) {
      for (int64_t i = 0; i < whole; i += L) store(at + i, load(x + i));
      if (rest > 0) store(at + whole, load_part(x + whole, rest));
    }
  }
}

/** All batch elements. `ranges(count, body)` divides work among threads. */
template <class T, class Place, class Ranges, class Finish>
static void run_line_sums(const Nested<T>& it, int64_t batch, const Place& place, const Ranges& ranges, const Finish& finish) {
  constexpr int64_t L = lanes<T>;
  const Nest& columns = it.bColumns;
  const int64_t high = columns.sizes[columns.depth - 2], wide = columns.inner(), each = high * wide, size = it.m * it.n;
  const int64_t windows = it.n / each, line = it.bSum.steps[it.bSum.depth - 2], broad = it.bSum.inner();
  int32_t* const aRows = scratch<4>().template room<int32_t>(it.m + windows + strips_room(it));
  int32_t* const bWindows = aRows + it.m;
  offsets_of(it.aRows, 0, it.m, aRows);
  offsets_of({columns.depth - 2, columns.sizes, columns.steps}, 0, windows, bWindows);
  Cut cut = cut_of(it, bWindows + windows);
  const int64_t lines = cut.most + high - 1, most = lineElements / (wide * lines * broad);
  if (cut.together > most) cut.together = most < 1 ? 1 : most;
  const int64_t blocks = up(cut.count, cut.together), share = up(lineSlices, batch);
  const int64_t slices = blocks < share ? blocks : share;
  T* const sums = slices == 1 ? nullptr : scratch<5>().template room<T>(batch * slices * size);
  // The last line of a copy ends in a whole vector, too.
  const int64_t copy = cut.together * lines * broad + L;
  const int64_t tall = piece(it.m, sumRows), across = piece(each, sum_columns(static_cast<int>(tall)));
  ranges(batch * slices, [&](int64_t first, int64_t end) {
    T* const copies = scratch<0>().template room<T>(wide * copy);
    Run* const runs = scratch<1>().template room<Run>(cut.together);
    for (int64_t item = first; item < end; ++item) {
      const int64_t index = item / slices, slice = item % slices;
      const auto [a, b, c] = place(index);
      T* const to = slices == 1 ? c : sums + item * size;
      const int64_t firstBlock = blocks * slice / slices, endBlock = blocks * (slice + 1) / slices;
      for (int64_t block = firstBlock; block < endBlock; ++block) {
        const Strips* const strips = cut.strips + block * cut.together;
        const int64_t rest = cut.count - block * cut.together, count = rest < cut.together ? rest : cut.together;
        for (int64_t s = 0; s < count; ++s) {
          runs[s] = {strips[s].a, static_cast<int32_t>(s * lines * broad), static_cast<int32_t>(strips[s].rows * broad)};
        }
        for (int64_t w = 0; w < windows; ++w) {
          for (int64_t s = 0; s < count; ++s) {
            copy_lines(b + bWindows[w] + strips[s].b, line, strips[s].rows + high - 1, broad, copies + s * lines * broad,
                       wide, copy);
          }
          for (int64_t i = 0, rows; i < it.m; i += rows) {
            rows = it.m - i < tall ? it.m - i : tall;
            const T* as[sumRows];
            for (int64_t r = 0; r < rows; ++r) as[r] = a + aRows[i + r];
            for (int64_t j = 0, some; j < each; j += some) {
              some = each - j < across ? each - j : across;
              const T* bs[sum_columns(1)];
              for (int64_t q = 0; q < some; ++q) bs[q] = copies + (j + q) % wide * copy + (j + q) / wide * broad;
              SumTiles<T, 1>::of(rows, some)(as, bs, runs, count, to + i * it.n + w * each + j, it.n, block > firstBlock);
            }
          }
        }
      }
    }
  });
  for (int64_t index = 0; index < batch; ++index) {
    T* const c = place(index).c;
    const T* from = sums + index * slices * size;
    for (int64_t s = 0; slices > 1 && s < slices; ++s, from += size) {
      for (int64_t e = 0; e < size; ++e) c[e] = s == 0 ? from[e] : c[e] + from[e];
    }
    finish(index, Region{0, it.m, 0, it.n});
  }
}

}  // namespace flambeau::ISA
