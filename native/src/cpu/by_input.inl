// What all ways to compute the gradient of a convolution by data with steps of 1 and 2 have in common, which is a transposed
// convolution, too: the geometry, the operands, and how work is divided. Every so many elements of a row of the result are a
// phase, a sum over taps of its own.
#pragma once
#include "../kernels.h"
#include "../pool.h"
#include "gemm.inl"

namespace flambeau::ISA {

/** One direction of the planes. */
struct PhaseSide {
  /** Sizes of the result, of the gradient and of the window. */
  int64_t size, out, kernel, step, low;

  /** Element step q + r of the result sums gradients q + first(r), ..., q + last(r). */
  int64_t first(int64_t r) const { return -((kernel - 1 - r - low + (kernel + low) * step) / step - (kernel + low)); }
  int64_t last(int64_t r) const { return (r + low) / step; }
  int64_t taps(int64_t r) const { return last(r) - first(r) + 1; }
  int64_t most_taps() const { return up(kernel, step); }
  /** The phase that a place in the window belongs to, and which of its taps that is. */
  int64_t phase(int64_t place) const { return (place + (step - 1) * low) % step; }
  int64_t index(int64_t place) const {
    const int64_t r = phase(place);
    return (r + low - place - step * first(r)) / step;
  }
  /** The gradients that an element of the result sums, from the first to before the end. */
  int64_t from(int64_t at) const {
    const int64_t i = at / step + first(at % step);
    return i > 0 ? i : 0;
  }
  int64_t to(int64_t at) const {
    const int64_t i = at / step + last(at % step) + 1;
    return i < out ? i : out;
  }
  /** The terms of all elements: those that are not zeros around the gradients. */
  int64_t terms() const {
    int64_t sum = 0;
    for (int64_t at = 0; at < size; ++at) sum += to(at) > from(at) ? to(at) - from(at) : 0;
    return sum;
  }
  /** The elements of the longest phase. */
  int64_t length() const { return up(size, step); }
  /** The first gradient of an element of any phase, and how many more there are. */
  int64_t begin() const { return step == 1 ? first(0) : first(0) < first(1) ? first(0) : first(1); }
  int64_t more() const {
    const int64_t end = last(step - 1), reach = end - begin();
    return reach > 0 ? reach : 0;
  }
};

class ByInput {
 public:
  ByInput(const CompositeOp& it, const Memory& memory)
      : rows_(side(it, 0)),
        columns_(side(it, 1)),
        channels_(it.numbers[8]),
        groups_(it.numbers[9]),
        own_(it.steps[1] / groups_),
        images_(it.outer / it.steps[1]),
        dy_(at(it.operands[0], memory)),
        weight_(at(it.operands[1], memory)),
        dx_(at(it.operands[2], memory)) {}

 protected:
  static constexpr int64_t L = lanes<float>;

  static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
  static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

  /** Calls f(i) for i from 0 to before `count`, each of so much work, in parts that are worth a thread. */
  template <class F> static void each_part(int64_t count, int64_t work, const F& f) {
    const int64_t each = work < partWork ? partWork / most(work, 1) : 1;
    auto part = [&](int64_t i) {
      for (int64_t j = i * each, end = least(count, j + each); j < end; ++j) f(j);
    };
    parallel_for(up(count, each), part);
  }

  PhaseSide rows_, columns_;
  /** Channels of the result in a group, groups, channels of the gradient in a group, images. */
  int64_t channels_, groups_, own_, images_;
  const float *dy_, *weight_;
  float* dx_;

 private:
  /** Multiplications of a part. */
  static constexpr int64_t partWork = 1 << 16;

  static PhaseSide side(const CompositeOp& it, int d) {
    const int32_t* n = it.numbers + d;
    return {n[0], d == 0 ? it.n : it.inner, n[2], n[4], n[6]};
  }
  static float* at(const Operand& x, const Memory& memory) {
    return reinterpret_cast<float*>(memory.rows[x.ref].data) + x.offset;
  }
};

}  // namespace flambeau::ISA
