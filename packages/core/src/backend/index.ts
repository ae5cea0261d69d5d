// The entry point for authors of backends: the kernel interface, the expression language and the arithmetic on shapes.
export * from '../base/dtype.ts'
export * from '../base/errors.ts'
export * from '../base/layout.ts'
export * from '../base/shape.ts'
export { type Expr, exprString, inputsOf, type Step, s, substitute, topological } from '../expr/expr.ts'
export { emitJs, interpret, roundSource, runtime } from '../expr/js.ts'
export * from './backend.ts'
export * from './program.ts'
