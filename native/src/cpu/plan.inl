// Plans how to run a map: which loops a block covers (block.inl), where each value of the expression is stored
// (values.inl), and how the work is cut into parts. Everything follows from the map alone, so results are the same for
// any number of threads.
#pragma once
#include "values.inl"

namespace flambeau::ISA {

// ---- parts ----

/** Nanoseconds of a step for a thousand elements, in whole vectors of this instruction set. */
static int64_t cost_of(const Code& code) {
  const int64_t wide = 64 / VECTOR_BYTES, cheap = 40 * wide;
  switch (info_of(code.step).work) {
    case Work::simple:
      return code.dtype == DType::float64 ? 2 * cheap : cheap;
    case Work::remainder:
      return 8000;
    case Work::call:
      return code.dtype == DType::float32 ? 400 * wide : 12000;
  }
  return cheap;
}

/** The work of a part in nanoseconds, and the maximum number of parts. */
constexpr int64_t partWork = 10000, mostParts = 64;
/** The maximum number of accumulators of all parts together if they must be combined. */
constexpr int64_t mostPartial = 65536;

/**
 * Chooses a loop that all outputs keep, cut between blocks; or the outermost loop, whose partial results are combined.
 */
static void choose_parts(const Map& map, Plan& plan) {
  plan.cut = 0;
  plan.parts = 1;
  plan.chunk = plan.sizes[0];
  // One thread takes longer over parts, so it has only those that decide bits.
  if (isFetched && !plan.adds) return;
  int64_t cost = 0;
  for (int32_t i = 0; i < map.codeCount; i++) cost += cost_of(map.codes[i]);
  for (int32_t i = 0; i < plan.inputCount; i++) cost += 30 * plan.inputs[i].size;
  for (int32_t k = 0; k < plan.outCount; k++) cost += 30 * plan.outs[k].size;
  int64_t wanted = plan.elements * cost / 1000 / partWork;
  if (wanted < 2) return;
  if (wanted > mostParts) wanted = mostParts;
  // A block in place may begin anywhere.
  const int64_t grain = plan.inPlace() ? blockOfFew : plan.turns;
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
    int64_t most = l == plan.level ? map.sizes[l] / grain : map.sizes[l];
    if (!kept && most > mostPartial / accumulators) most = mostPartial / accumulators;
    if (most > wanted) most = wanted;
    if (most <= found) continue;
    found = most;
    plan.cut = l;
  }
  const int64_t size = map.sizes[plan.cut];
  plan.chunk = (size + found - 1) / found;
  if (plan.cut == plan.level) plan.chunk = (plan.chunk + grain - 1) / grain * grain;
  plan.parts = (size + plan.chunk - 1) / plan.chunk;
}

/** Chooses how to keep results of reductions until they are written. */
static void place_accumulators(Plan& plan) {
  plan.partBytes = bytes_of<Slot>(plan.slotCount) + 2 * bytes_of<char*>(plan.inputCount) +
                   2 * bytes_of<char*>(plan.outCount) + bytes_of<int64_t>(plan.inputCount) + bytes_of<int64_t>(plan.outCount) + plan.blockBytes;
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

// ---- the whole plan ----

static int64_t most_slots(const Map& map) { return map.inputCount + map.outCount + 2 * map.codeCount + 1; }

/** The memory of a plan. */
static int64_t plan_bytes(const Map& map) {
  return bytes_of<Input>(map.inputCount) + bytes_of<Output>(map.outCount) + 3 * bytes_of<Op>(map.codeCount) +
         bytes_of<Slot>(most_slots(map)) + bytes_of<int64_t>(most_slots(map)) + 2 * bytes_of<int32_t>(map.codeCount) +
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

/** Whether and how sums are computed without the values. */
static void choose_sums(const Map& map, Plan& plan) {
  plan.most = plan.turns;
  if constexpr (!isFetched) {
    plan.total = plan.sums && plan.opCount > 0 ? sums_of(plan.ops[plan.opCount - 1].run) : nullptr;
    plan.sums = plan.total != nullptr && plan.ops[plan.opCount - 1].d == plan.outs[0].slot;
  }
  bool isInPlace = plan.sums && plan.turns * plan.inner == 2 * sumRun && plan.opCount <= 1;
  for (int32_t i = 0; i < map.inputCount; i++) isInPlace &= plan.inputs[i].layout != Layout::strided;
  if (!isInPlace) return;
  plan.most = sumBlocks * plan.turns;
  // The loop does so itself, in time for each vector.
  plan.looksAhead = false;
}

SHORT static void make_plan(const Map& map, uint64_t aliases, Room room, Plan& plan) {
  plan = {};
  plan.aliases = aliases;
  plan.depth = map.depth == 0 ? 1 : map.depth;
  plan.sizes = map.depth == 0 ? oneTurn : map.sizes;
  plan.blocks = map.blocks;
  plan.inputCount = map.inputCount;
  plan.outCount = map.outCount;
  plan.elements = 1;
  for (int32_t l = 0; l < plan.depth; l++) plan.elements *= plan.sizes[l];
  plan.inputs = room.take<Input>(map.inputCount);
  plan.outs = room.take<Output>(map.outCount);
  plan.ops = room.take<Op>(map.codeCount);
  plan.even = room.take<Op>(map.codeCount);
  plan.once = room.take<Op>(map.codeCount);
  plan.slots = room.take<Slot>(most_slots(map));
  plan.home = room.take<int64_t>(most_slots(map));
  int32_t* target = room.take<int32_t>(map.codeCount);
  int32_t* partner = room.take<int32_t>(map.codeCount);
  char* vectors = room.bytes((map.inputCount + map.codeCount) * VECTOR_BYTES);
  int64_t* steps = room.take<int64_t>(map.outCount * (map.depth + int64_t{1}));
  if (plan.elements != 0) choose_block(map, plan);
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    const bool one = x.operand.is_number() || is_even(map, x, 0);
    plan.inputs[i] = {x.operand.is_number() || map.depth == 0 ? noSteps : x.steps, size_of(x.operand.dtype),
                      one                                          ? Layout::uniform
                      : is_even(map, x, plan.inside())             ? Layout::even
                      : is_contiguous(map, x.steps, plan.inside()) ? Layout::contiguous
                                                                   : Layout::strided,
                      nullptr};
  }
  plan.sums = isFetched ? map.sums : map.outCount == 1;
  for (int32_t k = 0; k < map.outCount; k++) {
    open_output(map, k, plan);
    const Output& out = plan.outs[k];
    plan.sums &= out.reduction == &Reducer<float, Sum, double>::table && !out.keepsColumns && out.columns == 0;
    plan.outs[k].accumulatorSteps = steps + k * (map.depth + int64_t{1});
  }
  if (plan.elements == 0) return;
  Values(map, plan, vectors, target, partner).assign();
  choose_sums(map, plan);
  plan.overlaps &= plan.opCount == 1;
  choose_parts(map, plan);
  place_accumulators(plan);
  if constexpr (!isFetched) {
    plan.moves = aliases == 0 && map.codeCount == 0 && map.outCount == 1 && map.outs[0].reduce == Reduce::none &&
                 plan.inputs[-1 - map.outs[0].from].layout == Layout::strided &&
                 is_contiguous(map, map.outs[0].to.steps, 0);
  }
}

}  // namespace flambeau::ISA
