// Maxima of windows over planes of float32, their winners, and the gradients of those. Each row of the input is combined along itself first, with windows side by side in a vector, and the results of rows, in the cache, are
// then combined across them. A gradient is gathered: each element is written once, as the sum over its windows in their
// order. Threads share whole rows, so results are the same for any number of threads.
#include "means.inl"
#include "room.inl"
#include "tiles.inl"
#include "windows.inl"

namespace flambeau::ISA {
namespace {

/** Bytes of rows that are kept in the cache. */
constexpr int64_t blockBytes = 1 << 13;

class Windows {
 public:
  explicit Windows(const Planes& planes)
      : planes_(planes), rows_(planes.rows), columns_(planes.columns), operands_(planes.operands) {}

  template <class P> void forward() const {
    planes_.each_result([&](auto step, auto kernel, int64_t from, int64_t to) {
      if (step.value == 2 && planes_.are_tiles()) from = reduce_tiles<P>(from, to);
      reduce<P, step.value, kernel.value>(from, to);
    });
  }

  void backward() const {
    planes_.each_element([&](auto step, auto kernel, int64_t from, int64_t to) {
      if (step.value == 2 && planes_.are_tiles()) from = spread_tiles(from, to);
      spread<step.value, kernel.value>(from, to);
    });
  }

 private:
  // ---- forward ----

  /**
   * Combines the taps of windows from `k` on, side by side along a row whose element 0 is at p. Vectors reach beyond
   * both ends of the row. `isEdge`: some taps are outside of it. `known`: the kernel's size, or 0.
   */
  template <class P, int step, int known, bool isEdge>
  ALWAYS_INLINE static P along(const Axis& c, const float* p, int64_t k) {
    const int64_t kernel = known == 0 ? c.kernel : known, corner = k * step - c.low;
    const Places places = places_from(corner, step);
    // Where nothing is larger than what is around the row, the first tap in it wins.
    const Places before = -places < static_cast<uint32_t>(kernel) ? -places : Places{};
    P of(splat(outside), __builtin_convertvector(before, V));
    const auto add = [&](V x, int64_t j) ALWAYS_INLINE {
      const V number = splat(numbers.all[j]);
      if constexpr (isEdge) {
        of.add(P(places + static_cast<uint32_t>(j) < static_cast<uint32_t>(c.in) ? x : splat(outside), number));
      } else if (j == 0) {
        of = P(x, number);
      } else {
        of.add(P(x, number));
      }
    };
#pragma GCC unroll 2
    for (int64_t j = 0; j < kernel; j += step) {
      const Apart<step> taps(p + corner + j);
      add(taps.template at<0>(), j);
      if constexpr (step == 2)
        if (j + 1 < kernel) add(taps.template at<1>(), j + 1);
    }
    return of;
  }

  /** Windows of results `from` to before `to`, which are rows of all planes. */
  template <class P, int step, int known> void reduce(int64_t from, int64_t to) const {
    // Copies, which a store cannot change.
    const Axis r = rows_, c = columns_;
    const bool isRun = c.tiles();
    // The elements after a row that vectors may read, and those of a row of results that they write.
    const int64_t beyond = (L + 1) * c.stride + c.kernel, wide = multiple(c.out, L), pitch = isRun ? c.out : wide;
    const int64_t fits = blockBytes / (pitch * P::kinds * int64_t{sizeof(float)});
    const int64_t height = least(r.out, most(1, (fits - r.kernel) / r.stride + 1));
    const int64_t size = ((height - 1) * r.stride + r.kernel) * pitch + L;
    Workspace<24576> workspace(bytes_of<float>(size * P::kinds) + bytes_of<float>(c.low + c.in + beyond) +
                               bytes_of<float>(2 * wide));
    if (workspace.at() == nullptr) out_of_memory();
    Room room(workspace.at());
    const Lines lines{room.take<float>(size * P::kinds), size};
    float *const copied = room.take<float>(c.low + c.in + beyond) + c.low, *const spare = room.take<float>(2 * wide);
    const int64_t start = c.low, end = planes_.count * r.in * c.in - c.in - beyond;
    // Vectors from `whole` to before `part` have all their taps in the row.
    const int64_t whole = (c.low + c.stride - 1) / c.stride;
    const bool isWhole = (c.out - 1) * c.stride - c.low + c.kernel <= c.in;
    const int64_t part = isWhole ? c.out : (c.in + c.low - c.kernel) / c.stride - L + 2;
    const float* const input = operands_[0];
    float* const outputs[] = {operands_[1], operands_[2]};
    const int64_t last = to * c.out - wide;
    for (int64_t i = from; i < to;) {
      const int64_t plane = i / r.out, top = i % r.out, bottom = least(least(top + height, r.out), top + to - i);
      const int64_t begin = most(0, top * r.stride - r.low);
      const int64_t stop = least(r.in, (bottom - 1) * r.stride - r.low + r.kernel);
      for (int64_t h = begin; h < stop;) {
        const int64_t begins = (plane * r.in + h) * c.in;
        const float* x = input + begins;
        int64_t together = 1;
        if (begins < start || begins > end) {
          for (int64_t k = 0; k < c.in; k++) copied[k] = x[k];
          x = copied;
        } else if (isRun) {
          together = least(stop - h, (end - begins) / c.in + 1);
        }
        const int64_t count = together * c.out, at = (h - begin) * pitch, complete = isRun ? count : part;
        for (int64_t k = 0; k < count; k += L) {
          const bool isEdge = k < whole || k >= complete;
          (isEdge ? along<P, step, known, true>(c, x, k) : along<P, step, known, false>(c, x, k)).keep(lines, at + k);
        }
        h += together;
      }
      int64_t corner = top * r.stride - r.low, row = i * c.out;
      for (; i < plane * r.out + bottom; i++, corner += r.stride, row += c.out) {
        int64_t j = 0, taps = r.kernel;
        if (corner < 0 || corner + taps > r.in) {
          j = most(0, -corner);
          taps = least(taps, r.in - corner) - j;
        }
        const float* const first = numbers.all + j * c.kernel;
        // Vectors reach beyond the end of a row: the next one of this part is written later.
        const bool isLast = row > last;
        float* y[P::kinds];
        for (int which = 0; which < P::kinds; which++) y[which] = isLast ? spare + which * wide : outputs[which] + row;
        for (int64_t k = 0, line = (corner + j - begin) * pitch; k < c.out; k += L, line += L) {
          P of(lines, line, splat(first[0]));
          const auto add = [&](int64_t t) ALWAYS_INLINE {
            of.add(P(lines, line + t * pitch, splat(first[t * c.kernel])));
          };
          if (known > 0 && taps == known) {
#pragma GCC unroll 2
            for (int64_t t = 1; t < known; t++) add(t);
          } else {
            for (int64_t t = 1; t < taps; t++) add(t);
          }
          for (int which = 0; which < P::kinds; which++) store(y[which] + k, of.result(which));
        }
        if (isLast)
          for (int which = 0; which < P::kinds; which++)
            memcpy(outputs[which] + row, y[which], static_cast<size_t>(c.out) * sizeof(float));
      }
    }
  }

  // ---- gradients ----

  /** A row of windows that reaches rows of elements: gradients, winners, and the numbers of its taps in the first. */
  struct Reaching {
    const float *dy, *winners, *numbers;
  };
  /** Rows of windows, from the first on, and by how much the numbers of their taps are larger. */
  struct Reached {
    const Reaching* rows;
    int64_t count, more;
  };

  /**
   * Adds to `sum` what windows `o` and those before it give to their taps `phase`, `phase + step` and so on, in the
   * order of the windows. `isEdge`: some are not there. `known`: the kernel's size, or 0.
   */
  template <int step, int known, bool isEdge>
  ALWAYS_INLINE static void gather(const Axis& c, const Reaching& row, int64_t more, int64_t o, int64_t phase, V& sum) {
    const int64_t kernel = known == 0 ? c.kernel : known;
#pragma GCC unroll 2
    for (int64_t back = (kernel - 1 - phase + step) / step - 1; back >= 0; back--) {
      auto hits = load(row.winners + o - back) == splat(row.numbers[more + phase + back * step]);
      if constexpr (isEdge) hits &= places_from(o - back, 1) < static_cast<uint32_t>(c.out);
      sum += hits ? load(row.dy + o - back) : V{};
    }
  }

  /** The gradient of a row, in whole vectors. Those from `whole` to before `end` have all their windows. */
  template <int step, int known>
  ALWAYS_INLINE static void gather_row(const Axis& c, const Reached& of, float* dx, int64_t whole, int64_t end) {
    const int64_t isOdd = step == 2 ? c.low % 2 : 0, before = c.low / step;
    for (int64_t m = 0; m * step < c.in; m += L) {
      V even{}, odd{};
      const auto add = [&](auto isEdge) ALWAYS_INLINE {
        for (int64_t k = 0; k < of.count; k++) {
          gather<step, known, isEdge.value>(c, of.rows[k], of.more, m + before + isOdd, 0, even);
          if constexpr (step == 2) gather<step, known, isEdge.value>(c, of.rows[k], of.more, m + before, 1, odd);
        }
      };
      m < whole || m >= end ? add(Known<1>{}) : add(Known<0>{});
      if constexpr (step == 2) {
        interleave(isOdd ? odd : even, isOdd ? even : odd, dx + 2 * m);
      } else {
        store(dx + m, even);
      }
    }
  }

  /**
   * The gradients of two rows under windows of 3 x 3 that are two apart: of the first one, which windows of both `above` and
   * `own` reach, and of the next, which only those of `own` do. What a vector of windows has is loaded once for both.
   */
  template <int isOdd>
  ALWAYS_INLINE static void gather_rows(const Axis& c, const Reaching& above, const Reaching& own, float* dx) {
    const int64_t before = c.low / 2;
    for (int64_t m = 0; 2 * m < c.in; m += L) {
      // The last windows that have the elements, and those before them.
      const int64_t last = m + before + isOdd;
      const bool isEdge = last < 1 || last + L > c.out;
      V sums[2][2]{};
      const auto add = [&](auto edge, const Reaching& row, float first, int which) ALWAYS_INLINE {
        V dy[2], winners[2];
#pragma GCC unroll 2
        for (int64_t back = 0; back < 2; back++) {
          dy[back] = load(row.dy + last - back);
          winners[back] = load(row.winners + last - back);
          // What is added for windows that are not there is 0.
          if constexpr (edge.value) dy[back] = places_from(last - back, 1) < static_cast<uint32_t>(c.out) ? dy[back] : V{};
        }
        V &twice = sums[which][0], &once = sums[which][1];
        twice = winners[1] == splat(first + 2) ? twice + dy[1] : twice;
        twice = winners[0] == splat(first) ? twice + dy[0] : twice;
        once = winners[isOdd] == splat(first + 1) ? once + dy[isOdd] : once;
      };
      const auto add_all = [&](auto edge) ALWAYS_INLINE {
        add(edge, above, 6, 0);
        add(edge, own, 0, 0);
        add(edge, own, 3, 1);
      };
      isEdge ? add_all(Known<1>{}) : add_all(Known<0>{});
      const int64_t left = c.in - 2 * m;
#pragma GCC unroll 2
      for (int64_t which = 0; which < 2; which++) {
        const V first = sums[which][isOdd], second = sums[which][1 - isOdd];
        float* const to = dx + which * c.in + 2 * m;
        put(to, zipped<float, 0>(first, second, AllLanes<float>{}), left);
        if (left > L) put(to + L, zipped<float, 1>(first, second, AllLanes<float>{}), left - L);
      }
    }
  }

  /** Gradients of rows `from` to before `to`, of all planes. */
  template <int step, int known> void spread(int64_t from, int64_t to) const {
    // Copies, which a store cannot change.
    const Axis r = rows_, c = columns_;
    // The elements before and after a row of windows that vectors may read, and those of a row that they write.
    const int64_t beyond = 2 * L + c.kernel, size = c.out + 2 * beyond, wide = multiple(c.in, 2 * L);
    const int64_t all = planes_.count * r.out * c.out;
    Workspace<24576> workspace(bytes_of<float>(2 * r.kernel * size) + bytes_of<float>(wide));
    if (workspace.at() == nullptr) out_of_memory();
    Room room(workspace.at());
    float *const copies = room.take<float>(2 * r.kernel * size) + beyond, *const spare = room.take<float>(wide);
    const int64_t whole = (c.kernel - 1) / c.stride - c.low / c.stride;
    const int64_t end = (c.in - 1 + c.low) / c.stride < c.out ? c.in : (c.out * c.stride - c.low) / c.stride - L + 1;
    const float* const dys = operands_[0], *const winners = operands_[1];
    float* const dxs = operands_[2];
    int64_t i = from, plane = from / r.in, h = from % r.in;
    while (i < to) {
      // The rows that window row `o` is the last to reach, of those that there might be.
      int64_t o = (h + r.low) / r.stride, tap = (h + r.low) % r.stride;
      for (; h < r.in && i < to; o++, tap = 0) {
        Reaching rows[maxPoolTaps];
        Reached of{rows, 0, tap * c.kernel};
        // Earlier ones reach with taps further on.
        int64_t back = 0;
        while (tap + (back + 1) * r.stride < r.kernel) back++;
        for (; back >= 0; back--) {
          if (back > o || o - back >= r.out) continue;
          const int64_t at = (plane * r.out + o - back) * c.out;
          Reaching& row = rows[of.count];
          row = {dys + at, winners + at, numbers.all + back * r.stride * c.kernel};
          if (at < beyond || at + c.out + beyond > all) {
            float* const copy = copies + 2 * of.count * size;
            for (int64_t k = 0; k < c.out; k++) {
              copy[k] = row.dy[k];
              copy[size + k] = row.winners[k];
            }
            row.dy = copy;
            row.winners = copy + size;
          }
          of.count++;
        }
        if (!isFetched && step == 2 && known == 3 && r.stride == 2 && of.count == 2 && h + 1 < r.in && i + 1 < to) {
          float* const dx = dxs + i * c.in;
          c.low % 2 ? gather_rows<1>(c, rows[0], rows[1], dx) : gather_rows<0>(c, rows[0], rows[1], dx);
          tap += 2;
          h += 2;
          i += 2;
        }
        for (; tap < r.stride && h < r.in && i < to; tap++, h++, i++, of.more += c.kernel) {
          while (of.count > 0 && of.rows->numbers + of.more >= numbers.all + r.kernel * c.kernel) {
            of.rows++;
            of.count--;
          }
          // Vectors reach beyond the end of a row: the next one of this part is written later.
          float* const dx = dxs + i * c.in;
          const bool isLast = i * c.in + wide > to * c.in;
          gather_row<step, known>(c, of, isLast ? spare : dx, whole, end);
          if (isLast) memcpy(dx, spare, static_cast<size_t>(c.in) * sizeof(float));
        }
      }
      plane++;
      h = 0;
    }
  }

  // ---- windows of 2 x 2 side by side ----

  template <class P> int64_t reduce_tiles(int64_t from, int64_t to) const {
    float *const y = operands_[1], *const winners = operands_[2];
    return Tiles(columns_.out).each(operands_[0], from, to, [=](int64_t at, const V* tap) ALWAYS_INLINE {
      P of(tap[0], V{});
#pragma GCC unroll 3
      for (int k = 1; k < 4; k++) of.add(P(tap[k], splat(static_cast<float>(k))));
      store(y + at, of.result(0));
      if constexpr (P::kinds == 2) store(winners + at, of.result(1));
    });
  }
  int64_t spread_tiles(int64_t from, int64_t to) const {
    const float *const dy = operands_[0], *const winners = operands_[1];
    // -0 becomes 0, as in other sums.
    const auto windows = [=](int64_t at, V* of) ALWAYS_INLINE {
      of[0] = load(dy + at) + V{};
      of[1] = load(winners + at);
    };
    const auto taps = [](const V* of, V tap) ALWAYS_INLINE { return of[1] == tap ? of[0] : V{}; };
    return 2 * Tiles(columns_.out).fill<2>(operands_[2], from / 2, to / 2, windows, taps);
  }

  const Planes& planes_;
  const Axis rows_, columns_;
  float* const* const operands_;
};

}  // namespace

void pool(const CompositeOp& it, const Memory& memory) {
  const Planes planes(it, memory, it.kind == Composite::maxPoolBackward || it.kind == Composite::avgPoolBackward);
  const Windows windows(planes);
  const Means means(planes, it.numbers + 8);
  switch (it.kind) {
    case Composite::maxPool:
      return windows.forward<Largest>();
    case Composite::maxPoolWinners:
      return windows.forward<Winner>();
    case Composite::maxPoolBackward:
      return windows.backward();
    case Composite::avgPool:
      return means.forward();
    default:
      return means.backward();
  }
}

}  // namespace flambeau::ISA
