// Convolutions of 3 x 3 by Winograd's algorithm, on every available instruction set: the same bits for any number of
// threads, exact for small integers, without the zeros around images in memory, and with the transformed weights kept.
#include "nests.h"

namespace {

/**
 * For Winograd's algorithm: images of even and of odd sizes, several together and one in parts, parts of rows, channels
 * that do not fill vectors, groups.
 */
const Convolution squares[] = {{5, 16, 10, 10, 16, 3, 1, 1}, {3, 20, 13, 20, 40, 3, 1, 1}, {1, 33, 47, 16, 90, 3, 1, 1},
                               {1, 64, 5, 151, 64, 3, 1, 1}, {2, 72, 11, 9, 96, 3, 1, 2},  {40, 16, 6, 5, 64, 3, 1, 1}};

}  // namespace

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
