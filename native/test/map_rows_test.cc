// Maps of rows, of every available instruction set: rows with one value each, rows of every short length, long ones, and
// rows that are a block.
#include "suites.h"
#include "trial.h"

TEST_CASE("one value for each row, pairs of one value, and every other element") {
  for (const std::vector<int32_t>& sizes :
       {std::vector<int32_t>{5, 14, 2}, {3, 14, 2, 14, 2}, {40, 9, 2}, {7, 300}, {4, 600}, {6, 7, 64}, {33, 30, 3}}) {
    for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
      for (int repeated = 0; repeated < 4; repeated++) {
        Trial trial;
        trial.sizes = sizes;
        const size_t last = sizes.size() - 1;
        const int pairs = trial.repeated(dtype, [&](size_t l) { return l == last; });
        const int rows = trial.repeated(dtype, [](size_t l) { return l > 0; });
        const int some = trial.repeated(dtype, [&](size_t l) { return (last - l) % 2 == 0; });
        const int other = trial.input(dtype, 2);
        const int column = trial.repeated(dtype, [&](size_t l) { return l < last; });
        trial.step(Step::mul, dtype, dtype, 0, rows, rows);
        trial.step(Step::add, dtype, dtype, 1, 0, rows);  // even in a row
        trial.step(Step::mul, dtype, dtype, 2, 1, repeated % 2 == 0 ? pairs : some);
        trial.step(Step::add, dtype, dtype, 3, 2, repeated < 2 ? other : column);
        trial.out(3, dtype, 0);
        trial.out(1, dtype, 0);
        trial.out(0, dtype, 0, Reduce::max, 2);
        trial.out(3, dtype, 0, Reduce::sum, 1);
        trial.check();
      }
    }
  }
}

TEST_CASE("rows that are blocks, with one value each") {
  for (const std::vector<int32_t>& sizes :
       {std::vector<int32_t>{5, 128}, {9, 512}, {3, 7, 256}, {40, 13, 16}, {6, 3, 5, 32}, {300, 144}, {9, 130}}) {
    for (const DType dtype : {DType::float32, DType::float64, DType::int32}) {
      Trial trial;
      trial.sizes = sizes;
      const int x = trial.input(dtype, 0), row = trial.repeated(dtype, [](size_t l) { return l > 0; });
      const int column = trial.repeated(dtype, [](size_t l) { return l == 0; }), other = trial.input(dtype, 2);
      trial.step(Step::mul, dtype, dtype, 0, x, row);
      trial.step(Step::add, dtype, dtype, 1, row, row);
      trial.step(Step::add, dtype, dtype, 2, 0, 1);
      trial.step(Step::mul, dtype, dtype, 3, 2, column);
      trial.step(Step::add, dtype, dtype, 4, 3, other);
      trial.out(4, dtype, 0);
      trial.out(2, dtype, 0);
      trial.check();
    }
  }
}

TEST_CASE("rows of every short length, whose results lie side by side, apart, or are shared by several") {
  seed = 11;
  const auto any_sign = [](DType dtype) {
    const double special[] = {-0.0, 0, infinity, notNumber};
    return is_real(dtype) && random(12) == 0 ? special[random(4)] : mild_value(dtype);
  };
  for (int columns = 1; columns <= 18; columns++) {
    for (const int rows : {1, 3, 4, 9, 14}) {
      for (const DType dtype : {DType::float32, DType::float64, DType::int32}) {
        const auto with = [&](std::vector<int32_t> sizes, int layout, uint32_t axes) {
          Trial trial;
          trial.sizes = std::move(sizes);
          const int x = trial.input(dtype, 0, rows == 9 ? +any_sign : mild_value);
          for (const Reduce reduce : {Reduce::sum, Reduce::prod, Reduce::max, Reduce::min})
            trial.out(x, dtype, layout, reduce, axes);
          trial.check();
        };
        with({rows, columns}, 0, 2);
        with({rows, columns}, 2, 2);
        with({3, rows, columns}, 0, 5);
      }
    }
  }
}

TEST_CASE("one step on rows with one value each: whole vectors or not, stored, compared, beside numbers and constants") {
  for (const std::vector<int32_t>& sizes :
       {std::vector<int32_t>{5, 384}, {9, 500}, {3, 401}, {2, 1000}, {70, 393}, {3, 4, 20, 21}, {2, 3, 400}, {5, 17}}) {
    for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
      for (int way = 0; way < 6; way++) {
        Trial trial;
        trial.sizes = sizes;
        const size_t rows = sizes.size() == 4 ? 2 : sizes.size() - 1;
        const int row = trial.repeated(dtype, [&](size_t l) { return l >= rows; });
        const int column = trial.repeated(dtype, [&](size_t l) { return l < rows; });
        const int x = trial.input(dtype, way == 5 ? 2 : 0);
        if (way == 4) trial.constant(dtype, 1, 2);
        const int other = way == 0 ? column : way == 3 ? trial.number(dtype, 3) : way == 4 ? 1 : x;
        const Step step = way == 2 ? Step::lt : way == 1 ? Step::max : Step::mul;
        const DType to = way == 2 ? DType::boolean : dtype;
        trial.step(step, to, dtype, 0, way % 2 == 0 ? row : other, way % 2 == 0 ? other : row);
        trial.out(0, to, 0);
        trial.check();
      }
    }
  }
}

TEST_CASE("long rows, and rows that fill several blocks") {
  for (int turn = 0; turn < 60; turn++) {
    Trial trial;
    const std::vector<int32_t> shapes[] = {{100003}, {3, 5000}, {5000, 3}, {7, 300, 9}, {20, 17, 40}, {130, 130}};
    trial.sizes = shapes[turn % 6];
    const DType dtype = turn % 3 == 0 ? DType::float32 : dtypes[1 + random(4)];
    const int x = trial.input(dtype, turn % 2 == 0 ? 0 : random(16));
    const int y = turn % 5 == 0 ? x : trial.step(Step::mul, dtype, dtype, 0, x, trial.input(dtype, random(16)));
    for (int fn = 0; fn < 4; fn++)
      trial.out(y, dtype, 0, static_cast<Reduce>(fn), static_cast<uint32_t>(1 + random(7)));
    if (turn % 4 == 0) trial.out(y, dtype, 0);
    trial.check();
  }
}
