// How a map is done: which loops a block takes, where each value of the expression lies, and how the work is cut into
// parts. All of it follows from the map alone, so that results are the same for any number of threads.
#pragma once
#include <stdlib.h>

#include "reduce.inl"

namespace flambeau::ISA {

/** Elements of a block, whose values should stay in the first cache; where there are no values but the operands', of
 * one that is worth a thread. */
constexpr int64_t blockLength = 256, plainLength = 65536;
/** What may be read and written after memory of our own. */
constexpr int64_t slack = 2 * VECTOR_BYTES;

INLINE int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }
template <class T> INLINE int64_t bytes_of(int64_t count) { return padded(count * static_cast<int64_t>(sizeof(T))); }

/** Memory that is given out piece by piece. */
class Room {
 public:
  explicit Room(char* at) : at_(at) {}
  char* bytes(int64_t count) {
    char* result = at_;
    at_ += padded(count);
    return result;
  }
  template <class T> T* take(int64_t count) { return reinterpret_cast<T*>(bytes(bytes_of<T>(count))); }

 private:
  char* at_;
};

/** Memory until the end of a scope: on the stack while it is little. */
template <int64_t local> class Workspace {
 public:
  explicit Workspace(int64_t bytes) : at_(local_) {
    if (bytes > local) at_ = heap_ = static_cast<char*>(aligned_alloc(64, static_cast<size_t>(padded(bytes))));
  }
  ~Workspace() { free(heap_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /** Null where there was no memory. */
  char* at() const { return at_; }

 private:
  alignas(64) char local_[local];
  char* heap_ = nullptr;
  char* at_;
};

/** What an input is over a block: one value, elements in order, or anything else. */
enum class Layout { uniform, contiguous, strided };

struct Input {
  const int32_t* steps;
  int64_t size;
  Layout layout;
  const char* base;
};

struct Output {
  const int32_t* steps;
  int64_t size;
  char* base;
  /** The slot with its values; `direct`: they are computed where the output is, which has them in order. */
  int32_t slot;
  bool direct;
  /** Null where it is stored. The outermost loop that is reduced: `depth` where none is. */
  const Reduction* reduction;
  int32_t first;
  /** A block is rows of so many elements (0: one row), and either each column or each row is reduced. */
  int64_t columns;
  bool keepsColumns;
  /** Accumulators stand for the loops from `region` on, a block's or all: how many, and their steps in bytes. */
  int32_t region;
  int64_t count;
  int64_t* accumulatorSteps;
  /** Where the loop that is cut is reduced, all parts' accumulators, so many bytes apart, are put together. */
  int64_t partialBytes;
  char* partial;
};

struct Plan {
  int64_t elements;
  int32_t depth;
  const int32_t* sizes;
  /** A block is up to `turns` turns of the loop `level`, of `inner` elements each. */
  int32_t level;
  int64_t turns, inner;
  /** Nothing is computed, and all of it reduced where it lies. */
  bool isPlain;
  /** Parts are `chunk` turns of the loop `cut`. */
  int32_t cut;
  int64_t parts, chunk;
  int32_t inputCount, outCount, opCount, onceCount, slotCount;
  Input* inputs;
  Output* outs;
  /** Steps of every block, and those whose operands are the same for all elements. */
  Op *ops, *once;
  /** Slots of blocks have advance 1 and memory of each part's own, which begins at `home` of its blocks. */
  Slot* slots;
  int64_t* home;
  int64_t blockBytes;
  /** A block's memory for one value as many, where such a value is reduced. */
  int32_t spare;
  /** What a part needs beyond the stack, and what parts together leave to be put together. */
  int64_t partBytes, partialBytes;
  /** For each output and input whether they are the same memory. */
  uint64_t aliases;
};

// ---- blocks ----

INLINE bool is_reduced(const MapOut& out, int32_t loop) {
  return out.reduce != Reduce::none && out.to.steps[loop] == 0;
}

/** Whether every output reduces loops of a block that are all inside or all outside the ones that it keeps. */
static bool has_two_sides(const Map& map, int32_t level) {
  for (int32_t k = 0; k < map.outCount; k++) {
    int32_t changes = 0;
    for (int32_t l = level + 1; l < map.depth; l++) {
      changes += is_reduced(map.outs[k], l) != is_reduced(map.outs[k], l - 1);
    }
    if (changes > 1) return false;
  }
  return true;
}

/** Whether elements of an operand follow one another in a block. */
static bool is_contiguous(const Map& map, const int32_t* steps, int32_t level) {
  int64_t step = 1;
  for (int32_t l = map.depth - 1; l >= level; l--) {
    if (map.sizes[l] != 1 && steps[l] != step) return false;
    step *= map.sizes[l];
  }
  return true;
}

static void choose_block(const Map& map, Plan& plan) {
  plan.isPlain = map.codeCount == 0;
  for (int32_t k = 0; k < map.outCount; k++) plan.isPlain &= map.outs[k].reduce != Reduce::none;
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    plan.isPlain &= !x.operand.is_number() && is_contiguous(map, x.steps, 0);
  }
  const int64_t most = plan.isPlain ? plainLength : blockLength;
  plan.level = plan.depth - 1;
  plan.inner = 1;
  while (plan.level > 0 && plan.inner * map.sizes[plan.level] <= most && has_two_sides(map, plan.level - 1)) {
    plan.inner *= map.sizes[plan.level--];
  }
  const int64_t size = plan.sizes[plan.level];
  plan.turns = most / plan.inner;
  if (plan.isPlain && plan.turns < columnRun) plan.turns = columnRun;
  if (plan.turns >= size) {
    plan.turns = size;
    return;
  }
  // Whole vectors, if there can be.
  int64_t several = width;
  while (several > 1 && plan.inner * (several / 2) % width == 0) several /= 2;
  if (plan.turns > several) plan.turns -= plan.turns % several;
}

static bool is_uniform(const Map& map, const Strided& x) {
  for (int32_t l = 0; l < map.depth; l++) {
    if (map.sizes[l] != 1 && x.steps[l] != 0) return false;
  }
  return true;
}

/** The steps of an operand that stays where it is. */
static constexpr int32_t noSteps[maxDepth] = {};
static constexpr int32_t oneTurn[1] = {1};

INLINE char* address(const Operand& x, const Memory& memory) {
  return memory.rows[x.ref].data + x.offset * size_of(x.dtype);
}

/** Pairs of a stored output and an input are bits; of more than there are bits all are taken for the same memory. */
static uint64_t aliases_of(const Map& map, const Memory& memory) {
  if (map.outCount * static_cast<int64_t>(map.inputCount) > 64) return ~uint64_t{0};
  uint64_t found = 0, bit = 1;
  for (int32_t k = 0; k < map.outCount; k++) {
    const MapOut& out = map.outs[k];
    if (out.reduce != Reduce::none) {
      bit <<= map.inputCount;
      continue;
    }
    const char* to = address(out.to.operand, memory);
    for (int32_t i = 0; i < map.inputCount; i++, bit <<= 1) {
      const Operand& x = map.inputs[i].operand;
      if (!x.is_number() && address(x, memory) == to) found |= bit;
    }
  }
  return found;
}
INLINE bool is_alias(const Plan& plan, int32_t k, int32_t i) {
  return plan.aliases == ~uint64_t{0} || (plan.aliases >> (k * plan.inputCount + i) & 1) != 0;
}

// ---- values ----

template <class T> INLINE void fill_vector(char* to, T x) { store(reinterpret_cast<T*>(to), splat(x)); }

/** A vector of a number, as its dtype has it. */
static void put_number(char* to, DType dtype, double x) {
  switch (dtype) {
    case DType::boolean:
      return fill_vector(to, static_cast<uint8_t>(x != 0));
    case DType::uint8:
      return fill_vector(to, static_cast<uint8_t>(to_int(x)));
    case DType::int32:
      return fill_vector(to, to_int(x));
    case DType::float32:
      return fill_vector(to, static_cast<float>(x));
    case DType::float64:
      return fill_vector(to, x);
  }
}

static void put_element(char* to, int64_t size, const char* from) {
  size == 4   ? fill_vector(to, *reinterpret_cast<const float*>(from))
  : size == 8 ? fill_vector(to, *reinterpret_cast<const double*>(from))
              : fill_vector(to, *reinterpret_cast<const uint8_t*>(from));
}

static int32_t operands_of(Step step) {
  if (step == Step::constant) return 0;
  if (step == Step::fma || step == Step::select) return 3;
  if ((step >= Step::add && step <= Step::max) || (step >= Step::eq && step <= Step::logicalXor)) return 2;
  return 1;
}

/** Finds a slot for every value. */
class Values {
 public:
  Values(const Map& map, Plan& plan, char* vectors, int32_t* target)
      : map_(map), plan_(plan), vectors_(vectors), target_(target) {
    int64_t widest = 1;
    for (int32_t i = 0; i < map.inputCount; i++) widest = larger(widest, size_of(map.inputs[i].operand.dtype));
    for (int32_t i = 0; i < map.codeCount; i++) widest = larger(widest, size_of(map.codes[i].dtype));
    blockBytes_ = padded(larger(plan.turns * plan.inner, width) * widest + slack);
  }

  void assign() {
    for (int32_t i = 0; i < map_.inputCount; i++) input(i);
    for (int32_t r = 0; r < maxRegisters; r++) own_[r] = -1;
    choose_targets();
    for (int32_t i = 0; i < map_.codeCount; i++) code(i);
    bool needsSpare = false;
    for (int32_t k = 0; k < map_.outCount; k++) {
      Output& out = plan_.outs[k];
      out.slot = slot_of(map_.outs[k].from);
      needsSpare |= out.reduction != nullptr && plan_.slots[out.slot].advance == 0;
    }
    if (needsSpare) plan_.spare = block();
    plan_.blockBytes = blocks_ * blockBytes_;
  }

 private:
  static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

  int32_t slot_of(int32_t operand) const { return operand < 0 ? -1 - operand : current_[operand]; }
  bool is_one(int32_t slot) const { return plan_.slots[slot].advance == 0; }

  int32_t block() {
    plan_.slots[plan_.slotCount] = {nullptr, 1};
    plan_.home[plan_.slotCount] = blocks_++ * blockBytes_;
    return plan_.slotCount++;
  }
  char* vector() {
    char* result = vectors_;
    vectors_ += VECTOR_BYTES;
    plan_.slots[plan_.slotCount++] = {result, 0};
    return result;
  }

  void input(int32_t i) {
    Input& input = plan_.inputs[i];
    if (input.layout == Layout::uniform) {
      vector();
    } else {
      block();
    }
  }

  /**
   * Values of stored outputs are computed where these are, by the last step that writes their register, unless an input
   * that is the same memory is read later: by a step, or as an output's value, before which all of it is copied.
   */
  void choose_targets() {
    int32_t last[maxRegisters];
    for (int32_t i = 0; i < map_.codeCount; i++) {
      last[map_.codes[i].dst] = i;
      target_[i] = -1;
    }
    for (int32_t k = 0; k < map_.outCount; k++) {
      if (plan_.outs[k].reduction != nullptr) continue;
      for (int32_t m = 0; m < map_.outCount && plan_.aliases != 0; m++) {
        const int32_t i = -1 - map_.outs[m].from;
        if (i >= 0 && is_alias(plan_, k, i) && plan_.inputs[i].layout == Layout::contiguous) {
          plan_.inputs[i].layout = Layout::strided;
        }
      }
      const int32_t from = map_.outs[k].from;
      if (from < 0 || !is_contiguous(map_, plan_.outs[k].steps, plan_.level)) continue;
      if (target_[last[from]] < 0 && !is_read(k, last[from] + 1)) target_[last[from]] = k;
    }
  }

  /** Whether steps from `i` on read an input that is the same memory as output k. */
  bool is_read(int32_t k, int32_t i) const {
    for (; i < map_.codeCount && plan_.aliases != 0; i++) {
      const Code& code = map_.codes[i];
      const int32_t operands[] = {code.a, code.b, code.c};
      for (int32_t j = 0; j < operands_of(code.step); j++) {
        if (operands[j] < 0 && is_alias(plan_, k, -1 - operands[j])) return true;
      }
    }
    return false;
  }

  void code(int32_t i) {
    const Code& code = map_.codes[i];
    if (code.step == Step::constant) {
      double x;
      memcpy(&x, &code.a, sizeof x);
      current_[code.dst] = plan_.slotCount;
      return put_number(vector(), code.dtype, x);
    }
    const int32_t operands[] = {code.a, code.b, code.c};
    const int32_t count = operands_of(code.step);
    int32_t from[3] = {};
    bool one = true;
    for (int32_t j = 0; j < count; j++) {
      from[j] = slot_of(operands[j]);
      one &= is_one(from[j]);
    }
    Op op{loop_of(code), 0, from[0], from[1], from[2], static_cast<int32_t>(VECTOR_BYTES / size_of(code.dtype))};
    if (one) {
      op.d = plan_.slotCount;
      vector();
      plan_.once[plan_.onceCount++] = op;
    } else {
      op.d = destination(i, from, count);
      plan_.ops[plan_.opCount++] = op;
    }
    current_[code.dst] = op.d;
  }

  int32_t destination(int32_t i, const int32_t* from, int32_t count) {
    const Code& code = map_.codes[i];
    if (target_[i] >= 0) {
      plan_.outs[target_[i]].direct = true;
      return block();
    }
    int32_t& own = own_[code.dst];
    // Wider results would overtake the operand that they are written over.
    bool widens = false;
    for (int32_t j = 0; j < count; j++) {
      const DType of = code.step != Step::select ? code.of : j == 0 ? DType::boolean : code.dtype;
      widens |= from[j] == own && size_of(code.dtype) > size_of(of);
    }
    if (own < 0 || widens) own = block();
    return own;
  }

  const Map& map_;
  Plan& plan_;
  char* vectors_;
  /** The output that a step's result is, or -1. */
  int32_t* target_;
  int64_t blocks_ = 0, blockBytes_;
  /** The slot of a register's present value, and the one whose memory is the register's. */
  int32_t current_[maxRegisters], own_[maxRegisters];
};

// ---- parts ----

/** Nanoseconds that a step takes for a thousand elements, in whole vectors of this instruction set. */
static int64_t cost_of(const Code& code) {
  const int64_t wide = 64 / VECTOR_BYTES, cheap = 40 * wide;
  if (code.step == Step::mod || code.step == Step::floorDiv) return 8000;
  switch (code.step) {
    case Step::exp:
    case Step::expm1:
    case Step::log:
    case Step::log1p:
    case Step::sin:
    case Step::cos:
    case Step::tanh:
    case Step::erf:
    case Step::pow:
      return code.dtype == DType::float32 ? 400 * wide : 12000;
    default:
      return code.dtype == DType::float64 ? 2 * cheap : cheap;
  }
}

/** Work of a part, in nanoseconds, and how many parts there are at most. */
constexpr int64_t partWork = 10000, mostParts = 64;
/** Accumulators that all parts together may have in order to be put together. */
constexpr int64_t mostPartial = 65536;

/** A loop that all outputs keep, cut between blocks; or the outermost one, and what it is reduced to is put together.
 */
static void choose_parts(const Map& map, Plan& plan) {
  plan.cut = 0;
  plan.parts = 1;
  plan.chunk = plan.sizes[0];
  int64_t cost = 0;
  for (int32_t i = 0; i < map.codeCount; i++) cost += cost_of(map.codes[i]);
  for (int32_t i = 0; i < plan.inputCount; i++) cost += 30 * plan.inputs[i].size;
  for (int32_t k = 0; k < plan.outCount; k++) cost += 30 * plan.outs[k].size;
  int64_t wanted = plan.elements * cost / 1000 / partWork;
  if (wanted < 2) return;
  if (wanted > mostParts) wanted = mostParts;
  int64_t accumulators = 1, found = 1;
  for (int32_t k = 0; k < map.outCount; k++) {
    if (!is_reduced(map.outs[k], 0)) continue;
    int64_t count = 1;
    for (int32_t l = 0; l < map.depth; l++) count *= is_reduced(map.outs[k], l) ? 1 : map.sizes[l];
    if (count > accumulators) accumulators = count;
  }
  for (int32_t l = 0; l <= plan.level; l++) {
    bool kept = true;
    for (int32_t k = 0; k < map.outCount; k++) kept &= !is_reduced(map.outs[k], l);
    if (!kept && l > 0) continue;
    int64_t most = l == plan.level ? map.sizes[l] / plan.turns : map.sizes[l];
    if (!kept && most > mostPartial / accumulators) most = mostPartial / accumulators;
    if (most > wanted) most = wanted;
    if (most <= found) continue;
    found = most;
    plan.cut = l;
  }
  const int64_t size = map.sizes[plan.cut];
  plan.chunk = (size + found - 1) / found;
  if (plan.cut == plan.level) plan.chunk = (plan.chunk + plan.turns - 1) / plan.turns * plan.turns;
  plan.parts = (size + plan.chunk - 1) / plan.chunk;
}

/** How results of reductions are kept until they are written. */
static void place_accumulators(Plan& plan) {
  plan.partBytes = bytes_of<Slot>(plan.slotCount) + 2 * bytes_of<char*>(plan.inputCount) +
                   2 * bytes_of<char*>(plan.outCount) + bytes_of<int64_t>(plan.outCount) + plan.blockBytes;
  for (int32_t k = 0; k < plan.outCount; k++) {
    Output& out = plan.outs[k];
    if (out.reduction == nullptr) continue;
    out.count = 1;
    for (int32_t l = plan.depth - 1; l >= 0; l--) {
      const bool kept = l >= out.region && out.steps[l] != 0;
      out.accumulatorSteps[l] = kept ? out.count * out.reduction->size : 0;
      if (!kept) continue;
      out.count *= l == plan.level && l < out.first ? plan.turns : l == plan.cut ? plan.chunk : plan.sizes[l];
    }
    const int64_t bytes = padded(out.count * out.reduction->size + slack);
    if (plan.parts > 1 && out.steps[plan.cut] == 0) {
      out.partialBytes = bytes;
      plan.partialBytes += bytes * plan.parts;
    } else {
      plan.partBytes += bytes;
    }
  }
}

// ---- all of it ----

static int64_t most_slots(const Map& map) { return map.inputCount + 2 * map.codeCount + 1; }

/** The memory that a plan takes. */
static int64_t plan_bytes(const Map& map) {
  return bytes_of<Input>(map.inputCount) + bytes_of<Output>(map.outCount) + 2 * bytes_of<Op>(map.codeCount) +
         bytes_of<Slot>(most_slots(map)) + bytes_of<int64_t>(most_slots(map)) + bytes_of<int32_t>(map.codeCount) +
         padded((map.inputCount + map.codeCount) * VECTOR_BYTES) +
         bytes_of<int64_t>(map.outCount * (map.depth + int64_t{1}));
}

static void open_output(const Map& map, int32_t k, Plan& plan) {
  const MapOut& given = map.outs[k];
  Output& out = plan.outs[k];
  out.steps = map.depth == 0 ? noSteps : given.to.steps;
  out.size = size_of(given.to.operand.dtype);
  out.direct = false;
  out.partialBytes = 0;
  out.partial = nullptr;
  out.reduction = nullptr;
  if (given.reduce == Reduce::none) return;
  out.reduction = reduction_of(given.reduce, given.to.operand.dtype);
  out.first = 0;
  while (out.first < plan.depth && (map.depth == 0 || out.steps[out.first] != 0)) out.first++;
  out.region = out.first < plan.level ? out.first : plan.level;
  out.keepsColumns = out.steps[plan.depth - 1] != 0;
  out.columns = 1;
  int32_t l = plan.depth - 1;
  for (; l > plan.level && (out.steps[l] != 0) == out.keepsColumns; l--) out.columns *= plan.sizes[l];
  if (l == plan.level && (out.steps[l] != 0) == out.keepsColumns) out.columns = 0;
}

static void make_plan(const Map& map, uint64_t aliases, Room room, Plan& plan) {
  plan = {};
  plan.aliases = aliases;
  plan.depth = map.depth == 0 ? 1 : map.depth;
  plan.sizes = map.depth == 0 ? oneTurn : map.sizes;
  plan.inputCount = map.inputCount;
  plan.outCount = map.outCount;
  plan.elements = 1;
  for (int32_t l = 0; l < plan.depth; l++) plan.elements *= plan.sizes[l];
  plan.inputs = room.take<Input>(map.inputCount);
  plan.outs = room.take<Output>(map.outCount);
  plan.ops = room.take<Op>(map.codeCount);
  plan.once = room.take<Op>(map.codeCount);
  plan.slots = room.take<Slot>(most_slots(map));
  plan.home = room.take<int64_t>(most_slots(map));
  int32_t* target = room.take<int32_t>(map.codeCount);
  char* vectors = room.bytes((map.inputCount + map.codeCount) * VECTOR_BYTES);
  int64_t* steps = room.take<int64_t>(map.outCount * (map.depth + int64_t{1}));
  if (plan.elements != 0) choose_block(map, plan);
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    const bool one = x.operand.is_number() || is_uniform(map, x);
    plan.inputs[i] = {x.operand.is_number() || map.depth == 0 ? noSteps : x.steps, size_of(x.operand.dtype),
                      one                                       ? Layout::uniform
                      : is_contiguous(map, x.steps, plan.level) ? Layout::contiguous
                                                                : Layout::strided,
                      nullptr};
  }
  for (int32_t k = 0; k < map.outCount; k++) {
    open_output(map, k, plan);
    plan.outs[k].accumulatorSteps = steps + k * (map.depth + int64_t{1});
  }
  if (plan.elements == 0) return;
  Values(map, plan, vectors, target).assign();
  choose_parts(map, plan);
  place_accumulators(plan);
}

}  // namespace flambeau::ISA
