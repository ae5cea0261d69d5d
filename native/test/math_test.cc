// The functions of float32: their distance from the C library's in double precision, in units in the last place, over a
// sample of all floats in every binade of both signs, for every available instruction set.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "../src/special.h"
#include "suites.h"
#include "trial.h"

namespace {

constexpr uint32_t apart = isSlow ? 48001 : 4001;  // odd: the low bits of the samples take all values
const std::vector<float>& samples() {
  static const std::vector<float> all = [] {
    std::vector<float> floats;
    for (uint64_t bits = 0; bits < (1ull << 32); bits += apart) {
      const uint32_t word = static_cast<uint32_t>(bits);
      float x;
      memcpy(&x, &word, sizeof x);
      floats.push_back(x);
    }
    for (float x :
         {0.0f,    -0.0f,           1.0f,       -1.0f,      INFINITY,    -INFINITY,   NAN,        1e-45f,
          -1e-45f, 1.17549435e-38f, 88.72284f,  88.72283f,  -103.97208f, -103.97209f, -87.33655f, 3.4028235e38f,
          0.625f,  0.92773443f,     1048576.0f, 1048577.0f, 1e22f})
      floats.push_back(x);
    return floats;
  }();
  return all;
}

/** Every thirteenth sample, for functions that are computed one by one. */
const std::vector<float>& fewer() {
  static const std::vector<float> some = [] {
    std::vector<float> floats;
    for (size_t i = 0; i < samples().size(); i += i + 40 < samples().size() ? 13 : 1) floats.push_back(samples()[i]);
    return floats;
  }();
  return some;
}

/** The step over the samples; the other of two operands is `number`, the second unless `swapped`. */
std::vector<float> computed(const Kernels& kernels, Step step, double number = 0, bool swapped = false,
                            const std::vector<float>& xs = samples()) {
  std::vector<float> y(xs.size());
  const int64_t bytes = static_cast<int64_t>(y.size() * sizeof(float));
  const Row rows[] = {{const_cast<char*>(reinterpret_cast<const char*>(xs.data())), bytes},
                      {reinterpret_cast<char*>(y.data()), bytes}};
  const Memory memory{rows, 2, &number, 1};
  const int32_t size = static_cast<int32_t>(y.size()), one = 1, none = 0;
  const Strided inputs[] = {{{0, DType::float32, 0}, &one}, {{-1, DType::float32, 0}, &none}};
  const Code code{step, DType::float32, DType::float32, 0, swapped ? -2 : -1, swapped ? -1 : -2, 0};
  const MapOut out{{{1, DType::float32, 0}, &one}, Reduce::none, 0};
  kernels.map(Map{1, &size, 2, inputs, 1, &out, 1, &code, nullptr, false}, memory);
  return y;
}

/** The distance of `y` from the exact result, in units in the last place of the result; 0 if they are equal. */
double ulps(float y, double exact) {
  const float nearest = static_cast<float>(exact);
  if (std::isnan(exact)) return std::isnan(y) ? 0 : INFINITY;
  if (y == nearest) return nearest == 0 && std::signbit(y) != std::signbit(nearest) ? INFINITY : 0;
  if (std::isinf(exact) || std::isinf(y) != std::isinf(nearest)) {
    // Overflow may occur one unit early or late.
    return std::isinf(exact) || std::fabs(exact) < 3.4028234e38 || std::signbit(y) != std::signbit(nearest) ? INFINITY
                                                                                                            : 1;
  }
  if (std::signbit(y) != std::signbit(exact)) return INFINITY;
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(y - exact) / std::ldexp(1.0, exponent - 24 < -149 ? -149 : exponent - 24);
}

template <class F>
void check(const std::string& name, const std::vector<float>& y, F&& exact,
           const std::vector<float>& xs = samples()) {
  double worst = 0;
  float at = 0;
  for (size_t i = 0; i < y.size(); i++) {
    const double off = ulps(y[i], exact(static_cast<double>(xs[i])));
    if (!(off <= worst)) {
      worst = off;
      at = xs[i];
    }
  }
  INFO(name << " is off by " << worst << " at " << at);
  CHECK(worst <= 2);
}

}  // namespace

TEST_CASE("functions of one operand are within 2 units in the last place, special values exact") {
  const struct {
    const char* name;
    Step step;
    double (*exact)(double);
  } functions[] = {
      {"exp", Step::exp, std::exp},       {"expm1", Step::expm1, std::expm1}, {"log", Step::log, std::log},
      {"log1p", Step::log1p, std::log1p}, {"sin", Step::sin, std::sin},       {"cos", Step::cos, std::cos},
      {"tanh", Step::tanh, std::tanh},    {"erf", Step::erf, std::erf},       {"sqrt", Step::sqrt, std::sqrt},
      {"tan", Step::tan, std::tan},       {"sinh", Step::sinh, std::sinh},    {"cosh", Step::cosh, std::cosh},
      {"asin", Step::asin, std::asin},    {"acos", Step::acos, std::acos},    {"atan", Step::atan, std::atan},
      {"asinh", Step::asinh, std::asinh}, {"acosh", Step::acosh, std::acosh}, {"atanh", Step::atanh, std::atanh},
      {"exp2", Step::exp2, std::exp2},    {"log2", Step::log2, std::log2},    {"log10", Step::log10, std::log10}};
  for (const auto& [name, step, exact] : functions) {
    std::vector<double> want;
    for (float x : samples()) want.push_back(exact(x));
    for (const Kernels* kernels : all_kernels()) {
      CAPTURE(std::string(kernels->name));
      size_t i = 0;
      check(name, computed(*kernels, step), [&](double) { return want[i++]; });
    }
  }
}

TEST_CASE("powers are within 2 units in the last place, special values exact") {
  for (double p : {2.0, 3.0, -1.0, 0.5, -2.5, 0.0, -0.0, 7.0, 16777217.0, 1e10, 0.001, -100.0, 1.0, INFINITY * 1.0,
                   -INFINITY * 1.0, NAN * 1.0}) {
    const double number = static_cast<float>(p);
    std::vector<double> powers, bases;
    for (float x : samples()) {
      powers.push_back(std::pow(static_cast<double>(x), number));
      bases.push_back(std::pow(number, static_cast<double>(x)));
    }
    for (const Kernels* kernels : all_kernels()) {
      CAPTURE(std::string(kernels->name));
      size_t i = 0, j = 0;
      check("x to " + std::to_string(p), computed(*kernels, Step::pow, number), [&](double) { return powers[i++]; });
      check(std::to_string(p) + " to x", computed(*kernels, Step::pow, number, true),
            [&](double) { return bases[j++]; });
    }
  }
}

TEST_CASE("functions that are computed one by one are rounded doubles") {
  const struct {
    const char* name;
    Step step;
    double (*exact)(double);
  } functions[] = {{"lgamma", Step::lgamma, std::lgamma},  {"digamma", Step::digamma, digamma_of},
                   {"erfinv", Step::erfinv, erfinv_of},    {"i0", Step::i0, i0_of},
                   {"i1", Step::i1, i1_of}};
  for (const auto& [name, step, exact] : functions) {
    for (const Kernels* kernels : all_kernels()) {
      CAPTURE(std::string(kernels->name));
      check(name, computed(*kernels, step, 0, false, fewer()), exact, fewer());
    }
  }
  const struct {
    const char* name;
    Step step;
    double (*exact)(double, double);
  } pairs[] = {{"atan2", Step::atan2, std::atan2},
               {"hypot", Step::hypot, std::hypot},
               {"fmod", Step::fmod, std::fmod},
               {"copysign", Step::copysign, std::copysign},
               {"polygamma", Step::polygamma, polygamma_of}};
  for (const auto& [name, step, exact] : pairs) {
    for (double number : {1.0, -2.5, 0.0, -0.0, 3e38, INFINITY * 1.0, NAN * 1.0}) {
      const double y = static_cast<float>(number);
      for (const Kernels* kernels : all_kernels()) {
        CAPTURE(std::string(kernels->name));
        CAPTURE(number);
        check(name, computed(*kernels, step, y, false, fewer()), [&](double x) { return exact(x, y); }, fewer());
        check(name, computed(*kernels, step, y, true, fewer()), [&](double x) { return exact(y, x); }, fewer());
      }
    }
  }
}

TEST_CASE("the gamma function's logarithm is the C library's, in double precision") {
  for (double x = 0.0103; x < 300; x *= 1.003) {
    for (const double at : {x, -x}) {
      const double want = std::lgamma(at), unit = std::fabs(want) < 1 ? 1 : std::fabs(want);
      CHECK(std::fabs(lgamma_of(at) - want) <= 4e-15 * unit);
    }
  }
}

TEST_CASE("the smaller of a bound and the larger of another, for numbers of every kind") {
  const double bounds[] = {-infinity, -1, -0.0, 0, 1e-40, 1, infinity, notNumber};
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const double low : bounds) {
      for (const double high : bounds) {
        Trial trial;
        trial.sizes = {277};
        const int x = trial.input(dtype, 0, any_value);
        const int from = trial.number(dtype, low), to = trial.number(dtype, high);
        trial.step(Step::max, dtype, dtype, 0, x, from);
        trial.out(trial.step(Step::min, dtype, dtype, 1, 0, to), dtype, 0);
        trial.check();
      }
    }
  }
}
