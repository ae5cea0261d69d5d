// The steps of expressions that take more than a few instructions, as device functions. nvcc turns them into PTX when
// flambeau is built (`node tools/cuda.mjs ptx`), and the emitter puts those that a kernel calls in front of it
// (packages/backend-native/src/cuda/text). core's expr/js.ts defines the results; a name is that of the step and its dtype.
#include <cmath>
#include <cstdint>

/** Long, and needed by other functions: functions of their own. */
extern "C" __device__ __noinline__ double fmod_float64(double x, double y) { return std::fmod(x, y); }
extern "C" __device__ __noinline__ double exp_float64(double x) { return std::exp(x); }
extern "C" __device__ __noinline__ double log_float64(double x) { return std::log(x); }
extern "C" __device__ __noinline__ double log1p_float64(double x) { return std::log1p(x); }
extern "C" __device__ __noinline__ double sin_float64(double x) { return std::sin(x); }
extern "C" __device__ __noinline__ double tan_float64(double x) { return std::tan(x); }

/** What special.cc finds as the C library: it calls those functions, or nvcc would write them anew for each call. */
namespace flambeau::std {
__device__ inline double fmod(double x, double y) { return fmod_float64(x, y); }
__device__ inline double exp(double x) { return exp_float64(x); }
__device__ inline double log(double x) { return log_float64(x); }
__device__ inline double log1p(double x) { return log1p_float64(x); }
__device__ inline double sin(double x) { return sin_float64(x); }
__device__ inline double tan(double x) { return tan_float64(x); }
using ::std::fabs;
using ::std::floor;
using ::std::nextafter;
using ::std::sqrt;
using ::std::trunc;
}  // namespace flambeau::std

#define FLAMBEAU_DEVICE __device__
#include "../special.cc"

extern "C" __device__ float fmod_float32(float x, float y) { return std::fmod(x, y); }

namespace {

__device__ double remainder_of(double x, double y) { return fmod_float64(x, y); }
__device__ float remainder_of(float x, float y) { return fmod_float32(x, y); }

template <class T> __device__ T pow_of(T x, T p) { return p == 2 ? x * x : std::pow(x, p); }

/** The remainder with the divisor's sign. */
template <class T> __device__ T mod_of(T x, T y) {
  const T r = remainder_of(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

/** Floored through the remainder: exact where a rounded quotient would not be. */
__device__ double floor_div_of(double a, double b) {
  if (b == 0) return a / b;
  const double m = remainder_of(a, b);
  double d = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) d -= 1;
  // A zero gets the sign of the quotient, even of a quotient of zero.
  if (d == 0) return std::copysign(0.0, a / b);
  const double f = std::floor(d);
  return d - f > 0.5 ? f + 1 : f;
}

/** A real number as an integer modulo 2^32, truncated; 0 for NaN and infinities. */
template <class T> __device__ int32_t wrap_of(T value) {
  const double x = std::trunc(static_cast<double>(value));
  if (x >= -2147483648.0 && x <= 2147483647.0) return static_cast<int32_t>(x);
  if (!(x - x == 0)) return 0;
  // The quotient is exact, because it is a power of two that divides; the rest is below 2^32 in size.
  const double rest = x - std::trunc(x / 4294967296.0) * 4294967296.0;
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(rest)));
}

/** It wraps; a negative exponent gives 0 except for bases of 1 and -1. */
__device__ int32_t int_pow_of(int32_t x, int32_t p) {
  if (p < 0) return x == 1 ? 1 : x != -1 ? 0 : p % 2 == 0 ? 1 : -1;
  uint32_t result = 1, base = static_cast<uint32_t>(x);
  for (uint32_t e = static_cast<uint32_t>(p); e > 0; e /= 2, base *= base) {
    if (e % 2 == 1) result *= base;
  }
  return static_cast<int32_t>(result);
}

__device__ int32_t int_div_of(int32_t a, int32_t b) {
  return b == 0 ? 0 : b == -1 ? static_cast<int32_t>(0u - static_cast<uint32_t>(a)) : a / b;
}
__device__ int32_t int_fmod_of(int32_t a, int32_t b) { return b == 0 || b == -1 ? 0 : a % b; }
__device__ int32_t int_mod_of(int32_t a, int32_t b) {
  const int32_t r = int_fmod_of(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
__device__ int32_t int_floor_div_of(int32_t a, int32_t b) {
  const int32_t q = int_div_of(a, b), r = int_fmod_of(a, b);
  return r != 0 && (r < 0) != (b < 0) ? q - 1 : q;
}

}  // namespace

/** A function of one operand for both real dtypes, by the function of the same name in the C library. */
#define ONE(step, f)                                              \
  extern "C" __device__ float step##_float32(float x) { return f(x); } \
  extern "C" __device__ double step##_float64(double x) { return f(x); }
/** Where the function of doubles is one of those above. */
#define SINGLE(step, f) \
  extern "C" __device__ float step##_float32(float x) { return f(x); }
#define TWO(step, f)                                                       \
  extern "C" __device__ float step##_float32(float x, float y) { return f(x, y); } \
  extern "C" __device__ double step##_float64(double x, double y) { return f(x, y); }
/** In double precision for both. */
#define ONE_TWICE(step, f)                                                         \
  extern "C" __device__ __noinline__ double step##_float64(double x) { return f(x); } \
  extern "C" __device__ float step##_float32(float x) { return static_cast<float>(step##_float64(x)); }
#define TWO_TWICE(step, f)                                                                   \
  extern "C" __device__ __noinline__ double step##_float64(double x, double y) { return f(x, y); } \
  extern "C" __device__ float step##_float32(float x, float y) { return static_cast<float>(step##_float64(x, y)); }
#define WHOLE(step, f) \
  extern "C" __device__ int32_t step##_int32(int32_t x, int32_t y) { return f(x, y); }

SINGLE(exp, std::exp)
ONE(expm1, std::expm1)
SINGLE(log, std::log)
SINGLE(log1p, std::log1p)
SINGLE(sin, std::sin)
ONE(cos, std::cos)
SINGLE(tan, std::tan)
ONE(tanh, std::tanh)
ONE(sinh, std::sinh)
ONE(cosh, std::cosh)
ONE(asin, std::asin)
ONE(acos, std::acos)
ONE(atan, std::atan)
ONE(asinh, std::asinh)
ONE(acosh, std::acosh)
ONE(atanh, std::atanh)
ONE(exp2, std::exp2)
ONE(log2, std::log2)
ONE(log10, std::log10)
ONE(erf, std::erf)
ONE_TWICE(lgamma, flambeau::lgamma_of)
ONE_TWICE(digamma, flambeau::digamma_of)
ONE_TWICE(erfinv, flambeau::erfinv_of)
ONE_TWICE(i0, flambeau::i0_of)
ONE_TWICE(i1, flambeau::i1_of)
TWO(atan2, std::atan2)
TWO_TWICE(hypot, flambeau::hypot_of)
TWO(pow, pow_of)
TWO(mod, mod_of)
TWO_TWICE(floorDiv, floor_div_of)
TWO(nextafter, std::nextafter)
TWO_TWICE(polygamma, flambeau::polygamma_of)
WHOLE(pow, int_pow_of)
WHOLE(div, int_div_of)
WHOLE(mod, int_mod_of)
WHOLE(fmod, int_fmod_of)
WHOLE(floorDiv, int_floor_div_of)
extern "C" __device__ int32_t wrap_float32(float x) { return wrap_of(x); }
extern "C" __device__ int32_t wrap_float64(double x) { return wrap_of(x); }
