// Instructions of every opcode that fit their memory to the byte, and memory for them, which the tests of the decoder
// alter.
#pragma once
#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "words.h"

namespace {

[[maybe_unused]] const auto add3 = [](int32_t dtype) { return std::vector<Piece>{Step::add, dtype, dtype, 0, -1, -2, 0}; };

inline std::vector<Piece> joined(std::vector<Piece> list, const std::vector<Piece>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

/** An instruction with one row per operand, exactly as large as needed, except for one extra element in front. */
struct Fitting {
  const char* name;
  Built built;
  /** Bytes of each row. */
  std::vector<int32_t> bytes;
  /** Words that count elements: one more is too many. */
  std::vector<size_t> sizes;
  /** Operands of any dtype. */
  std::set<size_t> any;
  /** Operands that may be numbers. */
  std::set<size_t> numbers;
};

inline Piece at(int32_t row, int32_t dtype, std::vector<int32_t> steps, int32_t count, int32_t offset = 0) {
  return tensor(row, dtype, std::move(steps), count, offset, 1);
}

inline int32_t bytes_of(int32_t count, int32_t dtype) {
  return (count + 1) * static_cast<int32_t>(size_of(static_cast<DType>(dtype)));
}

inline std::vector<Fitting> fitting() {
  std::vector<Fitting> list;
  const auto put = [&](const char* name, Opcode opcode, const std::vector<Piece>& pieces, std::vector<size_t> sizes,
                       std::set<size_t> any = {}, std::set<size_t> numbers = {}) {
    Fitting it{name, instruction(opcode, 9, pieces), {}, std::move(sizes), std::move(any), std::move(numbers)};
    for (const size_t operand : it.built.operands) {
      const int32_t* words = it.built.words.data() + operand;
      if (words[0] < 0) continue;
      REQUIRE(words[0] == static_cast<int32_t>(it.bytes.size()));
      it.bytes.push_back(bytes_of(words[2], words[4]));
    }
    list.push_back(std::move(it));
  };
  put("map", Opcode::map,
      joined({2, 2, 2, 1, 2, 3, at(0, f32, {3, 1}, 6), at(1, f32, {3, 1}, 6), at(2, f32, {3, 1}, 6), -1, 0,
              at(3, f32, {1, 0}, 2), 0, 0},
             add3(f32)),
      {7, 8}, {}, {0, 1});
  put("map from its end", Opcode::map,
      joined(
          {2, 2, 1, 1, 2, 3, at(0, f64, {-3, 1}, 6, 3), at(1, f64, {-3, -1}, 6, 5), at(2, f64, {3, -1}, 6, 2), -1, 0},
          add3(f64)),
      {7, 8}, {}, {0, 1});
  put("check", Opcode::check,
      {1, 1, 1, 1, 4, at(0, f32, {1}, 4), number(0, boolean, {0}), 2, 0, Step::isnan, boolean, f32, 0, -1, 0, 0}, {7},
      {}, {0, 1});
  put("product", Opcode::contract,
      joined({f32, 1, 1, 1, 1, 1, 1, 0, 2, 2, 3, 4, at(0, f32, {8, 4, 1}, 16), at(1, f32, {12, 3, 1}, 24), at(2, f32, {}, 12),
              at(3, f32, {0, 0, 1}, 3)},
             add3(f32)),
      {11, 12, 13, 14}, {}, {3});
  put("product of several", Opcode::contract,
      joined({f64, 0, 1, 1, 1, 2, 1, 0, 2, 3, 4, at(0, f64, {4, 1}, 8), at(1, f64, {3, 1}, 12), at(2, f64, {}, 6),
              at(3, f64, {0, 1}, 3), at(4, f64, {3, 1}, 6)},
             {Step::add, f64, f64, 0, -2, -3, 0}),
      {11, 12, 13}, {}, {3, 4});
  put("product of int32", Opcode::contract,
      {i32, 0, 1, 1, 1, 0, 0, -1, 2, 3, 4, at(0, i32, {4, 1}, 8), at(1, i32, {3, 1}, 12), at(2, i32, {}, 6)},
      {11, 12, 13});
  // A convolution of two images in windows of 2 x 2, with a reversed kernel and a bias.
  for (const int32_t dtype : {i32, f32, f64}) {
    put("contract", Opcode::contract,
        joined({dtype, 1, 1, 2, 3, 1, 1, 0, 2, 2, 3, 4, 2, 2, 2, at(0, dtype, {0, 8, 4, -2, -1}, 16, 3),
                at(1, dtype, {40, 20, 5, 1, 5, 1}, 80), at(2, dtype, {}, 48), at(3, dtype, {0, 1, 0, 0}, 2)},
               add3(dtype)),
        {11, 12, 13, 14, 15, 16, 17}, {}, {3});
  }
  // One in windows of 3 x 3 over two planes of 3 x 4, with zeros around them that are not in memory.
  for (const int32_t dtype : {i32, f32, f64}) {
    put("bordered", Opcode::bordered,
        {3, 4, 1, 1, 1, 1, 0, dtype, 0, 1, 2, 3, 0, 0, -1, 2, 3, 4, 2, 3, 3, at(0, dtype, {18, 9, 3, 1}, 36),
         at(1, dtype, {30, 6, 1, 6, 1}, 24), at(2, dtype, {}, 24)},
        {18, 19, 20, 21, 22, 23});
  }
  put("argReduce", Opcode::argReduce, {1, 1, 1, 2, 3, at(0, f32, {3, 1}, 6), at(1, i32, {}, 2)}, {6, 7}, {0});
  put("scan", Opcode::scan, {0, 1, 3, 2, at(0, f32, {3, 1}, 6), at(1, f32, {3, 1}, 6)}, {5, 6});
  put("fold", Opcode::fold, {1, 5, 1, 4, at(0, f32, {1}, 4), at(1, f32, {1}, 5)}, {4, 6});
  put("pad", Opcode::pad, {2, 9, 1, 0, 0, 2, 3, at(0, f32, {3, 1}, 6), at(1, f32, {4, 1}, 9)}, {8, 9});
  put("gather", Opcode::gather, {2, 4, 3, 2, 3, at(0, f32, {0, 1}, 12), at(1, i32, {3, 1}, 6), at(2, f32, {3, 1}, 6)},
      {4, 6, 7});
  put("scatter", Opcode::scatter,
      {0, 2, 4, 3, 2, 3, at(0, i32, {3, 1}, 6), at(1, f32, {3, 1}, 6), at(2, f32, {0, 1}, 12)}, {5, 7, 8});
  put("indices", Opcode::indices, {2, 4, 2, 3, at(0, i32, {3, 1}, 6)}, {5, 6});
  put("sort", Opcode::sort,
      {0, 1, 3, 2, 2, 0, 1, 2, 3, at(0, f32, {3, 1}, 6), at(1, f32, {3, 1}, 6), at(2, i32, {3, 1}, 6)}, {5, 7});
  put("iota", Opcode::iota, {2, 3, 2, at(0, u8, {}, 12)}, {3, 4, 5}, {0});
  // [2, 3, 2] along the middle axis, and once with one element for all rows.
  for (int32_t kind = 0; kind < static_cast<int32_t>(Composite::count); kind++) {
    const CompositeInfo& info = info_of(static_cast<Composite>(kind));
    const bool mayBeOne = std::count(info.extents, info.extents + info.operands, Extent::rowOrOne) > 0;
    for (const int32_t dtype : {f32, f64}) {
      const bool isPooled = info.numbers > 1;
      if (isPooled && dtype != f32) continue;
      for (int32_t step = mayBeOne ? 0 : 1; step < 2; step++) {
        std::vector<Piece> pieces{kind, dtype, 2, 3, 2};
        // Windows of 2 x 2, over planes of 3 x 2 or to them.
        // By name, because WebAssembly does not have all of them.
        const std::string_view name = info.name;
        // Two channels of one image, each of which has two windows of those of a convolution.
        const bool isConvolution = name == "convolutionByInput";
        const bool isGradient = isConvolution || name == "maxPoolBackward" || name == "avgPoolBackward";
        const int32_t windows[] = {isGradient ? 4 : 2, isGradient ? 3 : 1, 2, 2, 1, 1, 0, 0, isConvolution ? 2 : 0, 1};
        for (int32_t i = 0; i < info.numbers; i++) pieces.push_back(isPooled ? windows[i] : -1);
        for (int32_t i = 0; i < info.operands; i++) {
          const Extent extent = info.extents[i];
          const bool isOne = step == 0;
          const int32_t planes = 2 * windows[0] * windows[1];
          const int32_t counts[] = {12, 4, isOne ? 1 : 4, 4, 3, 2, 6, 1, planes, 16, planes};
          const int32_t count = counts[static_cast<int32_t>(extent)];
          std::vector<int32_t> steps;
          if (extent == Extent::rowOrOne) steps = {step};
          if (extent == Extent::channel || extent == Extent::weight) steps = {2};
          pieces.push_back(at(i, extent == Extent::index ? i32 : dtype, steps, count));
        }
        put(info.name, Opcode::composite, pieces, {5, 6, 7});
      }
    }
  }
  return list;
}

inline bool is_bordered(const Built& built) { return static_cast<Opcode>(built.words[0]) == Opcode::bordered; }
inline bool is_contraction(const Built& built) {
  return is_bordered(built) || static_cast<Opcode>(built.words[0]) == Opcode::contract;
}
/** The first word of a contraction that is the size of a loop of its sum. */
inline size_t first_of_sum(const Built& built) {
  const size_t at = is_bordered(built) ? 10 : 3;
  return at + 8 + static_cast<size_t>(built.words[at + 1] + built.words[at + 2] + built.words[at + 3]);
}

/** Memory of exactly so many bytes per row, all zero. */
struct Memories {
  std::vector<std::vector<double>> memory;
  std::vector<Row> rows;

  explicit Memories(const std::vector<int32_t>& bytes) {
    for (const int32_t size : bytes) {
      memory.emplace_back(static_cast<size_t>(size) / 8 + 2);
      rows.push_back({reinterpret_cast<char*>(memory.back().data()), size});
    }
  }

  Status run(const Built& built) {
    Arena arena;
    const double numbers[] = {0.5};
    const auto count = static_cast<int32_t>(rows.size());
    return run_stream(built.words.data(), built.count(), {rows.data(), nullptr, count, 1}, chosen(),
                      {rows.data(), count, numbers, 1}, arena);
  }
};

inline void refused(const Status& status, const std::string& what) {
  CHECK(status.kind == Status::invalid);
  CHECK(status.tag == 9);
  CHECK(std::string(status.what) == what);
}

}  // namespace
