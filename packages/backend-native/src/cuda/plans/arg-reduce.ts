// The plan of an argReduce: a reduction of pairs of a value and its position, of which the first of equal values wins,
// and NaN over numbers.
import { type DType, identityOf, isFloat, numelOf } from '@flambeau/core/backend'
import type { Launch, Plan, Planner } from '../plan.ts'
import type { Combining } from '../text/lanes.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import type { Value } from '../value.ts'
import type { KernelWriter, MakeWriter } from '../text/writer.ts'
import { loopsApart } from './reduce.ts'
import { lastAxisOf, planReduction } from './reduction.ts'

/** The extreme of some elements, and its position. */
function extremeOf(fn: 'max' | 'min', dtype: DType): Combining {
  const bool = (w: KernelWriter, step: 'and' | 'or', a: Value, b: Value): Value => w.step(step, 'bool', 'bool', [a, b])
  const select = (w: KernelWriter, of: DType, condition: Value, x: Value, y: Value): Value =>
    w.step('select', of, of, [condition, x, y])
  const isNaN = (w: KernelWriter, x: Value): Value => w.step('isnan', 'bool', dtype, [x])
  /** Whether b wins over a. */
  const isBetter = (w: KernelWriter, a: Value, b: Value): Value => {
    const better = w.step(fn === 'max' ? 'gt' : 'lt', 'bool', dtype, [b, a])
    if (!isFloat(dtype)) return better
    return bool(w, 'or', better, bool(w, 'and', isNaN(w, b), w.step('not', 'bool', 'bool', [isNaN(w, a)])))
  }
  return {
    dtypes: [dtype, 'int32'],
    // Where nothing is better than the identity, all elements equal it, and the first of them is at 0.
    initial: (w) => [w.constant(identityOf(fn, dtype), dtype), w.int(0)],
    append: (w, [a, at], [b, bt]) => {
      const better = isBetter(w, a, b)
      return [select(w, dtype, better, b, a), select(w, 'int32', better, bt, at)]
    },
    combine: (w, [a, at], [b, bt]) => {
      const better = isBetter(w, a, b)
      const same = w.step('eq', 'bool', dtype, [b, a])
      const equal = isFloat(dtype) ? bool(w, 'or', same, bool(w, 'and', isNaN(w, a), isNaN(w, b))) : same
      const position = select(w, 'int32', better, bt, at)
      return [select(w, dtype, better, b, a), select(w, 'int32', equal, w.index('min', at, bt), position)]
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
