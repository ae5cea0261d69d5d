#include "order.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "arithmetic.h"
#include "loops.h"

namespace flambeau {
namespace {

/** Whether a value beats the best so far: NaN beats all but NaN. */
template <bool Max, class T> inline bool beats(T value, T best) {
  return !(Max ? value <= best : value >= best) & (best == best);
}

template <class T> struct FourOf {
  typedef T Type __attribute__((vector_size(16)));
};
/** Elements that are compared at once, if they have four bytes. */
template <class T> using Four = typename FourOf<T>::Type;
/** The same for four elements: all bits of those that do. */
template <bool Max, class T> inline Four<int32_t> four_beat(Four<T> value, Four<T> best) {
  return ~(Max ? value <= best : value >= best) & (best == best);
}
template <class T> constexpr bool hasFour = sizeof(T) == 4;
template <class V> V load_four(const void* p) {
  V x;
  memcpy(&x, p, sizeof x);
  return x;
}
template <class V> void store_four(void* p, V x) { memcpy(p, &x, sizeof x); }

/** Elements that are examined together: their extreme is found without branches, its position only if it matters. */
template <class T> constexpr int64_t chunk = hasFour<T> ? 16 : 64;

/** Whether any of a chunk beats the best so far. */
template <bool Max, class T> inline bool any_beats(const T* p, T best) {
  if constexpr (hasFour<T>) {
    const Four<T> all = {best, best, best, best};
    Four<int32_t> found{};
    for (int64_t i = 0; i < chunk<T>; i += 4) found |= four_beat<Max, T>(load_four<Four<T>>(p + i), all);
    const Four<int64_t> halves = reinterpret_cast<Four<int64_t>>(found);
    return (halves[0] | halves[1]) != 0;
  }
  int32_t found = 0;
  for (int64_t i = 0; i < chunk<T>; i++) found |= beats<Max>(p[i], best) ? 1 : 0;
  return found != 0;
}

/** The position of the extreme of n contiguous elements. */
template <bool Max, class T> int64_t arg_of_row(const T* p, int64_t n) {
  T best = p[0];
  int64_t begins = 0, ends = std::min(n, chunk<T>);
  for (int64_t from = 0; from < n; from += chunk<T>) {
    const int64_t to = std::min(n, from + chunk<T>);
    if (to - from == chunk<T> && !any_beats<Max>(p + from, best)) continue;
    const T before = best;
    for (int64_t i = from; i < to; i++) best = beats<Max>(p[i], best) ? p[i] : best;
    if (best == before || before != before) continue;
    begins = from;
    ends = to;
  }
  for (int64_t i = begins; i < ends; i++) {
    if (p[i] == best || (p[i] != p[i] && best != best)) return i;
  }
  return begins;
}

template <bool Max, class T> void arg_reduce_as(const ArgReduce& a, const Memory& memory) {
  const T* from = a.from.operand.in<T>(memory);
  int32_t* to = a.to.in<int32_t>(memory);
  const Loops<1> kept{a.kept, a.sizes, {a.from.steps}};
  const Loops<1> reduced{a.reduced, a.sizes + a.kept, {a.from.steps + a.kept}};
  const int64_t n = product(a.sizes + a.kept, a.reduced);
  const int64_t width = kept.inner(), across = kept.step(0), inner = reduced.inner(), along = reduced.step(0);
  // Elements side by side, and those of short reductions, are compared side by side along the reduction; others
  // separately.
  const bool beside = (across == 1 && along != 1) || n < 32;
  const int64_t piece = beside ? 256 : 1, pieces = (width + piece - 1) / piece;
  parallel_ranges(kept.rows() * pieces, n * piece, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      const int64_t row = i / pieces, begin = i % pieces * piece, end = std::min(width, begin + piece);
      kept.walk(row, row + 1, [&](const int64_t(&outer)[1]) {
        const T* x = from + outer[0] + begin * across;
        int32_t* y = to + row * width + begin;
        if (!beside && reduced.rows() == 1 && along == 1) {
          y[0] = static_cast<int32_t>(arg_of_row<Max>(x, n));
          return;
        }
        const int64_t m = end - begin;
        T best[256];
        int32_t where[256];
        int32_t position = 0;
        for (int64_t j = 0; j < m; j++) {
          best[j] = x[j * across];
          where[j] = 0;
        }
        reduced.walk(0, reduced.rows(), [&](const int64_t(&at)[1]) {
          for (int64_t c = 0; c < inner; c++, position++) {
            const T* p = x + at[0] + c * along;
            int64_t j = 0;
            if constexpr (hasFour<T>) {
              const int32_t at = position;
              for (; across == 1 && j + 4 <= m; j += 4) {
                const Four<T> value = load_four<Four<T>>(p + j), present = load_four<Four<T>>(best + j);
                const Four<int32_t> better = four_beat<Max, T>(value, present);
                store_four(best + j, better ? value : present);
                store_four(where + j, better ? Four<int32_t>{at, at, at, at} : load_four<Four<int32_t>>(where + j));
              }
            }
            for (; j < m; j++) {
              const T value = p[j * across];
              const bool better = beats<Max>(value, best[j]);
              best[j] = better ? value : best[j];
              where[j] = better ? position : where[j];
            }
          }
        });
        for (int64_t j = 0; j < m; j++) y[j] = where[j];
      });
    }
  });
}

template <class T, class Combine> void scan_with(const Scan& s, const Memory& memory, Combine&& combine) {
  const T* from = s.from.operand.in<T>(memory);
  T* to = s.to.operand.in<T>(memory);
  const Loops<2> loops{s.depth, s.sizes, {s.from.steps, s.to.steps}};
  const int64_t width = loops.inner(), s0 = loops.step(0), s1 = loops.step(1);
  const int64_t step = s.from.steps[s.depth], toStep = s.to.steps[s.depth];
  parallel_ranges(loops.rows(), width * s.n, [&](int64_t first, int64_t last) {
    loops.walk(first, last, [&](const int64_t(&at)[2]) {
      for (int64_t i = 0; i < width; i++) {
        const T* p = from + at[0] + i * s0;
        T* q = to + at[1] + i * s1;
        auto running = combine.first(*p);
        *q = static_cast<T>(running);
        for (int32_t c = 1; c < s.n; c++) {
          p += step;
          q += toStep;
          running = combine(running, *p);
          *q = static_cast<T>(running);
        }
      }
    });
  });
}

/** A combination whose running value is not rounded: a double for floats. */
template <class T, class F> struct Running {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, T>;
  F combine;
  Sum first(T x) const { return x; }
  Sum operator()(Sum a, T b) const { return combine(a, static_cast<Sum>(b)); }
};

/** Unsigned integers with the order of the values: -0 equals 0, and NaN comes last. */
template <class T> struct KeyOf {
  using Key = uint32_t;
  static Key key(T x) { return static_cast<Key>(x) ^ (sizeof x == 4 ? Key{1} << 31 : 0); }
};
template <class Float, class Bits> struct FloatKey {
  using Key = Bits;
  static Key key(Float x) {
    constexpr Bits sign = Bits{1} << (8 * sizeof x - 1);
    if (x != x) return ~Bits{0};
    if (x == 0) return sign;
    Bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ (bits >= sign ? ~Bits{0} : sign);
  }
};
template <> struct KeyOf<float> : FloatKey<float, uint32_t> {};
template <> struct KeyOf<double> : FloatKey<double, uint64_t> {};

template <class Key> struct Entry {
  Key key;
  int32_t index;
};

constexpr int bits = 8;
constexpr int32_t digits = 1 << bits;
template <class Key> int32_t digit(const Entry<Key>& entry, int shift) {
  return static_cast<int32_t>(entry.key >> shift) & (digits - 1);
}

/** Counts each digit at a place of the keys. */
template <class Key> void count(const Entry<Key>* entries, int32_t n, int shift, int32_t* counts) {
  std::fill_n(counts, digits, 0);
  for (int32_t i = 0; i < n; i++) counts[digit(entries[i], shift)]++;
}

/** Up to so many entries are inserted one by one. */
constexpr int32_t few = 64;

/** Sorts entries, by one digit after the other, and keeps the order of equal keys; they end in either array. */
template <class Key> Entry<Key>* sort_entries(Entry<Key>* from, Entry<Key>* to, int32_t n) {
  int32_t ordered = 1;
  while (ordered < n && from[ordered - 1].key <= from[ordered].key) ordered++;
  if (ordered >= n) return from;
  for (int32_t i = 1; n <= few && i < n; i++) {
    const Entry<Key> entry = from[i];
    int32_t at = i;
    for (; at > 0 && from[at - 1].key > entry.key; at--) from[at] = from[at - 1];
    from[at] = entry;
  }
  for (size_t shift = 0; n > few && shift < 8 * sizeof(Key); shift += bits) {
    int32_t places[digits];
    count(from, n, shift, places);
    if (places[digit(*from, shift)] == n) continue;
    int32_t place = 0;
    for (int32_t& each : places) place += std::exchange(each, place);
    for (int32_t i = 0; i < n; i++) to[places[digit(from[i], shift)]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

/** The key at a place of the order; how many are less is taken from `place`. */
template <class Key> Key key_at(const Entry<Key>* from, Entry<Key>* spare, int32_t n, int32_t* place) {
  Key key = 0;
  for (int shift = 8 * sizeof(Key) - bits; shift >= 0; shift -= bits) {
    int32_t counts[digits];
    count(from, n, shift, counts);
    int32_t found = 0;
    for (; *place >= counts[found]; found++) *place -= counts[found];
    key |= static_cast<Key>(found) << shift;
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) {
      spare[kept] = from[i];
      kept += digit(from[i], shift) == found;
    }
    from = spare;
    n = kept;
  }
  return key;
}

template <class T> void sort_as(const Sort& s, const Memory& memory) {
  const T* from = s.from.operand.in<T>(memory);
  T* values = s.values.operand.in<T>(memory);
  int32_t* indices = s.indices.operand.in<int32_t>(memory);
  const Loops<3> loops{s.depth, s.sizes, {s.from.steps, s.values.steps, s.indices.steps}};
  const int64_t width = loops.inner(), s0 = loops.step(0), s1 = loops.step(1), s2 = loops.step(2);
  const int64_t step = s.from.steps[s.depth];
  const int64_t valueStep = s.values.steps[s.depth], indexStep = s.indices.steps[s.depth];
  using Key = typename KeyOf<T>::Key;
  const Key flip = s.descending ? ~Key{0} : Key{0};
  const bool isWhole = s.runs == 1 && s.places->to - s.places->from == s.n;
  std::atomic<bool> exhausted{false};
  parallel_ranges(loops.rows(), width * s.n * 8, [&](int64_t first, int64_t last) {
    const std::unique_ptr<Entry<Key>[]> memory(new (std::nothrow) Entry<Key>[int64_t{isWhole ? 2 : 3} * s.n]);
    if (memory == nullptr) return exhausted.store(true);
    Entry<Key>* const all = memory.get();
    Entry<Key>* const some = all + s.n;
    Entry<Key>* const others = some + s.n;
    loops.walk(first, last, [&](const int64_t(&at)[3]) {
      for (int64_t i = 0; i < width; i++) {
        const T* p = from + at[0] + i * s0;
        for (int32_t c = 0; c < s.n; c++) all[c] = {KeyOf<T>::key(p[c * step]) ^ flip, c};
        for (int32_t run = 0; run < s.runs; run++) {
          const auto [begin, end] = s.places[run];
          int32_t before = begin;
          const Entry<Key>* order;
          if (isWhole) {
            order = sort_entries(all, some, s.n);
          } else {
            // The keys between those of the first and the last place.
            const bool isOne = end - begin == 1;
            int32_t rest = end - 1;
            const Key low = begin == 0 && !isOne ? 0 : key_at(all, some, s.n, &before);
            const Key high = isOne ? low : end == s.n ? ~Key{0} : key_at(all, some, s.n, &rest);
            int32_t found = 0;
            for (int32_t c = 0; c < s.n; c++) {
              some[found] = all[c];
              found += all[c].key - low <= high - low;
            }
            order = sort_entries(some, others, found) + before;
          }
          T* q = values + at[1] + i * s1 + begin * valueStep;
          int32_t* k = indices + at[2] + i * s2 + begin * indexStep;
          for (int32_t c = 0; c < end - begin; c++) {
            q[c * valueStep] = p[order[c].index * step];
            k[c * indexStep] = order[c].index;
          }
        }
      }
    });
  });
  if (exhausted) out_of_memory();
}

}  // namespace

void arg_reduce(const ArgReduce& a, const Memory& memory) {
  with_type(a.from.operand.dtype, [&](auto type) {
    using T = decltype(type);
    a.max ? arg_reduce_as<true, T>(a, memory) : arg_reduce_as<false, T>(a, memory);
  });
}

void scan(const Scan& s, const Memory& memory) {
  const DType dtype = s.to.operand.dtype;
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    using Sum = std::conditional_t<std::is_floating_point_v<T>, double, T>;
    with_combine<Sum>(s.fn, dtype,
                      [&](auto combine) { scan_with<T>(s, memory, Running<T, decltype(combine)>{combine}); });
  });
}

void sort(const Sort& s, const Memory& memory) {
  with_type(s.from.operand.dtype, [&](auto type) { sort_as<decltype(type)>(s, memory); });
}

}  // namespace flambeau
