// Nested loops over strided operands, for the kernels that move and order elements: the kernel runs the innermost loop,
// and a range of the others can be walked separately, so that threads share them.
#pragma once
#include <algorithm>

#include "kernels.h"
#include "pool.h"

namespace flambeau {

/** Calls f with a value of a dtype's C++ type. */
template <class F> void with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean:
    case DType::uint8:
      return f(uint8_t{});
    case DType::int32:
      return f(int32_t{});
    case DType::float32:
      return f(float{});
    case DType::float64:
      return f(double{});
  }
}

inline int64_t product(const int32_t* sizes, int32_t count) {
  int64_t result = 1;
  for (int32_t i = 0; i < count; i++) result *= sizes[i];
  return result;
}

/** K operands in loops; no size is 0. */
template <int K> struct Loops {
  int32_t depth;
  const int32_t* sizes;
  const int32_t* steps[K];

  /** Iterations of the innermost loop. */
  int64_t inner() const { return depth == 0 ? 1 : sizes[depth - 1]; }
  /** How often the innermost loop is entered. */
  int64_t rows() const { return depth == 0 ? 1 : product(sizes, depth - 1); }
  int64_t step(int k) const { return depth == 0 ? 0 : steps[k][depth - 1]; }

  /**
   * Calls row(at) for the innermost loops from number `from` to before `to`; `at` has each operand's position there.
   */
  template <class F> void walk(int64_t from, int64_t to, F&& row) const {
    int64_t at[K] = {};
    int32_t index[maxDepth] = {};
    int64_t rest = from;
    for (int32_t l = depth - 2; l >= 0; l--) {
      index[l] = static_cast<int32_t>(rest % sizes[l]);
      rest /= sizes[l];
      for (int k = 0; k < K; k++) at[k] += static_cast<int64_t>(index[l]) * steps[k][l];
    }
    for (int64_t i = from; i < to; i++) {
      row(at);
      for (int32_t l = depth - 2; l >= 0; l--) {
        for (int k = 0; k < K; k++) at[k] += steps[k][l];
        if (++index[l] < sizes[l]) break;
        for (int k = 0; k < K; k++) at[k] -= static_cast<int64_t>(steps[k][l]) * sizes[l];
        index[l] = 0;
      }
    }
  }
};

/** Below this many elements, work is not worth a second thread. */
constexpr int64_t elementsOfPart = 1 << 15;

/** Calls body(from, to) for parts of `count` pieces of `size` elements each, on several threads if that pays off. */
template <class F> void parallel_ranges(int64_t count, int64_t size, F&& body) {
  const int64_t piece = std::max<int64_t>(1, elementsOfPart / std::max<int64_t>(1, size));
  auto part = [&](int64_t i) { body(i * piece, std::min(count, (i + 1) * piece)); };
  parallel_for((count + piece - 1) / piece, part);
}

}  // namespace flambeau
