// The arguments of kernels. An instruction is read in place: its sizes, strides and operands are 32-bit words of the
// stream that JavaScript wrote, which stream.cc has checked before a kernel sees them. Nothing here depends on Node.
#pragma once
#include <cstdint>
#include <cstdlib>

#include "allocate.h"
#include "composites.h"
#include "matrices.h"
#include "steps.h"

namespace flambeau {

/** In the order of core's `dtypes`: the wider of two types is the larger. */
enum class DType : int32_t { boolean, uint8, int32, float32, float64 };

inline int64_t size_of(DType dtype) {
  constexpr int64_t sizes[] = {1, 1, 4, 4, 8};
  return sizes[static_cast<int32_t>(dtype)];
}

/** Memory that a stream may refer to: a slab of JavaScript's, which the writer of the stream keeps alive. */
struct Row {
  char* data;
  int64_t bytes;
};

/** The meaning of a stream's references while it runs. */
struct Memory {
  const Row* rows;
  int32_t rowCount;
  const double* numbers;
  int32_t numberCount;
};

/**
 * Elements of a row, from `offset` on, or a number: a nonnegative `ref` is a row, a negative one the number at -1 -
 * ref.
 */
struct Operand {
  int32_t ref;
  DType dtype;
  int32_t offset;
  /** The tensor's part of the row: first element and count. Only checks use it, kernels do not. */
  int32_t first, count;

  Operand() = default;
  constexpr Operand(int32_t ref, DType dtype, int32_t offset, int32_t first = 0, int32_t count = 0)
      : ref(ref), dtype(dtype), offset(offset), first(first), count(count) {}

  bool is_number() const { return ref < 0; }
  double number(const Memory& memory) const { return memory.numbers[-1 - ref]; }
  template <class T> T* in(const Memory& memory) const { return reinterpret_cast<T*>(memory.rows[ref].data) + offset; }
};

/** An operand in loops: its stride in each of them, in elements, outermost first. The strides of a number are 0. */
struct Strided {
  Operand operand;
  const int32_t* steps;
};

enum class Reduce : int32_t { none = -1, sum, prod, max, min };

/** The maximum number of live values in an expression. */
constexpr int32_t maxRegisters = 32;
/** The maximum number of loops in an instruction. */
constexpr int32_t maxDepth = 32;

/**
 * One step of an expression: register `dst` gets a value of `dtype` computed from values of `of`. A nonnegative operand
 * is a register, a negative one the instruction's input at -1 - operand. A constant's double is in `a` (low word) and
 * `b` (high word).
 */
struct Code {
  Step step;
  DType dtype;
  DType of;
  int32_t dst;
  int32_t a, b, c;
};
static_assert(sizeof(Code) == 28, "a step is seven words of the stream");

/**
 * One result of a map: a register or an input (as in Code), stored with strides or reduced over the loops with stride
 * 0.
 */
struct MapOut {
  Strided to;
  Reduce reduce;
  int32_t from;
};

/** Floats that are summed in vectors of floats, before these sums are added in double precision. */
constexpr int64_t sumRun = 256;

/**
 * A function that was emitted for a program while it runs, WebAssembly for example: a function of no known type until it is
 * cast to one of those below.
 */
using Function = void (*)();
/**
 * Computes instructions over the rows and the numbers of a program. Returns 0, or the tag plus 1 of a check that is true
 * somewhere, where it has stopped.
 */
using WholeFunction = int32_t (*)(const Row* rows, const double* numbers);
/**
 * Computes a map's expression for a block of so many elements, and up to a vector more: slots (slots.inl) of the inputs,
 * then of the outputs. For a negative number it computes as many without the sign, a multiple of `sumRun`, and stores
 * instead of the values of each `sumRun` of them a vector of their sums, in four chains (Map::sums).
 */
using BlockFunction = void (*)(const void* slots, int32_t count);

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
  /** Computes what the codes do; null if they are interpreted. */
  BlockFunction blocks;
  /** Whether it also sums runs of its results. */
  bool sums;
};

/**
 * Zeros around planes of `high` by `wide` elements, which are not in memory. An operand's steps, and `start`, where its
 * loops begin, count them as if they were.
 */
struct Border {
  int32_t high, wide, above, before, below, behind, start;

  int64_t tall() const { return int64_t{above} + high + below; }
  int64_t broad() const { return int64_t{before} + wide + behind; }
  /** The elements of a plane: with the zeros, and in memory. */
  int64_t plane() const { return tall() * broad(); }
  int64_t inside() const { return int64_t{high} * wide; }
};

/**
 * What a kernel made of a factor that stays as it is, for its next run. How much is kept depends on sizes alone: `left`
 * bytes may be taken by it and those that run after it.
 */
class Kept {
 public:
  explicit Kept(int64_t* left) : left_(left) {}
  ~Kept() { std::free(data_); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  /** Whether it has so many bytes, the same in every run; throws std::bad_alloc. */
  bool has_room(int64_t bytes);
  void* data() const { return data_; }
  /** How it was made; 0 if the factor has changed since. */
  int64_t made = 0;

 private:
  int64_t* left_;
  void* data_ = nullptr;
};

/**
 * Sums of products, followed by the expression `codes`. a has the loops of batch, rows and sum, b those of batch, sum and
 * columns; c is row-major over batch, rows and columns and shares memory with nothing. The expression's input 0 is the
 * sum, the others are `inputs`, which have the loops of c.
 */
struct Contract {
  DType dtype;
  /** The number of loops of each class. If none of the last three has more than one, matrices are multiplied. */
  int32_t batch, rows, columns, sum;
  /** Sizes of the loops of the batch, of rows, of columns, of the sum. */
  const int32_t* sizes;
  /** The products of these sizes: batch elements, rows, columns, terms of a sum. */
  int64_t count, m, n, k;
  Strided a, b;
  Operand c;
  int32_t inputCount;
  const Strided* inputs;
  int32_t codeCount;
  const Code* codes;
  /** The stored value of the expression: a register or input. */
  int32_t from;
  /** Of b, or null. */
  const Border* border;
  /** For a, or null. */
  Kept* kept;
  /** Computes what the codes do; null if they are interpreted. */
  BlockFunction blocks;
};

/**
 * Copies the elements of `from` to theirs of `to`, and sets the others of its `count` elements to a value; the loops
 * begin at element `first`. The last loop of `to` is contiguous, and what comes later in the loops lies later in it.
 */
struct Pad {
  int32_t depth, count, first;
  const int32_t* sizes;
  double value;
  Strided from, to;
};

/** The most taps of a window of a plane along a side. */
constexpr int32_t maxPoolTaps = 9;

/**
 * A composition that is one kernel: row-major operands of [outer, n, inner], inputs and then outputs, each with the
 * extent that its record gives (composites.h). core's backend/composites.ts defines them. All except indices have one
 * real dtype.
 */
struct CompositeOp {
  Composite kind;
  DType dtype;
  int32_t outer, n, inner;
  int32_t numbers[maxCompositeNumbers];
  Operand operands[maxCompositeOperands];
  /**
   * The stride of an operand from row to row, which is 0 if one element serves all rows: 0 or 1. Of channels, the number of
   * slices until they repeat.
   */
  int32_t steps[maxCompositeOperands];
};

/** The kernels of one instruction set; all sets compute the same up to rounding, whatever the number of threads. */
struct Kernels {
  const char* name;
  void (*map)(const Map&, const Memory&);
  /** Whether the single result of a map, a bool reduced by max, is true anywhere. */
  bool (*any)(const Map&, const Memory&);
  /** `finish`: the result of `prepare_finish`, or null. */
  void (*contract)(const Contract&, const Memory&, void* finish);
  void (*composite)(const CompositeOp&, const Memory&);
  void (*pad)(const Pad&, const Memory&);
  /** A routine whose arrays fit. Returns whether there was memory for it. */
  bool (*matrices)(const Matrices&);
  /**
   * Prepares a map, or a check, that runs many times: everything that follows from its sizes and strides is computed
   * once. Its data must stay in place until it is released; it runs on one thread at a time. Null if there is no
   * memory.
   */
  void* (*prepare)(const Map&, bool isCheck);
  /** The same for the expression after a product; null also if there is none, or one for each of several products. */
  void* (*prepare_finish)(const Contract&);
  /** For a check: whether it is true anywhere. */
  bool (*run)(void* prepared, const Memory&);
  void (*release)(void* prepared);
  /** Rounds doubles. */
  void (*narrow)(const double* from, int64_t n, float* to);
  /** Overwrites whole sixteens of random words with normal numbers times `std`. */
  void (*normals)(float* words, int64_t n, float std);
#if !defined(__wasm__)
  /** Adds elements to sums in double precision: a fold's loop over rows. */
  void (*add_to_sums)(const float* from, int64_t n, double* sums);
#endif
};

}  // namespace flambeau
