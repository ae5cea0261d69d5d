// Contractions whose rows, columns or sum are several loops, on every available instruction set, compared with loops in
// double: windows, gaps, transposed, reversed and repeated axes, batches, the expression afterwards, and the same bits
// for any number of threads.
#include "nests.h"

namespace {

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

/**
 * Enough work for several threads: many images, and a single one; few channels and many; runs as long as a vector and
 * shorter.
 */
const Convolution large[] = {{9, 1, 32, 32, 6, 5, 1, 1},    {20, 6, 14, 14, 16, 5, 1, 1}, {1, 16, 30, 30, 24, 3, 1, 1},
                             {2, 32, 9, 9, 300, 3, 1, 1},   {3, 8, 33, 33, 20, 3, 2, 1},  {1, 3, 61, 61, 32, 7, 2, 1},
                             {4, 40, 16, 16, 12, 1, 2, 1},  {3, 32, 18, 18, 32, 3, 1, 8}, {2, 48, 30, 30, 48, 3, 1, 48},
                             {1, 8, 60, 60, 8, 3, 3, 1},     {8, 3, 34, 34, 16, 3, 1, 1},   {8, 2, 34, 50, 8, 3, 1, 1},
                             {7, 20, 14, 14, 16, 4, 1, 1},  {3, 12, 20, 29, 15, 4, 1, 1}};

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

TEST_CASE("windows that slide under one row, or along the sum" * inThreads) {
  each_set([](const Kernels& kernels) {
    for (const int32_t size : {1, 2, 3, 4, 5, 6, 7, 9, 11}) {
      for (const int32_t width : {3, 9, 17, 31, 32, 50}) {
        const int32_t high = 1 + random(20), w = width + size - 1, h = high + size - 1;
        check<float>(kernels, forward({1, 1 + random(3), h, w, 1, size, 1, 1}), 3, true);
        check<float>(kernels, by_data({2, 1, h, w, 1 + random(3), size, 1, 1}), 3);
        check<float>(kernels, forward({1, 2, h, w, 2, size, 1, 2}), 3);
        check<float>(kernels, by_weight({3, 2, h, w, 2, size, 1, 2}), 1, true);
        check<float>(kernels, by_weight({1, 3, h + 60, w, 1 + random(2), size, 1, 1}), 1, true);
        check<float>(kernels, by_weight({1 + random(9), 1 + random(2), h, w, 3 + random(9), size, 1, 1}), 1, true);
        check<float>(kernels, by_weight({2, 4, h + 9, w, 12 + 2 * random(4), size, 1, 2}), 1, true);
      }
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
