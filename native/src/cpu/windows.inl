// Windows over planes: their geometry, how their taps are read side by side in a vector, and what is computed of them.
#pragma once
#include "../kernels.h"
#include "../pool.h"
#include "lanes.inl"
#include "math.inl"

namespace flambeau::ISA {
namespace {

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t multiple(int64_t n, int64_t of) { return (n + of - 1) / of * of; }

constexpr int64_t L = lanes<float>;
/** Elements of the input per part. */
constexpr int64_t partElements = 1 << 14;
constexpr float outside = -__builtin_inff();

/** Windows along one axis. */
struct Axis {
  int64_t in, out, kernel, stride, low;

  /** Whether windows follow each other with nothing before, between or after them that belongs to none or to two. */
  bool tiles() const { return low == 0 && in == out * stride && kernel <= stride; }
};

/** A number that the compiler knows. */
template <int n> using Known = std::integral_constant<int, n>;

/** The planes of an instruction, whose windows lie along two axes. */
struct Planes {
  Axis rows, columns;
  int64_t count;
  float* operands[3];

  Planes(const CompositeOp& op, const Memory& memory, bool isBackward) : count(op.outer) {
    const int32_t* n = op.numbers;
    Axis* const axes[] = {&rows, &columns};
    for (int d = 0; d < 2; d++) {
      const int64_t own = d == 0 ? op.n : op.inner, other = n[d];
      *axes[d] = {isBackward ? other : own, isBackward ? own : other, n[2 + d], n[4 + d], n[6 + d]};
    }
    for (int32_t i = 0; i < 3; i++) operands[i] = op.operands[i].in<float>(memory);
    if (rows.tiles()) {
      rows.in *= count;
      rows.out *= count;
      count = 1;
    }
  }

  /** Of windows two apart along rows: whether they are of 2 x 2 and tile all planes. Then rows are all alike. */
  bool are_tiles() const {
    return rows.tiles() && rows.stride == 2 && rows.kernel == 2 && columns.tiles() && columns.kernel == 2;
  }

  /** Calls f with parts of all rows of results, the step along rows, and the kernel's size if there are loops for it, or 0. */
  template <class F> void each_result(F&& f) const {
    in_parts(count * rows.out, most(1, partElements / (rows.stride * columns.in)), f);
  }
  /** The same with rows of elements. Parts begin with windows; where windows tile planes, with vectors, too. */
  template <class F> void each_element(F&& f) const {
    const int64_t together = !isFetched && are_tiles() ? L : rows.stride;
    in_parts(count * rows.in, multiple(most(1, partElements / columns.in), together), f);
  }

 private:
  template <class F> void in_parts(int64_t all, int64_t each, F& f) const {
    const auto with = [&](auto step, auto kernel) {
      auto part = [&](int64_t p) { f(step, kernel, p * each, least(all, (p + 1) * each)); };
      parallel_for((all + each - 1) / each, part);
    };
    const bool isKnown = columns.kernel == 3 && rows.kernel == 3;
    if (columns.stride == 1) return isKnown ? with(Known<1>{}, Known<3>{}) : with(Known<1>{}, Known<0>{});
    isKnown ? with(Known<2>{}, Known<3>{}) : with(Known<2>{}, Known<0>{});
  }
};

/** The numbers of taps. */
struct Numbers {
  float all[maxPoolTaps * maxPoolTaps] = {};
  constexpr Numbers() {
    for (int i = 0; i < maxPoolTaps * maxPoolTaps; i++) all[i] = static_cast<float>(i);
  }
};
constexpr Numbers numbers{};

/** The first elements at p, followed by zeros, or all of a vector; and the reverse. */
INLINE V get(const float* p, int64_t n) { return n < L ? load_some(p, n) : load(p); }
INLINE void put(float* p, V x, int64_t n) { n < L ? store_some(p, x, n) : store(p, x); }

/** Vectors of which each lane is `step` elements after the one before. */
template <int step> struct Apart {
  V parts[step];

  ALWAYS_INLINE explicit Apart(const float* p) {
    for (int v = 0; v < step; v++) parts[v] = load(p + v * L);
  }
  /** Of the first n elements, and zeros. */
  ALWAYS_INLINE Apart(const float* p, int64_t n) {
    for (int v = 0; v < step; v++) parts[v] = n > v * L ? load_some(p + v * L, least(L, n - v * L)) : V{};
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
