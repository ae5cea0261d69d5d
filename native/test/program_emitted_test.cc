// Functions that were emitted for a program: whole instructions, and the blocks of maps. The functions here are C++.
#include <cmath>

#include "words.h"

namespace {

/** What the functions were called with, last. */
const Row* calledRows = nullptr;
double calledNumber = 0;

/** Row 1 = row 0 + number 0, for 4 elements, as `add` says. */
int32_t adds(const Row* rows, const double* numbers) {
  calledRows = rows;
  calledNumber = numbers[0];
  const auto* from = reinterpret_cast<const float*>(rows[0].data);
  auto* to = reinterpret_cast<float*>(rows[1].data);
  for (int32_t i = 0; i < 4; i++) to[i] = from[i] + static_cast<float>(numbers[0]);
  return 0;
}
int32_t fails(const Row*, const double*) { return 7 + 1; }

struct Slot {
  char* at;
  int64_t advance;
};
int32_t blocks = 0;
struct Size {
  int32_t high, wide, rowStep;
};
/** Outputs 0 and 1 are input 0 plus input 1. */
void adds_block(const void* all, int32_t count) {
  blocks++;
  const Slot* const slots = static_cast<const Slot*>(all);
  const auto* a = reinterpret_cast<const float*>(slots[0].at);
  const auto* b = reinterpret_cast<const float*>(slots[1].at);
  for (int32_t i = 0; i < count; i++) {
    const float sum = a[i * slots[0].advance] + b[i * slots[1].advance];
    for (int32_t k = 2; k < 4; k++) reinterpret_cast<float*>(slots[k].at)[i] = sum;
  }
}

/** Output 0 is input 0 plus input 1. */
void adds_after(const void* all, int32_t count) {
  blocks++;
  const Slot* const slots = static_cast<const Slot*>(all);
  const auto* a = reinterpret_cast<const float*>(slots[0].at);
  const auto* b = reinterpret_cast<const float*>(slots[1].at);
  for (int32_t i = 0; i < count; i++)
    reinterpret_cast<float*>(slots[2].at)[i] = a[i * slots[0].advance] + b[i * slots[1].advance];
}

/** The sum of input 0 and input 1, or for a negative count four chains of sums of each run, which only WebAssembly asks for. */
void sums_block(const void* all, int32_t count) {
  if (count > 0) return adds_after(all, count);
  blocks++;
  const Slot* const slots = static_cast<const Slot*>(all);
  const auto* a = reinterpret_cast<const float*>(slots[0].at);
  const auto* b = reinterpret_cast<const float*>(slots[1].at);
  for (int32_t run = 0; run < -count; run += sumRun) {
    float chains[16] = {};
    for (int32_t i = run; i < run + sumRun; i++) chains[i % 16] += a[i * slots[0].advance] + b[i * slots[1].advance];
    auto* to = reinterpret_cast<float*>(slots[2].at) + run / sumRun * 4;
    for (int32_t l = 0; l < 4; l++) to[l] = chains[l] + chains[4 + l] + (chains[8 + l] + chains[12 + l]);
  }
}

const Function functions[] = {reinterpret_cast<Function>(adds), reinterpret_cast<Function>(fails),
                              reinterpret_cast<Function>(adds_block), reinterpret_cast<Function>(adds_after),
                              reinterpret_cast<Function>(sums_block)};

Built emitted(int32_t function, int32_t isBlocks, std::initializer_list<Built> list) {
  std::vector<Piece> pieces{function, isBlocks};
  for (const int32_t word : together(list)) pieces.push_back(word);
  return instruction(Opcode::emitted, 5, pieces);
}

std::unique_ptr<Program> made_of(const Built& built, int32_t rows, Status* status, int32_t count = 3) {
  return Program::make(built.words.data(), built.count(), rows, 1, status, Limits::most, false, {functions, count});
}

/** Runs it once. */
Status run_of(const Built& built, Rows& rows, int32_t count = 3) {
  Status status;
  const auto program = made_of(built, static_cast<int32_t>(rows.rows.size()), &status, count);
  if (program == nullptr) return status;
  int64_t done = 0;
  const double number = 10;
  return program->run(chosen(), rows.rows.data(), &number, 1, {nullptr, 0}, &done);
}

/** The stored sum of row 0, in any layout, and the number; and its reduction. */
Built sum_twice(int32_t high, int32_t wide, int32_t rowStep, std::vector<int32_t> kept) {
  const int32_t n = high * wide;
  return instruction(Opcode::map, 3,
                     {2, 2, 2, 1, high, wide, tensor(0, f32, {rowStep, 1}, high * rowStep), number(0, f32, {0, 0}),
                      tensor(1, f32, {wide, 1}, n), -1, 0, tensor(2, f32, kept, n), 0, 0, Step::add, f32, f32, 0, -1,
                      -2, 0});
}

/** Row 2 = the product of rows 0 and 1, plus the number. */
Built product(int32_t rows, int32_t columns, int32_t sum) {
  return instruction(Opcode::contract, 3,
                     {3, 0, 1, 1, 1, 1, 1, 0, rows, columns, sum, tensor(0, f32, {sum, 1}, rows * sum),
                      tensor(1, f32, {columns, 1}, sum * columns), tensor(2, f32, {}, rows * columns),
                      number(0, f32, {0, 0}), Step::add, f32, f32, 0, -1, -2, 0});
}

}  // namespace

TEST_CASE("a function computes the expression after a product") {
  for (const Size& size : {Size{1, 1, 4}, Size{5, 3, 2}, Size{64, 1, 9}, Size{70, 33, 8}, Size{3, 700, 5}}) {
    const std::vector<int32_t> sizes{size.high * size.rowStep, size.rowStep * size.wide, size.high * size.wide};
    const Built built = product(size.high, size.wide, size.rowStep);
    Rows expected(sizes), rows(sizes);
    CHECK(expected.run(built.words, {10}).kind == Status::done);
    blocks = 0;
    CHECK(run_of(emitted(3, 1, {built}), rows, 4).kind == Status::done);
    CHECK(blocks > 0);
    CHECK(rows.memory == expected.memory);
  }
}

TEST_CASE("a function runs in place of the instructions that it was emitted for") {
  Rows rows({4, 4});
  CHECK(run_of(emitted(0, 0, {add(4, 1), add(4, 1)}), rows).kind == Status::done);
  CHECK(calledRows == rows.rows.data());
  CHECK(calledNumber == 10);
  for (int32_t i = 0; i < 4; i++) CHECK(rows.memory[1][static_cast<size_t>(i)] == static_cast<float>(i) + 10);
}

TEST_CASE("a check in a function ends the run with its tag") {
  Rows rows({4, 4});
  const Built both = emitted(1, 0, {check_of_nan(4, 7)});
  const Built built{together({both, add(4, 1)}), {}};
  const Status status = run_of(built, rows);
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 7);
  CHECK(rows.memory[1][1] == 1);
}

TEST_CASE("a function of blocks gives what the interpreter gives") {
  for (const Size& size : {Size{1, 3, 3}, Size{3, 5, 5}, Size{40, 30, 31}, Size{2, 700, 703}, Size{900, 2, 2}}) {
    const int32_t high = size.high, wide = size.wide, n = high * wide;
    for (const std::vector<int32_t>& kept : {std::vector<int32_t>{0, 0}, {1, 0}, {0, 1}}) {
      const Built built = sum_twice(high, wide, size.rowStep, kept);
      const std::vector<int32_t> sizes{high * size.rowStep, n, n};
      Rows expected(sizes), rows(sizes);
      CHECK(expected.run(built.words, {10}).kind == Status::done);
      blocks = 0;
      CHECK(run_of(emitted(2, 1, {built}), rows).kind == Status::done);
      CHECK(blocks > 0);
      CHECK(rows.memory == expected.memory);
    }
  }
}

TEST_CASE("a function of blocks sums runs where it is asked to") {
  for (const Size& size : {Size{1, 511, 511}, Size{1, 512, 512}, Size{1, 700, 700}, Size{3, 1100, 1103}, Size{16, 64, 64}}) {
    const int32_t high = size.high, wide = size.wide, n = high * wide;
    for (const std::vector<int32_t>& kept : {std::vector<int32_t>{0, 0}, {1, 0}, {0, 1}}) {
      const Built built = instruction(Opcode::map, 3,
                                      {2, 2, 1, 1, high, wide, tensor(0, f32, {size.rowStep, 1}, high * size.rowStep),
                                       number(0, f32, {0, 0}), tensor(1, f32, kept, n), 0, 0, Step::add, f32, f32, 0, -1, -2, 0});
      Rows expected({high * size.rowStep, n}), rows({high * size.rowStep, n});
      // With the number around 0, so that the order of additions decides the last bits.
      for (Rows* each : {&expected, &rows})
        for (float& x : each->memory[0]) x = -10 + std::fmod(x * 0.618F, 1.0F);
      CHECK(expected.run(built.words, {10}).kind == Status::done);
      blocks = 0;
      CHECK(run_of(emitted(4, 2, {built}), rows, 5).kind == Status::done);
      CHECK(blocks > 0);
      CHECK(rows.memory == expected.memory);
    }
  }
}

TEST_CASE("a function that reads its own output computes it in place") {
  Rows expected({600}), rows({600});
  const auto built = [](int32_t opcode) {
    return instruction(Opcode::map, opcode,
                       {1, 2, 2, 1, 600, tensor(0, f32, {1}, 600), number(0, f32, {0}), tensor(0, f32, {1}, 600), -1, 0,
                        tensor(0, f32, {1}, 600), -1, 0, Step::add, f32, f32, 0, -1, -2, 0});
  };
  CHECK(expected.run(built(0).words, {10}).kind == Status::done);
  CHECK(run_of(emitted(2, 1, {built(0)}), rows).kind == Status::done);
  CHECK(rows.memory == expected.memory);
}

TEST_CASE("emitted functions are checked as the instructions that they are for") {
  Rows rows({4, 4}), small({4, 3});
  const auto status_of = [&](const Built& built, int32_t count = 3) { return run_of(built, rows, count); };
  const auto refused = [](const Status& status, const char* what) {
    CHECK(status.kind == Status::invalid);
    CHECK(std::string(status.what) == what);
  };
  refused(status_of(emitted(3, 0, {add(4, 1)})), "a function does not exist");
  refused(status_of(emitted(0, 0, {add(4, 1)}), 0), "a function does not exist");
  refused(status_of(emitted(-1, 0, {add(4, 1)})), "a count is out of range");
  refused(status_of(emitted(0, 3, {add(4, 1)})), "a count is out of range");
  refused(status_of(emitted(0, 0, {})), "it ends too early");
  refused(status_of(emitted(2, 1, {add(4, 1), add(4, 1)})), "its length does not fit");
  refused(status_of(emitted(0, 0, {add(4, 2)})), "a row does not exist");
  refused(status_of(emitted(0, 0, {add(4, 1), instruction(Opcode::iota, 0, {1, 4, 1, tensor(1, i32, {}, 4)})})),
          "an instruction is not emitted");
  refused(status_of(emitted(0, 0, {emitted(0, 0, {add(4, 1)})})), "an instruction is not emitted");
  refused(status_of(emitted(0, 0, {product(4, 4, 4)})), "an instruction is not emitted");
  refused(run_of(emitted(0, 0, {add(4, 1)}), small), "a row does not fit the program");
  // A batch has no functions.
  refused(rows.run(emitted(0, 0, {add(4, 1)}).words), "a function does not exist");
}

TEST_CASE("every wrong word of an emitted instruction is refused, or an instruction that fits") {
  for (const Built& built : {emitted(0, 0, {add(4, 1), check_of_nan(4, 7)}), emitted(2, 1, {sum_twice(2, 2, 2, {0, 0})})}) {
    for (size_t word = 1; word < built.words.size(); word++) {
      for (const int32_t value : {-1000, -9, -1, 0, 1, 2, 3, 9, 33, 1 << 20, INT32_MAX, INT32_MIN}) {
        Status status;
        const auto program = made_of(built.with(word, value), 3, &status);
        if (program == nullptr) CHECK(status.kind == Status::invalid);
      }
    }
  }
}
