// Matrix products with more than one row and column: C in tiles that stay in registers over a block of k, and B in
// panels that are packed in the order in which tiles read them. An element of C is the sum over each block of k in
// order, in one accumulator, and blocks are added in order: its bits depend only on k, not on the tile or the thread.
#pragma once
#include "../allocate.h"
#include "lanes.inl"

namespace flambeau::ISA {

/** c (row-major) = a b, for any strides. */
template <class T> struct Product {
  int64_t m, n, k;
  const T* a;
  int64_t aRow, aColumn;
  const T* b;
  int64_t bRow, bColumn;
  T* c;
};

/** A region of a product: rows and columns from the first up to, but not including, the last. */
struct Region {
  int64_t row, rowEnd, column, columnEnd;
};

#if VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif
/** The vectors in a row of a whole panel. */
constexpr int panelVectors = registers == 32 ? 4 : 2;
/**
 * Engines of WebAssembly keep a register for themselves, and none has an element of memory as an operand: tiles read both
 * factors packed, at constant distances, and are lower unless a product is added in one instruction.
 */
#if defined(__wasm__)
constexpr bool packsTiles = true;
#else
constexpr bool packsTiles = false;
#endif
#if defined(__wasm__) && !defined(__wasm_relaxed_simd__)
constexpr int panelRows = 4;
#else
constexpr int panelRows = 6;
#endif
/** The maximum rows of a tile `vectors` wide: accumulators, a row of b and a broadcast element fill the registers. */
constexpr int most_rows(int vectors) {
  return registers == 16 ? (vectors == 1 ? 8 : panelRows) : vectors < 3 ? 12 : vectors == 3 ? 8 : 6;
}
/** The same for tiles whose factors are not packed, which need registers for where they are. */
constexpr int most_loose_rows(int vectors) { return packsTiles && vectors == 2 ? 4 : most_rows(vectors); }
/** Whether partial vector loads are free. */
constexpr bool masked = VECTOR_BYTES == 64;

/** The maximum block sizes in k, rows and columns: a panel and a block of a fit the caches. */
constexpr int64_t blockK = VECTOR_BYTES == 64 ? 512 : 384;
constexpr int64_t blockRows = 240;
constexpr int64_t blockColumns = 1024;
/**
 * Elements of c that fit the nearest cache if a panel is as wide as c, because then no other panel reads the rows
 * again.
 */
constexpr int64_t blockElements = 8192;

constexpr int64_t up(int64_t x, int64_t unit) { return (x + unit - 1) / unit; }
/** The size of the pieces if x is cut into the fewest equal pieces of at most this size. */
constexpr int64_t piece(int64_t x, int64_t most) { return x <= most ? x : up(x, up(x, most)); }

/** A strip of tiles, one below the other, that read the same panel of b. */
template <class T> struct Strip {
  /** The number of tiles, and the distance between their elements of a. */
  int64_t tiles, aTile;
  int64_t k;
  const T* a;
  int64_t aRow, aColumn;
  const T* b;
  int64_t bRow;
  T* c;
  int64_t cRow;
  /**
   * The position of the last vector in a row of b and of c, which may overlap the one before it; it has `last` columns
   * of c.
   */
  int64_t bLast, cLast, last;
  /** Whether to add the product to c. */
  bool add;
  /** What is fetched while tiles are computed, and how far each step of the sum goes on in it; nothing is for 0. */
  const T* ahead = nullptr;
  int64_t aheadStep = 0;

  /** Fetches elements that are read next, up to half a row of b in each step. WebAssembly cannot. */
  void fetch(const T* next, int64_t step) {
    if constexpr (packsTiles) return;
    ahead = next;
    aheadStep = step;
  }
};

/** Hides from the compiler how a pointer was computed. */
#define ITSELF(p) asm("" : "+r"(p))

/**
 * c = or += a b in tiles of R rows and N vectors. Every four rows of a have their own pointer, because one for all of
 * them would need more strides than there are registers. `packed`: the elements that a step reads are side by side.
 * `fetches`: what the strip reads next is fetched.
 */
template <class T, int R, int N, bool packed, bool fetches> static void tiles(const Strip<T>& strip) {
  constexpr int64_t L = lanes<T>;
  const auto [count, aTile, k, first, stripRow, stripColumn, firstB, stripB, firstC, cRow, stripLast, cLast, last, add,
              firstAhead, aheadStep] = strip;
  const int64_t aRow = packed ? 1 : stripRow, aColumn = packed ? R : stripColumn;
  const int64_t bRow = packed ? N * L : stripB, bLast = packed ? (N - 1) * L : stripLast;
  const T *start = first, *ahead = firstAhead;
  T* c = firstC;
  constexpr int groups = (R + 3) / 4;
  for (int64_t t = 0; t < count; ++t, start += aTile) {
    const T *a[groups], *b = firstB;
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      a[g] = start + 4 * g * aRow;
      if (!packed) ITSELF(a[g]);
    }
    // Prefetch parts of c that are not in the nearest cache while the sums are computed. WebAssembly cannot.
    if constexpr (N > 1 && !packsTiles) {
#pragma GCC unroll 1
      for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) __builtin_prefetch(c + i * cRow + j * L, 1);
      }
    }
    Vec<T> sum[R][N] = {};
    for (int64_t p = 0; p < k; ++p) {
      Vec<T> row[N];
#pragma GCC unroll 4
      for (int j = 0; j < N - 1; ++j) row[j] = load(b + j * L);
      row[N - 1] = masked && N == 1 ? load_some(b, last) : load(b + bLast);
      if constexpr (fetches) {
#pragma GCC unroll 2
        for (int j = 0; j < N / 2; ++j) __builtin_prefetch(ahead + j * L);
        ahead += aheadStep;
      }
#pragma GCC unroll 12
      for (int i = 0; i < R; ++i) {
        const Vec<T> x = splat(a[i / 4][i % 4 * aRow]);
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) sum[i][j] = add_product<T>(sum[i][j], x, row[j]);
      }
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) a[g] += aColumn;
      b += bRow;
    }
    if constexpr (packsTiles && N == 1) {
      // A loop, because a narrow tile has many rows.
      for (int i = 0; i < R; ++i, c += cRow) store_some(c, add ? sum[i][0] + load_some(c, last) : sum[i][0], last);
      continue;
    }
#pragma GCC unroll 12
    for (int i = 0; i < R; ++i, c += cRow) {
      const bool part = N == 1 && last < L;
      if (add) {
#pragma GCC unroll 4
        for (int j = 0; j < N - 1; ++j) sum[i][j] += load(c + j * L);
        sum[i][N - 1] += part ? load_some(c, last) : load(c + cLast);
      }
#pragma GCC unroll 4
      for (int j = 0; j < N - 1; ++j) store(c + j * L, sum[i][j]);
      if (part) {
        store_some(c, sum[i][N - 1], last);
      } else {
        store(c + cLast, sum[i][N - 1]);
      }
    }
  }
}

template <class T, int N, class = std::make_integer_sequence<int, most_rows(N)>> struct Tiles;
template <class T, int N, int... R> struct Tiles<T, N, std::integer_sequence<int, R...>> {
  static void run(int64_t rows, const Strip<T>& strip) {
    if constexpr (packsTiles && N > 1) {
      const bool isPacked = strip.aRow == 1 && strip.aColumn == rows && strip.bRow == N * lanes<T>;
      static constexpr void (*const of[])(const Strip<T>&) = {tiles<T, R + 1, N, true, false>...};
      if (isPacked && strip.bLast == strip.bRow - lanes<T>) return of[rows - 1](strip);
    }
    // Loads bound tiles of one vector. Only ways of float32 fetch.
    if constexpr (!packsTiles && N > 1 && sizeof(T) == 4) {
      static constexpr void (*const of[])(const Strip<T>&) = {tiles<T, R + 1, N, false, true>...};
      if (strip.aheadStep > 0) return of[rows - 1](strip);
    }
    static constexpr void (*const of[])(const Strip<T>&) = {tiles<T, R + 1, N, false, false>...};
    of[rows - 1](strip);
  }
};

/** A strip of tiles with this many rows and vectors. */
template <class T> static void run_strip(int64_t rows, int64_t vectors, const Strip<T>& strip) {
  if constexpr (panelVectors == 4) {
    if (vectors == 4) return Tiles<T, 4>::run(rows, strip);
    if (vectors == 3) return Tiles<T, 3>::run(rows, strip);
  }
  return vectors == 2 ? Tiles<T, 2>::run(rows, strip) : Tiles<T, 1>::run(rows, strip);
}

/** A thread's memory for packed copies, aligned to vectors; it grows and is kept. */
class Scratch {
 public:
  ~Scratch() { std::free(data_); }
  template <class T> T* room(int64_t count) {
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    if (bytes > bytes_) {
      std::free(data_);
      bytes_ = 0;
      data_ = allocate(bytes);
      if (data_ == nullptr) out_of_memory();
      bytes_ = bytes;
    }
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

/** The thread's scratch memories: for a, for b, for a vector, for the expression's operands. */
template <int which> static Scratch& scratch() {
  static thread_local Scratch it;
  return it;
}

/**
 * Packs `columns` of `k` rows of b as rows of whole vectors: the last vector overlaps the one before it, or is padded
 * with zeros.
 */
template <class T>
static void pack_panel(const T* b, int64_t bRow, int64_t bColumn, int64_t k, int64_t columns, T* to) {
  constexpr int64_t L = lanes<T>;
  const int64_t vectors = up(columns, L), row = vectors * L;
  const T* const panel = b;
  for (int64_t v = 0; v < vectors; ++v, to += L) {
    const int64_t first = v < vectors - 1 ? v * L : columns < L ? 0 : columns - L;
    const int64_t count = columns < L ? columns : L;
    b = panel + first * bColumn;
    if (bColumn == 1) {
      if (count == L) {
        for (int64_t p = 0; p < k; ++p) store(to + p * row, load(b + p * bRow));
      } else {
        for (int64_t p = 0; p < k; ++p) store(to + p * row, load_some(b + p * bRow, count));
      }
    } else if (bRow == 1) {
      for (int64_t p = 0; p < k; p += L) {
        const int64_t deep = k - p < L ? k - p : L;
        Vec<T> square[L] = {};
        if (deep == L && count == L) {
#pragma GCC unroll 16
          for (int64_t j = 0; j < L; ++j) square[j] = load(b + p + j * bColumn);
        } else {
          for (int64_t j = 0; j < count; ++j) square[j] = load_some(b + p + j * bColumn, deep);
        }
        transpose<T>(square);
        if (deep == L) {
#pragma GCC unroll 16
          for (int64_t i = 0; i < L; ++i) store(to + (p + i) * row, square[i]);
        } else {
          for (int64_t i = 0; i < deep; ++i) store(to + (p + i) * row, square[i]);
        }
      }
    } else {
      for (int64_t p = 0; p < k; ++p) {
        T* const some = to + p * row;
        for (int64_t j = 0; j < count; ++j) some[j] = b[p * bRow + j * bColumn];
        for (int64_t j = count; j < L; ++j) some[j] = 0;
      }
    }
  }
}

/** Packs `count` rows, each contiguous, with the elements of a column side by side, a square of lanes at a time. */
template <class T> static void pack_lines(const T* a, int64_t aRow, int64_t count, int64_t k, T* to) {
  constexpr int64_t L = lanes<T>;
  for (int64_t q = 0; q < count; q += L) {
    const int64_t high = count - q < L ? count - q : L;
    const T* from = a + q * aRow;
    T* some = to + q;
    int64_t p = 0;
    Vec<T> square[L] = {};
    if (high == L) {
      for (; p + L <= k; p += L) {
#pragma GCC unroll 4
        for (int64_t j = 0; j < L; ++j) square[j] = load(from + j * aRow + p);
        transpose<T>(square);
#pragma GCC unroll 4
        for (int64_t j = 0; j < L; ++j, some += count) store(some, square[j]);
      }
    }
    for (; p < k; p += L) {
      const int64_t deep = k - p < L ? k - p : L;
      for (int64_t j = 0; j < high; ++j) square[j] = load_some(from + j * aRow + p, deep);
      transpose<T>(square);
      for (int64_t j = 0; j < deep; ++j, some += count) store_some(some, square[j], high);
    }
  }
}

/**
 * Packs rows of a, `height` at a time, with the elements of a column side by side. `to` has room for one more vector.
 */
template <class T>
static void pack_rows(const T* a, int64_t aRow, int64_t aColumn, int64_t rows, int64_t k, int64_t height, T* to) {
  for (int64_t i = 0; i < rows; i += height) {
    const int64_t count = rows - i < height ? rows - i : height;
    const T* from = a + i * aRow;
    if (packsTiles && aColumn == 1) {
      pack_lines(from, aRow, count, k, to);
      to += count * k;
      continue;
    }
    for (int64_t p = 0; p < k; ++p, from += aColumn, to += count) {
      if (aRow == 1) {
        for (int64_t q = 0; q < count; q += lanes<T>) {
          store(to + q, load_some(from + q, count - q < lanes<T> ? count - q : lanes<T>));
        }
      } else {
        for (int64_t q = 0; q < count; ++q) to[q] = from[q * aRow];
      }
    }
  }
}

/** Computes the part of a product in a region. `finish` is called with finished regions, a block at a time. */
template <class T, class Finish> static void gemm(const Product<T>& it, const Region& region, const Finish& finish) {
  constexpr int64_t L = lanes<T>, panel = panelVectors * L;
  const int64_t rows = region.rowEnd - region.row, columns = region.columnEnd - region.column;
  const int64_t wide = columns < blockColumns ? columns : blockColumns;
  const int64_t deep = piece(it.k, blockK);
  const int64_t most = columns <= panel && blockElements / columns > blockRows ? blockElements / columns : blockRows;
  // The tiles of a block have equal height, except the last one.
  const int64_t height = piece(piece(rows, most), most_rows(static_cast<int>(up(wide < panel ? wide : panel, L))));
  const int64_t high = rows <= most ? rows : up(piece(rows, most), height) * height;

  // Packing pays off if more than two tiles read it. A partial vector cannot always be read in place.
  const bool packsA = packsTiles ? columns > panel : it.aColumn != 1 && (it.aRow != 1 || columns > panel);
  const bool packsB = it.bColumn != 1 || rows > (packsTiles ? 1 : 2) * height;
  const bool packsPart = packsB || (!masked && columns % panel > 0 && columns % panel < L);
  // A panel that no further block of rows reads is overwritten by the next one, in the nearest cache.
  const bool keepsB = packsB && rows > high;
  T* const packedA = packsA ? scratch<0>().template room<T>((high + height) * deep + L) : nullptr;
  T* const packedB = packsPart ? scratch<1>().template room<T>((keepsB ? up(wide, panel) : 1) * panel * deep) : nullptr;

  Strip<T> strip;
  strip.cRow = it.n;
  strip.aRow = packsA ? 1 : it.aRow;
  for (int64_t column = region.column; column < region.columnEnd; column += blockColumns) {
    const int64_t columnEnd = region.columnEnd - column < blockColumns ? region.columnEnd : column + blockColumns;
    for (int64_t p = 0; p < it.k; p += deep) {
      strip.k = it.k - p < deep ? it.k - p : deep;
      strip.add = p > 0;
      strip.aTile = packsA ? height * strip.k : height * it.aRow;
      for (int64_t row = region.row; row < region.rowEnd; row += high) {
        const int64_t rowEnd = region.rowEnd - row < high ? region.rowEnd : row + high;
        const int64_t count = (rowEnd - row) / height, rest = rowEnd - row - count * height;
        const T* const a = it.a + row * it.aRow + p * it.aColumn;
        if (packsA) pack_rows(a, it.aRow, it.aColumn, rowEnd - row, strip.k, height, packedA);
        for (int64_t j = column; j < columnEnd; j += panel) {
          const int64_t width = columnEnd - j < panel ? columnEnd - j : panel, vectors = up(width, L);
          strip.cLast = width < L ? 0 : width - L;
          strip.last = width < L ? width : L;
          strip.b = it.b + p * it.bRow + j * it.bColumn;
          strip.bRow = it.bRow;
          strip.bLast = strip.cLast;
          if (packsB || (!masked && width < L)) {
            T* const packed = packedB + (keepsB ? (j - column) * deep : 0);
            if (row == region.row) pack_panel(strip.b, it.bRow, it.bColumn, strip.k, width, packed);
            strip.b = packed;
            strip.bRow = vectors * L;
            strip.bLast = strip.bRow - L;
          }
          strip.a = packsA ? packedA : a;
          strip.aColumn = packsA ? height : it.aColumn;
          strip.c = it.c + row * it.n + j;
          strip.tiles = count;
          if (count > 0) run_strip(height, vectors, strip);
          if (rest == 0) continue;
          strip.a += count * strip.aTile;
          strip.aColumn = packsA ? rest : it.aColumn;
          strip.c += count * height * it.n;
          strip.tiles = 1;
          run_strip(rest, vectors, strip);
        }
        if (p + strip.k == it.k) finish(Region{row, rowEnd, column, columnEnd});
      }
    }
  }
}

}  // namespace flambeau::ISA
