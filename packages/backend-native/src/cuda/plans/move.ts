// The plans of instructions that move elements: each is a kernel over elements, as a map is.
import {
  contiguousStrides,
  type DType,
  type Instr,
  loopsOver,
  numelOf,
  type Prims,
  type Shape,
} from '@flambeau/core/backend'
import type { Launch, Param, Plan, Planner } from '../plan.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import type { Value } from '../value.ts'
import type { KernelWriter, MakeWriter } from '../text/writer.ts'
import { planEach } from './elements.ts'

const only = (launch: Launch | null): Plan => ({ launches: launch === null ? [] : [launch], scratch: [] })

/** Elements of an operand: where the first is, and steps along the axes. */
interface Elements {
  readonly param: Param
  readonly dtype: DType
  readonly strides: readonly number[]
  /** The position of the first element, if it is not 0. */
  readonly first?: Param
}

/** Copies elements of a shape; null if there are none. */
export function planCopy(make: MakeWriter, shape: Shape, from: Elements, to: Elements): Launch | null {
  if (numelOf(shape) === 0) return null
  const { sizes, steps } = loopsOver(shape, [from.strides, to.strides])
  return planEach(make, 'copy', numelOf(shape), true, (w) => {
    const split = declareLoops(w, sizes)
    const [source, target] = [from, to].map(({ param, first, dtype }, i) => {
      const address = w.param(param)
      const start = first === undefined ? undefined : w.param(first)
      const at = declareSteps(w, steps[i])
      return { address, dtype, at: (indices: readonly Value[]) => at(indices, start) }
    })
    return {
      read: (n) => {
        const indices = split(n)
        return { indices, x: w.load(source.dtype, source.address, source.at(indices)) }
      },
      write: ({ indices, x }) => {
        w.store(target.dtype, target.address, target.at(indices), w.step('cast', target.dtype, source.dtype, [x]))
      },
    }
  })
}

export const planConcat =
  (make: MakeWriter): Planner<'concat'> =>
  ({ attrs: { axis }, inputs, outputs: [{ sizes, dtype }] }): Plan => {
    const strides = contiguousStrides(sizes)
    let along = 0
    const launches = inputs.flatMap((x, input): Launch[] => {
      const first: Param = { is: 'int', value: along * strides[axis] }
      along += x.sizes[axis]
      const launch = planCopy(
        make,
        x.sizes,
        { param: { is: 'input', input }, dtype: x.dtype, strides: x.strides },
        { param: { is: 'output', output: 0 }, dtype, strides, first },
      )
      return launch === null ? [] : [launch]
    })
    return { launches, scratch: [] }
  }

/** A base of which a region is replaced: the base is copied, unless the output has its memory, then the region. */
export const planAssign =
  (make: MakeWriter): Planner<'assign'> =>
  ({ attrs: { region }, inputs: [base, source], outputs: [{ sizes, dtype }] }): Plan => {
    const to = { param: { is: 'output', output: 0 } as const, dtype }
    const whole = planCopy(
      make,
      sizes,
      { param: { is: 'input', input: 0 }, dtype: base.dtype, strides: base.strides },
      { ...to, strides: contiguousStrides(sizes) },
    )
    const first: Param = { is: 'attribute', type: 'int', of: ({ attrs }) => (attrs as Prims['assign']).region.offset }
    const part = planCopy(
      make,
      source.sizes,
      { param: { is: 'input', input: 1 }, dtype: source.dtype, strides: source.strides },
      { ...to, strides: region.strides, first },
    )
    const launches: Launch[] = []
    if (whole !== null) launches.push({ ...whole, unlessSame: 0 })
    if (part !== null) launches.push(part)
    return { launches, scratch: [] }
  }

export const planPad =
  (make: MakeWriter): Planner<'pad'> =>
  ({ attrs: { low, high }, inputs: [x], outputs: [{ sizes, dtype }] }: Instr<'pad'>): Plan => {
    if (numelOf(sizes) === 0) return only(null)
    if ([...low, ...high].every((width) => width === 0))
      return only(
        planCopy(
          make,
          sizes,
          { param: { is: 'input', input: 0 }, dtype, strides: x.strides },
          { param: { is: 'output', output: 0 }, dtype, strides: contiguousStrides(sizes) },
        ),
      )
    const axes = sizes.flatMap((size, axis) => (size > 1 || low[axis] !== 0 || high[axis] !== 0 ? [axis] : []))
    const launch = planEach(make, 'pad', numelOf(sizes), true, (w) => {
      const split = declareLoops(
        w,
        axes.map((axis) => sizes[axis]),
      )
      const value = w.number(
        w.param({ is: 'attribute', type: 'double', of: ({ attrs }) => (attrs as Prims['pad']).value }),
        dtype,
      )
      const source = w.param({ is: 'input', input: 0 })
      const at = declareSteps(
        w,
        axes.map((axis) => x.strides[axis]),
      )
      const padded = axes.flatMap((axis, i) => (low[axis] !== 0 || high[axis] !== 0 ? [{ axis, i }] : []))
      const bounds = padded.map(({ axis, i }) => ({
        i,
        before: w.param({ is: 'int', value: low[axis] }),
        size: w.param({ is: 'int', value: x.sizes[axis] }),
      }))
      const target = w.param({ is: 'output', output: 0 })
      return {
        read: (n) => {
          const indices = [...split(n)]
          const inside = bounds.map(({ i, before, size }) => {
            indices[i] = w.index('sub', indices[i], before)
            return w.both(w.compare('ge', indices[i], w.int(0)), w.compare('lt', indices[i], size))
          })
          const element = w.variable(value)
          w.when(
            inside.reduce((all, one) => w.both(all, one)),
            () => w.set(element, w.load(dtype, source, at(indices))),
          )
          return { n, element }
        },
        write: ({ n, element }) => w.store(dtype, target, n, element),
      }
    })
    return only(launch)
  }

export const planIota =
  (make: MakeWriter): Planner<'iota'> =>
  ({ attrs: { axis }, outputs: [{ sizes, dtype }] }): Plan => {
    const count = numelOf(sizes)
    if (count === 0) return only(null)
    const inner = numelOf(sizes.slice(axis + 1))
    const launch = planEach(make, 'iota', count, true, (w: KernelWriter) => {
      const split = declareLoops(w, [count / (sizes[axis] * inner), sizes[axis], inner])
      const target = w.param({ is: 'output', output: 0 })
      return {
        read: (n) => ({ n, value: w.step('cast', dtype, 'int32', [split(n)[1]]) }),
        write: ({ n, value }) => w.store(dtype, target, n, value),
      }
    })
    return only(launch)
  }
