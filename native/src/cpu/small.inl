// Maps with one short loop and no reductions, which make up eager programs on a few numbers: planning them would take
// longer than running them. Each value has its own memory, and outputs are written when all values have been computed.
#pragma once
#include "box.inl"

namespace flambeau::ISA {

/** The limits of a small map: elements, and inputs and steps together. */
constexpr int64_t smallLength = 256, smallValues = 16;

/** The number of elements of a small map; 0 if the map is not small. */
static int64_t small_length(const Map& map) {
  if (map.blocks != nullptr || map.depth > 1 || map.inputCount + int64_t{map.codeCount} > smallValues) return 0;
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

/** How an input gets to its slot. */
enum class Way : int32_t { number, element, inPlace, copied };

/** Everything that follows from a small map alone, in its own memory. */
struct Small {
  int64_t n;
  int32_t opCount;
  Way* ways;
  /** For the inputs, then for the steps. */
  Slot* slots;
  Op* ops;
  /** The slot of each output's value. */
  int32_t* from;
};

static int64_t small_bytes(const Map& map, int64_t n) {
  const int64_t values = map.inputCount + map.codeCount;
  return bytes_of<Way>(map.inputCount) + bytes_of<Slot>(values) + bytes_of<Op>(map.codeCount) +
         bytes_of<int32_t>(map.outCount) + values * padded(n * static_cast<int64_t>(sizeof(double)) + slack);
}

SHORT static void make_small(const Map& map, int64_t n, Room room, Small& small) {
  small = {n, 0, room.take<Way>(map.inputCount), room.take<Slot>(map.inputCount + int64_t{map.codeCount}),
           room.take<Op>(map.codeCount), room.take<int32_t>(map.outCount)};
  Slot* slots = small.slots;
  const auto take = [&](DType dtype) { return room.bytes(n * size_of(dtype) + slack); };
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Strided& x = map.inputs[i];
    const bool one = map.depth == 0 || x.steps[0] == 0;
    const bool inPlace = !one && n % width == 0 && map.outCount == 1;
    small.ways[i] = x.operand.is_number() ? Way::number : one ? Way::element : inPlace ? Way::inPlace : Way::copied;
    slots[i] = {inPlace ? nullptr : take(x.operand.dtype), one ? 0 : 1};
  }
  int32_t registers[maxRegisters];
  const auto slot_of = [&](int32_t operand) { return operand < 0 ? -1 - operand : registers[operand]; };
  for (int32_t i = 0, d = map.inputCount; i < map.codeCount; i++, d++) {
    const Code& code = map.codes[i];
    slots[d] = {take(code.dtype), 0};
    if (code.step == Step::constant) {
      double x;
      memcpy(&x, &code.a, sizeof x);
      put_number(slots[d].at, code.dtype, x);
    } else {
      const int32_t operands[] = {code.a, code.b, code.c};
      int32_t from[3] = {};
      for (int32_t j = 0; j < info_of(code.step).operands; j++) {
        from[j] = slot_of(operands[j]);
        slots[d].advance |= slots[from[j]].advance;
      }
      const auto count = static_cast<int32_t>(VECTOR_BYTES / size_of(code.dtype));
      small.ops[small.opCount++] = {loop_of(code), d, from[0], from[1], from[2], count};
    }
    registers[code.dst] = d;
  }
  for (int32_t k = 0; k < map.outCount; k++) small.from[k] = slot_of(map.outs[k].from);
}

static void run_small(const Map& map, const Small& small, const Memory& memory) {
  const int64_t n = small.n;
  Slot* slots = small.slots;
  const Box box{&n, oneTurn, 1};
  for (int32_t i = 0; i < map.inputCount; i++) {
    const Operand& x = map.inputs[i].operand;
    switch (small.ways[i]) {
      case Way::number:
        put_number(slots[i].at, x.dtype, x.number(memory));
        break;
      case Way::element:
        put_element(slots[i].at, size_of(x.dtype), address(x, memory));
        break;
      case Way::inPlace:
        slots[i].at = address(x, memory);
        break;
      case Way::copied:
        gather(box, size_of(x.dtype), address(x, memory), slots[i].at);
    }
  }
  for (const Op *op = small.ops, *end = op + small.opCount; op < end; op++)
    op->run(*op, slots, slots[op->d].advance == 0 ? op->count : n);
  for (int32_t k = 0; k < map.outCount; k++) {
    const Operand& to = map.outs[k].to.operand;
    scatter(box, size_of(to.dtype), slots[small.from[k]], address(to, memory));
  }
}

}  // namespace flambeau::ISA
