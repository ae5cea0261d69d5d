// Maps: expressions over nested loops, stored or reduced, a block of elements at a time. A block is some turns of one
// loop with the loops inside it whole; each step of the expression runs over it before the next. Operands that lie in
// order are read and written where they are; others are brought to memory of the block. plan.inl says how a map is cut.
#pragma once
#include "../pool.h"
#include "plan.inl"

namespace flambeau::ISA {

/** Where elements of nested loops are, for the moves below: the last `depth` loops of an operand. */
struct Box {
  const int64_t* sizes;
  const int32_t* steps;
  int32_t depth;
};

/** Elements of an operand one after the other; whole vectors are written, at `to` and after the last. */
template <class T> char* gather(const Box& box, int32_t l, const char* from, char* to) {
  const int64_t n = box.sizes[l], step = box.steps[l];
  if (l < box.depth - 1) {
    for (int64_t i = 0; i < n; i++) to = gather<T>(box, l + 1, from + i * step * static_cast<int64_t>(sizeof(T)), to);
    return to;
  }
  const T* p = reinterpret_cast<const T*>(from);
  T* q = reinterpret_cast<T*>(to);
  constexpr int64_t L = lanes<T>;
  if (step == 1) {
    int64_t i = 0;
    for (; i + L <= n; i += L) store(q + i, load(p + i));
    if (i < n) store(q + i, load_some(p + i, n - i));
  } else if (step == 0) {
    const Vec<T> x = splat(*p);
    for (int64_t i = 0; i < n; i += L) store(q + i, x);
  } else {
    for (int64_t i = 0; i < n; i++) q[i] = p[i * step];
  }
  return to + n * static_cast<int64_t>(sizeof(T));
}

/** The other way; of the elements at `from` each is `advance` after the one before. */
template <class T> const char* scatter(const Box& box, int32_t l, const char* from, int64_t advance, char* to) {
  const int64_t n = box.sizes[l], step = box.steps[l];
  if (l < box.depth - 1) {
    for (int64_t i = 0; i < n; i++) {
      from = scatter<T>(box, l + 1, from, advance, to + i * step * static_cast<int64_t>(sizeof(T)));
    }
    return from;
  }
  const T* p = reinterpret_cast<const T*>(from);
  T* q = reinterpret_cast<T*>(to);
  if (step == 1 && advance == 1) {
    memmove(q, p, static_cast<size_t>(n) * sizeof(T));  // a stream may copy a row onto itself, shifted
  } else {
    for (int64_t i = 0; i < n; i++) q[i * step] = p[i * advance];
  }
  return from + n * advance * static_cast<int64_t>(sizeof(T));
}

static void gather(const Box& box, int64_t size, const char* from, char* to) {
  size == 4   ? gather<float>(box, 0, from, to)
  : size == 8 ? gather<double>(box, 0, from, to)
              : gather<uint8_t>(box, 0, from, to);
}
static void scatter(const Box& box, int64_t size, const Slot& from, char* to) {
  size == 4   ? scatter<float>(box, 0, from.at, from.advance, to)
  : size == 8 ? scatter<double>(box, 0, from.at, from.advance, to)
              : scatter<uint8_t>(box, 0, from.at, from.advance, to);
}

/** What accumulators hold, to where the output is; loops from its region on. */
static const char* write_results(const Output& out, int32_t depth, const int64_t* sizes, int32_t l, const char* from,
                                 char* to) {
  while (l < depth && out.steps[l] == 0) l++;
  int32_t next = l + 1;
  while (next < depth && out.steps[next] == 0) next++;
  const int64_t n = l < depth ? sizes[l] : 1, step = l < depth ? out.steps[l] : 0;
  if (next >= depth) {
    out.reduction->finish(from, n, to, step);
    return from + n * out.reduction->size;
  }
  for (int64_t i = 0; i < n; i++) from = write_results(out, depth, sizes, next, from, to + i * step * out.size);
  return from;
}

/** One part of a map on its way: the loops as far as the part has them, where the operands are, and accumulators. */
class Walk {
 public:
  Walk(const Plan& plan, int64_t part) : plan_(plan), part_(part) {}

  /** Whether there was memory. */
  bool run() {
    const int32_t level = plan_.level;
    for (int32_t l = 0; l < plan_.depth; l++) box_[l] = sizes_[l] = plan_.sizes[l];
    const int64_t from = part_ * plan_.chunk;
    if (sizes_[plan_.cut] - from < plan_.chunk) {
      sizes_[plan_.cut] -= from;
    } else {
      sizes_[plan_.cut] = plan_.chunk;
    }
    Workspace<81920> scratch(bytes());
    if (scratch.failed()) return false;
    open(scratch, from);
    for (;;) {
      for (int64_t t = 0; t < sizes_[level]; t += plan_.turns) {
        block(t, sizes_[level] - t < plan_.turns ? sizes_[level] - t : plan_.turns);
      }
      int32_t next = level - 1;
      while (next >= 0 && index_[next] + 1 == sizes_[next]) next--;
      for (int32_t k = 0; k < plan_.outCount; k++) {
        const Output& out = plan_.outs[k];
        if (out.reduction != nullptr && out.first <= level && out.first > next) finish(k, 0);
      }
      if (next < 0) return true;
      turn(next);
    }
  }

 private:
  struct Accumulators {
    char* at;
    int64_t count;
    /** Where the present block begins, and how far it moves with each loop; 0 for loops that are reduced. */
    int64_t offset;
    int64_t steps[maxDepth];
  };

  int64_t bytes() const {
    int64_t total = bytes_of<Slot>(plan_.slotCount) + 2 * bytes_of<char*>(plan_.inputCount) +
                    bytes_of<char*>(plan_.outCount) + bytes_of<Accumulators>(plan_.outCount) + plan_.blockBytes;
    for (int32_t k = 0; k < plan_.outCount; k++) total += padded(accumulator_bytes(plan_.outs[k]));
    return total;
  }

  int64_t accumulator_bytes(const Output& out) const {
    return out.reduction == nullptr || out.partial != nullptr ? 0 : count_of(out) * out.reduction->size + slack;
  }

  /** The kept elements of what is reduced at a time. */
  int64_t count_of(const Output& out) const {
    int64_t count = 1;
    for (int32_t l = out.region(plan_.level); l < plan_.depth; l++) {
      if (out.steps[l] != 0) count *= l == plan_.level && out.first > l ? plan_.turns : sizes_[l];
    }
    return count;
  }

  template <class S> void open(S& scratch, int64_t from) {
    slots_ = scratch.template take<Slot>(plan_.slotCount);
    in_ = scratch.template take<const char*>(plan_.inputCount);
    loaded_ = scratch.template take<const char*>(plan_.inputCount);
    out_ = scratch.template take<char*>(plan_.outCount);
    accumulators_ = scratch.template take<Accumulators>(plan_.outCount);
    blocks_ = scratch.bytes(plan_.blockBytes);
    for (int32_t i = 0; i < plan_.slotCount; i++) {
      slots_[i] = plan_.slots[i];
      if (slots_[i].advance != 0) slots_[i].at = home(i);
    }
    for (int32_t i = 0; i < plan_.inputCount; i++) {
      const Input& input = plan_.inputs[i];
      in_[i] = input.base + from * input.steps[plan_.cut] * input.size;
      loaded_[i] = nullptr;
    }
    for (int32_t k = 0; k < plan_.outCount; k++) {
      const Output& out = plan_.outs[k];
      out_[k] = out.base + from * out.steps[plan_.cut] * out.size;
      if (out.reduction == nullptr) continue;
      Accumulators& acc = accumulators_[k];
      acc.count = count_of(out);
      acc.offset = 0;
      int64_t step = out.reduction->size;
      for (int32_t l = plan_.depth - 1; l >= 0; l--) {
        const bool kept = out.steps[l] != 0 && l >= out.first;
        acc.steps[l] = kept ? step : 0;
        if (out.steps[l] != 0) step *= sizes_[l];
      }
      acc.at = out.partial != nullptr ? out.partial + part_ * out.partialBytes : scratch.bytes(accumulator_bytes(out));
      out.reduction->fill(acc.at, acc.count);
    }
  }

  /** The next turn of loop l, the loops between it and the blocks' from their first. */
  void turn(int32_t l) {
    index_[l]++;
    for (int32_t i = 0; i < plan_.inputCount; i++) in_[i] += way(plan_.inputs[i].steps, l) * plan_.inputs[i].size;
    for (int32_t k = 0; k < plan_.outCount; k++) {
      out_[k] += way(plan_.outs[k].steps, l) * plan_.outs[k].size;
      if (plan_.outs[k].reduction != nullptr) accumulators_[k].offset += way(accumulators_[k].steps, l);
    }
    for (int32_t m = l + 1; m < plan_.level; m++) index_[m] = 0;
  }
  template <class N> int64_t way(const N* steps, int32_t l) const {
    int64_t distance = steps[l];
    for (int32_t m = l + 1; m < plan_.level; m++) distance -= (sizes_[m] - 1) * steps[m];
    return distance;
  }

  Box box(const int32_t* steps) const { return {box_ + plan_.level, steps + plan_.level, plan_.depth - plan_.level}; }

  /** The block that begins at turn t of the blocks' loop. */
  void block(int64_t t, int64_t turns) {
    const int32_t level = plan_.level;
    const int64_t n = turns * plan_.inner;
    const bool whole = n % width == 0;
    const bool resized = box_[level] != turns;
    box_[level] = turns;
    for (int32_t i = 0; i < plan_.inputCount; i++) {
      const Input& input = plan_.inputs[i];
      if (input.layout == Layout::uniform) continue;
      const char* at = in_[i] + t * input.steps[level] * input.size;
      if (whole && input.layout == Layout::contiguous) {
        slots_[i].at = const_cast<char*>(at);
        continue;
      }
      slots_[i].at = home(i);
      if (at == loaded_[i] && !resized) continue;
      gather(box(input.steps), input.size, at, slots_[i].at);
      loaded_[i] = at;
    }
    for (int32_t k = 0; k < plan_.outCount; k++) {
      const Output& out = plan_.outs[k];
      if (out.direct) slots_[out.slot].at = whole ? out_[k] + t * out.steps[level] * out.size : home(out.slot);
    }
    for (const Op *op = plan_.ops, *end = op + plan_.opCount; op < end; op++) op->run(*op, slots_, n);
    for (int32_t k = 0; k < plan_.outCount; k++) {
      const Output& out = plan_.outs[k];
      if (out.reduction != nullptr) {
        reduce(k, t, n);
      } else if (!(out.direct && whole)) {
        scatter(box(out.steps), out.size, slots_[out.slot], out_[k] + t * out.steps[level] * out.size);
      }
    }
  }

  void reduce(int32_t k, int64_t t, int64_t n) {
    const Output& out = plan_.outs[k];
    Accumulators& acc = accumulators_[k];
    const Slot& slot = slots_[out.slot];
    const char* values = slot.at;
    if (slot.advance == 0) {
      char* many = home(plan_.spare);
      for (int64_t i = 0; i < n * out.size; i += VECTOR_BYTES) memcpy(many + i, slot.at, VECTOR_BYTES);
      values = many;
    }
    const int64_t columns = out.columns != 0 ? out.columns : n;
    char* to = acc.at + acc.offset + t * acc.steps[plan_.level];
    (out.keepsColumns ? out.reduction->columns : out.reduction->rows)(values, n / columns, columns, to);
    if (out.first > plan_.level) finish(k, t);
  }

  /** Writes the results of what is reduced: of the block, at turn t of the blocks' loop, or of the loops from `first`
   * on. */
  void finish(int32_t k, int64_t t) {
    const Output& out = plan_.outs[k];
    if (out.partial != nullptr) return;
    const Accumulators& acc = accumulators_[k];
    char* to = out_[k] + t * out.steps[plan_.level] * out.size;
    for (int32_t l = out.first; l < plan_.level; l++) to -= (sizes_[l] - 1) * out.steps[l] * out.size;
    write_results(out, plan_.depth, out.first > plan_.level ? box_ : sizes_, out.region(plan_.level), acc.at, to);
    out.reduction->fill(acc.at, acc.count);
  }

  char* home(int32_t slot) const { return blocks_ + plan_.home[slot]; }

  const Plan& plan_;
  const int64_t part_;
  /** The part's loops, and the same with the present block's turns. */
  int64_t sizes_[maxDepth], box_[maxDepth];
  int64_t index_[maxDepth] = {};
  Slot* slots_;
  char* blocks_;
  const char** in_;
  /** What the memory of each input has now. */
  const char** loaded_;
  char** out_;
  Accumulators* accumulators_;
};

static void open_outputs(const Map& map, const Memory& memory, char* answer, Plan& plan) {
  for (int32_t k = 0; k < map.outCount; k++) {
    const MapOut& given = map.outs[k];
    Output& out = plan.outs[k];
    out.base = answer != nullptr ? answer : address(given.to.operand, memory);
    out.steps = map.depth == 0 ? noSteps : given.to.steps;
    out.size = size_of(given.to.operand.dtype);
    out.direct = false;
    out.partial = nullptr;
    out.reduction = nullptr;
    if (given.reduce == Reduce::none) continue;
    out.reduction = reduction_of(given.reduce, given.to.operand.dtype);
    out.first = 0;
    while (out.first < plan.depth && out.steps[out.first] != 0) out.first++;
    if (map.depth == 0) out.first = 1;
    out.keepsColumns = out.steps[plan.depth - 1] != 0;
    out.columns = 1;
    int32_t l = plan.depth - 1;
    for (; l > plan.level && (out.steps[l] != 0) == out.keepsColumns; l--) out.columns *= plan.sizes[l];
    if (l == plan.level && (out.steps[l] != 0) == out.keepsColumns) out.columns = 0;
  }
}

/** Parts of a reduction, in their order. */
static void put_together(const Plan& plan, const Output& out) {
  int64_t sizes[maxDepth], count = 1;
  for (int32_t l = 0; l < plan.depth; l++) {
    sizes[l] = plan.sizes[l];
    if (out.steps[l] != 0) count *= sizes[l];
  }
  for (int64_t i = 1; i < plan.parts; i++) out.reduction->merge(out.partial, out.partial + i * out.partialBytes, count);
  write_results(out, plan.depth, sizes, 0, out.partial, out.base);
}

static void write_everywhere(const Output& out, int32_t depth, const int32_t* sizes, int32_t l, const char* value,
                             char* to) {
  while (l < depth && out.steps[l] == 0) l++;
  if (l == depth) return out.reduction->finish(value, 1, to, 0);
  for (int64_t i = 0; i < sizes[l]; i++) {
    write_everywhere(out, depth, sizes, l + 1, value, to + i * out.steps[l] * out.size);
  }
}

/** What a reduction of no elements is. */
static void write_identities(const Map& map, const Plan& plan) {
  for (int32_t k = 0; k < map.outCount; k++) {
    const Output& out = plan.outs[k];
    if (out.reduction == nullptr) continue;
    alignas(64) char neutral[VECTOR_BYTES];
    out.reduction->fill(neutral, 1);
    write_everywhere(out, plan.depth, plan.sizes, 0, neutral, out.base);
  }
}

/** `answer` takes the place of the one output of a check. */
static void run_map(const Map& map, const Memory& memory, char* answer) {
  Plan plan{};
  plan.depth = map.depth == 0 ? 1 : map.depth;
  plan.sizes = map.depth == 0 ? oneTurn : map.sizes;
  plan.inputCount = map.inputCount;
  plan.outCount = map.outCount;
  int64_t elements = 1;
  for (int32_t l = 0; l < plan.depth; l++) elements *= plan.sizes[l];
  const int64_t mostSlots = map.inputCount + 2 * map.codeCount + 1;
  Workspace<16384> scratch(bytes_of<Input>(map.inputCount) + bytes_of<Output>(map.outCount) +
                           bytes_of<Op>(map.codeCount) + bytes_of<int32_t>(map.codeCount) + bytes_of<Slot>(mostSlots) +
                           bytes_of<int64_t>(mostSlots) + (map.inputCount + map.codeCount) * VECTOR_BYTES);
  if (scratch.failed()) out_of_memory();
  plan.inputs = scratch.take<Input>(map.inputCount);
  plan.outs = scratch.take<Output>(map.outCount);
  plan.ops = scratch.take<Op>(map.codeCount);
  int32_t* target = scratch.take<int32_t>(map.codeCount);
  plan.slots = scratch.take<Slot>(mostSlots);
  plan.home = scratch.take<int64_t>(mostSlots);
  char* vectors = scratch.bytes((map.inputCount + map.codeCount) * VECTOR_BYTES);
  if (elements != 0) choose_block(map, plan);
  open_outputs(map, memory, answer, plan);
  if (elements == 0) return write_identities(map, plan);
  Values(map, memory, plan, vectors, target).assign();
  choose_parts(map, plan, elements);

  int64_t partialBytes = 0;
  for (int32_t k = 0; k < map.outCount && plan.parts > 1; k++) {
    Output& out = plan.outs[k];
    if (out.reduction == nullptr || out.steps[plan.cut] != 0) continue;
    int64_t count = 1;
    for (int32_t l = 0; l < plan.depth; l++) count *= out.steps[l] == 0 ? 1 : plan.sizes[l];
    out.partialBytes = padded(count * out.reduction->size + slack);
    partialBytes += out.partialBytes * plan.parts;
  }
  Workspace<64> partials(partialBytes);
  if (partials.failed()) out_of_memory();
  for (int32_t k = 0; k < map.outCount && plan.parts > 1; k++) {
    Output& out = plan.outs[k];
    if (out.reduction != nullptr && out.steps[plan.cut] == 0)
      out.partial = partials.bytes(out.partialBytes * plan.parts);
  }
  bool failed = false;
  auto part = [&](int64_t i) {
    if (!Walk(plan, i).run()) __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
  };
  parallel_for(plan.parts, part);
  if (failed) out_of_memory();
  for (int32_t k = 0; k < map.outCount; k++) {
    if (plan.outs[k].partial != nullptr) put_together(plan, plan.outs[k]);
  }
}

void map(const Map& map, const Memory& memory) { run_map(map, memory, nullptr); }

bool any(const Map& map, const Memory& memory) {
  MapOut out = map.outs[0];
  out.to.steps = noSteps;
  Map check = map;
  check.outs = &out;
  char answer = 0;
  run_map(check, memory, &answer);
  return answer != 0;
}

}  // namespace flambeau::ISA
