// Loops over strided operands. Dimensions that follow each other in every operand are merged, so that kernels get the
// fewest and longest loops.
import { contiguousStrides, type Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import type { Prims } from './backend.ts'

export interface Loops {
  /** Sizes from the outermost to the innermost loop. */
  readonly sizes: readonly number[]
  /** For each operand, its step in each loop. */
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

/** How far all operands together move along an axis. */
function spanOf(strides: readonly (readonly number[])[], axis: number): number {
  let span = 0
  for (let k = 0; k < strides.length; k++) span += Math.abs(strides[k][axis])
  return span
}

/**
 * The loops of a map in memory order: axes with larger steps outside. Axes that an output is reduced over keep their
 * order, because its additions have that order. The rows of outputs begin at `firstOutput`.
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

/** The strides of an output in the iterated shape: 0 along reduced axes. */
export function outputStrides(shape: Shape, axes: readonly number[] | undefined): readonly number[] {
  if (axes === undefined) return contiguousStrides(shape)
  const strides = new Array<number>(shape.length).fill(0)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (axes.includes(i)) continue
    strides[i] = shape[i] === 1 ? 0 : step
    step *= shape[i]
  }
  return strides
}

/** The loops of a map: one row of steps per view among the inputs, then one per output. */
export function mapLoopsOver(shape: Shape, inputs: readonly object[], { outs }: Prims['map']): Loops {
  const strides: (readonly number[])[] = []
  for (let i = 0; i < inputs.length; i++) {
    const { strides: row } = inputs[i] as Partial<Layout>
    if (row !== undefined) strides.push(row)
  }
  const views = strides.length
  for (let k = 0; k < outs.length; k++) strides.push(outputStrides(shape, outs[k].reduce?.axes))
  return orderedLoops(shape, strides, views)
}

/**
 * Calls `row` for every innermost loop, with the positions of the operands (which it must not keep), the length of the
 * loop, and the steps of the operands in it.
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
