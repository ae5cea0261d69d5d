// The result of every step of an expression, one element at a time in double precision, following core's expr/js.ts.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>

#include "../src/kernels.h"
#include "../src/special.h"

using namespace flambeau;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double notNumber = std::numeric_limits<double>::quiet_NaN();

inline bool is_real(DType dtype) { return dtype >= DType::float32; }

inline int32_t to_int(double x) {
  if (!std::isfinite(x)) return 0;
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(std::fmod(std::trunc(x), 4294967296.0))));
}

/** A double rounded to a dtype. */
inline double rounded(double x, DType dtype) {
  switch (dtype) {
    case DType::float64:
      return x;
    case DType::float32:
      return static_cast<float>(x);
    case DType::int32:
      return to_int(x);
    case DType::uint8:
      return to_int(x) & 255;
    default:
      return x;
  }
}

inline double imul(double a, double b) {
  return static_cast<int32_t>(static_cast<uint32_t>(to_int(a)) * static_cast<uint32_t>(to_int(b)));
}

inline double larger(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return notNumber;
  return a == b ? (std::signbit(a) ? b : a) : a > b ? a : b;
}
inline double smaller(double a, double b) { return -larger(-a, -b); }

inline double mod(double x, double y) {
  const double r = std::fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

inline double floor_div(double a, double b) {
  if (b == 0) return a / b;
  const double m = std::fmod(a, b);
  double d = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) d -= 1;
  if (d == 0) return a / b < 0 ? -0.0 : 0.0;
  const double f = std::floor(d);
  return d - f > 0.5 ? f + 1 : f;
}

inline double ipow(double x, double p) {
  if (p < 0) return x == 1 ? 1 : x == -1 ? (std::fmod(p, 2) == 0 ? 1 : -1) : 0;
  double result = 1, base = x;
  for (double e = p; e > 0; e = std::floor(e / 2), base = imul(base, base)) {
    if (std::fmod(e, 2) == 1) result = imul(result, base);
  }
  return result;
}

/** The result of a step before rounding. */
inline double exactly(const Code& code, double a, double b, double c) {
  const bool real = is_real(code.dtype), logic = code.dtype == DType::boolean;
  switch (code.step) {
    case Step::cast:
      return logic ? a != 0 : a;
    case Step::add:
      return logic ? to_int(a) | to_int(b) : a + b;
    case Step::sub:
      return a - b;
    case Step::mul:
      return logic ? to_int(a) & to_int(b) : real ? a * b : imul(a, b);
    case Step::div:
      return a / b;
    case Step::mod:
      return mod(a, b);
    case Step::floorDiv:
      return real ? floor_div(a, b) : std::floor(a / b);
    case Step::pow:
      return real ? (b == 2 ? a * a : std::pow(a, b)) : ipow(a, b);
    case Step::min:
      return smaller(a, b);
    case Step::max:
      return larger(a, b);
    case Step::fma: {
      volatile double product = real ? a * b : logic ? to_int(a) & to_int(b) : imul(a, b);
      return logic ? to_int(product) | to_int(c) : product + c;
    }
    case Step::neg:
      return -a;
    case Step::abs:
      return std::fabs(a);
    case Step::sign:
      return (a > 0) - (a < 0);
    case Step::floor:
      return std::floor(a);
    case Step::ceil:
      return std::ceil(a);
    case Step::trunc:
      return std::trunc(a);
    case Step::rint:
      return std::nearbyint(a);
    case Step::sqrt:
      return std::sqrt(a);
    case Step::exp:
      return std::exp(a);
    case Step::expm1:
      return std::expm1(a);
    case Step::log:
      return std::log(a);
    case Step::log1p:
      return std::log1p(a);
    case Step::sin:
      return std::sin(a);
    case Step::cos:
      return std::cos(a);
    case Step::tanh:
      return std::tanh(a);
    case Step::erf:
      return std::erf(a);
    case Step::tan:
      return std::tan(a);
    case Step::sinh:
      return std::sinh(a);
    case Step::cosh:
      return std::cosh(a);
    case Step::asin:
      return std::asin(a);
    case Step::acos:
      return std::acos(a);
    case Step::atan:
      return std::atan(a);
    case Step::asinh:
      return std::asinh(a);
    case Step::acosh:
      return std::acosh(a);
    case Step::atanh:
      return std::atanh(a);
    case Step::exp2:
      return std::exp2(a);
    case Step::log2:
      return std::log2(a);
    case Step::log10:
      return std::log10(a);
    case Step::atan2:
      return std::atan2(a, b);
    case Step::hypot:
      return std::hypot(a, b);
    case Step::copysign:
      return std::copysign(a, b);
    case Step::lgamma:
      return lgamma_of(a);
    case Step::digamma:
      return digamma_of(a);
    case Step::erfinv:
      return erfinv_of(a);
    case Step::i0:
      return i0_of(a);
    case Step::i1:
      return i1_of(a);
    case Step::polygamma:
      return polygamma_of(a, b);
    case Step::fmod:
      return std::fmod(a, b);
    case Step::nextafter:
      return code.dtype == DType::float32 ? std::nextafter(static_cast<float>(a), static_cast<float>(b))
                                          : std::nextafter(a, b);
    case Step::shiftLeft:
      return b >= 0 && b < 32 ? a * std::ldexp(1.0, static_cast<int>(b)) : 0;
    case Step::shiftRight:
      return std::floor(a * std::ldexp(1.0, b >= 0 && b < 32 ? -static_cast<int>(b) : -31));
    case Step::eq:
      return a == b;
    case Step::ne:
      return a != b;
    case Step::lt:
      return a < b;
    case Step::le:
      return a <= b;
    case Step::gt:
      return a > b;
    case Step::ge:
      return a >= b;
    case Step::and_:
      return to_int(a) & to_int(b);
    case Step::or_:
      return to_int(a) | to_int(b);
    case Step::xor_:
      return to_int(a) ^ to_int(b);
    case Step::not_:
      return logic ? 1 - a : -1 - a;
    case Step::isnan:
      return std::isnan(a);
    case Step::isfinite:
      return std::isfinite(a);
    case Step::select:
      return a != 0 ? b : c;
    case Step::constant:
    case Step::count:
      break;
  }
  return notNumber;
}

inline bool is_function(const Code& code) {
  return info_of(code.step).work == Work::call;
}

}  // namespace
