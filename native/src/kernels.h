// What kernels are told. An instruction is read where it lies: its sizes, steps and operands are 32-bit words of the
// stream that JavaScript wrote, which stream.cc has checked before a kernel sees them. Nothing here knows Node.
#pragma once
#include <cstdint>

#include "composites.h"

#include "steps.h"

namespace flambeau {

/** In the order of core's `dtypes`: the wider of two types is the larger. */
enum class DType : int32_t { boolean, uint8, int32, float32, float64 };

inline int64_t size_of(DType dtype) {
  constexpr int64_t sizes[] = {1, 1, 4, 4, 8};
  return sizes[static_cast<int32_t>(dtype)];
}

/** Memory that a stream may name: a slab of JavaScript's, kept alive by who wrote the stream. */
struct Row {
  char* data;
  int64_t bytes;
};

/** What the references of a stream mean while it runs. */
struct Memory {
  const Row* rows;
  int32_t rowCount;
  const double* numbers;
  int32_t numberCount;
};

/** Elements of a row, from `offset` on, or a number: `ref` from 0 is a row, below 0 the number at -1 - ref. */
struct Operand {
  int32_t ref;
  DType dtype;
  int32_t offset;
  /** What of the row is its tensor's: the first element, and how many. Who checks asks for it, kernels do not. */
  int32_t first, count;

  Operand() = default;
  constexpr Operand(int32_t ref, DType dtype, int32_t offset, int32_t first = 0, int32_t count = 0)
      : ref(ref), dtype(dtype), offset(offset), first(first), count(count) {}

  bool is_number() const { return ref < 0; }
  double number(const Memory& memory) const { return memory.numbers[-1 - ref]; }
  template <class T> T* in(const Memory& memory) const { return reinterpret_cast<T*>(memory.rows[ref].data) + offset; }
};

/** An operand in loops: how many elements it moves on in each of them, outermost first. A number's steps are 0. */
struct Strided {
  Operand operand;
  const int32_t* steps;
};

enum class Reduce : int32_t { none = -1, sum, prod, max, min };

/** The most values of an expression that are alive at once. */
constexpr int32_t maxRegisters = 32;
/** The most loops of an instruction. */
constexpr int32_t maxDepth = 32;

/**
 * One step of an expression: register `dst` gets a value of `dtype` computed from values of `of`. An operand from 0 is a
 * register, below 0 the instruction's input at -1 - operand. A constant's double is in `a` (low word) and `b` (high word).
 */
struct Code {
  Step step;
  DType dtype;
  DType of;
  int32_t dst;
  int32_t a, b, c;
};
static_assert(sizeof(Code) == 28, "a step is seven words of the stream");

/** One result of a map: a register or an input (as in Code), stored by steps or reduced over the loops with step 0. */
struct MapOut {
  Strided to;
  Reduce reduce;
  int32_t from;
};

/** Expressions over all elements of nested loops. */
struct Map {
  int32_t depth;
  const int32_t* sizes;
  int32_t inputCount;
  const Strided* inputs;
  int32_t outCount;
  const MapOut* outs;
  int32_t codeCount;
  const Code* codes;
};

/**
 * c[..., i, j] = sum over p of a[..., i, p] * b[..., p, j], then the expression `codes` of it: its input 0 is the product,
 * the further ones are `inputs`, whose steps are over the batch sizes, m and n. c is row-major and nobody else's memory.
 */
struct Matmul {
  DType dtype;
  int32_t depth;
  const int32_t* sizes;
  int32_t m, n, k;
  /** Steps over the batch sizes, then rows, then columns. */
  Strided a, b;
  Operand c;
  int32_t inputCount;
  const Strided* inputs;
  int32_t codeCount;
  const Code* codes;
  /** What of the expression is stored: a register or input. */
  int32_t from;
};

/**
 * A composition that is one kernel: row-major operands of [outer, n, inner], inputs and then outputs, of which each is as
 * much as its record says (composites.h). What they are is said by core's backend/composites.ts. All but indices are of one
 * real dtype.
 */
struct CompositeOp {
  Composite kind;
  DType dtype;
  int32_t outer, n, inner;
  int32_t numbers[maxCompositeNumbers];
  Operand operands[maxCompositeOperands];
  /** By how many elements an operand moves on for a row that may have one for all of them: 0, 1. */
  int32_t steps[maxCompositeOperands];
};

/** The kernels of one instruction set; all of them compute the same to rounding, whatever the number of threads. */
struct Kernels {
  const char* name;
  void (*map)(const Map&, const Memory&);
  /** Whether the one result of a map of bools, reduced by max, is true anywhere. */
  bool (*any)(const Map&, const Memory&);
  /** `finish`: what `prepare_finish` made of it, or null. */
  void (*matmul)(const Matmul&, const Memory&, void* finish);
  void (*composite)(const CompositeOp&, const Memory&);
  /**
   * A map, or a check, that runs many times: what follows from its sizes and steps is found out once. What it points to
   * stays where it is until it is released; it runs on one thread at a time. Null where there is no memory.
   */
  void* (*prepare)(const Map&, bool isCheck);
  /** The same for the expression after a product; null also where there is none, or one for each of several products. */
  void* (*prepare_finish)(const Matmul&);
  /** Of a check: whether it is true anywhere. */
  bool (*run)(void* prepared, const Memory&);
  void (*release)(void* prepared);
};

/** Throws std::bad_alloc; what kernels need beyond their operands is accumulators. */
[[noreturn]] void out_of_memory();

}  // namespace flambeau
