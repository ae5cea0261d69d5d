// Products of matrices on every available instruction set, compared with loops in double: sizes, layouts, batches, the
// expression afterwards, special values, and the same bits for any number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../src/blas.h"
#include "../src/pool.h"
#include "elements.h"
#include "suites.h"

namespace {

/** A matrix for each batch element, with gaps, in separate memory. */
template <class T> struct Matrices {
  std::vector<T> data;
  int64_t offset = 0;
  std::vector<int32_t> steps;

  /** The first element of a batch element's matrix. */
  const T* first(const std::vector<int>& batch) const {
    int64_t at = offset;
    for (size_t d = 0; d < batch.size(); ++d) at += static_cast<int64_t>(batch[d]) * steps[d];
    return data.data() + at;
  }
  int64_t rowStep() const { return steps[steps.size() - 2]; }
  int64_t columnStep() const { return steps.back(); }
};

/**
 * Matrices over `sizes`, of which the last two are rows and columns: dense or with gaps, transposed, reversed,
 * repeated.
 */
template <class T> Matrices<T> matrices(const std::vector<int32_t>& sizes, int layout) {
  Matrices<T> x;
  const size_t rank = sizes.size();
  x.steps.resize(rank);
  int64_t step = 1;
  for (size_t i = 0; i < rank; ++i) {
    size_t d = rank - 1 - i;
    if (layout == 1 || layout == 4) d = d == rank - 1 ? rank - 2 : d == rank - 2 ? rank - 1 : d;  // transposed
    if (layout == 5 && i == 0) step = 2;                                                          // no step is 1
    const bool repeated =
        (layout == 6 && d == rank - 2) || (layout == 7 && d == rank - 1) || (d + 2 < rank && random(3) == 0);
    x.steps[d] = repeated ? 0 : static_cast<int32_t>(step);
    if (!repeated) step = step * sizes[d] + (layout == 2 || layout == 4 ? 5 : 0);
    if (!repeated && layout == 3 && sizes[d] > 0) {
      x.offset += static_cast<int64_t>(x.steps[d]) * (sizes[d] - 1);
      x.steps[d] = -x.steps[d];
    }
  }
  x.data.resize(static_cast<size_t>(step < 1 ? 1 : step));
  for (T& value : x.data) value = element<T>();
  return x;
}

struct Shape {
  std::vector<int32_t> batch;
  int m, n, k;
};

constexpr int margin = 7;

template <class T> std::vector<T> product(const Kernels& kernels, const Shape& s, const Matrices<T>& a,
                                          const Matrices<T>& b, std::vector<Code> codes = {}, T* bias = nullptr) {
  int64_t count = static_cast<int64_t>(s.m) * s.n;
  for (const int32_t size : s.batch) count *= size;
  std::vector<T> c(static_cast<size_t>(count + 2 * margin), T{3});
  if constexpr (std::is_floating_point_v<T>) {
    for (int64_t i = 0; i < count; ++i) c[static_cast<size_t>(margin + i)] = std::numeric_limits<T>::quiet_NaN();
  }
  const auto row = [](const void* data, size_t n) {
    return Row{static_cast<char*>(const_cast<void*>(data)), static_cast<int64_t>(n * sizeof(T))};
  };
  const Row rows[] = {row(a.data.data(), a.data.size()), row(b.data.data(), b.data.size()), row(c.data(), c.size()),
                      row(bias, static_cast<size_t>(s.n))};
  std::vector<int32_t> biasSteps(s.batch.size() + 2, 0);
  biasSteps.back() = 1;
  const Strided input{{3, dtype_of<T>, 0}, biasSteps.data()};
  const DType dtype = dtype_of<T>;
  std::vector<int32_t> sizes = s.batch;
  sizes.insert(sizes.end(), {s.m, s.n, s.k});
  const int64_t size = int64_t{s.m} * s.n;
  const Contract it{dtype,
                      static_cast<int32_t>(s.batch.size()),
                      1,
                      1,
                      1,
                      sizes.data(),
                      size == 0 ? 0 : count / size,
                      s.m,
                      s.n,
                      s.k,
                      {{0, dtype, static_cast<int32_t>(a.offset)}, a.steps.data()},
                      {{1, dtype, static_cast<int32_t>(b.offset)}, b.steps.data()},
                      {2, dtype, margin},
                      bias ? 1 : 0,
                      &input,
                      static_cast<int32_t>(codes.size()),
                      codes.data(),
                      codes.empty() ? -1 : codes.back().dst,
                      nullptr,
                      nullptr,
                      nullptr};
  kernels.contract(it, Memory{rows, 4, nullptr, 0}, nullptr);
  if (void* const finish = kernels.prepare_finish(it)) {
    const std::vector<T> once = c;
    for (int run = 0; run < 2; ++run) {
      kernels.contract(it, Memory{rows, 4, nullptr, 0}, finish);
      REQUIRE(std::memcmp(once.data(), c.data(), c.size() * sizeof(T)) == 0);
    }
    kernels.release(finish);
  }
  for (int i = 0; i < margin; ++i) {
    REQUIRE(c[static_cast<size_t>(i)] == T{3});
    REQUIRE(c[c.size() - 1 - static_cast<size_t>(i)] == T{3});
  }
  return std::vector<T>(c.begin() + margin, c.end() - margin);
}

/** The number of elements that differ from the exact product by more than rounding explains. */
template <class T> int64_t wrong(const Shape& s, const Matrices<T>& a, const Matrices<T>& b, const std::vector<T>& c) {
  int64_t count = 0, at = 0, batches = 1;
  for (const int32_t size : s.batch) batches *= size;
  std::vector<int> batch(s.batch.size());
  for (int64_t index = 0; index < batches; ++index) {
    int64_t rest = index;
    for (size_t d = s.batch.size(); d-- > 0; rest /= s.batch[d]) batch[d] = static_cast<int>(rest % s.batch[d]);
    const T *const firstA = a.first(batch), *const firstB = b.first(batch);
    const int64_t xStep = a.columnStep(), yStep = b.rowStep();
    for (int i = 0; i < s.m; ++i) {
      for (int j = 0; j < s.n; ++j, ++at) {
        const T *x = firstA + i * a.rowStep(), *y = firstB + j * b.columnStep();
        const T got = c[static_cast<size_t>(at)];
        double sum = 0, size = 0;
        uint32_t bits = 0;
        for (int64_t p = 0; p < s.k; ++p) {
          if constexpr (std::is_floating_point_v<T>) {
            const double product = static_cast<double>(x[p * xStep]) * y[p * yStep];
            sum += product;
            size += std::abs(product);
          } else {
            bits += static_cast<uint32_t>(x[p * xStep]) * static_cast<uint32_t>(y[p * yStep]);
          }
        }
        if constexpr (!std::is_floating_point_v<T>)
          count += got != static_cast<T>(bits);
        else if (std::isfinite(sum))
          count += !(std::abs(got - sum) <= size * (s.k + 1) * std::numeric_limits<T>::epsilon());
        else
          count += std::isnan(sum) ? !std::isnan(got) : got != static_cast<T>(sum);
      }
    }
  }
  return count;
}

template <class T> Matrices<T> left(const Shape& s, int layout) {
  std::vector<int32_t> sizes = s.batch;
  sizes.insert(sizes.end(), {s.m, s.k});
  return matrices<T>(sizes, layout);
}
template <class T> Matrices<T> right(const Shape& s, int layout) {
  std::vector<int32_t> sizes = s.batch;
  sizes.insert(sizes.end(), {s.k, s.n});
  return matrices<T>(sizes, layout);
}

/**
 * Over several blocks of k, of rows and of columns, and worth several threads; no larger, because sanitizers are slow.
 */
const Shape large[] = {{{}, 60, 90, 1100}, {{}, 500, 40, 64},  {{}, 11, 1100, 90}, {{}, 3000, 1, 200},
                       {{}, 1, 3000, 200}, {{}, 7, 1, 40000},  {{}, 250, 10, 130}, {{}, 900, 10, 5},
                       {{7}, 60, 70, 50},  {{2}, 90, 200, 64}, {{50}, 30, 1, 100}, {{}, 9000, 37, 1}};

template <class T> void sizes_and_layouts(const Kernels& kernels) {
  for (int i = 0; i < (isSlow ? 500 : 1500); ++i) {
    Shape s{{}, random(71), random(71), random(71)};
    if (random(4) == 0) s.m = 1;
    if (random(4) == 0) s.n = 1;
    if (random(8) == 0) s.k = 1;
    for (int d = random(3); d > 0; --d) s.batch.push_back(random(4));
    const int layoutA = random(8), layoutB = random(8);
    const Matrices<T> a = left<T>(s, layoutA), b = right<T>(s, layoutB);
    CAPTURE(s.batch.size());
    CAPTURE(s.m);
    CAPTURE(s.n);
    CAPTURE(s.k);
    CAPTURE(layoutA);
    CAPTURE(layoutB);
    REQUIRE(wrong(s, a, b, product(kernels, s, a, b)) == 0);
  }
}

template <class T> void threads_and_bits(const Kernels& kernels) {
  const DType dtype = dtype_of<T>;
  const std::vector<Code> codes{{Step::add, dtype, dtype, 0, -1, -2, 0}};
  for (const Shape& s : large) {
    // Slow programs take one layout of each shape, in turn.
    const int first = isSlow ? static_cast<int>(&s - large) % 8 : 0;
    for (int layout = first; layout < (isSlow ? first + 1 : 8); ++layout) {
      const Matrices<T> a = left<T>(s, layout & 1), b = right<T>(s, layout >> 1);
      std::vector<T> bias(static_cast<size_t>(s.n));
      for (T& x : bias) x = element<T>();
      CAPTURE(s.m);
      CAPTURE(s.n);
      CAPTURE(s.k);
      CAPTURE(layout);
      set_threads(1);
      const std::vector<T> once = product(kernels, s, a, b), finished = product(kernels, s, a, b, codes, bias.data());
      if (layout == 0 || layout == 3 || isSlow) REQUIRE(wrong(s, a, b, once) == 0);
      int64_t failures = 0;
      for (size_t i = 0; i < once.size(); ++i) failures += finished[i] != once[i] + bias[i % bias.size()];
      REQUIRE(failures == 0);
      for (const int count : {2, 5}) {
        if (isSlow && count == 2) continue;
        set_threads(count);
        REQUIRE(same_bits(product(kernels, s, a, b), once));
        REQUIRE(same_bits(product(kernels, s, a, b, codes, bias.data()), finished));
      }
    }
  }
  set_threads(usable_cores());
}

template <class T> void special_values(const Kernels& kernels) {
  const T values[] = {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                      -std::numeric_limits<T>::infinity(), 0};
  for (int i = 0; i < 300; ++i) {
    const Shape s{{}, 1 + random(40), random(3) ? 1 + random(70) : 1, 1 + random(60)};
    Matrices<T> a = left<T>(s, random(8)), b = right<T>(s, random(8));
    for (int j = random(4); j > 0; --j)
      a.data[static_cast<size_t>(random(static_cast<int>(a.data.size())))] = values[random(4)];
    for (int j = random(4); j > 0; --j)
      b.data[static_cast<size_t>(random(static_cast<int>(b.data.size())))] = values[random(4)];
    REQUIRE(wrong(s, a, b, product(kernels, s, a, b)) == 0);
  }
  // Denormals are not flushed to zero.
  const Shape s{{}, 20, 20, 1};
  Matrices<T> a = left<T>(s, 0), b = right<T>(s, 0);
  for (T& x : a.data) x = std::numeric_limits<T>::denorm_min();
  for (T& x : b.data) x = 3;
  for (const T x : product(kernels, s, a, b)) REQUIRE(x == 3 * std::numeric_limits<T>::denorm_min());
}

}  // namespace

TEST_CASE("products of all sizes and layouts") {
  each_set([](const Kernels& kernels) {
    sizes_and_layouts<float>(kernels);
    sizes_and_layouts<double>(kernels);
    sizes_and_layouts<int32_t>(kernels);
  });
}

TEST_CASE("large products have the same bits for any number of threads" * inThreads) {
  each_set([](const Kernels& kernels) {
    threads_and_bits<float>(kernels);
    threads_and_bits<double>(kernels);
  });
}

TEST_CASE("NaN, infinities and denormals propagate through products") {
  each_set([](const Kernels& kernels) {
    special_values<float>(kernels);
    special_values<double>(kernels);
  });
}

#ifndef __wasm__  // which loads no libraries
TEST_CASE("a BLAS by name") {
  CHECK(use_blas("atlas").find("'atlas' names no BLAS") == 0);
  CHECK(use_blas("./no-such-library.so").find("Looked for:\n  ./no-such-library.so: ") != std::string::npos);
  CHECK(use_blas("libm.so.6").find("(libm.so.6) cannot be used: it has no function cblas_sgemm") != std::string::npos);
  CHECK(blas_in_use() == "");
  const std::string error = use_blas("openblas");
  if (!error.empty()) {
    CHECK(error.find("BLAS 'openblas' could not be loaded. Looked for:\n  libopenblas.so.0: ") == 0);
    MESSAGE(error);
    return;
  }
  CHECK(blas_in_use() == "libopenblas.so.0");
  for (const int count : {1, 2}) {
    set_threads(count);
    each_set([](const Kernels& kernels) {
      sizes_and_layouts<float>(kernels);
      sizes_and_layouts<double>(kernels);
    });
  }
  CHECK(use_blas("atlas") != "");
  CHECK(blas_in_use() == "libopenblas.so.0");
  CHECK(use_blas("") == "");
  CHECK(blas_in_use() == "");
  set_threads(usable_cores());
}
#endif
