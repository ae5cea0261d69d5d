// The kernels of elementwise and reducing ops. Backends find what they compiled by the identity of the attributes, so
// the attributes are made once per case of axes and dtypes. One number identifies a case: a bit for each axis, then a
// digit of base 8 for each dtype, so that seventeen dtypes without axes still fit an exact integer.
import { defaults } from '../../base/default-dtype.ts'
import type { Check, MapOut, Prims, ReduceFn, Spec } from '../../backend/backend.ts'
import { type DType, rankOf } from '../../base/dtype.ts'
import { broadcastShapes, sameShape, type Shape, scalarShape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import type { Input } from '../../tensor/op.ts'
import { uniformRank } from './common.ts'

/** The axes of a case, to begin its number with. */
function axesCase(axes: readonly number[]): number {
  let bits = 0
  for (const axis of axes) bits += 2 ** axis
  return bits
}
/** A case extended by a dtype. */
export const withDType = (key: number, dtype: DType): number => key * 8 + 1 + rankOf(dtype)
/** A case extended by operands. A number next to tensors, which takes their dtype, counts as a dtype of its own. */
export function withOperands(key: number, inputs: readonly Input[]): number {
  let all = key
  for (let i = 0; i < inputs.length; i++)
    all = inputs[i].wrapped === true ? all * 8 + 7 : withDType(all, inputs[i].dtype)
  return all
}

/** The inputs as expressions in their common dtype; numbers already have it. */
export const inputExprs = (inputs: readonly Input[], dtype: DType): Expr[] =>
  inputs.map((x, i) => s.cast(s.input(i, x.wrapped === true ? dtype : x.dtype), dtype))

/** Calls `make` once per set of axes and dtypes of operand and result. */
export function byCase<T>(
  make: (axes: readonly number[], from: DType, to: DType) => T,
): (axes: readonly number[], from: DType, to?: DType) => T {
  const made = new Map<number, T>()
  return (axes, from, to = from) => {
    const key = withDType(withDType(axesCase(axes), from), to)
    let known = made.get(key)
    if (known === undefined) {
      known = make(axes, from, to)
      made.set(key, known)
    }
    return known
  }
}

/** An output reduced over axes, of which there may be none. */
export const reduced = (fn: ReduceFn, expr: Expr, axes: readonly number[]): MapOut =>
  axes.length === 0 ? { expr } : { expr, reduce: { fn, axes } }

/** The axes of `full` to sum to get `target`, as positions in `full`. */
function summedAxes(full: Shape, target: Shape): number[] {
  const lead = full.length - target.length
  const axes: number[] = []
  for (let i = 0; i < full.length; i++) {
    if (i < lead || (target[i - lead] === 1 && full[i] !== 1)) axes.push(i)
  }
  return axes
}
export const noAxes: readonly number[] = []

/** The dtype of an op's operands, given the target of the op if it has one. */
export type Common = (inputs: readonly Input[], target: Spec | null) => DType

/** The kernel of an expression over operands whose common dtype is `common`, summed to the shape of the target. */
export function mapKernels(
  build: (...x: Expr[]) => Expr,
  common: Common,
): (target: Spec | null, inputs: readonly Input[], outs: readonly Spec[]) => Prims['map'] {
  const kernels = new Map<number, Prims['map']>()
  /** The kernels for the most frequent case, that all operands are tensors of one dtype, by the rank of the dtype. */
  let uniform: Prims['map'][] = []
  /** The default dtype for which they were made. */
  let float = defaults.float
  return (target, inputs, outs) => {
    if (float !== defaults.float) {
      uniform = []
      float = defaults.float
    }
    const rank = target === null ? uniformRank(inputs) : -1
    if (rank >= 0 && uniform[rank] !== undefined) return uniform[rank]
    const dtype = common(inputs, target)
    let axes = noAxes
    let key = 0
    if (target !== null) {
      let full: Shape = inputs.length === 0 ? target.sizes : scalarShape
      for (const x of inputs) full = broadcastShapes(full, x.sizes)
      if (!sameShape(full, target.sizes)) axes = summedAxes(full, target.sizes)
      key = withDType(axesCase(axes), outs[0].dtype)
    }
    key = withOperands(withDType(key, dtype), inputs)
    let prims = kernels.get(key)
    if (prims === undefined) {
      const expr = s.cast(build(...inputExprs(inputs, dtype)), outs[0].dtype)
      prims = { outs: [reduced('sum', expr, axes)] }
      kernels.set(key, prims)
    }
    if (rank >= 0) uniform[rank] = prims
    return prims
  }
}

/** The check of an elementwise op, made once per mix of dtypes. */
export function mapChecks(
  check: (x: readonly Expr[], common: DType) => Check | undefined,
  common: Common,
): (target: Spec | null, inputs: readonly Input[]) => Check | undefined {
  const checks = new Map<number, Check | undefined>()
  return (target, inputs) => {
    const dtype = common(inputs, target)
    const key = withOperands(withDType(0, dtype), inputs)
    if (!checks.has(key)) checks.set(key, check(inputExprs(inputs, dtype), dtype))
    return checks.get(key)
  }
}
