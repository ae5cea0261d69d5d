// Gradients of convolutions by data of many images: a vector has an element of each of as many images as it has lanes. No
// lane is idle, however narrow the planes are, and an element of the result sums exactly the gradients that it meets, not
// the zeros around them. Gradients are transposed for it, and results back, in memory that stays in the cache.
#pragma once
#include "by_input.inl"

namespace flambeau::ISA {

/** One element of some channels, of `N` vectors of images: a sum over lines of a window. */
struct AbreastTile {
  int64_t lines, k;
  const float *a, *b;
  int64_t aLine, bLine;
  float* to;
  int64_t toRow;
  bool add;
};

template <int R, int N> static void abreast(const AbreastTile& it) {
  constexpr int64_t L = lanes<float>;
  Vec<float> sum[R][N] = {};
  for (int64_t line = 0; line < it.lines; ++line) {
    const float *a = it.a + line * it.aLine, *b = it.b + line * it.bLine;
    for (int64_t p = 0; p < it.k; ++p, a += R, b += N * L) {
      Vec<float> x[N];
#pragma GCC unroll 2
      for (int j = 0; j < N; ++j) x[j] = load(b + j * L);
#pragma GCC unroll 12
      for (int i = 0; i < R; ++i) {
        const Vec<float> y = splat(a[i]);
#pragma GCC unroll 2
        for (int j = 0; j < N; ++j) sum[i][j] = add_product<float>(sum[i][j], y, x[j]);
      }
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < N; ++j) {
      float* const at = it.to + i * it.toRow + j * L;
      store(at, it.add ? load(at) + sum[i][j] : sum[i][j]);
    }
  }
}

template <int N, class = std::make_integer_sequence<int, most_rows(N)>> struct AbreastTiles;
template <int N, int... R> struct AbreastTiles<N, std::integer_sequence<int, R...>> {
  static void run(int64_t rows, const AbreastTile& it) {
    static constexpr void (*const of[])(const AbreastTile&) = {abreast<R + 1, N>...};
    of[rows - 1](it);
  }
};

class Abreast : ByInput {
 public:
  explicit Abreast(const ByInput& it) : ByInput(it) {
    vectors_ = images_ > L ? 2 : 1;
    high_ = piece(channels_, most_rows(vectors_));
    // The gradients that an element sums stay in the nearest cache for the next one.
    deep_ = piece(own_, most(1, nearest / (rows_.most_taps() * columns_.most_taps() * vectors_ * L)));
    const int64_t groups = up(images_, vectors_ * L) * groups_;
    bands_ = most(1, least(up(wantedUnits, groups), rows_.size / rows_.kernel));
  }

  /** Multiplications of vectors; moving one costs as much as some of them. */
  double cost() const {
    const double images = static_cast<double>(up(images_, L) * groups_);
    const double sums = static_cast<double>(own_ * channels_ * rows_.terms() * columns_.terms());
    const int64_t moved = own_ * rows_.out * columns_.out + channels_ * rows_.size * columns_.size;
    const double waits = static_cast<double>(most(chains, high_ * vectors_)) / static_cast<double>(high_ * vectors_);
    return images * (sums * waits + moving * static_cast<double>(moved));
  }

  void run() {
    const int64_t taps = rows_.kernel * columns_.kernel, perGroup = own_ * channels_ * taps;
    float* const packed = scratch<6>().room<float>(groups_ * perGroup);
    pack(packed);
    const int64_t all = up(images_, vectors_ * L);
    auto unit = [&](int64_t index) {
      const int64_t band = index % bands_, group = index / bands_ % groups_, image = index / bands_ / groups_ * vectors_ * L;
      const int64_t row = rows_.size * band / bands_, end = rows_.size * (band + 1) / bands_;
      vectors_ == 2 ? compute<2>(group, image, row, end, packed + group * perGroup)
                    : compute<1>(group, image, row, end, packed + group * perGroup);
    };
    each_part(all * groups_ * bands_, perGroup * L * vectors_ * up(rows_.out, bands_) * columns_.out, unit);
  }

 private:
  /** Elements that the nearest cache has room for, units that there should be, and sums that hide the time of one. */
  static constexpr int64_t nearest = 1 << 13, wantedUnits = 8, chains = 8;
  static constexpr double moving = 2.5 * L;

  /** Where the weights of a phase begin among those of some channels of the gradients and of the result. */
  int64_t phase_at(int64_t r, int64_t q) const {
    return (r > 0 ? rows_.taps(0) * columns_.kernel : 0) + (q > 0 ? rows_.taps(r) * columns_.taps(0) : 0);
  }

  /** Weights in the order of the tiles: channels of the result by channels of the gradient, phases, their taps, channels. */
  void pack(float* to) const {
    const int64_t taps = rows_.kernel * columns_.kernel;
    for (int64_t group = 0; group < groups_; ++group) {
      for (int64_t c = 0; c < channels_; c += high_) {
        const int64_t high = least(high_, channels_ - c);
        for (int64_t o = 0; o < own_; o += deep_) {
          const int64_t deep = least(deep_, own_ - o);
          for (int64_t h = 0; h < rows_.kernel; ++h) {
            for (int64_t w = 0; w < columns_.kernel; ++w) {
              const int64_t r = rows_.phase(h), q = columns_.phase(w);
              const int64_t tap = phase_at(r, q) + rows_.index(h) * columns_.taps(q) + columns_.index(w);
              float* line = to + tap * deep * high;
              const float* const from = weight_ + ((group * own_ + o) * channels_ + c) * taps + h * columns_.kernel + w;
              for (int64_t p = 0; p < deep; ++p, line += high) {
                for (int64_t i = 0; i < high; ++i) line[i] = from[(p * channels_ + i) * taps];
              }
            }
          }
          to += deep * high * taps;
        }
      }
    }
  }

  /** Gradients of so many elements, from element `begin` of each plane on: [channels by deep_, elements, deep_, images]. */
  template <int N> void gather(int64_t group, int64_t image, int64_t begin, int64_t count, float* to) const {
    const int64_t plane = rows_.out * columns_.out, all = groups_ * own_;
    for (int64_t o = 0; o < own_; ++o) {
      const int64_t first = o / deep_ * deep_, deep = least(deep_, own_ - first);
      float* const line = to + (first * count + o - first) * N * L;
      for (int j = 0; j < N; ++j) {
        const int64_t images = least(L, images_ - image - j * L);
        const float* const from = dy_ + ((image + j * L) * all + group * own_ + o) * plane + begin;
        for (int64_t at = 0; at < count; at += L) {
          const int64_t wide = least(L, count - at);
          Vec<float> square[L] = {};
          for (int64_t i = 0; i < images; ++i) {
            const float* const p = from + i * all * plane + at;
            square[i] = wide == L ? load(p) : load_some(p, wide);
          }
          transpose<float>(square);
          for (int64_t t = 0; t < wide; ++t) store(line + ((at + t) * deep * N + j) * L, square[t]);
        }
      }
    }
  }

  /** A row of some channels of the result. */
  template <int N> void scatter(const float* from, int64_t image, int64_t channel, int64_t count, int64_t row) const {
    const int64_t plane = rows_.size * columns_.size, all = groups_ * channels_, broad = columns_.size;
    for (int64_t c = 0; c < count; ++c, from += broad * N * L) {
      for (int j = 0; j < N; ++j) {
        const int64_t images = least(L, images_ - image - j * L);
        float* const to = dx_ + ((image + j * L) * all + channel + c) * plane + row * broad;
        for (int64_t x = 0; x < broad; x += L) {
          const int64_t wide = least(L, broad - x);
          Vec<float> square[L] = {};
          for (int64_t t = 0; t < wide; ++t) square[t] = load(from + ((x + t) * N + j) * L);
          transpose<float>(square);
          for (int64_t i = 0; i < images; ++i) {
            float* const p = to + i * all * plane + x;
            wide == L ? store(p, square[i]) : store_some(p, square[i], wide);
          }
        }
      }
    }
  }

  /** Rows of the result of N vectors of images. */
  template <int N> void compute(int64_t group, int64_t image, int64_t row, int64_t end, const float* packed) const {
    const int64_t wide = columns_.out, broad = columns_.size, taps = rows_.kernel * columns_.kernel;
    int64_t top = rows_.out, bottom = 0;
    for (int64_t y = row; y < end; ++y) {
      top = least(top, rows_.from(y));
      bottom = most(bottom, rows_.to(y));
    }
    const int64_t count = most(0, bottom - top) * wide;
    float* const gradients = scratch<0>().room<float>((own_ * count + 1) * N * L);
    gather<N>(group, image, top * wide, count, gradients);
    float* const results = scratch<1>().room<float>(high_ * broad * N * L);
    AbreastTile tile;
    tile.toRow = broad * N * L;
    for (int64_t y = row; y < end; ++y) {
      const int64_t r = y % rows_.step, from = rows_.from(y);
      const float* weights = packed;
      for (int64_t c = 0; c < channels_; c += high_) {
        const int64_t high = least(high_, channels_ - c);
        for (int64_t o = 0; o < own_; o += deep_) {
          const int64_t deep = least(deep_, own_ - o);
          tile.lines = most(0, rows_.to(y) - from);
          tile.bLine = wide * deep * N * L;
          tile.add = o > 0;
          for (int64_t x = 0; x < broad; ++x) {
            const int64_t q = x % columns_.step, left = columns_.from(x);
            const int64_t i = from - y / rows_.step - rows_.first(r), j = left - x / columns_.step - columns_.first(q);
            tile.k = most(0, columns_.to(x) - left) * deep;
            tile.aLine = columns_.taps(q) * deep * high;
            tile.a = weights + (phase_at(r, q) * deep * high) + i * tile.aLine + j * deep * high;
            tile.b = gradients + (o * count + ((from - top) * wide + left) * deep) * N * L;
            tile.to = results + x * N * L;
            AbreastTiles<N>::run(high, tile);
          }
          weights += deep * high * taps;
        }
        scatter<N>(results, image, group * channels_ + c, high, y);
      }
    }
  }

  /** Vectors of images, channels of a tile, channels of the gradient whose sums are taken together, and bands of rows. */
  int64_t vectors_, high_, deep_, bands_;
};

}  // namespace flambeau::ISA
