// The expression after a contraction: a map over a region of the result of one batch element, or over all of it.
#pragma once
#include "../kernels.h"
#include "nests.inl"

namespace flambeau::ISA {

extern const Kernels kernels;

/** The loops of a class, with an operand's strides in them. */
INLINE Nest rows_of(const Contract& it, const int32_t* steps) { return {it.rows, it.sizes + it.batch, steps}; }
INLINE Nest columns_of(const Contract& it, const int32_t* steps) {
  return {it.columns, it.sizes + it.batch + it.rows, steps};
}
INLINE Nest sum_of(const Contract& it, const int32_t* steps) {
  return {it.sum, it.sizes + it.batch + it.rows + it.columns, steps};
}

/** The offset of a batch element of an operand whose first strides are the batch's. */
INLINE int64_t batch_offset(const Contract& it, const int32_t* steps, int64_t index) {
  int64_t offset = 0;
  for (int32_t d = it.batch - 1; d >= 0; --d) {
    offset += index % it.sizes[d] * steps[d];
    index /= it.sizes[d];
  }
  return offset;
}

static bool has_finish(const Contract& it) { return it.codeCount > 0 || it.from != -1; }

/**
 * Whether every operand of the expression has constant strides along rows and columns, so that any region can be
 * computed.
 */
static bool finishes_in_parts(const Contract& it) {
  for (int32_t i = 0; i < it.inputCount; ++i) {
    int64_t step;
    const int32_t* const steps = it.inputs[i].steps + it.batch;
    if (!is_even(rows_of(it, steps), &step) || !is_even(columns_of(it, steps + it.rows), &step)) return false;
  }
  return true;
}

/** Memory for the operands of an expression and their strides. */
struct FinishInputs {
  Strided* inputs;
  int32_t (*steps)[2];

  static int64_t bytes(const Contract& it) { return (it.inputCount + 1) * static_cast<int64_t>(sizeof(Strided) + 8); }
  FinishInputs(const Contract& it, char* at)
      : inputs(reinterpret_cast<Strided*>(at)), steps(reinterpret_cast<int32_t(*)[2]>(inputs + it.inputCount + 1)) {}
};

/** The expression after a product, as a map of a region of c of a batch element. The map refers to this memory. */
struct Finish {
  int32_t sizes[2];
  MapOut out;
  Map map;

  __attribute__((noinline)) Finish(const Contract& it, int64_t index, const Region& region, FinishInputs to)
      : sizes{static_cast<int32_t>(region.rowEnd - region.row),
              static_cast<int32_t>(region.columnEnd - region.column)} {
    // A loop of one iteration would only divide the other one into pieces.
    const int32_t first = sizes[0] == 1, depth = first == 1 || sizes[1] == 1 ? 1 : 2;
    const auto put = [&](int32_t i, const Operand& operand, int64_t before, int64_t row, int64_t column) {
      to.steps[i][0] = static_cast<int32_t>(row);
      to.steps[i][1] = static_cast<int32_t>(column);
      to.inputs[i] = {operand, to.steps[i] + first};
      to.inputs[i].operand.offset += static_cast<int32_t>(before + region.row * row + region.column * column);
    };
    put(0, it.c, index * it.m * it.n, it.n, 1);
    for (int32_t i = 0; i < it.inputCount; ++i) {
      const int32_t* const steps = it.inputs[i].steps;
      int64_t row, column;
      is_even(rows_of(it, steps + it.batch), &row);
      is_even(columns_of(it, steps + it.batch + it.rows), &column);
      put(i + 1, it.inputs[i].operand, batch_offset(it, steps, index), row, column);
    }
    out = {to.inputs[0], Reduce::none, it.from};
    map = {depth, sizes + first, it.inputCount + 1, to.inputs, 1, &out, it.codeCount, it.codes, it.blocks, false};
  }
  Finish(const Finish&) = delete;
  Finish& operator=(const Finish&) = delete;
};

/** Computes the expression after the product, for a region of c of a batch element. */
__attribute__((noinline)) static void finish_region(const Contract& it, const Memory& memory, void* prepared,
                                                    int64_t index, const Region& region) {
  if (prepared != nullptr && region.rowEnd - region.row == it.m && region.columnEnd - region.column == it.n) {
    kernels.run(prepared, memory);
  } else {
    const FinishInputs inputs(it, scratch<3>().room<char>(FinishInputs::bytes(it)));
    kernels.map(Finish(it, index, region, inputs).map, memory);
  }
}

/** Computes the expression for all of c at once. */
__attribute__((noinline)) static void finish_all(const Contract& it, const Memory& memory) {
  const int32_t depth = it.batch + it.rows + it.columns;
  Strided* const inputs = scratch<3>().room<Strided>(it.inputCount + 1);
  int32_t steps[maxDepth];
  for (int64_t d = depth - 1, step = 1; d >= 0; step *= it.sizes[d--]) steps[d] = static_cast<int32_t>(step);
  inputs[0] = {it.c, steps};
  for (int32_t i = 0; i < it.inputCount; ++i) inputs[i + 1] = it.inputs[i];
  const MapOut out{inputs[0], Reduce::none, it.from};
  kernels.map({depth, it.sizes, it.inputCount + 1, inputs, 1, &out, it.codeCount, it.codes, it.blocks, false}, memory);
}

}  // namespace flambeau::ISA
