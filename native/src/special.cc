#include "special.h"

#include <cmath>

#include "fits.h"

// The functions of packages/core/src/expr/special.ts, with the same algorithms, which that file describes. CUDA's prelude
// includes this file.
namespace flambeau {

namespace {

constexpr double pi = 3.141592653589793, infinity = __builtin_inf(), notNumber = __builtin_nan("");

template <int N> FLAMBEAU_DEVICE double polynomial(const double (&c)[N], double x) {
  double sum = c[N - 1];
  for (int i = N - 2; i >= 0; i--) sum = sum * x + c[i];
  return sum;
}

/** sin(pi x) for x >= 0. */
FLAMBEAU_DEVICE double sin_pi(double x) {
  const double rest = std::fmod(x, 2.0);
  const double half = rest > 1 ? 2 - rest : rest;
  const double y = std::sin(pi * (half > 0.5 ? 1 - half : half));
  return rest > 1 ? -y : y;
}

FLAMBEAU_DEVICE constexpr double bernoulli[] = {1.0 / 12,       -1.0 / 720,          1.0 / 30240,
                                -1.0 / 1209600, 1.0 / 47900160,      -691.0 / 1307674368000,
                                1.0 / 74724249600, -3617.0 / 10670622842880000};

FLAMBEAU_DEVICE double inverse_power(double x, double s) {
  double y = 1;
  for (int i = 0; i < s; i++) y /= x;
  return y;
}

/** Hurwitz's zeta for q > 0 and an integer s from 2. */
FLAMBEAU_DEVICE double zeta(double s, double q) {
  double sum = 0, a = q;
  for (; a < s + 10; a++) sum += inverse_power(a, s);
  const double power = inverse_power(a, s);
  sum += power * a / (s - 1) + power / 2;
  double factor = power * s / a;
  for (int j = 0; j < 8; j++) {
    sum += bernoulli[j] * factor;
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) / (a * a);
  }
  return sum;
}

/** e^a / sqrt(a) times a polynomial, beyond 8. */
template <int N> FLAMBEAU_DEVICE double bessel_beyond(double a, const double (&c)[N]) {
  const double half = std::exp(a / 2);
  return half * (half * (polynomial(c, 1 / a - 0.0625) / std::sqrt(a)));
}

/** The power series of a Bessel function of this order, up to 8. */
FLAMBEAU_DEVICE double bessel_series(double a, int order) {
  const double z = a * a / 4;
  double sum = 1;
  for (double n = 1, term = 1; term > 1e-17 * sum; n++) {
    term *= z / (n * (n + order));
    sum += term;
  }
  return sum;
}

/** lgamma for x > 0; recursion would need a stack, which CUDA's functions do without. */
FLAMBEAU_DEVICE double lgamma_above(double x) {
  if (x != x) return x;
  if (x < 0.5) return x * polynomial(lgammaFit, x) - std::log(x) - std::log1p(x);
  if (x < 1.5) return (x - 1) * polynomial(lgammaFit, x - 1) - std::log(x);
  if (x <= 2.5) return (x - 2) * polynomial(lgammaFit, x - 2);
  if (x < 10) {
    double product = 1, z = x;
    while (z > 2.5) product *= --z;
    return (z - 2) * polynomial(lgammaFit, z - 2) + std::log(product);
  }
  if (x > 1e17) return x * (std::log(x) - 1);
  const double z = 1 / (x * x);
  const double rest =
      1.0 / 12 +
      z * (-1.0 / 360 +
           z * (1.0 / 1260 + z * (-1.0 / 1680 + z * (1.0 / 1188 + z * (-691.0 / 360360 + z * (1.0 / 156))))));
  return (x - 0.5) * (std::log(x) - 1) + (0.4189385332046727 + rest / x);
}

/** digamma for x > 0. */
FLAMBEAU_DEVICE double digamma_above(double x) {
  const double below = x < 1 ? 1 / x : 0;
  if (x < 1) x += 1;
  if (!(x < 10)) {
    if (x == infinity) return x;
    const double z = 1 / (x * x);
    const double rest =
        1.0 / 12 -
        z * (1.0 / 120 -
             z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z * (1.0 / 12))))));
    return std::log(x) - 0.5 / x - z * rest;
  }
  double sum = 0, z = x;
  while (z > 2) sum += 1 / --z;
  return sum + (z - digammaRoot[0] - digammaRoot[1]) * polynomial(digammaFit, z - 1.5) - below;
}

}  // namespace

FLAMBEAU_DEVICE double lgamma_of(double x) {
  if (x != x || x > 0) return lgamma_above(x);
  if (x == std::floor(x)) return infinity;
  return x > -1e-300 ? -std::log(-x) : std::log(pi / std::fabs(x * sin_pi(-x))) - lgamma_above(-x);
}

FLAMBEAU_DEVICE double digamma_of(double x) {
  if (x == 0) return -1 / x;
  if (!(x < 0)) return digamma_above(x);
  if (x == std::trunc(x)) return notNumber;
  const double rest = x - std::trunc(x);
  return digamma_above(1 - x) - pi / std::tan(pi * (rest < -0.5 ? rest + 1 : rest));
}

FLAMBEAU_DEVICE double polygamma_of(double n, double x) {
  if (n == 0) return digamma_of(x);
  if (!(n > 0 && n <= 170 && n == std::floor(n))) return notNumber;
  const double s = n + 1;
  const bool odd = std::fmod(n, 2.0) != 0;
  double factorial = odd ? 1 : -1;
  for (int i = 2; i <= n; i++) factorial *= i;
  if (x > 0) return x == infinity ? factorial * 0 : factorial * zeta(s, x);
  const double below = std::floor(x);
  if (!(x - x == 0)) return notNumber;
  if (x == below) return factorial * infinity;
  const double rest = x - below;
  const double other = zeta(s, 1 - rest) - zeta(s, 1 - x);
  return factorial * (zeta(s, rest) + (odd ? other : -other));
}

FLAMBEAU_DEVICE double erfinv_of(double x) {
  if (!(x < 1 && x > -1)) return x == 1 || x == -1 ? x * infinity : notNumber;
  const double w = -std::log((1 - x) * (1 + x));
  if (w < 6.25) return x * polynomial(erfinvNearFit, w - 3.125);
  const double s = std::sqrt(w);
  return x * (s < 4 ? polynomial(erfinvFarFit, s - 3.25) : polynomial(erfinvEndFit, s - 5.05));
}

FLAMBEAU_DEVICE double i0_of(double x) {
  const double a = std::fabs(x);
  return a < 8 ? bessel_series(a, 0) : bessel_beyond(a, i0Fit);
}

FLAMBEAU_DEVICE double i1_of(double x) {
  const double a = std::fabs(x);
  if (a < 8) return x / 2 * bessel_series(a, 1);
  return x < 0 ? -bessel_beyond(a, i1Fit) : bessel_beyond(a, i1Fit);
}

/** The C library's hypot is newer than the oldest C library that this supports. */
FLAMBEAU_DEVICE double hypot_of(double x, double y) {
  const double a = std::fabs(x), b = std::fabs(y);
  if (a == infinity || b == infinity) return infinity;
  const double large = a > b ? a : b, ratio = (a > b ? b : a) / large;
  if (large == 0 || a != a || b != b) return a + b;
  // Neither square overflows or vanishes, so they are added directly.
  if (large < 1e150 && large > 1e-140) return std::sqrt(a * a + b * b);
  return large * std::sqrt(1 + ratio * ratio);
}

FLAMBEAU_DEVICE float nextafter_of(float x, float y) { return std::nextafter(x, y); }
FLAMBEAU_DEVICE double nextafter_of(double x, double y) { return std::nextafter(x, y); }

}  // namespace flambeau
