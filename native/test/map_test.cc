// Maps of every available instruction set: every step and dtype, layouts, reductions, results in the memory of
// operands, and the same bits for any number of threads.
#include "suites.h"
#include "trial.h"

TEST_CASE("every step of every dtype agrees with expr/js.ts") {
  for (int s = static_cast<int>(Step::cast); s < static_cast<int>(Step::count); s++) {
    const Step step = static_cast<Step>(s);
    for (DType of : dtypes) {
      const Rule rule = info_of(step).rule;
      const bool real = rule == Rule::floating;
      if (real != is_real(of) && (real || rule == Rule::bitwise || rule == Rule::shift)) continue;
      // No op subtracts or divides bools.
      if (of == DType::boolean &&
          (step == Step::sub || step == Step::div || step == Step::mod || step == Step::neg || step == Step::floorDiv ||
           step == Step::pow || step == Step::abs || step == Step::sign || step == Step::fmod || rule == Rule::shift))
        continue;
      for (DType to : dtypes) {
        const bool compares = rule == Rule::comparison;
        if (step != Step::cast && to != (compares ? DType::boolean : of)) continue;
        if (step == Step::cast && to == of) continue;
        for (int turn = 0; turn < 8; turn++) {
          Trial trial;
          trial.sizes = {turn == 0 ? 1 : turn == 1 ? 512 : 1 + random(700)};
          int operands[3];
          for (int i = 0; i < 3; i++) {
            const DType dtype = step == Step::select && i == 0 ? DType::boolean : of;
            const int layout = turn < 3 ? 0 : random(3);
            operands[i] = turn > 3 && random(3) == 0 ? trial.number(dtype, any_value(dtype))
                                                     : trial.input(dtype,
                                                                   layout == 1   ? 2
                                                                   : layout == 2 ? 8
                                                                                 : 0,
                                                                   any_value);
          }
          trial.step(step, to, of, turn % 4, operands[0], operands[1], operands[2]);
          trial.out(turn % 4, to, turn % 3 == 2 ? 2 : 0);
          trial.check(is_function(trial.codes[0]) ? 2 : 0);
        }
      }
    }
  }
}

TEST_CASE("layouts and reductions of any loops") {
  seed = 7;
  for (int turn = 0; turn < (isSlow ? 1000 : 3000); turn++) {
    Trial trial;
    const int depth = random(5);
    for (int l = 0; l < depth; l++) {
      const int most[] = {2, 4, 12, 40, 300};
      const int size = 2 + random(most[depth == 1 ? 4 : random(depth > 3 ? 3 : 5)]);
      trial.sizes.push_back(trial.elements() * size > 20000 ? 2 : size);
    }
    if (depth > 0 && random(60) == 0) trial.sizes[static_cast<size_t>(random(depth))] = 0;
    const DType dtype = dtypes[random(10) < 6 ? 3 : random(5)];
    std::vector<int> values;
    for (int i = 0, n = 1 + random(4); i < n; i++) {
      values.push_back(random(6) == 0 ? trial.number(dtype, mild_value(dtype))
                                      : trial.input(dtype, random(3) == 0 ? 0 : random(16)));
    }
    const Step steps[] = {Step::add, Step::mul, Step::max, Step::min, Step::fma};
    for (int i = 0, n = random(5); i < n; i++) {
      auto any = [&] { return values[static_cast<size_t>(random(static_cast<int>(values.size())))]; };
      values.push_back(random(8) == 0 ? trial.constant(dtype, i, mild_value(dtype))
                                      : trial.step(steps[random(5)], dtype, dtype, i, any(), any(), any()));
    }
    for (int k = 0, n = 1 + random(3); k < n; k++) {
      const int from = values[static_cast<size_t>(random(static_cast<int>(values.size())))];
      const Reduce reduce = dtype == DType::boolean ? static_cast<Reduce>(random(3) == 0 ? -1 : 2 + random(2))
                                                    : static_cast<Reduce>(random(5) - 1);
      trial.out(from, dtype, random(2) == 0 ? 0 : random(16) & ~4, reduce, static_cast<uint32_t>(random(16)));
    }
    trial.check();
  }
}

TEST_CASE("one value for each row, pairs of one value, and every other element") {
  for (const std::vector<int32_t>& sizes :
       {std::vector<int32_t>{5, 14, 2}, {3, 14, 2, 14, 2}, {40, 9, 2}, {7, 300}, {4, 600}, {6, 7, 64}, {33, 30, 3}}) {
    for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
      for (int repeated = 0; repeated < 4; repeated++) {
        Trial trial;
        trial.sizes = sizes;
        const size_t last = sizes.size() - 1;
        // Dense over the loops besides those that repeat it: the last one, all but the first, or every second one.
        const auto repeating = [&](auto&& repeats) {
          for (size_t l = 0; l <= last; l++) trial.sizes[l] = repeats(l) ? 1 : sizes[l];
          const int made = trial.input(dtype, 0);
          trial.sizes = sizes;
          for (size_t l = 0; l <= last; l++) {
            if (repeats(l)) trial.inputSteps.back()[l] = 0;
          }
          return made;
        };
        const int pairs = repeating([&](size_t l) { return l == last; });
        const int rows = repeating([](size_t l) { return l > 0; });
        const int some = repeating([&](size_t l) { return (last - l) % 2 == 0; });
        const int other = trial.input(dtype, 2);
        const int column = repeating([&](size_t l) { return l < last; });
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
      const auto of_some = [&](auto&& isKept) {
        for (size_t l = 0; l < sizes.size(); l++) trial.sizes[l] = isKept(l) ? sizes[l] : 1;
        const int made = trial.input(dtype, 0);
        trial.sizes = sizes;
        for (size_t l = 0; l < sizes.size(); l++) {
          if (!isKept(l)) trial.inputSteps.back()[l] = 0;
        }
        return made;
      };
      trial.sizes = sizes;
      const int x = trial.input(dtype, 0), row = of_some([](size_t l) { return l == 0; });
      const int column = of_some([](size_t l) { return l > 0; }), other = trial.input(dtype, 2);
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
        const auto of_some = [&](auto&& isKept) {
          for (size_t l = 0; l < sizes.size(); l++) trial.sizes[l] = isKept(l) ? sizes[l] : 1;
          const int made = trial.input(dtype, 0);
          trial.sizes = sizes;
          for (size_t l = 0; l < sizes.size(); l++) {
            if (!isKept(l)) trial.inputSteps.back()[l] = 0;
          }
          return made;
        };
        trial.sizes = sizes;
        const size_t rows = sizes.size() == 4 ? 2 : sizes.size() - 1;
        const int row = of_some([&](size_t l) { return l < rows; });
        const int column = of_some([&](size_t l) { return l >= rows; });
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

TEST_CASE("one step over elements side by side, of any length") {
  for (int n : {257, 65543, 131072}) {
    for (DType dtype : {DType::float32, DType::float64, DType::int32}) {
      for (uint32_t one : {0, 1}) {
        Trial trial;
        trial.sizes = {n};
        trial.out(trial.step(Step::mul, dtype, dtype, 0, trial.input(dtype, 0), trial.input(dtype, one)), dtype, 0);
        trial.check();
        for (const Kernels* kernels : all_kernels()) {
          Trial within = trial;
          within.outs[0] = within.inputs[0];
          Trial apart = trial;
          apart.run(*kernels);
          within.run(*kernels, n % 2 == 0);
          bool same = true;
          for (int64_t i = 0; i < n; i++) same &= within.buffers[0].at(i) == apart.buffers[2].at(i);
          CHECK(same);
        }
      }
    }
  }
}

TEST_CASE("results in the memory of operands") {
  for (const Kernels* kernels : all_kernels()) {
    INFO("kernels " << std::string(kernels->name));
    for (int n : {1, 16, 100, 256, 1000}) {
      const DType f = DType::float32;
      // x = x * y + 1, y = x (the old one), and the sum of the old x * y
      Trial trial;
      trial.sizes = {n};
      const int x = trial.input(f, 0), y = trial.input(f, 0);
      trial.step(Step::mul, f, f, 0, x, y);
      trial.constant(f, 1, 1);
      trial.step(Step::add, f, f, 2, 0, 1);
      trial.step(Step::mul, f, f, 0, x, y);
      trial.out(2, f, 0);
      trial.out(x, f, 0);
      trial.out(0, f, 0, Reduce::sum, 1);
      Trial apart = trial;
      apart.run(*kernels);
      trial.outs[0] = trial.inputs[0];
      trial.outs[1] = trial.inputs[1];
      trial.run(*kernels, n % 2 == 0);
      for (int64_t i = 0; i < n; i++) {
        CHECK(trial.buffers[0].at(i) == apart.buffers[2].at(i));
        CHECK(trial.buffers[1].at(i) == apart.buffers[3].at(i));
      }
      CHECK(trial.buffers[4].at(0) == apart.buffers[4].at(0));
    }
  }
}

TEST_CASE("a register may hold one dtype after another") {
  Trial trial;
  trial.sizes = {777};
  const int x = trial.input(DType::float32, 0);
  trial.step(Step::gt, DType::boolean, DType::float32, 0, x, trial.number(DType::float32, 0));
  trial.step(Step::cast, DType::float64, DType::boolean, 0, 0);
  trial.step(Step::cast, DType::float64, DType::float32, 1, x);
  trial.step(Step::fma, DType::float64, DType::float64, 0, 0, 1, 1);
  trial.step(Step::cast, DType::int32, DType::float64, 2, 0);
  trial.step(Step::cast, DType::float32, DType::float64, 0, 0);
  trial.step(Step::lt, DType::boolean, DType::float32, 1, 0, x);
  trial.step(Step::select, DType::float32, DType::float32, 1, 1, 0, x);
  trial.out(0, DType::float32, 0);
  trial.out(1, DType::float32, 0, Reduce::max, 1);
  trial.out(2, DType::int32, 2);
  trial.check();
}

TEST_CASE("a select between floats makes the comparison that only it reads") {
  const DType f = DType::float32, b = DType::boolean;
  for (const Step compared : {Step::eq, Step::ne, Step::lt, Step::le, Step::gt, Step::ge, Step::isnan}) {
    for (int other = 0; other < 6; other++) {
      CAPTURE(static_cast<int>(compared));
      CAPTURE(other);
      Trial trial;
      trial.sizes = {3, 259};
      const int x = trial.input(f, 0, any_value), y = trial.input(f, other == 5 ? 2 : 0, any_value);
      trial.step(Step::add, f, f, 0, x, y);
      trial.constant(f, 1, 0.5);
      trial.step(compared, b, f, 2, 0, other == 4 ? y : 1);
      trial.constant(f, 1, 0.01);                         // overwrites a compared operand
      if (other == 1) trial.step(Step::neg, f, f, 0, 0);  // no constant: its memory, too
      trial.step(Step::mul, f, f, 1, 0, 1);
      trial.step(Step::select, f, f, 3, 2, 0, 1);
      if (other == 2) trial.out(2, b, 0);                          // the bools are stored
      if (other == 3) trial.step(Step::select, f, f, 0, 2, 1, 0);  // twice
      trial.out(3, f, 0);
      trial.out(other == 3 ? 0 : 1, f, 0, Reduce::max, 3);
      trial.check();
    }
  }
}

TEST_CASE("a select reads the compared operands before they are overwritten") {
  const DType f = DType::float32;
  for (const Kernels* kernels : all_kernels()) {
    Trial trial;
    trial.sizes = {777};
    const int x = trial.input(f, 0), y = trial.input(f, 0);
    trial.step(Step::gt, DType::boolean, f, 0, x, y);
    trial.step(Step::mul, f, f, 1, y, y);
    trial.step(Step::select, f, f, 2, 0, y, 1);
    trial.out(1, f, 0);
    trial.out(2, f, 0);
    Trial apart = trial;
    apart.run(*kernels);
    trial.outs[0] = trial.inputs[0];
    trial.outs[1] = trial.inputs[1];
    trial.run(*kernels);
    for (int64_t i = 0; i < 777; i++) {
      CHECK(trial.buffers[0].at(i) == apart.buffers[2].at(i));
      CHECK(trial.buffers[1].at(i) == apart.buffers[3].at(i));
    }
  }
}

TEST_CASE("NaN wins in extremes, and zeros keep their order") {
  for (int at = 0; at < 600; at += 37) {
    for (double value : {notNumber, -0.0, 0.0, infinity, -infinity}) {
      Trial trial;
      trial.sizes = {3, 600};
      trial.input(DType::float32, 0, [](DType) { return -0.0; });
      trial.buffers[0].set(600 + at, value);
      for (uint32_t axes : {1u, 2u, 3u}) {
        trial.out(-1, DType::float32, 0, Reduce::max, axes);
        trial.out(-1, DType::float32, 0, Reduce::min, axes);
        trial.out(-1, DType::float32, 0, Reduce::sum, axes);
      }
      trial.check();
    }
  }
}

TEST_CASE("bits do not depend on the number of threads, nor sums much on their length" * inThreads) {
  for (const Kernels* kernels : all_kernels()) {
    INFO("kernels " << std::string(kernels->name));
    for (const std::vector<int32_t>& sizes :
         {std::vector<int32_t>{1000003}, {1000, 1000}, {50, 300, 70}, {4, 250000}}) {
      Trial trial;
      trial.sizes = sizes;
      const DType f = DType::float32;
      trial.step(Step::tanh, f, f, 0, trial.input(f, 0));
      trial.out(0, f, 0);
      trial.out(0, f, 0, Reduce::sum, 7);
      trial.out(0, f, 0, Reduce::sum, 1);
      trial.out(0, f, 0, Reduce::prod, 6);
      trial.out(0, f, 0, Reduce::max, 2);
      Trial other = trial;
      set_threads(1);
      trial.run(*kernels);
      set_threads(4);
      other.run(*kernels);
      set_threads(usable_cores());
      for (size_t b = 0; b < trial.buffers.size(); b++) {
        CHECK(memcmp(trial.buffers[b].data, other.buffers[b].data,
                     static_cast<size_t>(trial.buffers[b].count * size_of(f))) == 0);
      }
    }
    Trial trial;
    trial.sizes = {1 << 20};
    trial.input(DType::float32, 0, [](DType) { return 0.1; });
    trial.out(-1, DType::float32, 0, Reduce::sum, 1);
    trial.run(*kernels);
    const double exact = static_cast<double>(0.1f) * (1 << 20);
    CHECK(std::fabs(trial.buffers[1].at(0) - exact) < 20 * 6e-8 * exact);
  }
}

TEST_CASE("copies write rows between each other, each thread up to where its part ends" * inThreads) {
  for (const int32_t gap : {2, 3, 5}) {
    for (const int32_t wide : {28, 16, 7, 301}) {
      for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
        // [n, gap, gap, h, w] as [n, h, gap, w, gap].
        const int32_t high = 9, images = 260000 / (high * wide * gap * gap), plane = high * wide;
        Trial trial;
        trial.sizes = {images, high, gap, wide, gap};
        trial.input(dtype, 0);
        trial.inputSteps.back() = {gap * gap * plane, wide, gap * plane, 1, plane};
        trial.out(-1, dtype, 0);
        set_threads(4);
        trial.check();
        set_threads(usable_cores());
      }
    }
  }
}

TEST_CASE("any finds the only true element") {
  for (const Kernels* kernels : all_kernels()) {
    INFO("kernels " << std::string(kernels->name));
    for (int at : {-1, 0, 5, 255, 256, 998, 999}) {
      std::vector<float> x(1000, 1.0f);
      if (at >= 0) x[static_cast<size_t>(at)] = -1;
      const Row row{reinterpret_cast<char*>(x.data()), 4000};
      const double zero = 0;
      const Memory memory{&row, 1, &zero, 1};
      const int32_t size = 1000, one = 1, none = 0;
      const Strided inputs[] = {{{0, DType::float32, 0}, &one}, {{-1, DType::float32, 0}, &none}};
      const Code code{Step::lt, DType::boolean, DType::float32, 0, -1, -2, 0};
      const MapOut out{{{-1, DType::boolean, 0}, &one}, Reduce::max, 0};
      const Map map{1, &size, 2, inputs, 1, &out, 1, &code, nullptr, false};
      CHECK(kernels->any(map, memory) == (at >= 0));
      void* kept = kernels->prepare(map, true);
      CHECK(kernels->run(kept, memory) == (at >= 0));
      CHECK(kernels->run(kept, memory) == (at >= 0));
      kernels->release(kept);
    }
  }
}

TEST_CASE("kernels are chosen by name") {
  std::string error;
  CHECK(kernels_named("mmx", &error) == nullptr);
  CHECK(error.find("there are no kernels 'mmx'; this processor can run") == 0);
  CHECK(kernels(&error) != nullptr);
}
