// argReduce, scan and sort against plain loops: sizes around those of their chunks, ties, NaN, any strides.
#include "order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <type_traits>
#include <vector>

#include "move.h"
#include "pool.h"
#include "suites.h"

using namespace flambeau;

namespace {

/** Few different values, so that there are ties; sometimes NaN. */
std::vector<float> numbers(size_t count, uint32_t seed, bool nan) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& x : values) {
    x = static_cast<float>(random() % 50) - 25;
    if (nan && random() % 97 == 0) x = NAN;
  }
  return values;
}

template <class T> Row row_of(std::vector<T>& values) {
  return {reinterpret_cast<char*>(values.data()), static_cast<int64_t>(values.size() * sizeof(T))};
}

bool beats(float value, float best, bool max) {
  if (value != value) return best == best;
  return max ? value > best : value < best;
}

}  // namespace

TEST_CASE("argReduce finds the first extreme") {
  for (const int32_t kept : {1, 3, 300}) {
    for (const int32_t n : {1, 5, 31, 32, 63, 64, 65, 130, 200}) {
      for (const bool inner : {true, false}) {
        for (const bool max : {true, false}) {
          for (const bool nan : {true, false}) {
            const auto count = static_cast<size_t>(kept) * static_cast<size_t>(n);
            std::vector<float> values = numbers(count, static_cast<uint32_t>(n), nan);
            std::vector<int32_t> indices(static_cast<size_t>(kept));
            const int32_t sizes[] = {kept, n};
            const int32_t steps[] = {inner ? n : 1, inner ? 1 : kept};
            const Row rows[] = {row_of(values), row_of(indices)};
            arg_reduce({max, 1, 1, sizes, {{0, DType::float32, 0}, steps}, {1, DType::int32, 0}},
                       {rows, 2, nullptr, 0});
            for (int32_t i = 0; i < kept; i++) {
              int32_t best = 0;
              const auto at = [&](int32_t k) { return values[static_cast<size_t>(i * steps[0] + k * steps[1])]; };
              for (int32_t k = 1; k < n; k++) {
                if (beats(at(k), at(best), max)) best = k;
              }
              REQUIRE(indices[static_cast<size_t>(i)] == best);
            }
          }
        }
      }
    }
  }
}

namespace {

/** Sorts n numbers of a dtype, and compares the places that are asked for with those of a stable sort. */
template <class T> void check_sort(DType dtype, int32_t n, bool descending, const std::vector<Run>& runs) {
  std::vector<T> values(static_cast<size_t>(n));
  const std::vector<float> given = numbers(values.size(), static_cast<uint32_t>(n), std::is_floating_point_v<T>);
  for (size_t i = 0; i < values.size(); i++) {
    // Also what differs in few bits, and zeros of both signs.
    if (std::is_floating_point_v<T>)
      values[i] = static_cast<T>(given[i] == 0 && i % 2 == 0 ? -0.0F : i % 3 == 0 ? given[i] : given[i] / 3e9F);
    else
      values[i] = static_cast<T>(static_cast<int32_t>(given[i]) * (i % 3 == 0 ? 1 : 1 << 20));
  }
  std::vector<int32_t> expected(values.size()), indices(values.size(), -1);
  for (int32_t i = 0; i < n; i++) expected[static_cast<size_t>(i)] = i;
  std::stable_sort(expected.begin(), expected.end(), [&](int32_t a, int32_t b) {
    const T x = values[static_cast<size_t>(descending ? b : a)], y = values[static_cast<size_t>(descending ? a : b)];
    return x < y || (x == x && y != y);
  });
  std::vector<T> sorted(values.size(), T{77});
  const int32_t steps[] = {1};
  const Row rows[] = {row_of(values), row_of(sorted), row_of(indices)};
  sort({descending,
        0,
        n,
        static_cast<int32_t>(runs.size()),
        nullptr,
        runs.data(),
        {{0, dtype, 0}, steps},
        {{1, dtype, 0}, steps},
        {{2, DType::int32, 0}, steps}},
       {rows, 3, nullptr, 0});
  for (int32_t i = 0; i < n; i++) {
    const bool wanted = std::any_of(runs.begin(), runs.end(), [&](Run run) { return run.from <= i && i < run.to; });
    const auto at = static_cast<size_t>(i);
    REQUIRE(indices[at] == (wanted ? expected[at] : -1));
    const T value = wanted ? values[static_cast<size_t>(expected[at])] : T{77};
    REQUIRE(memcmp(&sorted[at], &value, sizeof value) == 0);
  }
}

}  // namespace

TEST_CASE("sort is stable, has NaN last or first, and writes the places of its runs alone") {
  for (const bool descending : {false, true}) {
    for (const int32_t n : {1, 2, 63, 64, 65, 500, 3000}) {
      const int32_t middle = (n - 1) / 2, few = (n + 9) / 10;
      for (const std::vector<Run>& runs : std::vector<std::vector<Run>>{
               {{0, n}}, {{0, few}}, {{n - few, n}}, {{middle, middle + 1}}, {{middle, n}, {n - 1, n}}, {}}) {
        check_sort<float>(DType::float32, n, descending, runs);
        check_sort<double>(DType::float64, n, descending, runs);
        check_sort<int32_t>(DType::int32, n, descending, runs);
        check_sort<uint8_t>(DType::uint8, n, descending, runs);
      }
    }
  }
}

TEST_CASE("scan keeps a running value in double precision") {
  constexpr int32_t n = 1000;
  std::vector<float> values(n, 0.1F), sums(n);
  const int32_t steps[] = {1};
  const Row rows[] = {row_of(values), row_of(sums)};
  scan({Reduce::sum, 0, n, nullptr, {{0, DType::float32, 0}, steps}, {{1, DType::float32, 0}, steps}},
       {rows, 2, nullptr, 0});
  CHECK(sums[n - 1] == static_cast<float>(static_cast<double>(0.1F) * n));
}

TEST_CASE("moves and orders are the same for any number of threads" * inThreads) {
  constexpr int32_t rows = 60, n = 3000, count = rows * n;
  std::vector<float> values = numbers(count, 3, true);
  std::vector<int32_t> places(count);
  for (int32_t i = 0; i < count; i++) places[static_cast<size_t>(i)] = (i * 7919) % n;
  const int32_t sizes[] = {rows, n}, steps[] = {n, 1}, rowOnly[] = {n, 0};
  const auto results = [&](int threads) {
    set_threads(threads);
    std::vector<std::vector<float>> floats(3, std::vector<float>(count));
    std::vector<std::vector<int32_t>> indices(2, std::vector<int32_t>(count));
    const Row memory[] = {row_of(values),    row_of(places),     row_of(floats[0]), row_of(floats[1]),
                          row_of(floats[2]), row_of(indices[0]), row_of(indices[1])};
    const Memory all{memory, 7, nullptr, 0};
    const Strided from{{0, DType::float32, 0}, steps};
    const auto to = [&](int32_t row) { return Strided{{row, DType::float32, 0}, steps}; };
    CHECK(
        !gather({2, n, 1, sizes, {{0, DType::float32, 0}, rowOnly}, {{1, DType::int32, 0}, steps}, to(2)}, all).found);
    const Run whole{0, n};
    sort({false, 1, n, 1, sizes, &whole, from, to(3), {{5, DType::int32, 0}, steps}}, all);
    scan({Reduce::max, 1, n, sizes, from, to(4)}, all);
    arg_reduce({true, 1, 1, sizes, from, {6, DType::int32, 0}}, all);
    set_threads(usable_cores());
    return std::make_pair(floats, indices);
  };
  const auto [floats, indices] = results(1);
  for (int32_t i = 0; i < count; i++) {
    const float expected = values[static_cast<size_t>(i / n * n + places[static_cast<size_t>(i)])];
    REQUIRE(memcmp(&floats[0][static_cast<size_t>(i)], &expected, sizeof expected) == 0);
  }
  for (const int threads : {2, 5}) {
    const auto [otherFloats, otherIndices] = results(threads);
    for (size_t k = 0; k < floats.size(); k++)
      CHECK(memcmp(floats[k].data(), otherFloats[k].data(), sizeof(float) * count) == 0);
    CHECK(indices == otherIndices);
  }
}
