// What contractions have in common whose rows, columns or sum are several loops, such as convolutions: the loops, and
// tables of offsets, made once for many batch elements or for a block of the sum, that say where elements lie. There are
// three ways, of which line_sums.inl alone copies b: sweep.inl reads vectors of columns of b (columns lie in runs;
// slide.inl does it for a single row), sums.inl has vectors along the sum (both factors lie in runs along it;
// line_sums.inl makes short runs long), turned.inl has vectors along the rows, over packed panels of a, and reads b
// element by element (it may lie anywhere). Convolutions of 3 x 3 may go a fourth way (winograd.inl). The sizes and
// strides alone decide which, and in which order an element's terms are added.
#pragma once
#include "../kernels.h"
#include "gemm.inl"

namespace flambeau::ISA {

/** The loops of one class, as one operand goes through them. */
struct Nest {
  int32_t depth;
  const int32_t *sizes, *steps;

  int64_t inner() const { return depth == 0 ? 1 : sizes[depth - 1]; }
  int64_t step() const { return depth == 0 ? 1 : steps[depth - 1]; }
};

/** Whether a nest has a constant stride, and which. */
INLINE bool is_even(const Nest& nest, int64_t* step) {
  *step = nest.step();
  for (int32_t d = nest.depth - 1; d > 0; --d) {
    if (nest.steps[d - 1] != int64_t{nest.sizes[d]} * nest.steps[d]) return false;
  }
  return true;
}

/** Calls `run(at, count)` for the pieces of innermost loops that make up the elements from `first` to before `end`. */
template <class Run> static void walk(const Nest& nest, int64_t first, int64_t end, const Run& run) {
  int32_t index[maxDepth] = {};
  int64_t at = 0, rest = first;
  for (int32_t d = nest.depth - 1; d >= 0; --d) {
    index[d] = static_cast<int32_t>(rest % nest.sizes[d]);
    rest /= nest.sizes[d];
    at += static_cast<int64_t>(index[d]) * nest.steps[d];
  }
  const int32_t last = nest.depth - 1;
  const int64_t inner = nest.inner();
  for (int64_t i = first, count; i < end; i += count) {
    count = last < 0 ? 1 : inner - index[last];
    if (count > end - i) count = end - i;
    run(static_cast<int32_t>(at), count);
    if (last < 0) return;
    index[last] += static_cast<int32_t>(count);
    at += count * nest.steps[last];
    for (int32_t d = last; d > 0 && index[d] == nest.sizes[d]; --d) {
      at += nest.steps[d - 1] - static_cast<int64_t>(nest.steps[d]) * nest.sizes[d];
      index[d] = 0;
      ++index[d - 1];
    }
  }
}

/** Writes the offsets of the elements from `first` to before `end`. */
static void offsets_of(const Nest& nest, int64_t first, int64_t end, int32_t* to) {
  const int32_t step = static_cast<int32_t>(nest.step());
  walk(nest, first, end, [&](int32_t at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) *to++ = at + static_cast<int32_t>(i) * step;
  });
}

/** A contraction of one batch element, or of several whose columns are taken together. */
template <class T> struct Nested {
  int64_t m, n, k;
  const T *a, *b;
  T* c;
  int64_t cRow;
  Nest aRows, aSum, bSum, bColumns, cColumns;
  /** The zeros that steps of b count and that are not in memory, or null. */
  const Border* border;
  /** The memory for what is made of a, if that is kept from run to run, or null. */
  Kept* kept;

  /** Elements in b, for steps over whole planes of it. */
  int64_t past(int64_t steps) const {
    return border == nullptr ? steps : steps / border->plane() * border->inside();
  }
};

}  // namespace flambeau::ISA
