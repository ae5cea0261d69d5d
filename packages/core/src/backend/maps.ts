// What host backends need to know of a map before they run it: the shape that it iterates over, how operands are
// traversed, the start values of reductions, and the map of a check.
import { type DType, isFloat } from '../base/dtype.ts'
import type { Shape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { type Instr, isScalar, type Prims, type ReduceFn, type View } from './backend.ts'

const scalar: Shape = []

/**
 * The shape that an instruction iterates over: the shape of any view, because core has broadcast them; without views,
 * that of the output.
 */
export function iterated({ inputs, outputs }: Pick<Instr, 'inputs' | 'outputs'>): Shape {
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (!isScalar(x)) return x.sizes
  }
  return outputs.length > 0 ? outputs[0].sizes : scalar
}

/** How one loop over all elements moves: by step 1, by step 0, or -1 if one loop cannot. */
export function flatStep({ sizes, strides }: View): 0 | 1 | -1 {
  let step = 1
  let fixed = true
  let rows = true
  for (let i = sizes.length - 1; i >= 0; i--) {
    const size = sizes[i]
    if (size === 1) continue
    const stride = strides[i]
    if (stride !== 0) fixed = false
    if (stride !== step) rows = false
    step *= size
  }
  return fixed ? 0 : rows ? 1 : -1
}

/** The start value of a reduction. */
export const identities: Readonly<Record<ReduceFn, number>> = { sum: 0, prod: 1, max: -Infinity, min: Infinity }

/** The identity as a value of the dtype. */
export function identityOf(fn: ReduceFn, dtype: DType): number {
  if (isFloat(dtype) || fn === 'sum' || fn === 'prod') return identities[fn]
  const [least, most] = dtype === 'bool' ? [0, 1] : dtype === 'uint8' ? [0, 255] : [-2147483648, 2147483647]
  return fn === 'max' ? least : most
}

const flags = new WeakMap<Expr, Prims['map'][]>()

/** A check over a shape of that rank as a map: whether its expression is true anywhere. */
export function flagOf(expr: Expr, rank: number): Prims['map'] {
  const known = flags.get(expr) ?? []
  flags.set(expr, known)
  known[rank] ??= {
    outs: [{ expr: s.cast(expr, 'bool'), reduce: { fn: 'max', axes: Array.from({ length: rank }, (_, i) => i) } }],
  }
  return known[rank]
}
