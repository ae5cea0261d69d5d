// Norms of slices, which are layers or groups of channels: a slice is read from memory once, and from the cache for
// everything else. Part of rows.cc. Sums accumulate in double precision; threads share whole parts of the slices, whose
// number follows from sizes alone, so results are the same for any number of threads.
#pragma once

namespace flambeau::ISA {

/** A product that no sum is fused with, as elsewhere. */
template <class X> INLINE X product(X a, X b) {
  X made = a * b;
  KEEP(made);
  return made;
}

template <class T> class Slices {
 public:
  Slices(const CompositeOp& op, const Memory& memory, int64_t repeat)
      : channels_(op.n), elements_(op.inner), count_(int64_t{op.n} * op.inner), slices_(op.outer), repeat_(repeat) {
    for (int32_t i = 0; i < maxCompositeOperands; i++) {
      const Operand& x = op.operands[i];
      operands_[i] = reinterpret_cast<T*>(memory.rows[x.ref].data + x.offset * size_of(x.dtype));
    }
  }

  void forward() const {
    for_each_row(slices_, count_, [&](int64_t i) { normalise(i); });
  }

  void backward() const {
    const int64_t all = repeat_ * channels_;
    int64_t parts = slices_ * count_ / partElements;
    parts = parts < 1 ? 1 : parts > mostParts ? mostParts : parts;
    if (parts > slices_) parts = slices_;
    if (parts * all > mostSums) parts = all > mostSums ? 1 : mostSums / all;
    // Of weights, then of biases; each of whole vectors.
    const int64_t sums = padded(2 * all * static_cast<int64_t>(sizeof(double)) + slack);
    Workspace<65536> workspace(parts * sums);
    if (workspace.at() == nullptr) out_of_memory();
    const auto sums_of = [&](int64_t p) { return reinterpret_cast<double*>(workspace.at() + p * sums); };
    auto part = [&](int64_t p) {
      memset(sums_of(p), 0, static_cast<size_t>(sums));
      const int64_t end = slices_ * (p + 1) / parts;
      for (int64_t i = slices_ * p / parts; i < end; i++) differentiate(i, sums_of(p));
    };
    parallel_for(parts, part);
    for (int64_t k = 0; k < 2 * all; k++) {
      double sum = 0;
      for (int64_t p = 0; p < parts; p++) sum += sums_of(p)[k];
      (k < all ? operands_[6][k] : operands_[7][k - all]) = static_cast<T>(sum);
    }
  }

 private:
  static constexpr int64_t mostParts = 16, mostSums = 1 << 17;

  void normalise(int64_t i) const {
    const T* x = operands_[0] + i * count_;
    T* y = operands_[4] + i * count_;
    const T *weight = operands_[1] + i % repeat_ * channels_, *bias = operands_[2] + i % repeat_ * channels_;
    const Line line = in_row<T>(count_);
    const T n = static_cast<T>(count_);
    const Vec<T> mean = sum_of<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE { return get(x + at, k); }) / splat(n);
    const Vec<T> squares = sum_of<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE {
      const Vec<T> d = get(x + at, k, mean[0]) - mean;
      return d * d;
    });
    const T invStd = T{1} / static_cast<T>(__builtin_sqrt(squares[0] / n + operands_[3][0]));
    const Vec<T> scale = splat(invStd), shift = -product(mean, scale);
    operands_[5][i] = mean[0];
    operands_[6][i] = invStd;
    const auto affine = [&](Vec<T> v, Vec<T> w, Vec<T> b)
                            ALWAYS_INLINE { return product(product(v, scale) + shift, w) + b; };
    if (elements_ == 1) {
      return each<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE {
        put(y + at, affine(get(x + at, k), get(weight + at, k), get(bias + at, k)), k);
      });
    }
    const Line channel = in_row<T>(elements_);
    for (int64_t c = 0; c < channels_; c++, x += elements_, y += elements_) {
      const Vec<T> w = splat(weight[c]), b = splat(bias[c]);
      each<T>(channel, [&](int64_t at, int64_t k) ALWAYS_INLINE { put(y + at, affine(get(x + at, k), w, b), k); });
    }
  }

  /** Two sums of a line in one pass; f sets both summands. */
  template <class F> ALWAYS_INLINE static void sum_both(Line line, double* first, double* second, F&& f) {
    Total<T> a, b;
    each_run(line, [&](int64_t from, int64_t to) ALWAYS_INLINE {
      Vec<T> s{}, t{};
      each<T>(line, from, to, [&](int64_t at, int64_t k) ALWAYS_INLINE { f(at, k, s, t); });
      a.add(s);
      b.add(t);
    });
    *first = a.sum();
    *second = b.sum();
  }

  /** Adds the gradients of weights, and behind them those of biases, to `to`. */
  void differentiate(int64_t i, double* to) const {
    const T *dy = operands_[0] + i * count_, *x = operands_[1] + i * count_;
    const T meanOf = operands_[2][i], invStd = operands_[3][i];
    const int64_t first = i % repeat_ * channels_, all = repeat_ * channels_;
    const T* weight = operands_[4] + first;
    T* dx = operands_[5] + i * count_;
    double *dWeight = to + first, *dBias = dWeight + all;
    const Vec<T> mean = splat(meanOf), scale = splat(invStd);
    double sum = 0, weighted = 0;
    const Line line = in_row<T>(elements_ == 1 ? count_ : elements_);
    if (elements_ == 1) {
      sum_both(line, &sum, &weighted, [&](int64_t at, int64_t k, Vec<T>& s, Vec<T>& t) ALWAYS_INLINE {
        const Vec<T> d = get(dy + at, k) * get(weight + at, k);
        s += d;
        t += d * (get(x + at, k, meanOf) - mean);
      });
    } else {
      for (int64_t c = 0; c < channels_; c++) {
        const T *dys = dy + c * elements_, *xs = x + c * elements_;
        double a = 0, b = 0;
        sum_both(line, &a, &b, [&](int64_t at, int64_t k, Vec<T>& s, Vec<T>& t) ALWAYS_INLINE {
          const Vec<T> d = get(dys + at, k);
          s += d;
          t += d * (get(xs + at, k, meanOf) - mean);
        });
        sum += a * weight[c];
        weighted += b * weight[c];
        dWeight[c] += b * invStd;
        dBias[c] += a;
      }
    }
    const double n = static_cast<double>(count_), inverse = invStd;
    const Vec<T> slope = splat(static_cast<T>(-weighted / n * inverse * inverse * inverse));
    const Vec<T> level = splat(static_cast<T>(-sum / n * inverse));
    if (elements_ == 1) {
      return each<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE {
        const Vec<T> d = get(dy + at, k), distance = get(x + at, k, meanOf) - mean;
        put(dx + at, d * get(weight + at, k) * scale + (distance * slope + level), k);
        accumulate(dWeight + at, d * (distance * scale), k);
        accumulate(dBias + at, d, k);
      });
    }
    for (int64_t c = 0; c < channels_; c++, dy += elements_, x += elements_, dx += elements_) {
      const Vec<T> factor = splat(weight[c]) * scale;
      each<T>(line, [&](int64_t at, int64_t k) ALWAYS_INLINE {
        put(dx + at, get(dy + at, k) * factor + ((get(x + at, k) - mean) * slope + level), k);
      });
    }
  }

  /** Adds the first n elements to as many sums. */
  ALWAYS_INLINE static void accumulate(double* to, Vec<T> x, int64_t n) {
    if constexpr (isDouble<T>) {
      put(to, get(to, n) + x, n);
    } else if (n == lanes<T>) {
      store(to, load(to) + low(x));
      store(to + lanes<double>, load(to + lanes<double>) + high(x));
    } else {
      for (int64_t i = 0; i < n; i++) to[i] += static_cast<double>(x[i]);
    }
  }

  const int64_t channels_, elements_, count_, slices_, repeat_;
  T* operands_[maxCompositeOperands];
};

}  // namespace flambeau::ISA
