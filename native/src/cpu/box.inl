// Copies elements of nested loops into a contiguous row, and back.
#pragma once
#include "plan.inl"

namespace flambeau::ISA {

/** The elements of nested loops for the copies below: the last `depth` loops of an operand. */
struct Box {
  const int64_t* sizes;
  const int32_t* steps;
  /** The last loop is one of `length` turns, which stands for all loops that continue each other. */
  int32_t depth;
  int64_t length;
  /** The stride of the last loop. */
  int32_t inner;

  Box(const int64_t* sizes, const int32_t* steps, int32_t depth)
      : sizes(sizes), steps(steps), depth(depth), length(sizes[depth - 1]), inner(steps[depth - 1]) {
    while (this->depth > 1 && steps[this->depth - 2] == inner * length) {
      this->depth--;
      length *= sizes[this->depth - 1];
    }
  }
};

/**
 * Writes rows of n elements between each other: each row's elements are `step` apart, and the `times` rows `apart`, so
 * that an element is written `times` times if that is 0.
 */
template <class T> SOME void interleave(const T* p, int64_t n, int64_t step, int64_t times, int64_t apart, T* q) {
  int64_t i = 0;
  if constexpr (sizeof(T) == 4 || (sizeof(T) == 8 && !isFetched)) {
    constexpr int64_t L = lanes<T>;
    for (; times == 2 && step == 1 && i < n; i += L) {
      const int64_t rest = n - i;
      const auto some = [&](const T* at) ALWAYS_INLINE { return rest < L ? load_some(at, rest) : load(at); };
      const Vec<T> x = some(p + i), y = some(p + apart + i);
      store(q + 2 * i, zipped<T, 0>(x, y, AllLanes<T>{}));
      if (rest > L / 2) store(q + 2 * i + L, zipped<T, 1>(x, y, AllLanes<T>{}));
    }
  }
  for (; i < n; i++) {
    for (int64_t j = 0; j < times; j++) q[i * times + j] = p[i * step + j * apart];
  }
}

/** Two rows of at most a vector's elements, `apart` from each other, between each other. */
template <class T> INLINE void pair_up(const T* p, int64_t n, int64_t apart, T* q) {
  constexpr int64_t L = lanes<T>;
  const auto some = [&](const T* at) ALWAYS_INLINE { return n < L ? load_some(at, n) : load(at); };
  const Vec<T> x = some(p), y = some(p + apart);
  store(q, zipped<T, 0>(x, y, AllLanes<T>{}));
  if (n > L / 2) store(q + L, zipped<T, 1>(x, y, AllLanes<T>{}));
}

/** Copies n elements that are `step` apart into a row. */
template <class T> INLINE void collect(const T* p, int64_t n, int64_t step, T* q) {
  constexpr int64_t L = lanes<T>;
  int64_t i = 0;
  if (step == 1) {
    for (; i + L <= n; i += L) store(q + i, load(p + i));
    if (i < n) store(q + i, load_some(p + i, n - i));
    return;
  }
  if (step == 0) {
    const Vec<T> x = splat(*p);
    for (; i < n; i += L) store(q + i, x);
    return;
  }
  if constexpr (sizeof(T) >= 4) {
    if (step == 2) {
      for (; i + L <= n; i += L) store(q + i, load_apart<T, 2, false>(p + 2 * i, L));
      if (i < n) store(q + i, load_apart<T, 2, true>(p + 2 * i, n - i));
      return;
    }
  }
  for (; i < n; i++) q[i] = p[i * step];
}

/**
 * Copies an operand's elements into a row; whole vectors are written at `to` and after the last element. The kind of the
 * last loop is chosen once for all turns of the loop around it, because rows may be short.
 */
template <class T> T* gather(const Box& box, int32_t l, const T* from, T* to) {
  const int64_t length = box.length, inner = box.inner;
  if (l == box.depth - 1) {
    collect(from, length, inner, to);
    return to + length;
  }
  const int64_t n = box.sizes[l], step = box.steps[l];
  // Short turns of the last loop, between which the loop around them moves by one element, or which stay in place.
  const bool isShort = length < lanes<T> && (inner == 0 || (length == 2 && box.steps[box.depth - 2] == 1));
  if (isShort && l == box.depth - 2) {
    interleave(from, n, step, length, inner, to);
    return to + n * length;
  }
  if constexpr (!isFetched && sizeof(T) == 4) {
    // Rows so short that to begin one takes longer than to copy it.
    const int64_t rows = box.depth > 3 ? box.sizes[box.depth - 2] : lanes<T> + 1;
    if (isShort && l == box.depth - 4 && length == 2 && rows <= lanes<T> && inner != 0) {
      const int64_t m = box.sizes[l + 1], next = box.steps[l + 1];
      for (int64_t i = 0; i < n; i++, from += step) {
        for (int64_t j = 0; j < m; j++, to += 2 * rows) pair_up(from + j * next, rows, inner, to);
      }
      return to;
    }
  }
  if (isShort && l == box.depth - 3) {
    const int64_t rows = box.sizes[l + 1], rowStep = box.steps[l + 1];
    for (int64_t i = 0; i < n; i++, to += rows * length)
      interleave(from + i * step, rows, rowStep, length, inner, to);
    return to;
  }
  if (l < box.depth - 2) {
    for (int64_t i = 0; i < n; i++) to = gather(box, l + 1, from + i * step, to);
    return to;
  }
  const auto rows = [&](int64_t apart) ALWAYS_INLINE {
    for (int64_t i = 0; i < n; i++) collect(from + i * step, length, apart, to + i * length);
  };
  inner == 1 ? rows(1) : inner == 2 && !isFetched ? rows(2) : rows(inner);
  return to + n * length;
}

/** Copies n elements, which a stream may move by some of them: all of a short row is loaded before any is stored. */
template <class T> INLINE void move_row(const T* p, int64_t n, T* q) {
  constexpr int64_t L = lanes<T>;
  if (sizeof(T) < 4 || n > 4 * L) {
    memmove(q, p, static_cast<size_t>(n) * sizeof(T));
  } else if (n < L) {
    store_some(q, load_some(p, n), n);
  } else {
    const int64_t second = n < 2 * L ? n - L : L;
    const Vec<T> a = load(p), b = load(p + second), c = load(p + n - L - second), d = load(p + n - L);
    store(q, a);
    store(q + second, b);
    store(q + n - L - second, c);
    store(q + n - L, d);
  }
}

/** The inverse copy; the elements at `from` are `advance` apart. */
template <class T> const char* scatter(const Box& box, int32_t l, const char* from, int64_t advance, char* to) {
  if (l < box.depth - 1) {
    const int64_t n = box.sizes[l], step = box.steps[l];
    if (l == box.depth - 2 && box.inner == 1 && advance == 1) {
      const T* p = reinterpret_cast<const T*>(from);
      T* q = reinterpret_cast<T*>(to);
      for (int64_t i = 0; i < n; i++, p += box.length, q += step) move_row(p, box.length, q);
      return reinterpret_cast<const char*>(p);
    }
    for (int64_t i = 0; i < n; i++) {
      from = scatter<T>(box, l + 1, from, advance, to + i * step * static_cast<int64_t>(sizeof(T)));
    }
    return from;
  }
  const int64_t n = box.length, step = box.inner;
  const T* p = reinterpret_cast<const T*>(from);
  T* q = reinterpret_cast<T*>(to);
  if (step == 1 && advance == 1) {
    move_row(p, n, q);
  } else if (step == 1 && advance == 0) {
    const Vec<T> x = splat(*p);
    constexpr int64_t L = lanes<T>;
    int64_t i = 0;
    for (; i + L <= n; i += L) store(q + i, x);
    if (i < n) store_some(q + i, x, n - i);
  } else {
    int64_t i = 0;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      constexpr int64_t half = lanes<T> / 2;
      for (; step == 2 && advance == 1 && i < n; i += half) {
        const int64_t some = n - i < half ? n - i : half;
        store_apart(q + 2 * i, load_some(p + i, some), some);
      }
    }
#endif
    for (; i < n; i++) q[i * step] = p[i * advance];
  }
  return from + n * advance * static_cast<int64_t>(sizeof(T));
}

static void gather(const Box& box, int64_t size, const char* from, char* to) {
  const auto as = [&](auto type) {
    using T = decltype(type);
    gather(box, 0, reinterpret_cast<const T*>(from), reinterpret_cast<T*>(to));
  };
  size == 4 ? as(float{}) : size == 8 ? as(double{}) : as(uint8_t{});
}
static void scatter(const Box& box, int64_t size, const Slot& from, char* to) {
  size == 4   ? scatter<float>(box, 0, from.at, from.advance, to)
  : size == 8 ? scatter<double>(box, 0, from.at, from.advance, to)
              : scatter<uint8_t>(box, 0, from.at, from.advance, to);
}

}  // namespace flambeau::ISA
