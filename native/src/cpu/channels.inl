// Batch norms: statistics of each channel over all samples, then the result, while what was read is still in the cache.
// Part of rows.cc. Channels that no cache holds are cut into parts of samples, for one step after the other; their number
// follows from sizes alone, so results are the same for any number of threads.
#pragma once

namespace flambeau::ISA {

template <class T> class Channels {
 public:
  Channels(const CompositeOp& op, const Memory& memory)
      : samples_(op.outer), channels_(op.n), elements_(op.inner), count_(static_cast<T>(int64_t{op.outer} * op.inner)),
        inOrder_(op.inner <= 256) {
    for (int32_t i = 0; i < maxCompositeOperands; i++) operands_[i] = op.operands[i].template in<T>(memory);
    size_ = samples_ * (elements_ == 1 ? lanes<T> : elements_);
    tiles_ = elements_ == 1 ? (channels_ + lanes<T> - 1) / lanes<T> : channels_;
    parts_ = size_ <= wholeElements ? 1 : size_ / (wholeElements / 2);
    if (parts_ > samples_) parts_ = samples_;
  }

  void forward() const {
    const auto mean_of = [&](const Tile& t) ALWAYS_INLINE { return together(t, 0) / splat(count_); };
    const auto sum = [&](const Tile& t, const Factors&) {
      const T* x = operands_[0] + t.begin;
      add_up<1>(t, 0, [&](int64_t at, int64_t k, Vec<T>* to) ALWAYS_INLINE { *to += get(x + at, k); });
    };
    const auto squares = [&](const Tile& t, const Factors&) {
      const T* x = operands_[0] + t.begin;
      const Vec<T> mean = mean_of(t);
      add_up<1>(t, 1, [&](int64_t at, int64_t k, Vec<T>* to) ALWAYS_INLINE {
        const Vec<T> d = get(x + at, k, mean[0]) - mean;
        *to += d * d;
      });
    };
    const auto finish = [&](const Tile& t, const Factors& to) {
      const Vec<T> mean = mean_of(t), squares = together(t, 1);
      Vec<T> invStd{};
      for (int64_t i = 0; i < t.width; i++)
        invStd[i] = T{1} / static_cast<T>(__builtin_sqrt(squares[i] / count_ + operands_[3][0]));
      const Vec<T> scale = product(invStd, get(operands_[1] + t.channel, t.width));
      put(operands_[5] + t.channel, mean, t.width);
      put(operands_[6] + t.channel, invStd, t.width);
      put(operands_[7] + t.channel, squares, t.width);
      put(to.at[0] + t.channel, scale, t.width);
      put(to.at[1] + t.channel, get(operands_[2] + t.channel, t.width) - product(mean, scale), t.width);
    };
    const auto write = [&](const Tile& t, const Factors& by) {
      const T* x = operands_[0] + t.begin;
      T* y = operands_[4] + t.begin;
      each_piece<2>(t, by, [&](int64_t at, int64_t k, const Vec<T>* of)
                               ALWAYS_INLINE { put(y + at, product(get(x + at, k), of[0]) + of[1], k); });
    };
    run(write, finish, sum, squares);
  }

  void backward() const {
    const auto sums = [&](const Tile& t, const Factors&) {
      const T *dy = operands_[0] + t.begin, *x = operands_[1] + t.begin;
      const Vec<T> mean = t.line.isRow ? splat(operands_[2][t.channel]) : get(operands_[2] + t.channel, t.width);
      add_up<2>(t, 0, [&](int64_t at, int64_t k, Vec<T>* to) ALWAYS_INLINE {
        const Vec<T> d = get(dy + at, k);
        to[0] += d;
        to[1] += d * (get(x + at, k, mean[0]) - mean);
      });
    };
    const auto finish = [&](const Tile& t, const Factors& to) {
      const Vec<T> invStd = get(operands_[3] + t.channel, t.width), n = splat(count_);
      const Vec<T> dBias = together(t, 0), dWeight = together(t, 1) * invStd;
      const Vec<T> scale = invStd * get(operands_[4] + t.channel, t.width);
      put(operands_[6] + t.channel, dWeight, t.width);
      put(operands_[7] + t.channel, dBias, t.width);
      put(to.at[0] + t.channel, scale, t.width);
      put(to.at[1] + t.channel, -(dWeight / n * invStd * scale), t.width);
      put(to.at[2] + t.channel, -(dBias / n * scale), t.width);
      put(to.at[3] + t.channel, get(operands_[2] + t.channel, t.width), t.width);
    };
    const auto write = [&](const Tile& t, const Factors& by) {
      const T *dy = operands_[0] + t.begin, *x = operands_[1] + t.begin;
      T* dx = operands_[5] + t.begin;
      each_piece<4>(t, by, [&](int64_t at, int64_t k, const Vec<T>* of) ALWAYS_INLINE {
        put(dx + at, get(dy + at, k) * of[0] + ((get(x + at, k) - of[3]) * of[1] + of[2]), k);
      });
    };
    run(write, finish, sums);
  }

 private:
  /** The elements of a channel that a core's cache holds beside others. */
  static constexpr int64_t wholeElements = 1 << 17;

  /** A part of the samples: of one channel, or of `width` ones whose elements lie side by side. */
  struct Tile {
    Line line;
    /** Lines, and their distance. */
    int64_t pieces, apart;
    int64_t begin, channel, width, part;
    /** Two of each part. */
    Total<T>* totals;
  };
  /** What the elements of each channel are multiplied by, or added to. */
  struct Factors {
    T* at[4];
  };

  /**
   * Takes the steps, `finish` and `write` one after the other, with one channel, or with parts of all. Channels of few
   * elements are written when all are finished, in the order of memory, because pieces far apart share few places of a
   * cache.
   */
  template <class Write, class Finish, class... Steps>
  void run(const Write& write, const Finish& finish, const Steps&... steps) const {
    const int64_t bytes = bytes_of<T>(channels_ + lanes<T>), each = static_cast<int64_t>(sizeof(Total<T>)) * 2;
    Workspace<32768> workspace(4 * bytes + (parts_ > 1 ? tiles_ * parts_ * each : 0));
    if (workspace.at() == nullptr) out_of_memory();
    Factors factors;
    for (int64_t i = 0; i < 4; i++) factors.at[i] = reinterpret_cast<T*>(workspace.at() + i * bytes);
    if (parts_ == 1) {
      for_each_row(tiles_, size_, [&](int64_t i) {
        Total<T> totals[2];
        const Tile t = tile(i, 0, totals);
        (steps(t, factors), ...);
        finish(t, factors);
        if (!inOrder_) write(t, factors);
      });
    } else {
      Total<T>* const totals = reinterpret_cast<Total<T>*>(workspace.at() + 4 * bytes);
      const auto all = [&](const auto& step, int64_t parts) {
        auto part = [&](int64_t i) { step(tile(i / parts, i % parts, totals + i / parts * parts_ * 2), factors); };
        parallel_for(tiles_ * parts, part);
      };
      (all(steps, parts_), ...);
      all(finish, 1);
      if (!inOrder_) all(write, parts_);
    }
    if (!inOrder_) return;
    const int64_t size = channels_ * elements_, piece = size < partElements ? partElements / size : 1;
    auto part = [&](int64_t i) {
      const int64_t from = i * piece, count = samples_ - from < piece ? samples_ - from : piece;
      const Line line = in_row<T>(elements_ == 1 ? channels_ : elements_);
      write({line, count, size, from * size, 0, channels_, 0, nullptr}, factors);
    };
    parallel_for((samples_ + piece - 1) / piece, part);
  }

  Tile tile(int64_t i, int64_t part, Total<T>* totals) const {
    const int64_t from = samples_ * part / parts_, count = samples_ * (part + 1) / parts_ - from;
    if (elements_ > 1) {
      const int64_t apart = channels_ * elements_;
      return {in_row<T>(elements_), count, apart, from * apart + i * elements_, i, 1, part, totals};
    }
    const int64_t at = i * lanes<T>, width = channels_ - at < lanes<T> ? channels_ - at : lanes<T>;
    return {beside<T>(count, channels_, width), 1, 0, from * channels_ + at, at, width, part, totals};
  }

  /** Sets N of a tile's totals from number `first` on. */
  template <int64_t N, class F> ALWAYS_INLINE static void add_up(const Tile& t, int64_t first, F&& f) {
    Total<T> sums[N];
    add_up_pieces(t.line, t.pieces, t.apart, sums, f);
    for (int64_t i = 0; i < N; i++) t.totals[2 * t.part + first + i] = sums[i];
  }
  /** The sum of all parts' totals. */
  ALWAYS_INLINE Vec<T> together(const Tile& t, int64_t which) const {
    Total<T> sum = t.totals[which];
    for (int64_t p = 1; p < parts_; p++) {
      sum.a += t.totals[2 * p + which].a;
      sum.b += t.totals[2 * p + which].b;
    }
    return sum.value(t.line);
  }
  /** Calls f(offset, count, factors) for all vectors of a tile. */
  template <int64_t N, class F> ALWAYS_INLINE void each_piece(const Tile& t, const Factors& by, F&& f) const {
    Vec<T> of[N];
    if (elements_ == 1) {
      for (int64_t p = 0; p < t.pieces; p++) {
        each<T>(t.line, [&](int64_t at, int64_t k) ALWAYS_INLINE {
#pragma GCC unroll 4  // without unrolling, the array would be in memory
          for (int64_t i = 0; i < N; i++) of[i] = load(by.at[i] + at);
          f(p * t.apart + at, k, of);
        });
      }
      return;
    }
    const int64_t channels = inOrder_ ? channels_ : 1;
    for (int64_t p = 0; p < t.pieces; p++) {
      for (int64_t c = 0; c < channels; c++) {
        const int64_t from = p * t.apart + c * elements_;
        for (int64_t i = 0; i < N; i++) of[i] = splat(by.at[i][t.channel + c]);
        each<T>(t.line, [&](int64_t at, int64_t k) ALWAYS_INLINE { f(from + at, k, of); });
      }
    }
  }

  const int64_t samples_, channels_, elements_;
  const T count_;
  const bool inOrder_;
  int64_t size_, tiles_, parts_;
  T* operands_[maxCompositeOperands];
};

}  // namespace flambeau::ISA
