// Contractions whose rows, columns or sum are several loops: their shapes, those of convolutions, how kernels compute them,
// and loops in double to compare with.
#pragma once

#include <cmath>
#include <limits>

#include "../src/pool.h"
#include "elements.h"
#include "suites.h"

namespace {

using Sizes = std::vector<int32_t>;

int64_t product(const Sizes& sizes) {
  int64_t count = 1;
  for (const int32_t size : sizes) count *= size;
  return count;
}

/** The offset of element number `index` of some loops. */
int64_t at(const Sizes& sizes, const int32_t* steps, int64_t index) {
  int64_t offset = 0;
  for (size_t d = sizes.size(); d-- > 0; index /= sizes[d]) offset += index % sizes[d] * steps[d];
  return offset;
}

Sizes joined(std::initializer_list<Sizes> lists) {
  Sizes all;
  for (const Sizes& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

/** Loops of each class, and the strides of both factors in their loops. */
struct Nests {
  Sizes batch, rows, columns, sum;
  /** Over batch, rows, sum; over batch, sum, columns. */
  Sizes a, b;
  int64_t aFirst = 0, aCount = 1, bFirst = 0, bCount = 1;

  /** Computes how many elements each factor needs, and its first one, from the strides. */
  void place() {
    const auto reach = [](const Sizes& sizes, const Sizes& steps, int64_t* first, int64_t* count) {
      int64_t low = 0, high = 0;
      for (size_t d = 0; d < sizes.size(); ++d) (steps[d] < 0 ? low : high) += int64_t{steps[d]} * (sizes[d] - 1);
      *first = -low;
      *count = high - low + 1;
    };
    reach(joined({batch, rows, sum}), a, &aFirst, &aCount);
    reach(joined({batch, sum, columns}), b, &bFirst, &bCount);
  }
};

/** A convolution of padded images: [n, c, h, w] with [o, c / groups, size, size], and its gradients. */
struct Convolution {
  int32_t n, c, h, w, o, size, stride, groups;
  int32_t high() const { return (h - size) / stride + 1; }
  int32_t wide() const { return (w - size) / stride + 1; }
};

Nests forward(const Convolution& x) {
  const int32_t in = x.c / x.groups, out = x.o / x.groups, k = x.size, plane = x.h * x.w;
  Nests it{{x.n, x.groups},
           {out},
           {x.high(), x.wide()},
           {in, k, k},
           {0, out * in * k * k, in * k * k, k * k, k, 1},
           {x.c * plane, in * plane, plane, x.w, 1, x.stride * x.w, x.stride}};
  it.place();
  return it;
}

/** The gradient by the images, for a stride of 1: the padded gradient, with the kernel reversed. */
Nests by_data(const Convolution& x) {
  const int32_t in = x.c / x.groups, out = x.o / x.groups, k = x.size, plane = x.h * x.w;
  Nests it{{x.n, x.groups},
           {in},
           {x.high(), x.wide()},
           {out, k, k},
           {0, out * in * k * k, k * k, in * k * k, -k, -1},
           {x.o * plane, out * plane, plane, x.w, 1, x.w, 1}};
  it.columns = {x.h - k + 1, x.w - k + 1};
  it.place();
  return it;
}

Nests by_weight(const Convolution& x) {
  const int32_t in = x.c / x.groups, out = x.o / x.groups, k = x.size, plane = x.h * x.w, count = x.high() * x.wide();
  Nests it{{x.groups},
           {out},
           {in, k, k},
           {x.n, x.high(), x.wide()},
           {out * count, count, x.o * count, x.wide(), 1},
           {in * plane, x.c * plane, x.stride * x.w, x.stride, plane, x.w, 1}};
  it.place();
  return it;
}

constexpr int margin = 7;

/** The further operand of the expression: none, one element per row, or one without a constant stride along columns. */
enum class Post { none, bias, uneven };

template <class T> std::vector<T> contracted(const Kernels& kernels, const Nests& it, const std::vector<T>& a,
                                             const std::vector<T>& b, Post post = Post::none,
                                             const std::vector<T>& further = {}, const Border* border = nullptr,
                                             Kept* kept = nullptr) {
  const int64_t batch = product(it.batch), m = product(it.rows), n = product(it.columns), k = product(it.sum);
  const int64_t count = batch * m * n;
  std::vector<T> c(static_cast<size_t>(count + 2 * margin), T{3});
  if constexpr (std::is_floating_point_v<T>) {
    for (int64_t i = 0; i < count; ++i) c[static_cast<size_t>(margin + i)] = std::numeric_limits<T>::quiet_NaN();
  }
  const auto row = [](const std::vector<T>& x) {
    return Row{reinterpret_cast<char*>(const_cast<T*>(x.data())), static_cast<int64_t>(x.size() * sizeof(T))};
  };
  const Row rows[] = {row(a), row(b), row(c), row(further)};
  const Sizes sizes = joined({it.batch, it.rows, it.columns, it.sum});
  Sizes steps(it.batch.size() + it.rows.size() + it.columns.size(), 0);
  int32_t step = 1;
  for (size_t d = it.rows.size(); d-- > 0 && post == Post::bias; step *= it.rows[d])
    steps[it.batch.size() + d] = step;
  if (post == Post::uneven && !it.columns.empty()) steps[steps.size() - it.columns.size()] = 1;
  const DType dtype = dtype_of<T>;
  const Strided input{{3, dtype, 0}, steps.data()};
  const std::vector<Code> codes{{Step::add, dtype, dtype, 0, -1, -2, 0}};
  const bool finishes = post != Post::none;
  const Contract contract{dtype,
                          static_cast<int32_t>(it.batch.size()),
                          static_cast<int32_t>(it.rows.size()),
                          static_cast<int32_t>(it.columns.size()),
                          static_cast<int32_t>(it.sum.size()),
                          sizes.data(),
                          batch,
                          m,
                          n,
                          k,
                          {{0, dtype, static_cast<int32_t>(it.aFirst)}, it.a.data()},
                          {{1, dtype, static_cast<int32_t>(it.bFirst)}, it.b.data()},
                          {2, dtype, margin},
                          finishes ? 1 : 0,
                          &input,
                          finishes ? 1 : 0,
                          codes.data(),
                          finishes ? 0 : -1,
                          border,
                          kept,
                          nullptr};
  kernels.contract(contract, Memory{rows, 4, nullptr, 0}, nullptr);
  if (void* const finish = kernels.prepare_finish(contract)) {
    const std::vector<T> once = c;
    kernels.contract(contract, Memory{rows, 4, nullptr, 0}, finish);
    REQUIRE(same_bits(once, c));
    kernels.release(finish);
  }
  for (int i = 0; i < margin; ++i) {
    REQUIRE(c[static_cast<size_t>(i)] == T{3});
    REQUIRE(c[c.size() - 1 - static_cast<size_t>(i)] == T{3});
  }
  return std::vector<T>(c.begin() + margin, c.end() - margin);
}

/** The number of elements, of every `every`-th one, that differ from the exact sum by more than rounding explains. */
template <class T> int64_t wrong(const Nests& it, const std::vector<T>& a, const std::vector<T>& b,
                                 const std::vector<T>& c, int every) {
  const int64_t batch = product(it.batch), m = product(it.rows), n = product(it.columns), k = product(it.sum);
  const int32_t *aRows = it.a.data() + it.batch.size(), *aSum = aRows + it.rows.size();
  const int32_t *bSum = it.b.data() + it.batch.size(), *bColumns = bSum + it.sum.size();
  std::vector<int64_t> x(static_cast<size_t>(k)), y(x.size());
  for (int64_t p = 0; p < k; ++p) {
    x[static_cast<size_t>(p)] = at(it.sum, aSum, p);
    y[static_cast<size_t>(p)] = at(it.sum, bSum, p);
  }
  int64_t failures = 0;
  for (int64_t e = random(every); e < batch * m * n; e += 1 + (every > 1 ? random(every) : 0)) {
    const int64_t q = e / (m * n), i = e / n % m, j = e % n;
    const T* const left = a.data() + it.aFirst + at(it.batch, it.a.data(), q) + at(it.rows, aRows, i);
    const T* const right = b.data() + it.bFirst + at(it.batch, it.b.data(), q) + at(it.columns, bColumns, j);
    double sum = 0, size = 0;
    uint32_t bits = 0;
    for (size_t p = 0; p < x.size(); ++p) {
      if constexpr (std::is_floating_point_v<T>) {
        const double term = static_cast<double>(left[x[p]]) * right[y[p]];
        sum += term;
        size += std::abs(term);
      } else {
        bits += static_cast<uint32_t>(left[x[p]]) * static_cast<uint32_t>(right[y[p]]);
      }
    }
    const T got = c[static_cast<size_t>(e)];
    if constexpr (!std::is_floating_point_v<T>)
      failures += got != static_cast<T>(bits);
    else
      failures += !(std::abs(got - sum) <= size * static_cast<double>(k + 1) * std::numeric_limits<T>::epsilon());
  }
  return failures;
}

template <class T> std::vector<T> elements(int64_t count) {
  std::vector<T> data(static_cast<size_t>(count));
  for (T& x : data) x = element<T>();
  return data;
}

/** With one thread and with several, with an expression afterwards and without. */
template <class T> void check(const Kernels& kernels, const Nests& it, int every = 1, bool inThreads = false) {
  CAPTURE(it.batch);
  CAPTURE(it.rows);
  CAPTURE(it.columns);
  CAPTURE(it.sum);
  CAPTURE(it.a);
  CAPTURE(it.b);
  const std::vector<T> a = elements<T>(it.aCount), b = elements<T>(it.bCount);
  set_threads(1);
  const std::vector<T> c = contracted(kernels, it, a, b);
  REQUIRE(wrong(it, a, b, c, every) == 0);
  const int64_t m = product(it.rows), n = product(it.columns);
  const std::vector<T> further = elements<T>(std::max(m, n));
  const std::vector<int> counts = !inThreads ? std::vector<int>{} : isSlow ? std::vector<int>{5} : std::vector<int>{2, 5};
  for (const int count : counts) {
    set_threads(count);
    REQUIRE(same_bits(contracted(kernels, it, a, b), c));
  }
  for (const Post post : {Post::bias, Post::uneven}) {
    set_threads(1);
    const std::vector<T> finished = contracted(kernels, it, a, b, post, further);
    int64_t failures = 0;
    for (size_t e = 0; e < c.size(); ++e) {
      const int64_t i = static_cast<int64_t>(e), outer = it.columns.empty() ? 1 : it.columns[0];
      const int64_t from = post == Post::bias ? i / n % m : it.columns.empty() ? 0 : i % n / (n / outer);
      if constexpr (std::is_floating_point_v<T>)
        failures += finished[e] != c[e] + further[static_cast<size_t>(from)];
      else
        failures += static_cast<uint32_t>(finished[e]) !=
                    static_cast<uint32_t>(c[e]) + static_cast<uint32_t>(further[static_cast<size_t>(from)]);
    }
    REQUIRE(failures == 0);
    for (const int count : counts) {
      set_threads(count);
      REQUIRE(same_bits(contracted(kernels, it, a, b, post, further), finished));
    }
  }
  set_threads(usable_cores());
}

}  // namespace
