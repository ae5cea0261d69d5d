// Work on one thing by several lanes: by a thread, by the 32 of a warp, or by the 256 of a block.
import type { DType } from '@flambeau/core/backend'
import type { Value } from '../value.ts'
import { type KernelWriter, threads } from './writer.ts'

export type Lanes = 1 | 32 | 256

/** Things of one kind, combined two by two: sums, extremes, pairs of a value and its position. */
export interface Combining {
  readonly dtypes: readonly DType[]
  initial(w: KernelWriter): readonly Value[]
  combine(w: KernelWriter, a: readonly Value[], b: readonly Value[]): readonly Value[]
  /** The same where b comes after all of a, as a lane meets its elements; without it `combine` does that, too. */
  append?(w: KernelWriter, a: readonly Value[], b: readonly Value[]): readonly Value[]
}

export interface Place {
  /** The thing that this lane works on. */
  readonly item: Value
  /** The number of the lane among those of its thing. */
  readonly lane: Value
  /** Runs the body in the lane that writes what its thing has one of. */
  leads(body: () => void): void
}

/**
 * Where a thread of a grid is whose blocks have 256 threads: things follow each other, lanes within them. Lanes of things
 * that do not exist have returned. They are whole warps, or single threads where none waits for another: blocks of one
 * thing are as many as there are things.
 */
export function placeOf(w: KernelWriter, lanes: Lanes, count: Value): Place {
  const thread = w.position('thread')
  const block = w.position('block')
  if (lanes === threads) return { item: block, lane: thread, leads: (body) => w.when(isZero(w, thread), body) }
  const inBlock = w.index('shiftRight', thread, w.int(Math.log2(lanes)))
  const item = w.indexMad(block, w.int(threads / lanes), inBlock)
  w.returnIf(w.compare('ge', item, count))
  if (lanes === 1) return { item, lane: w.int(0), leads: (body) => body() }
  const lane = w.index('sub', thread, w.index('mul', inBlock, w.int(lanes)))
  return { item, lane, leads: (body) => w.when(isZero(w, lane), body) }
}
const isZero = (w: KernelWriter, x: Value): Value => w.compare('eq', x, w.int(0))

/** The accumulators of a lane. */
export const accumulators = (w: KernelWriter, combining: Combining): readonly Value[] =>
  combining.initial(w).map((x) => w.variable(x))

function accumulate(
  w: KernelWriter,
  combine: Combining['combine'],
  sums: readonly Value[],
  by: readonly Value[],
): void {
  combine(w, sums, by).forEach((x, i) => {
    w.set(sums[i], x)
  })
}

/** Adds the next element of a lane to its accumulators. */
export const append = (w: KernelWriter, combining: Combining, sums: readonly Value[], by: readonly Value[]): void =>
  accumulate(w, combining.append ?? combining.combine, sums, by)

/** Combines the accumulators of all lanes: afterwards each lane has the total, with the same bits. All threads come here. */
export function acrossLanes(w: KernelWriter, lanes: Lanes, combining: Combining, sums: readonly Value[]): void {
  if (lanes === 1) return
  for (const apart of [16, 8, 4, 2, 1]) {
    accumulate(
      w,
      combining.combine,
      sums,
      sums.map((x) => w.fromLane(x, apart)),
    )
  }
  if (lanes === 32) return
  const thread = w.position('thread')
  const warp = w.index('shiftRight', thread, w.int(5))
  const isFirst = w.compare('eq', w.index('sub', thread, w.index('mul', warp, w.int(32))), w.int(0))
  const memory = combining.dtypes.map((dtype) => w.shared(dtype, threads / 32))
  w.when(isFirst, () => {
    memory.forEach((at, i) => {
      w.storeShared(combining.dtypes[i], at, warp, sums[i])
    })
  })
  w.barrier()
  const load = (j: number): Value[] => memory.map((at, i) => w.loadShared(combining.dtypes[i], at, w.int(j)))
  load(0).forEach((x, i) => {
    w.set(sums[i], x)
  })
  for (let j = 1; j < threads / 32; j++) accumulate(w, combining.combine, sums, load(j))
}
