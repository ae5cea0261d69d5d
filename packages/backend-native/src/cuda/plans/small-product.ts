// A small product of any factors: a thread computes an element of the result, or of a part of its sum. Additions have the
// order and the roundings of the library's tiles, so a shape has the same bits in either way.
import { type Contraction, type DType, isFloat, numelOf } from '@flambeau/core/backend'
import type { Launch, Param } from '../plan.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import type { MakeWriter } from '../text/writer.ts'
import { planEach } from './elements.ts'

/** `to` has the parts one after the other, of which each has `span` terms. */
export function planElements(
  make: MakeWriter,
  dtype: DType,
  { batch, rows, sum, columns }: Contraction,
  [a, b]: readonly [Param, Param],
  to: Param,
  parts: number,
  span: number,
): Launch {
  const k = numelOf(sum.sizes)
  const inner = [...batch.sizes, ...rows.sizes, ...columns.sizes]
  const none = (list: readonly number[]): number[] => list.map(() => 0)
  const stepsA = [...(batch.steps[0] ?? []), ...(rows.steps[0] ?? []), ...none(columns.sizes)]
  const stepsB = [...(batch.steps[1] ?? []), ...none(rows.sizes), ...(columns.steps[0] ?? [])]
  return planEach(
    make,
    'product',
    numelOf(inner) * parts,
    false,
    (w) => {
      const split = declareLoops(w, [parts, ...inner])
      const splitSum = declareLoops(w, sum.sizes)
      const [left, right, target] = [w.param(a), w.param(b), w.param(to)]
      const [all, length] = [k, span].map((value) => w.param({ is: 'int', value }))
      const [atA, atB] = [stepsA, stepsB].map((steps) => declareSteps(w, steps))
      const [alongA, alongB] = [0, 1].map((operand) => declareSteps(w, sum.steps[operand] ?? []))
      const add = (total: Value, [x, y]: readonly [Value, Value]): void => {
        const next = isFloat(dtype)
          ? w.step('fma', dtype, dtype, [x, y, total])
          : w.step('add', dtype, dtype, [w.step('mul', dtype, dtype, [x, y]), total])
        w.set(total, next)
      }
      return {
        read: (n) => n,
        write: (n) => {
          const [part, ...indices] = split(n)
          const [startA, startB] = [atA(indices), atB(indices)]
          const first = w.index('mul', part, length)
          const last = w.index('min', all, w.index('add', first, length))
          const read = (r: Value): [Value, Value] => {
            const at = splitSum(r)
            return [w.load(dtype, left, alongA(at, startA)), w.load(dtype, right, alongB(at, startB))]
          }
          const total = w.variable(w.constant(0, dtype))
          inTurns(w, first, last, w.int(1), read, (term) => add(total, term))
          // As in a tile, a sum is never -0.
          const result = isFloat(dtype) ? w.step('add', dtype, dtype, [total, w.constant(0, dtype)]) : total
          w.store(dtype, target, n, result)
        },
      }
    },
    span,
  )
}
