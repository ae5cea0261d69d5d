// Convolutions of 3 x 3 with a step of 1 by Winograd's algorithm F(2 x 2, 3 x 3), for contractions whose loops are such
// a convolution's: 16 products of matrices take the place of 36 multiplications for every 2 x 2 elements of the result.
// Inputs and weights are transformed by additions and halving alone, so sums round no worse than those of the direct
// ways (docs/decisions/0059). Vectors are always along channels: images are transposed block by block, in the cache.
#pragma once
#include "nests.inl"

namespace flambeau::ISA {

/** The elements of a transformed tile: a product of matrices for each. */
constexpr int64_t winogradTerms = 16;
/**
 * The elements of transformed inputs and products that are worked on at a time, which fit the second-level cache (of a
 * gradient by the weight, bits depend on it), and of more tiles where each block reads many weights; the fewest tiles.
 */
constexpr int64_t winogradBlock = 1 << 17, winogradTiles = 16;
constexpr int64_t largeBlock = VECTOR_BYTES == 64 ? 2 * winogradBlock : winogradBlock;

/** Whether the sum and the columns are windows of 3 x 3 with a step of 1. */
template <class T> static bool has_square_windows(const Nested<T>& it) {
  const Nest &sum = it.bSum, &columns = it.bColumns;
  return it.aRows.depth == 1 && sum.depth == 3 && sum.sizes[1] == 3 && sum.sizes[2] == 3 && sum.steps[2] == 1 &&
         columns.depth == 2 && columns.steps[0] == sum.steps[1] && columns.steps[1] == 1;
}

/** The costs of Winograd's algorithm, in multiplications of vectors: transforms cost as much as some of them. */
struct WinogradCost {
  /** Of everything but transforming weights, of that, and of the direct way. */
  int64_t tiles, weights, direct;
};
template <class T> static WinogradCost winograd_cost(const Nested<T>& it, int64_t images) {
  const int64_t high = it.bColumns.sizes[0], wide = it.bColumns.sizes[1], channels = it.bSum.sizes[0];
  const int64_t tiles = images * up(high, 2) * up(wide, 2), vectors = up(it.m, lanes<T>);
  const int64_t each = winogradTerms * channels * vectors + 70 * up(channels, lanes<T>) + 90 * vectors;
  // The direct way has vectors along the columns where there are fewer rows than fill one.
  const int64_t swept = up(wide, lanes<T>) * it.m, turned = wide * vectors;
  const int64_t row = !isFetched && swept < turned ? swept : turned;
  return {tiles * each, 260 * channels * vectors, images * high * row * 8 * channels};
}

template <class T> static bool winograd_is_cheaper(const Nested<T>& it, int64_t images) {
  const WinogradCost cost = winograd_cost(it, images);
  return cost.tiles + (it.kept == nullptr ? cost.weights : 0) < cost.direct;
}

/** The bytes of transformed weights if keeping them is worth it, which saves a twentieth at least; otherwise 0. */
template <class T> static int64_t kept_weights(const Nested<T>& it, int64_t images) {
  const WinogradCost cost = winograd_cost(it, images);
  if (cost.tiles >= cost.direct || cost.tiles >= 20 * cost.weights) return 0;
  return up(it.m, lanes<T>) * winogradTerms * it.bSum.sizes[0] * VECTOR_BYTES;
}

/**
 * Whether threads share rows instead of tiles: each of them transforms all inputs, but only its own weights, which stay
 * in its cache, where transforming the weights takes longer.
 */
template <class T> static bool winograd_shares_rows(const Nested<T>& it, int64_t images, int64_t parts) {
  const int64_t tiles = images * up(it.bColumns.sizes[0], 2) * up(it.bColumns.sizes[1], 2), vectors = up(it.m, lanes<T>);
  return parts > 1 && vectors >= parts && 260 * vectors * lanes<T> > 70 * tiles;
}

/** Elements of images that become tiles: rows and columns of tiles of one image. */
struct Patch {
  int64_t image, row, rowEnd, column, columnEnd;
  int64_t tiles() const { return (rowEnd - row) * (columnEnd - column); }
};

/** The tiles of images in blocks: of several images, of rows of one, or of a part of a row. */
struct Tiling {
  int64_t images, high, wide, down, across, most;
  int64_t together, tall, broad;

  Tiling(int64_t images, int64_t high, int64_t wide, int64_t most)
      : images(images), high(high), wide(wide), down(up(high, 2)), across(up(wide, 2)), most(most) {
    broad = piece(across, most);
    tall = piece(down, most / broad);
    together = tall == down && broad == across ? most / (down * across) : 1;
    if (together > images) together = images;
  }
  int64_t rows() const { return up(down, tall); }
  int64_t columns() const { return up(across, broad); }
  int64_t blocks() const { return up(images, together) * rows() * columns(); }
  /** Calls `run(patch, first)` for the patches of a block, where `first` is the number of tiles before. */
  template <class Run> int64_t each(int64_t block, const Run& run) const {
    const int64_t column = block % columns() * broad, row = block / columns() % rows() * tall;
    const int64_t image = block / columns() / rows() * together;
    int64_t first = 0;
    for (int64_t i = image; i < image + together && i < images; ++i) {
      const Patch patch{i, row, row + tall < down ? row + tall : down, column,
                        column + broad < across ? column + broad : across};
      run(patch, first);
      first += patch.tiles();
    }
    return first;
  }
};

/** Pixels side by side, a vector of channels each; after `wide` of them, as many places as `gap` says stay as they are. */
template <class T>
static void transpose_run(const T* from, int64_t channelStep, int64_t channels, int64_t pixels, int64_t wide,
                          int64_t gap, T* to) {
  constexpr int64_t L = lanes<T>;
  int64_t left = wide;
  for (int64_t x = 0; x < pixels; x += L) {
    const int64_t count = pixels - x < L ? pixels - x : L;
    Vec<T> square[L] = {};
    if (count == L && channels == L) {
#pragma GCC unroll 16
      for (int64_t l = 0; l < L; ++l) square[l] = load(from + x + l * channelStep);
    } else {
      for (int64_t l = 0; l < channels; ++l) square[l] = load_some(from + x + l * channelStep, count);
    }
    transpose<T>(square);
    if (count == L && gap == 0) {
#pragma GCC unroll 16
      for (int64_t l = 0; l < L; ++l) store(to + l * L, square[l]);
      to += L * L;
      continue;
    }
#pragma GCC unroll 16
    for (int64_t l = 0; l < L; ++l) {
      if (l == count) break;
      store(to, square[l]);
      to += L;
      if (--left > 0) continue;
      left = wide;
      to += gap * L;
    }
  }
}

/** Zeros for `count` pixels. */
template <class T> static void clear_pixels(T* to, int64_t count) {
  for (int64_t x = 0; x < count; ++x) store(to + x * lanes<T>, Vec<T>{});
}

/**
 * Transforms tiles of 4 x 4 pixels that overlap by two. Elements of a transformed tile are `termStep` apart, tiles
 * `tileStep`.
 */
template <class T>
static void transform_input(const T* pixels, int64_t down, int64_t across, T* to, int64_t tileStep, int64_t termStep) {
  constexpr int64_t L = lanes<T>;
  const int64_t pitch = (2 * across + 2) * L;
  const auto column = [&](const T* at, Vec<T>* x) {
    const Vec<T> a = load(at), b = load(at + pitch), c = load(at + 2 * pitch), d = load(at + 3 * pitch);
    x[0] = a - c;
    x[1] = b + c;
    x[2] = c - b;
    x[3] = d - b;
  };
  for (int64_t r = 0; r < down; ++r, pixels += 2 * pitch) {
    Vec<T> a[4], b[4], c[4], d[4];
    column(pixels, a);
    column(pixels + L, b);
    const T* at = pixels + 2 * L;
    for (int64_t q = 0; q < across; ++q, at += 2 * L, to += tileStep) {
      column(at, c);
      column(at + L, d);
      T* term = to;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i, term += 4 * termStep) {
        store(term, a[i] - c[i]);
        store(term + termStep, b[i] + c[i]);
        store(term + 2 * termStep, c[i] - b[i]);
        store(term + 3 * termStep, d[i] - b[i]);
        a[i] = c[i];
        b[i] = d[i];
      }
    }
  }
}

/**
 * Channels of images, in loops: steps from channel to channel and from row to row, and the pixels that are there, behind
 * so many rows and columns of zeros. What lies behind them is zero as well.
 */
struct Planes {
  int64_t channelStep, rowStep, above, before, high, wide;
};

/** The planes of b, of which the loops reach `high` rows and `wide` columns. */
template <class T>
static Planes planes_of(const Nested<T>& it, int64_t channelStep, int64_t rowStep, int64_t high, int64_t wide) {
  if (it.border == nullptr) return {channelStep, rowStep, 0, 0, high, wide};
  const Border& border = *it.border;
  const int64_t begin = border.start % border.plane(), row = begin / border.broad();
  return {it.past(channelStep), border.wide, border.above - row, border.before - (begin - row * border.broad()),
          border.high,          border.wide};
}

/** Some rows or columns of an image: zeros before the pixels that are there, these from the first on, and all. */
struct Stretch {
  int64_t before, first, there, all;

  Stretch(int64_t at, int64_t all, int64_t zeros, int64_t size) : all(all) {
    const int64_t begin = at - zeros, end = begin + all < size ? begin + all : size;
    first = begin > 0 ? begin : 0;
    there = end > first ? end - first : 0;
    before = first - begin;
  }
  int64_t behind() const { return all - before - there; }
};

/**
 * Transposes the pixels of a patch for up to a vector of channels; a tile has two rows and columns of its own and `more`
 * that the next one has as well.
 */
template <class T>
static void pixels_of_patch(const T* from, const Planes& planes, const Patch& patch, int64_t more, int64_t channels,
                            T* to) {
  constexpr int64_t L = lanes<T>;
  const Stretch rows(2 * patch.row, 2 * (patch.rowEnd - patch.row) + more, planes.above, planes.high);
  const Stretch columns(2 * patch.column, 2 * (patch.columnEnd - patch.column) + more, planes.before, planes.wide);
  const int64_t wide = columns.there, gap = columns.all - wide;
  const T* const first = from + rows.first * planes.rowStep + columns.first;
  if (rows.there == 0 || wide == 0) return clear_pixels(to, rows.all * columns.all);
  clear_pixels(to, rows.before * columns.all + columns.before);
  to += (rows.before * columns.all + columns.before) * L;
  // Pixels of several rows fill vectors where rows do not.
  const bool together = planes.rowStep == wide && (gap == 0 || wide % L > 0);
  if (together) transpose_run(first, planes.channelStep, channels, rows.there * wide, wide, gap, to);
  for (int64_t y = 0; y < rows.there; ++y, to += columns.all * L) {
    if (!together) transpose_run(first + y * planes.rowStep, planes.channelStep, channels, wide, wide, 0, to);
    if (gap > 0) clear_pixels(to + wide * L, y + 1 < rows.there ? gap : columns.behind());
  }
  clear_pixels(to - columns.before * L, rows.behind() * columns.all);
}

/** Transforms the inputs of a patch, for channels from `first` to before `end`; `to` has those of its first tile. */
template <class T>
static void inputs_of_patch(const T* from, const Planes& planes, const Patch& patch, int64_t first, int64_t end,
                            T* pixels, T* to, int64_t tileStep, int64_t termStep) {
  constexpr int64_t L = lanes<T>;
  for (int64_t c = first; c < end; c += L) {
    pixels_of_patch(from + c * planes.channelStep, planes, patch, 2, end - c < L ? end - c : L, pixels);
    transform_input(pixels, patch.rowEnd - patch.row, patch.columnEnd - patch.column, to + c, tileStep, termStep);
  }
}

/** Transforms products of tiles back to 2 x 2 pixels of a vector of channels; of a row, `columns` are there. */
template <class T>
static void transform_output(const T* from, int64_t tileStep, int64_t termStep, int64_t down, int64_t across,
                             int64_t columns, T* pixels) {
  constexpr int64_t L = lanes<T>;
  for (int64_t r = 0; r < down; ++r, pixels += 2 * columns * L) {
    for (int64_t q = 0; q < across; ++q, from += tileStep) {
      Vec<T> above[4], below[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const T* const term = from + j * termStep;
        const Vec<T> a = load(term), b = load(term + 4 * termStep), c = load(term + 8 * termStep),
                     d = load(term + 12 * termStep);
        above[j] = a + b + c;
        below[j] = b - c + d;
      }
      T* const to = pixels + 2 * q * L;
      store(to, above[0] + above[1] + above[2]);
      store(to + columns * L, below[0] + below[1] + below[2]);
      if (2 * q + 1 == columns) continue;
      store(to + L, above[1] - above[2] + above[3]);
      store(to + (columns + 1) * L, below[1] - below[2] + below[3]);
    }
  }
}

/** Stores pixels of a vector of channels as `channels` rows of c. */
template <class T> static void store_pixels(const T* from, int64_t count, T* c, int64_t cRow, int64_t channels) {
  constexpr int64_t L = lanes<T>;
  for (int64_t x = 0; x < count; x += L) {
    const int64_t wide = count - x < L ? count - x : L;
    Vec<T> square[L] = {};
    for (int64_t l = 0; l < wide; ++l) square[l] = load(from + (x + l) * L);
    transpose<T>(square);
    if (wide == L && channels == L) {
#pragma GCC unroll 16
      for (int64_t l = 0; l < L; ++l) store(c + l * cRow + x, square[l]);
    } else {
      for (int64_t l = 0; l < channels; ++l) store_some(c + l * cRow + x, square[l], wide);
    }
  }
}

/** The nine weights of `rows` rows (at most a vector of them) for one channel, a vector each. */
template <class T>
static void taps_of(const T* a, int64_t rowStep, int64_t rows, int64_t down, int64_t across, Vec<T>* taps) {
  constexpr int64_t L = lanes<T>;
  if (down == 3 * across && (across == 1 || across == -1)) {
    const T* const first = across == 1 ? a : a - 8;
    for (int64_t t = 0; t < 9; t += L) {
      const int64_t count = 9 - t < L ? 9 - t : L;
      Vec<T> square[L] = {};
      for (int64_t l = 0; l < rows; ++l) square[l] = load_some(first + l * rowStep + t, count);
      transpose<T>(square);
      for (int64_t i = 0; i < count; ++i) taps[across == 1 ? t + i : 8 - t - i] = square[i];
    }
    return;
  }
  for (int64_t t = 0; t < 9; ++t) {
    const T* const from = a + t / 3 * down + t % 3 * across;
    taps[t] = Vec<T>{};
    for (int64_t l = 0; l < rows; ++l) taps[t][l] = from[l * rowStep];
  }
}

/** Transforms the weights of a vector of rows for one channel. */
template <class T> static void transform_weights(const Vec<T>* taps, T* to, int64_t termStep) {
  const Vec<T> half = splat<T>(0.5);
  const auto spread = [&](Vec<T> a, Vec<T> b, Vec<T> c, Vec<T>* x) {
    const Vec<T> ends = (a + c) * half, middle = b * half;
    x[0] = a;
    x[1] = ends + middle;
    x[2] = ends - middle;
    x[3] = c;
  };
  Vec<T> rows[3][4];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) spread(taps[j], taps[3 + j], taps[6 + j], rows[j]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    Vec<T> x[4];
    spread(rows[0][i], rows[1][i], rows[2][i], x);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) store(to + (4 * i + j) * termStep, x[j]);
  }
}

/**
 * A convolution of images that have one weight, whose transformed elements are in `kept`, or are made there if they are
 * not `made`; if `kept` is null, in memory of the thread. `place(image)` gives its b and c; `finish(image, region)` is called with
 * finished regions. `ranges(count, body)` divides work among threads.
 */
template <class T, class Place, class Finish, class Ranges>
static void run_winograd(const Nested<T>& it, int64_t images, int64_t parts, T* kept, bool made, const Place& place,
                         const Finish& finish, const Ranges& ranges) {
  constexpr int64_t L = lanes<T>;
  const int64_t channels = it.bSum.sizes[0], depth = up(channels, L) * L;
  const int64_t vectors = up(it.m, L), wide = piece(vectors, panelVectors);
  // Transformed weights: panels of `wide` vectors, of each a matrix for each term.
  const int64_t size = vectors * L * winogradTerms * channels;
  T* const weights = kept != nullptr ? kept : scratch<5>().template room<T>(size);
  ranges(made ? 0 : channels, [&](int64_t first, int64_t end) {
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t panel = v / wide * wide, own = vectors - panel < wide ? vectors - panel : wide;
      T* const to = weights + panel * L * winogradTerms * channels + (v - panel) * L;
      const int64_t rows = it.m - v * L < L ? it.m - v * L : L;
      for (int64_t c = first; c < end; ++c) {
        Vec<T> taps[9];
        taps_of(it.a + v * L * it.aRows.step() + c * it.aSum.steps[0], it.aRows.step(), rows, it.aSum.steps[1],
                it.aSum.steps[2], taps);
        transform_weights(taps, to + c * own * L, channels * own * L);
      }
    }
  });

  const int64_t high = it.bColumns.sizes[0], broad = it.bColumns.sizes[1];
  const Planes planes = planes_of(it, it.bSum.steps[0], it.bSum.steps[1], high + 2, broad + 2);
  const int64_t all = images * up(high, 2) * up(broad, 2);
  int64_t most = (2 * size < winogradBlock ? winogradBlock : largeBlock) / winogradTerms / (depth + wide * L);
  if (most > up(all, parts)) most = up(all, parts);
  if (most < winogradTiles) most = winogradTiles;
  const Tiling tiling(images, high, broad, most);
  ranges(tiling.blocks(), [&](int64_t firstBlock, int64_t endBlock) {
    // A vector more between matrices, because equal places in all of them would share a set of the cache.
    const int64_t inputStep = most * depth + L, outputStep = most * wide * L + L;
    T* const inputs = scratch<0>().template room<T>(winogradTerms * inputStep);
    T* const outputs = scratch<1>().template room<T>(winogradTerms * outputStep);
    T* const pixels = scratch<2>().template room<T>((2 * tiling.tall + 2) * (2 * tiling.broad + 2) * L);
    for (int64_t block = firstBlock; block < endBlock; ++block) {
      const int64_t count = tiling.each(block, [&](const Patch& patch, int64_t before) {
        inputs_of_patch(place(patch.image).b, planes, patch, 0, channels, pixels, inputs + before * depth, depth,
                        inputStep);
      });
      for (int64_t panel = 0; panel < vectors; panel += wide) {
        const int64_t own = vectors - panel < wide ? vectors - panel : wide;
        const int64_t most = most_loose_rows(static_cast<int>(own)), tiles = up(count, most), height = up(count, tiles);
        // Heights of tiles differ by one at most.
        const int64_t low = tiles * height - count, tall = tiles - low;
        Strip<T> strip;
        strip.k = channels;
        strip.aRow = depth;
        strip.aColumn = 1;
        strip.bRow = strip.cRow = own * L;
        strip.bLast = strip.cLast = (own - 1) * L;
        strip.last = L;
        strip.add = false;
        const int64_t each = up(strip.bRow, tiles);
        for (int64_t term = 0; term < winogradTerms; ++term) {
          strip.a = inputs + term * inputStep;
          strip.b = weights + (panel * winogradTerms + term * own) * L * channels;
          strip.c = outputs + term * outputStep;
          // Matrices of weights lie one after the other: while one is multiplied, the next is fetched.
          const T* const next = strip.b + channels * strip.bRow;
          strip.fetch(next, each);
          strip.tiles = tall;
          strip.aTile = height * depth;
          run_strip(height, own, strip);
          if (low == 0) continue;
          strip.a += tall * strip.aTile;
          strip.c += tall * height * strip.cRow;
          strip.fetch(next + tall * channels * each, each);
          strip.tiles = low;
          strip.aTile -= depth;
          run_strip(height - 1, own, strip);
        }
        tiling.each(block, [&](const Patch& patch, int64_t before) {
          const int64_t down = patch.rowEnd - patch.row, across = patch.columnEnd - patch.column;
          const int64_t left = broad - 2 * patch.column, columns = left < 2 * across ? left : 2 * across;
          const int64_t below = high - 2 * patch.row, rows = below < 2 * down ? below : 2 * down;
          for (int64_t v = 0; v < own; ++v) {
            transform_output(outputs + before * strip.cRow + v * L, strip.cRow, outputStep, down, across, columns,
                             pixels);
            const int64_t row = (panel + v) * L, some = it.m - row < L ? it.m - row : L;
            T* const c = place(patch.image).c + row * it.cRow + 2 * patch.row * broad + 2 * patch.column;
            if (columns == broad) {
              store_pixels(pixels, rows * columns, c, it.cRow, some);
            } else {
              for (int64_t y = 0; y < rows; ++y)
                store_pixels(pixels + y * columns * L, columns, c + y * broad, it.cRow, some);
            }
          }
        });
      }
      tiling.each(block, [&](const Patch& patch, int64_t) {
        const int64_t rowEnd = 2 * patch.rowEnd < high ? 2 * patch.rowEnd : high;
        const int64_t columnEnd = 2 * patch.columnEnd < broad ? 2 * patch.columnEnd : broad;
        if (patch.columnEnd - patch.column == tiling.across)
          return finish(patch.image, Region{0, it.m, 2 * patch.row * broad, rowEnd * broad});
        for (int64_t y = 2 * patch.row; y < rowEnd; ++y)
          finish(patch.image, Region{0, it.m, y * broad + 2 * patch.column, y * broad + columnEnd});
      });
    }
  });
}

/** Whether the sum goes over images and the columns over channels and windows of 3 x 3: a gradient by the weight. */
template <class T> static bool sums_square_windows(const Nested<T>& it) {
  const Nest &sum = it.bSum, &columns = it.bColumns;
  return it.aRows.depth == 1 && columns.depth == 3 && columns.sizes[1] == 3 && columns.sizes[2] == 3 &&
         columns.steps[2] == 1 && sum.depth >= 2 && it.aSum.step() == 1 && sum.step() == 1 &&
         sum.steps[sum.depth - 2] == columns.steps[1];
}

/** The images of a gradient by the weight: all loops of the sum but the last two. */
template <class T> static int64_t summed_images(const Nested<T>& it) {
  return it.k / it.bSum.sizes[it.bSum.depth - 2] / it.bSum.inner();
}

template <class T> static bool summed_winograd_is_cheaper(const Nested<T>& it) {
  const int64_t high = it.bSum.sizes[it.bSum.depth - 2], wide = it.bSum.inner(), channels = it.bColumns.sizes[0];
  const int64_t tiles = summed_images(it) * up(high, 2) * up(wide, 2), vectors = up(it.m, lanes<T>);
  const int64_t each = (winogradTerms + 1) * channels * vectors + 70 * up(channels, lanes<T>) + 70 * vectors;
  return tiles * each + 200 * channels * vectors < it.k * 8 * channels * vectors;
}

/** Transforms tiles of 2 x 2 pixels of the gradient. */
template <class T>
static void transform_gradient(const T* pixels, int64_t down, int64_t across, T* to, int64_t tileStep,
                               int64_t termStep) {
  constexpr int64_t L = lanes<T>;
  const int64_t pitch = 2 * across * L;
  for (int64_t r = 0; r < down; ++r, pixels += pitch) {
    for (int64_t q = 0; q < across; ++q, pixels += 2 * L, to += tileStep) {
      const Vec<T> a = load(pixels), b = load(pixels + L), c = load(pixels + pitch), d = load(pixels + pitch + L);
      const Vec<T> left[] = {a, a + c, a - c, c}, right[] = {b, b + d, b - d, d};
      T* term = to;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i, term += 4 * termStep) {
        store(term, left[i]);
        store(term + termStep, left[i] + right[i]);
        store(term + 2 * termStep, left[i] - right[i]);
        store(term + 3 * termStep, right[i]);
      }
    }
  }
}

/** Adds up the terms of one channel and a vector of rows, and transforms them back to the nine weights. */
template <class T>
static void transform_sums(const T* from, int64_t termStep, int64_t slices, int64_t sliceStep, Vec<T>* taps) {
  const Vec<T> half = splat<T>(0.5);
  const auto gathered = [&](const Vec<T>* x, Vec<T>* to) {
    const Vec<T> both = (x[1] + x[2]) * half;
    to[0] = x[0] + both;
    to[1] = (x[1] - x[2]) * half;
    to[2] = both + x[3];
  };
  Vec<T> rows[4][3];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    Vec<T> terms[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const T* const term = from + (4 * i + j) * termStep;
      terms[j] = load(term);
      for (int64_t s = 1; s < slices; ++s) terms[j] += load(term + s * sliceStep);
    }
    gathered(terms, rows[i]);
  }
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    const Vec<T> column[] = {rows[0][j], rows[1][j], rows[2][j], rows[3][j]};
    Vec<T> out[3];
    gathered(column, out);
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) taps[3 * i + j] = out[i];
  }
}

/** Elements of the sums that slices may take together, and the most slices. */
constexpr int64_t winogradSums = 1 << 19, winogradSlices = 4;

/**
 * The gradient of a convolution by its weight. Slices of the tiles are added up on their own, which the sizes alone
 * decide. `ranges(count, body)` divides work among threads.
 */
template <class T, class Ranges>
static void run_summed_winograd(const Nested<T>& it, int64_t parts, const Ranges& ranges) {
  constexpr int64_t L = lanes<T>;
  const int32_t outer = it.bSum.depth - 2;
  const Nest aImages{outer, it.aSum.sizes, it.aSum.steps}, bImages{outer, it.bSum.sizes, it.bSum.steps};
  const int64_t high = it.bSum.sizes[outer], broad = it.bSum.inner();
  const int64_t channels = it.bColumns.sizes[0], depth = up(channels, L) * L, vectors = up(it.m, L), width = vectors * L;
  const Planes inputPlanes = planes_of(it, it.bColumns.steps[0], it.bColumns.steps[1], high + 2, broad + 2);
  const Planes outputPlanes{it.aRows.step(), it.aSum.steps[outer], 0, 0, high, broad};
  const int64_t even = winogradBlock / winogradTerms / (depth + width), most = even < 48 ? 48 : even;
  const Tiling tiling(summed_images(it), high, broad, most);
  const int64_t blocks = tiling.blocks(), sumStep = channels * width, sliceStep = winogradTerms * sumStep;
  int64_t slices = winogradSums / sliceStep < 1 ? 1 : winogradSums / sliceStep;
  if (slices > winogradSlices) slices = winogradSlices;
  if (slices > blocks) slices = blocks;
  const int64_t units = up(channels, L), cuts = up(parts, slices) < units ? up(parts, slices) : units;
  T* const sums = scratch<5>().template room<T>(slices * sliceStep);
  ranges(slices * cuts, [&](int64_t firstItem, int64_t endItem) {
    const int64_t inputStep = most * depth + L, outputStep = most * width + L;
    T* const inputs = scratch<0>().template room<T>(winogradTerms * inputStep);
    T* const outputs = scratch<1>().template room<T>(winogradTerms * outputStep);
    T* const pixels = scratch<2>().template room<T>((2 * tiling.tall + 2) * (2 * tiling.broad + 2) * L);
    for (int64_t item = firstItem; item < endItem; ++item) {
      const int64_t slice = item / cuts, cut = item % cuts, first = units * cut / cuts * L;
      const int64_t whole = units * (cut + 1) / cuts * L, end = whole < channels ? whole : channels;
      const int64_t firstBlock = blocks * slice / slices, endBlock = blocks * (slice + 1) / slices;
      for (int64_t block = firstBlock; block < endBlock; ++block) {
        const int64_t count = tiling.each(block, [&](const Patch& patch, int64_t before) {
          int32_t a, b;
          offsets_of(aImages, patch.image, patch.image + 1, &a);
          offsets_of(bImages, patch.image, patch.image + 1, &b);
          inputs_of_patch(it.b + it.past(b), inputPlanes, patch, first, end, pixels, inputs + before * depth, depth, inputStep);
          for (int64_t row = 0; row < it.m; row += L) {
            pixels_of_patch(it.a + a + row * outputPlanes.channelStep, outputPlanes, patch, 0,
                            it.m - row < L ? it.m - row : L, pixels);
            transform_gradient(pixels, patch.rowEnd - patch.row, patch.columnEnd - patch.column,
                               outputs + before * width + row, width, outputStep);
          }
        });
        Strip<T> strip;
        strip.k = count;
        strip.aRow = 1;
        strip.aColumn = depth;
        strip.bRow = strip.cRow = width;
        strip.last = L;
        strip.add = block > firstBlock;
        for (int64_t term = 0; term < winogradTerms; ++term) {
          for (int64_t panel = 0, own; panel < vectors; panel += own) {
            own = vectors - panel < panelVectors ? vectors - panel : panelVectors;
            const int64_t height = piece(end - first, most_loose_rows(static_cast<int>(own)));
            strip.aTile = height;
            strip.bLast = strip.cLast = (own - 1) * L;
            strip.a = inputs + term * inputStep + first;
            strip.b = outputs + term * outputStep + panel * L;
            strip.c = sums + slice * sliceStep + term * sumStep + first * width + panel * L;
            strip.tiles = (end - first) / height;
            run_strip(height, own, strip);
            const int64_t done = strip.tiles * height, rest = end - first - done;
            if (rest == 0) continue;
            strip.a += done;
            strip.c += done * width;
            strip.tiles = 1;
            run_strip(rest, own, strip);
          }
        }
      }
    }
  });
  ranges(channels, [&](int64_t first, int64_t end) {
    for (int64_t c = first; c < end; ++c) {
      for (int64_t row = 0; row < it.m; row += L) {
        Vec<T> taps[9];
        transform_sums(sums + c * width + row, sumStep, slices, sliceStep, taps);
        T* const to = it.c + row * it.cRow + 9 * c;
        const int64_t rows = it.m - row < L ? it.m - row : L;
        for (int64_t t = 0; t < 9; t += L) {
          const int64_t count = 9 - t < L ? 9 - t : L;
          Vec<T> square[L] = {};
          for (int64_t i = 0; i < count; ++i) square[i] = taps[t + i];
          transpose<T>(square);
          for (int64_t l = 0; l < rows; ++l) store_some(to + l * it.cRow + t, square[l], count);
        }
      }
    }
  });
}

}  // namespace flambeau::ISA
