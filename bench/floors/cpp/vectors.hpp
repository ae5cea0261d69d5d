// The widest vectors of the target processor, and the operations of floors on them: partial vectors, sums, transposes,
// exp and log. Written with GCC's vector extensions, and intrinsics only where these have no equivalent.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int bytes = 64;
#elif defined(__AVX__)
constexpr int bytes = 32;
#else
constexpr int bytes = 16;
#endif

constexpr int lanes = bytes / sizeof(float);
/** The number of accumulators to rotate, so that no sum waits for itself. */
constexpr int chains = 4;

typedef float Vec __attribute__((vector_size(bytes)));
typedef int32_t Ints __attribute__((vector_size(bytes)));

inline Vec load(const float* p) {
  Vec x;
  memcpy(&x, p, sizeof x);
  return x;
}
inline void store(float* p, Vec x) { memcpy(p, &x, sizeof x); }
inline Vec all(float x) { return x - Vec{}; }

/** Combine elements or vectors; NaN counts as the largest. */
constexpr auto plus = [](auto a, auto b) { return a + b; };
constexpr auto larger = [](auto a, auto b) { return (a > b) | (a != a) ? a : b; };

template <int... at> Ints numbers(std::integer_sequence<int, at...>) { return Ints{at...}; }
/** 0, 1, 2, ... */
inline Ints counted() { return numbers(std::make_integer_sequence<int, lanes>()); }

/** The first `count` elements, filled up with `rest` without reading further. */
inline Vec part(const float* p, int count, float rest = 0) {
  if (count >= lanes) return load(p);
#if defined(__AVX512F__)
  return _mm512_mask_loadu_ps(all(rest), (1 << count) - 1, p);
#elif defined(__AVX__)
  const Ints mask = counted() < count;
  return mask ? (Vec)_mm256_maskload_ps(p, (__m256i)mask) : all(rest);
#else
  Vec x = all(rest);
  memcpy(&x, p, count * sizeof *p);
  return x;
#endif
}
/** Stores the first `count` elements. */
inline void store(float* p, Vec x, int count) {
  if (count >= lanes) return store(p, x);
  for (int i = 0; i < count; i++) p[i] = x[i];
}

template <int step, int first, int... at> Vec picked(Vec a, Vec b, std::integer_sequence<int, at...>) {
  return __builtin_shufflevector(a, b, (at * step + first)...);
}
/** Every other element of both, starting with the first or the second. */
inline Vec evens(Vec a, Vec b) { return picked<2, 0>(a, b, std::make_integer_sequence<int, lanes>()); }
inline Vec odds(Vec a, Vec b) { return picked<2, 1>(a, b, std::make_integer_sequence<int, lanes>()); }

/** Element i is the reduction of row(i) by `join`; rows are evaluated in order, few at a time. */
template <int count = lanes, class Row, class Join> Vec across(Row row, Join join, int from = 0) {
  if constexpr (count == 1) {
    return row(from);
  } else {
    const Vec a = across<count / 2>(row, join, from), b = across<count / 2>(row, join, from + count / 2);
    return join(evens(a, b), odds(a, b));
  }
}

/** The reduction of the elements by `join`. */
template <class Join> float joined(Vec x, Join join) {
  return across([&](int) { return x; }, join)[0];
}
inline float sum(Vec x) { return joined(x, plus); }

/**
 * Visits n elements by vectors: visit(at, count, chain), with four alternating chains, so that none waits for the one
 * before.
 */
template <class Visit> void each(int n, Visit visit) {
  int k = 0;
  for (; k + chains * lanes <= n; k += chains * lanes)
    for (int chain = 0; chain < chains; chain++) visit(k + chain * lanes, lanes, chain);
  for (; k < n; k += lanes) visit(k, n - k, 0);
}

/** Transposes: as many rounds of evens and odds as a lane's number has bits. */
inline void transpose(Vec* x) {
  for (int bit = 1; bit < lanes; bit *= 2) {
    Vec y[lanes];
    for (int i = 0; i < lanes / 2; i++) {
      y[i] = evens(x[2 * i], x[2 * i + 1]);
      y[i + lanes / 2] = odds(x[2 * i], x[2 * i + 1]);
    }
    memcpy(x, y, sizeof y);
  }
}

/** c[0] x^n + ... + c[n]. */
template <int size> Vec polynomial(Vec x, const float (&c)[size]) {
  Vec y = all(c[0]);
  for (int i = 1; i < size; i++) y = y * x + c[i];
  return y;
}

/** e^x, with 0 and infinity beyond float32's range: 2^k e^r for x = k log(2) + r. */
inline Vec exp(Vec x) {
  x = x < -104 ? all(-104) : x > 89 ? all(89) : x;
  const Ints k = __builtin_convertvector(x * 1.44269504f + (x < 0 ? all(-.5f) : all(.5f)), Ints);
  const Vec n = __builtin_convertvector(k, Vec), r = x - n * .693359375f + n * 2.12194440e-4f;
  const Vec y = polynomial(r, {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                               5.0000001201e-1f}) *
                    (r * r) +
                r + 1;
#if defined(__AVX512F__)
  return _mm512_maskz_scalef_ps(0xffff, y, n);  // the plain form causes a warning about undefined lanes
#else
  const Ints half = k >> 1;
  return y * (Vec)((half + 127) << 23) * (Vec)((k - half + 127) << 23);
#endif
}

/** The natural logarithm of a nonnegative number; far below -100 for subnormal numbers and 0. */
inline Vec log(Vec x) {
  constexpr int root = 0x3f3504f3;  // sqrt(1/2): mantissas lie between it and twice it
  const Ints k = ((Ints)x - root) >> 23;
  const Vec n = __builtin_convertvector(k, Vec), f = (Vec)((Ints)x - (k << 23)) - 1;
  const Vec p =
      polynomial(f, {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                     -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f});
  const Vec y = n * -2.12194440e-4f + (p * f - .5f) * (f * f) + f + n * .693359375f;
  return x >= 1.17549435e-38f ? y : x - 1e9f;
}
