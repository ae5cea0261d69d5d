// Reductions of any kind: an element of the result is the work of one thread, of a warp or of a block, by the number of
// elements that it reduces, and of several parts if these are many. The order in which they are combined depends on the
// shape and the axes alone.
import { type DType, dtypeSize, type ReduceFn, type Shape } from '@flambeau/core/backend'
import type { Launch, Param } from '../plan.ts'
import { accumulators, acrossLanes, append, type Combining, type Lanes, placeOf } from '../text/lanes.ts'
import { declareLoops } from '../text/loops.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import { begin, type KernelWriter, type MakeWriter, threads } from '../text/writer.ts'

/** The step that combines two values. */
export const combining: Readonly<Record<ReduceFn, 'add' | 'mul' | 'max' | 'min'>> = {
  sum: 'add',
  prod: 'mul',
  max: 'max',
  min: 'min',
}

/** The last axis along which there is more than one element; -1 if there is none. */
export const lastAxisOf = (shape: Shape): number => shape.reduce((last, size, axis) => (size > 1 ? axis : last), -1)

/** How a reduction is shared out: the lanes of an element, the elements of a lane in a part, and the parts. */
interface Form {
  readonly lanes: Lanes
  readonly chain: number
  readonly parts: number
}

const chain = 64
const mostParts = 32768

/** `rows`: the last axis is reduced, so lanes side by side read elements side by side. */
export function formOf(reduced: number, rows: boolean): Form {
  const lanes = !rows || reduced <= 32 ? 1 : reduced <= 1024 ? 32 : 256
  const length = Math.max(chain, Math.ceil(reduced / (lanes * mostParts)))
  return { lanes, chain: length, parts: Math.max(1, Math.ceil(reduced / (lanes * length))) }
}

export interface Reduction {
  readonly name: string
  /** Elements of the result, and elements that each of them reduces. */
  readonly count: number
  readonly length: number
  readonly rows: boolean
  readonly combining: Combining
  /** Declares the operands; returns the accumulators of element `r` of those that element `k` reduces. */
  open(w: KernelWriter): (k: Value, r: Value) => readonly Value[]
  /** Declares the outputs; returns what writes element `k` of the result. */
  finish(w: KernelWriter): (k: Value, totals: readonly Value[]) => void
}

function pass(make: MakeWriter, name: string, count: number, length: number, form: Form, reduction: Reduction): Launch {
  const { lanes, parts } = form
  const { combining } = reduction
  const w = make()
  begin(w)
  const [most, all, span] = [count * parts, length, lanes * form.chain].map((value) => w.param({ is: 'int', value }))
  const read = reduction.open(w)
  const write = reduction.finish(w)
  // Parts are items of their own, so that few results with many parts fill their blocks.
  const { item, lane, leads } = placeOf(w, lanes, most)
  // Parts are items of their own, so that few results with many parts fill their blocks.
  const [part, k] = parts === 1 ? [w.int(0), item] : declareLoops(w, [parts, count])(item)
  const sums = accumulators(w, combining)
  const first = w.index('mul', part, span)
  const last = w.index('min', all, w.index('add', first, span))
  inTurns(
    w,
    w.index('add', first, lane),
    last,
    w.int(lanes),
    (r) => read(k, r),
    (values) => append(w, combining, sums, values),
  )
  acrossLanes(w, lanes, combining, sums)
  leads(() => write(item, sums))
  const { kernel, params } = w.kernel(name)
  const grid = [Math.ceil((count * parts * lanes) / threads), 1, 1] as const
  // Lanes without an element are there as well.
  const visits = count * Math.max(length, lanes * parts)
  return { kernel, grid, block: threads, shared: 0, params, visits }
}

/** Adds the launches of a reduction, and the memory between them. */
export function planReduction(make: MakeWriter, reduction: Reduction, launches: Launch[], scratch: number[]): void {
  const { name, count, combining } = reduction
  const { dtypes } = combining
  /** Memory for the accumulators of all parts. */
  const partial = (parts: number): readonly Param[] =>
    dtypes.map((dtype) => ({ is: 'scratch', scratch: scratch.push(dtypeSize[dtype] * count * parts) - 1 }))
  const intoPartial = (memory: readonly Param[]): Reduction['finish'] => {
    return (w) => {
      const to = memory.map((param) => w.param(param))
      return (k, totals) => {
        totals.forEach((x, i) => {
          w.store(dtypes[i], to[i], k, x)
        })
      }
    }
  }
  let { length, open } = reduction
  let form = formOf(length, reduction.rows)
  for (;;) {
    const memory = form.parts === 1 ? null : partial(form.parts)
    const finish = memory === null ? reduction.finish : intoPartial(memory)
    launches.push(pass(make, name, count, length, form, { ...reduction, open, finish }))
    if (memory === null) return
    length = form.parts
    // Parts are rows of partial results, so those of one element lie apart.
    form = formOf(length, count === 1)
    open = (w) => {
      const from = memory.map((param) => w.param(param))
      const width = w.param({ is: 'int', value: count })
      return (k, r) => from.map((at, i) => w.load(dtypes[i], at, w.indexMad(r, width, k)))
    }
  }
}

/** Combinations of single values by a function. */
export const each = (
  dtypes: readonly DType[],
  initial: (w: KernelWriter, i: number) => Value,
  combine: (w: KernelWriter, i: number, a: Value, b: Value) => Value,
): Combining => ({
  dtypes,
  initial: (w) => dtypes.map((_, i) => initial(w, i)),
  combine: (w, a, b) => a.map((x, i) => combine(w, i, x, b[i])),
})

/** A single sum. */
export const sums = (dtype: DType): Combining =>
  each(
    [dtype],
    (w) => w.constant(0, dtype),
    (w, _, a, b) => w.step('add', dtype, dtype, [a, b]),
  )
