// Kernels along an axis, against plain loops in double precision: sizes around those of vectors, rows that are
// contiguous and rows side by side.
#include <array>

#include "suites.h"
#include "trial.h"

namespace {

/** An instruction with its own memory and filled inputs. */
struct RowTrial {
  CompositeOp rows{};
  std::vector<Buffer> buffers;

  RowTrial(Composite kind, DType dtype, int32_t outer, int32_t n, int32_t inner) {
    rows.kind = kind;
    rows.dtype = dtype;
    rows.outer = outer;
    rows.n = n;
    rows.inner = inner;
    rows.numbers[0] = 2;
  }

  int64_t elements() const { return int64_t{rows.outer} * rows.n * rows.inner; }
  int64_t count() const { return int64_t{rows.outer} * rows.inner; }
  /** The position of a row's elements, which are `inner` apart. */
  int64_t begin(int64_t row) const { return row / rows.inner * rows.n * rows.inner + row % rows.inner; }

  Buffer& add(int64_t count, DType dtype) {
    rows.operands[buffers.size()] = {static_cast<int32_t>(buffers.size()), dtype, 0};
    buffers.emplace_back(dtype, count);
    for (int64_t i = 0; i < count; i++)
      buffers.back().set(i, dtype == DType::int32 ? random(rows.n + 2) - 1 : 4 * mild_value(dtype));
    return buffers.back();
  }

  void run(const Kernels& kernels) {
    std::vector<Row> memory;
    for (Buffer& buffer : buffers) memory.push_back({buffer.data, buffer.count * size_of(buffer.dtype)});
    kernels.composite(rows, {memory.data(), static_cast<int32_t>(memory.size()), nullptr, 0});
  }

  /** `scale`: the magnitude of the summands, if that is larger than the result's. */
  void near(int64_t operand, int64_t i, double expected, double scale = 0) const {
    const double found = buffers[static_cast<size_t>(operand)].at(i);
    const double tolerance = rows.dtype == DType::float32 ? 2e-6 : 1e-14;
    if (!(std::fabs(found - expected) <= tolerance * (8 + std::fabs(expected) + scale))) {
      FAIL("operand " << operand << ", element " << i << ": " << found << ", not " << expected);
    }
  }

  struct Exponentials {
    double most, logSum;
  };
  Exponentials exponentials(int64_t row) const {
    double most = -infinity, sum = 0;
    for (int64_t k = 0; k < rows.n; k++) most = std::fmax(most, buffers[0].at(begin(row) + k * rows.inner));
    for (int64_t k = 0; k < rows.n; k++) sum += std::exp(buffers[0].at(begin(row) + k * rows.inner) - most);
    return {most, std::log(sum)};
  }
  bool counts(int64_t target) const { return target >= 0 && target < rows.n && target != rows.numbers[0]; }
};

template <class F> void of_all_sizes(Composite kind, F&& body) {
  for (const Kernels* kernels : all_kernels()) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const int32_t outer : {1, 3}) {
        for (const int32_t n : {1, 2, 15, 16, 17, 65, 300}) {
          for (const int32_t inner : {1, 3, 17}) {
            RowTrial trial(kind, dtype, outer, n, inner);
            body(trial, *kernels);
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("softmax and its logarithm") {
  for (const Composite kind : {Composite::softmax, Composite::logSoftmax}) {
    of_all_sizes(kind, [&](RowTrial& t, const Kernels& kernels) {
      t.add(t.elements(), t.rows.dtype);
      t.add(t.elements(), t.rows.dtype);
      t.run(kernels);
      for (int64_t row = 0; row < t.count(); row++) {
        const auto [most, logSum] = t.exponentials(row);
        for (int64_t k = 0, at = t.begin(row); k < t.rows.n; k++, at += t.rows.inner) {
          const double y = t.buffers[0].at(at) - most - logSum;
          t.near(1, at, kind == Composite::softmax ? std::exp(y) : y);
        }
      }
    });
  }
}

TEST_CASE("rows have the same bits for any number of threads" * inThreads) {
  for (const Kernels* kernels : all_kernels()) {
    for (const Composite kind : {Composite::softmax, Composite::logSoftmax}) {
      for (const int32_t inner : {1, 3}) {
        RowTrial one(kind, DType::float32, 300 / inner, 400, inner);
        one.add(one.elements(), DType::float32);
        one.add(one.elements(), DType::float32);
        RowTrial several = one;
        set_threads(1);
        one.run(*kernels);
        set_threads(4);
        several.run(*kernels);
        set_threads(usable_cores());
        const size_t bytes = static_cast<size_t>(one.elements()) * sizeof(float);
        CHECK(memcmp(one.buffers[1].data, several.buffers[1].data, bytes) == 0);
      }
    }
  }
}

TEST_CASE("gradients of softmax and its logarithm") {
  for (const Composite kind : {Composite::softmaxBackward, Composite::logSoftmaxBackward}) {
    of_all_sizes(kind, [&](RowTrial& t, const Kernels& kernels) {
      for (int i = 0; i < 3; i++) t.add(t.elements(), t.rows.dtype);
      t.run(kernels);
      const Buffer &dy = t.buffers[0], &y = t.buffers[1];
      const bool log = kind == Composite::logSoftmaxBackward;
      for (int64_t row = 0; row < t.count(); row++) {
        double sum = 0, scale = 0;
        for (int64_t k = 0, at = t.begin(row); k < t.rows.n; k++, at += t.rows.inner) {
          sum += log ? dy.at(at) : dy.at(at) * y.at(at);
          scale += std::fabs(dy.at(at) * y.at(at)) + std::fabs(dy.at(at));
        }
        for (int64_t k = 0, at = t.begin(row); k < t.rows.n; k++, at += t.rows.inner) {
          const double dx = log ? dy.at(at) - std::exp(y.at(at)) * sum : (dy.at(at) - sum) * y.at(at);
          t.near(2, at, dx, 60 * scale);
        }
      }
    });
  }
}

TEST_CASE("cross entropy, of targets that count and of others") {
  of_all_sizes(Composite::crossEntropy, [](RowTrial& t, const Kernels& kernels) {
    t.add(t.elements(), t.rows.dtype);
    t.add(t.count(), DType::int32);
    for (int i = 0; i < 3; i++) t.add(t.count(), t.rows.dtype);
    t.run(kernels);
    for (int64_t row = 0; row < t.count(); row++) {
      const auto [most, logSum] = t.exponentials(row);
      const auto target = static_cast<int64_t>(t.buffers[1].at(row));
      const double x = t.counts(target) ? t.buffers[0].at(t.begin(row) + target * t.rows.inner) : 0;
      t.near(2, row, t.counts(target) ? logSum - (x - most) : 0);
      t.near(3, row, most);
      t.near(4, row, logSum);
    }
  });
}

TEST_CASE("the gradient of cross entropy, from one number and from one for each row") {
  for (const int32_t step : {0, 1}) {
    of_all_sizes(Composite::crossEntropyBackward, [&](RowTrial& t, const Kernels& kernels) {
      t.rows.steps[4] = step;
      t.add(t.elements(), t.rows.dtype);
      t.add(t.count(), DType::int32);
      for (int i = 0; i < 2; i++) t.add(t.count(), t.rows.dtype);
      t.add(step == 0 ? 1 : t.count(), t.rows.dtype);
      t.add(t.elements(), t.rows.dtype);
      for (int64_t row = 0; row < t.count(); row++) {
        const auto [most, logSum] = t.exponentials(row);
        t.buffers[2].set(row, most);
        t.buffers[3].set(row, logSum);
      }
      t.run(kernels);
      for (int64_t row = 0; row < t.count(); row++) {
        const auto [most, logSum] = t.exponentials(row);
        const auto target = static_cast<int64_t>(t.buffers[1].at(row));
        const double dy = t.counts(target) ? t.buffers[4].at(row * step) : 0;
        for (int64_t k = 0, at = t.begin(row); k < t.rows.n; k++, at += t.rows.inner)
          t.near(5, at, (std::exp(t.buffers[0].at(at) - most - logSum) - (k == target ? 1 : 0)) * dy);
      }
    });
  }
}

TEST_CASE("exponentials are as exact where a run has subnormal ones, infinities or NaN") {
  for (const Kernels* kernels : all_kernels()) {
    for (const int32_t inner : {1, 4}) {
      // The lowest exponent, and an element among the others.
      for (const double least : {-86.5, -90.0, -103.0}) {
        for (const double other : {-1.0, -infinity, static_cast<double>(NAN)}) {
          RowTrial t(Composite::crossEntropyBackward, DType::float32, 3, 130, inner);
          t.add(t.elements(), DType::float32);
          t.add(t.count(), DType::int32);
          for (int i = 0; i < 2; i++) t.add(t.count(), DType::float32);
          t.add(1, DType::float32);
          t.add(t.elements(), DType::float32);
          for (int64_t i = 0; i < t.elements(); i++) t.buffers[0].set(i, least * static_cast<double>(i % 97) / 96);
          t.buffers[0].set(t.elements() / 2, other);
          // The target is the first element, which is left out. A power of two magnifies exponentials exactly.
          const double dy = std::ldexp(1, 60);
          for (const size_t operand : {1, 2, 3})
            for (int64_t row = 0; row < t.count(); row++) t.buffers[operand].set(row, 0);
          t.buffers[4].set(0, dy);
          t.run(*kernels);
          for (int64_t row = 0; row < t.count(); row++) {
            for (int64_t k = 1, at = t.begin(row) + inner; k < t.rows.n; k++, at += inner) {
              const double expected = std::exp(t.buffers[0].at(at)), found = t.buffers[5].at(at) / dy;
              const double tolerance = 2.4e-7 * expected + 1.5e-45;
              if (std::isnan(expected) ? std::isnan(found) : std::fabs(found - expected) <= tolerance) continue;
              FAIL(kernels->name << ", least " << least << ", exponent " << t.buffers[0].at(at) << ": " << found);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("moments") {
  of_all_sizes(Composite::moments, [](RowTrial& t, const Kernels& kernels) {
    t.add(t.elements(), t.rows.dtype);
    t.add(t.rows.n, t.rows.dtype);
    t.add(t.rows.n, t.rows.dtype);
    t.run(kernels);
    const auto each = [&](int64_t c, auto&& f) {
      for (int64_t row = 0; row < t.count(); row++) f(t.buffers[0].at(t.begin(row) + c * t.rows.inner));
    };
    for (int64_t c = 0; c < t.rows.n; c++) {
      double sum = 0, squares = 0;
      each(c, [&](double x) { sum += x; });
      const double mean = sum / static_cast<double>(t.count());
      each(c, [&](double x) { squares += (x - mean) * (x - mean); });
      t.near(1, c, mean);
      t.near(2, c, squares);
    }
  });
}

#if !defined(__wasm__)
TEST_CASE("norms of slices") {
  of_all_sizes(Composite::sliceNorm, [](RowTrial& t, const Kernels& kernels) {
    const int32_t groups = t.rows.outer;
    t.rows.steps[1] = t.rows.steps[2] = groups;
    const int64_t channels = int64_t{groups} * t.rows.n, slice = int64_t{t.rows.n} * t.rows.inner;
    for (const int64_t count : {t.elements(), channels, channels, int64_t{1}, t.elements(), int64_t{groups}, int64_t{groups}})
      t.add(count, t.rows.dtype);
    t.buffers[3].set(0, 0.25);
    t.run(kernels);
    for (int64_t i = 0; i < groups; i++) {
      double mean = 0, squares = 0;
      for (int64_t k = 0; k < slice; k++) mean += t.buffers[0].at(i * slice + k) / static_cast<double>(slice);
      for (int64_t k = 0; k < slice; k++) squares += std::pow(t.buffers[0].at(i * slice + k) - mean, 2);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(slice) + 0.25);
      t.near(5, i, mean);
      t.near(6, i, scale);
      for (int64_t k = 0; k < slice; k++) {
        const int64_t c = i * t.rows.n + k / t.rows.inner;
        const double y = (t.buffers[0].at(i * slice + k) - mean) * scale * t.buffers[1].at(c) + t.buffers[2].at(c);
        t.near(4, i * slice + k, y, 32);
      }
    }
  });
}

TEST_CASE("gradients of norms of slices, whose channels repeat after every slice") {
  of_all_sizes(Composite::sliceNormBackward, [](RowTrial& t, const Kernels& kernels) {
    t.rows.steps[4] = t.rows.steps[6] = t.rows.steps[7] = 1;
    const int64_t n = t.rows.n, slice = n * t.rows.inner, slices = t.rows.outer;
    for (const int64_t count : {t.elements(), t.elements(), slices, slices, n, t.elements(), n, n})
      t.add(count, t.rows.dtype);
    t.run(kernels);
    std::vector<double> dWeight(static_cast<size_t>(n)), dBias(static_cast<size_t>(n));
    for (int64_t i = 0; i < slices; i++) {
      const double mean = t.buffers[2].at(i), scale = t.buffers[3].at(i);
      double sum = 0, weighted = 0, most = 0;
      for (int64_t k = 0; k < slice; k++) {
        const double dy = t.buffers[0].at(i * slice + k), distance = t.buffers[1].at(i * slice + k) - mean;
        const int64_t c = k / t.rows.inner;
        sum += dy * t.buffers[4].at(c);
        weighted += dy * t.buffers[4].at(c) * distance;
        most = std::fmax(most, std::fabs(dy * distance * scale) + std::fabs(weighted * scale * scale * scale));
        dWeight[static_cast<size_t>(c)] += dy * distance * scale;
        dBias[static_cast<size_t>(c)] += dy;
      }
      for (int64_t k = 0; k < slice; k++) {
        const double dy = t.buffers[0].at(i * slice + k), distance = t.buffers[1].at(i * slice + k) - mean;
        const double count = static_cast<double>(slice);
        const double dx = dy * t.buffers[4].at(k / t.rows.inner) * scale - sum / count * scale -
                          weighted / count * scale * scale * scale * distance;
        t.near(5, i * slice + k, dx, 100 * most);
      }
    }
    for (int64_t c = 0; c < n; c++) {
      t.near(6, c, dWeight[static_cast<size_t>(c)], 2000);
      t.near(7, c, dBias[static_cast<size_t>(c)], 2000);
    }
  });
}

/** Calls body with batches of all sizes, with channels that are cut into parts: one by one, side by side, and some together. */
template <class F> void of_all_batches(Composite kind, F&& body) {
  of_all_sizes(kind, body);
  for (const Kernels* kernels : all_kernels()) {
    for (const auto& [outer, n, inner] : {std::array<int32_t, 3>{300, 2, 500}, {700, 3, 199}, {9000, 19, 1}, {9000, 5, 13}, {70, 150, 50}}) {
      RowTrial trial(kind, DType::float32, outer, n, inner);
      body(trial, *kernels);
    }
  }
}
/** The mean of a channel and the sum of squared distances from it. */
std::pair<double, double> moments_of(const RowTrial& t, size_t operand, int64_t c) {
  double mean = 0, squares = 0;
  for (int64_t row = 0; row < t.count(); row++) mean += t.buffers[operand].at(t.begin(row) + c * t.rows.inner);
  mean /= static_cast<double>(t.count());
  for (int64_t row = 0; row < t.count(); row++)
    squares += std::pow(t.buffers[operand].at(t.begin(row) + c * t.rows.inner) - mean, 2);
  return {mean, squares};
}

TEST_CASE("norms of batches") {
  of_all_batches(Composite::batchNorm, [](RowTrial& t, const Kernels& kernels) {
    const int64_t n = t.rows.n;
    for (const int64_t count : {t.elements(), n, n, int64_t{1}, t.elements(), n, n, n}) t.add(count, t.rows.dtype);
    t.buffers[3].set(0, 0.25);
    // Parts of the samples differ in their means.
    for (int64_t i = 0; i < t.elements(); i++)
      t.buffers[0].set(i, t.buffers[0].at(i) + 4.0 * static_cast<double>(i) / static_cast<double>(t.elements()));
    t.run(kernels);
    for (int64_t c = 0; c < n; c++) {
      const auto [mean, squares] = moments_of(t, 0, c);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(t.count()) + 0.25);
      t.near(5, c, mean);
      t.near(6, c, scale);
      t.near(7, c, squares);
      for (int64_t row = 0; row < t.count(); row++) {
        const int64_t at = t.begin(row) + c * t.rows.inner;
        t.near(4, at, (t.buffers[0].at(at) - mean) * scale * t.buffers[1].at(c) + t.buffers[2].at(c), 32);
      }
    }
  });
}

TEST_CASE("gradients of norms of batches") {
  of_all_batches(Composite::batchNormBackward, [](RowTrial& t, const Kernels& kernels) {
    const int64_t n = t.rows.n;
    for (const int64_t count : {t.elements(), t.elements(), n, n, n, t.elements(), n, n}) t.add(count, t.rows.dtype);
    t.run(kernels);
    for (int64_t c = 0; c < n; c++) {
      const double mean = t.buffers[2].at(c), invStd = t.buffers[3].at(c), scale = invStd * t.buffers[4].at(c);
      const double count = static_cast<double>(t.count());
      double sum = 0, product = 0, most = 0;
      const auto each = [&](auto&& f) {
        for (int64_t row = 0; row < t.count(); row++) {
          const int64_t at = t.begin(row) + c * t.rows.inner;
          f(at, t.buffers[0].at(at), t.buffers[1].at(at) - mean);
        }
      };
      each([&](int64_t, double dy, double distance) {
        sum += dy;
        product += dy * distance;
        most = std::fmax(most, std::fabs(dy * distance));
      });
      t.near(6, c, product * invStd, most * std::fabs(invStd) * std::sqrt(count));
      t.near(7, c, sum, most * std::sqrt(count));
      each([&](int64_t at, double dy, double distance) {
        const double dx = dy * scale - product / count * invStd * invStd * scale * distance - sum / count * scale;
        t.near(5, at, dx, most * (std::fabs(scale) + std::fabs(invStd * invStd * scale * distance)));
      });
    }
  });
}
#endif
