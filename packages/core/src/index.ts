// The public API: re-exports only. A name here is a name of flambeau; what only packages need is in all.ts.
import './autograd/methods.ts'
import './class-names.ts'
import './ops/methods.ts'
import './tensor/read.ts'

export { detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from './autograd/anomaly.ts'
export { AutogradFunction, FunctionCtx } from './autograd/function.ts'
export { type BackwardOptions, backward, type GradOptions, grad } from './autograd/grad.ts'
export { type GradcheckOptions, gradcheck, gradgradcheck } from './autograd/gradcheck.ts'
export type { RemovableHandle } from './autograd/hooks.ts'
export * as autograd from './autograd/index.ts'
export type { ProfilerEvent } from './backend/profiled.ts'
export type { DTypeWord as DType, TypedArray } from './base/dtype.ts'
export * from './base/errors.ts'
export * from './base/words.ts'
export { type CompiledStep, compile, type RepeatOptions } from './compile/compile.ts'
export * as distributions from './distributions/index.ts'
export { load, save } from './io.ts'
export * as io from './io.ts'
export { deepCopy } from './nn/copy.ts'
export { type Movable, moveTo } from './nn/move.ts'
export * as F from './nn/functional.ts'
export * as nn from './nn/index.ts'
export * from './ops/aliases/elementwise.ts'
export * from './ops/aliases/functions.ts'
export * from './ops/aliases/methods.ts'
export * as special from './ops/aliases/special.ts'
export * from './ops/index.ts'
export { asarray, asTensor, fromNumpy, range, scalarTensor, Variable } from './ops/create/anew.ts'
export { device } from './ops/create/device.ts'
export * as cuda from './ops/create/cuda.ts'
export {
  broadcastShapes,
  canCast,
  type FloatInfo,
  finfo,
  getDefaultDtype,
  type IntegerInfo,
  iinfo,
  isComplex,
  isConj,
  isDistributed,
  isFloatingPoint,
  isInference,
  isNeg,
  isNonzero,
  isSameSize,
  isSigned,
  isTensor,
  numel,
  promoteTypes,
  resultType,
  setDefaultDtype,
} from './ops/facts.ts'
export { fill } from './ops/write/write.ts'
export * as linalg from './ops/linalg/index.ts'
export { fromJSON, type TensorJSON } from './ops/create/json.ts'
export { frobeniusNorm, nuclearNorm } from './ops/linalg/norms.ts'
export { lobpcg } from './ops/linalg/lobpcg.ts'
export { pcaLowrank, svdLowrank } from './ops/linalg/lowrank.ts'
export { luUnpack } from './ops/linalg/lu.ts'
export * from './ops/linalg/older.ts'
export {
  /** `F.dropout` as a function of torch itself, which has no defaults: `dropout(x, p, train)`. */
  dropoutOf as dropout,
} from './ops/random/dropout.ts'
export * as optim from './optim/index.ts'
export * as random from './ops/random/seeds.ts'
export { isUniformFused, setUniformFused } from './random/distributions.ts'
export { defaultGenerator, Generator } from './random/generator.ts'
export { report, setStrict } from './tensor/dispatch.ts'
export { currentDevice, useDevice } from './tensor/device.ts'
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
} from './tensor/mode.ts'
export { Profile, type ProfileOptions, type ProfileTableOptions, profile } from './tensor/profile.ts'
export { Tensor } from './tensor/tensor.ts'
export { scope } from './tensor/scope.ts'
export * as utils from './utils/index.ts'
export { formatExponent, formatFixed, getPrintOptions, setPrintOptions } from './tensor/print.ts'
