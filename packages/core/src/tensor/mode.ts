// Autograd's switches: whether new results are recorded, whether nodes remember the line that created them, and what
// packs the tensors that nodes save.
import { checkCallable, checkSwitch } from '../base/callable.ts'
import { RuntimeError } from '../base/errors.ts'
import { effects } from './effects.ts'

/** What a node saves in place of a tensor if a hook packs it; no check of versions applies to it. */
export interface Packed {
  readonly wrapped: 'packed'
  /** The tensor; unpacked once in a backward pass. */
  unpacked(): object
  /** A new backward pass unpacks anew. */
  forget(): void
}

/** The current switches. */
export const mode = {
  grad: true,
  inference: false,
  anomaly: false,
  /** Whether anomaly mode looks for NaN. */
  checkNan: true,
  /** Packs a tensor that a node saves; null keeps the tensor itself. */
  pack: null as ((x: object) => Packed) | null,
}

type Switch = 'grad' | 'inference' | 'anomaly' | 'checkNan'

/** Runs `fn` and then `undo`, also if it throws; throws for a Promise, which would outlive what is undone. */
export function during<R>(name: string, fn: () => R, undo: () => void): R {
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
    undo()
  }
}

/** Runs `fn` with switches set and restores them. */
export function withMode<R>(
  name: string,
  set: Partial<Record<Switch, boolean>>,
  fn: () => R,
  more?: readonly unknown[],
): R {
  checkCallable(name, fn, 'fn', more)
  const { grad, inference, anomaly, checkNan } = mode
  if (set.grad !== undefined) mode.grad = set.grad
  if (set.inference !== undefined) mode.inference = set.inference
  if (set.anomaly !== undefined) mode.anomaly = set.anomaly
  if (set.checkNan !== undefined) mode.checkNan = set.checkNan
  return during(name, fn, () => {
    mode.grad = grad
    mode.inference = inference
    mode.anomaly = anomaly
    mode.checkNan = checkNan
  })
}

/**
 * Runs `fn` without recording: its results do not require gradients.
 *
 * @example
 * const y = noGrad(() => x.mul(2))
 */
export const noGrad = <R>(fn: () => R, ...none: []): R => withMode('noGrad', { grad: false }, fn, none)

/** Runs `fn` with recording on, for use inside `noGrad`; inside `inferenceMode` recording stays off. */
export const enableGrad = <R>(fn: () => R, ...none: []): R =>
  withMode('enableGrad', { grad: !mode.inference }, fn, none)

/** Runs `fn` with recording on or off; without `fn` it stays so. */
export function setGradEnabled(enabled: boolean): void
export function setGradEnabled<R>(enabled: boolean, fn: () => R, ...none: []): R
export function setGradEnabled<R>(enabled: boolean, fn?: () => R, ...none: []): R | undefined {
  checkSwitch('enabled', enabled)
  const grad = enabled && !mode.inference
  if (fn !== undefined) return withMode('setGradEnabled', { grad }, fn, none)
  effects.sink?.refuse('setGradEnabled() without a function', 'Give it one: setGradEnabled(false, () => ...).')
  mode.grad = grad
  return undefined
}

/** Runs `fn` like `noGrad`; tensors that it creates can never take part in autograd afterwards. */
export const inferenceMode = <R>(fn: () => R, ...none: []): R =>
  withMode('inferenceMode', { grad: false, inference: true }, fn, none)

/** Whether results are recorded now. */
export const isGradEnabled = (): boolean => mode.grad

/** Whether this runs inside `inferenceMode`. */
export const isInferenceModeEnabled = (): boolean => mode.inference
