// Normal numbers from random words by the Box-Muller method, with PyTorch's bits: the steps of core's random/box-muller.ts,
// where they are explained. Part of kernels.cc.
//
// Where the processor fuses products with sums, numbers are floats. Elsewhere they are doubles with the digits of a float:
// products are exact, and sums rounded to double and then to float, which is never another number here. Tests try all words.
#pragma once
#include <cstddef>
#include <type_traits>

#include "isa.h"

namespace flambeau::ISA {

namespace {

struct BoxMuller {
#if defined(__FMA__) || defined(__ARM_NEON)
  using T = float;
  using Bits = uint32_t;
#else
  using T = double;
  using Bits = uint64_t;
#endif
  static constexpr bool isWide = sizeof(T) == 8;
  /** Pairs are made in eights. */
  static constexpr int L = lanes<T> < 8 ? static_cast<int>(lanes<T>) : 8;
  typedef T V __attribute__((vector_size(L * sizeof(T))));
  typedef Bits B __attribute__((vector_size(L * sizeof(T))));
  typedef std::make_signed_t<Bits> SignedBits __attribute__((vector_size(L * sizeof(T))));
  typedef int32_t Words __attribute__((vector_size(L * 4), aligned(1), may_alias));
  typedef float Floats __attribute__((vector_size(L * 4), aligned(1), may_alias));

  static constexpr int digits = isWide ? 52 : 23, top = isWide ? 63 : 31;
  static constexpr Bits bias = isWide ? 1023 : 127, one = bias << digits;
  /** The bits of the root of 1/2 in float32. */
  static constexpr Bits halfRoot = isWide ? Bits(0x3fe6a09e60000000) : Bits(0x3f3504f3);
  /** Added to a small integer, it leaves that in its last bits. */
  static constexpr T large = isWide ? 0x1p52 : 0x1p23;

  ALWAYS_INLINE static V real(B x) { return reinterpret_cast<V>(x); }
  ALWAYS_INLINE static B bits(V x) { return reinterpret_cast<B>(x); }

  /** To the digits of a float, by Veltkamp's splitting; and nothing that follows is fused with it. */
  ALWAYS_INLINE static V rounded(V x) {
    if constexpr (isWide) {
      const V scaled = x * static_cast<T>(0x1p29 + 1);
      return scaled - (scaled - x);
    } else {
      KEEP(x);
      return x;
    }
  }
  ALWAYS_INLINE static V fused(V a, V b, V c) {
#if defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
    return vfmaq_f32(c, a, b);
#else
    return rounded(c + a * b);
#endif
  }
  /** The polynomial with these coefficients, the highest power first. */
  template <class... C> ALWAYS_INLINE static V fold(V x, V sum, C... terms) {
    ((sum = fused(sum, x, V{} + static_cast<T>(terms))), ...);
    return sum;
  }

  /** The low 24 bits of words. */
  ALWAYS_INLINE static V units(const float* at) {
    return __builtin_convertvector(*reinterpret_cast<const Words*>(at) & 0xffffff, V);
  }
#if defined(__wasm__)
  // The compiler would do these lane by lane.
  ALWAYS_INLINE static V root(V x) { return wasm_f64x2_sqrt(x); }
  ALWAYS_INLINE static V floor(V x) { return wasm_f64x2_floor(x); }
#else
  ALWAYS_INLINE static V root(V x) {
    V r;
    for (int i = 0; i < L; i++) r[i] = isWide ? __builtin_sqrt(x[i]) : __builtin_sqrtf(x[i]);
    return r;
  }
  ALWAYS_INLINE static V floor(V x) {
    V r;
    for (int i = 0; i < L; i++) r[i] = isWide ? __builtin_floor(x[i]) : __builtin_floorf(x[i]);
    return r;
  }
#endif

  /** sqrt(-2 log(1 - u)), where 1 - u = 2^exponent (1 + t), and 1 + t lies between sqrt(1/2) and sqrt(2). */
  ALWAYS_INLINE static V radius(V u) {
    const B x = bits(0x1p24f - u), scaled = x + (one - halfRoot);
    const V exponent = real((scaled >> digits) | bits(V{} + large)) - (large + static_cast<T>(bias + 24));
    const V t = real(x - (scaled & -(Bits{1} << digits)) + one) - 1;
    const V series = fold(t, V{} + 0x1.204376p-4f, -0x1.d7a37p-4f, 0x1.de4a34p-4f, -0x1.fcba9ep-4f, 0x1.23d37ep-3f,
                          -0x1.555cap-3f, 0x1.999d58p-3f, -0x1.fffff8p-3f, 0x1.555554p-2f);
    const V square = rounded(t * t);
    const V cubed = fused(rounded(series * t), square, rounded(exponent * -0x1.bd0106p-13f));
    const V log = fused(exponent, V{} + 0x1.63p-1f, rounded(t + fused(square, V{} - 0.5f, cubed)));
    return rounded(root(log * -2));
  }

  /** Overwrites pairs of words, eight apart. */
  ALWAYS_INLINE static void pairs(float* at, float std) {
    const V r = radius(units(at));
    const V angle = rounded(units(at + 8) * (0x1.921fb6p2f * 0x1p-24f));
    // The angle is a number of quarter turns and a rest of at most an eighth.
    const V quarters = floor(rounded(angle * 0x1.45f306p0f) * 0.5f + 0.5f);
    V rest;
    if constexpr (isWide) {
      rest = rounded(angle - quarters * static_cast<T>(0x1.921fb54442d2p0));
    } else {
      rest = fused(quarters, V{} - 0x1.92p0f, angle);
      rest = fused(quarters, V{} - 0x1.fb4p-12f, rest);
      rest = fused(quarters, V{} - 0x1.4442d2p-24f, rest);
    }
    const B count = bits(quarters + large), odd = count << top;
    rest = real(bits(rest) ^ odd);
    const V square = rounded(rest * rest);
    const V s = fold(square, V{} - 0x1.9943f2p-13f, 0x1.11073cp-7f, -0x1.555546p-3f);
    const V c = fold(square, V{} + 0x1.99eb9cp-16f, -0x1.6c0c34p-10f, 0x1.55554ap-5f);
    const V sine = fused(rounded(s * square), rest, rest);
    V half = square * -0.5f;
    KEEP(half);
    const V cosine = rounded(fused(rounded(c * square), square, half) + 1);
    // Half a turn is a negative radius; after an odd quarter, sine and cosine change places.
    const V signedRadius = real(bits(r) ^ (count >> 1 << top));
    const auto isOdd = reinterpret_cast<SignedBits>(odd) < 0;
    // 0 is added, as PyTorch adds its mean, so that no zero is negative.
    put(at, signedRadius * (isOdd ? sine : cosine), signedRadius * (isOdd ? cosine : sine), std);
  }

#if defined(__wasm__)
  ALWAYS_INLINE static void put(float* at, V x, V y, float std) {
    const v128_t low = wasm_f32x4_demote_f64x2_zero(x), high = wasm_f32x4_demote_f64x2_zero(y);
    const auto both = reinterpret_cast<Vec<float>>(wasm_i64x2_shuffle(low, high, 0, 2)) * std + 0.0f;
    wasm_v128_store64_lane(at, both, 0);
    wasm_v128_store64_lane(at + 8, both, 1);
  }
#else
  ALWAYS_INLINE static void put(float* at, V x, V y, float std) {
    *reinterpret_cast<Floats*>(at) = __builtin_convertvector(x, Floats) * std + 0.0f;
    *reinterpret_cast<Floats*>(at + 8) = __builtin_convertvector(y, Floats) * std + 0.0f;
  }
#endif
};

}  // namespace

SHORT void normals(float* words, int64_t n, float std) {
  const auto half = static_cast<std::ptrdiff_t>(n / 16 * 8);
  for (std::ptrdiff_t j = 0; j < half; j += BoxMuller::L) BoxMuller::pairs(words + j + (j & -8), std);
}

}  // namespace flambeau::ISA
