// Padding: copies rows to their places in a longer tensor and fills what is between them, in one pass in the order of
// memory, so that each element is written where the cache has just been written.
#pragma once
#include "../pool.h"
#include "box.inl"

namespace flambeau::ISA {

/** Elements from `from` to before `to` become `value`; whole vectors are written up to `end`. */
template <class T> INLINE void fill_gap(T* from, const T* to, const T* end, Vec<T> value) {
  constexpr int64_t L = lanes<T>;
  for (; from < to; from += L) {
    if (end - from >= L) {
      store(from, value);
    } else {
      store_some(from, value, to - from < L ? to - from : L);
    }
  }
}

/** Copies n elements that are `step` apart to a row; whole vectors are written up to `end`. */
template <class T> INLINE void put_row(const T* p, int64_t n, int64_t step, T* q, const T* end) {
  constexpr int64_t L = lanes<T>;
  if (step != 1) {
    for (int64_t i = 0; i < n; i++) q[i] = p[i * step];
    return;
  }
  int64_t i = 0;
  for (; i + L <= n; i += L) store(q + i, load(p + i));
  if (i == n) return;
  const Vec<T> rest = load_some(p + i, n - i);
  end - (q + i) >= L ? store(q + i, rest) : store_some(q + i, rest, n - i);
}

/**
 * Copies up to `count` rows of n elements, each with the gap up to the next row, by whole vectors that end before `end`.
 * Returns how many. What a vector writes behind a row's last element is the gap's already if the filler is 0.
 */
template <class T>
static int64_t put_rows(const T* p, int64_t pStep, int64_t n, int64_t count, T* q, int64_t qStep, const T* end,
                        Vec<T> value, bool isZero) {
  constexpr int64_t L = lanes<T>;
  const int64_t whole = n / L * L, rest = n - whole, filled = rest > 0 && isZero ? whole + L : n;
  const int64_t room = (end - q - L) / qStep, most = count < room ? count : room;
  for (int64_t j = 0; j < most; j++, p += pStep, q += qStep) {
    for (int64_t i = 0; i < whole; i += L) store(q + i, load(p + i));
    if (rest > 0) store(q + whole, load_some(p + whole, rest));
    for (int64_t i = filled; i < qStep; i += L) store(q + i, value);
  }
  return most < 0 ? 0 : most;
}

/** The elements of a part, which is a thread's. */
constexpr int64_t padPart = 1 << 15;

/** Where a row begins, and the next ones. */
class PadRow {
 public:
  PadRow(const Pad& it, int64_t row) : it_(it) {
    for (int32_t l = it.depth - 2; l >= 0; row /= it.sizes[l--]) move(l, index_[l] = row % it.sizes[l]);
  }
  int64_t from = 0, to = 0;

  /** How many more rows have the same steps between them. */
  int64_t left() const { return it_.depth < 2 ? 1 : it_.sizes[it_.depth - 2] - index_[it_.depth - 2]; }

  void skip(int64_t rows) {
    for (int32_t l = it_.depth - 2; l >= 0; l--, rows = 1) {
      move(l, rows);
      if ((index_[l] += rows) < it_.sizes[l]) return;
      move(l, -index_[l]);
      index_[l] = 0;
    }
  }

 private:
  void move(int32_t l, int64_t turns) {
    from += turns * it_.from.steps[l];
    to += turns * it_.to.steps[l];
  }

  const Pad& it_;
  int64_t index_[maxDepth];
};

template <class T> static void pad_as(const Pad& it, const Memory& memory) {
  alignas(64) char filler[VECTOR_BYTES];
  put_number(filler, it.to.operand.dtype, it.value);
  const Vec<T> value = load(reinterpret_cast<const T*>(filler));
  constexpr char zeros[VECTOR_BYTES] = {};
  const bool isZero = !isFetched && memcmp(filler, zeros, sizeof filler) == 0;
  const T* const from = it.from.operand.in<T>(memory);
  T *const to = it.to.operand.in<T>(memory), *const first = to + it.first;
  const int64_t n = it.sizes[it.depth - 1], step = it.from.steps[it.depth - 1];
  const int64_t fromStep = it.depth < 2 ? 0 : it.from.steps[it.depth - 2];
  const int64_t toStep = it.depth < 2 ? 0 : it.to.steps[it.depth - 2];
  int64_t rows = 1;
  for (int32_t l = 0; l < it.depth - 1; l++) rows *= it.sizes[l];
  const int64_t each = it.count / rows, many = each < padPart ? padPart / each : 1, parts = (rows + many - 1) / many;
  // A part begins behind the last row of the one before, and ends with a row of its own or with the tensor.
  auto part = [&](int64_t i) {
    const int64_t begin = i * many, end = i == parts - 1 ? rows : begin + many;
    PadRow row(it, begin);
    T* done = begin == 0 ? to : first + PadRow(it, begin - 1).to + n;
    T* const last = end == rows ? to + it.count : first + PadRow(it, end - 1).to + n;
    for (int64_t r = begin, count; r < end; r += count, row.skip(count)) {
      count = row.left() < end - r ? row.left() : end - r;
      const T* p = from + row.from;
      T* q = first + row.to;
      int64_t j = 0;
      if constexpr (!isFetched) {
        if (step == 1 && toStep > n) {
          fill_gap<T>(done, q, last, value);
          j = put_rows<T>(p, fromStep, n, count, q, toStep, last, value, isZero);
          p += j * fromStep;
          q += j * toStep;
          done = q;
        }
      }
      for (; j < count; j++, p += fromStep, q += toStep) {
        fill_gap<T>(done, q, last, value);
        put_row<T>(p, n, step, q, last);
        done = q + n;
      }
    }
    fill_gap<T>(done, last, last, value);
  };
  parallel_for(parts, part);
}

void pad(const Pad& it, const Memory& memory) {
  switch (size_of(it.to.operand.dtype)) {
    case 4:
      return pad_as<float>(it, memory);
    case 8:
      return pad_as<double>(it, memory);
    default:
      return pad_as<uint8_t>(it, memory);
  }
}

}  // namespace flambeau::ISA
