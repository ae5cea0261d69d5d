// Sums of what a step computes, whose values are not written: as many elements as are summed in their own precision give a
// vector, by the additions that their sum in memory has (reduce.inl). To write the values and to read them again takes as
// long as all the rest.
#pragma once
#include "reduce.inl"

namespace flambeau::ISA {

/** How many bytes ahead memory is fetched, which is late otherwise: vectors of AVX-512 compute faster than it comes. */
constexpr int64_t fetchedAhead = VECTOR_BYTES == 64 ? 2048 : 0;

/** Writes for each run of n elements a vector of the sums of what `next` gives. */
template <class Next> ALWAYS_INLINE void sum_runs(float* to, int64_t n, Next next) {
  for (int64_t i = 0; i < n; i += sumRun, to += width) {
    store(to, Reducer<float, Sum, double>::combined(sumRun / width, [&](int64_t) ALWAYS_INLINE {
            V x = next();
            KEEP(x);
            return x;
          }));
  }
}
template <class F> void unary_sums(const Op& op, const Slot* slots, int64_t n) {
  In<float, width> a(slots[op.a]);
  sum_runs(reinterpret_cast<float*>(slots[op.d].at), n, [&]() ALWAYS_INLINE { return F::of(a.next(fetchedAhead)); });
}
template <class F> void binary_sums(const Op& op, const Slot* slots, int64_t n) {
  In<float, width> a(slots[op.a]), b(slots[op.b]);
  sum_runs(reinterpret_cast<float*>(slots[op.d].at), n, [&]() ALWAYS_INLINE {
    const V x = a.next(fetchedAhead);
    return F::of(x, b.next(fetchedAhead));
  });
}

/** The loop for the sums of what another one writes; null where there is none. */
[[maybe_unused]] static Loop sums_of(Loop loop) {
  if (loop == Loop{binary<Mul, float, float>}) return binary_sums<Mul>;
  return loop == Loop{unary<RealAbs, float, float>} ? unary_sums<RealAbs> : nullptr;
}

}  // namespace flambeau::ISA
