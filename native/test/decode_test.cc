// The decoder: what it refuses. Instructions of every opcode that fit their memory to the byte are bent word by word,
// so that each operand of each of them is held to its tensor, to its row, to its dtype; what only one opcode demands
// has a case of its own.
#include <algorithm>
#include <cstring>
#include <set>

#include "words.h"

namespace {

const auto add3 = [](int32_t dtype) { return std::vector<Piece>{Step::add, dtype, dtype, 0, -1, -2, 0}; };

std::vector<Piece> joined(std::vector<Piece> list, const std::vector<Piece>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

/** An instruction whose operands, one a row, are as large as it needs them, their rows one element larger, in front. */
struct Fitting {
  const char* name;
  Built built;
  /** Bytes of each row. */
  std::vector<int32_t> bytes;
  /** Words that say how many elements there are: one more is too many. */
  std::vector<size_t> sizes;
  /** Operands of any dtype. */
  std::set<size_t> any;
  /** Operands that may be numbers. */
  std::set<size_t> numbers;
};

Piece at(int32_t row, int32_t dtype, std::vector<int32_t> steps, int32_t count, int32_t offset = 0) {
  return tensor(row, dtype, std::move(steps), count, offset, 1);
}

int32_t bytes_of(int32_t count, int32_t dtype) {
  return (count + 1) * static_cast<int32_t>(size_of(static_cast<DType>(dtype)));
}

std::vector<Fitting> fitting() {
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
  put("matmul", Opcode::matmul,
      joined({f32, 1, 2, 3, 4, 1, 1, 0, 2, at(0, f32, {8, 4, 1}, 16), at(1, f32, {12, 3, 1}, 24), at(2, f32, {}, 12),
              at(3, f32, {0, 0, 1}, 3)},
             add3(f32)),
      {5, 6, 7, 11}, {}, {3});
  put("matmul of several", Opcode::matmul,
      joined({f64, 0, 2, 3, 4, 2, 1, 0, at(0, f64, {4, 1}, 8), at(1, f64, {3, 1}, 12), at(2, f64, {}, 6),
              at(3, f64, {0, 1}, 3), at(4, f64, {3, 1}, 6)},
             {Step::add, f64, f64, 0, -2, -3, 0}),
      {5, 6, 7}, {}, {3, 4});
  put("matmul of int32", Opcode::matmul,
      {i32, 0, 2, 3, 4, 0, 0, -1, at(0, i32, {4, 1}, 8), at(1, i32, {3, 1}, 12), at(2, i32, {}, 6)}, {5, 6, 7});
  put("argReduce", Opcode::argReduce, {1, 1, 1, 2, 3, at(0, f32, {3, 1}, 6), at(1, i32, {}, 2)}, {6, 7}, {0});
  put("scan", Opcode::scan, {0, 1, 3, 2, at(0, f32, {3, 1}, 6), at(1, f32, {3, 1}, 6)}, {5, 6});
  put("fold", Opcode::fold, {1, 5, 1, 4, at(0, f32, {1}, 4), at(1, f32, {1}, 5)}, {4, 6});
  put("gather", Opcode::gather, {2, 4, 3, 2, 3, at(0, f32, {0, 1}, 12), at(1, i32, {3, 1}, 6), at(2, f32, {3, 1}, 6)},
      {4, 6, 7});
  put("scatter", Opcode::scatter,
      {0, 2, 4, 3, 2, 3, at(0, i32, {3, 1}, 6), at(1, f32, {3, 1}, 6), at(2, f32, {0, 1}, 12)}, {5, 7, 8});
  put("indices", Opcode::indices, {2, 4, 2, 3, at(0, i32, {3, 1}, 6)}, {5, 6});
  put("sort", Opcode::sort, {0, 1, 3, 2, at(0, f32, {3, 1}, 6), at(1, f32, {3, 1}, 6), at(2, i32, {3, 1}, 6)}, {5, 6});
  put("iota", Opcode::iota, {2, 3, 2, at(0, u8, {}, 12)}, {3, 4, 5}, {0});
  // Of [2, 3, 2] with rows along the middle: all elements, one for each row, one for each along it.
  struct Row {
    const char* name;
    RowFn fn;
    std::vector<int32_t> counts;
  };
  const Row rows[] = {
      {"softmax", RowFn::softmax, {12, 12}},
      {"logSoftmax", RowFn::logSoftmax, {12, 12}},
      {"softmaxBackward", RowFn::softmaxBackward, {12, 12, 12}},
      {"logSoftmaxBackward", RowFn::logSoftmaxBackward, {12, 12, 12}},
      {"crossEntropy", RowFn::crossEntropy, {12, -4, 4, 4, 4}},
      {"crossEntropyBackward", RowFn::crossEntropyBackward, {12, -4, 4, 4, 4, 12}},
      {"moments", RowFn::moments, {12, 3, 3}},
  };
  for (const auto& [name, fn, counts] : rows) {
    for (const int32_t dtype : {f32, f64}) {
      std::vector<Piece> pieces{static_cast<int32_t>(fn), dtype, 2, 3, 2, -1, 1};
      for (size_t i = 0; i < counts.size(); i++)
        pieces.push_back(at(static_cast<int32_t>(i), counts[i] < 0 ? i32 : dtype, {}, std::abs(counts[i])));
      put(name, Opcode::rows, pieces, {5, 6, 7});
    }
  }
  put("crossEntropyBackward of one", Opcode::rows,
      {static_cast<int32_t>(RowFn::crossEntropyBackward), f32, 2, 3, 2, -1, 0, at(0, f32, {}, 12), at(1, i32, {}, 4),
       at(2, f32, {}, 4), at(3, f32, {}, 4), at(4, f32, {}, 1), at(5, f32, {}, 12)},
      {5, 6, 7});
  return list;
}

/** Memory of exactly so many bytes a row, of zeros. */
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

void refused(const Status& status, const std::string& what) {
  CHECK(status.kind == Status::invalid);
  CHECK(status.tag == 9);
  CHECK(std::string(status.what) == what);
}

}  // namespace

TEST_CASE("every operand of every opcode is held to its tensor, its row and its dtype") {
  for (const auto& [name, built, bytes, sizes, any, numbers] : fitting()) {
    INFO(std::string(name));
    const auto run = [&](const Built& other) { return Memories(bytes).run(other); };
    const auto row_count = static_cast<int32_t>(bytes.size());
    CHECK(run(built).kind == Status::done);
    // What follows it runs as well.
    std::vector<int32_t> more = bytes;
    more.push_back(16);
    Memories memories(more);
    Built both = built;
    const Built after = instruction(Opcode::iota, 0, {1, 4, 1, tensor(row_count, i32, {}, 4)});
    both.words.insert(both.words.end(), after.words.begin(), after.words.end());
    CHECK(memories.run(both).kind == Status::done);
    CHECK(reinterpret_cast<int32_t*>(memories.rows.back().data)[3] == 3);

    // As a program it needs just these bytes.
    Status made;
    const auto program = program_of(built.words, row_count, 1, &made);
    REQUIRE(program != nullptr);

    for (size_t i = 0; i < built.operands.size(); i++) {
      INFO("operand " << i);
      const size_t place = built.operands[i];
      const int32_t row = built.words[place];
      for (const int32_t word : {-1, 5, INT32_MIN, INT32_MAX})
        refused(run(built.with(place + 4, word)), "a dtype does not exist");
      for (size_t word = 1; word < 4; word++) refused(run(built.with(place + word, -1)), "a count is out of range");
      refused(run(built.with(place, row_count)), "a row does not exist");
      if (numbers.count(i) == 0)
        refused(run(built.with(place, -1)), "a number stands where memory is needed");
      else if (row >= 0)
        refused(run(built.with(place, -2)), "a number does not exist");
      if (row < 0) continue;

      const int32_t count = built.words[place + 2], offset = built.words[place + 3], dtype = built.words[place + 4];
      const auto size = static_cast<int32_t>(size_of(static_cast<DType>(dtype)));
      CHECK(program->need(row).bytes == bytes[static_cast<size_t>(row)]);
      CHECK(program->need(row).align == size);
      refused(run(built.with(place + 2, count - 1)), "an operand goes beyond its tensor");
      refused(run(built.with(place + 3, offset + 1)), "an operand goes beyond its tensor");
      refused(run(built.with(place + 1, 2)), "a tensor goes beyond its row");
      refused(run(built.with(place + 1, INT32_MAX)),
              offset > 0 ? "a count is out of range" : "a tensor goes beyond its row");
      if (offset > 0) refused(run(built.with(place + 3, offset - 1)), "an operand begins before its tensor");
      Memories small(bytes);
      small.rows[static_cast<size_t>(row)].bytes--;
      refused(small.run(built), "a tensor goes beyond its row");
      if (size > 1) {
        Memories odd(bytes);
        odd.rows[static_cast<size_t>(row)].data += size / 2;
        refused(odd.run(built), "a row is not aligned");
      }
      for (int32_t other = 0; other < 5; other++) {
        if (other == dtype || any.count(i) > 0) continue;
        CHECK(run(built.with(place + 4, other)).kind == Status::invalid);
        CHECK(program_of(built.with(place + 4, other).words, row_count, 1, &made) == nullptr);
      }
    }
    for (const size_t word : sizes) {
      INFO("size " << word);
      const int32_t size = built.words[word];
      for (const int32_t other : {size + 1, -1, INT32_MAX, INT32_MIN})
        CHECK(run(built.with(word, other)).kind == Status::invalid);
    }
    for (size_t length = 0; length < built.words.size(); length++) {
      Built cut = built;
      cut.words.resize(length);
      const Status status = run(cut);
      CHECK(status.kind == (length == 0 ? Status::done : Status::invalid));
      if (length < 3) continue;
      refused(status, "its length is out of range");
      cut.words[1] = static_cast<int32_t>(length);
      CHECK(run(cut).kind == Status::invalid);
      CHECK(program_of(cut.words, row_count, 1, &made) == nullptr);
    }
    Built longer = built;
    longer.words.push_back(0);
    longer.words[1]++;
    refused(run(longer), "its length does not fit");
  }
}

TEST_CASE("without elements operands may lie anywhere") {
  for (const auto& it : fitting()) {
    INFO(std::string(it.name));
    const Opcode opcode = static_cast<Opcode>(it.built.words[0]);
    for (const size_t word : it.sizes) {
      // These are no loops: with nothing to add up or to choose from there is something to write or to refuse.
      if ((opcode == Opcode::matmul && word == 7) || (opcode == Opcode::fold && word == 4) ||
          (opcode == Opcode::gather && word == 4) || (opcode == Opcode::scatter && word == 5) ||
          (opcode == Opcode::indices && word == 4))
        continue;
      INFO("size " << word);
      Built empty = it.built.with(word, 0);
      for (const size_t operand : empty.operands) {
        if (empty.words[operand] < 0 || (opcode == Opcode::fold && operand == empty.operands[1])) continue;
        empty.words[operand + 2] = 0;
        empty.words[operand + 3] = 99;
      }
      Memories memories(it.bytes);
      for (Row& row : memories.rows) row.data += opcode == Opcode::fold ? 0 : 1;
      CHECK(memories.run(empty).kind == Status::done);
      Status made;
      const auto program = program_of(empty.words, static_cast<int32_t>(it.bytes.size()), 1, &made);
      REQUIRE(program != nullptr);
      CHECK(program->need(0).bytes == 0);
    }
  }
}

TEST_CASE("every single word of every opcode that is wrong is refused or harmless") {
  for (const auto& it : fitting()) {
    INFO(std::string(it.name));
    for (size_t word = 0; word < it.built.words.size(); word++) {
      for (const int32_t value : {-1000, -9, -3, -1, 0, 1, 2, 3, 5, 9, 33, 1 << 20, INT32_MAX, INT32_MIN}) {
        Memories memories(it.bytes);
        // What lies before the tensor, and behind the row.
        for (size_t i = 0; i < it.bytes.size(); i++) memset(memories.rows[i].data + it.bytes[i], 77, 1);
        memories.run(it.built.with(word, value));
        for (size_t i = 0; i < it.bytes.size(); i++) CHECK(memories.rows[i].data[it.bytes[i]] == 77);
      }
    }
  }
}

TEST_CASE("the head of an instruction") {
  Rows rows({8, 8});
  const Built good = add(8, 1, 9);
  for (const int32_t opcode : {-1, static_cast<int32_t>(Opcode::count), INT32_MAX, INT32_MIN}) {
    const Status status = rows.run(good.with(0, opcode));
    refused(status, "an opcode does not exist");
    CHECK(status.value == opcode);
    CHECK(std::string(name_of(static_cast<Opcode>(opcode))) == "instruction");
  }
  for (const int32_t length : {-1, 0, 2, INT32_MIN, INT32_MAX})
    refused(rows.run(good.with(1, length)), "its length is out of range");
  refused(rows.run(good.with(1, 3)), "it ends too early");
  const Status status = rows.run(std::vector<int32_t>{0, 2});
  CHECK(status.kind == Status::invalid);
  CHECK(status.tag == 0);
  CHECK(std::string(status.what) == "it ends too early");
  // A program says the same of its words.
  Status made;
  CHECK(program_of(together({add(8, 1), good.with(0, -1)}), 2, 1, &made) == nullptr);
  refused(made, "an opcode does not exist");
  CHECK(made.value == -1);
  const char* const names[] = {"map",     "check", "matmul", "argReduce", "scan", "fold",   "gather",
                               "scatter", "sort",  "iota",   "rows",      "call", "indices"};
  for (int32_t opcode = 0; opcode < static_cast<int32_t>(Opcode::count); opcode++)
    CHECK(std::string(name_of(static_cast<Opcode>(opcode))) == names[opcode]);
}

TEST_CASE("no more loops than kernels can count") {
  const auto loops = [](int32_t count) { return std::vector<int32_t>(static_cast<size_t>(std::max(0, count)), 1); };
  const auto run = [&](Opcode opcode, std::vector<Piece> head, int32_t sizes, int32_t steps) {
    for (int32_t i = 0; i < sizes; i++) head.push_back(1);
    head.push_back(tensor(0, f32, loops(steps), 8));
    head.push_back(
        tensor(1, opcode == Opcode::argReduce ? i32 : f32, opcode == Opcode::argReduce ? loops(0) : loops(steps), 8));
    if (opcode == Opcode::sort) head.push_back(tensor(2, i32, loops(steps), 8));
    return Rows({8, 8, 8}).run(instruction(opcode, 9, head));
  };
  for (const int32_t kept : {0, 1, 31, 32}) {
    CHECK(run(Opcode::argReduce, {0, kept, 32 - kept}, 32, 32).kind == Status::done);
    refused(run(Opcode::argReduce, {0, kept, 33 - kept}, 33, 33), "a count is out of range");
  }
  refused(run(Opcode::argReduce, {0, 33, 0}, 33, 33), "a count is out of range");
  refused(run(Opcode::argReduce, {0, 33, -1}, 32, 32), "a count is out of range");
  CHECK(run(Opcode::fold, {32, 1, 0}, 32, 32).kind == Status::done);
  refused(run(Opcode::fold, {33, 1, 0}, 33, 33), "a count is out of range");
  CHECK(run(Opcode::scan, {0, 31, 1}, 31, 32).kind == Status::done);
  refused(run(Opcode::scan, {0, 32, 1}, 32, 33), "a count is out of range");
  CHECK(run(Opcode::sort, {0, 31, 1}, 31, 32).kind == Status::done);
  refused(run(Opcode::sort, {0, 32, 1}, 32, 33), "a count is out of range");
  const auto moving = [&](Opcode opcode, int32_t depth) {
    std::vector<Piece> pieces{depth, 1, 1};
    if (opcode == Opcode::scatter) pieces.insert(pieces.begin(), -1);
    if (opcode == Opcode::map) pieces = {depth, 1, 1, 0};
    if (opcode == Opcode::matmul) pieces = {f32, depth, 1, 1, 1, 0, 0, -1};
    if (opcode == Opcode::indices) pieces = {depth, 1};
    for (int32_t i = 0; i < depth; i++) pieces.push_back(1);
    const auto steps = loops(opcode == Opcode::matmul ? depth + 2 : depth);
    const bool gathers = opcode == Opcode::gather, scatters = opcode == Opcode::scatter;
    pieces.push_back(tensor(0, scatters || opcode == Opcode::indices ? i32 : f32, steps, 8));
    if (opcode == Opcode::indices) return Rows({8}).run(instruction(opcode, 9, pieces));
    if (opcode != Opcode::map) pieces.push_back(tensor(1, gathers ? i32 : f32, steps, 8));
    pieces.push_back(tensor(2, f32, opcode == Opcode::matmul ? loops(0) : steps, 8));
    if (opcode == Opcode::map) pieces = joined(pieces, {-1, -1});
    Rows rows({8, 8, 8});
    rows.whole(0)[0] = rows.whole(1)[0] = 0;
    return rows.run(instruction(opcode, 9, pieces));
  };
  for (const Opcode opcode : {Opcode::map, Opcode::gather, Opcode::scatter, Opcode::matmul, Opcode::indices}) {
    const int32_t most = opcode == Opcode::matmul ? 30 : 32;
    CHECK(moving(opcode, most).kind == Status::done);
    refused(moving(opcode, most + 1), "a count is out of range");
    refused(moving(opcode, -1), "a count is out of range");
  }
}

TEST_CASE("sizes and steps that would overflow are refused") {
  Rows rows({8, 8});
  const int32_t big = 1 << 30;
  const auto map = [&](const std::vector<int32_t>& sizes, const std::vector<int32_t>& steps, int32_t offset = 0) {
    std::vector<Piece> pieces{static_cast<int32_t>(sizes.size()), 1, 1, 0};
    for (const int32_t size : sizes) pieces.push_back(size);
    pieces = joined(pieces, {tensor(0, f32, steps, 8, offset), tensor(1, f32, steps, 8, offset), -1, -1});
    return rows.run(instruction(Opcode::map, 9, pieces));
  };
  refused(map({big, big, big}, {0, 0, 0}), "there are too many elements");
  refused(map({1 << 27, 1 << 27}, {0, 0}), "there are too many elements");
  refused(map({1026, 2}, {1 << 30, 0}), "an operand goes too far");
  refused(map({1025, 2}, {-(1 << 30) - 1, 0}), "an operand goes too far");
  refused(map({1025, 2}, {INT32_MIN, 0}), "an operand goes too far");
  refused(map({1025}, {1 << 30}), "an operand goes beyond its tensor");
  refused(map({1025}, {-(1 << 30)}), "an operand begins before its tensor");
  refused(map({2}, {INT32_MIN}), "an operand begins before its tensor");
  refused(map({1 << 25, 1 << 25}, {1 << 20, -(1 << 20)}), "an operand goes too far");
  refused(map({3, 2}, {-1, 1}), "an operand begins before its tensor");
  refused(map({3, 2}, {-1, 1}, 1), "an operand begins before its tensor");
  CHECK(map({3, 2}, {-1, 1}, 2).kind == Status::done);
  CHECK(map({0}, {1}).kind == Status::done);
  CHECK(map({0, big, big, big}, {1, 1, 1, 1}).kind == Status::done);
  refused(map({0, -1}, {1, 1}), "a size is negative");
  // Limits of the caller's.
  Arena arena;
  const Built good = add(8, 1, 9);
  Limits limits{rows.rows.data(), nullptr, 2, 1, 7};
  const double numbers[] = {1};
  const auto run = [&] {
    return run_stream(good.words.data(), good.count(), limits, chosen(), {rows.rows.data(), 2, numbers, 1}, arena);
  };
  refused(run(), "there are too many elements");
  limits.elements = 8;
  CHECK(run().kind == Status::done);
  Status made;
  CHECK(Program::make(good.words.data(), good.count(), 2, 1, &made, 7) == nullptr);
  refused(made, "there are too many elements");
}

TEST_CASE("counts of operands and steps are no reason to take memory") {
  Rows rows({8, 8});
  for (const int32_t many : {3, 1000, INT32_MAX}) {
    refused(rows.run(instruction(Opcode::map, 9, {0, many, 0, 0})), "it ends too early");
    refused(rows.run(instruction(Opcode::map, 9, {0, 0, many, 0})), "it ends too early");
    refused(rows.run(instruction(Opcode::map, 9, {0, 0, 0, many})), "it ends too early");
    const std::vector<Piece> product{tensor(0, f32, {1, 1}, 1), tensor(0, f32, {1, 1}, 1), tensor(1, f32, {}, 1)};
    refused(rows.run(instruction(Opcode::matmul, 9, joined({f32, 0, 1, 1, 1, many, 0, -1}, product))),
            "it ends too early");
    refused(rows.run(instruction(Opcode::matmul, 9, joined({f32, 0, 1, 1, 1, 0, many, -1}, product))),
            "it ends too early");
  }
  for (const int32_t negative : {-1, INT32_MIN}) {
    for (size_t word = 3; word < 7; word++)
      refused(rows.run(add(8, 1, 9).with(word, negative)), "a count is out of range");
    refused(rows.run(instruction(Opcode::matmul, 9, {f32, 0, 1, 1, 1, negative, 0, -1})), "a count is out of range");
    refused(rows.run(instruction(Opcode::matmul, 9, {f32, 0, 1, 1, 1, 0, negative, -1})), "a count is out of range");
  }
}

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
  // Where its result would go is not looked at.
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
  const auto matmul = [](int32_t dtype, int32_t from, const std::vector<Piece>& codes = {}) {
    const int32_t count = codes.empty() ? 0 : 1;
    return instruction(Opcode::matmul, 9,
                       joined({dtype, 0, 2, 2, 2, 0, count, from, tensor(0, dtype, {2, 1}, 4),
                               tensor(1, dtype, {2, 1}, 4), tensor(2, dtype, {}, 4)},
                              codes));
  };
  for (const int32_t dtype : {i32, f32, f64}) CHECK(rows.run(matmul(dtype, -1)).kind == Status::done);
  for (const int32_t dtype : {boolean, u8}) refused(rows.run(matmul(dtype, -1)), "there are no products of this dtype");
  refused(rows.run(matmul(f32, -2)), "an input of an expression does not exist");
  refused(rows.run(matmul(f32, 0)), "a register is read that has no value");
  refused(rows.run(matmul(f32, 0, {Step::cast, f64, f32, 0, -1, 0, 0})), "an output is not of its value's dtype");
  for (size_t i = 0; i < 3; i++) {
    const Built good = matmul(f32, -1);
    refused(rows.run(good.with(good.operands[i] + 4, f64)), "operands of a product are of several dtypes");
  }
  // Without anything to add up, factors may lie anywhere.
  const auto empty = [](int32_t m, int32_t n, int32_t k) {
    return instruction(Opcode::matmul, 9,
                       {f32, 0, m, n, k, 0, 0, -1, tensor(0, f32, {99, 99}, 0, 7), tensor(1, f32, {99, 99}, 0, 7),
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
  // What is not of its dtype is said so.
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
        opcode != Opcode::sort && opcode != Opcode::rows)
      continue;
    INFO(std::string(it.name));
    for (size_t i = 0; i < it.built.operands.size(); i++) {
      const size_t word = it.built.operands[i] + 4;
      if (it.built.words[word] == i32 && opcode != Opcode::rows) continue;
      refused(Memories(it.bytes).run(it.built.with(word, u8)), "operands are of several dtypes");
    }
  }
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

TEST_CASE("a row function, its dtype and its step exist") {
  for (const auto& it : fitting()) {
    if (static_cast<Opcode>(it.built.words[0]) != Opcode::rows) continue;
    INFO(std::string(it.name));
    const auto run = [&](size_t word, int32_t value) { return Memories(it.bytes).run(it.built.with(word, value)); };
    for (const int32_t fn : {-1, static_cast<int32_t>(RowFn::count), INT32_MAX})
      refused(run(3, fn), "a count is out of range");
    for (const int32_t dtype : {boolean, u8, i32}) refused(run(4, dtype), "rows are of another dtype");
    refused(run(4, 5), "a dtype does not exist");
    for (const int32_t step : {-1, 2}) refused(run(9, step), "a count is out of range");
    for (size_t word = 5; word < 8; word++) {
      // Without elements operands may lie anywhere.
      Built empty = it.built.with(word, 0);
      for (const size_t operand : it.built.operands) empty.words[operand + 2] = 0;
      CHECK(Memories(it.bytes).run(empty).kind == Status::done);
    }
  }
}

// ---- expressions ----

namespace {

/** What a step takes and gives: T is one dtype of all, F a real one, B bool, ? any. */
const char* signature(Step step) {
  switch (step) {
    case Step::constant:
      return "?";
    case Step::cast:
      return "?=T";
    case Step::add:
    case Step::sub:
    case Step::mul:
    case Step::div:
    case Step::mod:
    case Step::floorDiv:
    case Step::pow:
    case Step::min:
    case Step::max:
      return "T=TT";
    case Step::fma:
      return "T=TTT";
    case Step::neg:
    case Step::abs:
    case Step::sign:
      return "T=T";
    case Step::floor:
    case Step::ceil:
    case Step::trunc:
    case Step::rint:
    case Step::sqrt:
    case Step::exp:
    case Step::expm1:
    case Step::log:
    case Step::log1p:
    case Step::sin:
    case Step::cos:
    case Step::tanh:
    case Step::erf:
      return "F=F";
    case Step::eq:
    case Step::ne:
    case Step::lt:
    case Step::le:
    case Step::gt:
    case Step::ge:
      return "B=TT";
    case Step::logicalAnd:
    case Step::logicalOr:
    case Step::logicalXor:
      return "B=BB";
    case Step::logicalNot:
      return "B=B";
    case Step::isnan:
    case Step::isfinite:
      return "B=T";
    case Step::select:
      return "R=BRR";
    case Step::count:
      break;
  }
  return "";
}

bool follows(const std::string& rule, int32_t dtype, int32_t of, const int32_t* operands) {
  const auto is = [&](char want, int32_t found) {
    switch (want) {
      case 'T':
        return found == of;
      case 'F':
        return found == of && found >= f32;
      case 'B':
        return found == boolean;
      case 'R':
        return found == dtype;
      default:
        return true;
    }
  };
  for (size_t i = 2; i < rule.size(); i++) {
    if (!is(rule[i], operands[i - 2])) return false;
  }
  // Logic is of bools, as `of` says too.
  return is(rule[0], dtype) && (rule.find("=B") != 1 || rule[0] == 'R' || of == boolean);
}

}  // namespace

TEST_CASE("every step takes and gives the dtypes that it has loops for, and no others") {
  int32_t taken = 0;
  Memories memories({16, 16, 16, 16});
  for (int32_t step = 0; step < static_cast<int32_t>(Step::count); step++) {
    const std::string rule = signature(static_cast<Step>(step));
    INFO("step " << step);
    for (int32_t all = 0; all < 3125; all++) {
      const int32_t dtype = all % 5, of = all / 5 % 5, operands[] = {all / 25 % 5, all / 125 % 5, all / 625};
      const Built built = instruction(
          Opcode::map, 9,
          {1, 3, 1, 1, 2, tensor(0, operands[0], {1}, 2), tensor(1, operands[1], {1}, 2),
           tensor(2, operands[2], {1}, 2), tensor(3, dtype, {1}, 2), -1, 0, step, dtype, of, 0, -1, -2, -3});
      const Status status = memories.run(built);
      const bool fits = follows(rule, dtype, of, operands);
      taken += fits ? 1 : 0;
      if (fits != (status.kind == Status::done)) {
        INFO("dtype " << dtype << " of " << of << " operands " << operands[0] << operands[1] << operands[2]);
        CHECK(fits == (status.kind == Status::done));
      }
      if (!fits) CHECK(std::string(status.what) == "a step does not fit its operands");
    }
  }
  CHECK(taken == 5470);
}

TEST_CASE("steps, registers and inputs exist") {
  Rows rows({8, 8});
  const auto map = [](std::vector<Piece> codes, int32_t from = 0) {
    const auto count = static_cast<int32_t>(codes.size() / 7);
    return instruction(Opcode::map, 9,
                       joined({1, 1, 1, count, 8, tensor(0, f32, {1}, 8), tensor(1, f32, {1}, 8), -1, from}, codes));
  };
  const auto neg = [](int32_t to, int32_t from) { return std::vector<Piece>{Step::neg, f32, f32, to, from, 0, 0}; };
  CHECK(rows.run(map(neg(0, -1))).kind == Status::done);
  CHECK(rows.run(map(neg(31, -1), 31)).kind == Status::done);
  for (const int32_t step : {-1, static_cast<int32_t>(Step::count), INT32_MAX, INT32_MIN})
    refused(rows.run(map({step, f32, f32, 0, -1, -1, -1})), "a step does not exist");
  for (const int32_t dtype : {-1, 5}) {
    refused(rows.run(map({Step::neg, dtype, f32, 0, -1, 0, 0})), "a dtype does not exist");
    refused(rows.run(map({Step::neg, f32, dtype, 0, -1, 0, 0})), "a dtype does not exist");
  }
  for (const int32_t to : {-1, 32, INT32_MAX, INT32_MIN})
    refused(rows.run(map(neg(to, -1))), "a register does not exist");
  for (const int32_t input : {-2, INT32_MIN}) {
    refused(rows.run(map(neg(0, input))), "an input of an expression does not exist");
    refused(rows.run(map(neg(0, -1), input)), "an input of an expression does not exist");
  }
  for (const int32_t unset : {0, 1, 31, 32, INT32_MAX}) {
    refused(rows.run(map(neg(0, unset))), "a register is read that has no value");
    if (unset > 0) refused(rows.run(map(neg(0, -1), unset)), "a register is read that has no value");
  }
  // A register has the dtype that was written last.
  CHECK(rows.run(map(joined(neg(0, -1), neg(1, 0)), 1)).kind == Status::done);
  refused(rows.run(map(joined(joined(neg(0, -1), {Step::cast, f64, f32, 0, 0, 0, 0}), neg(1, 0)), 1)),
          "a step does not fit its operands");
  refused(rows.run(map({Step::cast, f64, f32, 0, -1, 0, 0})), "an output is not of its value's dtype");
}

TEST_CASE("memory of decoded instructions is aligned and its own") {
  Arena arena;
  // What fits to the byte is not left to a further chunk.
  char* const start = arena.take<char>(1016);
  CHECK(arena.take<char>(8) == start + 1016);
  arena.clear();
  std::vector<std::pair<char*, int64_t>> taken, before;
  for (int32_t round = 0; round < 3; round++) {
    taken.clear();
    for (const int64_t bytes : {1, 8, 3, 1000, 1024, 24, 20000, 16384, 16385, 0, 7, 100000, 40}) {
      char* at = arena.take<char>(bytes);
      CHECK(reinterpret_cast<uintptr_t>(at) % 8 == 0);
      for (const auto& [other, size] : taken) CHECK((at + bytes <= other || other + size <= at));
      memset(at, round, static_cast<size_t>(bytes));
      taken.emplace_back(at, bytes);
    }
    // Chunks are filled again, in their order.
    if (round > 0) CHECK(taken == before);
    before = taken;
    char* const first = taken[0].first;
    arena.clear();
    CHECK(arena.take<char>(1) == first);
    arena.clear();
  }
}
