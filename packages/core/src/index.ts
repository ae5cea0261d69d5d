// The public API of core: re-exports only.
import './ops/methods.ts'

export { backward, grad } from './autograd/grad.ts'
export type { DType, TypedArray } from './base/dtype.ts'
export * from './base/errors.ts'
export { compile } from './compile/compile.ts'
export * from './ops/index.ts'
export * as ops from './ops/index.ts'
export { currentDevice, registerDevice, useDevice } from './tensor/device.ts'
export * from './tensor/mode.ts'
export { Tensor } from './tensor/tensor.ts'
export { formatExponent, formatFixed, getPrintOptions, setPrintOptions } from './tensor/print.ts'
