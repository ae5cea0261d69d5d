// The plans of maps: plain outputs in one kernel, reduced ones in one for all that are reduced over the same axes
// (reduce.ts), and a check in front of both.
import {
  contiguousStrides,
  type Expr,
  type Instr,
  isView,
  iterated,
  loopsOver,
  type MapOut,
  numelOf,
  type Operand,
  orderedLoops,
  type Shape,
  topological,
} from '@flambeau/core/backend'
import type { Launch, Plan, Planner } from '../plan.ts'
import { writeExpressions } from '../text/expression.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import type { Value } from '../value.ts'
import type { MakeWriter } from '../text/writer.ts'
import { planEach, planTest } from './elements.ts'
import { declareInputs } from './inputs.ts'
import { planReduced } from './reduce.ts'

/** Whether a kernel mostly waits for memory. */
const isSmall = (roots: readonly Expr[]): boolean => topological(roots).length <= 12

/** What a thread has read: the elements of the inputs, at some indices. */
interface Read {
  readonly indices: readonly Value[]
  readonly value: (position: number) => Value
}

/** Outputs that are not reduced: a grid of threads, each with every so many elements. */
function planPlain(make: MakeWriter, instr: Instr<'map'>, outs: readonly number[], shape: Shape): Launch {
  const { attrs, inputs } = instr
  const roots = outs.map((k) => attrs.outs[k].expr)
  const strides = inputs.filter(isView).map((x) => x.strides)
  const rows = outs.map(() => contiguousStrides(shape))
  const { sizes, steps } = orderedLoops(shape, [...strides, ...rows], strides.length)
  return planEach<Read>(make, 'map', numelOf(shape), isSmall(roots), (w) => {
    const split = declareLoops(w, sizes)
    const operands = declareInputs(w, roots, inputs, (view) => steps[view])
    const results = outs.map((k, i) => ({
      address: w.param({ is: 'output', output: k }),
      at: declareSteps(w, steps[strides.length + i]),
      dtype: attrs.outs[k].expr.dtype,
    }))
    const each = {
      read: (n: Value): Read => {
        const indices = split(n)
        return { indices, value: operands.read(indices) }
      },
      write: ({ indices, value }: Read) => {
        writeExpressions(w, roots, value).forEach((x, i) => {
          const { address, at, dtype } = results[i]
          w.store(dtype, address, at(indices), x)
        })
      },
    }
    const { neighbours } = operands
    if (sizes.length !== 1 || neighbours === null) return each
    return {
      ...each,
      fours: {
        operands: [...neighbours, ...results],
        read: (i) => operands.readFour(i).map((value) => ({ indices: [], value })),
        write: (four, i) => {
          const values = four.map(({ value }) => writeExpressions(w, roots, value))
          results.forEach(({ address, dtype }, k) => {
            w.storeFour(
              dtype,
              address,
              i,
              values.map((row) => row[k]),
            )
          })
        },
      },
    }
  })
}

/** A check: the kernel that notes a true element. */
function planCheck(make: MakeWriter, expr: Expr, inputs: readonly Operand[], shape: Shape): Launch {
  const strides = inputs.filter(isView).map((x) => x.strides)
  const { sizes, steps } = loopsOver(shape, strides)
  return planTest(make, 'check', numelOf(shape), (w, fail) => {
    const split = declareLoops(w, sizes)
    const operands = declareInputs(w, [expr], inputs, (view) => steps[view])
    return {
      read: (n) => {
        const indices = split(n)
        return { indices, value: operands.read(indices) }
      },
      write: ({ value }) => {
        const [x] = writeExpressions(w, [expr], value)
        const isTrue = w.step('cast', 'bool', expr.dtype, [x])
        w.when(w.compare('ne', isTrue, w.int(0)), () => fail(w.int(0)))
      },
    }
  })
}

/** Outputs that are reduced over the same axes, by these axes. */
function groups(outs: readonly MapOut[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  outs.forEach(({ reduce }, k) => {
    if (reduce === undefined) return
    const key = [...reduce.axes].sort((a, b) => a - b).join()
    found.set(key, [...(found.get(key) ?? []), k])
  })
  return found
}

export const planMap =
  (make: MakeWriter): Planner<'map'> =>
  (instr): Plan => {
    const { attrs, inputs, outputs, check } = instr
    const shape = iterated(instr)
    const launches: Launch[] = []
    const scratch: number[] = []
    if (check !== undefined && numelOf(shape) > 0) launches.push(planCheck(make, check.expr, inputs, shape))
    // Reduced outputs come first: a plain one may overwrite what they read.
    for (const outs of groups(attrs.outs).values()) {
      if (numelOf(outputs[outs[0]].sizes) > 0) planReduced(make, instr, outs, shape, launches, scratch)
    }
    const plain = attrs.outs.flatMap(({ reduce }, k) => (reduce === undefined ? [k] : []))
    if (plain.length > 0 && numelOf(shape) > 0) launches.push(planPlain(make, instr, plain, shape))
    return { launches, scratch }
  }
