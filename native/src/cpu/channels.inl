// Batch norms: statistics of each channel over all samples, then the result. Part of rows.cc. Channels that lie side by side
// make a tile, which is read in the order of memory. Tiles that no cache holds are cut into parts of samples, each with
// statistics of its own, so that memory is read once for them; the number of parts follows from sizes alone, so results are the
// same for any number of threads.
#pragma once

namespace flambeau::ISA {

template <class T> class Channels {
 public:
  Channels(const CompositeOp& op, const Memory& memory)
      : samples_(op.outer), channels_(op.n), elements_(op.inner), count_(static_cast<T>(int64_t{op.outer} * op.inner)),
        isRow_(op.inner > 1), line_(isRow_ ? in_row<T>(op.inner) : in_row<T>(op.n)) {
    for (int32_t i = 0; i < maxCompositeOperands; i++) operands_[i] = op.operands[i].template in<T>(memory);
    const bool isLarge = samples_ * channels_ * elements_ > largeElements;
    group_ = !isRow_ ? lanes<T> : isLarge && elements_ < sideElements ? least(sideElements / elements_, mostChannels) : 1;
    size_ = samples_ * (isRow_ ? least(group_, channels_) * elements_ : lanes<T>);
    tiles_ = (channels_ + group_ - 1) / group_;
    parts_ = size_ <= wholeElements ? 1 : least(size_ / (wholeElements / 2), samples_);
    inOrder_ = elements_ <= 256 || parts_ > 1;
  }

  void forward() const {
    const auto gather = [&](const Tile& t, const Statistics& of) {
      const T *x = operands_[0] + t.begin, n = static_cast<T>(elements_of(t.part));
      add_up<1>(t, of, sum, [=](int64_t) ALWAYS_INLINE {
        return [=](int64_t at, int64_t k, Vec<T>* to) ALWAYS_INLINE { *to += get(x + at, k); };
      });
      const double* const sums = of.at(t.part, sum) + t.channel;
      double* const means = of.at(t.part, mean) + t.channel;
      for (int64_t i = 0; i < t.width; i++) means[i] = static_cast<T>(sums[i]) / n;
      add_up<1>(t, of, squares, [=](int64_t c) ALWAYS_INLINE {
        const Vec<T> m = isRow_ ? splat(static_cast<T>(means[c])) : narrowed(means);
        return [=](int64_t at, int64_t k, Vec<T>* to) ALWAYS_INLINE {
          const Vec<T> d = get(x + at, k, m[0]) - m;
          *to += d * d;
        };
      });
    };
    const auto finish = [&](int64_t c, const Statistics& of, const Factors& to) {
      const T m = static_cast<T>(together(of, sum, c)) / count_;
      double all = 0;
      for (int64_t p = 0; p < parts_; p++) {
        const double n = static_cast<double>(elements_of(p)), own = of.at(p, mean)[c], d = own - m;
        all += of.at(p, squares)[c] + d * (2 * (of.at(p, sum)[c] - n * own) + n * d);
      }
      const T squared = static_cast<T>(all);
      const T invStd = T{1} / static_cast<T>(__builtin_sqrt(squared / count_ + operands_[3][0]));
      const T scale = product(invStd, operands_[1][c]);
      operands_[5][c] = m;
      operands_[6][c] = invStd;
      operands_[7][c] = squared;
      to.at[0][c] = scale;
      to.at[1][c] = operands_[2][c] - product(m, scale);
    };
    const T* const x = operands_[0];
    T* const y = operands_[4];
    run<2>(gather, finish, [=](int64_t at, int64_t k, const Vec<T>* of)
                               ALWAYS_INLINE { put(y + at, product(get(x + at, k), of[0]) + of[1], k); });
  }

  void backward() const {
    const T *const dy = operands_[0], *const x = operands_[1];
    const auto gather = [&](const Tile& t, const Statistics& of) {
      const T *const dys = dy + t.begin, *const xs = x + t.begin, *const means = operands_[2] + t.channel;
      add_up<2>(t, of, sum, [=](int64_t c) ALWAYS_INLINE {
        const Vec<T> m = isRow_ ? splat(means[c]) : get(means, t.width);
        return [=](int64_t at, int64_t k, Vec<T>* to) ALWAYS_INLINE {
          const Vec<T> d = get(dys + at, k);
          to[0] += d;
          to[1] += d * (get(xs + at, k, m[0]) - m);
        };
      });
    };
    const auto finish = [&](int64_t c, const Statistics& of, const Factors& to) {
      const T invStd = operands_[3][c], dBias = static_cast<T>(together(of, sum, c));
      const T dWeight = static_cast<T>(together(of, sum + 1, c)) * invStd, scale = invStd * operands_[4][c];
      operands_[6][c] = dWeight;
      operands_[7][c] = dBias;
      to.at[0][c] = scale;
      to.at[1][c] = -(dWeight / count_ * invStd * scale);
      to.at[2][c] = -(dBias / count_ * scale);
      to.at[3][c] = operands_[2][c];
    };
    T* const dx = operands_[5];
    run<4>(gather, finish, [=](int64_t at, int64_t k, const Vec<T>* of) ALWAYS_INLINE {
      put(dx + at, get(dy + at, k) * of[0] + ((get(x + at, k) - of[3]) * of[1] + of[2]), k);
    });
  }

 private:
  /** The elements of a tile that a core's cache holds beside others. */
  static constexpr int64_t wholeElements = 1 << 17;
  /**
   * Where there are more elements, those that a tile has side by side at least, if it can. In a cache, channels one by one
   * take less time, as their sums stay in registers.
   */
  static constexpr int64_t largeElements = 1 << 19, sideElements = 2048;
  /** The most channels of a tile. */
  static constexpr int64_t mostChannels = 64;

  INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

  /** `width` channels of a part of the samples. */
  struct Tile {
    /** Of each channel, or of all channels if they have one element. */
    Line line;
    int64_t pieces, begin, channel, width, part;
  };
  /** What the elements of each channel are multiplied by, or added to. */
  struct Factors {
    T* at[4];
  };
  /** Of each part and channel: in forward a sum, a mean near that, and the squared distances from it; in backward two sums. */
  enum { sum, mean, squares, kinds };
  struct Statistics {
    double* all;
    int64_t channels;

    double* at(int64_t part, int64_t which) const { return all + (part * kinds + which) * channels; }
  };

  ALWAYS_INLINE static Vec<T> narrowed(const double* of) {
    if constexpr (isDouble<T>) {
      return load(of);
    } else {
      return join(load(of), load(of + lanes<double>));
    }
  }

  /**
   * Takes one step after the other with one tile, or with all of them. Channels of few elements, and those of several parts,
   * are written when all are finished, in the order of memory.
   */
  template <int64_t N, class Gather, class Finish, class Write>
  void run(const Gather& gather, const Finish& finish, const Write& write) const {
    const int64_t channels = tiles_ * group_, bytes = bytes_of<T>(channels);
    Workspace<32768> workspace(4 * bytes + bytes_of<double>(parts_ * kinds * channels));
    if (workspace.at() == nullptr) out_of_memory();
    const Statistics of{reinterpret_cast<double*>(workspace.at() + 4 * bytes), channels};
    Factors by;
    for (int64_t i = 0; i < 4; i++) by.at[i] = reinterpret_cast<T*>(workspace.at() + i * bytes);
    const auto finish_all = [&](const Tile& t) {
      for (int64_t c = t.channel; c < t.channel + t.width; c++) finish(c, of, by);
    };
    if (parts_ == 1) {
      for_each_row(tiles_, size_, [&](int64_t i) {
        const Tile t = tile(i, 0);
        gather(t, of);
        finish_all(t);
        for (int64_t c = t.channel; !inOrder_ && c < t.channel + t.width; c++) each_row<N>(c, samples_, channels_, by, write);
      });
    } else {
      auto part = [&](int64_t i) { gather(tile(i % tiles_, i / tiles_), of); };
      parallel_for(tiles_ * parts_, part);
      auto rest = [&](int64_t i) { finish_all(tile(i, 0)); };
      parallel_for(tiles_, rest);
    }
    if (!inOrder_) return;
    const int64_t size = isRow_ ? elements_ : channels_, rows = isRow_ ? samples_ * channels_ : samples_;
    const int64_t piece = size < partElements ? partElements / size : 1;
    auto part = [&](int64_t i) { each_row<N>(i * piece, least(rows - i * piece, piece), 1, by, write); };
    parallel_for((rows + piece - 1) / piece, part);
  }

  int64_t samples_before(int64_t part) const { return samples_ * part / parts_; }
  /** Of each channel. */
  int64_t elements_of(int64_t part) const { return (samples_before(part + 1) - samples_before(part)) * elements_; }

  Tile tile(int64_t i, int64_t part) const {
    const int64_t from = samples_before(part), count = samples_before(part + 1) - from;
    const int64_t at = i * group_, width = least(channels_ - at, group_), begin = (from * channels_ + at) * elements_;
    if (isRow_) return {line_, count, begin, at, width, part};
    return {beside<T>(count, channels_, width), 1, begin, at, width, part};
  }

  /**
   * Sets N statistics of a tile from `first` on: of(channel) gives f(offset, count, sums), which adds a vector's values. Runs of
   * short lines are those of several samples, as in `add_up_pieces`, with all channels before the next samples.
   */
  template <int64_t N, class F> ALWAYS_INLINE void add_up(const Tile& t, const Statistics& to, int64_t first, F&& of) const {
    Workspace<mostChannels * N * int64_t{sizeof(Total<T>)}> workspace(0);
    auto* const totals = reinterpret_cast<Total<T>(*)[N]>(workspace.at());
    // Copies, which a store cannot change.
    const Line line = t.line;
    const int64_t lines = isRow_ ? t.width : 1, elements = elements_, apart = channels_ * elements, pieces = t.pieces;
    const int64_t run = N == 1 || line.count >= runVectors ? 1 : runVectors / line.count;
    const int64_t together = lines == 1 ? pieces : run;
    for (int64_t c = 0; c < lines; c++) {
      for (int64_t i = 0; i < N; i++) totals[c][i] = {};
    }
    for (int64_t from = 0; from < pieces; from += together) {
      const int64_t count = least(pieces - from, together);
      for (int64_t c = 0, begin = from * apart; c < lines; c++, begin += elements) {
        const auto f = of(c);
        add_up_pieces(line, count, apart, totals[c],
                      [&](int64_t at, int64_t k, Vec<T>* sums) ALWAYS_INLINE { f(begin + at, k, sums); });
      }
    }
    for (int64_t i = 0; i < N; i++) {
      double* const at = to.at(t.part, first + i) + t.channel;
      for (int64_t c = 0; c < lines; c++) {
        const Total<T>& total = totals[c][i];
        if (isRow_) {
          at[c] = total.sum();
        } else {
          store(at, total.a);
          if constexpr (!isDouble<T>) store(at + lanes<double>, total.b);
        }
      }
    }
  }
  /** The sum of all parts' statistics. */
  double together(const Statistics& of, int64_t which, int64_t c) const {
    double all = of.at(0, which)[c];
    for (int64_t p = 1; p < parts_; p++) all += of.at(p, which)[c];
    return all;
  }

  /**
   * Calls f(offset, count, factors) for all vectors of rows: of one channel each, `step` rows apart, or of all channels.
   */
  template <int64_t N, class F>
  ALWAYS_INLINE void each_row(int64_t first, int64_t count, int64_t step, const Factors& by, F&& f) const {
    Vec<T> of[N];
    if (!isRow_) {
      for (int64_t row = first; row < first + count; row++) {
        each<T>(line_, [&](int64_t at, int64_t k) ALWAYS_INLINE {
#pragma GCC unroll 4  // without unrolling, the array would be in memory
          for (int64_t i = 0; i < N; i++) of[i] = load(by.at[i] + at);
          f(row * channels_ + at, k, of);
        });
      }
      return;
    }
    int64_t c = first % channels_, from = first * elements_;
    for (int64_t i = 0; i < count; i++, from += step * elements_, c = (c + step < channels_ ? c : c - channels_) + step) {
      for (int64_t n = 0; n < N; n++) of[n] = splat(by.at[n][c]);
      each<T>(line_, [&](int64_t at, int64_t k) ALWAYS_INLINE { f(from + at, k, of); });
    }
  }

  const int64_t samples_, channels_, elements_;
  const T count_;
  const bool isRow_;
  const Line line_;
  bool inOrder_;
  int64_t group_, size_, tiles_, parts_;
  T* operands_[maxCompositeOperands];
};

}  // namespace flambeau::ISA
