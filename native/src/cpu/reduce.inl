// Reductions of a block of elements into accumulators. Floats are summed in vectors over at most 256 elements, or 16
// along a column, and these sums are added in double precision; products of floats are double throughout. The order of
// additions follows from sizes alone.
#pragma once
#include "lanes.inl"
#include "steps.inl"

namespace flambeau::ISA {

/** Elements summed in their own precision. */
constexpr int64_t rowRun = sumRun, columnRun = 16;
/** Rows from this length on are read as several streams. */
constexpr int64_t longRow = 16384, streams = 8;
/** How many bytes ahead short rows are prefetched. */
constexpr int64_t ahead = 1024;

template <class T> constexpr bool isByte = sizeof(T) == 1;
/** Keeps the first n lanes of a vector, and replaces the others; nothing but a load and two operations on bits. */
template <class T> class First {
  using M = Vec<typename MaskOf<T>::Type>;
  struct Table {
    typename MaskOf<T>::Type masks[2 * lanes<T>] = {};
    constexpr Table() {
      for (int64_t i = 0; i < lanes<T>; i++) masks[i] = -1;
    }
  };
  static constexpr Table table{};

 public:
  ALWAYS_INLINE First(int64_t n, T other)
      : within_(load(table.masks + lanes<T> - n)), others_(reinterpret_cast<M>(splat(other)) & ~within_) {}
  ALWAYS_INLINE Vec<T> of(Vec<T> x) const {
    return reinterpret_cast<Vec<T>>((reinterpret_cast<M>(x) & within_) | others_);
  }
  /** The same for a vector that has zeros there. */
  ALWAYS_INLINE Vec<T> of_zeros(Vec<T> x) const { return reinterpret_cast<Vec<T>>(reinterpret_cast<M>(x) | others_); }

 private:
  M within_, others_;
};

struct Sum {
  static constexpr Reduce fn = Reduce::sum;
  template <class X> ALWAYS_INLINE static X of(X a, X b) { return a + b; }
};
struct Prod {
  static constexpr Reduce fn = Reduce::prod;
  template <class X> ALWAYS_INLINE static X of(X a, X b) { return a * b; }
};
template <class T> struct Most {
  static constexpr Reduce fn = Reduce::max;
  template <class X> ALWAYS_INLINE static X of(X a, X b) {
    if constexpr (isReal<T>) {
      return RealMax::of(a, b);
    } else {
      return Larger::of(a, b);
    }
  }
};
template <class T> struct Least {
  static constexpr Reduce fn = Reduce::min;
  template <class X> ALWAYS_INLINE static X of(X a, X b) {
    if constexpr (isReal<T>) {
      return RealMin::of(a, b);
    } else {
      return Smaller::of(a, b);
    }
  }
};

/**
 * What loops over many elements combine, and by what. Engines take eight instructions for f32x4.max or min, and one for
 * each choice of an operand. Two choices differ if the operands are equal zeros, whose bits together are those of the
 * negative one, or if one is NaN, whose bits with any others are NaN; so maxima are the minima of negated numbers.
 */
template <class F, class X> constexpr bool isChosen = false;
#if defined(__wasm__)
template <class F> constexpr bool isChosen<F, V> = F::fn == Reduce::max || F::fn == Reduce::min;
#endif
template <class F, class X> INLINE X turned(X x) {
  if constexpr (isChosen<F, X> && F::fn == Reduce::max) {
    return -x;
  } else {
    return x;
  }
}
template <class F, class X> INLINE X quickly(X a, X b) {
#if defined(__wasm__)
  if constexpr (isChosen<F, X>)
    return reinterpret_cast<X>(as_mask(wasm_f32x4_pmin(a, b)) | as_mask(wasm_f32x4_pmin(b, a)));
#endif
  return F::of(a, b);
}

template <class T> INLINE T identity(Reduce fn) {
  if (fn == Reduce::sum) return T{0};
  if (fn == Reduce::prod) return T{1};
  if constexpr (isReal<T>) {
    return static_cast<T>(fn == Reduce::max ? -__builtin_inf() : __builtin_inf());
  } else if constexpr (isByte<T>) {
    return fn == Reduce::max ? 0 : 255;
  } else {
    return fn == Reduce::max ? INT32_MIN : INT32_MAX;
  }
}

/** The operations of a reduction on its accumulators, at any of which a whole vector may be read and written. */
struct Reduction {
  int64_t size;
  void (*fill)(char* to, int64_t n);
  /**
   * Reduces each row of a block into its own accumulator. Rows that are whole may have their results written side by side
   * to `results` instead, if it is not null; returns how many have, from the first on.
   */
  int64_t (*rows)(const char* block, int64_t rows, int64_t columns, char* to, char* results);
  /** Reduces each column of a block. */
  void (*columns)(const char* block, int64_t rows, int64_t columns, char* to);
  void (*merge)(char* to, const char* more, int64_t n);
  /** Writes results, `step` elements apart. */
  void (*finish)(const char* from, int64_t n, char* to, int64_t step);
};

/** The reduction of values of T by F in accumulators of A. Integers that wrap are unsigned here. */
template <class T, class F, class A> struct Reducer {
  static constexpr int64_t L = lanes<T>;
  static constexpr bool isWide = sizeof(A) != sizeof(T);
  static constexpr bool isExact = isWide && F::fn == Reduce::prod;

  ALWAYS_INLINE static A both(A a, A b) { return F::of(splat(a), splat(b))[0]; }

  /** The first n elements at p, padded with the identity. */
  ALWAYS_INLINE static Vec<T> some(const T* p, int64_t n) {
    if (n >= L) return load(p);
    const Vec<T> x = load_some(p, n);
    return F::fn == Reduce::sum ? x : First<T>(n, identity<T>(F::fn)).of_zeros(x);
  }

  template <int64_t distance = L / 2> ALWAYS_INLINE static T across(Vec<T> x) {
    if constexpr (distance == 0) {
      return x[0];
    } else {
      return across<distance / 2>(F::of(x, exchanged<T, static_cast<int>(distance)>(x, AllLanes<T>{})));
    }
  }

  /** Combines what `at` gives for 0 to `count` - 1; floats in four chains, because each addition waits for the one before. */
  template <class At> ALWAYS_INLINE static Vec<T> combined(int64_t count, At at) {
    Vec<T> s0 = at(0);
    int64_t i = 1;
    if (isReal<T> && count >= 4) {
      Vec<T> s1 = at(1), s2 = at(2), s3 = at(3);
      for (i = 4; i + 4 <= count; i += 4) {
        s0 = F::of(s0, at(i));
        s1 = F::of(s1, at(i + 1));
        s2 = F::of(s2, at(i + 2));
        s3 = F::of(s3, at(i + 3));
      }
      s0 = F::of(F::of(s0, s1), F::of(s2, s3));
    }
    for (; i < count; i++) s0 = F::of(s0, at(i));
    return s0;
  }

  /** Combines `count` vectors, `step` elements apart, in order; they may be shorter than L. */
  __attribute__((noinline)) static Vec<T> together(const T* p, int64_t count, int64_t step, int64_t n) {
#if defined(__wasm__)
    if (n >= L) return combined(count, [=](int64_t i) ALWAYS_INLINE { return load(p + i * step); });
    // What follows a vector is read, and left out; after the last of them there may be nothing.
    const First<T> first(n, identity<T>(F::fn));
    const T* const last = p + (count - 1) * step + n - L;
    return combined(count, [=](int64_t i) ALWAYS_INLINE {
      const T* const from = p + i * step;
      return first.of(from <= last ? load(from) : load_some(from, n));
    });
#else
    return combined(count, [=](int64_t i) ALWAYS_INLINE { return some(p + i * step, n); });
#endif
  }

  /** The same for `wide` vectors beside each other, of a whole run. */
  template <int wide> ALWAYS_INLINE static void side_by_side(const T* p, int64_t step, Vec<T>* s) {
    Vec<T> t[4][wide];
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++, p += step) {
#pragma GCC unroll 4
      for (int v = 0; v < wide; v++) t[r][v] = turned<F>(load(p + v * L));
    }
    for (int64_t i = 4; i < columnRun; i += 4) {
#pragma GCC unroll 4
      for (int r = 0; r < 4; r++, p += step) {
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) t[r][v] = quickly<F>(t[r][v], turned<F>(load(p + v * L)));
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < wide; v++)
      s[v] = turned<F>(quickly<F>(quickly<F>(t[0][v], t[1][v]), quickly<F>(t[2][v], t[3][v])));
  }

  static void fill(char* to, int64_t n) {
    A* acc = reinterpret_cast<A*>(to);
    for (int64_t i = 0; i < n; i += lanes<A>) store(acc + i, splat(identity<A>(F::fn)));
  }

  /** Combines vectors of n elements, at most a run. */
  __attribute__((noinline)) static Vec<T> vectors(const T* p, int64_t n) {
    const int64_t whole = n / L;
    if (whole == 0) return some(p, n);
    const Vec<T> s = together(p, whole, L, L);
    return whole * L < n ? F::of(s, some(p + whole * L, n - whole * L)) : s;
  }
  /** The same without calls, which take as long as a few vectors. */
  ALWAYS_INLINE static Vec<T> few_vectors(const T* p, int64_t n) {
    const int64_t whole = n / L;
    const Vec<T> s = combined(whole, [=](int64_t i) ALWAYS_INLINE { return load(p + i * L); });
    return whole * L < n ? F::of(s, some(p + whole * L, n - whole * L)) : s;
  }

  /** Widens the lanes for further accumulation. */
  ALWAYS_INLINE static auto widened(Vec<T> x) {
    if constexpr (isWide) {
      return F::of(low(x), high(x));
    } else {
      return x;
    }
  }

  /**
   * Reads long rows in several places at once, because memory serves several streams faster than one. The order of maxima
   * does not matter, and they take longer than memory does where vectors are short.
   */
  ALWAYS_INLINE static A row(const T* p, int64_t n) {
    if constexpr (VECTOR_BYTES == 16 && (F::fn == Reduce::max || F::fn == Reduce::min)) {
      Vec<T> s[4];
      for (Vec<T>& x : s) x = turned<F>(splat(identity<T>(F::fn)));
      const T* const end = p + n;
      for (; end - p >= 4 * L; p += 4 * L) {
#pragma GCC unroll 4
        for (int64_t i = 0; i < 4; i++) s[i] = quickly<F>(s[i], turned<F>(load(p + i * L)));
      }
      const Vec<T> most = turned<F>(quickly<F>(quickly<F>(s[0], s[1]), quickly<F>(s[2], s[3])));
      return across(p < end ? F::of(most, vectors(p, end - p)) : most);
    } else if constexpr (isExact) {
      A total = identity<A>(F::fn);
      for (int64_t i = 0; i < n; i++) total *= static_cast<A>(p[i]);
      return total;
    } else if (n <= rowRun) {
      return static_cast<A>(across(vectors(p, n)));
    }
    auto total = widened(vectors(p, rowRun));
    p += rowRun;
    n -= rowRun;
    const int64_t step = n / streams / L * L;
    for (int64_t i = 0; n >= longRow && i < step; i += L) {
      const auto at = [=](int64_t k) ALWAYS_INLINE { return load(p + i + k * step); };
      if constexpr (isReal<T>) {
        total = F::of(total, widened(combined(std::integral_constant<int64_t, streams>{}, at)));
      } else {
        total = F::of(total, widened(together(p + i, streams, step, L)));
      }
    }
    if (n >= longRow) {
      p += streams * step;
      n -= streams * step;
    }
    for (; n > 0; p += rowRun, n -= rowRun) total = F::of(total, widened(vectors(p, n < rowRun ? n : rowRun)));
    return Reducer<A, F, A>::across(total);
  }

  /** Adds runs, of which there is a vector each, two by two: `row` of twice `rowRun`, for each of so many of n. */
  static void runs(const char* sums, int64_t n, char* to) {
    const T* p = reinterpret_cast<const T*>(sums);
    A* const acc = reinterpret_cast<A*>(to);
    for (; n > 0; n -= 2 * rowRun, p += 2 * L)
      *acc = both(*acc, Reducer<A, F, A>::across(F::of(widened(load(p)), widened(load(p + L)))));
  }

  /** Lane l combines the lanes of rows[l]. */
  ALWAYS_INLINE static Vec<T> across(Vec<T>* rows) { return folded<T, F>(rows); }

  ALWAYS_INLINE static void add(A* acc, Vec<T> x) {
    if constexpr (isWide) {
      store(acc, F::of(load(acc), low(x)));
      store(acc + L / 2, F::of(load(acc + L / 2), high(x)));
    } else {
      store(acc, F::of(load(acc), x));
    }
  }

  /**
   * Prefetches what follows the next n elements if they are read in pieces, because the processor's prefetcher is too
   * late. Narrower vectors take longer than memory.
   */
  ALWAYS_INLINE static void prefetch(const T* p, int64_t n) {
    if constexpr (VECTOR_BYTES == 64) {
      for (int64_t i = 0; i < n; i += L) __builtin_prefetch(p + ahead / static_cast<int64_t>(sizeof(T)) + i);
    }
  }

  /**
   * Combines rows shorter than four vectors as `vectors` does, L in a turn, while L elements follow them: what follows a
   * row is read, and left out, which takes fewer branches and no calls. Returns how many rows it has combined, into their
   * accumulators or, if there is a place for them, to results.
   */
  __attribute__((noinline)) static int64_t short_rows(const T* p, int64_t rows, int64_t columns, A* acc, T* results) {
    const int64_t whole = columns / L, rest = columns % L;
    const First<T> first(rest, identity<T>(F::fn));
    int64_t r = 0;
    for (; (rows - r - L) * columns >= L; r += L) {
      Vec<T> s[L];
      const T* at[L];
#pragma GCC unroll 4
      for (int64_t i = 0; i < L; i++, p += columns) at[i] = p;
      if (whole == 0) {
#pragma GCC unroll 4
        for (int64_t i = 0; i < L; i++) s[i] = first.of(load(at[i]));
      } else {
#pragma GCC unroll 4
        for (int64_t i = 0; i < L; i++) s[i] = load(at[i]);
        if (whole > 1) {
#pragma GCC unroll 4
          for (int64_t i = 0; i < L; i++) s[i] = F::of(s[i], load(at[i] + L));
        }
        if (whole > 2) {
#pragma GCC unroll 4
          for (int64_t i = 0; i < L; i++) s[i] = F::of(s[i], load(at[i] + 2 * L));
        }
        if (rest > 0) {
#pragma GCC unroll 4
          for (int64_t i = 0; i < L; i++) s[i] = F::of(s[i], first.of(load(at[i] + whole * L)));
        }
      }
      if (results != nullptr) {
        store(results + r, F::of(splat(identity<T>(F::fn)), across(s)));
      } else {
        add(acc + r, across(s));
      }
    }
    return r;
  }

  static int64_t rows(const char* block, int64_t rows, int64_t columns, char* to, char* results) {
    const T* p = reinterpret_cast<const T*>(block);
    A* acc = reinterpret_cast<A*>(to);
    int64_t r = 0, written = 0;
    if constexpr (!isExact && sizeof(T) > 1) {
      constexpr bool areShort = VECTOR_BYTES == 16 && isReal<T>;
      if (areShort && columns < 4 * L) {
        r = short_rows(p, rows, columns, acc, reinterpret_cast<T*>(results));
        written = results != nullptr ? r : 0;
        p += r * columns;
      }
      if constexpr (VECTOR_BYTES > 16 && sizeof(T) == 4 && F::fn == Reduce::sum) {
        for (; columns > L && columns <= rowRun && r + L <= rows; r += L, p += L * columns) {
          Vec<T> s[L];
          for (int64_t i = 0; i < L; i++) s[i] = few_vectors(p + i * columns, columns);
          add(acc + r, across(s));
        }
      }
      for (; columns <= rowRun && r + L <= rows; r += L, p += L * columns) {
        if (columns <= L) prefetch(p, L * columns);
        Vec<T> s[L];
        for (int64_t i = 0; i < L; i++) {
          s[i] = !isFetched && columns <= L ? some(p + i * columns, columns) : vectors(p + i * columns, columns);
        }
        add(acc + r, across(s));
      }
    }
    for (; r < rows; r++, p += columns) acc[r] = both(acc[r], row(p, columns));
    return written;
  }

  static void columns(const char* block, int64_t rows, int64_t columns, char* to) {
    A* acc = reinterpret_cast<A*>(to);
    constexpr int64_t height = isExact ? 1 : columnRun;
    for (int64_t r = 0; r < rows; r += height) {
      const T* p = reinterpret_cast<const T*>(block) + r * columns;
      const int64_t count = rows - r < height ? rows - r : height;
      if (columns <= L) prefetch(p, count * columns);
      int64_t j = 0;
      if constexpr (VECTOR_BYTES == 16 && sizeof(T) > 1 && !isExact) {
        for (; count == height && j + 2 * L <= columns; j += 2 * L) {
          Vec<T> s[2];
          side_by_side<2>(p + j, columns, s);
          for (int64_t v = 0; v < 2; v++) add(acc + j + v * L, s[v]);
        }
      }
      for (; j < columns; j += L) add(acc + j, together(p + j, count, columns, columns - j));
    }
  }

  static void merge(char* to, const char* more, int64_t n) {
    A* acc = reinterpret_cast<A*>(to);
    for (int64_t i = 0; i < n; i++) acc[i] = both(acc[i], reinterpret_cast<const A*>(more)[i]);
  }

  static void finish(const char* from, int64_t n, char* to, int64_t step) {
    const A* acc = reinterpret_cast<const A*>(from);
    T* out = reinterpret_cast<T*>(to);
    int64_t i = 0;
    for (; step == 1 && i + L <= n; i += L) {
      if constexpr (isWide) {
        store(out + i, join(load(acc + i), load(acc + i + L / 2)));
      } else {
        store(out + i, load(acc + i));
      }
    }
    for (; i < n; i++) out[i * step] = static_cast<T>(acc[i]);
  }

  static constexpr Reduction table{sizeof(A), fill, rows, columns, merge, finish};
};

/** T for maximum and minimum, U for sums and products, A for their accumulators. */
template <class T, class U, class A> const Reduction* reduction_of(Reduce fn) {
  switch (fn) {
    case Reduce::sum:
      return &Reducer<U, Sum, A>::table;
    case Reduce::prod:
      return &Reducer<U, Prod, A>::table;
    case Reduce::max:
      return &Reducer<T, Most<T>, T>::table;
    default:
      return &Reducer<T, Least<T>, T>::table;
  }
}

[[maybe_unused]] static const Reduction* reduction_of(Reduce fn, DType dtype) {
  switch (dtype) {
    case DType::boolean:  // sums of bools are or, products and
      return reduction_of<uint8_t, uint8_t, uint8_t>(fn == Reduce::sum    ? Reduce::max
                                                     : fn == Reduce::prod ? Reduce::min
                                                                          : fn);
    case DType::uint8:
      return reduction_of<uint8_t, uint8_t, uint8_t>(fn);
    case DType::int32:
      return reduction_of<int32_t, uint32_t, uint32_t>(fn);
    case DType::float32:
      return reduction_of<float, float, double>(fn);
    case DType::float64:
      return reduction_of<double, double, double>(fn);
  }
  return nullptr;
}

}  // namespace flambeau::ISA
