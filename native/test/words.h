// Instructions for the tests of the decoder, built from named pieces (STREAM.md): the positions of operands' words are
// recorded, so that a test can visit all of them.
#pragma once
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "dispatch.h"
#include "stream.h"

using namespace flambeau;

namespace {

constexpr int32_t boolean = 0, u8 = 1, i32 = 2, f32 = 3, f64 = 4;

/** Some words; for an operand, the first five are its place and its dtype. */
struct Piece {
  std::vector<int32_t> words;
  bool operand = false;

  Piece(int32_t word) : words{word} {}
  Piece(Step step) : words{static_cast<int32_t>(step)} {}
  Piece(std::vector<int32_t> words, bool operand) : words(std::move(words)), operand(operand) {}
};

/** `count` elements of a row from `first` on, with an operand that begins at `offset`. */
inline Piece tensor(int32_t row, int32_t dtype, std::vector<int32_t> steps, int32_t count, int32_t offset = 0,
                    int32_t first = 0) {
  steps.insert(steps.begin(), {row, first, count, offset, dtype});
  return {steps, true};
}

inline Piece number(int32_t position, int32_t dtype, std::vector<int32_t> steps) {
  steps.insert(steps.begin(), {-1 - position, 0, 0, 0, dtype});
  return {steps, true};
}

struct Built {
  std::vector<int32_t> words;
  /** The positions of operands. */
  std::vector<size_t> operands;

  int64_t count() const { return static_cast<int64_t>(words.size()); }
  Built with(size_t at, int32_t value) const {
    Built other = *this;
    other.words[at] = value;
    return other;
  }
};

inline Built instruction(Opcode opcode, int32_t tag, const std::vector<Piece>& pieces) {
  Built built{{static_cast<int32_t>(opcode), 0, tag}, {}};
  for (const Piece& piece : pieces) {
    if (piece.operand) built.operands.push_back(built.words.size());
    built.words.insert(built.words.end(), piece.words.begin(), piece.words.end());
  }
  built.words[1] = static_cast<int32_t>(built.words.size());
  return built;
}

inline std::vector<int32_t> together(std::initializer_list<Built> list) {
  std::vector<int32_t> words;
  for (const Built& built : list) words.insert(words.end(), built.words.begin(), built.words.end());
  return words;
}

inline const Kernels& chosen() {
  std::string error;
  static const Kernels& best = *kernels(&error);
  return best;
}

/** Rows of floats: 0, 1, 2, ... */
struct Rows {
  std::vector<std::vector<float>> memory;
  std::vector<Row> rows;

  explicit Rows(const std::vector<int32_t>& sizes) {
    for (const int32_t size : sizes) {
      memory.emplace_back(static_cast<size_t>(size));
      for (int32_t i = 0; i < size; i++) memory.back()[static_cast<size_t>(i)] = static_cast<float>(i);
    }
    for (auto& row : memory)
      rows.push_back({reinterpret_cast<char*>(row.data()), static_cast<int64_t>(row.size() * sizeof(float))});
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  int32_t* whole(size_t row) { return reinterpret_cast<int32_t*>(memory[row].data()); }

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
  Status run(const Built& built, const std::vector<double>& numbers = {0},
             const std::vector<std::unique_ptr<Program>>& programs = {}) {
    return run(built.words, numbers, programs);
  }
};

/** Row `to` = row 0 + number 0, for n elements. */
inline Built add(int32_t n, int32_t to, int32_t tag = 0) {
  return instruction(Opcode::map, tag,
                     {1, 2, 1, 1, n, tensor(0, f32, {1}, n), number(0, f32, {0}), tensor(to, f32, {1}, n), -1, 0,
                      Step::add, f32, f32, 0, -1, -2, 0});
}

/** A check that n floats of row 0 are not NaN. */
inline Built check_of_nan(int32_t n, int32_t tag) {
  return instruction(
      Opcode::check, tag,
      {1, 1, 1, 1, n, tensor(0, f32, {1}, n), number(0, boolean, {0}), 2, 0, Step::isnan, boolean, f32, 0, -1, 0, 0});
}

/** The words as a program, with its status. */
inline std::unique_ptr<Program> program_of(const std::vector<int32_t>& words, int32_t rows, int32_t numbers,
                                           Status* status) {
  return Program::make(words.data(), static_cast<int64_t>(words.size()), rows, numbers, status);
}

}  // namespace
