// The plan of an argReduce: a reduction of pairs of a value and its position, of which the first of equal values wins,
// and NaN over numbers.
import { type DType, isFloat, numelOf } from '@flambeau/core/backend'
import type { Launch, Plan, Planner } from '../plan.ts'
import type { Combining } from '../text/lanes.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import type { Value } from '../value.ts'
import type { KernelWriter, MakeWriter } from '../text/writer.ts'
import { loopsApart } from './reduce.ts'
import { lastAxisOf, planReduction } from './reduction.ts'

/** Position -1 is that of no value. */
function extremeOf(fn: 'max' | 'min', dtype: DType): Combining {
  const bool = (w: KernelWriter, step: 'and' | 'or', a: Value, b: Value): Value => w.step(step, 'bool', 'bool', [a, b])
  return {
    dtypes: [dtype, 'int32'],
    initial: (w) => [w.constant(0, dtype), w.int(-1)],
    combine: (w, [a, at], [b, bt]) => {
      const compare = (step: 'gt' | 'lt' | 'eq' | 'isnan', of: DType, ...args: Value[]): Value =>
        w.step(step, 'bool', of, args)
      let better = compare(fn === 'max' ? 'gt' : 'lt', dtype, b, a)
      let equal = compare('eq', dtype, b, a)
      if (isFloat(dtype)) {
        const [isA, isB] = [compare('isnan', dtype, a), compare('isnan', dtype, b)]
        const notA = w.step('not', 'bool', 'bool', [isA])
        better = bool(w, 'or', better, bool(w, 'and', isB, notA))
        equal = bool(w, 'or', equal, bool(w, 'and', isA, isB))
      }
      const first = bool(w, 'and', equal, compare('lt', 'int32', bt, at))
      const present = compare('lt', 'int32', w.int(-1), bt)
      const alone = compare('lt', 'int32', at, w.int(0))
      const takes = bool(w, 'and', present, bool(w, 'or', alone, bool(w, 'or', better, first)))
      return [w.step('select', dtype, dtype, [takes, b, a]), w.step('select', 'int32', 'int32', [takes, bt, at])]
    },
  }
}

export const planArgReduce =
  (make: MakeWriter): Planner<'argReduce'> =>
  ({ attrs: { fn, axes }, inputs: [x] }): Plan => {
    const launches: Launch[] = []
    const scratch: number[] = []
    // Positions count along the axes in their order, which the loops have only if it ascends.
    const order = [...x.sizes.keys()].filter((axis) => !axes.includes(axis)).concat(axes)
    const sizes = order.map((axis) => x.sizes[axis])
    const strides = order.map((axis) => x.strides[axis])
    const last = sizes.map((_, i) => i).slice(sizes.length - axes.length)
    const { kept, reduced } = loopsApart(sizes, last, [strides])
    const count = numelOf(kept.sizes)
    if (count > 0) {
      planReduction(
        make,
        {
          name: 'argReduce',
          count,
          length: numelOf(reduced.sizes),
          rows: axes.includes(lastAxisOf(x.sizes)),
          combining: extremeOf(fn, x.dtype),
          open: (w) => {
            const [splitKept, splitReduced] = [declareLoops(w, kept.sizes), declareLoops(w, reduced.sizes)]
            const address = w.param({ is: 'input', input: 0 })
            const at = declareSteps(w, [...kept.steps[0], ...reduced.steps[0]])
            return (k, r) => [w.load(x.dtype, address, at([...splitKept(k), ...splitReduced(r)])), r]
          },
          finish: (w) => {
            const to = w.param({ is: 'output', output: 0 })
            return (k, [, position]) => w.store('int32', to, k, position)
          },
        },
        launches,
        scratch,
      )
    }
    return { launches, scratch }
  }
