// A layout turned around: statements that find, for a position in memory, the elements that lie there. A view that was
// written to and the adjoint of a view ask for it; windows overlap, so there may be several.
import type { Loops } from '@flambeau/core/backend'
import { divided, each, indexAt, type KernelText } from './text.ts'

/** A dimension of the elements: its size, its step in the memory that is looked from, its step in that of the elements. */
interface Dim {
  readonly size: number
  readonly step: number
  readonly from: number
}

/**
 * Dimensions whose steps are positive, larger ones first, from two rows of steps: in the memory that is looked from,
 * and in the elements' own. Negative ones are turned round, which moves where the first element is in either.
 */
export function turned({ sizes, steps: [to, from] }: Loops): {
  readonly dims: readonly Dim[]
  /** How far the first element moves. */
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
 * Statements that run `body` with the index of every element that lies `position` after the first, a whole number between
 * -`most` and `most`; `start` is the index of the first element.
 */
export function preimages(
  text: KernelText,
  dims: readonly Dim[],
  position: string,
  most: number,
  start: string,
  body: (index: string) => readonly string[],
): readonly string[] {
  const coordinates: string[] = []
  const search = (d: number, left: string): readonly string[] => {
    if (d === dims.length) {
      const index = indexAt(
        start,
        coordinates,
        dims.map(({ from }) => from),
      )
      return [`if (${left} === 0) {`, ...body(index), '}']
    }
    const { size, step } = dims[d]
    const at = text.name('c')
    coordinates[d] = at
    const next = text.name('p')
    const inside = [`const ${next} = ${left} - ${at} * ${step};`, ...search(d + 1, next)]
    // What later dimensions can reach: an element that lies here is at most so many before the last that could.
    const reach = dims.slice(d + 1).reduce((sum, dim) => sum + (dim.size - 1) * dim.step, 0)
    const turns = step === 0 ? size : Math.floor(reach / step) + 1
    if (turns >= size) {
      return each(text, size, (turn) => [`const ${at} = ${turn};`, `if (${at} * ${step} <= ${left}) {`, ...inside, '}'])
    }
    const { lines, quotient } = divided(text, left, step, most)
    return [
      ...lines,
      ...each(text, turns, (turn) => [
        `const ${at} = ${quotient} - ${turn};`,
        `if (${at} >= 0 && ${at} < ${size}) {`,
        ...inside,
        '}',
      ]),
    ]
  }
  return [`if (${position} >= 0) {`, ...search(0, position), '}']
}
