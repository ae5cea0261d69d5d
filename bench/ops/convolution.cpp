// Convolutions written for one shape each, all of whose sizes are constants, as subjects: what a contraction, which learns
// its sizes when it runs, is held against. The names are those of workloads/convolution.ts.
#include <cstring>
#include <memory>

#include "../floors/cpp/serve.hpp"

typedef float Lanes __attribute__((vector_size(64)));
typedef float Unaligned __attribute__((vector_size(64), aligned(4), may_alias));

static Lanes load(const float* p) { return *reinterpret_cast<const Unaligned*>(p); }
static void store(float* p, Lanes x) { *reinterpret_cast<Unaligned*>(p) = x; }

/** Images, with zeros around them. */
template <int images, int channels, int size, int padding>
static void pad(const float* x, Floats& to) {
  constexpr int wide = size + 2 * padding;
  to.assign(static_cast<size_t>(images) * channels * wide * wide + 16, 0);
  for (int i = 0; i < images * channels; i++)
    for (int row = 0; row < size; row++)
      memcpy(&to[(static_cast<size_t>(i) * wide + row + padding) * wide + padding], x + (i * size + row) * size,
             size * sizeof(float));
}

/** Few kernels: the vectors go along two rows of pixels, each of 16 to 32. */
template <int images, int channels, int size, int kernels, int kernel, int padding>
static void alongPixels(const float* x, const float* weight, float* y, Floats& padded) {
  constexpr int wide = size + 2 * padding, side = wide - kernel + 1, taps = channels * kernel * kernel;
  static_assert(side % 2 == 0 && side >= 16 && side <= 32, "two vectors a row");
  pad<images, channels, size, padding>(x, padded);
  for (int image = 0; image < images; image++) {
    for (int row = 0; row < side; row += 2) {
      Lanes sum[kernels][4] = {};
      for (int c = 0; c < channels; c++) {
        const float* from = &padded[((static_cast<size_t>(image) * channels + c) * wide + row) * wide];
#pragma GCC unroll 5
        for (int i = 0; i < kernel; i++) {
#pragma GCC unroll 5
          for (int j = 0; j < kernel; j++) {
            const float* at = from + i * wide + j;
            const Lanes of[4] = {load(at), load(at + side - 16), load(at + wide), load(at + wide + side - 16)};
#pragma GCC unroll 8
            for (int o = 0; o < kernels; o++) {
              const float w = weight[o * taps + (c * kernel + i) * kernel + j];
#pragma GCC unroll 4
              for (int v = 0; v < 4; v++) sum[o][v] += w * of[v];
            }
          }
        }
      }
#pragma GCC unroll 8
      for (int o = 0; o < kernels; o++) {
        float* to = y + ((image * kernels + o) * side + row) * side;
        store(to, sum[o][0]);
        store(to + side - 16, sum[o][1]);
        store(to + side, sum[o][2]);
        store(to + 2 * side - 16, sum[o][3]);
      }
    }
  }
}

/** Many kernels: vectors go along 64 of them, for seven pixels at a time. */
template <int images, int channels, int size, int kernels, int kernel, int padding>
static void alongKernels(const float* x, const float* weight, float* y, Floats& padded) {
  constexpr int wide = size + 2 * padding, side = wide - kernel + 1, taps = channels * kernel * kernel, pixels = 7;
  static_assert(side % pixels == 0 && kernels % 64 == 0, "whole tiles");
  pad<images, channels, size, padding>(x, padded);
  static Floats packed;
  packed.resize(static_cast<size_t>(taps) * 64);
  for (int o = 0; o < kernels; o += 64) {
    for (int p = 0; p < taps; p++)
      for (int l = 0; l < 64; l++) packed[p * 64 + l] = weight[(o + l) * taps + p];
    for (int image = 0; image < images; image++) {
      for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column += pixels) {
          Lanes sum[pixels][4] = {};
          const float* w = packed.data();
          for (int c = 0; c < channels; c++) {
            const float* from = &padded[((static_cast<size_t>(image) * channels + c) * wide + row) * wide + column];
            for (int i = 0; i < kernel; i++) {
#pragma GCC unroll 5
              for (int j = 0; j < kernel; j++, w += 64) {
                const Lanes of[4] = {load(w), load(w + 16), load(w + 32), load(w + 48)};
#pragma GCC unroll 7
                for (int q = 0; q < pixels; q++) {
#pragma GCC unroll 4
                  for (int v = 0; v < 4; v++) sum[q][v] += from[i * wide + j + q] * of[v];
                }
              }
            }
          }
          float* to = y + ((image * kernels + o) * side + row) * side + column;
          for (int v = 0; v < 4; v++)
            for (int l = 0; l < 16; l++)
              for (int q = 0; q < pixels; q++) to[(v * 16 + l) * side * side + q] = sum[q][v][l];
        }
      }
    }
  }
}

using Kernel = void (*)(const float*, const float*, float*, Floats&);
struct Written {
  const char* name;
  Kernel kernel;
  size_t results;
};
const Written written[] = {
    {"convolution contraction forward 64 1 28 6 5 1 2 1", alongPixels<64, 1, 28, 6, 5, 2>, 64 * 6 * 28 * 28},
    {"convolution contraction forward 4 64 56 64 3 1 1 1", alongKernels<4, 64, 56, 64, 3, 1>, 4 * 64 * 56 * 56},
    {"convolution contraction forward 4 256 14 256 3 1 1 1", alongKernels<4, 256, 14, 256, 3, 1>, 4 * 256 * 14 * 14},
};

int main() {
  serve([](const std::string& name, Inputs& in) -> Ready {
    for (const Written& it : written) {
      if (name != it.name) continue;
      const auto y = std::make_shared<Floats>(it.results), padded = std::make_shared<Floats>();
      const auto x = std::make_shared<Floats>(in["x"]), weight = std::make_shared<Floats>(in["weight"]);
      return {[=] { it.kernel(x->data(), weight->data(), y->data(), *padded); },
              [=] { return std::vector<Floats>{*y}; }};
    }
    return {};
  });
}
