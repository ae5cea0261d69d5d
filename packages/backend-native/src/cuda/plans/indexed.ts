// The plans of gather and scatter. Indices are checked before anything is written. A scatter writes in the order of its
// index, as on every backend. Only elements of one line along the axis can meet, so a thread takes a line; or, if lines
// are long and few, all elements that meet, which a stable sort of the index brings together.
import {
  contiguousStrides,
  type DType,
  dtypeSize,
  type Instr,
  loopsOver,
  numelOf,
  type Prims,
  type View,
} from '@flambeau/core/backend'
import type { Launch, Param, Plan, Planner } from '../plan.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import type { KernelWriter, MakeWriter } from '../text/writer.ts'
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

/** Lines of at least so many elements, and at most so many lines, are sorted. */
const longLine = 128
const fewLines = 4096

/** Renames what the parameters of launches refer to. */
const renamed = (launches: readonly Launch[], name: (param: Param) => Param): Launch[] =>
  launches.map((launch) => ({ ...launch, params: launch.params.map(name) }))

/** Adds the launches of a scatter that sorts its index: a thread takes all elements of a line that go to one place. */
function planSorted(
  make: MakeWriter,
  sort: Planner<'sort'>,
  { attrs: { axis, fn }, inputs: [, index, source], outputs: [out] }: Instr<'scatter'>,
  launches: Launch[],
  scratch: number[],
): void {
  // Lines that share their index share its order.
  const sizes = index.sizes.map((size, i) => (i !== axis && index.strides[i] === 0 ? 1 : size))
  const int32 = { sizes, dtype: 'int32' as const, buffer: index.buffer }
  const sorting = sort({
    kind: 'sort',
    attrs: { axis, descending: false },
    inputs: [{ ...index, sizes }],
    outputs: [int32, int32],
    origin: { name: 'scatter' },
  } as unknown as Instr<'sort'>) as Plan
  const begin = scratch.length
  scratch.push(...sorting.scratch)
  const [keys, positions] = [0, 1].map(
    (): Param => ({ is: 'scratch', scratch: scratch.push(dtypeSize.int32 * numelOf(sizes)) - 1 }),
  )
  const name = (param: Param): Param => {
    if (param.is === 'input') return { is: 'input', input: 1 }
    if (param.is === 'output') return param.output === 0 ? keys : positions
    return param.is === 'scratch' ? { is: 'scratch', scratch: begin + param.scratch } : param
  }
  launches.push(...renamed(sorting.launches, name))
  const { dtype } = out
  const length = index.sizes[axis]
  const dense = contiguousStrides(sizes).map((step, i) => (sizes[i] === 1 ? 0 : step))
  const rows = [dense, source.strides, contiguousStrides(out.sizes)]
  const segments = planEach(make, 'scatter', numelOf(index.sizes), false, (w) => {
    const split = declareLoops(w, index.sizes)
    const [sorted, order] = [w.param(keys), w.param(positions)]
    const [from, to] = [w.param({ is: 'input', input: 2 }), w.param({ is: 'output', output: 0 })]
    const at = rows.map((row) => declareSteps(w, without(row, axis)))
    const [next, nextSource, along, all, turns] = [
      ...rows.map((row) => row[axis]),
      length,
      Math.ceil(Math.log2(length + 1)),
    ].map((value) => w.param({ is: 'int', value }))
    return {
      read: (n) => split(n),
      write: (indices) => {
        const c = indices[axis]
        const [line, start, target] = at.map((position) => position(indices))
        const keyAt = (i: Value): Value => w.load('int32', sorted, w.indexMad(i, next, line))
        const k = keyAt(c)
        const isFirst = w.variable(w.int(1))
        w.when(w.compare('ge', c, w.int(1)), () => {
          w.set(isFirst, w.step('ne', 'bool', 'int32', [keyAt(w.index('sub', c, w.int(1))), k]))
        })
        w.when(w.compare('ne', isFirst, w.int(0)), () => {
          // Where the place's elements end.
          const [low, high] = [w.variable(c), w.variable(all)]
          w.loop(w.int(0), turns, w.int(1), () => {
            w.when(w.compare('lt', low, high), () => {
              const middle = w.index('shiftRight', w.index('add', low, high), w.int(1))
              const isSame = w.compare('eq', keyAt(middle), k)
              const isOther = w.compare('ne', keyAt(middle), k)
              w.when(isSame, () => w.set(low, w.index('add', middle, w.int(1))))
              w.when(isOther, () => w.set(high, middle))
            })
          })
          const place = w.indexMad(k, along, target)
          const value = w.variable(fn === 'set' ? w.constant(0, dtype) : w.load(dtype, to, place))
          const read = (i: Value): Value =>
            w.load(dtype, from, w.indexMad(w.load('int32', order, w.indexMad(i, next, line)), nextSource, start))
          inTurns(w, c, low, w.int(1), read, (x) => {
            w.set(value, fn === 'set' ? x : w.step(combining[fn === 'add' ? 'sum' : fn], dtype, dtype, [value, x]))
          })
          w.store(dtype, to, place, value)
        })
      },
    }
  })
  launches.push(segments)
}

export const planScatter =
  (make: MakeWriter, sort: Planner<'sort'>): Planner<'scatter'> =>
  (instr): Plan => {
    const {
      attrs: { axis, fn },
      inputs: [base, index, source],
      outputs: [out],
    } = instr
    const strides = contiguousStrides(base.sizes)
    const launches: Launch[] = []
    const scratch: number[] = []
    const count = numelOf(index.sizes)
    if (count > 0) launches.push(planIndices(make, index, base.sizes[axis]))
    const copy = planCopy(
      make,
      base.sizes,
      { param: { is: 'input', input: 0 }, dtype: base.dtype, strides: base.strides },
      { param: { is: 'output', output: 0 }, dtype: out.dtype, strides },
    )
    if (copy !== null) launches.push({ ...copy, unlessSame: 0 })
    const length = index.sizes[axis]
    if (length >= longLine && count / length <= fewLines) planSorted(make, sort, instr, launches, scratch)
    else if (count > 0) launches.push(planLines(make, fn, axis, [index, source], strides, out.dtype))
    return { launches, scratch }
  }
