// Assigns each value of a map's expression to memory: to reused block memory, to one vector if it is the same for all
// elements of a block or of all blocks, or directly to the output.
#pragma once
#include <utility>

#include "block.inl"

namespace flambeau::ISA {

template <class T> INLINE void fill_vector(char* to, T x) { store(reinterpret_cast<T*>(to), splat(x)); }

/** A vector of a number, converted to its dtype. */
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

/** Finds a slot for every value. */
class Values {
 public:
  Values(const Map& map, Plan& plan, char* vectors, int32_t* target, int32_t* partner)
      : map_(map), plan_(plan), vectors_(vectors), target_(target), partner_(partner) {
    int64_t widest = 1;
    for (int32_t i = 0; i < map.inputCount; i++) widest = larger(widest, size_of(map.inputs[i].operand.dtype));
    for (int32_t i = 0; i < map.codeCount; i++) widest = larger(widest, size_of(map.codes[i].dtype));
    blockBytes_ = padded(larger(plan.inPlace() ? 0 : plan.turns * plan.inner, width) * widest + slack);
  }

  void assign() {
    for (int32_t i = 0; i < map_.inputCount; i++) input(i);
    if (map_.blocks != nullptr) return results();
    for (int32_t r = 0; r < maxRegisters; r++) own_[r] = -1;
    pair_steps();
    choose_targets();
    for (int32_t i = 0; i < map_.codeCount; i++) code(i);
    bool needsSpare = false;
    for (int32_t k = 0; k < map_.outCount; k++) {
      Output& out = plan_.outs[k];
      out.slot = slot_of(map_.outs[k].from);
      needsSpare |= out.reduction != nullptr && plan_.slots[out.slot].advance == 0;
    }
    if (needsSpare) plan_.spare = block();
    plan_.blockBytes = partBytes_;
  }

 private:
  static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

  int32_t slot_of(int32_t operand) const { return operand < 0 ? -1 - operand : current_[operand]; }
  bool is_one(int32_t slot) const { return plan_.slots[slot].advance == 0; }
  bool is_constant(int32_t slot) const { return plan_.home[slot] < 0; }

  int32_t in_part(int64_t advance, int64_t bytes) {
    plan_.slots[plan_.slotCount] = {nullptr, advance};
    plan_.home[plan_.slotCount] = partBytes_;
    partBytes_ += bytes;
    return plan_.slotCount++;
  }
  int32_t block() { return in_part(1, blockBytes_); }
  /** One value in each block. */
  int32_t even() { return in_part(0, padded(VECTOR_BYTES)); }
  char* vector() {
    char* result = vectors_;
    vectors_ += VECTOR_BYTES;
    plan_.slots[plan_.slotCount] = {result, 0};
    plan_.home[plan_.slotCount++] = -1;
    return result;
  }

  /** The outputs' slots, one after the other behind those of the inputs, if a function computes blocks. */
  void results() {
    for (int32_t k = 0; k < map_.outCount; k++) {
      Output& out = plan_.outs[k];
      out.direct = out.reduction == nullptr && is_contiguous(map_, out.steps, plan_.inside());
      out.slot = block();
    }
    plan_.blockBytes = partBytes_;
  }

  void input(int32_t i) {
    Input& input = plan_.inputs[i];
    if (input.layout == Layout::uniform) {
      vector();
    } else if (input.layout == Layout::even) {
      even();
    } else {
      block();
    }
  }

  /**
   * Fuses a step into the only one that reads its result: a comparison into a select, so that its bools are never written,
   * and a product into a sum or a difference into a product, which halves the loops over a block.
   */
  void pair_steps() {
    int32_t last[maxRegisters];
    for (int32_t i = 0; i < map_.codeCount; i++) {
      const Code& code = map_.codes[i];
      partner_[i] = -1;
      for (int32_t o = 0; o < (isFetched ? 1 : info_of(code.step).operands) && partner_[i] < 0; o++) {
        const int32_t of = operand(code, o);
        if (of < 0 || (isFetched && code.step != Step::select)) continue;
        const int32_t j = last[of];
        const Code& made = map_.codes[j];
        if (fused(j, i, o) != nullptr && partner_[j] < 0 && is_only_for(j, i, o) && stays(made.a, j, i) &&
            (info_of(made.step).operands == 1 || stays(made.b, j, i))) {
          partner_[i] = j;
          partner_[j] = i;
        }
      }
      last[code.dst] = i;
    }
  }

  static int32_t operand(const Code& code, int32_t o) { return o == 0 ? code.a : o == 1 ? code.b : code.c; }

  /** The loop of step i that also computes step j, its operand number o; null if there is none. */
  Loop fused(int32_t j, int32_t i, int32_t o) const {
    const Code &made = map_.codes[j], &code = map_.codes[i];
    if (!isFetched && code.step != Step::select) return pair_by(made, code);
    const bool are = o == 0 && code.dtype == DType::float32 && made.of == DType::float32;
    return are ? choice_by(made.step) : nullptr;
  }

  /** Whether only operand o of step i reads the result of step j. */
  bool is_only_for(int32_t j, int32_t i, int32_t o) const {
    const int32_t made = map_.codes[j].dst;
    for (int32_t m = j + 1; m < map_.codeCount; m++) {
      const Code& code = map_.codes[m];
      for (int32_t k = 0; k < info_of(code.step).operands; k++) {
        if (operand(code, k) == made && (m != i || k != (isFetched ? 0 : o))) return false;
      }
      if (code.dst == made) return true;
    }
    for (int32_t k = 0; k < map_.outCount; k++) {
      if (map_.outs[k].from == made) return false;
    }
    return true;
  }

  /** Whether an operand of step j is still available at step i; for a constant, whether nothing overwrites it. */
  bool stays(int32_t operand, int32_t j, int32_t i) const {
    if (operand < 0) return true;
    int32_t writer = j - 1;
    while (map_.codes[writer].dst != operand) writer--;
    if (map_.codes[writer].step == Step::constant) return true;
    for (int32_t m = j + 1; m < i; m++) {
      if (map_.codes[m].dst == operand) return false;
    }
    return true;
  }

  /**
   * Values of stored outputs are computed in the outputs' memory, by the last step that writes their register, unless
   * an input in the same memory is read later: by a step, or as another output's value, before which all of it is
   * copied.
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
      if (from < 0 || !is_contiguous(map_, plan_.outs[k].steps, plan_.inside())) continue;
      if (target_[last[from]] < 0 && !is_read(k, last[from] + 1)) target_[last[from]] = k;
    }
  }

  /** Whether steps from `i` on read an input that shares memory with output k. */
  bool is_read(int32_t k, int32_t i) const {
    for (; i < map_.codeCount && plan_.aliases != 0; i++) {
      if (reads(i, k) || (partner_[i] >= 0 && reads(partner_[i], k))) return true;
    }
    return false;
  }
  bool reads(int32_t i, int32_t k) const {
    const Code& code = map_.codes[i];
    const int32_t operands[] = {code.a, code.b, code.c};
    for (int32_t j = 0; j < info_of(code.step).operands; j++) {
      if (operands[j] < 0 && is_alias(plan_, k, -1 - operands[j])) return true;
    }
    return false;
  }

  SHORT void code(int32_t i) {
    const Code& code = map_.codes[i];
    if (code.step == Step::constant) {
      double x;
      memcpy(&x, &code.a, sizeof x);
      current_[code.dst] = plan_.slotCount;
      return put_number(vector(), code.dtype, x);
    }
    int32_t count = info_of(code.step).operands;
    const int32_t partner = partner_[i];
    const bool fuses = partner >= 0 && partner < i;
    int32_t from[3] = {};
    bool one = !fuses, constant = one;
    // What a step gets from the one that is fused into it comes first.
    const int32_t made = !fuses ? -1 : isFetched || code.a == map_.codes[partner].dst ? 0 : 1;
    for (int32_t j = 0; j < count; j++) {
      from[j] = j == made ? fused_[operand(code, j)].first : slot_of(operand(code, j));
      one &= is_one(from[j]);
      constant &= is_constant(from[j]);
    }
    if (partner > i) {
      if (!one) {
        fused_[code.dst] = {from[0], from[count - 1]};
        return;
      }
      partner_[partner] = -1;
    }
    const Loop loop = fuses ? fused(partner, i, made) : loop_of(code);
    const int32_t second = fuses ? fused_[operand(code, made)].second : 0;
    if (!isFetched && fuses && code.step != Step::select) {
      from[2] = from[1 - made];
      from[0] = from[made];
      from[1] = second;
      count = 3;
    }
    const int32_t elements = static_cast<int32_t>(VECTOR_BYTES / size_of(code.dtype));
    Op op{loop, 0, from[0], from[1], from[2], elements, second};
    if (constant) {
      op.d = plan_.slotCount;
      vector();
      plan_.once[plan_.onceCount++] = op;
    } else if (one) {
      op.d = even();
      plan_.even[plan_.evenCount++] = op;
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
    // Wider results would overtake the operand that they overwrite.
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
  /** The output whose memory a step writes, or -1. */
  int32_t* target_;
  /**
   * For a step the one that is fused into it, for that one the step, otherwise -1; and the operands of fused steps, by
   * register.
   */
  int32_t* partner_;
  std::pair<int32_t, int32_t> fused_[maxRegisters];
  int64_t partBytes_ = 0, blockBytes_;
  /** The slot of a register's current value, and the slot that owns the register's memory. */
  int32_t current_[maxRegisters], own_[maxRegisters];
};

}  // namespace flambeau::ISA
