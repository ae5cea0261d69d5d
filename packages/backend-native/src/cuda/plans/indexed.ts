// The plans of gather and scatter. Indices are checked before anything is written. A scatter writes in the order of its
// index, as on every backend, so a thread takes all of a line along the axis: only elements of one line can meet.
import { contiguousStrides, type DType, loopsOver, numelOf, type Prims, type View } from '@flambeau/core/backend'
import type { Launch, Plan, Planner } from '../plan.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import type { KernelWriter, MakeWriter, Value } from '../text/writer.ts'
import { planEach, planTest } from './elements.ts'
import { planCopy } from './move.ts'
import { combining } from './reduction.ts'

/** The strides with 0 along an axis. */
const without = (strides: readonly number[], axis: number): number[] => strides.map((x, i) => (i === axis ? 0 : x))

const isOutside = (w: KernelWriter, index: Value, size: Value): Value => {
  const below = w.step('lt', 'bool', 'int32', [index, w.int(0)])
  const above = w.step('ge', 'bool', 'int32', [index, size])
  return w.compare('ne', w.step('or', 'bool', 'bool', [below, above]), w.int(0))
}

/** A kernel that notes an index outside of an axis. */
function planIndices(make: MakeWriter, index: View, size: number): Launch {
  const { sizes, steps } = loopsOver(index.sizes, [index.strides])
  return planTest(make, 'indices', numelOf(index.sizes), (w, fail) => {
    const most = w.param({ is: 'int', value: size })
    const split = declareLoops(w, sizes)
    const address = w.param({ is: 'input', input: 1 })
    const at = declareSteps(w, steps[0])
    return {
      read: (n) => w.load('int32', address, at(split(n))),
      write: (x) => w.when(isOutside(w, x, most), () => fail(x)),
    }
  })
}

export const planGather =
  (make: MakeWriter): Planner<'gather'> =>
  ({ attrs: { axis }, inputs: [source, index], outputs: [out] }): Plan => {
    if (numelOf(out.sizes) === 0) return { launches: [], scratch: [] }
    const rows = [without(source.strides, axis), index.strides, contiguousStrides(out.sizes)]
    const { sizes, steps } = loopsOver(out.sizes, rows)
    const dtype = source.dtype
    const move = planEach(make, 'gather', numelOf(out.sizes), true, (w) => {
      const split = declareLoops(w, sizes)
      const [from, indices, to] = [
        w.param({ is: 'input', input: 0 }),
        w.param({ is: 'input', input: 1 }),
        w.param({ is: 'output', output: 0 }),
      ]
      const [at, atIndex, atOut] = steps.map((row) => declareSteps(w, row))
      const step = w.param({ is: 'int', value: source.strides[axis] })
      return {
        read: (n) => {
          const i = split(n)
          const k = w.load('int32', indices, atIndex(i))
          return { i, x: w.load(dtype, from, w.indexMad(k, step, at(i))) }
        },
        write: ({ i, x }) => w.store(dtype, to, atOut(i), x),
      }
    })
    return { launches: [planIndices(make, index, source.sizes[axis]), move], scratch: [] }
  }

function planLines(
  make: MakeWriter,
  fn: Prims['scatter']['fn'],
  axis: number,
  [index, source]: readonly [View, View],
  strides: readonly number[],
  dtype: DType,
): Launch {
  const drop = (list: readonly number[]): number[] => list.filter((_, i) => i !== axis)
  const rows = [index.strides, source.strides, strides]
  const { sizes, steps } = loopsOver(drop(index.sizes), rows.map(drop))
  return planEach(
    make,
    'scatter',
    numelOf(sizes),
    false,
    (w) => {
      const split = declareLoops(w, sizes)
      const [indices, from, to] = [
        w.param({ is: 'input', input: 1 }),
        w.param({ is: 'input', input: 2 }),
        w.param({ is: 'output', output: 0 }),
      ]
      const at = steps.map((row) => declareSteps(w, row))
      const [nextIndex, nextSource, along, length] = [...rows.map((row) => row[axis]), index.sizes[axis]].map((value) =>
        w.param({ is: 'int', value }),
      )
      return {
        read: (n) => split(n),
        write: (i) => {
          const [first, start, line] = at.map((position) => position(i))
          w.loop(w.int(0), length, w.int(1), (c) => {
            const k = w.load('int32', indices, w.indexMad(c, nextIndex, first))
            const x = w.load(dtype, from, w.indexMad(c, nextSource, start))
            const target = w.indexMad(k, along, line)
            if (fn === 'set') w.store(dtype, to, target, x)
            else
              w.store(
                dtype,
                to,
                target,
                w.step(combining[fn === 'add' ? 'sum' : fn], dtype, dtype, [w.load(dtype, to, target), x]),
              )
          })
        },
      }
    },
    index.sizes[axis] ?? 1,
  )
}

export const planScatter =
  (make: MakeWriter): Planner<'scatter'> =>
  ({ attrs: { axis, fn }, inputs: [base, index, source], outputs: [out] }): Plan => {
    const strides = contiguousStrides(base.sizes)
    const launches: Launch[] = []
    const isEmpty = numelOf(index.sizes) === 0
    if (!isEmpty) launches.push(planIndices(make, index, base.sizes[axis]))
    const copy = planCopy(
      make,
      base.sizes,
      { param: { is: 'input', input: 0 }, dtype: base.dtype, strides: base.strides },
      { param: { is: 'output', output: 0 }, dtype: out.dtype, strides },
    )
    if (copy !== null) launches.push({ ...copy, unlessSame: 0 })
    if (!isEmpty) launches.push(planLines(make, fn, axis, [index, source], strides, out.dtype))
    return { launches, scratch: [] }
  }
