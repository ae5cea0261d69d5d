// Checks of a GL mode throw late, because waiting for one would stall the GPU. The device folds each result into one
// flag of two elements, the number of the first check that failed and the value that it reports, which is read before
// the user's next read. On the host there is nothing to wait for, and a check throws at once.
import type { Texture } from './adapter.ts'
import type { GlTexture } from './gl.ts'
import type { Kernel } from './plan.ts'
import type { Textures } from './textures.ts'

const fold: Kernel = {
  source: `function (t0, t1, n0) {
    let flag = t0[this.thread.x];
    if (t0[0] === 0 && t1[0] !== 0) {
      if (this.thread.x > 0) { flag = t1[0]; } else { flag = n0; }
    }
    return flag;
  }`,
  length: 2,
  textures: [2, 1],
  numbers: 1,
  functions: [],
}

/** After this many checks the flag is read in any case, because pending errors keep operands alive. */
const mostPending = 256

export type MakeError = (value: number) => Error

/** An unread flag, and functions that make the errors that it may name. */
export interface Waiting {
  readonly flag: GlTexture
  readonly errors: readonly MakeError[]
}

export class Checks {
  readonly #textures: Textures
  readonly #run: (kernel: Kernel, args: readonly (Texture | number)[]) => Texture
  #flag: Texture | null = null
  #errors: MakeError[] = []

  constructor(textures: Textures, run: (kernel: Kernel, args: readonly (Texture | number)[]) => Texture) {
    this.#textures = textures
    this.#run = run
  }

  /** Adds a check's result: one element, not 0 if it failed. */
  add(found: Texture, error: MakeError): void {
    if (found instanceof Float32Array) {
      if (found[0] !== 0) throw error(found[0])
      return
    }
    if (this.#errors.length >= mostPending) this.throwFailed()
    const before = this.#flag ?? this.#textures.upload(new Float32Array(2))
    this.#errors.push(error)
    this.#flag = this.#run(fold, [before, found, this.#errors.length])
    this.#textures.give(before)
  }

  /** Throws the error of the first check that failed since the last call. */
  throwFailed(): void {
    const waiting = this.take()
    if (waiting !== null) this.conclude(waiting, this.#textures.readTexture(waiting.flag, 0, 2))
  }

  /** The checks since the last call, for the caller to read; null if there were none. */
  take(): Waiting | null {
    if (this.#errors.length === 0) return null
    const waiting = { flag: this.#flag as GlTexture, errors: this.#errors }
    this.#flag = null
    this.#errors = []
    return waiting
  }

  /** Throws the error that a flag names, once its elements have been read. */
  conclude({ flag, errors }: Waiting, [which, value]: ArrayLike<number> & Iterable<number>): void {
    if (which === 0 && this.#flag === null) this.#flag = flag
    else this.#textures.give(flag)
    if (which !== 0) throw errors[which - 1](value)
  }
}
