// Reads a composition: its sizes and numbers, then operands, whose elements follow from the extents of its record. Part of
// decode.cc.
#pragma once
#include "reader.h"

namespace flambeau {
namespace {

#if !defined(__wasm__)
/** Whether windows lie in their planes, and leave out few elements: `in` elements give `out` results. */
bool are_windows(int32_t in, int32_t out, const int32_t* n, int side) {
  const int64_t kernel = n[2 + side], stride = n[4 + side], low = n[6 + side];
  return kernel >= 1 && kernel <= maxPoolTaps && stride >= 1 && low >= 0 && low < kernel &&
         (out - 1) * stride - low < in && in + low < out * stride + kernel;
}
#endif

void read_composite(Reader& r, Instruction* out) {
  CompositeOp& x = out->composite;
  // The kernel looks up all operands, even those that the composition lacks.
  x = {};
  x.kind = static_cast<Composite>(r.count(static_cast<int32_t>(Composite::count) - 1));
  x.dtype = r.dtype();
  r.require(is_float(x.dtype), "a composition is of another dtype");
  int64_t elements = 1;
  const int32_t* sizes = r.sizes(3, &elements);
  out->empty = elements == 0;
  if (!r.good()) return;
  x.outer = sizes[0];
  x.n = sizes[1];
  x.inner = sizes[2];
  const int64_t rows = int64_t{x.outer} * x.inner;
  const CompositeInfo& info = info_of(x.kind);
  [[maybe_unused]] int32_t slices = 0;
  for (int32_t i = 0; i < info.numbers; i++) x.numbers[i] = r.word();
#if !defined(__wasm__)
  if (x.kind == Composite::convolutionByInput && !out->empty) {
    r.require(x.dtype == DType::float32, "a convolution is of another dtype");
    r.require(x.numbers[8] >= 1 && x.numbers[9] >= 1, "a convolution has no channels");
    for (int side = 0; side < 2; side++) {
      const int32_t *n = x.numbers + side, step = n[4];
      r.require(n[0] >= 1 && n[2] >= 1 && step >= 1 && step <= 2 && n[6] >= 0, "windows have other sizes");
    }
  } else if (x.kind >= Composite::maxPool && !out->empty) {
    r.require(x.dtype == DType::float32 && x.numbers[5] <= 2, "windows are of another dtype or too far apart");
    for (int side = 0; side < 2; side++) {
      const int32_t own = sizes[1 + side], plane = x.numbers[side];
      const bool isBackward = x.kind == Composite::maxPoolBackward || x.kind == Composite::avgPoolBackward;
      const int32_t in = isBackward ? plane : own, out = isBackward ? own : plane;
      r.require(plane >= 1 && are_windows(in, out, x.numbers, side), "windows are not in their planes");
    }
  }
#endif
  for (int32_t i = 0; i < info.operands && r.good(); i++) {
    const Extent extent = info.extents[i];
    const Operand operand = x.operands[i] = r.operand(false);
    r.require(operand.dtype == (extent == Extent::index ? DType::int32 : x.dtype), "operands are of several dtypes");
    int64_t count = 0;
    switch (extent) {
      case Extent::all:
        count = elements;
        break;
      case Extent::row:
      case Extent::index:
        count = rows;
        break;
      case Extent::rowOrOne:
        x.steps[i] = r.count(1);
        count = (rows - 1) * x.steps[i] + 1;
        break;
      case Extent::each:
        count = x.n;
        break;
#if !defined(__wasm__)
      case Extent::slice:
        count = x.outer;
        break;
      case Extent::channel:
        x.steps[i] = r.count();
        r.require(x.steps[i] > 0 && (slices == 0 || slices == x.steps[i]), "channels repeat at different distances");
        slices = x.steps[i];
        count = int64_t{x.steps[i]} * x.n;
        break;
      case Extent::one:
        count = 1;
        break;
      case Extent::plane:
        count = x.outer;
        for (int side = 0; side < 2; side++) r.times(x.numbers[side], &count);
        break;
      case Extent::weight:
        x.steps[i] = r.count();
        r.require(out->empty || (x.steps[i] > 0 && x.outer % x.steps[i] == 0 && x.steps[i] % x.numbers[9] == 0),
                  "channels are in other groups");
        slices = x.steps[i];
        count = slices;
        for (int number : {8, 2, 3}) r.times(x.numbers[number], &count);
        if (!out->empty && r.good()) {
          // The kernel counts the elements of a padded image.
          int64_t padded = slices / x.numbers[9];
          for (int side = 0; side < 2; side++) r.times(int64_t{sizes[1 + side]} + x.numbers[2 + side], &padded);
        }
        break;
      case Extent::planes:
        count = slices > 0 ? x.outer / slices : 0;
        for (int number : {8, 9, 0, 1}) r.times(x.numbers[number], &count);
        break;
#else
      default:  // of compositions that WebAssembly lacks
        break;
#endif
    }
    if (!out->empty) r.claim(operand, operand.offset, operand.offset + count - 1);
  }
}

}  // namespace
}  // namespace flambeau
