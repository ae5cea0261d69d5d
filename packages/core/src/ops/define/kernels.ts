// What a backend is told of an elementwise or reducing kernel: one object for one case, made once, because backends find
// what they compiled by its identity.
import type { MapOut, ReduceFn } from '../../backend/backend.ts'
import { type DType, rankOf } from '../../base/dtype.ts'
import { type Expr, s } from '../../expr/expr.ts'
import type { Input } from '../../tensor/op.ts'

/** One number for a mix of dtypes: the case of a kernel is found by it. */
export function keyOf(start: number, inputs: readonly Input[]): number {
  let key = start
  for (let i = 0; i < inputs.length; i++) {
    key = key * 8 + (inputs[i].wrapped === true ? 7 : rankOf(inputs[i].dtype))
  }
  return key
}

/** The inputs as expressions in their common dtype; numbers arrive in it. */
export const inputExprs = (inputs: readonly Input[], dtype: DType): Expr[] =>
  inputs.map((x, i) => s.cast(s.input(i, x.wrapped === true ? dtype : x.dtype), dtype))

/** What `make` makes, once for each kind, a number below 64, and set of axes. */
export function byAxes<T>(
  make: (kind: number, axes: readonly number[]) => T,
): (kind: number, axes: readonly number[]) => T {
  const made = new Map<number, T>()
  return (kind, axes) => {
    let key = kind
    for (const axis of axes) key += 2 ** (axis + 6)
    let known = made.get(key)
    if (known === undefined) {
      known = make(kind, axes)
      made.set(key, known)
    }
    return known
  }
}

/** An output reduced over axes, which may be none. */
export const reduced = (fn: ReduceFn, expr: Expr, axes: readonly number[]): MapOut =>
  axes.length === 0 ? { expr } : { expr, reduce: { fn, axes } }
