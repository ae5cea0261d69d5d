// Anomaly mode: if a gradient rule throws or returns NaN, the error names it together with the forward line that called
// its operation. This is slow, because it reads every element of every gradient, unless told not to.
import { isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { isnan } from '../ops/pointwise/comparison.ts'
import { any } from '../ops/reduce/reduce.ts'
import { mode, withMode } from '../tensor/mode.ts'
import type { Node } from '../tensor/node.ts'
import type { Gradients } from '../tensor/op.ts'
import { type Takes, bool, fn as fnKind, optional, required, signature } from '../tensor/signature.ts'

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
  if (!mode.checkNan) return gradients
  gradients.forEach((dx, i) => {
    if (dx === null || dx === undefined || !isFloat(dx.dtype) || any(isnan(dx)).item() === 0) return
    throw new RuntimeError(`Function '${node.name}' returned nan values in its ${i}th output.`, forwardOf(node))
  })
  return gradients
}

type CheckNan = boolean | { readonly checkNan?: boolean }
const checkNan = optional('checkNan', bool, true)
const detectArguments = signature('detect_anomaly', required('fn', fnKind), checkNan)
/**
 * Runs `fn` so that a gradient that fails, or contains NaN unless `checkNan` is false, names the forward line it belongs
 * to; slow.
 *
 * @example
 * detectAnomaly(() => tensor(-1, { requiresGrad: true }).sqrt().backward())
 * // RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
 * // The forward call of SqrtBackward0 was made at …
 */
export function detectAnomaly<R>(...args: [fn: () => R, checkNan?: CheckNan]): R {
  const [fn, checkNan] = detectArguments(args)
  return withMode('detectAnomaly', { anomaly: true, checkNan }, fn as unknown as () => R)
}

const setArguments = signature('set_detect_anomaly', required('mode', bool), checkNan)
/** Switches anomaly detection on or off from here on; see `detectAnomaly`. */
export function setDetectAnomaly(...args: Takes<[mode: boolean], 'mode', [checkNan?: CheckNan]>): void {
  ;[mode.anomaly, mode.checkNan] = setArguments(args)
}

/** Whether nodes remember the line that created them. */
export const isAnomalyEnabled = (): boolean => mode.anomaly
