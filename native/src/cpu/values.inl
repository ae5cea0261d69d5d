// Where each value of a map's expression lies: in memory of the block that is used again and again, in one vector where
// it is the same for all elements, or at once where the output is.
#pragma once
#include "block.inl"

namespace flambeau::ISA {

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

}  // namespace flambeau::ISA
