// The switches of autograd: whether new results are recorded, and whether nodes remember the line that made them.
import { RuntimeError } from '../base/errors.ts'

export const mode = { grad: true, inference: false, anomaly: false }

type Switch = 'grad' | 'inference' | 'anomaly'

/** Runs `fn` with switches set and puts them back, also when it throws; a Promise is refused, it would outlive them. */
export function withMode<R>(name: string, set: Partial<Record<Switch, boolean>>, fn: () => R): R {
  const before = { ...mode }
  Object.assign(mode, set)
  try {
    const result = fn()
    if (result instanceof Promise) {
      throw new RuntimeError(
        `${name} cannot run an async function`,
        'The mode would end at the first await. Make the function synchronous and await outside.',
      )
    }
    return result
  } finally {
    Object.assign(mode, before)
  }
}

/**
 * Runs `fn` without recording: its results do not require gradients.
 *
 * @example
 * const y = noGrad(() => x.mul(2))
 */
export const noGrad = <R>(fn: () => R): R => withMode('noGrad', { grad: false }, fn)

/** Runs `fn` with recording on, inside a `noGrad`. */
export const enableGrad = <R>(fn: () => R): R => withMode('enableGrad', { grad: true, inference: false }, fn)

/** Runs `fn` with recording on or off. */
export const setGradEnabled = <R>(enabled: boolean, fn: () => R): R => (enabled ? enableGrad(fn) : noGrad(fn))

/** Runs `fn` like `noGrad`; what it makes can never take part in autograd afterwards. */
export const inferenceMode = <R>(fn: () => R): R => withMode('inferenceMode', { grad: false, inference: true }, fn)

export const isGradEnabled = (): boolean => mode.grad

/** Runs `fn` so that a failing gradient names the forward line it belongs to; slow. */
export const detectAnomaly = <R>(fn: () => R): R => withMode('detectAnomaly', { anomaly: true }, fn)
