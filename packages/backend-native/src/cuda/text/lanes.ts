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
}

export interface Place {
  /** The thing that this lane works on, and whether it exists. */
  readonly item: Value
  readonly exists: Value
  /** The number of the lane among those of its thing. */
  readonly lane: Value
}

/** Where a thread of a grid is whose blocks have 256 threads: things follow each other, lanes within them. */
export function placeOf(w: KernelWriter, lanes: Lanes, count: Value): Place {
  const thread = w.position('thread')
  const block = w.position('block')
  if (lanes === 1) {
    const item = w.indexMad(block, w.int(threads), thread)
    return { item, exists: w.compare('lt', item, count), lane: w.int(0) }
  }
  const inBlock = w.index('shiftRight', thread, w.int(Math.log2(lanes)))
  const item = w.indexMad(block, w.int(threads / lanes), inBlock)
  const lane = w.index('sub', thread, w.index('mul', inBlock, w.int(lanes)))
  return { item, exists: w.compare('lt', item, count), lane }
}

/** The accumulators of a lane. */
export const accumulators = (w: KernelWriter, combining: Combining): readonly Value[] =>
  combining.initial(w).map((x) => w.variable(x))

export function accumulate(w: KernelWriter, combining: Combining, sums: readonly Value[], by: readonly Value[]): void {
  combining.combine(w, sums, by).forEach((x, i) => {
    w.set(sums[i], x)
  })
}

/** Combines the accumulators of all lanes: afterwards each lane has the total, with the same bits. All threads come here. */
export function acrossLanes(w: KernelWriter, lanes: Lanes, combining: Combining, sums: readonly Value[]): void {
  if (lanes === 1) return
  for (const apart of [16, 8, 4, 2, 1]) {
    accumulate(
      w,
      combining,
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
  for (let j = 1; j < threads / 32; j++) accumulate(w, combining, sums, load(j))
}
