// Padding against plain loops: every dtype, rows around the lengths of vectors, rows of the input that are contiguous,
// apart or reversed, and tensors of several parts. Elements keep their bits.
#include "suites.h"
#include "trial.h"

namespace {

/** [outer, rows, n] with these amounts around it, from an input whose elements are `step` apart. */
void check_pad(DType dtype, const int32_t (&sizes)[3], const int32_t (&low)[3], const int32_t (&high)[3], int32_t step,
               double value = 1) {
  int32_t padded[3], fromSteps[3], toSteps[3];
  for (int32_t l = 2, from = step, to = 1; l >= 0; l--) {
    padded[l] = low[l] + sizes[l] + high[l];
    fromSteps[l] = from;
    toSteps[l] = to;
    from *= sizes[l];
    to *= padded[l];
  }
  const int32_t count = padded[0] * padded[1] * padded[2], elements = sizes[0] * sizes[1] * sizes[2];
  const int32_t away = step < 0 ? -step : step;
  Buffer from(dtype, elements * away), expected(dtype, count), to(dtype, count);
  for (int64_t i = 0; i < from.count; i++) from.set(i, dtype == DType::boolean ? random(2) : random(100) - 50);
  if (dtype == DType::float32 || dtype == DType::float64) from.set(0, -0.0);
  const int32_t start = step < 0 ? elements * away - 1 : 0;
  int64_t at = 0;
  for (int32_t i = 0; i < padded[0]; i++) {
    for (int32_t j = 0; j < padded[1]; j++) {
      for (int32_t k = 0; k < padded[2]; k++, at++) {
        const int32_t a = i - low[0], b = j - low[1], c = k - low[2];
        const bool inside = a >= 0 && a < sizes[0] && b >= 0 && b < sizes[1] && c >= 0 && c < sizes[2];
        expected.set(at, inside ? from.at(start + a * fromSteps[0] + b * fromSteps[1] + c * fromSteps[2]) : value);
      }
    }
  }
  const int32_t first = (low[0] * padded[1] + low[1]) * padded[2] + low[2];
  const Pad pad{3, count, first, sizes, value, {{0, dtype, start}, fromSteps}, {{1, dtype, 0}, toSteps}};
  for (const Kernels* kernels : all_kernels()) {
    for (int64_t i = 0; i < count; i++) to.set(i, 3);
    const Row rows[] = {{from.data, from.count * size_of(dtype)}, {to.data, count * size_of(dtype)}};
    kernels->pad(pad, {rows, 2, nullptr, 0});
    INFO(kernels->name << ", " << sizes[0] << " x " << sizes[1] << " x " << sizes[2] << ", step " << step);
    CHECK(memcmp(to.data, expected.data, static_cast<size_t>(count * size_of(dtype))) == 0);
  }
}

}  // namespace

TEST_CASE("padding puts elements at their places and a value everywhere else") {
  for (const DType dtype : dtypes) {
    for (const int32_t n : {1, 3, 4, 8, 15, 16, 17, 34}) {
      for (const int32_t step : {1, 2, -1}) {
        check_pad(dtype, {2, 3, n}, {0, 1, 1}, {0, 1, 1}, step);
        check_pad(dtype, {2, 2, n}, {1, 0, 20}, {1, 2, 0}, step);
        check_pad(dtype, {1, 2, n}, {0, 0, 0}, {0, 0, 3}, step);
        check_pad(dtype, {2, 5, n}, {0, 1, 2}, {1, 0, 2}, step, 0);
      }
    }
  }
}

TEST_CASE("padding in several parts" * inThreads) {
  check_pad(DType::float32, {9, 70, 66}, {0, 2, 3}, {0, 1, 0}, 1);
  check_pad(DType::float32, {3, 1, 40000}, {1, 1, 1}, {1, 1, 1}, 1);
  check_pad(DType::float32, {9, 70, 66}, {0, 2, 3}, {0, 1, 0}, 1, 0);
  check_pad(DType::uint8, {40, 41, 43}, {1, 1, 1}, {0, 0, 0}, 1);
}
