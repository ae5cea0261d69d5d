// Norms of slices, which are layers or groups of channels: a slice is read from memory once, and from the cache for
// everything else. Part of rows.cc. Sums accumulate in double precision; threads share whole parts of the slices, whose
// number follows from sizes alone, so results are the same for any number of threads.
#pragma once

namespace flambeau::ISA {

template <class T> class Slices {
 public:
  Slices(const CompositeOp& op, const Memory& memory, int64_t repeat)
      : channels_(op.n), elements_(op.inner), count_(int64_t{op.n} * op.inner), slices_(op.outer), repeat_(repeat),
        together_(count_ * mostTogether <= someElements ? mostTogether : count_ < someElements ? someElements / count_ : 1),
        biases_(half_a_page_behind((repeat * op.n + 7) / 8 * 8)) {
    for (int32_t i = 0; i < maxCompositeOperands; i++) {
      const Operand& x = op.operands[i];
      operands_[i] = reinterpret_cast<T*>(memory.rows[x.ref].data + x.offset * size_of(x.dtype));
    }
  }

  void forward() const {
    const int64_t piece = count_ < partElements ? partElements / count_ : 1;
    auto part = [&](int64_t p) {
      const int64_t end = (p + 1) * piece < slices_ ? (p + 1) * piece : slices_;
      for (int64_t i = p * piece; i < end; i += together_) normalise(i, end - i < together_ ? end - i : together_);
    };
    parallel_for((slices_ + piece - 1) / piece, part);
  }

  void backward() const {
    const int64_t all = repeat_ * channels_;
    int64_t parts = slices_ * count_ / partElements;
    parts = parts < 1 ? 1 : parts > mostParts ? mostParts : parts;
    if (parts > slices_) parts = slices_;
    if (parts * all > mostSums) parts = all > mostSums ? 1 : mostSums / all;
    // Of weights, then of biases.
    const int64_t sums = padded((biases_ + all) * static_cast<int64_t>(sizeof(double)) + slack);
    const int64_t runs = elements_ > 1 ? 0 : padded((biases_ + all) * static_cast<int64_t>(sizeof(T)) + slack);
    Workspace<65536> workspace(parts * (sums + runs));
    if (workspace.at() == nullptr) out_of_memory();
    const auto sums_of = [&](int64_t p) { return reinterpret_cast<double*>(workspace.at() + p * (sums + runs)); };
    auto part = [&](int64_t p) {
      double* const to = sums_of(p);
      T* const run = reinterpret_cast<T*>(to) + sums / static_cast<int64_t>(sizeof(T));
      memset(to, 0, static_cast<size_t>(sums + runs));
      const int64_t end = slices_ * (p + 1) / parts;
      int64_t added = 0;
      for (int64_t i = slices_ * p / parts, count; i < end; i += count) {
        count = end - i < together_ ? end - i : together_;
        differentiate(i, count, to, run);
        added += count;
        if (elements_ > 1 || (added < runVectors * repeat_ && i + count < end)) continue;
        widen(run, biases_ + all, to);
        added = 0;
      }
    };
    parallel_for(parts, part);
    for (int64_t k = 0; k < all; k++) {
      double weight = 0, bias = 0;
      for (int64_t p = 0; p < parts; p++) {
        weight += sums_of(p)[k];
        bias += sums_of(p)[biases_ + k];
      }
      operands_[6][k] = static_cast<T>(weight);
      operands_[7][k] = static_cast<T>(bias);
    }
  }

 private:
  /**
   * At least so many doubles, which is never about a number of pages: reading a sum would wait for writing another one
   * whose address differs in nothing but the page.
   */
  static int64_t half_a_page_behind(int64_t count) {
    constexpr int64_t page = 4096 / sizeof(double);
    return (count + page / 4) % page < page / 2 ? count + page / 2 : count;
  }

  static constexpr int64_t mostParts = 16, mostSums = 1 << 17;

  /** Slices from number `first` on, step by step: one waits for its sums while the next are added up. */
  void normalise(int64_t first, int64_t count) const {
    const T* x = operands_[0] + first * count_;
    T *means = operands_[5] + first, *scales = operands_[6] + first;
    const Line line = in_row<T>(count_);
    const T n = static_cast<T>(count_);
    for (int64_t i = 0; i < count; i++) {
      const T* from = x + i * count_;
      means[i] = sum_of<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE { return get(from + at, k); })[0] / n;
    }
    for (int64_t i = 0; i < count; i++) {
      const T* from = x + i * count_;
      const T meanOf = means[i];
      const Vec<T> mean = splat(meanOf);
      const Vec<T> squares = sum_of<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE {
        const Vec<T> d = get(from + at, k, meanOf) - mean;
        return d * d;
      });
      scales[i] = T{1} / static_cast<T>(__builtin_sqrt(squares[0] / n + operands_[3][0]));
    }
    for (int64_t i = 0; i < count; i++) write(first + i, means[i], scales[i]);
  }

  void write(int64_t i, T mean, T invStd) const {
    const T* x = operands_[0] + i * count_;
    T* y = operands_[4] + i * count_;
    const T *weight = operands_[1] + i % repeat_ * channels_, *bias = operands_[2] + i % repeat_ * channels_;
    const Vec<T> scale = splat(invStd), shift = -product(splat(mean), scale);
    const auto affine = [](Vec<T> v, Vec<T> w, Vec<T> b) ALWAYS_INLINE { return product(v, w) + b; };
    const int64_t next = together_ * count_;
    if (elements_ == 1) {
      return each<T>(in_row<T>(count_), [&](int64_t at, int64_t k) ALWAYS_INLINE {
        __builtin_prefetch(x + at + next);
        put(y + at, affine(affine(get(x + at, k), scale, shift), get(weight + at, k), get(bias + at, k)), k);
      });
    }
    const Line channel = in_row<T>(elements_);
    for (int64_t c = 0; c < channels_; c++, x += elements_, y += elements_) {
      const Vec<T> by = splat(weight[c]), w = product(scale, by), b = affine(shift, by, splat(bias[c]));
      each<T>(channel, [&](int64_t at, int64_t k) ALWAYS_INLINE {
        __builtin_prefetch(x + at + next);
        put(y + at, affine(get(x + at, k), w, b), k);
      });
    }
  }

  /** What a slice adds to the gradients of its elements: dy * weight * scale + (distance * slope + level). */
  struct Gradient {
    T mean, scale, slope, level;
  };
  static constexpr int64_t mostTogether = 4, someElements = 2048;

  /**
   * Adds the gradients of weights, and behind them those of biases, for slices from number `first` on: to `to`, or of layers
   * to a `run`, whose sums are few and in their own precision.
   */
  void differentiate(int64_t first, int64_t count, double* to, T* run) const {
    Gradient gradients[mostTogether];
    for (int64_t i = 0; i < count; i++) gradients[i] = sum_up(first + i, to);
    for (int64_t i = 0; i < count; i++)
      elements_ > 1 ? write(first + i, gradients[i]) : write_layer(first + i, gradients[i], run);
  }

  Gradient sum_up(int64_t i, double* to) const {
    const T *dy = operands_[0] + i * count_, *x = operands_[1] + i * count_;
    const int64_t channel = i % repeat_ * channels_;
    const T* weight = operands_[4] + channel;
    const T meanOf = operands_[2][i], invStd = operands_[3][i];
    const Vec<T> mean = splat(meanOf);
    double sum = 0, weighted = 0;
    if (elements_ == 1) {
      Total<T> totals[2];
      add_up(in_row<T>(count_), totals, [&](int64_t at, int64_t k, Vec<T>* sums) ALWAYS_INLINE {
        const Vec<T> d = get(dy + at, k) * get(weight + at, k);
        sums[0] += d;
        sums[1] += d * (get(x + at, k, meanOf) - mean);
      });
      sum = totals[0].sum();
      weighted = totals[1].sum();
    } else {
      double *dWeight = to + channel, *dBias = dWeight + biases_;
      for (int64_t c = 0; c < channels_; c++, dy += elements_, x += elements_) {
        Total<T> totals[2];
        add_up(in_row<T>(elements_), totals, [&](int64_t at, int64_t k, Vec<T>* sums) ALWAYS_INLINE {
          const Vec<T> d = get(dy + at, k);
          sums[0] += d;
          sums[1] += d * (get(x + at, k, meanOf) - mean);
        });
        const double a = totals[0].sum(), b = totals[1].sum();
        sum += a * weight[c];
        weighted += b * weight[c];
        dWeight[c] += b * invStd;
        dBias[c] += a;
      }
    }
    const double n = static_cast<double>(count_), inverse = invStd;
    return {meanOf, invStd, static_cast<T>(-weighted / n * inverse * inverse * inverse),
            static_cast<T>(-sum / n * inverse)};
  }

  void write(int64_t i, const Gradient& by) const {
    const T *dy = operands_[0] + i * count_, *x = operands_[1] + i * count_;
    const T* weight = operands_[4] + i % repeat_ * channels_;
    T* dx = operands_[5] + i * count_;
    const Vec<T> mean = splat(by.mean), slope = splat(by.slope), level = splat(by.level);
    for (int64_t c = 0; c < channels_; c++, dy += elements_, x += elements_, dx += elements_) {
      const Vec<T> factor = splat(weight[c]) * splat(by.scale);
      each<T>(in_row<T>(elements_), [&](int64_t at, int64_t k) ALWAYS_INLINE {
        put(dx + at, get(dy + at, k) * factor + ((get(x + at, k) - mean) * slope + level), k);
      });
    }
  }

  /** The same of a slice whose channels have one element, and what it adds to the gradients of weights and biases. */
  void write_layer(int64_t i, const Gradient& by, T* run) const {
    const T *dy = operands_[0] + i * count_, *x = operands_[1] + i * count_;
    const int64_t channel = i % repeat_ * channels_;
    const T* weight = operands_[4] + channel;
    T* dx = operands_[5] + i * count_;
    T *dWeight = run + channel, *dBias = dWeight + biases_;
    const Vec<T> mean = splat(by.mean), scale = splat(by.scale), slope = splat(by.slope), level = splat(by.level);
    each<T>(in_row<T>(count_), [&](int64_t at, int64_t k) ALWAYS_INLINE {
      const Vec<T> d = get(dy + at, k), distance = get(x + at, k, by.mean) - mean;
      put(dx + at, d * get(weight + at, k) * scale + (distance * slope + level), k);
      put(dWeight + at, get(dWeight + at, k) + d * (distance * scale), k);
      put(dBias + at, get(dBias + at, k) + d, k);
    });
  }
  /** Adds a run to its sums, and clears it. Whole vectors are read and written behind both. */
  static void widen(T* run, int64_t count, double* to) {
    for (int64_t k = 0; k < count; k += lanes<T>) {
      const Vec<T> x = load(run + k);
      if constexpr (isDouble<T>) {
        store(to + k, load(to + k) + x);
      } else {
        store(to + k, load(to + k) + low(x));
        store(to + k + lanes<double>, load(to + k + lanes<double>) + high(x));
      }
      store(run + k, Vec<T>{});
    }
  }

  const int64_t channels_, elements_, count_, slices_, repeat_;
  /** How many slices take a step before the next one. */
  const int64_t together_;
  /** Where the sums of biases begin. */
  const int64_t biases_;
  T* operands_[maxCompositeOperands];
};

}  // namespace flambeau::ISA
