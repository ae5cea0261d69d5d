// Generators: an engine, its seed, and the leftover normal of Box-Muller. States have PyTorch's format of 5,056 bytes,
// so both can load the other's states.
import { inspect } from '../base/inspect.ts'
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { cosSin } from './precise.ts'
import { Mt19937, STATE_WORDS } from './mt19937.ts'

// PyTorch's CPUGeneratorImplState, little-endian: seed (8 bytes), left (4), seeded (4), next (8), 624 words of 8 bytes,
// then the leftover normals: x, y, rho (8 each), a flag (4, padded to 8), and for float32 a value (4) and a flag (4).
const LEFT = 8
const SEEDED = 12
const NEXT = 16
const WORDS = 24
const NORMAL_X = WORDS + 8 * STATE_WORDS
const NORMAL_Y = NORMAL_X + 8
const NORMAL_RHO = NORMAL_X + 16
const NORMAL_VALID = NORMAL_X + 24
const LEGACY_BYTES = NORMAL_X + 32
const FLOAT_NORMAL = LEGACY_BYTES
const FLOAT_NORMAL_VALID = LEGACY_BYTES + 4
const STATE_BYTES = LEGACY_BYTES + 8

// The seed of PyTorch's new generators.
const DEFAULT_SEED = 67280421310721n

const direction = new Float64Array(2)

const stateHint = 'Pass the bytes that getState() returned.'

/** An independent stream of random numbers, equal to that of a `torch.Generator` on the CPU with the same seed. */
export class Generator {
  /** The engine, for the functions that fill arrays. */
  readonly engine: Mt19937 = new Mt19937()
  /** The second normal of the last Box-Muller pair, which the next small draw of normals takes. */
  nextNormal: number | undefined = undefined
  #nextFloatNormal: number | undefined = undefined
  #currentSeed = 0n

  constructor() {
    this.#restart(DEFAULT_SEED)
  }

  toString(): string {
    return '<torch._C.Generator>'
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }

  /**
   * Starts the stream of `seed` and drops the leftover normal. Only the low 32 bits of a seed matter.
   *
   * Throws a RuntimeError outside -2^63 to 2^64 - 1, or if `seed` is not a whole number.
   *
   * @example
   * const g = new Generator().manualSeed(42)
   */
  manualSeed(seed: number | bigint): this {
    if (typeof seed !== 'bigint' && !Number.isInteger(seed)) {
      throw new RuntimeError(
        `manual_seed expected a long, but got ${typeName(seed)}`,
        'Pass a whole number or a bigint.',
      )
    }
    const value = BigInt(seed)
    if (value < -(2n ** 63n) || value >= 2n ** 64n) {
      throw new RuntimeError('Overflow when unpacking long', 'A seed must be from -2^63 to 2^64 - 1.')
    }
    this.#restart(BigInt.asUintN(64, value))
    return this
  }

  /** Starts the stream of an unpredictable seed, and returns that seed. */
  seed(): number | bigint {
    this.#restart(unpredictable())
    return this.initialSeed()
  }

  /** The seed of the stream; a bigint if a number cannot hold it. */
  initialSeed(): number | bigint {
    return this.#currentSeed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(this.#currentSeed) : this.#currentSeed
  }

  /** The state as PyTorch's 5,056 bytes. */
  getState(): Uint8Array {
    const bytes = new Uint8Array(STATE_BYTES)
    const view = new DataView(bytes.buffer)
    const { words, left, next } = this.engine.getState()
    view.setBigUint64(0, this.#currentSeed, true)
    view.setInt32(LEFT, left, true)
    view.setInt32(SEEDED, 1, true)
    view.setUint32(NEXT, next, true)
    const halves = new Uint32Array(bytes.buffer, WORDS, 2 * STATE_WORDS)
    for (let i = 0; i < STATE_WORDS; i++) halves[2 * i] = words[i]
    if (this.nextNormal !== undefined) {
      view.setFloat64(NORMAL_Y, this.nextNormal, true)
      view.setInt32(NORMAL_VALID, 1, true)
    }
    if (this.#nextFloatNormal !== undefined) {
      view.setFloat32(FLOAT_NORMAL, this.#nextFloatNormal, true)
      bytes[FLOAT_NORMAL_VALID] = 1
    }
    return bytes
  }

  /**
   * Continues from a state of `getState`, or of PyTorch's `get_rng_state`, including its older 5,048 bytes.
   *
   * Throws a TypeError if `state` is not a Uint8Array, and a RuntimeError if it is not a valid state; the generator is
   * then unchanged.
   */
  setState(state: Uint8Array): this {
    if (!(state instanceof Uint8Array)) {
      throw new TypeError('RNG state must be a torch.ByteTensor', stateHint)
    }
    if (state.length !== STATE_BYTES && state.length !== LEGACY_BYTES) {
      throw new RuntimeError(
        `Expected either a CPUGeneratorImplStateLegacy of size ${LEGACY_BYTES} or a CPUGeneratorImplState of size ` +
          `${STATE_BYTES} but found the input RNG state size to be ${state.length}`,
        stateHint,
      )
    }
    const view = new DataView(state.buffer, state.byteOffset, state.byteLength)
    const left = view.getInt32(LEFT, true)
    const next = view.getUint32(NEXT, true)
    if (view.getInt32(SEEDED, true) === 0 || left <= 0 || left > STATE_WORDS || next > STATE_WORDS) {
      throw new RuntimeError('Invalid mt19937 state', stateHint)
    }
    const words = new Uint32Array(STATE_WORDS)
    for (let i = 0; i < STATE_WORDS; i++) words[i] = view.getUint32(WORDS + 8 * i, true)
    this.engine.setState({ words, left, next })
    this.#currentSeed = view.getBigUint64(0, true)
    const valid = view.getInt32(NORMAL_VALID, true) !== 0
    if (state.length === LEGACY_BYTES) {
      // The old format has the radius and the uniform of the angle instead of the normal itself.
      cosSin(2 * Math.PI * view.getFloat64(NORMAL_X, true), direction)
      this.nextNormal = valid ? view.getFloat64(NORMAL_RHO, true) * direction[1] : undefined
      this.#nextFloatNormal = undefined
    } else {
      this.nextNormal = valid ? view.getFloat64(NORMAL_Y, true) : undefined
      this.#nextFloatNormal = state[FLOAT_NORMAL_VALID] !== 0 ? view.getFloat32(FLOAT_NORMAL, true) : undefined
    }
    return this
  }

  /** An independent generator in the same state. */
  clone(): Generator {
    return new Generator().setState(this.getState())
  }

  /** Takes over the state of another generator: `setState` without the bytes in between. */
  become(other: Generator): void {
    if (!(other instanceof Generator))
      throw new TypeError(`become(): argument 'other' must be torch.Generator, not ${typeName(other)}`)
    this.engine.become(other.engine)
    this.nextNormal = other.nextNormal
    this.#nextFloatNormal = other.#nextFloatNormal
    this.#currentSeed = other.#currentSeed
  }

  #restart(seed: bigint): void {
    this.#currentSeed = seed
    this.nextNormal = undefined
    this.#nextFloatNormal = undefined
    this.engine.seed(Number(BigInt.asUintN(32, seed)))
  }
}

/** 64 random bits. They are not a secret, so this does not load the host's cryptography, which takes milliseconds. */
const unpredictable = (): bigint => {
  const word = (): bigint => BigInt(Math.floor(Math.random() * 2 ** 32))
  return (word() << 32n) | word()
}

/** The default generator; it starts from an unpredictable seed, like PyTorch's. */
export const defaultGenerator: Generator = new Generator().manualSeed(unpredictable())

/**
 * Seeds the default generator, so that everything drawn from it repeats, and returns it.
 *
 * A fractional number is truncated, as by PyTorch's `int(seed)`. Throws a RuntimeError outside -2^63 to 2^64 - 1.
 *
 * @example
 * manualSeed(0)
 */
export const manualSeed = (seed: number | bigint): Generator => {
  if (typeof seed === 'number' && !Number.isFinite(seed)) {
    const kind = Number.isNaN(seed) ? 'NaN' : 'infinity'
    throw new ValueError(`cannot convert float ${kind} to integer`, 'Pass a whole number or a bigint.')
  }
  return defaultGenerator.manualSeed(typeof seed === 'number' ? Math.trunc(seed) : seed)
}

/** Seeds the default generator unpredictably and returns the seed. */
export const seed = (): number | bigint => defaultGenerator.seed()

/** The seed of the default generator. */
export const initialSeed = (): number | bigint => defaultGenerator.initialSeed()

/**
 * Returns the state of the default generator in PyTorch's format of 5,056 bytes.
 *
 * @example
 * const state = getRngState()
 * setRngState(state) // draws the same again
 */
export const getRngState = (): Uint8Array => defaultGenerator.getState()

/** Sets the default generator to a state of `getRngState` or of PyTorch's `get_rng_state`. */
export const setRngState = (state: Uint8Array): void => {
  defaultGenerator.setState(state)
}
