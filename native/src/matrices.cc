#include "matrices.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>

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
  // Products of sizes may be wider than addresses.
  const int64_t p = it.sizes[0], q = it.sizes[1], r = it.sizes[2], s = it.sizes[3], t = it.sizes[4];
  const int64_t few = std::min(p, q);
  const auto have = [&](int32_t sizes, std::initializer_list<int64_t> needed) {
    return it.sizeCount == sizes && it.arrayCount == static_cast<int32_t>(needed.size()) &&
           (it.count == 0 || std::equal(needed.begin(), needed.end(), it.lengths, std::less_equal<int64_t>()));
  };
  switch (it.routine) {
    case Routine::lu:
      return have(3, {p * q, few, 1});
    case Routine::cholesky:
      return have(1, {p * p, 1});
    case Routine::triangle:
      return have(4, {p * q, p * p});
    case Routine::solve:
      return have(2, {p * q, p * p, p});
    case Routine::subtract:
      return have(3, {p * q, p * r, r * q});
    case Routine::qr:
      return have(2, {p * q, few});
    case Routine::reflected: {
      const int64_t count = it.lengths[2];
      return have(5, {p * q, count == 0 ? 0 : (p - 1) * s + (count - 1) * t + 1, 0}) && (count == 0 || count + r <= p);
    }
    case Routine::tridiagonal:
      return have(1, {p * p, p, p, std::max<int64_t>(p - 2, 0)});
    case Routine::bidiagonal:
      return p >= q && have(2, {p * q, q, q, q, std::max<int64_t>(q - 2, 0)});
    case Routine::rotate:
      return have(1, {0, 0, 0, 0}) && rotates_rows(it);
    case Routine::invert:
      return have(1, {p * p, p, 1, p * p});
    case Routine::count:
      break;
  }
  return false;
}

}  // namespace flambeau
