// Kernels that move elements without computing: fold, gather, scatter and iota, told as in STREAM.md.
#pragma once
#include "kernels.h"

namespace flambeau {

/** Adds every element of `from` to the place of `to` where its index leads; `count` elements of `to` begin as 0. */
struct Fold {
  int32_t depth, count, first;
  const int32_t* sizes;
  Strided from;
  /** Begins at its element 0; positions begin at `first`. */
  Strided to;
};

/** to[..] = source[.., index[..], ..]; the source has step 0 along the axis, which has its own size and step. */
struct Gather {
  int32_t depth, axisSize, axisStep;
  const int32_t* sizes;
  Strided source, index, to;
};

/** to[.., index[..], ..] is set to, or combined with, source[..]; `to` has step 0 along the axis. */
struct Scatter {
  /** None sets. */
  Reduce fn;
  int32_t depth, axisSize, axisStep;
  const int32_t* sizes;
  Strided index, source, to;
};

/** Whether every index lies within an axis: what may fail does so before anything that belongs to it is written. */
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

void fold(const Fold&, const Memory&);
BadIndex gather(const Gather&, const Memory&);
BadIndex scatter(const Scatter&, const Memory&);
BadIndex indices(const Indices&, const Memory&);
void iota(const Iota&, const Memory&);

}  // namespace flambeau
