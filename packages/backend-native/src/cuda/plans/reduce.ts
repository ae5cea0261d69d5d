// The plans of reduced maps. Sums and products of floats accumulate in double precision and are rounded once, as
// everywhere in flambeau.
import {
  type DType,
  identityOf,
  type Instr,
  isView,
  type Loops,
  loopsOver,
  type MapOut,
  numelOf,
  type ReduceFn,
  type Shape,
} from '@flambeau/core/backend'
import type { Launch } from '../plan.ts'
import { writeExpressions } from '../text/expression.ts'
import { declareLoops } from '../text/loops.ts'
import type { MakeWriter } from '../text/writer.ts'
import { declareInputs } from './inputs.ts'
import { combining, each, lastAxisOf, planReduction } from './reduction.ts'

/** The dtype in which a reduction accumulates. */
const accumulated = (fn: ReduceFn, dtype: DType): DType =>
  dtype === 'float32' && (fn === 'sum' || fn === 'prod') ? 'float64' : dtype

/** The loops of the axes that are kept and of those that are reduced, with a row of steps for each operand. */
export function loopsApart(
  shape: Shape,
  axes: readonly number[],
  strides: readonly (readonly number[])[],
): { readonly kept: Loops; readonly reduced: Loops; readonly rows: boolean } {
  const among = (isReduced: boolean): Loops => {
    const chosen = shape.flatMap((_, axis) => (axes.includes(axis) === isReduced ? [axis] : []))
    const pick = (row: readonly number[]): number[] => chosen.map((axis) => row[axis])
    return loopsOver(pick(shape), strides.map(pick))
  }
  return { kept: among(false), reduced: among(true), rows: axes.includes(lastAxisOf(shape)) }
}

/** Adds the launches of some outputs that are reduced over the same axes. */
export function planReduced(
  make: MakeWriter,
  { attrs, inputs }: Pick<Instr<'map'>, 'attrs' | 'inputs'>,
  outs: readonly number[],
  shape: Shape,
  launches: Launch[],
  scratch: number[],
): void {
  const reduces = outs.map((k) => attrs.outs[k].reduce as NonNullable<MapOut['reduce']>)
  const strides = inputs.filter(isView).map((x) => x.strides)
  const { kept, reduced, rows } = loopsApart(shape, reduces[0].axes, strides)
  const roots = outs.map((k) => attrs.outs[k].expr)
  const dtypes = roots.map(({ dtype }, i) => accumulated(reduces[i].fn, dtype))
  planReduction(
    make,
    {
      name: 'reduce',
      count: numelOf(kept.sizes),
      length: numelOf(reduced.sizes),
      rows,
      combining: each(
        dtypes,
        (w, i) => w.constant(identityOf(reduces[i].fn, dtypes[i]), dtypes[i]),
        (w, i, a, b) => w.step(combining[reduces[i].fn], dtypes[i], dtypes[i], [a, b]),
      ),
      open: (w) => {
        const [splitKept, splitReduced] = [declareLoops(w, kept.sizes), declareLoops(w, reduced.sizes)]
        const operands = declareInputs(w, roots, inputs, (view) => [...kept.steps[view], ...reduced.steps[view]])
        return (k, r) => {
          const read = operands.read([...splitKept(k), ...splitReduced(r)])
          return writeExpressions(w, roots, read).map((x, i) => w.step('cast', dtypes[i], roots[i].dtype, [x]))
        }
      },
      finish: (w) => {
        const to = outs.map((output) => w.param({ is: 'output', output }))
        return (k, totals) => {
          totals.forEach((total, i) => {
            const { dtype } = roots[i]
            const { post } = reduces[i]
            const value = w.step('cast', dtype, dtypes[i], [total])
            const [result] = post === undefined ? [value] : writeExpressions(w, [post], () => value)
            w.store(dtype, to[i], k, result)
          })
        }
      },
    },
    launches,
    scratch,
  )
}
