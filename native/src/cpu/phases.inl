// Gradients of convolutions by data, phase by phase: with a step of 2, every other element of every other row of the result
// is a sum over taps of its own. All phases of some rows of an image are computed in memory that
// stays in the cache, over the padded gradient, which is there too, and then written between each other. So memory is
// read and written once, and threads share images instead of phases. Tiles are those of sweeps (sweep.inl), of windows that
// slide under a single row (slide.inl), or of vectors along the rows (turned.inl) where planes are too narrow for them. Sizes alone decide which, and how the work is divided.
#pragma once
#include "by_input.inl"
#include "slide.inl"
#include "sweep.inl"
#include "turned.inl"

namespace flambeau::ISA {

class Phases : ByInput {
 public:
  explicit Phases(const ByInput& it) : ByInput(it) {
    for (int64_t r = 0; r < rows_.step; ++r) {
      for (int64_t q = 0; q < columns_.step; ++q) {
        const int64_t taps = rows_.taps(r) * columns_.taps(q);
        phases_[count_] = {r, q, taps, own_ * taps, terms_};
        terms_ += phases_[count_++].k;
      }
    }
    divide();
  }

  /** Multiplications of vectors. */
  double cost() const {
    const int64_t elements = images_ * groups_ * channels_ * rows_.length() * columns_.length();
    return fill_ * static_cast<double>(elements * terms_ / L);
  }

  void run() {
    // What all parts read: the weights in the order of the tiles, and where terms are in the padded gradients.
    const int64_t blocks = groups_ * up(channels_, high_), perBlock = terms_ * width_;
    const int64_t taps = rows_.kernel * columns_.kernel;
    float* const packed = scratch<6>().room<float>(blocks * perBlock + terms_ + 2 * taps);
    int32_t* const offsets = reinterpret_cast<int32_t*>(packed + blocks * perBlock);
    Place* const places = reinterpret_cast<Place*>(offsets + terms_);
    for (int64_t tap = 0; tap < taps; ++tap) places[tap] = place_of(tap / columns_.kernel, tap % columns_.kernel);
    for (int i = 0; i < count_; ++i) find_terms(phases_[i], offsets + phases_[i].at);
    const int64_t each = up(channels_, high_), split = splits_ ? each : 1;
    auto pack_part = [&](int64_t part) {
      const int64_t block = part / own_, first = block % each * high_;
      float* const to = packed + block * perBlock;
      isSliding_ ? pack_window(block, part % own_, to)
                 : pack(block / each, part % own_, first, least(high_, channels_ - first), places, to);
    };
    each_part(blocks * own_, perBlock / own_, pack_part);
    auto unit = [&](int64_t index) {
      const int64_t group = index / split % groups_, band = index / split / groups_ % bands_;
      const int64_t image = index / split / groups_ / bands_ * together_, first = splits_ ? index % split : 0;
      compute(group, first, splits_ ? first + 1 : each, image, band, packed + group * each * perBlock, offsets);
    };
    each_part(up(images_, together_) * bands_ * groups_ * split,
              terms_ * (splits_ ? high_ : channels_) * together_ * length_ * columns_.length(), unit);
  }

 private:
  /** The most channels of a unit, the elements of its phases, and the columns for which images are taken together. */
  static constexpr int64_t mostChannels = 64, unitElements = 1 << 15, fewColumns = 128, manyUnits = 16;

  /** Every so many rows and columns of the result: the taps and terms of a sum, and the terms of the phases before. */
  struct Phase {
    int64_t row, column, taps, k, at;
  };
  /** The phase that a weight belongs to, and which of its taps that is. */
  struct Place {
    int32_t phase, tap;
  };

  /** A unit is some channels of a band of rows of each phase, or of several images whose planes are small. */
  void divide() {
    high_ = channels_ <= mostChannels ? channels_ : piece(up(channels_, L), mostChannels / L) * L;
    broad_ = columns_.length() + columns_.more();
    const int64_t rows = rows_.length(), fitting = most(1, unitElements / (count_ * high_ * broad_));
    bands_ = up(rows, fitting);
    length_ = up(rows, bands_);
    bands_ = up(rows, length_);
    tall_ = length_ + rows_.more();
    together_ = bands_ > 1 ? 1 : least(images_, most(1, least(fitting / tall_, fewColumns / (rows * columns_.length()))));
    const auto is_whole = [](const PhaseSide& side) { return side.begin() == 0 && side.more() == 0 && side.length() == side.out; };
    isWhole_ = together_ == 1 && is_whole(rows_) && is_whole(columns_);
    image_ = together_ * tall_ * broad_;
    plane_ = isWhole_ ? rows_.out * columns_.out : image_;
    splits_ = up(images_, together_) * bands_ * groups_ < manyUnits;
    // The way of the least cost, as in contract.inl.
    Spot spots[1];
    const int64_t columns = together_ * length_ * columns_.length(), vectors = spots_of(together_, length_, spots, false);
    const double direct = static_cast<double>(vectors * L) / static_cast<double>(columns);
    const double filled = static_cast<double>(up(high_, L) * L) / static_cast<double>(high_);
    const double turned =
        filled * (1 + 4 / static_cast<double>(columns) + 8 / static_cast<double>(phases_[count_ - 1].k + 1));
    isTurned_ = turned < direct;
    fill_ = isTurned_ ? turned : direct;
    isSliding_ = channels_ == 1 && rows_.step == 1 && columns_.step == 1 && columns_.size > L &&
                 rows_.kernel >= fewestSlideTaps && rows - (bands_ - 1) * length_ >= fewestSlideRows;
    width_ = isTurned_ ? up(high_, L) * L : high_;
  }

  /** Where the terms of a phase are in the padded gradients, in the order of its sums. */
  void find_terms(const Phase& phase, int32_t* to) const {
    const int64_t high = rows_.taps(phase.row), wide = columns_.taps(phase.column);
    const int64_t top = rows_.first(phase.row) - rows_.begin(), left = columns_.first(phase.column) - columns_.begin();
    for (int64_t o = 0; o < own_; ++o) {
      for (int64_t i = 0; i < high; ++i) {
        for (int64_t j = 0; j < wide; ++j) *to++ = static_cast<int32_t>(o * plane_ + (top + i) * broad_ + left + j);
      }
    }
  }

  Place place_of(int64_t h, int64_t w) const {
    const int64_t r = rows_.phase(h), q = columns_.phase(w);
    return {static_cast<int32_t>(r * columns_.step + q),
            static_cast<int32_t>(rows_.index(h) * columns_.taps(q) + columns_.index(w))};
  }

  /** The vectors of a panel of rows, and the rows of a tile. */
  int64_t panel_of(int64_t rows) const {
    return isTurned_ ? piece(up(rows, L), panelVectors) * L : piece(rows, sweepRows);
  }

  /** The weights of a channel of the gradient for some of the result, those of a tile side by side, phase by phase. */
  void pack(int64_t group, int64_t o, int64_t first, int64_t count, const Place* places, float* to) const {
    const int64_t taps = rows_.kernel * columns_.kernel, high = panel_of(count);
    for (int64_t row = 0; row < count; row += high) {
      const int64_t rows = least(high, count - row), width = isTurned_ ? up(rows, L) * L : rows;
      for (int64_t l = 0; l < width; l += L) {
        // The last of several vectors along the rows ends with the last row.
        const int64_t start = isTurned_ && l > 0 ? least(l, rows - L) : l;
        const int64_t some = least(L, width - l), lines = least(L, rows - start);
        const float* const from = weight_ + ((group * own_ + o) * channels_ + first + row + start) * taps;
        for (int64_t tap = 0; tap < taps; tap += L) {
          const int64_t wide = least(L, taps - tap);
          Vec<float> square[L] = {};
          for (int64_t r = 0; r < lines; ++r) square[r] = load_some(from + r * taps + tap, wide);
          transpose<float>(square);
          for (int64_t t = 0; t < wide; ++t) {
            const auto [number, index] = places[tap + t];
            const Phase& phase = phases_[number];
            store_some(to + phase.at * width_ + row * phase.k + (o * phase.taps + index) * width + l, square[t], some);
          }
        }
      }
    }
  }

  /** The weights of a channel of the gradient, columns of the window one after the other. */
  void pack_window(int64_t group, int64_t o, float* to) const {
    const int64_t high = rows_.kernel, wide = columns_.kernel;
    const float* const from = weight_ + (group * own_ + o) * high * wide;
    for (int64_t h = 0; h < high; ++h) {
      for (int64_t w = 0; w < wide; ++w)
        to[(o * wide + columns_.index(w)) * high + rows_.index(h)] = from[h * wide + w];
    }
  }

  /** The rows of gradients that a band reads, with zeros around them: whole vectors are written behind each row. */
  void pad(int64_t group, int64_t image, int64_t images, int64_t row, float* to) const {
    const int64_t shift = columns_.begin(), before = most(0, -shift), from = most(0, shift);
    const int64_t n = most(0, least(broad_ - before, columns_.out - from)), whole = n / L * L, rest = n - whole;
    const int64_t behind = before + whole + (rest > 0 ? L : 0), first = row + rows_.begin();
    const int64_t top = least(most(0, -first), tall_), bottom = most(top, least(rows_.out - first, tall_));
    const auto put_rows = [&](const float* p, float* q, int64_t end) {
      fill(q, top * broad_);
      q += top * broad_;
      for (int64_t r = top; r < bottom; ++r, p += columns_.out, q += broad_) {
        for (int64_t x = 0; x < before; x += L) store(q + x, Vec<float>{});
        for (int64_t x = 0; x < whole; x += L) store(q + before + x, load(p + x));
        if (rest > 0) store(q + before + whole, load_some(p + whole, rest));
        for (int64_t x = behind; x < broad_; x += L) store(q + x, Vec<float>{});
      }
      fill(q, end - bottom * broad_);
    };
    const int64_t channels = groups_ * own_, size = rows_.out * columns_.out;
    for (int64_t o = 0; o < own_; ++o) {
      const float* const p = dy_ + ((image * groups_ + group) * own_ + o) * size + (first + top) * columns_.out + from;
      for (int64_t i = 0; i < images; ++i) {
        put_rows(p + i * channels * size, to + o * plane_ + i * tall_ * broad_, tall_ * broad_);
      }
    }
  }
  INLINE void fill(float* to, int64_t count) {
    for (int64_t i = 0; i < count; i += L) store(to + i, Vec<float>{});
  }

  /**
   * Where vectors of columns begin, along rows or across their ends, whichever are fewer, and how many there are; written
   * only if wanted.
   */
  int64_t spots_of(int64_t images, int64_t rows, Spot* to, bool isWanted) const {
    const int64_t wide = columns_.length(), flat = ((images - 1) * tall_ + rows - 1) * broad_ + wide;
    const int64_t across = up(flat, L), along = images * rows * up(wide, L);
    if (!isWanted) return least(across, along);
    const auto put = [&](int64_t place) {
      const int32_t at = static_cast<int32_t>(place);
      *to++ = {at, at};
    };
    if (across < along) {
      for (int64_t i = 0; i < across; ++i) put(i * L);
      return across;
    }
    for (int64_t i = 0; i < images; ++i) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t x = 0; x < wide; x += L) put((i * tall_ + r) * broad_ + x);
      }
    }
    return along;
  }

  /** Blocks of channels from `begin` to before `end`. */
  void compute(int64_t group, int64_t begin, int64_t end, int64_t image, int64_t band, const float* packed,
               const int32_t* offsets) const {
    const int64_t images = least(together_, images_ - image), row = band * length_;
    const int64_t rows = least(length_, rows_.length() - row);
    // Vectors reach beyond the last row.
    const int64_t line = image_ + L;
    float* const to = scratch<1>().room<float>(count_ * high_ * line + 2 * L);
    const int64_t first = ((image * groups_ + group) * own_ * rows_.out + row) * columns_.out;
    const float* from = dy_ + first;
    if (!isWhole_ || images_ * groups_ * own_ * rows_.out * columns_.out < first + (own_ - 1) * plane_ + image_ + L) {
      float* const padded = scratch<0>().room<float>(own_ * plane_ + image_ + 2 * L);
      pad(group, image, images, row, padded);
      from = padded;
    }
    if (isSliding_) return slide_all(group, image, images, row, rows, packed, from);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * high_, count = least(high_, channels_ - first);
      const float* const weights = packed + block * terms_ * width_;
      isTurned_ ? turn(images, rows, count, weights, offsets, from, to, line)
                : sweep_all(images, rows, count, weights, offsets, from, to, line);
      weave(image, images, group * channels_ + first, count, row, rows, to, line);
    }
  }

  /** The only channel of a group. */
  void slide_all(int64_t group, int64_t image, int64_t images, int64_t row, int64_t rows, const float* window,
                 const float* from) const {
    int32_t* const offsets = scratch<4>().room<int32_t>(own_);
    for (int64_t o = 0; o < own_; ++o) offsets[o] = static_cast<int32_t>(o * plane_);
    const int64_t wide = columns_.size;
    Slide<float> it{own_, offsets, rows_.kernel, columns_.kernel, broad_, 1, window, from, nullptr, wide, 0};
    for (int64_t i = 0; i < images; ++i, it.b += tall_ * broad_) {
      it.c = dx_ + (((image + i) * groups_ + group) * rows_.size + row) * wide;
      slide_plane(it, rows, wide);
    }
  }

  void sweep_all(int64_t images, int64_t rows, int64_t count, const float* packed, const int32_t* offsets,
                 const float* from, float* to, int64_t line) const {
    if constexpr (registers == 32) {
      if (count <= fewRows) return sweep_all<2 * panelVectors>(images, rows, count, packed, offsets, from, to, line);
    }
    sweep_all<panelVectors>(images, rows, count, packed, offsets, from, to, line);
  }

  template <int N>
  void sweep_all(int64_t images, int64_t rows, int64_t count, const float* packed, const int32_t* offsets,
                 const float* from, float* to, int64_t line) const {
    Spot* const spots = reinterpret_cast<Spot*>(scratch<4>().room<int32_t>(2 * (image_ + L + N)));
    const int64_t vectors = spots_of(images, rows, spots, true), height = panel_of(count);
    for (int i = 0; i < N; ++i) spots[vectors + i] = spots[vectors - 1];
    Sweep<float> it;
    it.b = from;
    it.aRow = 1;
    it.cRow = line;
    it.count = L;
    for (int i = 0; i < count_; ++i) {
      const Phase& phase = phases_[i];
      it.k = phase.k;
      it.rows = offsets + phase.at;
      const auto strip = [&](int64_t tiles, int64_t height, int64_t row) {
        it.tiles = tiles;
        it.a = packed + phase.at * width_ + row * phase.k;
        it.aTile = height * phase.k;
        it.aColumn = height;
        it.c = to + (i * high_ + row) * line;
        run_panels<float, N>(height, 1, spots, vectors, it);
      };
      const int64_t tiles = count / height, rest = count % height;
      strip(tiles, height, 0);
      if (rest > 0) strip(1, rest, tiles * height);
    }
  }

  void turn(int64_t images, int64_t rows, int64_t count, const float* packed, const int32_t* offsets, const float* from,
            float* to, int64_t line) const {
    const int64_t wide = columns_.length(), all = images * rows * wide, high = panel_of(count);
    int32_t *const columns = scratch<4>().room<int32_t>(2 * all), *const results = columns + all;
    for (int64_t i = 0; i < all; ++i) {
      columns[i] = static_cast<int32_t>((i / wide / rows * tall_ + i / wide % rows) * broad_ + i % wide);
      results[i] = static_cast<int32_t>(i);
    }
    float* const sums = scratch<2>().room<float>(least(all, blockTurned) * high);
    for (int i = 0; i < count_; ++i) {
      const Phase& phase = phases_[i];
      const int64_t deep = piece(phase.k, blockTurnedK);
      for (int64_t row = 0; row < count; row += high) {
        const int64_t height = least(high, count - row), vectors = up(height, L);
        for (int64_t column = 0; column < all; column += blockTurned) {
          const int64_t width = least(blockTurned, all - column), each = piece(width, turned_columns(static_cast<int>(vectors)));
          const int64_t tiles = width / each, rest = width % each;
          Turned<float> it{tiles, 0, packed + phase.at * width_ + row * phase.k, from, offsets + phase.at, columns + column, sums, false};
          for (int64_t p = 0; p < phase.k; p += deep, it.add = true) {
            it.k = least(deep, phase.k - p);
            run_turned(each, vectors, it);
            if (rest > 0) {
              Turned<float> last = it;
              last.tiles = 1;
              last.columns += tiles * each;
              last.to += tiles * each * vectors * L;
              run_turned(rest, vectors, last);
            }
            it.a += it.k * vectors * L;
            it.rows += it.k;
          }
          store_turned(sums, vectors, height, width, to + (i * high_ + row) * line, line, results + column);
        }
      }
    }
  }

  /** Writes the phases between each other. */
  void weave(int64_t image, int64_t images, int64_t channel, int64_t count, int64_t row, int64_t rows, const float* from,
             int64_t line) const {
    const int64_t all = groups_ * channels_, apart = high_ * line, n = columns_.size, next = columns_.step * apart;
    // Tiles of vectors along the rows leave no gaps between columns.
    const int64_t wide = isTurned_ ? columns_.length() : broad_, tall = isTurned_ ? rows : tall_;
    const int64_t first = row * rows_.step, end = least(rows_.size - first, rows * rows_.step);
    for (int64_t i = 0; i < images; ++i) {
      for (int64_t c = 0; c < count; ++c) {
        float* to = dx_ + (((image + i) * all + channel + c) * rows_.size + first) * n;
        const float* p = from + c * line + i * tall * wide;
        const auto put_row = [&](const float* p) ALWAYS_INLINE {
          columns_.step == 1 ? copy(p, n, to) : weave(p, apart, n, to);
          to += n;
        };
        for (int64_t y = 0; y < end; y += rows_.step, p += wide) {
          put_row(p);
          if (rows_.step == 2 && y + 1 < end) put_row(p + next);
        }
      }
    }
  }
  INLINE void copy(const float* p, int64_t n, float* to) {
    for (int64_t i = 0; i < n; i += L) n - i < L ? store_some(to + i, load(p + i), n - i) : store(to + i, load(p + i));
  }
  /** n elements of two rows. */
  INLINE void weave(const float* p, int64_t apart, int64_t n, float* to) {
    for (int64_t i = 0; i < n; i += 2 * L) {
      const Vec<float> x = load(p + i / 2), y = load(p + apart + i / 2);
      const Vec<float> low = zipped<float, 0>(x, y, AllLanes<float>{}), high = zipped<float, 1>(x, y, AllLanes<float>{});
      const int64_t left = n - i;
      if (left < L) return store_some(to + i, low, left);
      store(to + i, low);
      if (left < 2 * L) return store_some(to + i + L, high, left - L);
      store(to + i + L, high);
    }
  }

  Phase phases_[4];
  int count_ = 0;
  /** The terms of all phases' sums. */
  int64_t terms_ = 0;
  /** The channels, rows, images of a unit, and the bands of an image. */
  int64_t high_, length_, together_, bands_;
  /** Padded gradients: the width and height of an image, the elements of a channel's, and from one channel to the next. */
  int64_t broad_, tall_, image_, plane_;
  /** Whether gradients need no zeros around them: units read them where they are, except the last rows of all. */
  bool isWhole_;
  /** Whether each block of channels is a unit, because there are few others. */
  bool splits_;
  bool isTurned_;
  /** Whether windows slide under the only channel of the result, which tiles write where it belongs. */
  bool isSliding_;
  /** The elements of vectors for each that counts. */
  double fill_;
  /** The packed weights for a term. */
  int64_t width_;
};

}  // namespace flambeau::ISA
