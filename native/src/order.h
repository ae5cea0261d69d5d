// Kernels that compare along an axis: argReduce, scan and sort, as specified in STREAM.md. NaN wins every comparison.
#pragma once
#include "kernels.h"

namespace flambeau {

/** The position of the extreme element over the reduced loops, in order; the first of equals. */
struct ArgReduce {
  bool max;
  int32_t kept, reduced;
  /** Sizes of the kept loops, then of the reduced ones. */
  const int32_t* sizes;
  Strided from;
  Operand to;
};

/** Running sum, product, maximum or minimum over `n` elements, along the last stride. */
struct Scan {
  Reduce fn;
  int32_t depth, n;
  const int32_t* sizes;
  Strided from, to;
};

/** Places of an order, from one to before another. */
struct Run {
  int32_t from, to;
};

/** Stable; NaN counts as the largest. Only the places of some runs are written. */
struct Sort {
  bool descending;
  int32_t depth, n, runs;
  const int32_t* sizes;
  const Run* places;
  Strided from, values, indices;
};

void arg_reduce(const ArgReduce&, const Memory&);
void scan(const Scan&, const Memory&);
void sort(const Sort&, const Memory&);

}  // namespace flambeau
