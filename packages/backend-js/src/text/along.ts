// How a factor of a contraction goes along its rows, its columns or its summed axes: by one step, or, for several axes
// of a view that do not fold into one, by the offsets that their nested loops give.
import { type Contraction, type Loops, loopsOver, numelOf } from '@flambeau/core/backend'

/** Loops from the outermost to the innermost, with one operand's step in each. There are at least two. */
export interface Nest {
  readonly sizes: readonly number[]
  readonly steps: readonly number[]
}

/** The way from one position to the next. */
export type Along = number | Nest

export const isNest = (along: Along): along is Nest => typeof along !== 'number'

/** How a factor goes along its rows and its columns. */
export interface Steps {
  readonly rowStep: Along
  readonly columnStep: Along
}

export const isWalked = ({ rowStep, columnStep }: Steps): boolean => isNest(rowStep) || isNest(columnStep)

/** How an operand goes through loops, with the loops folded for this operand alone. */
export function alongOf(loops: Loops, operand: number): Along {
  const { sizes, steps } = loopsOver(loops.sizes, [loops.steps[operand]])
  return sizes.length > 1 ? { sizes, steps: steps[0] } : (steps[0][0] ?? 0)
}

/** The distance from the first of `count` positions to the last; no step is negative. */
export const reachOf = (along: Along, count: number): number =>
  isNest(along)
    ? along.steps.reduce((reach, step, loop) => reach + step * (along.sizes[loop] - 1), 0)
    : along * (count - 1)

export const isAscending = (along: Along): boolean =>
  isNest(along) ? along.steps.every((step) => step >= 0) : along >= 0

/** The offsets of all positions, in order. */
export function offsets(sizes: readonly number[], steps: readonly number[]): Int32Array {
  // A view of a buffer, because V8 keeps the elements of small arrays in its heap, where they have no fixed address.
  const table = new Int32Array(new ArrayBuffer(4 * numelOf(sizes)))
  for (let loop = sizes.length - 1, inner = 1; loop >= 0; inner *= sizes[loop--]) {
    for (let i = 1; i < sizes[loop]; i++) {
      for (let j = 0; j < inner; j++) table[i * inner + j] = table[j] + i * steps[loop]
    }
  }
  return table
}

/** The product of an m by k and a k by n matrix that each element of a contraction's batch is. */
export function productOf({ rows, sum, columns }: Contraction): {
  readonly m: number
  readonly k: number
  readonly n: number
  readonly a: Steps
  readonly b: Steps
} {
  return {
    m: numelOf(rows.sizes),
    k: numelOf(sum.sizes),
    n: numelOf(columns.sizes),
    a: { rowStep: alongOf(rows, 0), columnStep: alongOf(sum, 0) },
    b: { rowStep: alongOf(sum, 1), columnStep: alongOf(columns, 0) },
  }
}
