// Inverts a layout: statements that find, for a position in memory, the elements that lie there. Writing to a view and
// the adjoint of a view need this; windows overlap, so there may be several elements.
import type { Loops } from '@flambeau/core/backend'
import { divided, type KernelWriter } from '../writer.ts'
import { each } from './loops.ts'

/**
 * A dimension of the elements: its size, its stride in the memory that is searched, and its stride in the elements'
 * own.
 */
interface Dim {
  readonly size: number
  readonly step: number
  readonly from: number
}

/**
 * Orders dimensions by falling stride and makes strides positive, from two rows of strides: in the memory that is
 * searched, and in the elements' own. Reversing a negative stride moves the first element in both.
 */
export function turned({ sizes, steps: [to, from] }: Loops): {
  readonly dims: readonly Dim[]
  /** How far the first element moves in each. */
  readonly shifts: readonly [number, number]
} {
  const shifts: [number, number] = [0, 0]
  const dims = sizes.map((size, d) => {
    if (to[d] >= 0) return { size, step: to[d], from: from[d] }
    shifts[0] += (size - 1) * to[d]
    shifts[1] += (size - 1) * from[d]
    return { size, step: -to[d], from: -from[d] }
  })
  return { dims: dims.sort((a, b) => b.step - a.step), shifts }
}

/**
 * Writes `body` for the index of every element that lies `position` after the first, an integer between -`most` and
 * `most`; `start` is the index of the first element.
 */
export function preimages(
  writer: KernelWriter,
  dims: readonly Dim[],
  position: string,
  most: number,
  start: string | undefined,
  body: (index: string) => void,
): void {
  const froms = dims.map(({ from }) => from)
  const search = (left: string, indices: readonly string[]): void => {
    const d = indices.length
    if (d === dims.length) {
      writer.when(`${left} === 0`, () => body(writer.address(start, indices, froms)))
      return
    }
    const { size, step } = dims[d]
    const at = (index: string): void => search(writer.value(`${left} - ${index} * ${step}`), [...indices, index])
    // The range of later dimensions: an element at this position comes at most this many before the last candidate.
    const reach = dims.slice(d + 1).reduce((sum, dim) => sum + (dim.size - 1) * dim.step, 0)
    const turns = step === 0 ? size : Math.floor(reach / step) + 1
    if (turns >= size) {
      each(writer, size, (index) => writer.when(`${index} * ${step} <= ${left}`, () => at(index)))
      return
    }
    const last = writer.value(divided(left, step, most))
    each(writer, turns, (turn) => {
      const index = turn === '0' ? last : writer.value(`${last} - ${turn}`)
      writer.when(`${index} >= 0 && ${index} < ${size}`, () => at(index))
    })
  }
  writer.when(`${position} >= 0`, () => search(position, []))
}
