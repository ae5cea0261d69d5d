// Shuffles between vectors: transposing squares of lanes, and summing as many vectors at once as there are lanes.
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

template <class T> using AllLanes = std::make_integer_sequence<int, static_cast<int>(lanes<T>)>;

/** Lane l of the result is the sum of the lanes of rows[l]. `rows` is overwritten. */
template <class T, int distance = static_cast<int>(lanes<T>) / 2> INLINE Vec<T> sums(Vec<T>* rows) {
  if constexpr (distance == 0) {
    return rows[0];
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < distance; ++i) {
      const Vec<T> a = rows[i], b = rows[i + distance];
      rows[i] = keep<T, distance>(a, b, AllLanes<T>{}) + cross<T, distance>(a, b, AllLanes<T>{});
    }
    return sums<T, distance / 2>(rows);
  }
}

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

}  // namespace flambeau::ISA
