// Maps of one short loop that reduce nothing, which is what eager programs on a few numbers consist of: to plan them
// would take longer than to do them. Each value has memory of its own, and outputs are written when all values are
// there.
#pragma once
#include "box.inl"

namespace flambeau::ISA {

/** Elements, and inputs and steps together, of a map that is taken for small. */
constexpr int64_t smallLength = blockLength, smallValues = 16;

/** How many elements a small map has; 0 where it is none. */
static int64_t small_length(const Map& map) {
  if (map.depth > 1 || map.inputCount + int64_t{map.codeCount} > smallValues) return 0;
  const int64_t n = map.depth == 0 ? 1 : map.sizes[0];
  if (n > smallLength) return 0;
  for (int32_t i = 0; i < map.inputCount && map.depth == 1; i++) {
    if ((map.inputs[i].steps[0] & ~1) != 0) return 0;
  }
  for (int32_t k = 0; k < map.outCount; k++) {
    if (map.outs[k].reduce != Reduce::none || (map.depth == 1 && map.outs[k].to.steps[0] != 1)) return 0;
  }
  return n;
}

static void run_small(const Map& map, int64_t n, const Memory& memory) {
  constexpr int64_t most = smallValues * (smallLength * static_cast<int64_t>(sizeof(double)) + slack);
  alignas(64) char values[most];
  char* free = values;
  const auto take = [&](int64_t size) {
    char* result = free;
    free += padded(n * size + slack);
    return result;
  };
  Slot slots[smallValues];
  int32_t registers[maxRegisters];
  const Box box{&n, oneTurn, 1};
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    const int64_t size = size_of(x.operand.dtype);
    const bool one = map.depth == 0 || x.steps[0] == 0;
    if (!one && n % width == 0 && map.outCount == 1) {
      slots[i] = {address(x.operand, memory), 1};
      continue;
    }
    slots[i] = {take(size), one ? 0 : 1};
    if (x.operand.is_number()) {
      put_number(slots[i].at, x.operand.dtype, x.operand.number(memory));
    } else if (one) {
      put_element(slots[i].at, size, address(x.operand, memory));
    } else {
      gather(box, size, address(x.operand, memory), slots[i].at);
    }
  }
  const auto slot_of = [&](int32_t operand) { return operand < 0 ? -1 - operand : registers[operand]; };
  for (int32_t i = 0, d = map.inputCount; i < map.codeCount; i++, d++) {
    const Code& code = map.codes[i];
    const int64_t size = size_of(code.dtype);
    slots[d] = {take(size), 0};
    if (code.step == Step::constant) {
      double x;
      memcpy(&x, &code.a, sizeof x);
      put_number(slots[d].at, code.dtype, x);
    } else {
      const int32_t operands[] = {code.a, code.b, code.c};
      int32_t from[3] = {};
      for (int32_t j = 0; j < operands_of(code.step); j++) {
        from[j] = slot_of(operands[j]);
        slots[d].advance |= slots[from[j]].advance;
      }
      const Op op{loop_of(code), d, from[0], from[1], from[2], static_cast<int32_t>(VECTOR_BYTES / size)};
      op.run(op, slots, slots[d].advance == 0 ? op.count : n);
    }
    registers[code.dst] = d;
  }
  for (int32_t k = 0; k < map.outCount; k++) {
    const Operand& to = map.outs[k].to.operand;
    scatter(box, size_of(to.dtype), slots[slot_of(map.outs[k].from)], address(to, memory));
  }
}

}  // namespace flambeau::ISA
