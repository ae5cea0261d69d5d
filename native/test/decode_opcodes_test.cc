// The decoder: errors of a single opcode, or of a few that share a rule.
#include "fitting.h"

TEST_CASE("a number has no steps") {
  const auto map = [](int32_t first, int32_t second) {
    return instruction(Opcode::map, 9,
                       joined({2, 2, 1, 1, 2, 2, tensor(0, f32, {2, 1}, 4), number(0, f32, {first, second}),
                               tensor(1, f32, {2, 1}, 4), -1, 0},
                              add3(f32)));
  };
  Rows rows({4, 4});
  CHECK(rows.run(map(0, 0)).kind == Status::done);
  refused(rows.run(map(1, 0)), "a number has steps");
  refused(rows.run(map(0, -1)), "a number has steps");
}

TEST_CASE("a check has one output, a bool reduced by max") {
  const std::vector<Piece> isnan{Step::isnan, boolean, f32, 0, -1, 0, 0};
  const std::vector<Piece> out{number(0, boolean, {0}), 2, 0};
  const auto check = [&](int32_t outs, std::vector<Piece> list) {
    return Rows({8}).run(
        instruction(Opcode::check, 9, joined(joined({1, 1, outs, 1, 8, tensor(0, f32, {1}, 8)}, list), isnan)));
  };
  const char* const what = "a check has one output, a bool reduced by max";
  CHECK(check(1, out).kind == Status::done);
  // The position of its result is not checked.
  CHECK(check(1, {tensor(0, boolean, {1 << 30}, 0, 7), 2, 0}).kind == Status::done);
  refused(check(0, {}), what);
  refused(check(2, joined(out, out)), what);
  for (const int32_t reduce : {-1, 0, 1, 3}) refused(check(1, {number(0, boolean, {0}), reduce, 0}), what);
  refused(check(1, {number(0, f32, {0}), 2, -1}), what);
  refused(check(1, {number(0, f32, {0}), 2, 0}), "an output is not of its value's dtype");
}

TEST_CASE("reductions exist") {
  Rows rows({8, 8});
  const auto map = [](int32_t reduce) {
    return instruction(Opcode::map, 9, {1, 1, 1, 0, 8, tensor(0, f32, {1}, 8), tensor(1, f32, {1}, 8), reduce, -1});
  };
  const auto scan = [](int32_t fn) {
    return instruction(Opcode::scan, 9, {fn, 0, 8, tensor(0, f32, {1}, 8), tensor(1, f32, {1}, 8)});
  };
  const auto scatter = [](int32_t fn) {
    return instruction(Opcode::scatter, 9,
                       {fn, 1, 1, 1, 0, tensor(0, i32, {1}, 0), tensor(0, f32, {1}, 0), tensor(1, f32, {0}, 1)});
  };
  for (const int32_t fn : {-1, 0, 3}) {
    CHECK(rows.run(map(fn)).kind == Status::done);
    CHECK(rows.run(scatter(fn)).kind == Status::done);
    if (fn >= 0) CHECK(rows.run(scan(fn)).kind == Status::done);
  }
  refused(rows.run(scan(-1)), "a reduction does not exist");
  for (const int32_t fn : {-2, 4, INT32_MAX, INT32_MIN})
    for (const Built& built : {map(fn), scan(fn), scatter(fn)}) refused(rows.run(built), "a reduction does not exist");
}

TEST_CASE("a product's dtype, its operands and its expression") {
  Rows rows({8, 8, 8});
  const auto product = [](int32_t dtype, int32_t from, const std::vector<Piece>& codes = {}) {
    const int32_t count = codes.empty() ? 0 : 1;
    return instruction(Opcode::contract, 9,
                       joined({dtype, 0, 1, 1, 1, 0, count, from, 2, 2, 2, tensor(0, dtype, {2, 1}, 4),
                               tensor(1, dtype, {2, 1}, 4), tensor(2, dtype, {}, 4)},
                              codes));
  };
  for (const int32_t dtype : {i32, f32, f64}) CHECK(rows.run(product(dtype, -1)).kind == Status::done);
  for (const int32_t dtype : {boolean, u8}) refused(rows.run(product(dtype, -1)), "there are no products of this dtype");
  refused(rows.run(product(f32, -2)), "an input of an expression does not exist");
  refused(rows.run(product(f32, 0)), "a register is read that has no value");
  refused(rows.run(product(f32, 0, {Step::cast, f64, f32, 0, -1, 0, 0})), "an output is not of its value's dtype");
  for (size_t i = 0; i < 3; i++) {
    const Built good = product(f32, -1);
    refused(rows.run(good.with(good.operands[i] + 4, f64)), "operands of a product are of several dtypes");
  }
  // With nothing to sum, factors may lie anywhere.
  const auto empty = [](int32_t m, int32_t n, int32_t k) {
    return instruction(Opcode::contract, 9,
                       {f32, 0, 1, 1, 1, 0, 0, -1, m, n, k, tensor(0, f32, {99, 99}, 0, 7), tensor(1, f32, {99, 99}, 0, 7),
                        tensor(2, f32, {}, 4)});
  };
  CHECK(rows.run(empty(2, 2, 0)).kind == Status::done);
  CHECK(rows.memory[2][3] == 0);
  CHECK(rows.run(empty(0, 2, 2)).kind == Status::done);
  CHECK(rows.run(empty(2, 0, 2)).kind == Status::done);
  refused(rows.run(empty(3, 2, 0)), "an operand goes beyond its tensor");
  refused(rows.run(empty(1, 1, 1)), "an operand goes beyond its tensor");
  for (const std::vector<int32_t>& sizes : {std::vector<int32_t>{-1, 2, 2}, {2, -1, 2}, {2, 2, -1}})
    refused(rows.run(empty(sizes[0], sizes[1], sizes[2])), "a size is negative");
  refused(rows.run(empty(INT32_MAX, INT32_MAX, 0)), "there are too many elements");
  refused(rows.run(empty(INT32_MAX, 1 << 22, 2)), "there are too many elements");
}

TEST_CASE("indices are int32, and as many as it can count") {
  Rows rows({8, 8, 8});
  const auto arg = [](const std::vector<int32_t>& sizes, int32_t kept) {
    std::vector<Piece> pieces{0, kept, static_cast<int32_t>(sizes.size()) - kept};
    for (const int32_t size : sizes) pieces.push_back(size);
    const std::vector<int32_t> steps(sizes.size(), 0);
    return instruction(Opcode::argReduce, 9, joined(pieces, {tensor(0, f32, steps, 8), tensor(1, i32, {}, 8)}));
  };
  refused(rows.run(arg({1 << 16, 1 << 16}, 0)), "there are too many elements");
  refused(rows.run(arg({2, 1 << 16, 1 << 15}, 1)), "there are too many elements");
  refused(rows.run(arg({9, 1}, 1)), "an operand goes beyond its tensor");
  CHECK(rows.run(arg({0, 1 << 16, 1 << 16}, 1)).kind == Status::done);
  CHECK(rows.run(arg({8, 2}, 1)).kind == Status::done);
  Status made;
  CHECK(program_of(arg({1 << 12, 1 << 10}, 1).with(arg({1 << 12, 1 << 10}, 1).operands[1] + 2, 1 << 12).words, 2, 0,
                   &made) != nullptr);
  CHECK(program_of(arg({INT32_MAX}, 0).words, 2, 0, &made) != nullptr);
  CHECK(program_of(arg({2, INT32_MAX}, 1).words, 2, 0, &made) != nullptr);
  // A wrong dtype is reported.
  for (const auto& it : fitting()) {
    const Opcode opcode = static_cast<Opcode>(it.built.words[0]);
    const size_t index = opcode == Opcode::scatter || opcode == Opcode::indices    ? 0
                         : opcode == Opcode::gather || opcode == Opcode::argReduce ? 1
                         : opcode == Opcode::sort                                  ? 2
                                                                                   : 9;
    if (index == 9) continue;
    INFO(std::string(it.name));
    refused(Memories(it.bytes).run(it.built.with(it.built.operands[index] + 4, f32)), "indices are int32");
  }
}

TEST_CASE("operands of one dtype") {
  for (const auto& it : fitting()) {
    const Opcode opcode = static_cast<Opcode>(it.built.words[0]);
    if (opcode != Opcode::scan && opcode != Opcode::fold && opcode != Opcode::gather && opcode != Opcode::scatter &&
        opcode != Opcode::sort && opcode != Opcode::composite)
      continue;
    INFO(std::string(it.name));
    for (size_t i = 0; i < it.built.operands.size(); i++) {
      const size_t word = it.built.operands[i] + 4;
      if (it.built.words[word] == i32 && opcode != Opcode::composite) continue;
      refused(Memories(it.bytes).run(it.built.with(word, u8)), "operands are of several dtypes");
    }
  }
}

TEST_CASE("a pad writes its output in order") {
  const auto pad = [](int32_t count, int32_t first, int32_t step, int32_t last) {
    Rows rows({6, 12});
    return rows.run(instruction(Opcode::pad, 9, {2, count, first, 0, 0, 2, 3, tensor(0, f32, {3, 1}, 6),
                                                 tensor(1, f32, {step, last}, 12)}));
  };
  CHECK(pad(12, 1, 4, 1).kind == Status::done);
  CHECK(pad(12, 0, 3, 1).kind == Status::done);
  refused(pad(12, 0, 2, 1), "an output is written out of order");
  refused(pad(12, 6, -3, 1), "an output is written out of order");
  refused(pad(12, 0, 6, 2), "rows of an output are not contiguous");
  refused(pad(12, 6, 4, 1), "an element lies outside of the output");
  refused(pad(13, 1, 4, 1), "an operand goes beyond its tensor");
}

TEST_CASE("a border is around a plane") {
  const auto& list = fitting();
  const auto& it = *std::find_if(list.begin(), list.end(), [](const Fitting& x) { return is_bordered(x.built); });
  const auto run = [&](size_t word, int32_t value) { return Memories(it.bytes).run(it.built.with(word, value)); };
  for (const size_t word : {3, 4})
    for (const int32_t size : {0, -1, INT32_MIN}) refused(run(word, size), "a border is out of range");
  for (const size_t word : {5, 6, 7, 8})
    for (const int32_t size : {-1, 3, INT32_MAX}) refused(run(word, size), "a border is out of range");
  refused(run(9, -1), "a border is out of range");
  // A larger plane, or a later beginning, reaches another one.
  refused(run(3, 4), "an operand goes beyond its tensor");
  refused(run(9, 1), "an operand goes beyond its tensor");
  const size_t steps = it.built.operands[1] + 5;
  refused(run(steps, -30), "an operand begins before its border");
  refused(run(3, INT32_MAX), "an operand goes beyond its tensor");
}

TEST_CASE("a fold adds within its output") {
  const auto fold = [](int32_t count, int32_t first, int32_t step) {
    return Rows({8, 8}).run(
        instruction(Opcode::fold, 9, {1, count, first, 3, tensor(0, f32, {1}, 3), tensor(1, f32, {step}, count)}));
  };
  const char* const what = "an element is added outside of the output";
  CHECK(fold(5, 0, 2).kind == Status::done);
  refused(fold(5, 1, 2), what);
  CHECK(fold(5, 4, -2).kind == Status::done);
  refused(fold(5, 3, -2), what);
  refused(fold(5, 5, 0), what);
  refused(fold(0, 0, 0), what);
  refused(fold(5, -1, 0), "a count is out of range");
  refused(fold(-1, 0, 0), "a count is out of range");
  refused(fold(9, 0, 0), "a tensor goes beyond its row");
}

TEST_CASE("a composition, its dtype and its strides exist") {
  for (const auto& it : fitting()) {
    if (static_cast<Opcode>(it.built.words[0]) != Opcode::composite) continue;
    INFO(std::string(it.name));
    const auto run = [&](size_t word, int32_t value) { return Memories(it.bytes).run(it.built.with(word, value)); };
    for (const int32_t fn : {-1, static_cast<int32_t>(Composite::count), INT32_MAX})
      refused(run(3, fn), "a count is out of range");
    for (const int32_t dtype : {boolean, u8, i32}) refused(run(4, dtype), "a composition is of another dtype");
    refused(run(4, 5), "a dtype does not exist");
    const CompositeInfo& info = info_of(static_cast<Composite>(it.built.words[3]));
    for (int32_t i = 0; i < info.operands; i++) {
      if (info.extents[i] == Extent::channel) {
        const size_t word = it.built.operands[static_cast<size_t>(i)] + 5;
        for (const int32_t slices : {0, 1}) refused(run(word, slices), "channels repeat at different distances");
        refused(run(word, -1), "a count is out of range");
      }
      if (info.extents[i] != Extent::rowOrOne) continue;
      const size_t word = it.built.operands[static_cast<size_t>(i)] + 5;
      for (const int32_t step : {-1, 2}) refused(run(word, step), "a count is out of range");
    }
    for (size_t word = 5; word < 8; word++) {
      // Without elements operands may lie anywhere.
      Built empty = it.built.with(word, 0);
      for (const size_t operand : it.built.operands) empty.words[operand + 2] = 0;
      CHECK(Memories(it.bytes).run(empty).kind == Status::done);
    }
  }
}
