// The compositions that are kernels: written by tools/steps.mjs, from the records in packages/core/src/backend/composites.ts
// and the list in packages/stream/src/encode-composite.ts. Change those, never this.
#pragma once
#include <cstdint>

namespace flambeau {

// clang-format off

enum class Composite : int32_t {
  softmax,
  logSoftmax,
  softmaxBackward,
  logSoftmaxBackward,
  crossEntropy,
  crossEntropyBackward,
  moments,
#if !defined(__wasm__)
  sliceNorm,
  sliceNormBackward,
  batchNorm,
  batchNormBackward,
  maxPool,
  maxPoolWinners,
  maxPoolBackward,
  avgPool,
  avgPoolBackward,
  convolutionByInput,
#endif
  count
};

/** How much of [outer, n, inner] an operand is: Extent in core's backend/composites.ts. */
enum class Extent : int32_t { all, row, rowOrOne, index, each, slice, channel, one, plane, weight, planes };

/** The most operands, and the most numbers besides sizes, of one of these. */
#if defined(__wasm__)
constexpr int32_t maxCompositeOperands = 6;
constexpr int32_t maxCompositeNumbers = 1;
#else
constexpr int32_t maxCompositeOperands = 8;
constexpr int32_t maxCompositeNumbers = 10;
#endif

/** Inputs, then outputs. */
struct CompositeInfo {
  const char* name;
  int32_t operands, numbers;
  Extent extents[maxCompositeOperands];
};
constexpr CompositeInfo compositeInfos[] = {
  // x, y
  {"softmax", 2, 0, {Extent::all, Extent::all}},
  // x, y
  {"logSoftmax", 2, 0, {Extent::all, Extent::all}},
  // dy, y, dx
  {"softmaxBackward", 3, 0, {Extent::all, Extent::all, Extent::all}},
  // dy, y, dx
  {"logSoftmaxBackward", 3, 0, {Extent::all, Extent::all, Extent::all}},
  // x, target, loss, most, logSum, ignore
  {"crossEntropy", 5, 1, {Extent::all, Extent::index, Extent::row, Extent::row, Extent::row}},
  // x, target, most, logSum, dy, dx, ignore
  {"crossEntropyBackward", 6, 1, {Extent::all, Extent::index, Extent::row, Extent::row, Extent::rowOrOne, Extent::all}},
  // x, mean, squares
  {"moments", 3, 0, {Extent::all, Extent::each, Extent::each}},
#if !defined(__wasm__)
  // x, weight, bias, eps, y, mean, invStd
  {"sliceNorm", 7, 0, {Extent::all, Extent::channel, Extent::channel, Extent::one, Extent::all, Extent::slice, Extent::slice}},
  // dy, x, mean, invStd, weight, dx, dWeight, dBias
  {"sliceNormBackward", 8, 0, {Extent::all, Extent::all, Extent::slice, Extent::slice, Extent::channel, Extent::all, Extent::channel, Extent::channel}},
  // x, weight, bias, eps, y, mean, invStd, squares
  {"batchNorm", 8, 0, {Extent::all, Extent::each, Extent::each, Extent::one, Extent::all, Extent::each, Extent::each, Extent::each}},
  // dy, x, mean, invStd, weight, dx, dWeight, dBias
  {"batchNormBackward", 8, 0, {Extent::all, Extent::all, Extent::each, Extent::each, Extent::each, Extent::all, Extent::each, Extent::each}},
  // x, y, plane, kernel, stride, low
  {"maxPool", 2, 8, {Extent::all, Extent::plane}},
  // x, y, winner, plane, kernel, stride, low
  {"maxPoolWinners", 3, 8, {Extent::all, Extent::plane, Extent::plane}},
  // dy, winner, dx, plane, kernel, stride, low
  {"maxPoolBackward", 3, 8, {Extent::all, Extent::all, Extent::plane}},
  // x, y, plane, kernel, stride, low, divisor, around
  {"avgPool", 2, 10, {Extent::all, Extent::plane}},
  // x, y, plane, kernel, stride, low, divisor, around
  {"avgPoolBackward", 2, 10, {Extent::all, Extent::plane}},
  // dy, weight, dx, plane, kernel, stride, low, channels, groups
  {"convolutionByInput", 3, 10, {Extent::all, Extent::weight, Extent::planes}},
#endif
};
constexpr const CompositeInfo& info_of(Composite kind) { return compositeInfos[static_cast<int32_t>(kind)]; }

// clang-format on

}  // namespace flambeau
