// Gradients of convolutions by data with steps of 1 and 2, against plain loops: on every instruction set, for few and many
// channels, in groups, for windows that leave elements out or lie beside the images, in bands of rows with several
// images at once or side by side, under a single channel, in memory of exactly the right size.
#include "suites.h"
#include "trial.h"

namespace {

struct Convolution {
  int32_t images, channels, rows, groups;
  /** Along the height and along the width: sizes of dx, of windows, the step, and the padding. */
  int32_t size[2], kernel[2], step[2], low[2];

  int32_t out(int d) const { return (size[d] + 2 * low[d] - kernel[d]) / step[d] + 1; }
  int64_t gradients() const { return int64_t{images} * groups * rows * out(0) * out(1); }
  int64_t weights() const { return int64_t{groups} * rows * channels * kernel[0] * kernel[1]; }
  int64_t results() const { return int64_t{images} * groups * channels * size[0] * size[1]; }

  void run(const Kernels& kernels, std::vector<Buffer*> operands) const {
    CompositeOp op{};
    op.kind = Composite::convolutionByInput;
    op.dtype = DType::float32;
    op.outer = images * groups * rows;
    op.n = out(0);
    op.inner = out(1);
    op.steps[1] = groups * rows;
    for (int d = 0; d < 2; d++) {
      op.numbers[d] = size[d];
      op.numbers[2 + d] = kernel[d];
      op.numbers[4 + d] = step[d];
      op.numbers[6 + d] = low[d];
    }
    op.numbers[8] = channels;
    op.numbers[9] = groups;
    std::vector<Row> memory;
    for (Buffer* buffer : operands) {
      op.operands[memory.size()] = {static_cast<int32_t>(memory.size()), DType::float32, 0};
      memory.push_back({buffer->data, buffer->count * 4});
    }
    kernels.composite(op, {memory.data(), static_cast<int32_t>(memory.size()), nullptr, 0});
  }

  /** The gradient, window by window. */
  std::vector<double> expected(const Buffer& dy, const Buffer& weight) const {
    std::vector<double> dx(static_cast<size_t>(results()));
    const int64_t plane = int64_t{out(0)} * out(1), taps = int64_t{kernel[0]} * kernel[1];
    for (int64_t at = 0; at < gradients(); at++) {
      const int64_t channel = at / plane % (groups * rows), image = at / plane / (groups * rows);
      for (int64_t c = 0; c < channels; c++) {
        const int64_t to = ((image * groups + channel / rows) * channels + c) * size[0];
        for (int64_t tap = 0; tap < taps; tap++) {
          const int64_t y = at % plane / out(1) * step[0] - low[0] + tap / kernel[1];
          const int64_t x = at % out(1) * step[1] - low[1] + tap % kernel[1];
          if (y < 0 || x < 0 || y >= size[0] || x >= size[1]) continue;
          dx[static_cast<size_t>((to + y) * size[1] + x)] += dy.at(at) * weight.at((channel * channels + c) * taps + tap);
        }
      }
    }
    return dx;
  }
};

const Convolution convolutions[] = {
    // images, channels, rows, groups, sizes, windows, steps, padding
    {2, 16, 8, 1, {32, 32}, {3, 3}, {2, 2}, {1, 1}},  {5, 32, 4, 1, {16, 16}, {3, 3}, {2, 2}, {1, 1}},
    {1, 1, 1, 9, {14, 20}, {3, 3}, {2, 2}, {1, 1}},   {2, 3, 5, 1, {21, 37}, {7, 7}, {2, 2}, {3, 3}},
    {1, 70, 3, 1, {9, 9}, {3, 3}, {2, 2}, {1, 1}},    {1, 20, 300, 1, {4, 4}, {3, 3}, {2, 2}, {1, 1}},
    {9, 17, 2, 2, {2, 3}, {2, 3}, {2, 2}, {0, 1}},    {2, 5, 2, 1, {9, 8}, {1, 1}, {2, 2}, {0, 0}},
    {2, 5, 2, 1, {9, 8}, {1, 2}, {2, 2}, {1, 1}},     {1, 6, 2, 2, {12, 19}, {4, 5}, {2, 1}, {1, 2}},
    {1, 6, 2, 1, {12, 19}, {5, 4}, {1, 2}, {2, 2}},   {3, 18, 2, 1, {7, 5}, {3, 3}, {1, 1}, {1, 1}},
    {1, 2, 3, 1, {5, 6}, {3, 3}, {2, 2}, {4, 5}},     {1, 24, 2, 1, {120, 90}, {3, 3}, {2, 2}, {1, 1}},
    {20, 6, 5, 1, {14, 11}, {5, 4}, {1, 1}, {0, 1}},  {37, 3, 9, 2, {6, 7}, {4, 5}, {1, 1}, {2, 0}},
    {33, 14, 40, 1, {7, 5}, {3, 5}, {2, 1}, {1, 2}},  {18, 40, 3, 1, {8, 17}, {5, 5}, {2, 2}, {2, 2}},
    {40, 2, 2, 1, {5, 5}, {2, 2}, {1, 1}, {4, 5}},    {3, 1, 4, 2, {12, 28}, {5, 5}, {1, 1}, {2, 2}},
    {2, 1, 2, 1, {200, 70}, {7, 4}, {1, 1}, {0, 3}},  {2, 1, 3, 1, {5, 19}, {4, 3}, {1, 1}, {0, 0}},
    {70, 2, 1, 1, {1, 1}, {1, 1}, {2, 2}, {0, 0}},    {1, 150, 2, 1, {3, 70}, {2, 2}, {2, 2}, {0, 0}},
};

Buffer whole(int64_t count) {
  Buffer buffer(DType::float32, count);
  for (int64_t i = 0; i < count; i++) buffer.set(i, random(7) - 3);
  return buffer;
}

}  // namespace

TEST_CASE("gradients of convolutions by data in phases") {
  for (const Convolution& it : convolutions) {
    Buffer dy = whole(it.gradients()), weight = whole(it.weights());
    const std::vector<double> expected = it.expected(dy, weight);
    for (const Kernels* kernels : all_kernels()) {
      Buffer dx(DType::float32, it.results());
      it.run(*kernels, {&dy, &weight, &dx});
      // Sums of whole numbers are exact.
      for (int64_t i = 0; i < it.results(); i++) {
        if (dx.at(i) != expected[static_cast<size_t>(i)])
          FAIL(kernels->name << ", convolution " << &it - convolutions << ", element " << i << ": " << dx.at(i) << ", not "
                             << expected[static_cast<size_t>(i)]);
      }
    }
  }
}

TEST_CASE("gradients in phases have the same bits for any number of threads" * inThreads) {
  for (const Kernels* kernels : all_kernels()) {
    for (const Convolution& it : {Convolution{8, 16, 8, 1, {32, 32}, {3, 3}, {2, 2}, {1, 1}},
                                  Convolution{3, 70, 24, 1, {9, 9}, {3, 3}, {2, 2}, {1, 1}},
                                  Convolution{2, 1, 1, 40, {56, 56}, {3, 3}, {2, 2}, {1, 1}},
                                  Convolution{64, 6, 16, 1, {14, 14}, {5, 5}, {1, 1}, {0, 0}},
                                  Convolution{9, 1, 6, 1, {28, 28}, {5, 5}, {1, 1}, {2, 2}}}) {
      Buffer dy(DType::float32, it.gradients()), weight(DType::float32, it.weights());
      for (Buffer* buffer : {&dy, &weight})
        for (int64_t i = 0; i < buffer->count; i++) buffer->set(i, mild_value(DType::float32));
      std::vector<Buffer> all;
      for (const int threads : {1, 4}) {
        set_threads(threads);
        Buffer dx(DType::float32, it.results());
        it.run(*kernels, {&dy, &weight, &dx});
        all.push_back(dx);
      }
      set_threads(usable_cores());
      CHECK(memcmp(all[0].data, all[1].data, static_cast<size_t>(it.results()) * sizeof(float)) == 0);
    }
  }
}
