// Loops over strided operands: dimensions that lie one after the other in every operand are merged, so that kernels
// see as few and as long loops as there can be.
import type { Shape } from '@flambeau/core/backend'

export interface Loops {
  /** Sizes from the outermost to the innermost loop. */
  readonly sizes: readonly number[]
  /** For each operand its step in each loop. */
  readonly steps: readonly (readonly number[])[]
}

export function loopsOver(shape: Shape, strides: readonly (readonly number[])[]): Loops {
  const sizes: number[] = []
  const steps: number[][] = strides.map(() => [])
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]
    if (size === 1) continue
    const last = sizes.length - 1
    let merges = last >= 0
    for (let k = 0; merges && k < strides.length; k++) merges = steps[k][last] === strides[k][axis] * size
    if (merges) sizes[last] *= size
    else sizes.push(size)
    for (let k = 0; k < strides.length; k++) {
      if (merges) steps[k][last] = strides[k][axis]
      else steps[k].push(strides[k][axis])
    }
  }
  return { sizes, steps }
}

/** How far the operands move along an axis, all together. */
function spanOf(strides: readonly (readonly number[])[], axis: number): number {
  let span = 0
  for (let k = 0; k < strides.length; k++) span += Math.abs(strides[k][axis])
  return span
}

/**
 * The loops of a map in the order that its memory has: axes with the larger steps outside. Axes that one output is
 * reduced over keep their order, because its additions have that order. The rows of outputs begin at `firstOutput`.
 */
export function orderedLoops(shape: Shape, strides: readonly (readonly number[])[], firstOutput: number): Loops {
  let least = Number.POSITIVE_INFINITY
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue
    const span = spanOf(strides, axis)
    if (span > least) return sortedLoops(shape, strides, firstOutput)
    least = span
  }
  return loopsOver(shape, strides)
}

function sortedLoops(shape: Shape, strides: readonly (readonly number[])[], firstOutput: number): Loops {
  const axes: number[] = []
  const outputs = strides.slice(firstOutput)
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue
    const span = spanOf(strides, axis)
    let at = axes.length
    for (; at > 0 && spanOf(strides, axes[at - 1]) < span; at--) {
      const before = axes[at - 1]
      if (outputs.some((row) => row[before] === 0 && row[axis] === 0)) break
    }
    axes.splice(at, 0, axis)
  }
  const inOrder = (row: readonly number[]): number[] => axes.map((axis) => row[axis])
  return loopsOver(inOrder(shape), strides.map(inOrder))
}

/**
 * Calls `row` for every innermost loop, with the operands' positions (to be read, not kept), its length and the
 * operands' steps in it.
 */
export function forEachRow(
  shape: Shape,
  strides: readonly (readonly number[])[],
  starts: readonly number[],
  row: (at: readonly number[], n: number, steps: readonly number[]) => void,
): void {
  if (shape.includes(0)) return
  const { sizes, steps } = loopsOver(shape, strides)
  const depth = sizes.length
  const at = [...starts]
  if (depth === 0)
    return row(
      at,
      1,
      starts.map(() => 0),
    )
  const inner = steps.map((s) => s[depth - 1])
  const index = new Array<number>(depth - 1).fill(0)
  for (;;) {
    row(at, sizes[depth - 1], inner)
    let l = depth - 2
    for (; l >= 0; l--) {
      index[l]++
      for (let k = 0; k < at.length; k++) at[k] += steps[k][l]
      if (index[l] < sizes[l]) break
      for (let k = 0; k < at.length; k++) at[k] -= steps[k][l] * sizes[l]
      index[l] = 0
    }
    if (l < 0) return
  }
}
