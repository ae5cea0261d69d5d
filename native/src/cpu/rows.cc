// Kernels along an axis: softmax and its relatives, cross entropy of classes, moments. A row is loaded from memory once
// and read from the cache afterwards; each exponential is computed once. Threads share whole rows, so results are the
// same for any number of threads.
#include "../kernels.h"
#include "../pool.h"
#include "reduce.inl"
#include "room.inl"

namespace flambeau::ISA {

/** Elements that are processed vector by vector: those of a row, or one of each of several rows side by side. */
struct Line {
  int64_t count, step;
  /** The number of whole vectors, which come first, and the number of elements in each of the others. */
  int64_t whole, rest;
  /** Whether its lanes belong to one row. */
  bool isRow;
};

/** n contiguous elements. */
template <class T> INLINE Line in_row(int64_t n) {
  return {(n + lanes<T> - 1) / lanes<T>, lanes<T>, n / lanes<T>, n % lanes<T>, true};
}
/** The elements of `width` rows side by side, n of each. */
template <class T> INLINE Line beside(int64_t n, int64_t step, int64_t width) {
  return {n, step, width == lanes<T> ? n : 0, width, false};
}

/** Exponents are at most 0: the row's maximum has been subtracted, or they are logarithms of shares. */
INLINE V exp_of(V x) { return exp_to_88(x); }
INLINE V log_of(V x) { return log(x); }
/** The C library's exponential, lane by lane. */
__attribute__((noinline)) static D exp_of(D x) {
  for (int64_t i = 0; i < lanes<double>; i++) x[i] = ::exp(x[i]);
  return x;
}
__attribute__((noinline)) static D log_of(D x) {
  for (int64_t i = 0; i < lanes<double>; i++) x[i] = ::log(x[i]);
  return x;
}

/** The first n elements at p, padded with `rest`. */
template <class T> INLINE Vec<T> get(const T* p, int64_t n, T rest = 0) {
  return n == lanes<T> ? load(p) : First<T>(n, rest).of_zeros(load_some(p, n));
}
template <class T> INLINE void put(T* p, Vec<T> x, int64_t n) { n == lanes<T> ? store(p, x) : store_some(p, x, n); }

/** Calls f(offset, count) for the vectors from `from` to before `to`, without a test for whole ones. */
template <class T, class F> INLINE void each(Line line, int64_t from, int64_t to, F&& f) {
  const int64_t whole = to < line.whole ? to : line.whole;
  for (; from < whole; from++) f(from * line.step, lanes<T>);
  for (; from < to; from++) f(from * line.step, line.rest);
}
template <class T, class F> INLINE void each(Line line, F&& f) { each<T>(line, 0, line.count, f); }

/** Sums in double precision. */
template <class T> struct Total {
  D a{}, b{};
  ALWAYS_INLINE void add(Vec<T> x) {
    if constexpr (isDouble<T>) {
      a += x;
    } else {
      a += low(x);
      b += high(x);
    }
  }
  /** The sum of all lanes. */
  ALWAYS_INLINE double sum() const { return Reducer<double, Sum, double>::across(a + b); }
  /** The sum of a row in all lanes; or the sum of each lane. */
  ALWAYS_INLINE Vec<T> value(Line line) const {
    if (line.isRow) return splat(static_cast<T>(sum()));
    if constexpr (isDouble<T>) {
      return a;
    } else {
      return join(a, b);
    }
  }
};

/** A run of a line: vectors that are summed in their own precision, and whose exponentials are computed together. */
constexpr int64_t runVectors = 16;
template <class F> INLINE void each_run(Line line, F&& f) {
  for (int64_t from = 0; from < line.count; from += runVectors) {
    f(from, line.count - from < runVectors ? line.count : from + runVectors);
  }
}

/** Adds up N values of each of a line's vectors: f(offset, count, sums) adds those of a vector. */
template <class T, int64_t N, class F> INLINE void add_up(Line line, Total<T> (&totals)[N], F&& f) {
  each_run(line, [&](int64_t from, int64_t to) ALWAYS_INLINE {
    Vec<T> sums[N]{};
    if (!isFetched && to <= line.whole && to - from == runVectors) {
#pragma GCC unroll 16
      for (int64_t i = 0; i < runVectors; i++) f((from + i) * line.step, lanes<T>, sums);
    } else {
      each<T>(line, from, to, [&](int64_t at, int64_t n) ALWAYS_INLINE { f(at, n, sums); });
    }
    for (int64_t i = 0; i < N; i++) totals[i].add(sums[i]);
  });
}
/**
 * The same over lines that are `apart` elements apart. Short ones make runs together if there are two sums, because to
 * widen them would take longer than to add them up.
 */
template <class T, int64_t N, class F>
INLINE void add_up_pieces(Line line, int64_t pieces, int64_t apart, Total<T> (&totals)[N], F&& f) {
  const int64_t together = N == 1 || line.count >= runVectors ? 1 : runVectors / line.count;
  for (int64_t from = 0; from < pieces; from += together) {
    const auto of = [&](int64_t i) ALWAYS_INLINE {
      return [&, i](int64_t at, int64_t n, Vec<T>* to) ALWAYS_INLINE { f(i * apart + at, n, to); };
    };
    if (together == 1) {
      add_up(line, totals, of(from));
    } else {
      Vec<T> sums[N]{};
      for (int64_t i = from; i < pieces && i < from + together; i++)
        each<T>(line, [&](int64_t at, int64_t n) ALWAYS_INLINE { of(i)(at, n, sums); });
      for (int64_t i = 0; i < N; i++) totals[i].add(sums[i]);
    }
  }
}
template <class T, class F> INLINE Vec<T> sum_of(Line line, F&& f) {
  Total<T> total[1];
  add_up(line, total, [&](int64_t at, int64_t n, Vec<T>* sum) ALWAYS_INLINE { *sum += f(at, n); });
  return total->value(line);
}

/** The maximum elements; any values if there is a NaN, because the result is then NaN whatever is subtracted. */
template <class T> __attribute__((noinline)) Vec<T> most_of(Line line, const T* x) {
  const T least = static_cast<T>(-__builtin_inf());
  Vec<T> m[4];
  for (Vec<T>& one : m) one = splat(least);
  int64_t i = 0;
  for (; i + 4 <= line.whole; i += 4) {
#pragma GCC unroll 4  // without unrolling, the array would be in memory
    for (int64_t k = 0; k < 4; k++) m[k] = Larger::of(load(x + (i + k) * line.step), m[k]);
  }
  each<T>(line, i, line.count,
          [&](int64_t at, int64_t n) ALWAYS_INLINE { m[0] = Larger::of(get(x + at, n, least), m[0]); });
  const Vec<T> most = Larger::of(Larger::of(m[0], m[1]), Larger::of(m[2], m[3]));
  return line.isRow ? splat(Reducer<T, Most<T>, T>::across(most)) : most;
}

#if VECTOR_BYTES == 16
/** Exponents of a run, as n log(2) + r. */
struct Exponents {
  V r[runVectors];
  /** n, where a float has its exponent. */
  I n[runVectors];
  /** The first half of e^r. */
  V half[runVectors];
};
/** Divides the exponents x - a - b...; returns whether all of their exponentials are normal numbers, which NaN is not. */
template <class... B>
__attribute__((noinline)) static bool divide(const float* x, int64_t step, int64_t count, Exponents& to, V a, B... b) {
  // Twice the bits of a float have its size, however signed; those of NaN are larger than of any number.
  Vec<uint32_t> most{};
  for (int64_t i = 0; i < count; i++, x += step) {
    const V y = ((load(x) - a) - ... - b);
    const Whole n = nearest(y, log2e);
    const Vec<uint32_t> size = reinterpret_cast<Vec<uint32_t>>(bits(y)) << 1;
    most = size > most ? size : most;
    to.r[i] = rest_of(y, n);
    to.n[i] = n.k << 23;
  }
  for (int64_t i = 0; i < count; i++) to.half[i] = begin_exp(to.r[i]);
  return !any(reinterpret_cast<I>(most >= reinterpret_cast<Vec<uint32_t>>(bits(splat(87.0f))) << 1));
}

/** e^(x - a - b) for n elements; the other lanes have 0. */
template <class T> __attribute__((noinline)) static Vec<T> exponential(const T* x, int64_t n, Vec<T> a, Vec<T> b) {
  return exp_of(get(x, n, static_cast<T>(-__builtin_inf())) - a - b);
}
#endif

/**
 * Calls f(offset, count, e^(x - a - b...)) for the vectors from `from` to before `to`, of a run; lanes without an element
 * have 0.
 */
template <class T, class F, class... B>
INLINE void each_exponential(Line line, int64_t from, int64_t to, const T* x, F&& f, Vec<T> a, B... b) {
#if VECTOR_BYTES == 16
  // An exponential is a long chain of instructions, and a processor looks ahead at too few of them for short vectors to
  // fill its units. Three loops have a third of the chain each, and n is added to the bits of normal results.
  if constexpr (!isDouble<T>) {
    const int64_t count = (to < line.whole ? to : line.whole) - from;
    Exponents all;
    if (count >= 4 && divide(x + from * line.step, line.step, count, all, a, b...)) {
      for (int64_t i = 0; i < count; i++)
        f((from + i) * line.step, lanes<T>, from_bits(bits(end_exp(all.r[i], all.half[i])) + all.n[i]));
      from += count;
    }
  }
  for (; from < to; from++) {
    const int64_t at = from * line.step, n = from < line.whole ? lanes<T> : line.rest;
    f(at, n, exponential(x + at, n, a, (Vec<T>{} + ... + b)));
  }
#else
  each<T>(line, from, to, [&](int64_t at, int64_t n) ALWAYS_INLINE {
    f(at, n, exp_of(((get(x + at, n, static_cast<T>(-__builtin_inf())) - a) - ... - b)));
  });
#endif
}

template <class T> class Row {
 public:
  Row(const CompositeOp& rows, const Memory& memory) : rows_(rows) {
    // Operands that a composition lacks refer to row 0, and are not read.
    for (int32_t i = 0; i < maxCompositeOperands; i++) operands_[i] = at(rows.operands[i], memory);
  }

  /** Processes row number `row`, or `width` rows from there on side by side; its elements begin at `begin`. */
  void run(Line line, int64_t begin, int64_t row, int64_t width) const {
    const auto operand = [&](int32_t i) { return operands_[i] + begin; };
    switch (rows_.kind) {
      case Composite::softmax: {
        const T* x = operand(0);
        T* y = operand(1);
        const Vec<T> most = most_of(line, x);
        const Vec<T> sum = exp_sum(line, x, most, y);
        const Vec<T> share = splat(T{1}) / sum;
        return each<T>(line, [&](int64_t at, int64_t n) ALWAYS_INLINE { put(y + at, get(y + at, n) * share, n); });
      }
      case Composite::logSoftmax: {
        const T* x = operand(0);
        T* y = operand(1);
        const Vec<T> most = most_of(line, x), logSum = log_of(exp_sum(line, x, most, nullptr));
        return each<T>(line,
                       [&](int64_t at, int64_t n) ALWAYS_INLINE { put(y + at, get(x + at, n) - most - logSum, n); });
      }
      case Composite::softmaxBackward: {
        const T *dy = operand(0), *y = operand(1);
        T* dx = operand(2);
        const Vec<T> sum =
            sum_of<T>(line, [&](int64_t at, int64_t n) ALWAYS_INLINE { return get(dy + at, n) * get(y + at, n); });
        return each<T>(line, [&](int64_t at, int64_t n)
                                 ALWAYS_INLINE { put(dx + at, (get(dy + at, n) - sum) * get(y + at, n), n); });
      }
      case Composite::logSoftmaxBackward: {
        const T *dy = operand(0), *y = operand(1);
        T* dx = operand(2);
        const Vec<T> sum = sum_of<T>(line, [&](int64_t at, int64_t n) ALWAYS_INLINE { return get(dy + at, n); });
        return each_run(line, [&](int64_t from, int64_t to) ALWAYS_INLINE {
          each_exponential(line, from, to, y, [&](int64_t at, int64_t n, Vec<T> e) ALWAYS_INLINE {
            put(dx + at, get(dy + at, n) - e * sum, n);
          }, Vec<T>{});
        });
      }
      case Composite::crossEntropy: {
        const T* x = operand(0);
        T *loss = operands_[2] + row, *mosts = operands_[3] + row, *logSums = operands_[4] + row;
        const Vec<T> most = most_of(line, x), logSum = log_of(exp_sum(line, x, most, nullptr));
        for (int64_t j = 0; j < width; j++) {
          const int64_t at = target(row, j);
          loss[j] = at < 0 ? T{0} : logSum[j] - (x[at] - most[j]);
        }
        put(mosts, most, width);
        return put(logSums, logSum, width);
      }
      case Composite::crossEntropyBackward: {
        const T* x = operand(0);
        T* dx = operand(5);
        Vec<T> most = get(operands_[2] + row, width), logSum = get(operands_[3] + row, width), dy{};
        for (int64_t j = 0; j < width; j++) dy[j] = target(row, j) < 0 ? T{0} : operands_[4][(row + j) * rows_.steps[4]];
        if (line.isRow) {
          most = splat(most[0]);
          logSum = splat(logSum[0]);
          dy = splat(dy[0]);
        }
        each_run(line, [&](int64_t from, int64_t to) ALWAYS_INLINE {
          each_exponential(line, from, to, x, [&](int64_t at, int64_t n, Vec<T> e) ALWAYS_INLINE {
            __builtin_prefetch(x + at + line.count * line.step);  // the next row
            __builtin_prefetch(dx + at + line.count * line.step, 1);
            put(dx + at, e * dy, n);
          }, most, logSum);
        });
        for (int64_t j = 0; j < width; j++) {
          const int64_t at = target(row, j);
          if (at >= 0) dx[at] -= dy[j];
        }
        return;
      }
      case Composite::moments:  // not of rows
#if !defined(__wasm__)
      case Composite::sliceNorm:
      case Composite::sliceNormBackward:
      case Composite::batchNorm:
      case Composite::batchNormBackward:
      case Composite::maxPool:
      case Composite::maxPoolWinners:
      case Composite::maxPoolBackward:
      case Composite::avgPool:
      case Composite::avgPoolBackward:
      case Composite::convolutionByInput:
#endif
      case Composite::count:
        return;
    }
  }

  /** Means, and sums of squared distances from them, over lines of rows: `pieces` lines, `apart` elements apart. */
  void moments(Line line, int64_t pieces, int64_t apart, int64_t begin, int64_t row, int64_t width) const {
    const T* x = operands_[0] + begin;
    Total<T> sum[1], squares[1];
    add_up_pieces(line, pieces, apart, sum, [&](int64_t at, int64_t n, Vec<T>* to) ALWAYS_INLINE { *to += get(x + at, n); });
    const Vec<T> mean = sum->value(line) / splat(static_cast<T>(int64_t{rows_.outer} * rows_.inner));
    add_up_pieces(line, pieces, apart, squares, [&](int64_t at, int64_t n, Vec<T>* to) ALWAYS_INLINE {
      const Vec<T> d = get(x + at, n, mean[0]) - mean;
      *to += d * d;
    });
    put(operands_[1] + row, mean, width);
    put(operands_[2] + row, squares->value(line), width);
  }

 private:
  static T* at(const Operand& x, const Memory& memory) {
    return reinterpret_cast<T*>(memory.rows[x.ref].data + x.offset * size_of(x.dtype));
  }

  /** The sum of e^(x - most), which are also written to y unless it is null. */
  __attribute__((noinline)) static Vec<T> exp_sum(Line line, const T* x, Vec<T> most, T* y) {
    Total<T> total;
    each_run(line, [&](int64_t from, int64_t to) ALWAYS_INLINE {
      Vec<T> sum{};
      each_exponential(line, from, to, x, [&](int64_t at, int64_t n, Vec<T> e) ALWAYS_INLINE {
        __builtin_prefetch(x + at + line.count * line.step);
        sum += e;
        if (y != nullptr) put(y + at, e, n);
      }, most);
      total.add(sum);
    });
    return total.value(line);
  }

  /** The position of the target of row + j among the elements, -1 if there is none. */
  ALWAYS_INLINE int64_t target(int64_t row, int64_t j) const {
    const int64_t t = reinterpret_cast<const int32_t*>(operands_[1])[row + j];
    return t == rows_.numbers[0] || t < 0 || t >= rows_.n ? -1 : t * rows_.inner + j;
  }

  const CompositeOp& rows_;
  T* operands_[maxCompositeOperands];
};

/** Elements per part. */
constexpr int64_t partElements = 1 << 14;

/** Calls f(i) for i from 0 to before `count`, each of `size` elements, on several threads if that pays off. */
template <class F> void for_each_row(int64_t count, int64_t size, const F& f) {
  const int64_t piece = size < partElements ? partElements / size : 1;
  auto part = [&](int64_t i) {
    for (int64_t k = i * piece; k < count && k < (i + 1) * piece; k++) f(k);
  };
  parallel_for((count + piece - 1) / piece, part);
}

#if !defined(__wasm__)
/** A product that no sum is fused with, as elsewhere. */
template <class X> INLINE X product(X a, X b) {
  X made = a * b;
  KEEP(made);
  return made;
}

}  // namespace flambeau::ISA
#include "channels.inl"
#include "slices.inl"
namespace flambeau::ISA {
#endif

template <class T> void rows_of(const CompositeOp& it, const Memory& memory) {
#if !defined(__wasm__)
  if (it.kind == Composite::sliceNorm) return Slices<T>(it, memory, it.steps[1]).forward();
  if (it.kind == Composite::sliceNormBackward) return Slices<T>(it, memory, it.steps[4]).backward();
  if (it.kind == Composite::batchNorm) return Channels<T>(it, memory).forward();
  if (it.kind == Composite::batchNormBackward) return Channels<T>(it, memory).backward();
#endif
  const Row<T> row(it, memory);
  constexpr int64_t L = lanes<T>;
  const int64_t outer = it.outer, n = it.n, inner = it.inner;
  if (it.kind == Composite::moments) {
    if (inner == 1) {
      return for_each_row((n + L - 1) / L, outer * L, [&](int64_t i) {
        const int64_t width = n - i * L < L ? n - i * L : L;
        row.moments(beside<T>(outer, n, width), 1, 0, i * L, i * L, width);
      });
    }
    return for_each_row(n, outer * inner,
                        [&](int64_t i) { row.moments(in_row<T>(inner), outer, n * inner, i * inner, i, 1); });
  }
  if (inner == 1) {
    return for_each_row(outer, n, [&](int64_t i) { row.run(in_row<T>(n), i * n, i, 1); });
  }
  const int64_t tiles = (inner + L - 1) / L;
  for_each_row(outer * tiles, n * L, [&](int64_t i) {
    const int64_t at = i % tiles * L, width = inner - at < L ? inner - at : L;
    row.run(beside<T>(n, inner, width), i / tiles * n * inner + at, i / tiles * inner + at, width);
  });
}

void pool(const CompositeOp&, const Memory&);
void by_input(const CompositeOp&, const Memory&);

void composite(const CompositeOp& it, const Memory& memory) {
#if !defined(__wasm__)
  if (it.kind == Composite::convolutionByInput) return by_input(it, memory);
  if (it.kind >= Composite::maxPool) return pool(it, memory);
#endif
  it.dtype == DType::float32 ? rows_of<float>(it, memory) : rows_of<double>(it, memory);
}

}  // namespace flambeau::ISA
