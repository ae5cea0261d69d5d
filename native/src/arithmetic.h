// Combinations of two values, shared by scan and scatter. Integers wrap; NaN wins; of two zeros the positive one is the
// larger, as in IEEE 754-2019 and JavaScript.
#pragma once
#include <cmath>
#include <type_traits>

#include "kernels.h"

namespace flambeau {

template <class T> T larger(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return a != a ? a : b;
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a < b ? b : a;
}

template <class T> T smaller(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return a != a ? a : b;
    if (a == b) return std::signbit(a) ? a : b;
  }
  return b < a ? b : a;
}

template <class T> T plus(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a + b;
  return static_cast<T>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

template <class T> T times(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a * b;
  return static_cast<T>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}

/** Calls f with the function of two T that `fn` names; for bools, a sum is or. */
template <class T, class F> void with_combine(Reduce fn, DType dtype, F&& f) {
  switch (fn) {
    case Reduce::sum:
      if constexpr (std::is_same_v<T, uint8_t>) {
        if (dtype == DType::boolean) return f([](T a, T b) { return static_cast<T>(a | b); });
      }
      return f([](T a, T b) { return plus(a, b); });
    case Reduce::prod:
      return f([](T a, T b) { return times(a, b); });
    case Reduce::max:
      return f([](T a, T b) { return larger(a, b); });
    case Reduce::min:
      return f([](T a, T b) { return smaller(a, b); });
    case Reduce::none:
      return;
  }
}

}  // namespace flambeau
