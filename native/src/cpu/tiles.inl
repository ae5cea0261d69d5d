// Windows of 2 x 2 side by side, which are most of the pooling that there is: their rows are all alike, so nothing is asked
// for each row. Where vectors have 16 lanes, several rows of few windows share one.
#pragma once
#include "windows.inl"

namespace flambeau::ISA {
namespace {

/** Stores lanes of two vectors by turns. */
INLINE void interleave(V a, V b, float* to) {
  store(to, zipped<float, 0>(a, b, AllLanes<float>{}));
  store(to + L, zipped<float, 1>(a, b, AllLanes<float>{}));
}

class Tiles {
 public:
  /** `n`: windows in a row. */
  explicit Tiles(int64_t n) : n_(n) {}

  /**
   * Calls f(number of the first window, taps) for vectors of windows from row `from` on, of elements x. Returns the first
   * row whose vectors would reach beyond row `to`.
   */
  template <class F> int64_t each(const float* x, int64_t from, int64_t to, const F f) const {
#if defined(__AVX512F__)
    if (n_ <= L / 2) {
      const Places lane = places_from(0, 1), n = Places{} + static_cast<uint32_t>(n_);
      // Pairs of elements: those of a row of windows are those of two rows.
      const Places upper = lane + quotient(lane, n) * n, lower = upper + n;
      for (; (to - from) * n_ >= L; from += L / n_) {
        const float* const p = x + 4 * from * n_;
        const Apart<2> first(p), second(p + 2 * L);
        const V even[] = {first.template at<0>(), second.template at<0>()};
        const V odd[] = {first.template at<1>(), second.template at<1>()};
        const V taps[] = {chosen(even[0], even[1], upper), chosen(odd[0], odd[1], upper),
                          chosen(even[0], even[1], lower), chosen(odd[0], odd[1], lower)};
        f(from * n_, taps);
      }
      return from;
    }
#endif
    const int64_t end = inner(from, to);
    for (x += 4 * from * n_; from < end; from++, x += 4 * n_) {
      for (int64_t k = 0; k < n_; k += L) {
        const Apart<2> upper(x + 2 * k), lower(x + 2 * (n_ + k));
        const V taps[] = {upper.template at<0>(), upper.template at<1>(), lower.template at<0>(),
                          lower.template at<1>()};
        f(from * n_ + k, taps);
      }
    }
    return end;
  }

  /**
   * Writes elements dx of rows of windows: get(number of the first window, vectors) gives N vectors, and put(vectors,
   * numbers of taps) makes elements of them when they are spread over their windows.
   */
  template <int N, class Get, class Put>
  int64_t fill(float* dx, int64_t from, int64_t to, const Get get, const Put put) const {
    V of[N], own[N];
#if defined(__AVX512F__)
    if (n_ <= L) {
      // Rows of windows that have whole vectors of elements, and a vector of windows at least.
      int64_t rows = n_ % 4 == 0 ? 1 : n_ % 2 == 0 ? 2 : 4;
      while (rows * n_ < L) rows *= 2;
      const int64_t vectors = rows * n_ / 4;
      // Of a vector of elements: where its windows begin, which of them each lane has, and as which tap.
      int64_t begins[L];
      Places windows[L];
      V taps[L];
      for (int64_t v = 0; v < vectors; v++) {
        const Places at = places_from(v * L, 1), n = Places{} + static_cast<uint32_t>(n_), row = quotient(at, n * 2);
        const Places all = (row >> 1) * n + ((at - row * n * 2) >> 1);
        begins[v] = rows * n_ - L;
        for (int64_t l = 0; l < L; l++) begins[v] = least(begins[v], all[l]);
        windows[v] = all - static_cast<uint32_t>(begins[v]);
        taps[v] = __builtin_convertvector((row & 1) * 2 + (at & 1), V);
      }
      int64_t at = from * n_;
      for (dx += 4 * at; from + rows <= to; from += rows, at += vectors * 4) {
        for (int64_t v = 0; v < vectors; v++, dx += L) {
          get(at + begins[v], of);
          for (int j = 0; j < N; j++) own[j] = chosen(of[j], of[j], windows[v]);
          store(dx, put(own, taps[v]));
        }
      }
      return from;
    }
#endif
    const int64_t end = inner(from, to);
    const V odd = __builtin_convertvector(places_from(0, 1) & 1, V), more = splat(2.0f);
    for (dx += 4 * from * n_; from < end; from++) {
      for (V taps = odd;; taps += more, dx += 2 * n_) {
        for (int64_t k = 0; k < n_; k += L) {
          get(from * n_ + k, of);
          for (int j = 0; j < N; j++) own[j] = zipped<float, 0>(of[j], of[j], AllLanes<float>{});
          store(dx + 2 * k, put(own, taps));
          for (int j = 0; j < N; j++) own[j] = zipped<float, 1>(of[j], of[j], AllLanes<float>{});
          store(dx + 2 * k + L, put(own, taps));
        }
        if (taps[0] > 0) break;
      }
      dx += 2 * n_;
    }
    return end;
  }

 private:
  /** The end of the rows from `from` on whose vectors do not reach beyond row `to`. */
  int64_t inner(int64_t from, int64_t to) const { return most(from, to - (multiple(n_, L) - 1) / n_); }
#if defined(__AVX512F__)
  /** The lanes of a, then of b, with these numbers. */
  ALWAYS_INLINE static V chosen(V a, V b, Places which) {
    return reinterpret_cast<V>(_mm512_permutex2var_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512i>(which),
                                                      reinterpret_cast<__m512>(b)));
  }
#endif
  /** Of small numbers. */
  ALWAYS_INLINE static Places quotient(Places a, Places b) {
    return __builtin_convertvector((__builtin_convertvector(a, V) + 0.5f) / __builtin_convertvector(b, V), Places);
  }

  const int64_t n_;
};

}  // namespace
}  // namespace flambeau::ISA
