// Programs run over memory that changes from run to run, by themselves, as calls of a batch, and as bodies that other
// programs repeat. decode_test.cc covers what is refused.
#include <array>
#include <cmath>

#include "suites.h"
#include "words.h"

namespace {

/** A call of program 0, from number `first` on: a row, and an offset within its 12 elements. */
Built call(std::vector<int32_t> places, int32_t first = 0, int32_t program = 0) {
  std::vector<Piece> pieces{program, first};
  for (size_t i = 0; i + 1 < places.size(); i += 2)
    for (const int32_t word : {places[i], 0, 12, places[i + 1]}) pieces.push_back(word);
  return instruction(Opcode::call, 5, pieces);
}

/** The only program of a table: an instruction over two rows and a number. */
std::vector<std::unique_ptr<Program>> table(const Built& built) {
  Status status;
  std::vector<std::unique_ptr<Program>> programs;
  programs.push_back(program_of(built.words, 2, 1, &status));
  return programs;
}

/** The outcome of three runs of a program that advances so many bytes in each row. */
struct Runs {
  Status status;
  int64_t done = -1;
};
Runs run_of(const Built& built, Rows& rows, std::vector<int64_t> steps, std::vector<double> numbers = {10, 20, 30},
            int32_t times = 3) {
  Runs runs;
  Status made;
  const auto program = program_of(built.words, static_cast<int32_t>(rows.rows.size()), 1, &made);
  REQUIRE(program != nullptr);
  runs.status = program->run(chosen(), rows.rows.data(), numbers.data(), times,
                             {steps.empty() ? nullptr : steps.data(), 1}, &runs.done);
  return runs;
}

}  // namespace

TEST_CASE("a program's rows and numbers move from run to run") {
  Rows rows({4, 12});
  const Runs runs = run_of(add(4, 1), rows, {0, 16});
  CHECK(runs.status.kind == Status::done);
  CHECK(runs.done == 3);
  for (int32_t run = 0; run < 3; run++)
    CHECK(rows.memory[1][static_cast<size_t>(run * 4 + 1)] == 10.F * static_cast<float>(run + 1) + 1);
}

TEST_CASE("memory that does not fit all runs of a program is refused before the first") {
  const auto refused = [](Rows& rows, std::vector<int64_t> steps, int32_t times = 3) {
    const Runs runs = run_of(add(4, 1), rows, steps, {10, 20, 30, 40}, times);
    CHECK(runs.status.kind == Status::invalid);
    CHECK(std::string(runs.status.what) == "a row does not fit the program");
    CHECK(runs.done == 0);
    for (const std::vector<float>& row : rows.memory) CHECK((row.empty() || row[0] == 0));
  };
  const auto fits = [](Rows& rows, std::vector<int64_t> steps, int32_t times = 3) {
    CHECK(run_of(add(4, 1), rows, steps, {10, 20, 30, 40}, times).status.kind == Status::done);
  };
  Rows rows({4, 12}), small({3, 12}), odd({12, 12}), none({0, 12});
  refused(rows, {0, 16}, 4);
  refused(rows, {16, 16});
  refused(rows, {0, -16});
  refused(rows, {0, INT64_MIN});
  refused(rows, {0, INT64_MAX});
  refused(rows, {0, 18});
  refused(small, {});
  refused(none, {});
  fits(rows, {0, 0}, 4);
  Rows last({4, 12});
  fits(last, {0, 16}, 3);
  // A stride that is never used may have any length.
  Rows one({4, 4});
  fits(one, {64, 64}, 1);
  Rows nothing({4, 4});
  CHECK(run_of(add(4, 1), nothing, {64, 64}, {1}, 0).status.kind == Status::done);
  CHECK(nothing.memory[1][1] == 1);
  odd.rows[1].data += 2;
  refused(odd, {});
  odd.rows[1].bytes -= 4;
  refused(odd, {});
}

TEST_CASE("a run that fails is not counted, and none follows it") {
  Rows rows({12, 4});
  rows.memory[0][9] = NAN;
  const Built check = check_of_nan(4, 3);
  Status made;
  const auto program = program_of(together({check, add(4, 1)}), 2, 1, &made);
  const double numbers[] = {10, 20, 30};
  const int64_t steps[] = {16, 0};
  int64_t done = -1;
  const Status status = program->run(chosen(), rows.rows.data(), numbers, 3, {steps, 1}, &done);
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 3);
  CHECK(done == 2);
  CHECK(rows.memory[1][1] == 25);
  // The next run forgets what a failed run left behind.
  done = -1;
  CHECK(program->run(chosen(), rows.rows.data(), numbers, 2, {steps, 1}, &done).kind == Status::done);
  CHECK(done == 2);
  rows.rows[0].bytes = 8;
  CHECK(program->run(chosen(), rows.rows.data(), numbers, 2, {steps, 1}, &done).kind == Status::invalid);
  CHECK(done == 0);
}

TEST_CASE("a batch calls programs, which read and write where it says") {
  Rows rows({12, 12});
  const auto programs = table(add(4, 1));
  CHECK(rows.run(together({call({0, 2, 1, 8}, 1), call({1, 8, 0, 0}, 2)}), {1, 100, 0.5}, programs).kind ==
        Status::done);
  for (size_t i = 0; i < 4; i++) {
    CHECK(rows.memory[1][i + 8] == static_cast<float>(i) + 102);
    CHECK(rows.memory[0][i] == static_cast<float>(i) + 102.5F);
  }
  CHECK(rows.memory[1][7] == 7);
}

TEST_CASE("a call that does not fit its program is refused before anything is written") {
  const auto refused = [](const Built& built, const char* what) {
    Rows rows({12, 12});
    const Status status = rows.run(built, {1, 2}, table(add(4, 1)));
    CHECK(status.kind == Status::invalid);
    CHECK(status.tag == 5);
    CHECK(std::string(status.what) == what);
    CHECK(rows.memory[1][8] == 8);
  };
  refused(call({0, 0, 1, 0}, 0, 1), "a program does not exist");
  refused(call({0, 0, 1, 0}, 0, -1), "a count is out of range");
  refused(call({0, 0, 1, 0}, 2), "a number does not exist");
  refused(call({0, 0, 1, 0}, -1), "a count is out of range");
  refused(call({0, 0, 1, 0}, INT32_MAX), "a number does not exist");
  refused(call({0, 0, 2, 0}), "a row does not exist");
  refused(call({0, 0, -1, 0}), "an operand is a number instead of memory");
  refused(call({0, 0, 1, 9}), "an operand goes beyond its tensor");
  refused(call({0, 9, 1, 0}), "an operand goes beyond its tensor");
  refused(call({0, INT32_MAX, 1, 0}), "an operand goes beyond its tensor");
  refused(call({0, 0, 1, -1}), "a count is out of range");
  refused(call({0, 0, 1}), "it ends too early");
  refused(call({0, 0, 1, 0, 0, 0}), "its length does not fit");
  // Places begin at words 5 and 9: row, first, count, offset.
  const Built good = call({0, 0, 1, 0});
  refused(good.with(10, 1).with(11, 3), "an operand goes beyond its tensor");
  refused(good.with(10, 9).with(11, 4), "a tensor goes beyond its row");
  refused(good.with(10, 1 << 30).with(11, INT32_MAX), "a tensor goes beyond its row");
  refused(good.with(10, -1), "a count is out of range");
  refused(good.with(11, -1), "a count is out of range");
  Rows rows({12, 12});
  CHECK(rows.run(good.with(10, 8).with(11, 4), {1, 2}, table(add(4, 1))).kind == Status::done);
  CHECK(rows.memory[1][11] == 4);
  rows.rows[1].data += 2;
  rows.rows[1].bytes -= 4;
  CHECK(std::string(rows.run(good, {1}, table(add(4, 1))).what) == "a row is not aligned");
  CHECK(table(good)[0] == nullptr);
  std::vector<std::unique_ptr<Program>> absent(1);
  CHECK(std::string(rows.run(good, {1}, absent).what) == "a program does not exist");
}

TEST_CASE("a call may say anything about memory that its program does not use") {
  Rows rows({4, 4, 4});
  Status status;
  std::vector<std::unique_ptr<Program>> programs;
  programs.push_back(program_of(add(4, 1).words, 3, 1, &status));
  const auto third = [](int32_t row, int32_t offset) {
    return instruction(Opcode::call, 0, {0, 0, 0, 0, 4, 0, 1, 0, 4, 0, row, 0, 0, offset});
  };
  CHECK(rows.run(third(2, 16), {1}, programs).kind == Status::done);
  CHECK(rows.memory[1][3] == 4);
  CHECK(rows.run(third(3, 0), {1}, programs).kind == Status::invalid);
}

TEST_CASE("a failure in a call has the call's tag") {
  Rows rows({8, 8});
  const auto programs = table(check_of_nan(8, 3));
  const auto calling = [](int32_t row) { return instruction(Opcode::call, 5, {0, 0, row, 0, 8, 0, 1 - row, 0, 8, 0}); };
  CHECK(rows.run(calling(0), {1}, programs).kind == Status::done);
  rows.memory[1][3] = NAN;
  const Status status = rows.run(together({calling(1), add(8, 1)}), {1}, programs);
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 5);
  CHECK(rows.memory[1][0] == 0);
}

namespace {

/**
 * A repetition of an instruction over two rows of 12 elements and a number. `moves`: where it begins in rows 0 and 1,
 * and how far each moves.
 */
Built repeat(int32_t times, const Built& body, std::array<int32_t, 4> moves, int32_t numberStep = 0) {
  std::vector<Piece> pieces{times, 2, 1, numberStep, static_cast<int32_t>(body.words.size())};
  for (const int32_t word : body.words) pieces.push_back(word);
  for (const int32_t row : {0, 1}) {
    pieces.push_back(tensor(row, f32, {}, 12, moves[static_cast<size_t>(row) * 2]));
    pieces.push_back(moves[static_cast<size_t>(row) * 2 + 1]);
  }
  return instruction(Opcode::repeat, 5, pieces);
}

Status repeated(const Built& built, Rows& rows, std::vector<double> numbers = {10, 20, 30}) {
  Status made;
  const auto program = program_of(built.words, 2, static_cast<int32_t>(numbers.size()), &made);
  if (program == nullptr) return made;
  int64_t done = 0;
  return program->run(chosen(), rows.rows.data(), numbers.data(), 1, {nullptr, 0}, &done);
}

}  // namespace

TEST_CASE("a program repeats another, whose rows and numbers move") {
  Rows rows({12, 12});
  // Forward in the row that is read, backward in the row that is written.
  CHECK(repeated(repeat(3, add(2, 1), {1, 3, 9, -4}, 1), rows).kind == Status::done);
  CHECK(rows.memory[1] == std::vector<float>{0, 37, 38, 3, 4, 24, 25, 7, 8, 11, 12, 11});
  // Each iteration reads what the previous one wrote.
  Rows kept({12, 12});
  CHECK(repeated(repeat(4, add(1, 1), {0, 1, 0, 0}), kept, {1}).kind == Status::done);
  CHECK(kept.memory[1][0] == 4);
}

TEST_CASE("a repetition keeps to its tensors in every iteration") {
  const auto refused = [](const Built& built, const char* what) {
    Rows rows({12, 12});
    const Status status = repeated(built, rows);
    CHECK(status.kind == Status::invalid);
    CHECK(std::string(status.what) == what);
    CHECK(rows.memory[1][11] == 11);
  };
  const auto turns = [](int32_t times, std::array<int32_t, 4> moves, int32_t numberStep = 0) {
    return repeat(times, add(2, 1), moves, numberStep);
  };
  Rows rows({12, 12});
  CHECK(repeated(turns(11, {0, 1, 10, -1}), rows).kind == Status::done);
  refused(turns(12, {0, 1, 0, 0}), "an operand goes beyond its tensor");
  refused(turns(2, {0, 11, 0, 0}), "an operand goes beyond its tensor");
  refused(turns(2, {0, 0, 11, 0}), "an operand goes beyond its tensor");
  refused(turns(2, {0, -1, 0, 0}), "an operand begins before its tensor");
  refused(turns(INT32_MAX, {0, INT32_MAX, 0, 0}), "an operand goes too far");
  refused(turns(INT32_MAX, {0, INT32_MIN, 0, 0}), "an operand goes too far");
  refused(turns(0, {0, 0, 0, 0}), "a repetition has no iterations");
  refused(turns(-1, {0, 0, 0, 0}), "a count is out of range");
  refused(turns(4, {0, 0, 0, 0}, 1), "a number does not exist");
  refused(turns(INT32_MAX, {0, 0, 0, 0}, INT32_MAX), "a number does not exist");
  refused(repeat(2, turns(2, {0, 0, 0, 0}), {0, 0, 0, 0}), "a repetition is not allowed here");
  refused(repeat(2, instruction(Opcode::call, 0, {0, 0}), {0, 0, 0, 0}), "a program does not exist");
  const Built good = turns(2, {0, 1, 0, 1});
  const size_t last = good.words.size();
  refused(good.with(4, 3), "it ends too early");
  refused(good.with(4, INT32_MAX), "it ends too early");
  refused(good.with(7, 3), "its length is out of range");
  refused(good.with(last - 2, u8), "a row of a body has elements of another size");
  refused(good.with(last - 6, 2), "a row does not exist");
  refused(good.with(last - 6, -1), "an operand is a number instead of memory");
  Rows batch({12, 12});
  CHECK(std::string(batch.run(good, {1}).what) == "a repetition is not allowed here");
}

TEST_CASE("a failure in an iteration has the tag of the body's instruction, and later iterations do not run") {
  Rows rows({12, 12});
  rows.memory[0][2] = NAN;
  Status status = repeated(repeat(4, check_of_nan(1, 3), {0, 1, 0, 1}), rows);
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 3);
}
