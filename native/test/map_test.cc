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

TEST_CASE("sums of what a step computes have the bits of sums of its values") {
  const DType f = DType::float32;
  const auto operand = [f](Trial& trial, int layout) {
    return layout == 4 ? trial.number(f, 0.7) : trial.input(f, layout, mild_value);
  };
  for (const Kernels* kernels : all_kernels()) {
    for (const Step step : {Step::mul, Step::abs, Step::sub}) {
      for (const std::vector<int32_t>& sizes : {std::vector<int32_t>{512}, {1024}, {1531}, {8192}, {8704}, {25001}, {3, 9000}, {20, 1024}}) {
        for (const int layout : {0, 2, 1, 4}) {
          INFO("kernels " << std::string(kernels->name) << ", " << sizes[0] << ", layout " << layout);
          // Where two results are reduced, values are written.
          Trial trials[2];
          for (Trial& trial : trials) {
            seed = 5;
            trial.sizes = sizes;
            const int a = operand(trial, 0), b = operand(trial, layout);
            trial.step(step, f, f, 0, a, b);
            const int last = 1 << (sizes.size() - 1);
            for (int k = 0; k < (&trial == trials ? 1 : 2); k++) trial.out(0, f, 0, Reduce::sum, last);
            trial.run(*kernels);
          }
          const Buffer &one = trials[0].buffers.back(), &other = trials[1].buffers.back();
          CHECK(memcmp(one.data, other.data, static_cast<size_t>(one.count * size_of(f))) == 0);
        }
      }
    }
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
