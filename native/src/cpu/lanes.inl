// Shuffles between vectors: transposing squares of lanes, summing as many vectors at once as there are lanes, and reading
// and repeating every other element.
#pragma once
#include <utility>

#include "isa.h"

namespace flambeau::ISA {

/** Lane l is from a if the bit `distance` of l is 0 and from b if it is 1: their own lanes l, */
template <class T, int distance, int... l> INLINE Vec<T> keep(Vec<T> a, Vec<T> b, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(a, b, (l & distance ? l + static_cast<int>(lanes<T>) : l)...);
}
/** or, of the same, the lanes on the other side of the bit, */
template <class T, int distance, int... l> INLINE Vec<T> cross(Vec<T> a, Vec<T> b, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(a, b, (l & distance ? l - distance + static_cast<int>(lanes<T>) : l + distance)...);
}
/** or the lower halves (by that bit) of both, or the upper halves. */
template <class T, int distance, int... l> INLINE Vec<T> lower(Vec<T> a, Vec<T> b, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(a, b, (l & distance ? l - distance + static_cast<int>(lanes<T>) : l)...);
}
template <class T, int distance, int... l> INLINE Vec<T> upper(Vec<T> a, Vec<T> b, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(a, b, (l & distance ? l + static_cast<int>(lanes<T>) : l + distance)...);
}

/** Each lane is the one on the other side of the bit. */
template <class T, int distance, int... l> INLINE Vec<T> exchanged(Vec<T> x, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(x, x, (l ^ distance)...);
}

template <class T> using AllLanes = std::make_integer_sequence<int, static_cast<int>(lanes<T>)>;

/** Groups of `unit` lanes of the lower or the upper halves of two vectors, between each other. */
template <class T, int half, int unit = 1, int... l>
INLINE Vec<T> zipped(Vec<T> x, Vec<T> y, std::integer_sequence<int, l...>) {
  constexpr int L = static_cast<int>(lanes<T>);
  return __builtin_shufflevector(x, y, (half * L / 2 + l / (2 * unit) * unit + l % unit + l / unit % 2 * L)...);
}

/**
 * Lane l of the result is what F makes of the lanes of rows[l]: first of those that are half of the vector apart. `rows` is
 * overwritten. Halves of short vectors are zipped in one instruction, for which long ones take several.
 */
template <class T, class F, int unit = 1> INLINE Vec<T> folded(Vec<T>* rows) {
  constexpr int distance = static_cast<int>(lanes<T>) / 2 / unit;
  if constexpr (distance == 0) {
    return rows[0];
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < distance; ++i) {
      if constexpr (VECTOR_BYTES == 16) {
        const Vec<T> a = rows[2 * i], b = rows[2 * i + 1];
        rows[i] = F::of(zipped<T, 0, unit>(a, b, AllLanes<T>{}), zipped<T, 1, unit>(a, b, AllLanes<T>{}));
      } else {
        const Vec<T> a = rows[i], b = rows[i + distance];
        rows[i] = F::of(keep<T, distance>(a, b, AllLanes<T>{}), cross<T, distance>(a, b, AllLanes<T>{}));
      }
    }
    return folded<T, F, 2 * unit>(rows);
  }
}
struct Addition {
  template <class X> ALWAYS_INLINE static X of(X a, X b) { return a + b; }
};
/** Lane l of the result is the sum of the lanes of rows[l]. `rows` is overwritten. */
template <class T> INLINE Vec<T> sums(Vec<T>* rows) { return folded<T, Addition>(rows); }

/** Exchanges lane j of rows[i] with lane i of rows[j]. */
template <class T, int distance = static_cast<int>(lanes<T>) / 2> INLINE void transpose(Vec<T>* rows) {
  if constexpr (distance > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T>; ++i) {
      if (i & distance) continue;
      const Vec<T> a = rows[i], b = rows[i + distance];
      rows[i] = lower<T, distance>(a, b, AllLanes<T>{});
      rows[i + distance] = upper<T, distance>(a, b, AllLanes<T>{});
    }
    transpose<T, distance / 2>(rows);
  }
}

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

#if defined(__AVX512F__)
/** Stores the first `n` elements (0 to half of the lanes) of v two apart; what is between them is not touched. */
INLINE void store_apart(float* p, Vec<float> v, int64_t n) {
  const __mmask16 there = static_cast<__mmask16>(0x5555u & ((1u << 2 * n) - 1));
  _mm512_mask_storeu_ps(p, there, reinterpret_cast<__m512>(zipped<float, 0>(v, v, AllLanes<float>{})));
}
#endif

}  // namespace flambeau::ISA
