// Vectors of windows side by side: how their taps are read, and what is computed of them.
#pragma once
#include "../kernels.h"
#include "lanes.inl"
#include "math.inl"

namespace flambeau::ISA {
namespace {

constexpr int64_t L = lanes<float>;
constexpr float outside = -__builtin_inff();

/** Windows along one axis. */
struct Axis {
  int64_t in, out, kernel, stride, low;

  /** Whether windows follow each other with nothing before, between or after them that belongs to none or to two. */
  bool tiles() const { return low == 0 && in == out * stride && kernel <= stride; }
};

/** The numbers of taps. */
struct Numbers {
  float all[maxPoolTaps * maxPoolTaps] = {};
  constexpr Numbers() {
    for (int i = 0; i < maxPoolTaps * maxPoolTaps; i++) all[i] = static_cast<float>(i);
  }
};
constexpr Numbers numbers{};

/** Vectors of which each lane is `step` elements after the one before. */
template <int step> struct Apart {
  V parts[step];

  ALWAYS_INLINE explicit Apart(const float* p) {
    for (int v = 0; v < step; v++) parts[v] = load(p + v * L);
  }
  /** The vector that begins with element t. */
  template <int t> ALWAYS_INLINE V at() const { return from<t>(AllLanes<float>{}); }

 private:
  template <int t, int... l> ALWAYS_INLINE V from(std::integer_sequence<int, l...>) const {
    return __builtin_shufflevector(parts[0], parts[step - 1], (l * step + t)...);
  }
};

/** Places in a row, one for each lane. As they are unsigned, those before a row are beyond its end as well. */
using Places = Vec<uint32_t>;
template <int... l>
ALWAYS_INLINE inline Places places_from(int64_t first, uint32_t step, std::integer_sequence<int, l...>) {
  return Places{l...} * step + static_cast<uint32_t>(first);
}
INLINE Places places_from(int64_t first, uint32_t step) { return places_from(first, step, AllLanes<float>{}); }

// ---- what is computed of a window ----

/** Rows of results in the cache: of one kind, or of two that are `apart` elements from each other. */
struct Lines {
  float* at;
  int64_t apart;
};

/**
 * The first of the largest elements, or the last NaN: `larger` is its second operand if both are equal or one is NaN.
 */
struct Largest {
  static constexpr int kinds = 1;
  V y;

  ALWAYS_INLINE Largest(V x, V) : y(x) {}
  ALWAYS_INLINE Largest(Lines of, int64_t at, V) : y(load(of.at + at)) {}
  ALWAYS_INLINE void add(const Largest& next) { y = next.y != next.y ? next.y : larger(next.y, y); }
  ALWAYS_INLINE void keep(Lines to, int64_t at) const { store(to.at + at, y); }
  ALWAYS_INLINE V result(int) const { return y; }
};

/** The same and the number of its tap. */
struct Winner {
  static constexpr int kinds = 2;
  V y, number;

  ALWAYS_INLINE Winner(V x, V n) : y(x), number(n) {}
  ALWAYS_INLINE Winner(Lines of, int64_t at, V first)
      : y(load(of.at + at)), number(load(of.at + of.apart + at) + first) {}
  ALWAYS_INLINE void add(const Winner& next) {
    number = (next.y > y) | (next.y != next.y) ? next.number : number;
    y = next.y != next.y ? next.y : larger(next.y, y);
  }
  ALWAYS_INLINE void keep(Lines to, int64_t at) const {
    store(to.at + at, y);
    store(to.at + to.apart + at, number);
  }
  ALWAYS_INLINE V result(int which) const { return which == 0 ? y : number; }
};

}  // namespace
}  // namespace flambeau::ISA
