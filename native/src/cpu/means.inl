// Means of windows over planes of float32, and their gradients. Rows are copied with zeros around them, elements that are
// `step` apart side by side, so that each tap of a vector of windows is one load. Sums are floats, in the order of a
// window, and gradients are added in the order of the windows that have an element: the same additions as in PyTorch.
#pragma once
#include "room.inl"
#include "tiles.inl"

namespace flambeau::ISA {
namespace {

/** Elements of rows that are kept in the cache. */
constexpr int64_t blockElements = 1 << 11;

class Means {
 public:
  /** `numbers`: the divisor, or 0, and whether elements around the planes count. */
  Means(const Planes& planes, const int32_t* numbers)
      : planes_(planes), rows_(planes.rows), columns_(planes.columns), from_(planes.operands[0]),
        to_(planes.operands[1]), isAround_(numbers[1] != 0) {
    const bool isComplete = is_complete(rows_) && is_complete(columns_);
    const float divisor = static_cast<float>(numbers[0] == 0 ? rows_.kernel * columns_.kernel : numbers[0]);
    int exponent;
    const float fraction = __builtin_frexpf(divisor, &exponent);
    quotient_.isSame = numbers[0] != 0 || isComplete;
    quotient_.isFactor = quotient_.isSame && (fraction == 0.5f || fraction == -0.5f);
    quotient_.by = splat(quotient_.isFactor ? 1 / divisor : divisor);
  }

  void forward() const {
    planes_.each_result([&](auto step, auto kernel, int64_t from, int64_t to) {
      if (step.value == 2 && planes_.are_tiles() && quotient_.isFactor) {
        const V by = quotient_.by;
        float* const y = to_;
        from = Tiles(columns_.out).each(from_, from, to, [=](int64_t at, const V* tap) ALWAYS_INLINE {
          store(y + at, product(tap[0] + tap[1] + tap[2] + tap[3], by));
        });
      }
      reduce<step.value, kernel.value>(from, to);
    });
  }

  void backward() const {
    planes_.each_element([&](auto step, auto kernel, int64_t from, int64_t to) {
      if (step.value == 2 && planes_.are_tiles() && quotient_.isFactor) {
        const V by = quotient_.by;
        const float* const dy = from_;
        const auto get = [=](int64_t at, V* of) ALWAYS_INLINE { *of = product(load(dy + at), by); };
        from = 2 * Tiles(columns_.out).fill<1>(to_, from / 2, to / 2, get, [](const V* of, V) { return *of; });
      }
      spread<step.value, kernel.value>(from, to);
    });
  }

 private:
  /** Divides sums of a row of windows. */
  struct Quotient {
    /** What all sums are divided by, or multiplied with if the result is the same; or the number of elements across. */
    V by;
    bool isSame, isFactor;
    /** The numbers of elements along, unless all are the same. */
    const float* along;

    ALWAYS_INLINE V of(V sum, int64_t k) const {
      if (isFactor) return product(sum, by);
      return sum / (isSame ? by : by * load(along + k)) + V{};
    }
  };
  /** As sums begin with 0, no result is -0, even if it is rounded to 0. */
  ALWAYS_INLINE static V product(V sum, V by) {
    V made = sum * by;
    KEEP(made);
    return made + V{};
  }

  int64_t around(const Axis& axis) const { return isAround_ ? axis.low : 0; }
  /** Whether all elements of all windows count. */
  bool is_complete(const Axis& axis) const {
    return axis.low <= around(axis) && (axis.out - 1) * axis.stride - axis.low + axis.kernel <= axis.in + around(axis);
  }
  /** The elements that count, of window number o. */
  float count(const Axis& axis, int64_t o) const {
    const int64_t from = o * axis.stride - axis.low;
    return static_cast<float>(least(from + axis.kernel, axis.in + around(axis)) - most(from, -around(axis)));
  }
  /** The quotient of windows, for all rows. `line` has room for whole vectors. */
  Quotient along(float* line) const {
    Quotient quotient = quotient_;
    quotient.along = line;
    for (int64_t k = 0; k < multiple(columns_.out, L); k++) line[k] = k < columns_.out ? count(columns_, k) : 1;
    return quotient;
  }
  void across(Quotient& quotient, int64_t o) const {
    if (!quotient.isSame) quotient.by = splat(count(rows_, o));
  }

  /** Means of results `from` to before `to`, which are rows of all planes. `known`: the kernel's size, or 0. */
  template <int step, int known> void reduce(int64_t from, int64_t to) const {
    // Copies, which a store cannot change.
    const Axis r = rows_, c = columns_;
    const int64_t wide = multiple(c.out, L);
    const int64_t pitch = multiple(most(wide + c.kernel, multiple(c.in, step * L) / step + c.low + 1), L);
    const int64_t size = step * pitch, height = least(r.out, most(1, (blockElements / size - r.kernel) / r.stride + 1));
    const int64_t all = ((height - 1) * r.stride + r.kernel) * size;
    Workspace<24576> workspace(bytes_of<float>(all) + bytes_of<float>(wide));
    if (workspace.at() == nullptr) out_of_memory();
    Room room(workspace.at());
    float *const copies = room.take<float>(all), *const line = room.take<float>(wide);
    memset(copies, 0, static_cast<size_t>(all) * sizeof(float));
    Quotient quotient = along(line);
    for (int64_t i = from; i < to;) {
      const int64_t plane = i / r.out, top = i % r.out, bottom = least(least(top + height, r.out), top + to - i);
      const int64_t first = most(0, top * r.stride - r.low);
      const int64_t last = least(r.in, (bottom - 1) * r.stride - r.low + r.kernel);
      for (int64_t h = first; h < last; h++)
        copy<step>(from_ + (plane * r.in + h) * c.in, c, copies + (h - first) * size, pitch);
      for (int64_t o = top; o < bottom; o++, i++) {
        const int64_t corner = o * r.stride - r.low, begin = most(0, corner), count = least(r.in, corner + r.kernel) - begin;
        across(quotient, o);
        add_taps<step, known>(c, copies + (begin - first) * size, count, pitch, quotient, to_ + i * c.out);
      }
    }
  }
  /** Means of a row of windows that has `count` rows of elements. */
  template <int step, int known>
  ALWAYS_INLINE static void add_taps(const Axis& c, const float* lines, int64_t count, int64_t pitch,
                                     const Quotient& quotient, float* y) {
    for (int64_t k = 0; k < c.out; k += L) {
      V sum{};
      const auto add = [&](const float* line, int64_t j) ALWAYS_INLINE { sum += load(line + j % step * pitch + j / step); };
      const float* line = lines + k;
      if (known > 0 && count == known) {
#pragma GCC unroll 3
        for (int64_t t = 0; t < known; t++, line += step * pitch) {
#pragma GCC unroll 3
          for (int64_t j = 0; j < known; j++) add(line, j);
        }
      } else {
        for (int64_t t = 0; t < count; t++, line += step * pitch)
          for (int64_t j = 0; j < c.kernel; j++) add(line, j);
      }
      put(y + k, quotient.of(sum, k), c.out - k);
    }
  }
  /** Copies a row between zeros: element e of it, and those before, to element e / step of the line e % step. */
  template <int step> ALWAYS_INLINE static void copy(const float* x, const Axis& c, float* to, int64_t pitch) {
    float *const first = to + c.low % step * pitch + c.low / step;
    float *const second = to + (c.low + 1) % step * pitch + (c.low + 1) / step;
    for (int64_t k = 0; k * step < c.in; k += L) {
      const int64_t left = c.in - k * step;
      if constexpr (step == 1) {
        store(first + k, get(x + k, left));
      } else {
        const Apart<2> pairs = left < 2 * L ? Apart<2>(x + 2 * k, left) : Apart<2>(x + 2 * k);
        store(first + k, pairs.template at<0>());
        store(second + k, pairs.template at<1>());
      }
    }
  }

  /** Gradients of rows `from` to before `to`, of all planes. */
  template <int step, int known> void spread(int64_t from, int64_t to) const {
    const Axis r = rows_, c = columns_;
    const int64_t wide = multiple(c.out, L);
    const int64_t size = multiple(c.kernel + most(wide, (c.in + c.low) / step + 1 + L), L);
    const int64_t height = least(r.in, most(1, (blockElements / size - 1) * r.stride - r.kernel + 1));
    const int64_t all = ((height + r.kernel - 2) / r.stride + 1) * size;
    Workspace<24576> workspace(bytes_of<float>(all) + bytes_of<float>(wide));
    if (workspace.at() == nullptr) out_of_memory();
    Room room(workspace.at());
    float *const quotients = room.take<float>(all), *const line = room.take<float>(wide);
    memset(quotients, 0, static_cast<size_t>(all) * sizeof(float));
    Quotient quotient = along(line);
    // The rows of windows that have row h of elements.
    const auto begin = [&](int64_t h) { return h + r.low < r.kernel ? 0 : (h + r.low - r.kernel) / r.stride + 1; };
    const auto end = [&](int64_t h) { return least(r.out, (h + r.low) / r.stride + 1); };
    for (int64_t i = from; i < to;) {
      const int64_t plane = i / r.in, top = i % r.in, bottom = least(least(top + height, r.in), top + to - i);
      const int64_t first = begin(top);
      for (int64_t o = first; o < end(bottom - 1); o++) {
        const float* const dy = from_ + (plane * r.out + o) * c.out;
        float* const by = quotients + (o - first) * size + c.kernel;
        across(quotient, o);
        for (int64_t k = 0; k < c.out; k += L) store(by + k, quotient.of(get(dy + k, c.out - k), k));
      }
      for (int64_t h = top; h < bottom; h++, i++) {
        const float* const lines = quotients + (begin(h) - first) * size + c.kernel;
        add_windows<step, known>(c, lines, end(h) - begin(h), size, to_ + i * c.in);
      }
    }
  }
  /** The gradient of a row that has `count` rows of windows. */
  template <int step, int known>
  ALWAYS_INLINE static void add_windows(const Axis& c, const float* lines, int64_t count, int64_t size, float* dx) {
    const int64_t isOdd = step == 2 ? c.low % 2 : 0, before = c.low / step, kernel = known == 0 ? c.kernel : known;
    for (int64_t m = 0; m * step < c.in; m += L) {
      V sums[step]{};
      const float* line = lines + m + before;
      for (int64_t t = 0; t < count; t++, line += size) {
#pragma GCC unroll 2
        for (int64_t phase = 0; phase < step; phase++) {
#pragma GCC unroll 3
          for (int64_t back = (kernel - phase + step - 1) / step - 1; back >= 0; back--)
            sums[phase] += load(line + (phase == 0 ? isOdd : 0) - back);
        }
      }
      const int64_t left = c.in - m * step;
      if constexpr (step == 1) {
        put(dx + m, sums[0], left);
      } else {
        const V even = isOdd ? sums[1] : sums[0], odd = isOdd ? sums[0] : sums[1];
        put(dx + 2 * m, zipped<float, 0>(even, odd, AllLanes<float>{}), left);
        if (left > L) put(dx + 2 * m + L, zipped<float, 1>(even, odd, AllLanes<float>{}), left - L);
      }
    }
  }

  const Planes& planes_;
  const Axis rows_, columns_;
  const float* const from_;
  float* const to_;
  const bool isAround_;
  Quotient quotient_;
};

}  // namespace
}  // namespace flambeau::ISA
