// Seeds and states of the default generator, as tensors and as effects that a recorder repeats: the namespace `random`,
// like `torch.random`.
import { TypeError } from '../../base/errors.ts'
import {
  defaultGenerator,
  type Generator,
  manualSeed as seedDefault,
  seed as seedAnew,
} from '../../random/generator.ts'
import { checkCallable } from '../../base/callable.ts'
import { effect, effects } from '../../tensor/effects.ts'
import { during } from '../../tensor/mode.ts'
import { isTensor, type Kind, required, signature } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'

/** An effect on the default generator that can be undone. */
function reseeding(fn: () => void): void {
  effect(() => {
    const before = defaultGenerator.getState()
    fn()
    return () => void defaultGenerator.setState(before)
  })
}

const whole: Kind<number | bigint> = { expected: 'int', accepts: (x) => typeof x === 'number' || typeof x === 'bigint' }
const seedArguments = signature('manual_seed', required('seed', whole))
/**
 * Seeds the default generator, so that everything drawn from it is reproducible, and returns it.
 *
 * The fraction of a number is dropped. Throws a RuntimeError outside -2^63 to 2^64 - 1.
 *
 * @example
 * manualSeed(0)
 */
export function manualSeed(...args: [seed: number | bigint]): Generator {
  const [seed] = seedArguments(args)
  reseeding(() => void seedDefault(seed))
  return defaultGenerator
}

/** Seeds the default generator unpredictably and returns the seed. */
export function seed(): number | bigint {
  reseeding(() => void seedAnew())
  return defaultGenerator.initialSeed()
}

/** The seed that the default generator started from. */
export const initialSeed = (): number | bigint => defaultGenerator.initialSeed()

/** The state of the default generator as a uint8 tensor: PyTorch's 5,056 bytes. */
export function getRngState(): Tensor {
  const bytes = defaultGenerator.getState()
  return fromArray(bytes, [bytes.length])
}

const bytes: Kind<Tensor> = {
  expected: 'torch.ByteTensor',
  accepts: (x) => isTensor(x) && x.dtype === 'uint8',
  refuse: () => new TypeError('RNG state must be a torch.ByteTensor', 'Pass the result of getRngState().'),
}
const stateArguments = signature('set_rng_state', required('state', bytes))
/** Restores the default generator to a state of `getRngState`, or of PyTorch's `get_rng_state`. */
export function setRngState(...args: [state: Tensor]): void {
  const [state] = stateArguments(args)
  const bytes = state.toArray() as Uint8Array
  reseeding(() => void defaultGenerator.setState(bytes))
}

/**
 * Runs `fn` and gives the default generator its state back, so that what is drawn inside changes nothing outside.
 *
 * @example
 * random.forkRng(() => {
 *   manualSeed(7)
 *   return rand(2)
 * })
 */
export function forkRng<R>(fn: () => R, ...none: []): R {
  checkCallable('fork_rng', fn, 'fn', none)
  effects.sink?.refuse('forkRng()', 'Call it around the step.')
  const state = defaultGenerator.getState()
  return during('forkRng', fn, () => void defaultGenerator.setState(state))
}
