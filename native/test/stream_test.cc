// The decoder: what fits runs, what does not is refused with the instruction's tag before anything is written; programs
// over memory that changes from run to run.
#include "stream.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "dispatch.h"

using namespace flambeau;

namespace {

constexpr int32_t f32 = 3, i32 = 2, boolean = 0;

const Kernels& chosen() {
  std::string error;
  return *kernels(&error);
}

/** Rows of floats: 0, 1, 2, ... */
struct Rows {
  std::vector<std::vector<float>> memory;
  std::vector<Row> rows;

  explicit Rows(std::initializer_list<int32_t> sizes) {
    for (const int32_t size : sizes) {
      memory.emplace_back(static_cast<size_t>(size));
      for (int32_t i = 0; i < size; i++) memory.back()[static_cast<size_t>(i)] = static_cast<float>(i);
    }
    for (auto& row : memory)
      rows.push_back({reinterpret_cast<char*>(row.data()), static_cast<int64_t>(row.size() * sizeof(float))});
  }

  Status run(const std::vector<int32_t>& words, const std::vector<double>& numbers = {0},
             const std::vector<std::unique_ptr<Program>>& programs = {}) {
    Arena arena;
    const auto rowCount = static_cast<int32_t>(rows.size()), numberCount = static_cast<int32_t>(numbers.size());
    const Limits limits{rows.data(),
                        nullptr,
                        rowCount,
                        numberCount,
                        Limits::most,
                        programs.data(),
                        static_cast<int32_t>(programs.size())};
    return run_stream(words.data(), static_cast<int64_t>(words.size()), limits, chosen(),
                      {rows.data(), rowCount, numbers.data(), numberCount}, arena);
  }
};

/** The instruction with its head. */
std::vector<int32_t> instruction(Opcode opcode, int32_t tag, std::vector<int32_t> rest) {
  std::vector<int32_t> words{static_cast<int32_t>(opcode), static_cast<int32_t>(rest.size()) + 3, tag};
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

/** row `to` = row 0 + number 0, n elements. */
std::vector<int32_t> add(int32_t n, int32_t to, int32_t tag = 0) {
  return instruction(Opcode::map, tag, {1,   2,   1, 1,  n,   0, f32, 0,  1, -1,
                                        f32, 0,   0, to, f32, 0, 1,   -1, 0, static_cast<int32_t>(Step::add),
                                        f32, f32, 0, -1, -2,  0});
}

/** A call of program 0, from number `first` on: row and first element of each of its rows. */
std::vector<int32_t> call(std::vector<int32_t> places, int32_t first = 0, int32_t program = 0) {
  std::vector<int32_t> rest{program, first};
  rest.insert(rest.end(), places.begin(), places.end());
  return instruction(Opcode::call, 5, rest);
}

/** The only program of a table: the words over two rows and a number. */
std::vector<std::unique_ptr<Program>> table(const std::vector<int32_t>& words) {
  Status status;
  std::vector<std::unique_ptr<Program>> programs;
  programs.push_back(Program::make(words.data(), static_cast<int64_t>(words.size()), 2, 1, &status));
  return programs;
}

}  // namespace

TEST_CASE("a batch runs in order") {
  Rows rows{8, 8};
  std::vector<int32_t> words = add(8, 1);
  const std::vector<int32_t> again = add(8, 0, 1);
  words.insert(words.end(), again.begin(), again.end());
  CHECK(rows.run(words, {2.5}).kind == Status::done);
  for (int32_t i = 0; i < 8; i++) {
    CHECK(rows.memory[0][static_cast<size_t>(i)] == static_cast<float>(i) + 2.5F);
    CHECK(rows.memory[1][static_cast<size_t>(i)] == static_cast<float>(i) + 2.5F);
  }
}

TEST_CASE("what does not fit is refused, by its tag, and what came before has run") {
  Rows rows{8, 8};
  std::vector<int32_t> words = add(8, 1);
  const std::vector<int32_t> wrong = add(9, 1, 7);
  words.insert(words.end(), wrong.begin(), wrong.end());
  const Status status = rows.run(words, {1});
  CHECK(status.kind == Status::invalid);
  CHECK(status.tag == 7);
  CHECK(std::string(status.what) == "an operand goes beyond its row");
  CHECK(rows.memory[1][7] == 8);
}

TEST_CASE("every single word that is wrong is refused or harmless") {
  const std::vector<int32_t> good = add(8, 1);
  for (size_t at = 0; at < good.size(); at++) {
    for (const int32_t value : {-1000, -9, -3, 5, 9, 33, 1 << 20, INT32_MAX, INT32_MIN}) {
      Rows rows{8, 8};
      std::vector<int32_t> words = good;
      words[at] = value;
      rows.run(words, {1});
      CHECK(rows.memory[0][0] == 0);
    }
    const std::vector<int32_t> cut(good.begin(), good.begin() + static_cast<int64_t>(at));
    if (at > 0) CHECK(Rows{8, 8}.run(cut, {1}).kind == Status::invalid);
  }
}

TEST_CASE("sizes and steps that would overflow are refused") {
  Rows rows{8, 8};
  const int32_t big = 1 << 30;
  const auto map = [](std::vector<int32_t> sizes, std::vector<int32_t> steps) {
    const auto depth = static_cast<int32_t>(sizes.size());
    std::vector<int32_t> rest{depth, 1, 1, 0};
    rest.insert(rest.end(), sizes.begin(), sizes.end());
    rest.insert(rest.end(), {0, f32, 0});
    rest.insert(rest.end(), steps.begin(), steps.end());
    rest.insert(rest.end(), {1, f32, 0});
    rest.insert(rest.end(), steps.begin(), steps.end());
    rest.insert(rest.end(), {-1, -1});
    return instruction(Opcode::map, 0, rest);
  };
  CHECK(rows.run(map({big, big, big}, {0, 0, 0})).kind == Status::invalid);
  CHECK(rows.run(map({big}, {big})).kind == Status::invalid);
  CHECK(rows.run(map({big, big}, {big, -big})).kind == Status::invalid);
  CHECK(rows.run(map({3, 2}, {-1, 1})).kind == Status::invalid);
  CHECK(rows.run(map({0}, {1})).kind == Status::done);
}

TEST_CASE("indices are checked before anything is written") {
  Rows rows{8, 8, 8};
  auto* index = reinterpret_cast<int32_t*>(rows.memory[1].data());
  for (int32_t i = 0; i < 8; i++) index[i] = 7 - i;
  const auto gather = instruction(Opcode::gather, 4, {1, 8, 1, 8, 0, f32, 0, 0, 1, i32, 0, 1, 2, f32, 0, 1});
  CHECK(rows.run(gather).kind == Status::done);
  CHECK(rows.memory[2][0] == 7);
  index[5] = 8;
  rows.memory[2][0] = -1;
  const Status status = rows.run(gather);
  CHECK(status.kind == Status::index);
  CHECK(status.tag == 4);
  CHECK(status.value == 8);
  CHECK(rows.memory[2][0] == -1);
}

/** A check that eight floats of row 0 are numbers, with tag 3. */
static std::vector<int32_t> check_of_nan() {
  return instruction(Opcode::check, 3,
                     {1,       1,   1, 1,  8, 0, f32, 0, 1, 0, boolean, 0, 0, 2, 0, static_cast<int32_t>(Step::isnan),
                      boolean, f32, 0, -1, 0, 0});
}

TEST_CASE("a check ends the stream") {
  Rows rows{8, 8};
  const auto check = check_of_nan();
  CHECK(rows.run(check).kind == Status::done);
  rows.memory[0][6] = NAN;
  std::vector<int32_t> words = check;
  const auto after = add(8, 1);
  words.insert(words.end(), after.begin(), after.end());
  const Status status = rows.run(words, {5});
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 3);
  CHECK(rows.memory[1][0] == 0);
}

TEST_CASE("a program's rows and numbers move from run to run") {
  Rows rows{4, 12};
  Status status;
  const auto words = add(4, 1);
  const auto program = Program::make(words.data(), static_cast<int64_t>(words.size()), 2, 1, &status);
  REQUIRE(program != nullptr);
  const double numbers[] = {10, 20, 30};
  const int64_t steps[] = {0, 16};
  int64_t done = 0;
  CHECK(program->run(chosen(), rows.rows.data(), numbers, 3, {steps, 1}, &done).kind == Status::done);
  CHECK(done == 3);
  for (int32_t run = 0; run < 3; run++)
    CHECK(rows.memory[1][static_cast<size_t>(run * 4 + 1)] == 10.F * static_cast<float>(run + 1) + 1);
  CHECK(program->run(chosen(), rows.rows.data(), numbers, 4, {steps, 0}, &done).kind == Status::invalid);
  CHECK(done == 0);
  Rows small{3, 12};
  CHECK(program->run(chosen(), small.rows.data(), numbers, 1, {nullptr, 0}, &done).kind == Status::invalid);
}

TEST_CASE("a batch calls programs, which read and write where it says") {
  Rows rows{12, 12};
  const auto programs = table(add(4, 1));
  std::vector<int32_t> words = call({0, 2, 1, 8}, 1);
  const std::vector<int32_t> again = call({1, 8, 0, 0}, 2);
  words.insert(words.end(), again.begin(), again.end());
  CHECK(rows.run(words, {1, 100, 0.5}, programs).kind == Status::done);
  for (int32_t i = 0; i < 4; i++) {
    CHECK(rows.memory[1][static_cast<size_t>(i) + 8] == static_cast<float>(i) + 102);
    CHECK(rows.memory[0][static_cast<size_t>(i)] == static_cast<float>(i) + 102.5F);
  }
  CHECK(rows.memory[1][7] == 7);
}

TEST_CASE("a call that does not fit its program is refused before anything is written") {
  const auto refused = [](const std::vector<int32_t>& words, const char* what) {
    Rows rows{12, 12};
    const Status status = rows.run(words, {1, 2}, table(add(4, 1)));
    CHECK(status.kind == Status::invalid);
    CHECK(status.tag == 5);
    CHECK(std::string(status.what) == what);
    CHECK(rows.memory[1][8] == 8);
  };
  refused(call({0, 0, 1, 0}, 0, 1), "a program does not exist");
  refused(call({0, 0, 1, 0}, 0, -1), "a count is out of range");
  refused(call({0, 0, 1, 0}, 2), "a number does not exist");
  refused(call({0, 0, 1, 0}, INT32_MAX), "a number does not exist");
  refused(call({0, 0, 2, 0}), "a row does not exist");
  refused(call({0, 0, -1, 0}), "a row does not exist");
  refused(call({0, 9, 1, 0}), "an operand goes beyond its row");
  refused(call({0, INT32_MAX, 1, 0}), "an operand goes beyond its row");
  refused(call({0, 0, 1, -1}), "an operand goes beyond its row");
  refused(call({0, 0, 1}), "it ends too early");
  refused(call({0, 0, 1, 0, 0}), "its length does not fit");
  Rows rows{12, 12};
  rows.rows[1].data += 2;
  rows.rows[1].bytes -= 4;
  CHECK(std::string(rows.run(call({0, 0, 1, 0}), {1}, table(add(4, 1))).what) == "a row is not aligned");
  CHECK(table(call({0, 0, 1, 0}))[0] == nullptr);
}

TEST_CASE("what ends in a call has the call's tag") {
  Rows rows{8, 8};
  const auto check = check_of_nan();
  const auto programs = table(check);
  CHECK(rows.run(call({0, 0, 1, 0}), {1}, programs).kind == Status::done);
  rows.memory[1][3] = NAN;
  const Status status = rows.run(call({1, 0, 0, 0}), {1}, programs);
  CHECK(status.kind == Status::check);
  CHECK(status.tag == 5);
}
