// Contractions whose rows, columns or sum are several loops, on every available instruction set, compared with loops in
// double: windows, gaps, transposed, reversed and repeated axes, batches, the expression afterwards, and the same bits
// for any number of threads.
#include <cmath>
#include <limits>

#include "../src/pool.h"
#include "elements.h"
#include "suites.h"

namespace {

using Sizes = std::vector<int32_t>;

int64_t product(const Sizes& sizes) {
  int64_t count = 1;
  for (const int32_t size : sizes) count *= size;
  return count;
}

/** The offset of element number `index` of some loops. */
int64_t at(const Sizes& sizes, const int32_t* steps, int64_t index) {
  int64_t offset = 0;
  for (size_t d = sizes.size(); d-- > 0; index /= sizes[d]) offset += index % sizes[d] * steps[d];
  return offset;
}

Sizes joined(std::initializer_list<Sizes> lists) {
  Sizes all;
  for (const Sizes& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

/** Loops of each class, and the strides of both factors in their loops. */
struct Nests {
  Sizes batch, rows, columns, sum;
  /** Over batch, rows, sum; over batch, sum, columns. */
  Sizes a, b;
  int64_t aFirst = 0, aCount = 1, bFirst = 0, bCount = 1;

  /** Computes how many elements each factor needs, and its first one, from the strides. */
  void place() {
    const auto reach = [](const Sizes& sizes, const Sizes& steps, int64_t* first, int64_t* count) {
      int64_t low = 0, high = 0;
      for (size_t d = 0; d < sizes.size(); ++d) (steps[d] < 0 ? low : high) += int64_t{steps[d]} * (sizes[d] - 1);
      *first = -low;
      *count = high - low + 1;
    };
    reach(joined({batch, rows, sum}), a, &aFirst, &aCount);
    reach(joined({batch, sum, columns}), b, &bFirst, &bCount);
  }
};

/** Loops with the strides of a tensor whose axes were permuted; some overlap, some do not move, some go backward. */
Nests any_nests() {
  const auto loops = [](int32_t most, int32_t size) {
    Sizes sizes(static_cast<size_t>(random(most + 1)));
    for (int32_t& x : sizes) x = 1 + random(size);
    return sizes;
  };
  Nests it{loops(2, 3), loops(3, 5), loops(3, 7), loops(3, 6), {}, {}};
  // Long runs of columns and of the sum have their own kernels.
  if (random(2) && !it.columns.empty()) it.columns.back() = 1 + random(40);
  if (random(2) && !it.sum.empty()) it.sum.back() = 1 + random(40);
  const auto steps = [](const Sizes& sizes, int32_t unit) {
    Sizes steps(sizes.size());
    int32_t step = unit;
    for (size_t d = sizes.size(); d-- > 0;) {
      const int32_t kind = random(8);
      steps[d] = kind == 0 ? 0 : kind == 1 ? -step : kind == 2 ? 1 + random(3) : step;
      if (kind != 0) step = std::min(step * sizes[d] + (kind == 3 ? 2 : 0), 3000);
    }
    return steps;
  };
  const int32_t unit = 1 + random(5) / 3;
  it.a = steps(joined({it.batch, it.rows, it.sum}), random(4) ? 1 : 2);
  it.b = steps(joined({it.batch, it.sum, it.columns}), unit);
  if (random(3) == 0 && !it.sum.empty()) {  // both along the sum
    it.a.back() = 1;
    it.b[it.batch.size() + it.sum.size() - 1] = unit;
  }
  it.place();
  return it;
}

/** A convolution of padded images: [n, c, h, w] with [o, c / groups, size, size], and its gradients. */
struct Convolution {
  int32_t n, c, h, w, o, size, stride, groups;
  int32_t high() const { return (h - size) / stride + 1; }
  int32_t wide() const { return (w - size) / stride + 1; }
};

Nests forward(const Convolution& x) {
  const int32_t in = x.c / x.groups, out = x.o / x.groups, k = x.size, plane = x.h * x.w;
  Nests it{{x.n, x.groups},
           {out},
           {x.high(), x.wide()},
           {in, k, k},
           {0, out * in * k * k, in * k * k, k * k, k, 1},
           {x.c * plane, in * plane, plane, x.w, 1, x.stride * x.w, x.stride}};
  it.place();
  return it;
}

/** The gradient by the images, for a stride of 1: the padded gradient, with the kernel reversed. */
Nests by_data(const Convolution& x) {
  const int32_t in = x.c / x.groups, out = x.o / x.groups, k = x.size, plane = x.h * x.w;
  Nests it{{x.n, x.groups},
           {in},
           {x.high(), x.wide()},
           {out, k, k},
           {0, out * in * k * k, k * k, in * k * k, -k, -1},
           {x.o * plane, out * plane, plane, x.w, 1, x.w, 1}};
  it.columns = {x.h - k + 1, x.w - k + 1};
  it.place();
  return it;
}

Nests by_weight(const Convolution& x) {
  const int32_t in = x.c / x.groups, out = x.o / x.groups, k = x.size, plane = x.h * x.w, count = x.high() * x.wide();
  Nests it{{x.groups},
           {out},
           {in, k, k},
           {x.n, x.high(), x.wide()},
           {out * count, count, x.o * count, x.wide(), 1},
           {in * plane, x.c * plane, x.stride * x.w, x.stride, plane, x.w, 1}};
  it.place();
  return it;
}

constexpr int margin = 7;

/** The further operand of the expression: none, one element per row, or one without a constant stride along columns. */
enum class Post { none, bias, uneven };

template <class T> std::vector<T> contracted(const Kernels& kernels, const Nests& it, const std::vector<T>& a,
                                             const std::vector<T>& b, Post post = Post::none,
                                             const std::vector<T>& further = {}, const Border* border = nullptr,
                                             Kept* kept = nullptr) {
  const int64_t batch = product(it.batch), m = product(it.rows), n = product(it.columns), k = product(it.sum);
  const int64_t count = batch * m * n;
  std::vector<T> c(static_cast<size_t>(count + 2 * margin), T{3});
  if constexpr (std::is_floating_point_v<T>) {
    for (int64_t i = 0; i < count; ++i) c[static_cast<size_t>(margin + i)] = std::numeric_limits<T>::quiet_NaN();
  }
  const auto row = [](const std::vector<T>& x) {
    return Row{reinterpret_cast<char*>(const_cast<T*>(x.data())), static_cast<int64_t>(x.size() * sizeof(T))};
  };
  const Row rows[] = {row(a), row(b), row(c), row(further)};
  const Sizes sizes = joined({it.batch, it.rows, it.columns, it.sum});
  Sizes steps(it.batch.size() + it.rows.size() + it.columns.size(), 0);
  int32_t step = 1;
  for (size_t d = it.rows.size(); d-- > 0 && post == Post::bias; step *= it.rows[d])
    steps[it.batch.size() + d] = step;
  if (post == Post::uneven && !it.columns.empty()) steps[steps.size() - it.columns.size()] = 1;
  const DType dtype = dtype_of<T>;
  const Strided input{{3, dtype, 0}, steps.data()};
  const std::vector<Code> codes{{Step::add, dtype, dtype, 0, -1, -2, 0}};
  const bool finishes = post != Post::none;
  const Contract contract{dtype,
                          static_cast<int32_t>(it.batch.size()),
                          static_cast<int32_t>(it.rows.size()),
                          static_cast<int32_t>(it.columns.size()),
                          static_cast<int32_t>(it.sum.size()),
                          sizes.data(),
                          batch,
                          m,
                          n,
                          k,
                          {{0, dtype, static_cast<int32_t>(it.aFirst)}, it.a.data()},
                          {{1, dtype, static_cast<int32_t>(it.bFirst)}, it.b.data()},
                          {2, dtype, margin},
                          finishes ? 1 : 0,
                          &input,
                          finishes ? 1 : 0,
                          codes.data(),
                          finishes ? 0 : -1,
                          border,
                          kept};
  kernels.contract(contract, Memory{rows, 4, nullptr, 0}, nullptr);
  if (void* const finish = kernels.prepare_finish(contract)) {
    const std::vector<T> once = c;
    kernels.contract(contract, Memory{rows, 4, nullptr, 0}, finish);
    REQUIRE(same_bits(once, c));
    kernels.release(finish);
  }
  for (int i = 0; i < margin; ++i) {
    REQUIRE(c[static_cast<size_t>(i)] == T{3});
    REQUIRE(c[c.size() - 1 - static_cast<size_t>(i)] == T{3});
  }
  return std::vector<T>(c.begin() + margin, c.end() - margin);
}

/** The number of elements, of every `every`-th one, that differ from the exact sum by more than rounding explains. */
template <class T> int64_t wrong(const Nests& it, const std::vector<T>& a, const std::vector<T>& b,
                                 const std::vector<T>& c, int every) {
  const int64_t batch = product(it.batch), m = product(it.rows), n = product(it.columns), k = product(it.sum);
  const int32_t *aRows = it.a.data() + it.batch.size(), *aSum = aRows + it.rows.size();
  const int32_t *bSum = it.b.data() + it.batch.size(), *bColumns = bSum + it.sum.size();
  std::vector<int64_t> x(static_cast<size_t>(k)), y(x.size());
  for (int64_t p = 0; p < k; ++p) {
    x[static_cast<size_t>(p)] = at(it.sum, aSum, p);
    y[static_cast<size_t>(p)] = at(it.sum, bSum, p);
  }
  int64_t failures = 0;
  for (int64_t e = random(every); e < batch * m * n; e += 1 + (every > 1 ? random(every) : 0)) {
    const int64_t q = e / (m * n), i = e / n % m, j = e % n;
    const T* const left = a.data() + it.aFirst + at(it.batch, it.a.data(), q) + at(it.rows, aRows, i);
    const T* const right = b.data() + it.bFirst + at(it.batch, it.b.data(), q) + at(it.columns, bColumns, j);
    double sum = 0, size = 0;
    uint32_t bits = 0;
    for (size_t p = 0; p < x.size(); ++p) {
      if constexpr (std::is_floating_point_v<T>) {
        const double term = static_cast<double>(left[x[p]]) * right[y[p]];
        sum += term;
        size += std::abs(term);
      } else {
        bits += static_cast<uint32_t>(left[x[p]]) * static_cast<uint32_t>(right[y[p]]);
      }
    }
    const T got = c[static_cast<size_t>(e)];
    if constexpr (!std::is_floating_point_v<T>)
      failures += got != static_cast<T>(bits);
    else
      failures += !(std::abs(got - sum) <= size * static_cast<double>(k + 1) * std::numeric_limits<T>::epsilon());
  }
  return failures;
}

template <class T> std::vector<T> elements(int64_t count) {
  std::vector<T> data(static_cast<size_t>(count));
  for (T& x : data) x = element<T>();
  return data;
}

/** With one thread and with several, with an expression afterwards and without. */
template <class T> void check(const Kernels& kernels, const Nests& it, int every = 1, bool inThreads = false) {
  CAPTURE(it.batch);
  CAPTURE(it.rows);
  CAPTURE(it.columns);
  CAPTURE(it.sum);
  CAPTURE(it.a);
  CAPTURE(it.b);
  const std::vector<T> a = elements<T>(it.aCount), b = elements<T>(it.bCount);
  set_threads(1);
  const std::vector<T> c = contracted(kernels, it, a, b);
  REQUIRE(wrong(it, a, b, c, every) == 0);
  const int64_t m = product(it.rows), n = product(it.columns);
  const std::vector<T> further = elements<T>(std::max(m, n));
  const std::vector<int> counts = !inThreads ? std::vector<int>{} : isSlow ? std::vector<int>{5} : std::vector<int>{2, 5};
  for (const int count : counts) {
    set_threads(count);
    REQUIRE(same_bits(contracted(kernels, it, a, b), c));
  }
  for (const Post post : {Post::bias, Post::uneven}) {
    set_threads(1);
    const std::vector<T> finished = contracted(kernels, it, a, b, post, further);
    int64_t failures = 0;
    for (size_t e = 0; e < c.size(); ++e) {
      const int64_t i = static_cast<int64_t>(e), outer = it.columns.empty() ? 1 : it.columns[0];
      const int64_t from = post == Post::bias ? i / n % m : it.columns.empty() ? 0 : i % n / (n / outer);
      if constexpr (std::is_floating_point_v<T>)
        failures += finished[e] != c[e] + further[static_cast<size_t>(from)];
      else
        failures += static_cast<uint32_t>(finished[e]) !=
                    static_cast<uint32_t>(c[e]) + static_cast<uint32_t>(further[static_cast<size_t>(from)]);
    }
    REQUIRE(failures == 0);
    for (const int count : counts) {
      set_threads(count);
      REQUIRE(same_bits(contracted(kernels, it, a, b, post, further), finished));
    }
  }
  set_threads(usable_cores());
}

/**
 * Enough work for several threads: many images, and a single one; few channels and many; runs as long as a vector and
 * shorter.
 */
const Convolution large[] = {{9, 1, 32, 32, 6, 5, 1, 1},    {20, 6, 14, 14, 16, 5, 1, 1}, {1, 16, 30, 30, 24, 3, 1, 1},
                             {2, 32, 9, 9, 300, 3, 1, 1},   {3, 8, 33, 33, 20, 3, 2, 1},  {1, 3, 61, 61, 32, 7, 2, 1},
                             {4, 40, 16, 16, 12, 1, 2, 1},  {3, 32, 18, 18, 32, 3, 1, 8}, {2, 48, 30, 30, 48, 3, 1, 48},
                             {1, 8, 60, 60, 8, 3, 3, 1}};

/**
 * For Winograd's algorithm: images of even and of odd sizes, several together and one in parts, parts of rows, channels
 * that do not fill vectors, groups.
 */
const Convolution squares[] = {{5, 16, 10, 10, 16, 3, 1, 1}, {3, 20, 13, 20, 40, 3, 1, 1}, {1, 33, 47, 16, 90, 3, 1, 1},
                               {1, 64, 5, 151, 64, 3, 1, 1}, {2, 72, 11, 9, 96, 3, 1, 2},  {40, 16, 6, 5, 64, 3, 1, 1}};

}  // namespace

TEST_CASE("contractions of all loops and steps") {
  each_set([](const Kernels& kernels) {
    for (int i = 0; i < 500; ++i) {
      const Nests it = any_nests();
      if (i % 5 == 0) check<int32_t>(kernels, it);
      if (i % 5 == 1) check<double>(kernels, it);
      check<float>(kernels, it);
    }
  });
}

TEST_CASE("an empty sum is 0, and the expression is applied to it") {
  each_set([](const Kernels& kernels) {
    Nests it{{2}, {2, 3}, {3, 4}, {2, 0}, {6, 1, 1, 1, 1}, {6, 1, 1, 1, 1}};
    const std::vector<float> none(1), further = elements<float>(12);
    for (const float x : contracted(kernels, it, none, none)) REQUIRE(x == 0);
    const std::vector<float> finished = contracted(kernels, it, none, none, Post::bias, further);
    for (size_t e = 0; e < finished.size(); ++e) REQUIRE(finished[e] == further[e / 12 % 6]);
  });
}

TEST_CASE("convolutions have the same bits for any number of threads" * inThreads) {
  each_set([](const Kernels& kernels) {
    for (const Convolution& x : large) {
      for (const auto direction : {forward, by_data, by_weight}) {
        check<float>(kernels, direction(x), 50, true);
        if (x.n == 1) check<double>(kernels, direction(x), 50, true);
      }
    }
  });
}

TEST_CASE("Winograd's algorithm has the same bits for any number of threads" * inThreads) {
  each_set([](const Kernels& kernels) {
    for (const Convolution& x : squares) {
      for (const auto direction : {forward, by_data, by_weight}) check<float>(kernels, direction(x), 20, true);
    }
  });
}

TEST_CASE("convolutions of small integers are exact") {
  each_set([](const Kernels& kernels) {
    size_t shape = 0;
    for (const Convolution& x : squares) {
      // Slow programs take one direction of each: they compute all of them with several threads.
      const size_t turn = shape++ % 3;
      size_t index = 0;
      for (const auto direction : {forward, by_data, by_weight}) {
        if (index++ != turn && isSlow) continue;
        const Nests it = direction(x);
        std::vector<float> a(static_cast<size_t>(it.aCount)), b(static_cast<size_t>(it.bCount));
        for (std::vector<float>* const list : {&a, &b})
          for (float& y : *list) y = static_cast<float>(random(9) - 4);
        std::vector<double> exactA(a.begin(), a.end()), exactB(b.begin(), b.end());
        const std::vector<float> c = contracted(kernels, it, a, b);
        const std::vector<double> exact = contracted(kernels, it, exactA, exactB);
        for (size_t e = 0; e < c.size(); ++e) REQUIRE(static_cast<double>(c[e]) == exact[e]);
      }
    }
  });
}

/** The same bits as with zeros in memory, for any number of threads. */
template <class T> static void check_border(const Kernels& kernels, const Convolution& x, const Nests& it, const Border& border) {
  CAPTURE(x.c);
  CAPTURE(x.h);
  CAPTURE(border.above);
  const int64_t plane = border.plane(), planes = (it.bCount + plane - 1) / plane;
  const std::vector<T> a = elements<T>(it.aCount), inside = elements<T>(planes * border.inside());
  std::vector<T> whole(static_cast<size_t>(planes * plane));
  for (int64_t i = 0; i < planes * border.high; ++i) {
    const int64_t row = i / border.high * border.tall() + border.above + i % border.high;
    for (int64_t j = 0; j < border.wide; ++j)
      whole[static_cast<size_t>(row * border.broad() + border.before + j)] = inside[static_cast<size_t>(i * border.wide + j)];
  }
  const std::vector<T> c = contracted(kernels, it, a, whole);
  for (const int count : {1, 5}) {
    set_threads(count);
    REQUIRE(same_bits(contracted(kernels, it, a, inside, Post::none, {}, &border), c));
  }
  set_threads(usable_cores());
}

TEST_CASE("zeros around images need not be in memory" * inThreads) {
  each_set([](const Kernels& kernels) {
    size_t shape = 0;
    for (const auto& list : {std::vector<Convolution>(std::begin(squares), std::end(squares)),
                             std::vector<Convolution>{{2, 3, 9, 8, 4, 3, 1, 1}, {1, 4, 12, 11, 6, 5, 2, 2}}}) {
      for (const Convolution& x : list) {
        const size_t turn = shape++;
        const int32_t one = turn % 2 == 0 ? 1 : 2;
        const Border border{x.h - one - 1, x.w - 2, one, 1, 1, 1, 0};
        size_t index = 0;
        for (const auto direction : {forward, by_data, by_weight}) {
          if (index++ != turn % 3 && isSlow) continue;
          if (direction == by_data && x.stride > 1) continue;
          check_border<float>(kernels, x, direction(x), border);
          if (x.c < 16) check_border<double>(kernels, x, direction(x), border);
          if (x.c < 16) check_border<int32_t>(kernels, x, direction(x), border);
        }
      }
    }
  });
}

TEST_CASE("transformed weights are kept until they change" * inThreads) {
  each_set([](const Kernels& kernels) {
    // Threads share tiles of the first, and rows of the others.
    for (const Convolution& x : {Convolution{1, 32, 30, 30, 32, 3, 1, 1}, {1, 160, 9, 9, 160, 3, 1, 1}, {2, 96, 9, 9, 80, 3, 1, 1}}) {
      const Nests it = forward(x);
      const std::vector<float> a = elements<float>(it.aCount), other = elements<float>(it.aCount);
      const std::vector<float> b = elements<float>(it.bCount);
      int64_t left = 1 << 26;
      const int64_t before = left;
      Kept kept(&left);
      const auto run = [&](const std::vector<float>& weights) {
        return contracted(kernels, it, weights, b, Post::none, {}, nullptr, &kept);
      };
      set_threads(1);
      const std::vector<float> c = run(a);
      REQUIRE(wrong(it, a, b, c, 20) == 0);
      REQUIRE(left < before);
      REQUIRE(same_bits(run(other), c));
      for (const int count : {5, 2}) {
        // Others divide rows otherwise, so they may make them again.
        set_threads(count);
        REQUIRE(same_bits(run(a), c));
        REQUIRE(same_bits(run(other), c));
      }
      kept.made = 0;
      REQUIRE(wrong(it, other, b, run(other), 20) == 0);
      // Without room it goes as it would without.
      int64_t none = 0;
      Kept nowhere(&none);
      REQUIRE(same_bits(contracted(kernels, it, a, b, Post::none, {}, nullptr, &nowhere), contracted(kernels, it, a, b)));
      set_threads(usable_cores());
    }
  });
}

TEST_CASE("elements next to a run are not read as part of it") {
  each_set([](const Kernels& kernels) {
    // After each run of ten comes a NaN: with columns along the run, and with the sum.
    const Nests along{{}, {6}, {5, 10}, {2, 3}, {6, 3, 1}, {60, 11, 11, 1}};
    const Nests across{{}, {6}, {2, 3}, {5, 10}, {55, 11, 1}, {11, 1, 60, 5}};
    for (Nests it : {along, across}) {
      it.place();
      std::vector<float> a(static_cast<size_t>(it.aCount + 64), 1.0f), b(static_cast<size_t>(it.bCount + 64), 1.0f);
      const bool isAlong = it.columns == Sizes{5, 10};
      for (size_t i = 0; i < b.size(); ++i) b[i] = isAlong && i < 60 && i % 11 == 10 ? 5.0f : b[i];
      for (size_t i = static_cast<size_t>(it.bCount); i < b.size(); ++i) b[i] = std::numeric_limits<float>::quiet_NaN();
      for (size_t i = 0; i < a.size(); ++i)
        if (!isAlong && (i % 11 == 10 || i >= static_cast<size_t>(it.aCount)))
          a[i] = std::numeric_limits<float>::quiet_NaN();
      const std::vector<float> c = contracted(kernels, it, a, b);
      REQUIRE(wrong(it, a, b, c, 1) == 0);
    }
  });
}
