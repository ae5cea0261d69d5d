// The plan of a sort: the lines along the axis are copied side by side, sorted as pairs of a key and a position by the
// library (kernels/sort.cu), and written from there.
import { contiguousStrides, type DType, dtypeSize, numelOf } from '@flambeau/core/backend'
import type { Launch, Param, Plan, Planner } from '../plan.ts'
import type { MakeWriter } from '../text/writer.ts'
import { planCopy } from './move.ts'

/** Elements that a block sorts in its own memory, or makes of those that are merged. */
const tile = 2048
const threads = 256
const mostBlocks = 4096

/** A list with the entry of an axis at its end. */
const last = (list: readonly number[], axis: number): number[] => [
  ...list.filter((_, i) => i !== axis),
  ...(axis < list.length ? [list[axis]] : []),
]

export const planSort =
  (make: MakeWriter, library: string): Planner<'sort'> =>
  ({ attrs: { axis, descending }, inputs: [x], outputs }): Plan => {
    const scratch: number[] = []
    const count = numelOf(x.sizes)
    if (count === 0) return { launches: [], scratch }
    const { dtype } = x
    const sizes = last(x.sizes, axis)
    const n = sizes.at(-1) ?? 1
    const lines = count / n
    let padded = 1
    while (padded < Math.min(n, tile)) padded *= 2
    // A longer line has whole tiles.
    if (n > tile) padded = Math.ceil(n / tile) * tile
    const all = lines * padded
    const wide = dtype === 'float64'
    const memory = (bytes: number): Param => ({ is: 'scratch', scratch: scratch.push(bytes) - 1 })
    const own: DType = dtype === 'bool' ? 'uint8' : dtype
    const strides = contiguousStrides(sizes)
    const isLast = contiguousStrides(x.sizes).every((step, i) => last(contiguousStrides(x.sizes), axis)[i] === step)
    const lined = memory(dtypeSize[dtype] * count)
    const pairs = (): readonly [Param, Param] => [memory((wide ? 8 : 4) * all), memory(4 * all)]
    let [keys, positions] = pairs()
    const results = outputs.map(
      ({ dtype }, output): Param => (isLast ? { is: 'output', output } : memory(dtypeSize[dtype] * count)),
    )
    const launches: Launch[] = []
    const copy = (from: Param, steps: readonly number[], to: Param, toSteps: readonly number[], dtype: DType): void => {
      const launch = planCopy(
        make,
        sizes,
        { param: from, dtype, strides: steps },
        { param: to, dtype, strides: toSteps },
      )
      if (launch !== null) launches.push(launch)
    }
    const launch = (name: string, block: number, blocks: number, params: readonly Param[]): void =>
      void launches.push({
        kernel: { text: library, name },
        grid: [blocks, 1, 1],
        block,
        shared: 0,
        params: [{ is: 'flag' }, ...params],
      })
    const int = (value: number): Param => ({ is: 'int', value })
    const ofAll = (elements: number): number => Math.min(mostBlocks, Math.ceil(elements / threads))
    copy({ is: 'input', input: 0 }, last(x.strides, axis), lined, strides, dtype)
    const shape = [int(lines), int(n), int(padded)]
    launch(`sort_begin_${own}`, threads, ofAll(all), [lined, keys, positions, ...shape, int(descending ? 1 : 0)])
    const key = wide ? 'int64' : 'int32'
    const tiles = Math.ceil(all / tile)
    if (padded > 1) {
      const params = [keys, positions, { is: 'long', value: all } as const, int(Math.min(padded, tile))]
      launch(`sort_tile_${key}`, tile / 2, tiles, params)
    }
    if (n > tile) {
      let [otherKeys, otherPositions] = pairs()
      for (let run = tile; run < padded; run *= 2) {
        launch(`sort_merge_${key}`, threads, tiles, [keys, positions, otherKeys, otherPositions, int(padded), int(run)])
        ;[keys, otherKeys] = [otherKeys, keys]
        ;[positions, otherPositions] = [otherPositions, positions]
      }
    }
    launch(`sort_end_${own}`, threads, ofAll(count), [lined, positions, ...results, ...shape])
    if (!isLast) {
      outputs.forEach((out, output) => {
        const steps = last(contiguousStrides(out.sizes), axis)
        copy(results[output], strides, { is: 'output', output }, steps, out.dtype)
      })
    }
    return { launches, scratch }
  }
