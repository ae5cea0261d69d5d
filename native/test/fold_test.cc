// Folds against plain loops in double precision: places that meet and that do not, rows of every short length, gaps, and
// several threads.
#include "../src/move.h"
#include "suites.h"
#include "trial.h"

namespace {

/** [outer, taps, n] added up, the taps `apart` and the elements `step` apart, the outer ones as far as they reach. */
void check_fold(DType dtype, int32_t outer, int32_t taps, int32_t n, int32_t apart, int32_t step) {
  const int32_t sizes[] = {outer, taps, n}, fromSteps[] = {taps * n, n, 1};
  const int32_t first = 2, reach = apart * (taps - 1) + step * (n - 1) + 1, toSteps[] = {reach, apart, step};
  const int32_t count = first + outer * reach + 3;
  Buffer from(dtype, outer * taps * n), expected(dtype, count), to(dtype, count);
  for (int64_t i = 0; i < from.count; i++) from.set(i, random(2000) / (dtype == DType::float32 ? 7.0 : 1.0));
  std::vector<double> sums(static_cast<size_t>(count));
  for (int32_t i = 0, at = 0; i < outer; i++) {
    for (int32_t t = 0; t < taps; t++) {
      for (int32_t k = 0; k < n; k++) sums[static_cast<size_t>(first + i * reach + t * apart + k * step)] += from.at(at++);
    }
  }
  for (int32_t i = 0; i < count; i++) expected.set(i, sums[static_cast<size_t>(i)]);
  const Fold fold_{3, count, first, sizes, {{0, dtype, 0}, fromSteps}, {{1, dtype, 0}, toSteps}};
  for (const Kernels* kernels : all_kernels()) {
    for (const int threads : {1, 3}) {
      set_threads(threads);
      for (int32_t i = 0; i < count; i++) to.set(i, 3);
      const Row rows[] = {{from.data, from.count * size_of(dtype)}, {to.data, count * size_of(dtype)}};
      fold(fold_, *kernels, {rows, 2, nullptr, 0});
      INFO(kernels->name << ", " << outer << " x " << taps << " x " << n << ", " << apart << " and " << step << " apart");
      CHECK(memcmp(to.data, expected.data, static_cast<size_t>(count * size_of(dtype))) == 0);
    }
  }
  set_threads(usable_cores());
}

}  // namespace

TEST_CASE("a fold adds what meets in one place, and rounds once" * inThreads) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int32}) {
    for (const int32_t n : {1, 3, 7, 8, 9, 16, 17, 40}) {
      for (const int32_t apart : {1, 3, 14, 50}) check_fold(dtype, 3, 4, n, apart, 1);
      check_fold(dtype, 2, 3, n, 2, 2);
      check_fold(dtype, 2, 3, n, 1, 4);
    }
    check_fold(dtype, 300, 5, 140, 14, 1);
  }
}
