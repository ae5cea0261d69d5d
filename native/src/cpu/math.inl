// Functions of float32 vectors, at most 2 units in the last place off (measured by math_test.cc), and exact where IEEE
// 754 and C define the result: for NaN, infinities, zeros of both signs, and subnormal results.
#pragma once
#include <math.h>

#include "isa.h"

namespace flambeau::ISA {

using V = Vec<float>;
using I = Vec<int32_t>;
using D = Vec<double>;
/** Half a vector, beside a whole one of doubles. */
typedef float Half __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef int32_t HalfInts __attribute__((vector_size(VECTOR_BYTES / 2)));

INLINE I bits(V x) { return reinterpret_cast<I>(x); }
INLINE V from_bits(I x) { return reinterpret_cast<V>(x); }
INLINE V absolute(V x) { return from_bits(bits(x) & 0x7fffffff); }
/** `x` with the sign of `sign`. */
INLINE V copy_sign(V x, V sign) {
  return from_bits((bits(x) & 0x7fffffff) | (bits(sign) & static_cast<int32_t>(0x80000000)));
}

/** The larger of each; b's if one is NaN. A single instruction, which compilers do not find next to a constant. */
INLINE V larger(V a, V b) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xffff, a, b);
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#elif defined(__x86_64__)
  return _mm_max_ps(a, b);
#elif defined(__wasm__)
  return wasm_f32x4_pmax(b, a);
#else
  return a > b ? a : b;
#endif
}

/** a * b + c, rounded once if the processor can. */
INLINE V madd(V a, V b, V c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
INLINE D madd(D a, D b, D c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(__ARM_NEON)
  return vfmaq_f64(c, a, b);
#else
  return a * b + c;
#endif
}

/** The polynomial with these coefficients, highest power first. */
template <class X, class C> INLINE X polynomial(X, C c) { return splat(c); }
template <class X, class C, class... Rest> INLINE X horner(X x, X sum, C c, Rest... rest) {
  const X next = madd(sum, x, splat(c));
  if constexpr (sizeof...(rest) == 0) {
    return next;
  } else {
    return horner(x, next, rest...);
  }
}
template <class X, class C, class... Rest> INLINE X polynomial(X x, C c, Rest... rest) {
  return horner(x, splat(c), rest...);
}

INLINE bool any(I mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(mask), reinterpret_cast<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256(reinterpret_cast<__m256i>(mask), reinterpret_cast<__m256i>(mask));
#elif defined(__x86_64__)
  return !_mm_testz_si128(reinterpret_cast<__m128i>(mask), reinterpret_cast<__m128i>(mask));
#elif defined(__wasm__)
  return wasm_v128_any_true(mask);
#else
  return vmaxvq_u32(reinterpret_cast<uint32x4_t>(mask)) != 0;
#endif
}

#if defined(__AVX512F__)
// GCC would make two conversions of half the width.
INLINE D widened(Half x) { return _mm512_maskz_cvtps_pd(0xff, x); }
#else
INLINE D widened(Half x) { return __builtin_convertvector(x, D); }
#endif
INLINE D low(V x) { return widened(reinterpret_cast<const Half*>(&x)[0]); }
INLINE D high(V x) { return widened(reinterpret_cast<const Half*>(&x)[1]); }
INLINE V join(D a, D b) {
  V x;
  const Half halves[2] = {__builtin_convertvector(a, Half), __builtin_convertvector(b, Half)};
  memcpy(&x, halves, sizeof x);
  return x;
}

/** The integer `n` nearest to x / step, as a float and in the low bits of an integer. */
struct Whole {
  V n;
  I k;
};
INLINE Whole nearest(V x, float inverse) {
  const V shift = splat(12582912.0f);  // 1.5 * 2^23: adding it leaves no fractional bits
  const V t = madd(x, splat(inverse), shift);
  return {t - shift, bits(t) - bits(shift)};
}

/** x * 2^k, rounded once; k from -252 to 254. */
INLINE V scale(V x, const Whole& k) {
#if defined(__AVX512F__)
  return _mm512_maskz_scalef_ps(0xffff, x, k.n);  // the plain form causes a warning about undefined lanes
#else
  const I half = k.k >> 1;
  return x * from_bits((half + 127) << 23) * from_bits((k.k - half + 127) << 23);
#endif
}

constexpr float log2e = 1.44269504f;
// log(2) in two parts, the first short enough that its products with integers are exact.
constexpr float ln2High = 0.693359375f, ln2Low = -2.12194440e-4f;

/** r for x = n log(2) + r. */
INLINE V rest_of(V x, const Whole& n) { return madd(n.n, splat(-ln2Low), madd(n.n, splat(-ln2High), x)); }
/** The first half of e^r, and e^r from it. */
INLINE V begin_exp(V r) { return polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f); }
INLINE V end_exp(V r, V half) {
  const V p = horner(r, half, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f);
  return madd(p, r * r, r) + 1.0f;
}
INLINE V exp_of_rest(V r) { return end_exp(r, begin_exp(r)); }
/** e^x for x = n log(2) + r is 2^n e^r. */
INLINE V exponential(V x, const Whole& n) { return scale(exp_of_rest(rest_of(x, n)), n); }

/** For x of at most 88. */
INLINE V exp_to_88(V x) {
  const V c = larger(splat(-104.0f), x);
  return exponential(c, nearest(c, log2e));
}

INLINE V exp(V x) { return exp_to_88(x > 88.9f ? splat(88.9f) : x); }

/**
 * e^x - 1 = 2^n (e^r - 1) + (2^n - 1), computed at half its size so that 2^n does not overflow before the result does.
 */
INLINE V expm1(V x) {
  V c = x > 89.0f ? splat(89.0f) : x;
  c = c < -18.0f ? splat(-18.0f) : c;
  const Whole n = nearest(c, log2e);
  const V r = madd(n.n, splat(-ln2Low), madd(n.n, splat(-ln2High), c));
  const V p = polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                         5.0000001201e-1f);
  const V half = from_bits((n.k + 126) << 23);
  const V y = madd(madd(p, r * r, r), half, half - 0.5f) * 2.0f;
  return absolute(x) < 2.98e-8f ? x : y;
}

/** log((1 + f) 2^n), with 1 + f between sqrt(1/2) and sqrt(2). */
INLINE V logarithm(V f, I k) {
  const V n = __builtin_convertvector(k, V);
  const V z = f * f;
  const V p = polynomial(f, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                         -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  V y = madd(n, splat(ln2Low), p * f * z);
  y = madd(z, splat(-0.5f), y);
  return madd(n, splat(ln2High), f + y);
}

using U = Vec<uint32_t>;
/**
 * k such that x 2^-k lies between sqrt(1/2) and sqrt(2). Unsigned, because it wraps for negative x, where the result is
 * not used.
 */
INLINE I exponent_of(V x) { return reinterpret_cast<I>(reinterpret_cast<U>(x) - 0x3f3504f3u) >> 23; }
/** x 2^-k */
INLINE V without(V x, I k) { return reinterpret_cast<V>(reinterpret_cast<U>(x) - reinterpret_cast<U>(k << 23)); }

/** The result where a logarithm is defined: `least` is where it is -infinity. */
INLINE V where_defined(V y, V x, float least) {
  y = x < __builtin_inff() ? y : x;
  return x > least ? y : x == least ? splat(-__builtin_inff()) : splat(__builtin_nanf(""));
}

INLINE V log(V x) {
  const I tiny = x < 1.17549435e-38f;
  const V normal = tiny ? x * 8388608.0f : x;
  const I k = exponent_of(normal);
  const V f = without(normal, k) - 1.0f;
  return where_defined(logarithm(f, k + (tiny ? I{} - 23 : I{})), x, 0.0f);
}

/** For 2^k near 1 + x, x 2^-k + (2^-k - 1) is exact, or x is so large that 1 does not matter. */
INLINE V log1p(V x) {
  const I k = exponent_of(x + 1.0f);
  const Whole down{__builtin_convertvector(-k, V), -k};
  const V f = scale(x, down) + (scale(splat(1.0f), down) - 1.0f);
  return copy_sign(where_defined(logarithm(f, k), x, -1.0f), x);
}

INLINE V tanh(V x) {
  const V a = absolute(x);
  const V s = x * x;
  const V p =
      polynomial(s, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f);
  const V near = madd(p * s, a, a);
  const V c = a > 10.0f ? splat(20.0f) : a + a;
  const V far = 1.0f - 2.0f / (exponential(c, nearest(c, log2e)) + 1.0f);
  return copy_sign(a < 0.625f ? near : far, x);
}

INLINE V erf(V x) {
  const V a = absolute(x);
  const V t = a > 4.0f ? splat(4.0f) : a;
  const V s = t * t;
  V far = madd(splat(-1.72853470e-5f), t, splat(3.83197126e-4f));
  far = madd(far, s, madd(splat(-3.88396438e-3f), t, splat(2.42546219e-2f)));
  far = horner(t, far, -1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f);
  far = madd(far, t, -t);
  far = 1.0f - exponential(far, nearest(far, log2e));
  const V p =
      polynomial(s, -5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f, 1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f);
  return copy_sign(a > 0.927734375f ? far : madd(p, a, a), x);
}

// sin and cos: x - n pi/2 in double precision, accurate enough for |x| below 2^20; the C library handles the rest.

struct Quarter {
  V r;
  I k;
};
INLINE D quarter(D x, HalfInts* k) {
  const D shift = splat(6755399441055744.0);
  const D t = madd(x, splat(0.6366197723675814), shift);
  const D n = t - shift;
  *k = __builtin_convertvector(reinterpret_cast<Vec<int64_t>>(t), HalfInts);
  return madd(n, splat(-6.077100506506192e-11), madd(n, splat(-1.5707963267341256), x));
}
INLINE Quarter quarters(V x) {
  HalfInts k[2];
  const V r = join(quarter(low(x), &k[0]), quarter(high(x), &k[1]));
  Quarter result{r, {}};
  memcpy(&result.k, k, sizeof k);
  return result;
}

INLINE V sin_of(const Quarter& q) {
  const V z = q.r * q.r;
  const V p = polynomial(z, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
  const V s = copy_sign(madd(q.r * z, p, q.r), q.r);
  const V c = madd(z * z, polynomial(z, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f),
                   madd(z, splat(-0.5f), splat(1.0f)));
  const V y = (q.k & 1) != 0 ? c : s;
  return from_bits(bits(y) ^ ((q.k & 2) << 30));
}

INLINE V far_lanes(V x, V y, double (*exact)(double)) {
  const I far = absolute(x) > 1048576.0f;
  if (__builtin_expect(any(far), 0)) {
    for (int64_t i = 0; i < lanes<float>; ++i) {
      if (far[i]) y[i] = static_cast<float>(exact(x[i]));
    }
  }
  return y;
}

/** The tangent of r, or of r plus a quarter turn if k is odd; in double precision, because it is steep. */
INLINE D tan_of(D r, HalfInts k) {
  const D z = r * r;
  const D s = r * madd(z, polynomial(z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1), splat(1.0));
  const D c = madd(z * z, polynomial(z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2),
                   madd(z, splat(-0.5), splat(1.0)));
  const auto odd = __builtin_convertvector(k & 1, Vec<int64_t>) != 0;
  return (odd ? -c : s) / (odd ? s : c);
}
INLINE V tan(V x) {
  HalfInts k[2];
  const D a = quarter(low(x), &k[0]), b = quarter(high(x), &k[1]);
  return far_lanes(x, join(tan_of(a, k[0]), tan_of(b, k[1])), ::tan);
}
INLINE V sin(V x) { return far_lanes(x, sin_of(quarters(x)), ::sin); }
INLINE V cos(V x) {
  Quarter q = quarters(x);
  q.k += 1;
  return far_lanes(x, sin_of(q), ::cos);
}

// ---- powers and logarithms to other bases ----

/** 2^x = 2^n e^r for x = n + r / log(2). */
INLINE V exp2(V x) {
  V c = x > 128.5f ? splat(128.5f) : x;
  c = c < -151.0f ? splat(-151.0f) : c;
  const Whole n = nearest(c, 1.0f);
  const V r = (c - n.n) * 0.693147182f;
  const V p = polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                         5.0000001201e-1f);
  return scale(madd(p, r * r, r) + 1.0f, n);
}

/** A float as k and f, x = 2^k (1 + f), for logarithms. */
struct Split {
  V k, f;
};
INLINE Split split(V x) {
  const I tiny = x < 1.17549435e-38f;
  const V normal = tiny ? x * 8388608.0f : x;
  const I k = exponent_of(normal);
  return {__builtin_convertvector(k + (tiny ? I{} - 23 : I{}), V), without(normal, k) - 1.0f};
}
INLINE V log2(V x) {
  const Split s = split(x);
  // The product in two parts, so that it is rounded once, in the sum.
  const V y = logarithm(s.f, I{});
  return where_defined(s.k + madd(y, splat(1.44269504f), y * 1.92596299e-8f), x, 0.0f);
}
INLINE V log10(V x) {
  const Split s = split(x);
  const V y = logarithm(s.f, I{});
  const V low = madd(s.k, splat(-2.48745663e-6f), y * 0.434294482f);
  return where_defined(madd(s.k, splat(0.301032484f), low), x, 0.0f);
}

// ---- hyperbolic functions and their inverses ----

/** e^a / 2, for a >= 0; it overflows where the hyperbolic functions do. */
INLINE V half_exp(V a) {
  const V c = a > 89.5f ? splat(89.5f) : a;
  const Whole n = nearest(c, log2e);
  return scale(exp_of_rest(rest_of(c, n)), {n.n - 1.0f, n.k - 1});
}
/** Up to 1 by its series, beyond by the exponential. */
INLINE V sinh(V x) {
  const V a = absolute(x);
  const V z = a * a;
  const V p = polynomial(z, 2.50521084e-8f, 2.75573192e-6f, 1.98412698e-4f, 8.33333333e-3f, 1.66666667e-1f);
  const V h = half_exp(a);
  return copy_sign(a < 1.0f ? madd(a * z, p, a) : h - 0.25f / h, x);
}
INLINE V cosh(V x) {
  const V h = half_exp(absolute(x));
  return h + 0.25f / h;
}

INLINE V root(V x) {
  V r;
  for (int64_t i = 0; i < lanes<float>; i++) r[i] = __builtin_sqrtf(x[i]);
  return r;
}

/** log(1 + a + a^2 / (1 + sqrt(1 + a^2))); for large a, log(2 a). */
INLINE V asinh(V x) {
  const V a = absolute(x);
  const V c = a > 1e4f ? V{} : a;
  const V near = log1p(c + c * c / (1.0f + root(madd(c, c, splat(1.0f)))));
  return copy_sign(a > 1e4f ? log(a) + 0.693147182f : a == a ? near : a, x);
}
INLINE V acosh(V x) {
  const V t = (x > 1e4f ? splat(1.0f) : x) - 1.0f;
  const V near = log1p(t + root(t * (t + 2.0f)));
  return x > 1e4f ? log(x) + 0.693147182f : x < 1.0f ? splat(__builtin_nanf("")) : near;
}
INLINE V atanh(V x) {
  const V a = absolute(x);
  return copy_sign(log1p((a + a) / (1.0f - a)) * 0.5f, x);
}

// ---- inverses of the trigonometric functions: polynomials published in Cephes (asinf, atanf) ----

/** For |x| up to a half. */
INLINE V asin_near(V x) {
  const V z = x * x;
  return madd(x * z, polynomial(z, 4.2163199048e-2f, 2.4181311049e-2f, 4.5470025998e-2f, 7.4953002686e-2f,
                                1.6666752422e-1f),
              x);
}
INLINE V asin(V x) {
  const V a = absolute(x);
  const V y = asin_near(a > 0.5f ? root((1.0f - a) * 0.5f) : a);
  return copy_sign(a > 0.5f ? (1.57079637f - 2.0f * y) - 4.37113883e-8f : y, x);
}
INLINE V acos(V x) {
  const V a = absolute(x);
  const V y = asin_near(a > 0.5f ? root((1.0f - a) * 0.5f) : x);
  const V far = x < 0.0f ? (3.14159274f - 2.0f * y) - 8.74227766e-8f : 2.0f * y;
  return a > 0.5f ? far : (1.57079637f - y) - 4.37113883e-8f;
}
/** In double precision, so that sums with multiples of pi / 4 are rounded once. */
INLINE D atan(D x) {
  const D a = reinterpret_cast<D>(reinterpret_cast<Vec<int64_t>>(x) & INT64_MAX);
  const auto far = a > 2.414213562373095, middle = a > 0.4142135623730951;
  const D t = far ? -1.0 / a : middle ? (a - 1.0) / (a + 1.0) : a;
  const D z = t * t;
  const D p = polynomial(z, 8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1);
  return madd(t * z, p, t) + (far ? splat(1.5707963267948966) : middle ? splat(0.7853981633974483) : D{});
}
INLINE V atan(V x) { return copy_sign(join(atan(low(x)), atan(high(x))), x); }

// pow: 2^(p log2 |x|) in double precision.

INLINE D log2_of(D x) {
  using L = Vec<int64_t>;
  const L k = (reinterpret_cast<L>(x) - 0x3fe6a09e667f3bcd) >> 52;
  const D f = reinterpret_cast<D>(reinterpret_cast<L>(x) - (k << 52)) - 1.0;
  const D s = f / (f + 2.0);
  const D z = s * s;
  // 2 / log(2) times the series of atanh.
  const D p = polynomial(z, 0.19235933878519512, 0.22195308321368668, 0.26230818925253880, 0.32059889797532520,
                         0.41219858311113244, 0.57707801635558537, 0.96179669392597556, 2.88539008177792681);
  return madd(s, p, __builtin_convertvector(k, D));
}

INLINE D exp2_of(D x) {
  x = x > 200.0 ? splat(200.0) : x;
  x = x < -200.0 ? splat(-200.0) : x;
  const D shift = splat(6755399441055744.0);
  const D t = x + shift;
  const D r = x - (t - shift);
  const D p = polynomial(r, 1.0178086009239699e-7, 1.3215486790144307e-6, 1.5252733804059840e-5, 1.5403530393381609e-4,
                         1.3333558146428443e-3, 9.6181291076284771e-3, 5.5504108664821580e-2, 2.4022650695910071e-1,
                         6.9314718055994531e-1, 1.0);
  return reinterpret_cast<D>(reinterpret_cast<Vec<int64_t>>(p) + (reinterpret_cast<Vec<int64_t>>(t) << 52));
}

/** Like C's pow: 1 for a base of 1 and for an exponent of 0 even with NaN, and 1 for (-1) to an infinite power. */
INLINE V pow(V x, V p) {
  const float infinity = __builtin_inff();
  const V a = absolute(x);
  // If log2 has no finite value, use its limit.
  const V safe = ((a > 0.0f) & (a < infinity)) ? a : splat(1.0f);
  const D base[2] = {log2_of(low(safe)), log2_of(high(safe))};
  V limit = a == 0.0f ? splat(-infinity) : a;
  const I usual = bits(safe) == bits(a);
  const D exponent[2] = {low(p), high(p)};
  V y = join(exp2_of(base[0] * exponent[0]), exp2_of(base[1] * exponent[1]));
  // Only the sign of the product matters for infinities and NaN.
  limit = limit * p;
  const V end = limit > 0.0f ? splat(infinity) : limit < 0.0f ? V{} : limit;
  y = usual ? y : end;
  const V size = absolute(p);
  const V half = p * 0.5f;
  const V halfDown = __builtin_convertvector(__builtin_convertvector(half, I), V);
  const V down = __builtin_convertvector(__builtin_convertvector(p, I), V);
  const I large = size >= 16777216.0f;  // whole and even
  const I whole = large | (down == p);
  const I odd = ~large & whole & (halfDown != half);
  y = odd ? from_bits(bits(y) ^ (bits(x) & static_cast<int32_t>(0x80000000))) : y;
  y = ((x < 0.0f) & (a < infinity) & ~whole & (p == p)) ? splat(__builtin_nanf("")) : y;
  return (p == 0.0f) | (x == 1.0f) | ((a == 1.0f) & (size == infinity)) ? splat(1.0f) : y;
}

}  // namespace flambeau::ISA
