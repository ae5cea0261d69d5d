// Routines of linear algebra: products of what they find against what they were given, for all sizes around those of blocks
// and vectors, in memory of exactly the right size, and what a caller may not pass.
#include <cmath>

#include "suites.h"
#include "trial.h"

namespace {

using Elements = std::vector<double>;

/** A matrix of rows of `n` elements. */
struct Plain {
  int64_t m, n;
  Elements data;

  Plain(int64_t m, int64_t n) : m(m), n(n), data(static_cast<size_t>(m * n)) {}
  double& at(int64_t i, int64_t j) { return data[static_cast<size_t>(i * n + j)]; }
  double at(int64_t i, int64_t j) const { return data[static_cast<size_t>(i * n + j)]; }
};

Plain drawn(int64_t m, int64_t n) {
  Plain x(m, n);
  for (double& value : x.data) value = mild_value(DType::float64);
  return x;
}
Plain identity(int64_t m, int64_t n) {
  Plain x(m, n);
  for (int64_t i = 0; i < m && i < n; i++) x.at(i, i) = 1;
  return x;
}
Plain times(const Plain& a, const Plain& b) {
  Plain c(a.m, b.n);
  for (int64_t i = 0; i < a.m; i++) {
    for (int64_t l = 0; l < a.n; l++) {
      for (int64_t j = 0; j < b.n; j++) c.at(i, j) += a.at(i, l) * b.at(l, j);
    }
  }
  return c;
}
Plain turned(const Plain& a) {
  Plain c(a.n, a.m);
  for (int64_t i = 0; i < a.m; i++) {
    for (int64_t j = 0; j < a.n; j++) c.at(j, i) = a.at(i, j);
  }
  return c;
}
/** The elements for which `keeps` holds, and else 0. */
template <class F> Plain where(const Plain& a, F keeps) {
  Plain c(a.m, a.n);
  for (int64_t i = 0; i < a.m; i++) {
    for (int64_t j = 0; j < a.n; j++) c.at(i, j) = keeps(i, j) ? a.at(i, j) : 0;
  }
  return c;
}
void near(const Plain& found, const Plain& expected, double scale = 1) {
  REQUIRE(found.data.size() == expected.data.size());
  for (size_t i = 0; i < found.data.size(); i++) {
    if (!(std::fabs(found.data[i] - expected.data[i]) <= 1e-12 * scale))
      FAIL("element " << i << " of " << found.m << " x " << found.n << ": " << found.data[i] << ", not "
                      << expected.data[i]);
  }
}

/** A call as JavaScript makes it: the arrays, of which each has parts for `count` matrices, and the sizes. */
Matrices call_of(Routine routine, int64_t count, const std::vector<Elements*>& arrays,
                 const std::vector<int64_t>& sizes) {
  Matrices it{};
  it.routine = routine;
  it.count = static_cast<Index>(count);
  it.arrayCount = static_cast<int32_t>(arrays.size());
  it.sizeCount = static_cast<int32_t>(sizes.size());
  for (size_t i = 0; i < arrays.size(); i++) {
    it.arrays[i] = arrays[i]->data();
    it.lengths[i] = static_cast<Index>(arrays[i]->size()) / static_cast<Index>(count == 0 ? 1 : count);
  }
  for (size_t i = 0; i < sizes.size(); i++) it.sizes[i] = static_cast<Index>(sizes[i]);
  return it;
}

void run(const Kernels& kernels, Routine routine, const std::vector<Elements*>& arrays,
         const std::vector<int64_t>& sizes, int64_t count = 1) {
  const Matrices it = call_of(routine, count, arrays, sizes);
  REQUIRE(fits(it));
  REQUIRE(kernels.matrices(it));
}

/** The sizes of matrices, around those of blocks and of vectors. */
const int64_t extents[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 33, 40, 64, 71};

template <class F> void of_all_sizes(F test, int64_t largest = 0) {
  for (const Kernels* kernels : all_kernels()) {
    CAPTURE(kernels->name);
    for (const int64_t n : extents) {
      if (!isSlow || n < 20) test(*kernels, n);
    }
    if (!isSlow && largest > 0) test(*kernels, largest);
  }
}

/** The product of reflections: the routine, with the vectors in columns. */
Plain product_of(const Kernels& kernels, Plain a, Elements taus, int64_t skip, int64_t step, int64_t along) {
  Plain q(a.m, a.m);
  run(kernels, Routine::reflected, {&q.data, &a.data, &taus}, {a.m, a.m, skip, step, along});
  return q;
}

}  // namespace

TEST_CASE("products are subtracted") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    for (const int64_t k : {int64_t{1}, int64_t{9}, int64_t{130}}) {
      Plain a = drawn(n, k), b = drawn(k, n + 1), c = drawn(n, n + 1);
      const Plain product = times(a, b), before = c;
      run(kernels, Routine::subtract, {&c.data, &a.data, &b.data}, {n, n + 1, k});
      Plain expected = before;
      for (size_t i = 0; i < expected.data.size(); i++) expected.data[i] -= product.data[i];
      near(c, expected, static_cast<double>(k));
    }
  });
}

TEST_CASE("triangles are solved, without a look at the other one") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    for (const int64_t k : {int64_t{1}, int64_t{3}, int64_t{19}}) {
      for (int which = 0; which < 4; which++) {
        const bool upper = which & 1, unit = which & 2;
        Plain t = drawn(n, n), b = drawn(n, k);
        // Small beside the diagonal, so that solutions stay small.
        for (int64_t i = 0; i < n; i++) {
          for (int64_t j = 0; j < n; j++) t.at(i, j) = i == j ? 1.5 + t.at(i, i) / 4 : t.at(i, j) / static_cast<double>(n);
        }
        Plain whole = where(t, [&](int64_t i, int64_t j) { return upper ? i <= j : i >= j; });
        for (int64_t i = 0; i < n; i++) {
          if (unit) whole.at(i, i) = 1;
          if (unit) t.at(i, i) = notNumber;
          for (int64_t j = 0; j < n; j++) {
            if (upper ? i > j : i < j) t.at(i, j) = notNumber;
          }
        }
        const Plain right = b;
        run(kernels, Routine::triangle, {&b.data, &t.data}, {n, k, upper, unit});
        near(times(whole, b), right);
      }
    }
  });
}

TEST_CASE("LU factorizations exchange rows for the largest pivot, and solve systems") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    for (const int64_t m : {n, n + 3, (n + 1) / 2}) {
      Plain a = drawn(m, n);
      const Plain before = a;
      const int64_t steps = std::min(m, n);
      Elements pivots(static_cast<size_t>(steps)), info(1);
      run(kernels, Routine::lu, {&a.data, &pivots, &info}, {m, n, 1});
      CHECK(info[0] == 0);
      Plain l = identity(m, steps), u(steps, n), exchanged = before;
      for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
          if (j < i && j < steps) l.at(i, j) = a.at(i, j);
          if (i <= j && i < steps) u.at(i, j) = a.at(i, j);
        }
      }
      for (const double factor : l.data) CHECK(std::fabs(factor) <= 1);
      for (int64_t i = 0; i < steps; i++) {
        const int64_t row = static_cast<int64_t>(pivots[static_cast<size_t>(i)]);
        REQUIRE((row >= i && row < m));
        for (int64_t j = 0; j < n; j++) std::swap(exchanged.at(i, j), exchanged.at(row, j));
      }
      near(times(l, u), exchanged, static_cast<double>(n));
      if (m != n) continue;
      Plain x = drawn(n, 5);
      Plain b = times(before, x);
      run(kernels, Routine::solve, {&b.data, &a.data, &pivots}, {n, 5});
      near(times(before, b), times(before, x), 100.0 * static_cast<double>(n));
    }
  });
}

TEST_CASE("LU factorizations name the first pivot that is 0, and exchange nothing if they must not") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    Plain a = drawn(n, n);
    for (int64_t i = 0; i < n; i++) a.at(i, n - 1) = 0;
    Elements pivots(static_cast<size_t>(n)), info(1);
    run(kernels, Routine::lu, {&a.data, &pivots, &info}, {n, n, 0});
    CHECK(info[0] == n);
    for (int64_t i = 0; i < n; i++) CHECK(pivots[static_cast<size_t>(i)] == i);
  });
}

TEST_CASE("inverses, with the factors of the transpose") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    const Plain a = drawn(n, n);
    Plain inverse(n, n), spoilt = a, factors = turned(a);
    Elements pivots(static_cast<size_t>(n)), info(1), others = pivots;
    run(kernels, Routine::invert, {&inverse.data, &pivots, &info, &spoilt.data}, {n});
    CHECK(info[0] == 0);
    double largest = 1;
    for (const double x : inverse.data) largest = std::max(largest, std::fabs(x));
    near(times(a, inverse), identity(n, n), largest * static_cast<double>(n));
    run(kernels, Routine::lu, {&factors.data, &others, &info}, {n, n, 1});
    CHECK(spoilt.data == factors.data);
    CHECK(pivots == others);
  });
}

TEST_CASE("exchanges of rows that there are not give no numbers") {
  for (const Kernels* kernels : all_kernels()) {
    for (const double row : {-1.0, 3.0, 1e300, notNumber}) {
      Elements b(6, 1), lu = identity(3, 3).data, pivots{0, row, 2};
      run(*kernels, Routine::solve, {&b, &lu, &pivots}, {3, 2});
      CHECK((std::isnan(b[2]) && std::isnan(b[3])));
    }
  }
}

TEST_CASE("Cholesky factors, and the order of a minor that is not positive") {
  // Of the largest, not all rows are subtracted at once.
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    const Plain factor = drawn(n, n);
    Plain whole = times(factor, turned(factor));
    for (int64_t i = 0; i < n; i++) whole.at(i, i) += 1;
    // Only the lower triangle counts.
    Plain a = where(whole, [](int64_t i, int64_t j) { return i >= j; });
    for (int64_t i = 0; i < n; i++) {
      for (int64_t j = i + 1; j < n; j++) a.at(i, j) = notNumber;
    }
    const Plain given = a;
    Elements info(1);
    run(kernels, Routine::cholesky, {&a.data, &info}, {n});
    CHECK(info[0] == 0);
    near(times(a, turned(a)), whole, static_cast<double>(n));
    for (const int64_t minor : {int64_t{0}, n / 2, n - 1}) {
      a = given;
      a.at(minor, minor) = minor % 2 == 0 ? notNumber : -1;
      run(kernels, Routine::cholesky, {&a.data, &info}, {n});
      CHECK(info[0] == minor + 1);
    }
  }, 150);
}

TEST_CASE("QR factorizations") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    for (const int64_t m : {n, n + 6, (n + 1) / 2}) {
      Plain a = drawn(m, n);
      const Plain before = a;
      Elements taus(static_cast<size_t>(std::min(m, n)));
      run(kernels, Routine::qr, {&a.data, &taus}, {m, n});
      const Plain q = product_of(kernels, a, taus, 0, n, 1);
      near(times(q, turned(q)), identity(m, m), static_cast<double>(m));
      near(times(q, where(a, [](int64_t i, int64_t j) { return i <= j; })), before, static_cast<double>(m));
    }
  });
}

TEST_CASE("symmetric matrices become tridiagonal") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    const Plain half = drawn(n, n);
    Plain a = times(half, turned(half));
    const Plain before = a;
    Elements d(static_cast<size_t>(n)), e(d), taus(static_cast<size_t>(std::max<int64_t>(n - 2, 0)));
    run(kernels, Routine::tridiagonal, {&a.data, &d, &e, &taus}, {n});
    Plain t(n, n);
    for (int64_t i = 0; i < n; i++) {
      t.at(i, i) = d[static_cast<size_t>(i)];
      if (i + 1 < n) t.at(i, i + 1) = t.at(i + 1, i) = e[static_cast<size_t>(i)];
    }
    const Plain q = n < 3 ? identity(n, n) : product_of(kernels, a, taus, 1, n, 1);
    near(times(times(q, t), turned(q)), before, 10.0 * static_cast<double>(n * n));
  });
}

TEST_CASE("matrices become bidiagonal") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    for (const int64_t m : {n, n + 5}) {
      Plain a = drawn(m, n);
      const Plain before = a;
      Elements d(static_cast<size_t>(n)), e(d), left(d), right(static_cast<size_t>(std::max<int64_t>(n - 2, 0)));
      run(kernels, Routine::bidiagonal, {&a.data, &d, &e, &left, &right}, {m, n});
      Plain b(m, n);
      for (int64_t i = 0; i < n; i++) {
        b.at(i, i) = d[static_cast<size_t>(i)];
        if (i + 1 < n) b.at(i, i + 1) = e[static_cast<size_t>(i)];
      }
      const Plain u = product_of(kernels, a, left, 0, n, 1);
      Plain v(n, n);
      run(kernels, Routine::reflected, {&v.data, &a.data, &right}, {n, n, 1, 1, n});
      near(times(times(u, b), turned(v)), before, 10.0 * static_cast<double>(m));
    }
  });
}

TEST_CASE("rows are rotated, downwards and upwards") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    Plain a = drawn(6, n);
    Plain expected = a;
    Elements c, s, spans{0, 1, 3, 5, -1, 5, 2, 1, 0, 2, 1, 1};
    for (int i = 0; i < 9; i++) {
      c.push_back(std::cos(i));
      s.push_back(std::sin(i));
    }
    size_t k = 0;
    for (size_t span = 0; span < spans.size(); span += 3) {
      int64_t row = static_cast<int64_t>(spans[span]);
      const int64_t by = static_cast<int64_t>(spans[span + 1]);
      for (int64_t i = 0; i < static_cast<int64_t>(spans[span + 2]); i++, row += by, k++) {
        for (int64_t j = 0; j < n; j++) {
          const double x = expected.at(row, j), y = expected.at(row + by, j);
          expected.at(row, j) = c[k] * x + s[k] * y;
          expected.at(row + by, j) = c[k] * y - s[k] * x;
        }
      }
    }
    run(kernels, Routine::rotate, {&a.data, &c, &s, &spans}, {n});
    near(a, expected);
  });
}

TEST_CASE("matrices of a batch are computed as each of them alone") {
  of_all_sizes([](const Kernels& kernels, int64_t n) {
    constexpr int64_t count = 5;
    const auto size = static_cast<size_t>(n * n);
    Elements all = drawn(count * n, n).data, pivots(static_cast<size_t>(count * n)), info(count);
    const Elements before = all;
    run(kernels, Routine::lu, {&all, &pivots, &info}, {n, n, 1}, count);
    for (size_t i = 0; i < count; i++) {
      Elements one(before.begin() + static_cast<std::ptrdiff_t>(i * size),
                   before.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
      Elements own(static_cast<size_t>(n)), zero(1);
      run(kernels, Routine::lu, {&one, &own, &zero}, {n, n, 1});
      CHECK(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(i * size)));
      CHECK(std::equal(own.begin(), own.end(), pivots.begin() + static_cast<std::ptrdiff_t>(i * own.size())));
    }
  });
}

TEST_CASE("a routine with too few elements, or another number of arrays or sizes, does not fit") {
  const struct {
    Routine routine;
    std::vector<size_t> lengths;
    std::vector<int64_t> sizes;
  } calls[] = {
      {Routine::lu, {12, 3, 1}, {3, 4, 1}},          {Routine::cholesky, {9, 1}, {3}},
      {Routine::triangle, {6, 9}, {3, 2, 0, 0}},     {Routine::solve, {6, 9, 3}, {3, 2}},
      {Routine::subtract, {6, 12, 8}, {3, 2, 4}},    {Routine::qr, {12, 3}, {3, 4}},
      {Routine::reflected, {12, 9}, {3, 4, 0, 3, 1}}, {Routine::tridiagonal, {9, 3, 3, 1}, {3}},
      {Routine::bidiagonal, {12, 3, 3, 3, 1}, {4, 3}}, {Routine::invert, {9, 3, 1, 9}, {3}},
  };
  for (const auto& call : calls) {
    CAPTURE(static_cast<int>(call.routine));
    std::vector<Elements> arrays;
    for (const size_t length : call.lengths) arrays.emplace_back(length);
    if (call.routine == Routine::reflected) arrays.emplace_back(3);
    std::vector<Elements*> given;
    for (Elements& array : arrays) given.push_back(&array);
    CHECK(fits(call_of(call.routine, 1, given, call.sizes)));
    CHECK(fits(call_of(call.routine, 0, given, call.sizes)));
    for (size_t i = 0; i < call.lengths.size(); i++) {
      arrays[i].pop_back();
      CHECK(!fits(call_of(call.routine, 1, given, call.sizes)));
      arrays[i].push_back(0);
    }
    auto sizes = call.sizes;
    sizes.pop_back();
    CHECK(!fits(call_of(call.routine, 1, given, sizes)));
    given.pop_back();
    CHECK(!fits(call_of(call.routine, 1, given, call.sizes)));
  }
  Elements q(9), a(9), taus(3);
  // Their products are 0 in 32 bits.
  CHECK(!fits(call_of(Routine::cholesky, 1, {&a, &taus}, {65536})));
  CHECK(!fits(call_of(Routine::lu, 1, {&a, &taus, &taus}, {1 << 30, 4, 1})));
  CHECK(!fits(call_of(Routine::reflected, 1, {&q, &a, &taus}, {3, 3, 1, 3, 1})));
  CHECK(!fits(call_of(Routine::bidiagonal, 1, {&q, &a, &a, &a, &a}, {2, 3})));
  CHECK(!fits(call_of(Routine::count, 1, {&q}, {3})));
}

TEST_CASE("rotations of rows that there are not do not fit") {
  Elements a(12), c(3), s(3);
  for (Elements spans : {Elements{0, 1, 4}, {3, 1, 1}, {0, -1, 1}, {-1, 1, 1}, {0, 2, 1}, {0, 0.5, 1}, {0, 1, -1},
                         {0, 1, 2, 0, 1, 2}, {notNumber, 1, 1}, {0, 1, notNumber}, {0, 1}, {1e300, 1, 1}, {0.5, 1, 1},
                         {0, 1, 1.5}})
    CHECK(!fits(call_of(Routine::rotate, 1, {&a, &c, &s, &spans}, {3})));
  Elements right{0, 1, 3}, none;
  CHECK(fits(call_of(Routine::rotate, 1, {&a, &c, &s, &right}, {3})));
  CHECK(fits(call_of(Routine::rotate, 1, {&a, &c, &s, &none}, {3})));
  CHECK(!fits(call_of(Routine::rotate, 1, {&a, &c, &s, &right}, {0})));
  CHECK(!fits(call_of(Routine::rotate, 2, {&a, &c, &s, &right}, {3})));
}
