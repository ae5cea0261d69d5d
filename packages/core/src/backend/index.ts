// The entry point for authors of backends: the kernel interface, the expression language and the arithmetic on shapes.
export * from '../base/class-name.ts'
export * from '../base/dtype.ts'
export * from '../base/errors.ts'
export * from '../base/layout.ts'
export { numelOf, sameShape, scalarShape, type Shape, shapeString } from '../base/shape.ts'
export { warn } from '../base/warn.ts'
export {
  type Computed,
  type Expr,
  exprString,
  inputsOf,
  stepDef,
  replace,
  type Step,
  s,
  substitute,
  topological,
} from '../expr/expr.ts'
export { emitJs, interpret, numberSource, roundSource } from '../expr/js.ts'
export { runtime } from '../expr/runtime.ts'
export type { StepDef } from '../expr/step.ts'
export * from './backend.ts'
export * from './host-instruction.ts'
export { CheckedBackend } from './checked.ts'
export {
  type Composite,
  type CompositeKind,
  composites,
  type Extent,
  isComposite,
  sizesOf,
} from './composites.ts'
export { checkClaims, checkView, checkWhole, liesWithin } from './claims.ts'
export * from './contraction.ts'
export { garbage } from './garbage.ts'
export type { Clock, Gpu, GpuMemory, GpuProperties } from './gpu.ts'
export * from './host.ts'
export * from './loops.ts'
export * from './maps.ts'
export { type Descriptor, descriptorOf, type Family, familyOf, Slot, type Strided } from './descriptor.ts'
export { isMissing, missing } from './missing.ts'
export * from './program.ts'
export * from './repetition.ts'
