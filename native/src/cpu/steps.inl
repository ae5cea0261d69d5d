// The steps of expressions as loops over a block of elements, one for each step and dtype; what each computes is said
// by core's expr/js.ts. Loops go by whole vectors: where a block ends within one, its memory does not.
#pragma once
#include <math.h>

#include "../kernels.h"
#include "math.inl"

namespace flambeau::ISA {

/** The elements that loops take at a time: a vector of floats. Blocks end at multiples of it or in memory of their own.
 */
constexpr int64_t width = lanes<float>;

/** Values of a block: elements one after the other (advance 1), or one vector of the same value for all of them (0). */
struct Slot {
  char* at;
  int64_t advance;
};

/** A step with its slots. */
struct Op {
  void (*run)(const Op& op, const Slot* slots, int64_t n);
  int32_t d, a, b, c;
  /** The elements of a vector of results. */
  int32_t count;
};
using Loop = void (*)(const Op&, const Slot*, int64_t);

/** N values of T: `width` of them, or half as many where doubles take part. */
template <class T, int64_t N> struct PackOf;
#define PACK_OF(T, N)                                                                         \
  template <> struct PackOf<T, N> {                                                           \
    typedef T Type __attribute__((vector_size((N) * sizeof(T))));                             \
    typedef T Unaligned __attribute__((vector_size((N) * sizeof(T)), aligned(1), may_alias)); \
  };
PACK_OF(float, width)
PACK_OF(int32_t, width)
PACK_OF(uint32_t, width)
PACK_OF(uint8_t, width)
PACK_OF(int8_t, width)
PACK_OF(float, width / 2)
PACK_OF(int32_t, width / 2)
PACK_OF(uint8_t, width / 2)
PACK_OF(double, width / 2)
PACK_OF(int64_t, width / 2)
#undef PACK_OF
template <class T, int64_t N> using Pack = typename PackOf<T, N>::Type;

template <class T> constexpr bool isDouble = false;
template <> constexpr bool isDouble<double> = true;
template <class T> constexpr bool isReal = isDouble<T>;
template <> constexpr bool isReal<float> = true;
/** The elements of a turn of a loop over these types. */
template <class... Ts> constexpr int64_t turn = (isDouble<Ts> || ...) ? width / 2 : width;

template <class T> struct MaskOf { using Type = T; };
template <> struct MaskOf<float> { using Type = int32_t; };
template <> struct MaskOf<double> { using Type = int64_t; };
template <> struct MaskOf<uint8_t> { using Type = int8_t; };
template <> struct MaskOf<uint32_t> { using Type = int32_t; };
/** What comparing values of T gives, all bits or none. */
template <class T> using Mask = Pack<typename MaskOf<T>::Type, turn<T>>;

/** Reads of a slot, turn by turn. */
template <class T, int64_t N> class In {
 public:
  ALWAYS_INLINE In(const Slot& slot) : at_(reinterpret_cast<const T*>(slot.at)), advance_(slot.advance * N) {}
  ALWAYS_INLINE Pack<T, N> next() {
    const Pack<T, N> x = *reinterpret_cast<const typename PackOf<T, N>::Unaligned*>(at_);
    at_ += advance_;
    return x;
  }

 private:
  const T* at_;
  const int64_t advance_;
};

template <class T, int64_t N> INLINE void put(T* p, Pack<T, N> x) {
  *reinterpret_cast<typename PackOf<T, N>::Unaligned*>(p) = x;
}

/** Result and operands of the types R, A, B and C, `F::of` for the values of a turn. */
template <class F, class R, class A> void unary(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<R, A>;
  R* d = reinterpret_cast<R*>(slots[op.d].at);
  In<A, N> a(slots[op.a]);
  for (int64_t i = 0; i < n; i += N) put<R, N>(d + i, F::of(a.next()));
}
template <class F, class R, class A, class B = A> void binary(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<R, A, B>;
  R* d = reinterpret_cast<R*>(slots[op.d].at);
  In<A, N> a(slots[op.a]);
  In<B, N> b(slots[op.b]);
  for (int64_t i = 0; i < n; i += N) {
    const Pack<A, N> x = a.next();
    put<R, N>(d + i, F::of(x, b.next()));
  }
}
template <class F, class R, class A, class B = A, class C = A>
void ternary(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<R, A, B, C>;
  R* d = reinterpret_cast<R*>(slots[op.d].at);
  In<A, N> a(slots[op.a]);
  In<B, N> b(slots[op.b]);
  In<C, N> c(slots[op.c]);
  for (int64_t i = 0; i < n; i += N) {
    const Pack<A, N> x = a.next();
    const Pack<B, N> y = b.next();
    put<R, N>(d + i, F::of(x, y, c.next()));
  }
}

/** The same one by one, for what has no vector form. */
template <class T, T (*f)(T)> void each(const Op& op, const Slot* slots, int64_t n) {
  T* d = reinterpret_cast<T*>(slots[op.d].at);
  const Slot a = slots[op.a];
  for (int64_t i = 0; i < n; i++) d[i] = f(reinterpret_cast<const T*>(a.at)[i * a.advance]);
}
template <class T, T (*f)(T, T)> void each(const Op& op, const Slot* slots, int64_t n) {
  T* d = reinterpret_cast<T*>(slots[op.d].at);
  const Slot a = slots[op.a], b = slots[op.b];
  for (int64_t i = 0; i < n; i++) {
    d[i] = f(reinterpret_cast<const T*>(a.at)[i * a.advance], reinterpret_cast<const T*>(b.at)[i * b.advance]);
  }
}

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
STEP(Larger, (X a, X b), return a > b ? a : b;)
STEP(Smaller, (X a, X b), return a < b ? a : b;)
STEP(Sign, (X a), return a > 0 ? X{} + 1 : a < 0 ? X{} - 1 : X{};)
STEP(Positive, (X a), return a > 0 ? X{} + 1 : X{};)
STEP(Identity, (X a), return a;)
STEP(Madd, (X a, X b, X c), return a * b + c;)
STEP(MaddLogic, (X a, X b, X c), return (a & b) | c;)
#undef STEP

template <class X> using MaskFor = decltype(X{} == X{});
template <class X> INLINE MaskFor<X> as_mask(X x) { return reinterpret_cast<MaskFor<X>>(x); }

/** NaN wins; of two zeros the positive one is larger. */
struct RealMax {
  template <class X> ALWAYS_INLINE static X of(X a, X b) {
    const X equal = reinterpret_cast<X>(as_mask(a) & as_mask(b));
    const X larger = a == b ? equal : a > b ? a : b;
    return a != a ? a : larger;
  }
};
struct RealMin {
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
struct IntAbs {
  ALWAYS_INLINE static Pack<uint32_t, width> of(Pack<uint32_t, width> a) {
    const Pack<uint32_t, width> negative = reinterpret_cast<Pack<uint32_t, width>>(reinterpret_cast<I>(a) < 0);
    return (a ^ negative) - negative;
  }
};

/** Of floats rounded once; of doubles twice, as JavaScript does it. */
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
// The compiler makes one instruction of each of these loops.
LANES(Floor, __builtin_floorf, __builtin_floor)
LANES(Ceil, __builtin_ceilf, __builtin_ceil)
LANES(Trunc, __builtin_truncf, __builtin_trunc)
LANES(Rint, __builtin_rintf, __builtin_rint)
LANES(Sqrt, __builtin_sqrtf, __builtin_sqrt)
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

/** Floored by way of the remainder: exact where a rounded quotient would not be. */
static double floor_of(double a, double b) {
  if (b == 0) return a / b;
  const double m = fmod(a, b);
  double d = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) d -= 1;
  if (d == 0) return a / b < 0 ? -0.0 : 0.0;
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

/** Squares are products. */
static void power(const Op& op, const Slot* slots, int64_t n) {
  const Slot& exponent = slots[op.b];
  if (exponent.advance == 0 && *reinterpret_cast<const float*>(exponent.at) == 2) {
    return binary<Mul, float, float>({op.run, op.d, op.a, op.a, op.a, op.count}, slots, n);
  }
  binary<Pow, float, float>(op, slots, n);
}

// ---- comparisons, choices, casts ----

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
COMPARISON(IsFinite, (X a), a - a == 0)
#undef COMPARISON

struct Select {
  template <class C, class X> ALWAYS_INLINE static X of(C condition, X a, X b) {
    return __builtin_convertvector(condition, MaskFor<X>) != 0 ? a : b;
  }
};

/** JavaScript's ToInt32: modulo 2^32, and 0 for what is not finite. */
static int32_t to_int(double x) {
  if (__builtin_fabs(x) < 9223372036854775808.0) return static_cast<int32_t>(static_cast<int64_t>(x));
  return x - x == 0 ? static_cast<int32_t>(static_cast<int64_t>(fmod(x, 4294967296.0))) : 0;
}

template <class R, class A> struct Cast {
  using From = Pack<A, turn<R, A>>;
  using To = Pack<R, turn<R, A>>;
  ALWAYS_INLINE static To of(From x) {
    if constexpr (!isReal<A> || isReal<R>) {
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

// ---- which loop a step is ----

// clang-format off

static Loop real_step(Step step, float) {
  switch (step) {
    case Step::exp: return unary<Exp, float, float>;
    case Step::expm1: return unary<Expm1, float, float>;
    case Step::log: return unary<Log, float, float>;
    case Step::log1p: return unary<Log1p, float, float>;
    case Step::sin: return unary<Sin, float, float>;
    case Step::cos: return unary<Cos, float, float>;
    case Step::tanh: return unary<Tanh, float, float>;
    case Step::erf: return unary<Erf, float, float>;
    case Step::pow: return power;
    default: return nullptr;
  }
}
static Loop real_step(Step step, double) {
  switch (step) {
    case Step::exp: return each<double, ::exp>;
    case Step::expm1: return each<double, ::expm1>;
    case Step::log: return each<double, ::log>;
    case Step::log1p: return each<double, ::log1p>;
    case Step::sin: return each<double, ::sin>;
    case Step::cos: return each<double, ::cos>;
    case Step::tanh: return each<double, ::tanh>;
    case Step::erf: return each<double, ::erf>;
    case Step::pow: return each<double, pow_of>;
    default: return nullptr;
  }
}

template <class T> Loop real_step(Step step) {
  switch (step) {
    case Step::add: return binary<Add, T, T>;
    case Step::sub: return binary<Sub, T, T>;
    case Step::mul: return binary<Mul, T, T>;
    case Step::div: return binary<Div, T, T>;
    case Step::mod: return each<T, mod_of<T>>;
    case Step::floorDiv: return each<T, floor_div_of<T>>;
    case Step::min: return binary<RealMin, T, T>;
    case Step::max: return binary<RealMax, T, T>;
    case Step::fma: return ternary<RealMadd, T, T>;
    case Step::neg: return unary<Neg, T, T>;
    case Step::abs: return unary<RealAbs, T, T>;
    case Step::sign: return unary<Sign, T, T>;
    case Step::floor: return unary<Floor, T, T>;
    case Step::ceil: return unary<Ceil, T, T>;
    case Step::trunc: return unary<Trunc, T, T>;
    case Step::rint: return unary<Rint, T, T>;
    case Step::sqrt: return unary<Sqrt, T, T>;
    default: return real_step(step, T{});
  }
}

/** T is int32 or uint8, U the unsigned type that wraps. */
template <class T, class U> Loop whole_step(Step step) {
  switch (step) {
    case Step::add: return binary<Add, U, U>;
    case Step::sub: return binary<Sub, U, U>;
    case Step::mul: return binary<Mul, U, U>;
    case Step::div: return each<T, div_of<T>>;
    case Step::mod: return each<T, mod_of<T>>;
    case Step::floorDiv: return each<T, floor_div_of<T>>;
    case Step::pow: return each<T, int_pow_of<T>>;
    case Step::min: return binary<Smaller, T, T>;
    case Step::max: return binary<Larger, T, T>;
    case Step::fma: return ternary<Madd, U, U>;
    case Step::neg: return unary<Neg, U, U>;
    case Step::abs: return sizeof(T) == 1 ? unary<Identity, U, U> : unary<IntAbs, uint32_t, uint32_t>;
    case Step::sign: return sizeof(T) == 1 ? unary<Positive, U, U> : unary<Sign, int32_t, int32_t>;
    default: return nullptr;
  }
}

/** Arithmetic on bools is logic. */
static Loop bool_step(Step step) {
  switch (step) {
    case Step::add:
    case Step::max:
    case Step::logicalOr: return binary<Or, uint8_t, uint8_t>;
    case Step::mul:
    case Step::min:
    case Step::logicalAnd: return binary<And, uint8_t, uint8_t>;
    case Step::logicalXor: return binary<Xor, uint8_t, uint8_t>;
    case Step::logicalNot: return unary<Not, uint8_t, uint8_t>;
    case Step::fma: return ternary<MaddLogic, uint8_t, uint8_t>;
    default: return whole_step<uint8_t, uint8_t>(step);
  }
}

template <class T> Loop comparison(Step step) {
  switch (step) {
    case Step::eq: return binary<Eq, uint8_t, T>;
    case Step::ne: return binary<Ne, uint8_t, T>;
    case Step::lt: return binary<Lt, uint8_t, T>;
    case Step::le: return binary<Le, uint8_t, T>;
    case Step::gt: return binary<Gt, uint8_t, T>;
    case Step::ge: return binary<Ge, uint8_t, T>;
    case Step::isnan: return unary<IsNan, uint8_t, T>;
    case Step::isfinite: return unary<IsFinite, uint8_t, T>;
    default: return nullptr;
  }
}

template <class T> Loop cast_of(DType to) {
  switch (to) {
    case DType::boolean: return unary<Nonzero, uint8_t, T>;
    case DType::uint8: return unary<Cast<uint8_t, T>, uint8_t, T>;
    case DType::int32: return unary<Cast<int32_t, T>, int32_t, T>;
    case DType::float32: return unary<Cast<float, T>, float, T>;
    case DType::float64: return unary<Cast<double, T>, double, T>;
  }
  return nullptr;
}

// clang-format on

template <class T> Loop loop_from(Step step, DType to) {
  if (step == Step::cast) return cast_of<T>(to);
  if (step == Step::select) return ternary<Select, T, uint8_t, T, T>;
  return comparison<T>(step);
}

[[maybe_unused]] static Loop loop_of(const Code& code) {
  Loop arithmetic = nullptr;
  switch (code.dtype) {
    case DType::boolean:
      arithmetic = bool_step(code.step);
      break;
    case DType::uint8:
      arithmetic = whole_step<uint8_t, uint8_t>(code.step);
      break;
    case DType::int32:
      arithmetic = whole_step<int32_t, uint32_t>(code.step);
      break;
    case DType::float32:
      arithmetic = real_step<float>(code.step);
      break;
    case DType::float64:
      arithmetic = real_step<double>(code.step);
      break;
  }
  if (arithmetic != nullptr) return arithmetic;
  switch (code.step == Step::select ? code.dtype : code.of) {
    case DType::boolean:
    case DType::uint8:
      return loop_from<uint8_t>(code.step, code.dtype);
    case DType::int32:
      return loop_from<int32_t>(code.step, code.dtype);
    case DType::float32:
      return loop_from<float>(code.step, code.dtype);
    case DType::float64:
      return loop_from<double>(code.step, code.dtype);
  }
  return nullptr;
}

}  // namespace flambeau::ISA
