// How a map is done: which loops a block takes, where each value of the expression lies, and how the work is cut into
// parts. All of it follows from the map alone, so that results are the same for any number of threads.
#pragma once
#include <stdlib.h>

#include "reduce.inl"

namespace flambeau::ISA {

/** Elements of a block, whose values should stay in the first cache; of maps without steps there are none to stay. */
constexpr int64_t blockLength = 256, plainLength = 4096;
/** What may be read and written after memory of our own. */
constexpr int64_t slack = 2 * VECTOR_BYTES;

INLINE int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }
template <class T> INLINE int64_t bytes_of(int64_t count) { return padded(count * static_cast<int64_t>(sizeof(T))); }

/** Memory until the end of a scope: on the stack while it is little. */
template <int64_t local> class Workspace {
 public:
  explicit Workspace(int64_t bytes) : at_(local_) {
    if (bytes > local) at_ = heap_ = static_cast<char*>(malloc(static_cast<size_t>(bytes)));
  }
  ~Workspace() { free(heap_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  bool failed() const { return at_ == nullptr; }
  char* bytes(int64_t count) {
    char* result = at_;
    at_ += padded(count);
    return result;
  }
  template <class T> T* take(int64_t count) { return reinterpret_cast<T*>(bytes(bytes_of<T>(count))); }

 private:
  alignas(64) char local_[local];
  char* heap_ = nullptr;
  char* at_;
};

/** What an input is over a block: one value, elements in order, or anything else. */
enum class Layout { uniform, contiguous, strided };

struct Input {
  const char* base;
  const int32_t* steps;
  int64_t size;
  Layout layout;
};

struct Output {
  char* base;
  const int32_t* steps;
  int64_t size;
  /** The slot with its values; `direct`: they are computed where the output is, which has them in order. */
  int32_t slot;
  bool direct;
  /** Null where it is stored. The outermost loop that is reduced: `depth` where none is. */
  const Reduction* reduction;
  int32_t first;
  /** A block is rows of so many elements (0: one row), and either each column or each row is reduced. */
  int64_t columns;
  bool keepsColumns;
  /** Accumulators of every part, to be put together, where the loop that is cut is reduced. */
  char* partial;
  int64_t partialBytes;

  /** The loops from here on are what its accumulators stand for. */
  int32_t region(int32_t level) const { return first < level ? first : level; }
};

struct Plan {
  int32_t depth;
  const int32_t* sizes;
  /** A block is up to `turns` turns of the loop `level`, of `inner` elements each. */
  int32_t level;
  int64_t turns, inner;
  /** Parts are `chunk` turns of the loop `cut`. */
  int32_t cut;
  int64_t parts, chunk;
  int32_t inputCount, outCount, opCount, slotCount;
  Input* inputs;
  Output* outs;
  Op* ops;
  /** Slots of blocks have advance 1 and memory of each part's own, which begins at `home` of its blocks. */
  Slot* slots;
  int64_t* home;
  int64_t blockBytes;
  /** A block's memory for one value as many, where such a value is reduced. */
  int32_t spare;
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

static void choose_block(const Map& map, Plan& plan) {
  const int64_t most = map.codeCount == 0 ? plainLength : blockLength;
  plan.level = plan.depth - 1;
  plan.inner = 1;
  while (plan.level > 0 && plan.inner * map.sizes[plan.level] <= most && has_two_sides(map, plan.level - 1)) {
    plan.inner *= map.sizes[plan.level--];
  }
  const int64_t size = plan.sizes[plan.level];
  plan.turns = most / plan.inner;
  if (plan.turns >= size) {
    plan.turns = size;
    return;
  }
  // Whole vectors, if there can be.
  int64_t several = width;
  while (several > 1 && plan.inner * (several / 2) % width == 0) several /= 2;
  if (plan.turns > several) plan.turns -= plan.turns % several;
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
  Values(const Map& map, const Memory& memory, Plan& plan, char* vectors, int32_t* target)
      : map_(map), memory_(memory), plan_(plan), vectors_(vectors), target_(target) {
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
    const Strided& x = map_.inputs[i];
    Input& input = plan_.inputs[i];
    input.steps = map_.depth == 0 ? noSteps : x.steps;
    input.size = size_of(x.operand.dtype);
    input.layout = Layout::uniform;
    if (x.operand.is_number()) {
      input.base = nullptr;
      return put_number(vector(), x.operand.dtype, x.operand.number(memory_));
    }
    input.base = address(x.operand, memory_);
    if (is_uniform(map_, x)) return put_element(vector(), input.size, input.base);
    input.layout = is_contiguous(map_, x.steps, plan_.level) ? Layout::contiguous : Layout::strided;
    block();
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
      Output& out = plan_.outs[k];
      for (int32_t m = 0; m < map_.outCount; m++) {
        const int32_t from = map_.outs[m].from;
        if (out.reduction == nullptr && from < 0 && plan_.inputs[-1 - from].base == out.base &&
            plan_.inputs[-1 - from].layout == Layout::contiguous) {
          plan_.inputs[-1 - from].layout = Layout::strided;
        }
      }
      const int32_t from = map_.outs[k].from;
      if (out.reduction != nullptr || from < 0 || !is_contiguous(map_, out.steps, plan_.level)) continue;
      if (target_[last[from]] < 0 && !is_read(out.base, last[from] + 1)) target_[last[from]] = k;
    }
  }

  /** Whether steps from `i` on read an input that begins at `base`. */
  bool is_read(const char* base, int32_t i) const {
    for (; i < map_.codeCount; i++) {
      const Code& code = map_.codes[i];
      const int32_t operands[] = {code.a, code.b, code.c};
      for (int32_t j = 0; j < operands_of(code.step); j++) {
        if (operands[j] < 0 && plan_.inputs[-1 - operands[j]].base == base) return true;
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
    Op op{loop_of(code), 0, from[0], from[1], from[2]};
    if (code.step == Step::pow && is_two(from[1], code.dtype)) {
      op.run = loop_of({Step::mul, code.dtype, code.of, 0, 0, 0, 0});
      op.b = op.a;
    }
    if (one) {
      op.d = plan_.slotCount;
      vector();
      op.run(op, plan_.slots, VECTOR_BYTES / size_of(code.dtype));
    } else {
      op.d = destination(i, from, count);
      plan_.ops[plan_.opCount++] = op;
    }
    current_[code.dst] = op.d;
  }

  bool is_two(int32_t slot, DType dtype) const {
    alignas(64) char two[VECTOR_BYTES];
    put_number(two, dtype, 2);
    return is_one(slot) && memcmp(plan_.slots[slot].at, two, static_cast<size_t>(size_of(dtype))) == 0;
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
  const Memory& memory_;
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

static void choose_parts(const Map& map, Plan& plan, int64_t elements) {
  plan.cut = 0;
  plan.parts = 1;
  plan.chunk = plan.sizes[0];
  int64_t cost = 0;
  for (int32_t i = 0; i < map.codeCount; i++) cost += cost_of(map.codes[i]);
  for (int32_t i = 0; i < plan.inputCount; i++) cost += 30 * plan.inputs[i].size;
  for (int32_t k = 0; k < plan.outCount; k++) cost += 30 * plan.outs[k].size;
  int64_t wanted = elements * cost / 1000 / partWork;
  if (wanted < 2) return;
  if (wanted > mostParts) wanted = mostParts;
  // A loop that all outputs keep, cut between blocks; or the outermost one, and what it is reduced to is put together.
  int64_t found = 1, most = 1;
  int64_t partial = 1;
  for (int32_t k = 0; k < map.outCount; k++) {
    if (!is_reduced(map.outs[k], 0)) continue;
    int64_t count = 1;
    for (int32_t l = 0; l < map.depth; l++) count *= is_reduced(map.outs[k], l) ? 1 : map.sizes[l];
    if (count > partial) partial = count;
  }
  for (int32_t l = 0; l <= plan.level; l++) {
    bool kept = true;
    for (int32_t k = 0; k < map.outCount; k++) kept &= !is_reduced(map.outs[k], l);
    most = l == plan.level ? map.sizes[l] / plan.turns : map.sizes[l];
    if (!kept && l == 0 && most > mostPartial / partial) most = mostPartial / partial;
    if (!kept && l > 0) continue;
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

}  // namespace flambeau::ISA
