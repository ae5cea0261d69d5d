#include "matrices.h"

#include <algorithm>
#include <cmath>

namespace flambeau {

namespace {

/** Whether every rotation is one of two rows of a, and has a cosine and a sine. */
bool rotates_rows(const Matrices& it) {
  const Index width = it.sizes[0], rows = width > 0 ? it.lengths[0] / width : 0, spans = it.lengths[3];
  const double* const span = it.arrays[3];
  if (it.count != 1 || spans % 3 != 0) return false;
  Index left = std::min(it.lengths[1], it.lengths[2]);
  for (Index i = 0; i < spans; i += 3) {
    const double from = span[i], by = span[i + 1], count = span[i + 2], to = from + by * count;
    const double most = static_cast<double>(rows);
    const bool areWhole = std::floor(from) == from && std::floor(count) == count && (by == 1 || by == -1);
    if (!areWhole || !(from >= 0 && from < most && to >= 0 && to < most && count >= 0)) return false;
    if (count > static_cast<double>(left)) return false;
    left -= static_cast<Index>(count);
  }
  return true;
}

}  // namespace

bool fits(const Matrices& it) {
  const int64_t p = it.sizes[0], q = it.sizes[1], least{0};
  // What the needs below refer to. Products of sizes may be wider than addresses.
  const int64_t terms[] = {0, 1, p, q, it.sizes[2], std::min(p, q), std::max(p - 2, least), std::max(q - 2, least)};
  enum : uint8_t { none, one, P, Q, R, few, lessP, lessQ };
  /** How many sizes and arrays a routine takes, and for each array two terms: it has as many elements as their product. */
  constexpr uint8_t needs[][2 + 2 * mostMatrixArrays] = {
      /* lu */ {3, 3, P, Q, few, one, one, one},
      /* cholesky */ {1, 2, P, P, one, one},
      /* triangle */ {4, 2, P, Q, P, P},
      /* solve */ {2, 3, P, Q, P, P, P, one},
      /* subtract */ {3, 3, P, Q, P, R, R, Q},
      /* qr */ {2, 2, P, Q, few, one},
      /* reflected */ {5, 3, P, Q, none, none, none, none},
      /* tridiagonal */ {1, 4, P, P, P, one, P, one, lessP, one},
      /* bidiagonal */ {2, 5, P, Q, Q, one, Q, one, Q, one, lessQ, one},
      /* rotate */ {1, 4, none, none, none, none, none, none, none, none},
      /* invert */ {1, 4, P, P, P, one, one, one, P, P},
  };
  if (static_cast<uint32_t>(it.routine) >= static_cast<uint32_t>(Routine::count)) return false;
  const uint8_t* const need = needs[static_cast<int32_t>(it.routine)];
  if (it.sizeCount != need[0] || it.arrayCount != need[1]) return false;
  if (it.count != 0) {
    for (int32_t i = 0; i < it.arrayCount; i++) {
      if (it.lengths[i] < terms[need[2 * i + 2]] * terms[need[2 * i + 3]]) return false;
    }
  }
  const int64_t count = it.lengths[2];
  switch (it.routine) {
    case Routine::reflected:
      return count == 0 ||
             (count + it.sizes[2] <= p &&
              (it.count == 0 || it.lengths[1] >= (p - 1) * it.sizes[3] + (count - 1) * it.sizes[4] + 1));
    case Routine::bidiagonal:
      return p >= q;
    case Routine::rotate:
      return rotates_rows(it);
    default:
      return true;
  }
}

}  // namespace flambeau
