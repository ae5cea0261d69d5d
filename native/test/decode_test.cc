// The decoder: errors of every instruction. Instructions of every opcode that fit their memory to the byte are altered
// word by word, so that each operand is checked against its tensor, its row and its dtype.
#include <algorithm>

#include "fitting.h"

TEST_CASE("every operand of every opcode is checked against its tensor, its row and its dtype") {
  for (const auto& [name, built, bytes, sizes, any, numbers] : fitting()) {
    INFO(std::string(name));
    const auto run = [&](const Built& other) { return Memories(bytes).run(other); };
    const auto row_count = static_cast<int32_t>(bytes.size());
    CHECK(run(built).kind == Status::done);
    // The instruction that follows runs as well.
    std::vector<int32_t> more = bytes;
    more.push_back(16);
    Memories memories(more);
    Built both = built;
    const Built after = instruction(Opcode::iota, 0, {1, 4, 1, tensor(row_count, i32, {}, 4)});
    both.words.insert(both.words.end(), after.words.begin(), after.words.end());
    CHECK(memories.run(both).kind == Status::done);
    CHECK(reinterpret_cast<int32_t*>(memories.rows.back().data)[3] == 3);

    // As a program it needs exactly these bytes.
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
        refused(run(built.with(place, -1)), "an operand is a number instead of memory");
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

TEST_CASE("without elements operands may be anywhere") {
  for (const auto& it : fitting()) {
    INFO(std::string(it.name));
    const Opcode opcode = static_cast<Opcode>(it.built.words[0]);
    for (const size_t word : it.sizes) {
      // These are not loops: even with nothing to sum or compare there is something to write or to refuse.
      if ((is_contraction(it.built) && word >= first_of_sum(it.built)) || (opcode == Opcode::fold && word == 4) ||
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

TEST_CASE("every wrong word of every opcode is refused or harmless") {
  for (const auto& it : fitting()) {
    INFO(std::string(it.name));
    for (size_t word = 0; word < it.built.words.size(); word++) {
      for (const int32_t value : {-1000, -9, -3, -1, 0, 1, 2, 3, 5, 9, 33, 1 << 20, INT32_MAX, INT32_MIN}) {
        Memories memories(it.bytes);
        // Elements before the tensor, and behind the row.
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
  // A program reports the same about its words.
  Status made;
  CHECK(program_of(together({add(8, 1), good.with(0, -1)}), 2, 1, &made) == nullptr);
  refused(made, "an opcode does not exist");
  CHECK(made.value == -1);
  const char* const names[] = {"map",     "check", "contract", "argReduce", "scan", "fold",   "gather",
                               "scatter", "sort",  "iota",   "composite", "call", "indices", "repeat",
                               "pad",     "bordered", "emitted"};
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
  CHECK(run(Opcode::sort, {0, 31, 1, 0}, 31, 32).kind == Status::done);
  refused(run(Opcode::sort, {0, 32, 1, 0}, 32, 33), "a count is out of range");
  const auto moving = [&](Opcode opcode, int32_t depth) {
    std::vector<Piece> pieces{depth, 1, 1};
    if (opcode == Opcode::scatter) pieces.insert(pieces.begin(), -1);
    if (opcode == Opcode::map) pieces = {depth, 1, 1, 0};
    if (opcode == Opcode::contract) pieces = {f32, depth, 0, 0, 0, 0, 0, -1};
    if (opcode == Opcode::indices) pieces = {depth, 1};
    for (int32_t i = 0; i < depth; i++) pieces.push_back(1);
    const auto steps = loops(depth);
    const bool gathers = opcode == Opcode::gather, scatters = opcode == Opcode::scatter;
    pieces.push_back(tensor(0, scatters || opcode == Opcode::indices ? i32 : f32, steps, 8));
    if (opcode == Opcode::indices) return Rows({8}).run(instruction(opcode, 9, pieces));
    if (opcode != Opcode::map) pieces.push_back(tensor(1, gathers ? i32 : f32, steps, 8));
    pieces.push_back(tensor(2, f32, opcode == Opcode::contract ? loops(0) : steps, 8));
    if (opcode == Opcode::map) pieces = joined(pieces, {-1, -1});
    Rows rows({8, 8, 8});
    rows.whole(0)[0] = rows.whole(1)[0] = 0;
    return rows.run(instruction(opcode, 9, pieces));
  };
  for (const Opcode opcode : {Opcode::map, Opcode::gather, Opcode::scatter, Opcode::contract, Opcode::indices}) {
    CHECK(moving(opcode, 32).kind == Status::done);
    refused(moving(opcode, 33), "a count is out of range");
    refused(moving(opcode, -1), "a count is out of range");
  }
  // No operand of a contraction goes through more; the classes of an operand count together.
  const auto contract = [&](int32_t batch, int32_t rows, int32_t columns, int32_t sum) {
    std::vector<Piece> pieces{f32, batch, rows, columns, sum, 0, 0, -1};
    for (int32_t i = 0; i < batch + rows + columns + sum; i++) pieces.push_back(1);
    return Rows({8, 8, 8}).run(
        instruction(Opcode::contract, 9,
                    joined(pieces, {tensor(0, f32, loops(batch + rows + sum), 8),
                                    tensor(1, f32, loops(batch + sum + columns), 8), tensor(2, f32, {}, 8)})));
  };
  for (const std::vector<int32_t>& most :
       {std::vector<int32_t>{30, 1, 1, 1}, {2, 14, 16, 14}, {0, 32, 0, 0}, {0, 0, 32, 0}, {0, 0, 0, 32},
        {0, 16, 16, 16}}) {
    CHECK(contract(most[0], most[1], most[2], most[3]).kind == Status::done);
    refused(contract(most[0], most[1], most[2], most[3] + 1), "a count is out of range");
    for (size_t i = 0; i < 4; i++) {
      std::vector<int32_t> other = most;
      other[i] = -1;
      refused(contract(other[0], other[1], other[2], other[3]), "a count is out of range");
      other[i] = 33;
      refused(contract(other[0], other[1], other[2], other[3]), "a count is out of range");
    }
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

TEST_CASE("counts of operands and steps alone allocate no memory") {
  Rows rows({8, 8});
  for (const int32_t many : {3, 1000, INT32_MAX}) {
    refused(rows.run(instruction(Opcode::map, 9, {0, many, 0, 0})), "it ends too early");
    refused(rows.run(instruction(Opcode::map, 9, {0, 0, many, 0})), "it ends too early");
    refused(rows.run(instruction(Opcode::map, 9, {0, 0, 0, many})), "it ends too early");
    const std::vector<Piece> product{tensor(0, f32, {}, 1), tensor(0, f32, {}, 1), tensor(1, f32, {}, 1)};
    refused(rows.run(instruction(Opcode::contract, 9, joined({f32, 0, 0, 0, 0, many, 0, -1}, product))),
            "it ends too early");
    refused(rows.run(instruction(Opcode::contract, 9, joined({f32, 0, 0, 0, 0, 0, many, -1}, product))),
            "it ends too early");
  }
  for (const int32_t negative : {-1, INT32_MIN}) {
    for (size_t word = 3; word < 7; word++)
      refused(rows.run(add(8, 1, 9).with(word, negative)), "a count is out of range");
    refused(rows.run(instruction(Opcode::contract, 9, {f32, 0, 0, 0, 0, negative, 0, -1})), "a count is out of range");
    refused(rows.run(instruction(Opcode::contract, 9, {f32, 0, 0, 0, 0, 0, negative, -1})), "a count is out of range");
  }
}

TEST_CASE("memory of decoded instructions is aligned and not shared") {
  Arena arena;
  // A request that fits to the byte does not start another chunk.
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
    // Chunks are reused in order.
    if (round > 0) CHECK(taken == before);
    before = taken;
    char* const first = taken[0].first;
    arena.clear();
    CHECK(arena.take<char>(1) == first);
    arena.clear();
  }
}
