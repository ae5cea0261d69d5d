// What a BLAS has to pass before it computes anything: products of several sizes and layouts, beside sums in double
// precision. It is the same for libraries of the host and of a GPU.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace flambeau {

/** A batch of factors: the step between lines, whether these are the columns, and the step between factors. */
template <class T> struct CheckedFactor {
  CheckedFactor(int rows, int columns, bool isTurned, int gap, int count)
      : turned(isTurned), line((turned ? rows : columns) + gap), step(line * (turned ? columns : rows)) {
    elements.resize(static_cast<size_t>(count) * step);
  }
  double at(int batch, int row, int column) const {
    return elements[static_cast<size_t>(batch) * step + (turned ? row + column * line : row * line + column)];
  }

  bool turned;
  int line, step;
  std::vector<T> elements;
};

template <class T> struct CheckedProduct {
  int m, n, k, count;
  CheckedFactor<T> a, b;
  /** The results, one after the other; NaN at first. */
  std::vector<T> c;
};

/**
 * Returns '' or what is wrong. `multiply` computes a product, and returns '' or why it cannot. Lines have more room than
 * elements.
 */
template <class T, class Multiply> std::string wrong_products(const char* function, Multiply multiply) {
  constexpr int sizes[][3] = {{2, 2, 1}, {3, 5, 2}, {17, 31, 64}, {64, 64, 64}, {33, 70, 129}, {96, 80, 100}};
  constexpr int count = 2;
  uint32_t seed = 1;
  const auto fill = [&seed](std::vector<T>* elements) {
    for (T& x : *elements) {
      seed = seed * 1664525u + 1013904223u;
      x = static_cast<T>(static_cast<int32_t>(seed)) / static_cast<T>(1u << 31);
    }
  };
  for (const auto& [m, n, k] : sizes) {
    for (int layout = 0; layout < 8; ++layout) {
      const int gap = layout & 4 ? 3 : 0;
      CheckedProduct<T> product{m, n, k, count, {m, k, (layout & 1) != 0, gap, count}, {k, n, (layout & 2) != 0, gap, count},
                                std::vector<T>(static_cast<size_t>(count) * m * n, std::numeric_limits<T>::quiet_NaN())};
      const CheckedFactor<T>&a = product.a, &b = product.b;
      fill(&product.a.elements);
      fill(&product.b.elements);
      if (const std::string fault = multiply(&product); !fault.empty()) return std::string(function) + ": " + fault;
      for (int at = 0; at < count * m * n; ++at) {
        const int batch = at / (m * n), i = at / n % m, j = at % n;
        double sum = 0, size = 0;
        for (int p = 0; p < k; ++p) {
          const double term = a.at(batch, i, p) * b.at(batch, p, j);
          sum += term;
          size += std::abs(term);
        }
        const double got = product.c[at];
        if (std::abs(got - sum) <= size * k * std::numeric_limits<T>::epsilon()) continue;
        char text[200];
        snprintf(text, sizeof text, "%s of %d x %d and %d x %d%s%s gives %g where %g is right", function, m, k, k, n,
                 a.turned ? ", the first transposed" : "", b.turned ? ", the second transposed" : "", got, sum);
        return text;
      }
    }
  }
  return "";
}

}  // namespace flambeau
