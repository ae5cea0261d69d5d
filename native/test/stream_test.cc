// Batches run in order and up to the first failure. decode_test.cc covers what is refused, program_test.cc programs.
#include <cmath>
#include <cstdlib>

#include "pool.h"
#include "suites.h"
#include "words.h"

TEST_CASE("a batch runs in order") {
  Rows rows({8, 8});
  CHECK(rows.run(together({add(8, 1), add(8, 0, 1)}), {2.5}).kind == Status::done);
  for (size_t i = 0; i < 8; i++) {
    CHECK(rows.memory[0][i] == static_cast<float>(i) + 2.5F);
    CHECK(rows.memory[1][i] == static_cast<float>(i) + 2.5F);
  }
}

TEST_CASE("instructions before an invalid one have run, and none after it") {
  Rows rows({8, 8});
  const Status status = rows.run(together({add(8, 1), add(9, 1, 7), add(8, 0, 8)}), {1});
  CHECK(status.kind == Status::invalid);
  CHECK(status.tag == 7);
  CHECK(status.value == static_cast<int32_t>(Opcode::map));
  CHECK(rows.memory[1][7] == 8);
  CHECK(rows.memory[0][7] == 7);
}

TEST_CASE("an instruction ends where the words do, whatever came before it") {
  std::vector<int32_t> words = together({add(8, 1), add(8, 1, 7)});
  words.pop_back();
  Rows rows({8, 8});
  Status status = rows.run(words, {1});
  CHECK(status.kind == Status::invalid);
  CHECK(status.tag == 7);
  CHECK(std::string(status.what) == "its length is out of range");
  CHECK(program_of(words, 2, 1, &status) == nullptr);
  CHECK(std::string(status.what) == "its length is out of range");
}

TEST_CASE("indices are checked before anything is written") {
  Rows rows({8, 8, 8});
  for (int32_t i = 0; i < 8; i++) rows.whole(1)[i] = 7 - i;
  const Built gather = instruction(
      Opcode::gather, 4, {1, 8, 1, 8, tensor(0, f32, {0}, 8), tensor(1, i32, {1}, 8), tensor(2, f32, {1}, 8)});
  const Built scatter = instruction(
      Opcode::scatter, 4, {-1, 1, 8, 1, 8, tensor(1, i32, {1}, 8), tensor(0, f32, {1}, 8), tensor(2, f32, {0}, 8)});
  const Built look = instruction(Opcode::indices, 4, {1, 8, 8, tensor(1, i32, {1}, 8)});
  const Built within =
      instruction(Opcode::map, 5, {1, 1, 1, 0, 1, tensor(1, f32, {1}, 8), tensor(2, f32, {1}, 8), -1, -1});
  Rows looked({8, 8, 8});
  looked.whole(1)[7] = 8;
  CHECK(looked.run(together({look, within})).kind == Status::index);
  CHECK(looked.memory[2][0] == 0);
  for (const Built& built : {gather, scatter, look}) {
    rows.whole(1)[5] = 2;
    CHECK(rows.run(built).kind == Status::done);
    CHECK(rows.memory[2][0] == (built.words == look.words ? -1 : 7));
    for (const int32_t bad : {8, -1, INT32_MIN}) {
      rows.whole(1)[5] = bad;
      rows.memory[2][0] = -1;
      const Status status = rows.run(built);
      CHECK(status.kind == Status::index);
      CHECK(status.tag == 4);
      CHECK(status.value == bad);
      CHECK(rows.memory[2][0] == -1);
    }
  }
}

TEST_CASE("an instruction’s parameters reach its kernel") {
  Rows rows({8, 8, 8});
  rows.memory[0] = {3, 1, 2, 1, 9, 0, 9, 5};
  const auto arg = [](int32_t max) {
    return instruction(Opcode::argReduce, 0, {max, 1, 1, 2, 4, tensor(0, f32, {4, 1}, 8), tensor(1, i32, {}, 2)});
  };
  CHECK(rows.run(arg(1)).kind == Status::done);
  CHECK(rows.whole(1)[0] == 0);
  CHECK(rows.whole(1)[1] == 0);
  CHECK(rows.run(arg(0)).kind == Status::done);
  CHECK(rows.whole(1)[0] == 1);
  CHECK(rows.whole(1)[1] == 1);
  const auto sort = [](int32_t descending) {
    return instruction(
        Opcode::sort, 0,
        {descending, 1, 4, 1, 2, 0, 4, tensor(0, f32, {4, 1}, 8), tensor(1, f32, {4, 1}, 8), tensor(2, i32, {4, 1}, 8)});
  };
  CHECK(rows.run(sort(0)).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{1, 1, 2, 3, 0, 5, 9, 9});
  CHECK(rows.run(sort(1)).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{3, 2, 1, 1, 9, 9, 5, 0});
  CHECK(rows.whole(2)[4] == 0);
  const auto scan = [](int32_t fn) {
    return instruction(Opcode::scan, 0, {fn, 1, 4, 2, tensor(0, f32, {4, 1}, 8), tensor(1, f32, {4, 1}, 8)});
  };
  CHECK(rows.run(scan(0)).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{3, 4, 6, 7, 9, 9, 18, 23});
  CHECK(rows.run(scan(2)).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{3, 3, 3, 3, 9, 9, 9, 9});
  const Built fold =
      instruction(Opcode::fold, 0, {2, 5, 1, 2, 3, tensor(0, f32, {4, 1}, 8), tensor(1, f32, {1, 1}, 5)});
  CHECK(rows.run(fold).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{0, 3, 10, 2, 9, 9, 9, 9});
  const Built iota = instruction(Opcode::iota, 0, {2, 2, 2, tensor(1, f32, {}, 8)});
  CHECK(rows.run(iota).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{0, 0, 1, 1, 0, 0, 1, 1});
  const Built softmax =
      instruction(Opcode::composite, 0, {0, f32, 2, 2, 2, tensor(0, f32, {}, 8), tensor(1, f32, {}, 8)});
  CHECK(rows.run(softmax).kind == Status::done);
  CHECK(rows.memory[1][0] + rows.memory[1][2] == 1);
  CHECK(rows.memory[1][0] > rows.memory[1][2]);
  CHECK(rows.memory[1][5] + rows.memory[1][7] == 1);
  rows.memory[2] = {1, 0, 0, 1, 2, 2, 2, 2};
  const Built product = instruction(
      Opcode::contract, 0,
      {f32, 1, 1, 1, 1, 1, 1, 0, 2, 1, 2, 2, tensor(0, f32, {4, 2, 1}, 8), tensor(2, f32, {4, 2, 1}, 8),
       tensor(1, f32, {}, 4), number(0, f32, {0, 0, 0}), Step::mul, f32, f32, 0, -1, -2, 0});
  CHECK(rows.run(product, {10}).kind == Status::done);
  CHECK(std::vector<float>(rows.memory[1].begin(), rows.memory[1].begin() + 4) == std::vector<float>{30, 10, 180, 180});
  // The class of each row, the one that counts for nothing, and a gradient that is one for all rows.
  for (int32_t i = 0; i < 4; i++) rows.whole(2)[i] = i % 2;
  const auto cross = [](int32_t ignore) {
    return instruction(Opcode::composite, 0,
                       {4, f32, 4, 2, 1, ignore, tensor(0, f32, {}, 8), tensor(2, i32, {}, 4), tensor(1, f32, {}, 4),
                        tensor(1, f32, {}, 8, 4), tensor(2, f32, {}, 8, 4)});
  };
  CHECK(rows.run(cross(-1)).kind == Status::done);
  CHECK(rows.memory[1][4] == 3);
  CHECK(rows.memory[1][0] > 0);
  CHECK(rows.memory[1][1] > 0);
  CHECK(rows.run(cross(1)).kind == Status::done);
  CHECK(rows.memory[1][0] > 0);
  CHECK(rows.memory[1][1] == 0);
}

TEST_CASE("what overlaps in a fold is added up, in the parts that lie apart" * inThreads) {
  // Images of `rows` rows that overlap by all but `step` elements, from the front and from behind.
  const auto check = [](int32_t images, int32_t rows, int32_t n, int32_t step, int32_t apart) {
    const int32_t away = std::abs(step), reach = (rows - 1) * away + n, count = (images - 1) * apart + reach + 5;
    Rows memory({images * rows * n, count});
    for (float& x : memory.memory[0]) x = static_cast<float>(static_cast<int32_t>(x) % 7);
    std::vector<float> expected(static_cast<size_t>(count));
    const int32_t first = 2 + (step < 0 ? (rows - 1) * away : 0);
    for (int32_t i = 0, from = 0; i < images; i++) {
      for (int32_t r = 0; r < rows; r++) {
        for (int32_t k = 0; k < n; k++, from++) {
          expected[static_cast<size_t>(first + i * apart + r * step + k)] += static_cast<float>(from % 7);
        }
      }
    }
    CHECK(memory.run(instruction(Opcode::fold, 0, {3, count, first, images, rows, n,
                                                   tensor(0, f32, {rows * n, n, 1}, images * rows * n),
                                                   tensor(1, f32, {apart, step, 1}, count)}))
              .kind == Status::done);
    CHECK(memory.memory[1] == expected);
  };
  check(700, 5, 30, 6, 54);
  check(700, 5, 30, -6, 60);
  check(40, 5, 30, 6, 20);
  check(3, 2, 40000, 1, 40001);
}

TEST_CASE("a check ends the stream") {
  Rows rows({8, 8});
  const Built check = check_of_nan(8, 3);
  CHECK(rows.run(check).kind == Status::done);
  rows.memory[0][6] = NAN;
  const Status status = rows.run(together({check, add(8, 1)}), {5});
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 3);
  CHECK(rows.memory[1][0] == 0);
}

TEST_CASE("instructions without elements do nothing, except that a fold clears its output") {
  Rows rows({8, 8, 8});
  const Built fold = instruction(Opcode::fold, 0, {1, 8, 0, 0, tensor(0, f32, {1}, 0), tensor(1, f32, {1}, 8)});
  CHECK(rows.run(fold).kind == Status::done);
  CHECK(rows.memory[1][7] == 0);
  // A missing index is not read: nothing is out of bounds of a dimension without elements.
  const Built scatter = instruction(
      Opcode::scatter, 0, {0, 1, 0, 1, 0, tensor(2, i32, {1}, 0), tensor(0, f32, {1}, 0), tensor(1, f32, {0}, 0)});
  CHECK(rows.run(scatter).kind == Status::done);
  const Built check = check_of_nan(0, 0);
  CHECK(rows.run(check).kind == Status::done);
  // With indices, none of them is in bounds.
  const Built outside = instruction(
      Opcode::scatter, 6, {0, 1, 0, 1, 2, tensor(2, i32, {1}, 2), tensor(0, f32, {1}, 2), tensor(1, f32, {0}, 0)});
  const Status status = rows.run(outside);
  CHECK(status.kind == Status::index);
  CHECK(status.tag == 6);
  const Built nowhere = instruction(
      Opcode::gather, 6, {1, 0, 1, 2, tensor(0, f32, {0}, 0), tensor(2, i32, {1}, 2), tensor(1, f32, {1}, 2)});
  CHECK(rows.run(nowhere).kind == Status::index);
}

TEST_CASE("nothing after a failed instruction has begun, for any number of threads" * inThreads) {
  constexpr int32_t n = 1 << 19, runs = 3;
  const Built look = instruction(Opcode::indices, 4, {1, n, n, tensor(2, i32, {1}, n)});
  const Built gather = instruction(
      Opcode::gather, 4, {1, n, 1, n, tensor(0, f32, {0}, n), tensor(2, i32, {1}, n), tensor(3, f32, {1}, n)});
  for (const int32_t several : {1, 4}) {
    set_threads(several);
    for (const int32_t failing : {0, 1, 2}) {
      Rows rows({n, n, n, n});
      for (int32_t i = 0; i < n; i++) rows.whole(2)[i] = i;
      if (failing == 0) rows.memory[0][n - 1] = NAN;
      if (failing > 0) rows.whole(2)[n - 1] = n;
      const Built first = failing == 0 ? check_of_nan(n, 3) : failing == 1 ? look : gather;
      Status status;
      const auto program = program_of(together({first, add(n, 1)}), 4, 1, &status);
      const double numbers[] = {5};
      int64_t done = -1;
      status = program->run(chosen(), rows.rows.data(), numbers, runs, {nullptr, 0}, &done);
      CHECK(status.kind == (failing == 0 ? Status::check : Status::index));
      CHECK(done == 0);
      int64_t written = 0;
      for (size_t i = 0; i < n; i++) written += rows.memory[1][i] != static_cast<float>(i);
      for (size_t i = 0; i < n; i++) written += rows.memory[3][i] != static_cast<float>(i);
      CHECK(written == 0);
    }
  }
  set_threads(usable_cores());
}
