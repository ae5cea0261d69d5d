// The computation of each step of an expression on the values of one turn: arithmetic, comparisons, selects and casts,
// on vectors, or on one element if there is no vector form. core's expr/js.ts defines the results.
#pragma once
#include <math.h>

#include "math.inl"
#include "slots.inl"

namespace flambeau::ISA {

// ---- arithmetic ----

#define STEP(Name, parameters, ...)                                         \
  struct Name {                                                             \
    template <class X> ALWAYS_INLINE static X of parameters { __VA_ARGS__ } \
  };
STEP(Add, (X a, X b), return a + b;)
STEP(Sub, (X a, X b), return a - b;)
STEP(Mul, (X a, X b), return a * b;)
STEP(Div, (X a, X b), return a / b;)
STEP(Neg, (X a), return -a;)
STEP(And, (X a, X b), return a & b;)
STEP(Or, (X a, X b), return a | b;)
STEP(Xor, (X a, X b), return a ^ b;)
STEP(Not, (X a), return 1 - a;)
STEP(Flip, (X a), return ~a;)
STEP(Larger, (X a, X b), return a > b ? a : b;)
STEP(Smaller, (X a, X b), return a < b ? a : b;)
STEP(Sign, (X a), return a > 0 ? X{} + 1 : a < 0 ? X{} - 1 : X{};)
STEP(Positive, (X a), return a > 0 ? X{} + 1 : X{};)
STEP(Identity, (X a), return a;)
// The first one also where there is no order: of NaN, and of two zeros.
STEP(Above, (X a, X b), return b > a ? b : a;)
STEP(Below, (X a, X b), return b < a ? b : a;)
STEP(Madd, (X a, X b, X c), return a * b + c;)
STEP(MaddLogic, (X a, X b, X c), return (a & b) | c;)
#undef STEP

template <class X> using MaskFor = decltype(X{} == X{});
template <class X> INLINE MaskFor<X> as_mask(X x) { return reinterpret_cast<MaskFor<X>>(x); }

#if defined(__AVX512DQ__)
/** What `range` chooses, with its sign: zeros have an order there, but numbers win over NaN. */
constexpr int lowest = 0b0100, highest = 0b0101;
/** The sum of a and b, which is NaN, where one of them is; otherwise what was chosen. */
INLINE V or_nan(V chosen, V a, V b) {
  return _mm512_mask_add_ps(chosen, _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q), a, b);
}
INLINE D or_nan(D chosen, D a, D b) {
  return _mm512_mask_add_pd(chosen, _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q), a, b);
}
#endif

/** NaN wins; of two zeros the positive one is larger. */
struct RealMax {
#if defined(__wasm__)
  ALWAYS_INLINE static V of(V a, V b) { return wasm_f32x4_max(a, b); }
  ALWAYS_INLINE static D of(D a, D b) { return wasm_f64x2_max(a, b); }
#elif defined(__AVX512DQ__)
  ALWAYS_INLINE static V of(V a, V b) { return or_nan(_mm512_range_ps(a, b, highest), a, b); }
  ALWAYS_INLINE static D of(D a, D b) { return or_nan(_mm512_range_pd(a, b, highest), a, b); }
#endif
  template <class X> ALWAYS_INLINE static X of(X a, X b) {
    const X equal = reinterpret_cast<X>(as_mask(a) & as_mask(b));
    const X larger = a == b ? equal : a > b ? a : b;
    return a != a ? a : larger;
  }
};
struct RealMin {
#if defined(__wasm__)
  ALWAYS_INLINE static V of(V a, V b) { return wasm_f32x4_min(a, b); }
  ALWAYS_INLINE static D of(D a, D b) { return wasm_f64x2_min(a, b); }
#elif defined(__AVX512DQ__)
  ALWAYS_INLINE static V of(V a, V b) { return or_nan(_mm512_range_ps(a, b, lowest), a, b); }
  ALWAYS_INLINE static D of(D a, D b) { return or_nan(_mm512_range_pd(a, b, lowest), a, b); }
#endif
  template <class X> ALWAYS_INLINE static X of(X a, X b) {
    const X equal = reinterpret_cast<X>(as_mask(a) | as_mask(b));
    const X smaller = a == b ? equal : a < b ? a : b;
    return a != a ? a : smaller;
  }
};
struct RealAbs {
  ALWAYS_INLINE static V of(V a) { return absolute(a); }
  ALWAYS_INLINE static D of(D a) { return reinterpret_cast<D>(as_mask(a) & INT64_MAX); }
};
struct CopySign {
  ALWAYS_INLINE static V of(V a, V b) { return copy_sign(a, b); }
  ALWAYS_INLINE static D of(D a, D b) {
    return reinterpret_cast<D>((as_mask(a) & INT64_MAX) | (as_mask(b) & INT64_MIN));
  }
};
struct IntAbs {
  ALWAYS_INLINE static Pack<uint32_t, width> of(Pack<uint32_t, width> a) {
    const Pack<uint32_t, width> negative = reinterpret_cast<Pack<uint32_t, width>>(reinterpret_cast<I>(a) < 0);
    return (a ^ negative) - negative;
  }
};

/** Floats are rounded once; doubles twice, as in JavaScript. */
struct RealMadd {
  ALWAYS_INLINE static V of(V a, V b, V c) {
#if defined(__FMA__) || defined(__ARM_NEON)
    return madd(a, b, c);
#else
    return join(low(a) * low(b) + low(c), high(a) * high(b) + high(c));  // the product is exact in a double
#endif
  }
  ALWAYS_INLINE static D of(D a, D b, D c) {
    D product = a * b;
    KEEP(product);
    return product + c;
  }
};

#define LANES(Name, single, twice)                                    \
  struct Name {                                                       \
    ALWAYS_INLINE static V of(V a) {                                  \
      V r;                                                            \
      for (int64_t i = 0; i < lanes<float>; i++) r[i] = single(a[i]); \
      return r;                                                       \
    }                                                                 \
    ALWAYS_INLINE static D of(D a) {                                  \
      D r;                                                            \
      for (int64_t i = 0; i < lanes<double>; i++) r[i] = twice(a[i]); \
      return r;                                                       \
    }                                                                 \
  };
// The compiler turns each of these loops into one instruction.
LANES(Floor, __builtin_floorf, __builtin_floor)
LANES(Ceil, __builtin_ceilf, __builtin_ceil)
LANES(Trunc, __builtin_truncf, __builtin_trunc)
LANES(Rint, __builtin_rintf, __builtin_rint)
#if defined(__wasm__)
/** Lane by lane it stays, because the compiler sees calls that might set errno. */
struct Sqrt {
  ALWAYS_INLINE static V of(V a) { return wasm_f32x4_sqrt(a); }
  ALWAYS_INLINE static D of(D a) { return wasm_f64x2_sqrt(a); }
};
#else
LANES(Sqrt, __builtin_sqrtf, __builtin_sqrt)
#endif
#undef LANES

#define FUNCTION(Name, f)                           \
  struct Name {                                     \
    ALWAYS_INLINE static V of(V x) { return f(x); } \
  };
FUNCTION(Exp, exp)
FUNCTION(Expm1, expm1)
FUNCTION(Log, log)
FUNCTION(Log1p, log1p)
FUNCTION(Sin, sin)
FUNCTION(Cos, cos)
FUNCTION(Tanh, tanh)
FUNCTION(Erf, erf)
FUNCTION(Tan, tan)
FUNCTION(Sinh, sinh)
FUNCTION(Cosh, cosh)
FUNCTION(Asin, asin)
FUNCTION(Acos, acos)
FUNCTION(Atan, atan)
FUNCTION(Asinh, asinh)
FUNCTION(Acosh, acosh)
FUNCTION(Atanh, atanh)
FUNCTION(Exp2, exp2)
FUNCTION(Log2, log2)
FUNCTION(Log10, log10)
#undef FUNCTION
struct Pow {
  ALWAYS_INLINE static V of(V x, V p) { return pow(x, p); }
};

/** The remainder with the divisor's sign. */
template <class T> static T mod_of(T x, T y) {
  if constexpr (isReal<T>) {
    const T r = static_cast<T>(fmod(x, y));
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
  } else {
    if (y == 0) return 0;
    const int64_t r = static_cast<int64_t>(x) % y;
    return static_cast<T>(r != 0 && (r < 0) != (y < 0) ? r + y : r);
  }
}

template <class T> static T fmod_of(T x, T y) {
  if constexpr (isReal<T>) {
    return static_cast<T>(fmod(x, y));
  } else {
    return y == 0 ? T{0} : static_cast<T>(static_cast<int64_t>(x) % y);
  }
}

/** Bits are shifted out, all of them if there are not so many. */
template <class T> static T shift_left_of(T x, T n) {
  return n >= 0 && n < 32 ? static_cast<T>(static_cast<uint32_t>(x) << n) : T{0};
}
template <class T> static T shift_right_of(T x, T n) { return static_cast<T>(x >> (n >= 0 && n < 32 ? n : 31)); }

/** Floored through the remainder: exact where a rounded quotient would not be. */
static double floor_of(double a, double b) {
  if (b == 0) return a / b;
  const double m = fmod(a, b);
  double d = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) d -= 1;
  // A zero gets the sign of the quotient, even of a quotient of zero.
  if (d == 0) return __builtin_copysign(0.0, a / b);
  const double f = __builtin_floor(d);
  return d - f > 0.5 ? f + 1 : f;
}
template <class T> static T floor_div_of(T a, T b) {
  if constexpr (isReal<T>) {
    return static_cast<T>(floor_of(a, b));
  } else {
    if (b == 0) return 0;
    const int64_t q = static_cast<int64_t>(a) / b, r = static_cast<int64_t>(a) % b;
    return static_cast<T>(r != 0 && (r < 0) != (b < 0) ? q - 1 : q);
  }
}
template <class T> static T div_of(T a, T b) { return b == 0 ? T{0} : static_cast<T>(static_cast<int64_t>(a) / b); }

static double pow_of(double x, double p) { return p == 2 ? x * x : ::pow(x, p); }
/** Wraps; a negative exponent gives 0 except for bases of 1 and -1. */
template <class T> static T int_pow_of(T x, T p) {
  if (p < 0) return static_cast<T>(x == 1 ? 1 : x != static_cast<T>(-1) ? 0 : p % 2 == 0 ? 1 : -1);
  uint32_t result = 1, base = static_cast<uint32_t>(x);
  for (uint32_t e = static_cast<uint32_t>(p); e > 0; e /= 2, base *= base) {
    if (e % 2 == 1) result *= base;
  }
  return static_cast<T>(result);
}

/** Squares are computed as products. */
static void power(const Op& op, const Slot* slots, int64_t n) {
  const Slot& exponent = slots[op.b];
  if (exponent.advance == 0 && *reinterpret_cast<const float*>(exponent.at) == 2) {
    return binary<Mul, float, float>({op.run, op.d, op.a, op.a, op.a, op.count}, slots, n);
  }
  binary<Pow, float, float>(op, slots, n);
}

// ---- comparisons, selects, casts ----

/** 1 where the mask is set. */
template <class M> INLINE auto bools(M mask) {
  constexpr int64_t N = sizeof(M) == VECTOR_BYTES ? VECTOR_BYTES / static_cast<int64_t>(sizeof(mask[0])) : width;
  using B = Pack<uint8_t, N>;
#if defined(__x86_64__) && !defined(__AVX512F__)
  if constexpr (N == width && sizeof(mask[0]) == 4) {
#if defined(__AVX2__)
    const __m256i m = reinterpret_cast<__m256i>(mask);
    __m128i narrow = _mm_packs_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
#else
    __m128i narrow = _mm_packs_epi32(reinterpret_cast<__m128i>(mask), reinterpret_cast<__m128i>(mask));
#endif
    narrow = _mm_and_si128(_mm_packs_epi16(narrow, narrow), _mm_set1_epi8(1));
    B result;
    memcpy(&result, &narrow, sizeof result);
    return result;
  }
#endif
  return __builtin_convertvector(mask, B) & 1;
}

#define COMPARISON(Name, parameters, condition)                                             \
  struct Name {                                                                             \
    template <class X> ALWAYS_INLINE static auto holds parameters { return condition; }     \
    template <class X> ALWAYS_INLINE static auto of parameters { return bools(condition); } \
  };
COMPARISON(Eq, (X a, X b), a == b)
COMPARISON(Ne, (X a, X b), a != b)
COMPARISON(Lt, (X a, X b), a < b)
COMPARISON(Le, (X a, X b), a <= b)
COMPARISON(Gt, (X a, X b), a > b)
COMPARISON(Ge, (X a, X b), a >= b)
COMPARISON(Nonzero, (X a), a != 0)
COMPARISON(IsNan, (X a), a != a)
COMPARISON(Unequal, (X a, X), a != a)
COMPARISON(IsFinite, (X a), a - a == 0)
#undef COMPARISON

/** Widens bytes to numbers of four bytes: one instruction, where the compiler would extract them one by one. */
template <class B> INLINE auto widened(B bytes) {
  constexpr int64_t N = sizeof(B);
  using W = Pack<int32_t, N>;
#if defined(__x86_64__)
  __m128i from{};
  memcpy(&from, &bytes, sizeof bytes);
#if defined(__AVX512F__)
  if constexpr (N == 16)
    return reinterpret_cast<W>(_mm512_maskz_cvtepu8_epi32(0xffff, from));  // without a mask g++ 12 warns
#endif
#if defined(__AVX2__)
  if constexpr (N == 8) return reinterpret_cast<W>(_mm256_cvtepu8_epi32(from));
#endif
  if constexpr (N <= 4) {
    const __m128i four = _mm_cvtepu8_epi32(from);
    W result;
    memcpy(&result, &four, sizeof result);
    return result;
  }
#else
  return __builtin_convertvector(bytes, W);
#endif
}

struct Select {
  template <class C, class X> ALWAYS_INLINE static X of(C condition, X a, X b) {
    if constexpr (sizeof(a[0]) == 1) {
      return condition != 0 ? a : b;
    } else {
      return __builtin_convertvector(widened(condition), MaskFor<X>) != 0 ? a : b;
    }
  }
};

/** JavaScript's ToInt32: modulo 2^32, and 0 for infinities and NaN. */
static int32_t to_int(double x) {
  if (__builtin_fabs(x) < 9223372036854775808.0) return static_cast<int32_t>(static_cast<int64_t>(x));
  return x - x == 0 ? static_cast<int32_t>(static_cast<int64_t>(fmod(x, 4294967296.0))) : 0;
}

template <class R, class A> struct Cast {
  using From = Pack<A, turn<R, A>>;
  using To = Pack<R, turn<R, A>>;
  ALWAYS_INLINE static To of(From x) {
    if constexpr (sizeof(A) == 1 && sizeof(R) > 1) {
      return __builtin_convertvector(widened(x), To);
    } else if constexpr (!isReal<A> || isReal<R>) {
      return __builtin_convertvector(x, To);
    } else {
      using Ints = Pack<int32_t, turn<A>>;
      Ints whole = __builtin_convertvector(x, Ints);
      const auto far = ~(RealAbs::of(x) < static_cast<A>(2147483648.0));
      if (__builtin_expect(any(reinterpret_cast<I>(far)), 0)) {
        for (int64_t i = 0; i < turn<A>; i++) {
          if (far[i]) whole[i] = to_int(x[i]);
        }
      }
      return __builtin_convertvector(whole, To);
    }
  }
};

}  // namespace flambeau::ISA
