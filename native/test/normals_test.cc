// Normal numbers against the same steps one by one, in floats with the C library's fused multiply-add: all radii and all
// angles, whatever the high bits of a word are; and what is left alone.
#include <cmath>
#include <cstring>

#include "elements.h"
#include "suites.h"

namespace {

/** Of how many uniform numbers one is tried; with 1, all 2^24 are. */
constexpr uint32_t step = isSlow ? 509 : 7;

float number(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
float series(std::initializer_list<uint32_t> coefficients, float x) {
  float sum = 0;
  for (const uint32_t bits : coefficients) sum = std::fma(sum, x, number(bits));
  return sum;
}

/** For a word of so many units of 2^-24. */
float radius_of(uint32_t units) {
  int exponent;
  float x = std::frexp(1 - std::ldexp(static_cast<float>(units), -24), &exponent);
  if (x < number(0x3f3504f3)) {
    x *= 2;
    exponent--;
  }
  const float t = x - 1, square = t * t, e = static_cast<float>(exponent);
  const float sum = series({0x3d9021bb, 0xbdebd1b8, 0x3def251a, 0xbdfe5d4f, 0x3e11e9bf, 0xbe2aae50, 0x3e4cceac, 0xbe7ffffc,
                            0x3eaaaaaa}, t);
  const volatile float cube = sum * t, low = e * number(0xb95e8083);
  const float cubed = std::fma(square, -0.5f, std::fma(cube, square, low));
  return std::sqrt(-2 * std::fma(e, number(0x3f318000), t + cubed));
}

struct Direction {
  float cosine, sine;
};
Direction direction_of(uint32_t units) {
  const volatile float angle = number(0x40c90fdb) * std::ldexp(static_cast<float>(units), -24);
  const int quarters = (static_cast<int>(angle * number(0x3fa2f983)) + 1) / 2;
  float rest = angle;
  for (const uint32_t part : {0x3fc90000, 0x39fda000, 0x33a22169}) rest = std::fma(static_cast<float>(-quarters), number(part), rest);
  const volatile float square = rest * rest;
  const float s = series({0xb94ca1f9, 0x3c08839e, 0xbe2aaaa3}, square) * square;
  const float c = series({0x37ccf5ce, 0xbab6061a, 0x3d2aaaa5}, square) * square;
  const float sine = std::fma(s, rest, rest), cosine = std::fma(c, square, square * -0.5f) + 1;
  const Direction turns[] = {{cosine, sine}, {-sine, cosine}, {-cosine, -sine}, {sine, -cosine}, {cosine, sine}};
  return turns[quarters];
}

std::vector<float> filled(size_t n, uint32_t word) {
  std::vector<float> x(n);
  for (float& each : x) std::memcpy(&each, &word, sizeof word);
  return x;
}

}  // namespace

TEST_CASE("normal numbers have the bits of fused steps, for every radius and every angle") {
  for (const float std : {1.0f, 0.37f, 0.0f, 1e-39f}) {
    each_set([&](const Kernels& kernels) {
      CAPTURE(kernels.name);
      constexpr uint32_t pairs = 8, all = 1 << 24;
      int wrong = 0;
      const uint32_t by = std == 1 ? step : 61 * step;
      for (uint32_t from = 0; from < all; from += pairs * by) {
        std::vector<float> words(2 * pairs), expected(2 * pairs);
        for (uint32_t k = 0; k < pairs; k++) {
          const uint32_t first = (from + k * by) % all, second = (first * 5 + 3) % all;
          const uint32_t given[] = {first | k << 27, second | k << 25};
          std::memcpy(&words[k], &given[0], 4);
          std::memcpy(&words[k + pairs], &given[1], 4);
          const volatile float radius = radius_of(first);
          const Direction direction = direction_of(second);
          const volatile float x = radius * direction.cosine, y = radius * direction.sine;
          const volatile float xs = x * std, ys = y * std;
          expected[k] = xs + 0.0f;
          expected[k + pairs] = ys + 0.0f;
        }
        kernels.normals(words.data(), 2 * pairs, std);
        wrong += std::memcmp(words.data(), expected.data(), sizeof(float) * words.size()) != 0;
      }
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("only whole sixteens of words become normal numbers") {
  each_set([&](const Kernels& kernels) {
    CAPTURE(kernels.name);
    for (int64_t n : {0, 1, 15, 16, 17, 31, 32, 47, 272}) {
      const auto words = filled(static_cast<size_t>(n) + 2, 0x7f654321);
      auto found = words;
      kernels.normals(found.data() + 1, n, 2);
      for (int64_t i = -1; i <= n; i++) {
        const auto at = static_cast<size_t>(i + 1);
        CHECK((std::memcmp(&found[at], &words[at], sizeof(float)) != 0) == (i >= 0 && i < n / 16 * 16));
      }
    }
  });
}
