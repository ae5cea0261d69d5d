// Maps: expressions over nested loops, stored or reduced, one block of elements at a time. A block is some turns of one
// loop with all turns of the loops inside it; each step of the expression runs over the whole block before the next.
// Contiguous operands are read and written in place; others are copied to block memory. plan.inl decides how a map is
// cut.
#pragma once
#include "../pool.h"
#include "small.inl"

namespace flambeau::ISA {

/** Writes accumulators to the output, for the loops from l on. */
static void write_results(const Output& out, int32_t depth, const int64_t* sizes, int32_t l, const char* from,
                          char* to) {
  while (l < depth && out.steps[l] == 0) l++;
  int32_t next = l + 1;
  while (next < depth && out.steps[next] == 0) next++;
  if (next >= depth) return out.reduction->finish(from, l < depth ? sizes[l] : 1, to, l < depth ? out.steps[l] : 0);
  for (int64_t i = 0; i < sizes[l]; i++) {
    write_results(out, depth, sizes, next, from + i * out.accumulatorSteps[l], to + i * out.steps[l] * out.size);
  }
}

/** The execution of one part of a map: the part's loop ranges, the positions of operands, and accumulators. */
class Walk {
 public:
  Walk(const Plan& plan, int64_t part) : plan_(plan), part_(part) {}

  /** Runs the part; false if there was no memory. */
  bool run() {
    const int32_t level = plan_.level;
    const int64_t from = part_ * plan_.chunk;
    for (int32_t l = 0; l < plan_.depth; l++) {
      sizes_[l] = plan_.sizes[l];
      if (l == plan_.cut) sizes_[l] = sizes_[l] - from < plan_.chunk ? sizes_[l] - from : plan_.chunk;
      box_[l] = sizes_[l];
      index_[l] = 0;
    }
    Workspace<81920> workspace(plan_.partBytes);
    if (workspace.at() == nullptr) return false;
    open(Room(workspace.at()), from);
    for (;;) {
      for (int64_t t = 0, next; t < sizes_[level]; t = next) {
        int64_t turns = plan_.turns_of(sizes_[level] - t);
        next = t + turns;
        if (const int64_t rest = turns % width; plan_.inPlace() && turns > width && rest != 0) {
          turns -= rest;
          block(t + turns, rest);
        }
        block(t, turns);
      }
      int32_t next = level - 1;
      while (next >= 0 && index_[next] + 1 == sizes_[next]) next--;
      for (int32_t k = 0; k < plan_.outCount; k++) {
        const Output& out = plan_.outs[k];
        if (out.reduction != nullptr && out.first <= level && out.first > next) finish(k, 0, next >= 0);
      }
      if (next < 0) return true;
      turn(next);
    }
  }

 private:
  SHORT void open(Room room, int64_t from) {
    slots_ = room.take<Slot>(plan_.slotCount);
    in_ = room.take<const char*>(plan_.inputCount);
    loaded_ = room.take<const char*>(plan_.inputCount);
    loadedTurns_ = room.take<int64_t>(plan_.inputCount);
    out_ = room.take<char*>(plan_.outCount);
    accumulators_ = room.take<char*>(plan_.outCount);
    offsets_ = room.take<int64_t>(plan_.outCount);
    blocks_ = room.bytes(plan_.blockBytes);
    if constexpr (!isFetched) end_ = nullptr;
    for (int32_t i = 0; i < plan_.slotCount; i++) {
      slots_[i] = plan_.slots[i];
      if (plan_.home[i] >= 0) slots_[i].at = home(i);
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
      offsets_[k] = 0;
      accumulators_[k] = out.partial != nullptr ? out.partial + part_ * out.partialBytes
                                                : room.bytes(out.count * out.reduction->size + slack);
      out.reduction->fill(accumulators_[k], out.count);
    }
  }

  /** Advances loop l by one turn, and resets the loops between it and the blocks' loop. */
  void turn(int32_t l) {
    index_[l]++;
    for (int32_t m = l + 1; m < plan_.level; m++) index_[m] = 0;
    for (int32_t i = 0; i < plan_.inputCount; i++) in_[i] += way(plan_.inputs[i].steps, l) * plan_.inputs[i].size;
    for (int32_t k = 0; k < plan_.outCount; k++) {
      out_[k] += way(plan_.outs[k].steps, l) * plan_.outs[k].size;
      if (plan_.outs[k].reduction != nullptr) offsets_[k] += way(plan_.outs[k].accumulatorSteps, l);
    }
  }
  template <class N> int64_t way(const N* steps, int32_t l) const {
    int64_t distance = steps[l];
    for (int32_t m = l + 1; m < plan_.level; m++) distance -= (sizes_[m] - 1) * steps[m];
    return distance;
  }

  Box box(const int32_t* steps) const { return {box_ + plan_.level, steps + plan_.level, plan_.depth - plan_.level}; }

  /**
   * Copies a block to where it belongs, by way of its own memory only where the whole vectors that gather writes might end
   * beyond what this part writes after it: up to the last turn of the loop that is cut.
   */
  void move(int64_t t, int64_t turns) {
    const int32_t level = plan_.level, i = plan_.outs[0].slot;
    const Input& input = plan_.inputs[i];
    const int64_t bytes = turns * plan_.inner * input.size;
    char* const to = out_[0] + t * plan_.outs[0].steps[level] * input.size;
    if (to >= end_) {
      end_ = to + input.size;
      for (int32_t l = plan_.cut; l < plan_.depth; l++) end_ += (sizes_[l] - 1) * plan_.outs[0].steps[l] * input.size;
    }
    const bool fits = end_ - to - bytes >= VECTOR_BYTES;
    box_[level] = turns;
    gather(box(input.steps), input.size, in_[i] + t * input.steps[level] * input.size, fits ? to : home(i));
    if (!fits) memcpy(to, home(i), static_cast<size_t>(bytes));
  }

  /** The elements of the next block, which are late otherwise: vectors of AVX-512 compute faster than memory comes. */
  [[maybe_unused]] static void prefetch(const char* p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += VECTOR_BYTES) __builtin_prefetch(p + i);
  }

  /** Runs the block that begins at turn t of the blocks' loop. */
  void block(int64_t t, int64_t turns) {
    if constexpr (!isFetched) {
      if (plan_.moves) return move(t, turns);
    }
    const int32_t level = plan_.level;
    const int64_t n = turns * plan_.inner;
    const bool whole = n % width == 0 || plan_.overlaps;
    box_[level] = turns;
    bool moved = false;
    for (int32_t i = 0; i < plan_.inputCount; i++) {
      const Input& input = plan_.inputs[i];
      if (input.layout == Layout::uniform) continue;
      const char* at = in_[i] + t * input.steps[level] * input.size;
      if (input.layout == Layout::even) {
        if (at == loaded_[i]) continue;
        put_element(slots_[i].at, input.size, at);
        loaded_[i] = at;
        moved = true;
        continue;
      }
      if ((whole || plan_.isPlain) && input.layout == Layout::contiguous) {
        slots_[i].at = const_cast<char*>(at);
        if constexpr (VECTOR_BYTES == 64) {
          if (plan_.looksAhead) prefetch(at + n * input.size, n * input.size);
        }
        continue;
      }
      slots_[i].at = home(i);
      if (at == loaded_[i] && turns <= loadedTurns_[i]) continue;
      gather(box(input.steps), input.size, at, slots_[i].at);
      loaded_[i] = at;
      loadedTurns_[i] = turns;
    }
    for (int32_t k = 0; k < plan_.outCount; k++) {
      const Output& out = plan_.outs[k];
      if (out.direct) slots_[out.slot].at = whole ? out_[k] + t * out.steps[level] * out.size : home(out.slot);
    }
    for (const Op *op = plan_.even, *end = op + plan_.evenCount; moved && op < end; op++) op->run(*op, slots_, op->count);
    sums_ = plan_.sums && n % (2 * sumRun) == 0;
    if (plan_.blocks != nullptr) plan_.blocks(slots_, static_cast<int32_t>(sums_ ? -n : n));
    if constexpr (!isFetched) {
      if (plan_.overlaps) return row(n);
    }
    const Op *op = plan_.ops, *const end = op + plan_.opCount - (!isFetched && sums_ ? 1 : 0);
    for (; op < end; op++) op->run(*op, slots_, n);
    if constexpr (!isFetched) {
      if (sums_) plan_.total(*op, slots_, n);
    }
    for (int32_t k = 0; k < plan_.outCount; k++) {
      const Output& out = plan_.outs[k];
      if (out.reduction != nullptr) {
        reduce(k, t, n);
      } else if (!(out.direct && whole)) {
        scatter(box(out.steps), out.size, slots_[out.slot], out_[k] + t * out.steps[level] * out.size);
      }
    }
  }

  /** Computes a row of one step in place: its whole vectors, then the last `width` elements. */
  void row(int64_t n) {
    const Op& op = plan_.ops[0];
    op.run(op, slots_, n - n % width);
    const int64_t rest = n - width;
    for (int32_t i = 0; i < plan_.inputCount; i++) {
      if (slots_[i].advance != 0) slots_[i].at += rest * plan_.inputs[i].size;
    }
    slots_[plan_.outs[0].slot].at += rest * plan_.outs[0].size;
    op.run(op, slots_, width);
  }

  void reduce(int32_t k, int64_t t, int64_t n) {
    const Output& out = plan_.outs[k];
    const Slot& slot = slots_[out.slot];
    const char* values = slot.at;
    if (slot.advance == 0) {
      char* many = home(plan_.spare);
      for (int64_t i = 0; i < n * out.size; i += VECTOR_BYTES) memcpy(many + i, slot.at, VECTOR_BYTES);
      values = many;
    }
    const int64_t columns = out.columns != 0 ? out.columns : n;
    char* to = accumulators_[k];
    if (out.first <= plan_.level) to += offsets_[k] + t * out.accumulatorSteps[plan_.level];
    if (sums_) return Reducer<float, Sum, double>::runs(values, n, to);
    const bool isWhole = out.first > plan_.level;
    if (out.keepsColumns) {
      out.reduction->columns(values, n / columns, columns, to);
    } else {
      // An output of its own whose results lie side by side takes them without accumulators where rows are short.
      const bool isDense = isWhole && out.first == plan_.level + 1 && out.steps[plan_.level] == 1 && plan_.aliases == 0;
      char* const results = isDense ? out_[k] + t * out.size : nullptr;
      const int64_t rows = n / columns, written = out.reduction->rows(values, rows, columns, to, results);
      if (isDense) {
        to += written * out.reduction->size;
        out.reduction->finish(to, rows - written, results + written * out.size, 1);
        return out.reduction->fill(to, rows - written);
      }
    }
    if (isWhole) finish(k, t, true);
  }

  /**
   * Writes reduced values: of the block at turn t of the blocks' loop, or of the loops from `first` on. `again`: the
   * accumulators will be used again.
   */
  void finish(int32_t k, int64_t t, bool again) {
    const Output& out = plan_.outs[k];
    if (out.partial != nullptr) return;
    char* to = out_[k] + t * out.steps[plan_.level] * out.size;
    for (int32_t l = out.first; l < plan_.level; l++) to -= (sizes_[l] - 1) * out.steps[l] * out.size;
    write_results(out, plan_.depth, out.first > plan_.level ? box_ : sizes_, out.region, accumulators_[k], to);
    if (again) out.reduction->fill(accumulators_[k], out.count);
  }

  char* home(int32_t slot) const { return blocks_ + plan_.home[slot]; }

  const Plan& plan_;
  const int64_t part_;
  /** The part's loop sizes, the same with the current block's turns, and the indices of the loops around the blocks. */
  int64_t sizes_[maxDepth], box_[maxDepth], index_[maxDepth];
  Slot* slots_;
  char* blocks_;
  const char** in_;
  /** What the memory of each input currently contains, and how many turns of it. */
  const char** loaded_;
  int64_t* loadedTurns_;
  char** out_;
  char** accumulators_;
  /** The offsets of blocks in the accumulators. */
  int64_t* offsets_;
  /** Whether the outputs of this block are sums of its runs. */
  bool sums_ = false;
  /** The end of what is written one after the other, where elements are moved. */
  char* end_;
};

/** Combines the parts of a reduction, in order. */
static void put_together(const Plan& plan, const Output& out) {
  int64_t sizes[maxDepth];
  for (int32_t l = 0; l < plan.depth; l++) sizes[l] = plan.sizes[l];
  for (int64_t i = 1; i < plan.parts; i++)
    out.reduction->merge(out.partial, out.partial + i * out.partialBytes, out.count);
  write_results(out, plan.depth, sizes, 0, out.partial, out.base);
}

/** Writes the result of a reduction of no elements. */
static void write_identity(const Output& out, int32_t depth, const int32_t* sizes, int32_t l, char* to) {
  while (l < depth && out.steps[l] == 0) l++;
  if (l == depth) {
    alignas(64) char neutral[VECTOR_BYTES];
    out.reduction->fill(neutral, 1);
    return out.reduction->finish(neutral, 1, to, 0);
  }
  for (int64_t i = 0; i < sizes[l]; i++) write_identity(out, depth, sizes, l + 1, to + i * out.steps[l] * out.size);
}

/** Sets a plan's operand addresses, and computes values that are the same for all elements. */
SHORT static void bind(const Map& map, const Memory& memory, char* answer, Plan& plan) {
  for (int32_t k = 0; k < map.outCount; k++) {
    plan.outs[k].base = answer != nullptr ? answer : address(map.outs[k].to.operand, memory);
  }
  if (plan.elements == 0) return;
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Operand& x = map.inputs[i].operand;
    Input& input = plan.inputs[i];
    if (x.is_number()) {
      put_number(plan.slots[i].at, x.dtype, x.number(memory));
    } else {
      input.base = address(x, memory);
      if (input.layout == Layout::uniform) put_element(plan.slots[i].at, input.size, input.base);
    }
  }
  for (int32_t i = 0; i < plan.onceCount; i++) {
    const Op& op = plan.once[i];
    op.run(op, plan.slots, op.count);
  }
}

static void run_plan(Plan& plan) {
  if (plan.elements == 0) {
    for (int32_t k = 0; k < plan.outCount; k++) {
      const Output& out = plan.outs[k];
      if (out.reduction != nullptr) write_identity(out, plan.depth, plan.sizes, 0, out.base);
    }
    return;
  }
  if (plan.parts == 1) {
    if (!Walk(plan, 0).run()) out_of_memory();
    return;
  }
  Workspace<64> partials(plan.partialBytes);
  if (partials.at() == nullptr) out_of_memory();
  Room room(partials.at());
  for (int32_t k = 0; k < plan.outCount; k++) {
    Output& out = plan.outs[k];
    if (out.partialBytes != 0) out.partial = room.bytes(out.partialBytes * plan.parts);
  }
  bool failed = false;
  auto part = [&](int64_t i) {
    if (!Walk(plan, i).run()) __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
  };
  parallel_for(plan.parts, part);
  if (failed) out_of_memory();
  for (int32_t k = 0; k < plan.outCount; k++) {
    if (plan.outs[k].partial != nullptr) put_together(plan, plan.outs[k]);
  }
}

// ---- kernels ----

void map(const Map& map, const Memory& memory) {
  const int64_t n = small_length(map);
  Workspace<40960> workspace(n != 0 ? small_bytes(map, n) : plan_bytes(map));
  if (workspace.at() == nullptr) out_of_memory();
  if (n != 0) {
    Small small;
    make_small(map, n, Room(workspace.at()), small);
    return run_small(map, small, memory);
  }
  Plan plan;
  make_plan(map, aliases_of(map, memory), Room(workspace.at()), plan);
  bind(map, memory, nullptr, plan);
  run_plan(plan);
}

/** A check as a map: the strides of its output are replaced. */
static Map as_reduction(const Map& map, MapOut* out) {
  *out = map.outs[0];
  out->to.steps = noSteps;
  Map check = map;
  check.outs = out;
  return check;
}

bool any(const Map& map, const Memory& memory) {
  MapOut out;
  const Map check = as_reduction(map, &out);
  Workspace<16384> workspace(plan_bytes(check));
  if (workspace.at() == nullptr) out_of_memory();
  Plan plan;
  make_plan(check, 0, Room(workspace.at()), plan);
  char answer = 0;
  bind(check, memory, &answer, plan);
  run_plan(plan);
  return answer != 0;
}

/** A map with a cached plan; its memory follows, then the data that the map points to, if it owns that. */
struct Prepared {
  Map map;
  MapOut checked;
  bool isCheck, isMade;
  /** For a small map, which needs no plan. */
  Small small;
  Plan plan;
  char* more;
};

/** Allocates one with its own memory and `more` bytes behind it; null if there is no memory. */
static Prepared* prepared_with(const Map& map, int64_t own, int64_t more) {
  const int64_t bytes = bytes_of<Prepared>(1) + padded(own);
  char* memory = static_cast<char*>(allocate(bytes + padded(more)));
  if (memory == nullptr) return nullptr;
  Prepared* it = reinterpret_cast<Prepared*>(memory);
  it->map = map;
  it->isCheck = it->isMade = false;
  it->small.n = 0;
  it->more = memory + bytes;
  return it;
}
static Prepared* prepared_for(const Map& map, int64_t more) { return prepared_with(map, plan_bytes(map), more); }
static Room own_room(Prepared* it) { return Room(reinterpret_cast<char*>(it) + bytes_of<Prepared>(1)); }

static void* prepare(const Map& map, bool isCheck) {
  const int64_t n = isCheck ? 0 : small_length(map);
  Prepared* it = n != 0 ? prepared_with(map, small_bytes(map, n), 0) : prepared_for(map, 0);
  if (it == nullptr) return nullptr;
  if (n != 0) make_small(it->map, n, own_room(it), it->small);
  if (isCheck) {
    it->map = as_reduction(map, &it->checked);
    it->isCheck = true;
  }
  return it;
}

static bool run_prepared(void* prepared, const Memory& memory) {
  Prepared* it = static_cast<Prepared*>(prepared);
  if (it->small.n != 0) return run_small(it->map, it->small, memory), false;
  const uint64_t aliases = it->isCheck ? 0 : aliases_of(it->map, memory);
  if (!it->isMade || aliases != it->plan.aliases) {
    make_plan(it->map, aliases, own_room(it), it->plan);
    it->isMade = true;
  }
  char answer = 0;
  bind(it->map, memory, it->isCheck ? &answer : nullptr, it->plan);
  run_plan(it->plan);
  return answer != 0;
}

static void release(void* prepared) { free(prepared); }

}  // namespace flambeau::ISA
