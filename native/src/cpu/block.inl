// The plan of a map, and its first decision: which loops a block covers. Also what follows from that: whether an
// operand is contiguous in a block, is one value, or shares memory with an output.
#pragma once
#include "totals.inl"
#include "room.inl"

namespace flambeau::ISA {

/**
 * Elements of a block, whose values should stay in the first-level cache, and on which the bits of a sum depend; of a block
 * in a map of one or two steps that reduces nothing, because to begin a shorter one takes as long as to compute it; of a
 * block without values other than the operands', to begin which should take no time (where it reduces, it should be worth a
 * thread); of a row that is a block of its own though several would fit one, times its operands that are one value in it.
 */
constexpr int64_t blockLength = 512, blockOfFew = 2048, plainLength = 65536, shortestRow = 384;
/** Blocks whose sums, a vector for each run, are computed before they are added. */
constexpr int64_t sumBlocks = 16;

/** The layout of an input: one value, one value in each block, or in a block contiguous elements, or anything else. */
enum class Layout { uniform, even, contiguous, strided };

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
  /** The slot of its values; `direct`: they are computed in the output's memory, which is contiguous. */
  int32_t slot;
  bool direct;
  /** Null if the value is stored. The outermost reduced loop; `depth` if there is none. */
  const Reduction* reduction;
  int32_t first;
  /** A block consists of rows of so many elements (0: one row), and either each column or each row is reduced. */
  int64_t columns;
  bool keepsColumns;
  /**
   * Accumulators cover the loops from `region` on, those of a block or all: their number, and their strides in bytes.
   */
  int32_t region;
  int64_t count;
  int64_t* accumulatorSteps;
  /** If the loop that is cut is reduced, the accumulators of all parts, so many bytes apart, are combined. */
  int64_t partialBytes;
  char* partial;
};

struct Plan {
  int64_t elements;
  int32_t depth;
  const int32_t* sizes;
  /** The map's function. */
  BlockFunction blocks;
  /** Sums of whole blocks are computed without their values, because each of them is a row of two runs. */
  bool sums;
  /** The last step's loop that does so. */
  Loop total;
  /** A block covers up to `turns` turns of the loop `level`, of `inner` elements each. */
  int32_t level;
  int64_t turns, inner;
  /** As many as there are in `sumBlocks` blocks, if these have no values in memory; otherwise `turns`. */
  int64_t most;
  int64_t turns_of(int64_t left) const {
    if (left <= turns) return left;
    const int64_t several = left < most ? left : most;
    return several - several % turns;
  }
  /** Nothing is computed, and all of it is reduced in place. */
  bool isPlain;
  /** Values are computed and reduced in blocks, and memory is slower than vectors are. */
  bool looksAhead;
  /** There is a sum or a product, whose bits depend on how it is cut. */
  bool adds;
  /** Nothing is computed, and elements that lie anywhere are stored one after the other. */
  bool moves;
  /** One step over elements that lie one after the other: only a last vector that is not whole has memory in a block. */
  bool isInPlace;
  bool inPlace() const { return !isFetched && isInPlace; }
  /** A block is one turn, in which an operand is one value. */
  bool isRow;
  /** It is one step in place, and the last two of its vectors overlap, because its elements are not whole vectors. */
  bool overlaps;
  /** The outermost loop of which a block may cover more than one turn. */
  int32_t inside() const { return !isFetched && isRow ? level + 1 : level; }
  /** Parts cover `chunk` turns of the loop `cut`. */
  int32_t cut;
  int64_t parts, chunk;
  int32_t inputCount, outCount, opCount, evenCount, onceCount, slotCount;
  Input* inputs;
  Output* outs;
  /** Steps of every block, steps whose operands are even in a block, and steps whose operands are so in all of them. */
  Op *ops, *even, *once;
  /** The place of a slot's memory in that of a part; -1 for a value that is the same in all blocks. */
  Slot* slots;
  int64_t* home;
  int64_t blockBytes;
  /** A block's memory to expand a uniform value that is reduced. */
  int32_t spare;
  /** The memory that a part needs beyond the stack, and the memory of the partial results to combine. */
  int64_t partBytes, partialBytes;
  /** For each output and input whether they share memory. */
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

/** Whether the elements of an operand are contiguous in a block. */
static bool is_contiguous(const Map& map, const int32_t* steps, int32_t level) {
  int64_t step = 1;
  for (int32_t l = map.depth - 1; l >= level; l--) {
    if (map.sizes[l] != 1 && steps[l] != step) return false;
    step *= map.sizes[l];
  }
  return true;
}

/** Whether an operand stays where it is in the loops from `level` on. */
static bool is_even(const Map& map, const Strided& x, int32_t level) {
  for (int32_t l = level; l < map.depth; l++) {
    if (map.sizes[l] != 1 && x.steps[l] != 0) return false;
  }
  return true;
}

/** Whether a map is one step, beside constants, whose result is its only output. */
[[maybe_unused]] static bool is_one_step(const Map& map) {
  for (int32_t i = 0; i < map.codeCount - 1; i++) {
    if (map.codes[i].step != Step::constant) return false;
  }
  return map.codeCount > 0 && map.outCount == 1 && map.outs[0].reduce == Reduce::none &&
         map.outs[0].from == map.codes[map.codeCount - 1].dst;
}

/** Whether a map is one step whose operands are each contiguous from a loop on or one value there, and its result contiguous. */
[[maybe_unused]] static bool is_in_place(const Map& map, int32_t level) {
  if (map.blocks != nullptr || !is_one_step(map)) return false;
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    if (!x.operand.is_number() && !is_even(map, x, level) && !is_contiguous(map, x.steps, level)) return false;
  }
  return is_contiguous(map, map.outs[0].to.steps, level);
}

static void choose_block(const Map& map, Plan& plan) {
  plan.isPlain = map.codeCount == 0;
  for (int32_t k = 0; k < map.outCount; k++) plan.isPlain &= map.outs[k].reduce != Reduce::none;
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    plan.isPlain &= !x.operand.is_number() && is_contiguous(map, x.steps, 0);
  }
  bool reduces = false;
  for (int32_t k = 0; k < map.outCount; k++) {
    const Reduce fn = map.outs[k].reduce;
    reduces |= fn != Reduce::none;
    plan.adds |= fn == Reduce::sum || fn == Reduce::prod;
  }
  if constexpr (VECTOR_BYTES == 64) plan.looksAhead = reduces && !plan.isPlain;
  const int64_t stored = reduces || map.codeCount > 2 ? blockLength : blockOfFew;
  if constexpr (!isFetched) plan.isInPlace = map.depth == 1 && is_in_place(map, 0);
  const int64_t most = plan.isPlain || plan.inPlace() ? plainLength : stored;
  plan.level = plan.depth - 1;
  plan.inner = 1;
  while (plan.level > 0 && plan.inner * map.sizes[plan.level] <= most && has_two_sides(map, plan.level - 1)) {
    plan.inner *= map.sizes[plan.level--];
  }
  if constexpr (!isFetched) {
    // Operands that are one value in a row are read once in a block that is a row, and expanded in one of several.
    int64_t evens = 0;
    for (int32_t i = 0; i < map.inputCount; i++) {
      const Strided& x = map.inputs[i];
      evens += !is_even(map, x, plan.level) && is_even(map, x, plan.level + 1);
    }
    const bool isWhole = plan.inner % width == 0;
    if (!reduces && plan.inner * evens >= shortestRow &&
        (isWhole || (plan.aliases == 0 && plan.inner >= width && is_in_place(map, plan.level + 1)))) {
      plan.isRow = true;
      plan.overlaps = !isWhole;
      plan.turns = 1;
      return;
    }
  }
  const int64_t size = plan.sizes[plan.level];
  plan.turns = most / plan.inner;
  if (plan.isPlain && plan.turns < columnRun) plan.turns = columnRun;
  if (plan.turns >= size) {
    plan.turns = size;
    return;
  }
  // Use whole vectors, if possible, and whole runs of columns where no sum depends on it.
  int64_t several = width;
  while (several > 1 && plan.inner * (several / 2) % width == 0) several /= 2;
  if (plan.isPlain && !plan.adds) several = columnRun;
  if (plan.turns > several) plan.turns -= plan.turns % several;
}

/** The strides of an operand that does not move. */
static constexpr int32_t noSteps[maxDepth] = {};
static constexpr int32_t oneTurn[1] = {1};

INLINE char* address(const Operand& x, const Memory& memory) {
  return memory.rows[x.ref].data + x.offset * size_of(x.dtype);
}

/** Pairs of a stored output and an input are bits; if there are more pairs than bits, all count as sharing memory. */
SHORT static uint64_t aliases_of(const Map& map, const Memory& memory) {
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

}  // namespace flambeau::ISA
