// Anomaly mode: if a gradient rule throws or returns NaN, the error names it together with the forward line that called
// its operation. This is slow, because it reads every element of every gradient.
import { isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { isnan } from '../ops/pointwise/comparison.ts'
import { any } from '../ops/reduce/reduce.ts'
import type { Node } from '../tensor/node.ts'
import type { Gradients } from '../tensor/op.ts'

const forwardOf = (node: Node): string =>
  node.line === null
    ? `The forward call of ${node.name} was made outside detectAnomaly, so its line is unknown.`
    : `The forward call of ${node.name} was made at ${node.line}.`

/** The gradients of a node's inputs; throws if one has NaN. */
export function watched(node: Node): Gradients {
  let gradients: Gradients
  try {
    node.checkSaved()
    gradients = (node.op.vjp as NonNullable<typeof node.op.vjp>)(node)
  } catch (error) {
    if (error instanceof Error && !error.message.includes('The forward call of '))
      error.message += `\n${forwardOf(node)}`
    throw error
  }
  gradients.forEach((dx, i) => {
    if (dx === null || dx === undefined || !isFloat(dx.dtype) || any(isnan(dx)).item() === 0) return
    throw new RuntimeError(`Function '${node.name}' returned nan values in its ${i}th output.`, forwardOf(node))
  })
  return gradients
}
