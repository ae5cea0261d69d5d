// Kernels that move elements without computing: fold, gather, scatter and iota, as specified in STREAM.md.
#pragma once
#include "kernels.h"

namespace flambeau {

/** Adds every element of `from` to the element of `to` at its position; `count` elements of `to` are set to 0 first. */
struct Fold {
  int32_t depth, count, first;
  const int32_t* sizes;
  Strided from;
  /** Begins at its element 0; positions begin at `first`. */
  Strided to;
};

/** to[..] = source[.., index[..], ..]; the source has stride 0 along the axis, which has a separate size and stride. */
struct Gather {
  int32_t depth, axisSize, axisStep;
  const int32_t* sizes;
  Strided source, index, to;
};

/** to[.., index[..], ..] is set to, or combined with, source[..]; `to` has stride 0 along the axis. */
struct Scatter {
  /** `none` sets. */
  Reduce fn;
  int32_t depth, axisSize, axisStep;
  const int32_t* sizes;
  Strided index, source, to;
};

/**
 * Whether every index lies within an axis: an instruction that may fail runs before anything that depends on it is
 * written.
 */
struct Indices {
  int32_t depth, axisSize;
  const int32_t* sizes;
  Strided index;
};

/** The index in the middle of three loops. */
struct Iota {
  int32_t outer, n, inner;
  Operand to;
};

/** An index out of bounds, found before anything is written. */
struct BadIndex {
  bool found;
  int32_t value;
};

void fold(const Fold&, const Kernels&, const Memory&);
BadIndex gather(const Gather&, const Memory&);
BadIndex scatter(const Scatter&, const Memory&);
BadIndex indices(const Indices&, const Memory&);
void iota(const Iota&, const Memory&);

}  // namespace flambeau
