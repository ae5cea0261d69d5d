// The Mersenne Twister MT19937 as PyTorch runs it on the CPU: 624 words of state, refilled all at once. This file
// produces words; distributions.ts turns them into numbers, and generator.ts owns engines.

const N = 624
const M = 397
const MATRIX = 0x9908b0df | 0

/** The number of 32-bit words in an engine's state. */
export const STATE_WORDS = N

/** The engine's whole state, named like PyTorch's fields so that a saved state can be written byte for byte. */
export interface EngineState {
  readonly words: Uint32Array
  /** Draws left before the words are refilled, plus one. */
  readonly left: number
  /** The index of the next word. */
  readonly next: number
}

/** MT19937, PyTorch's CPU engine; only the low 32 bits of a seed matter to it. */
export class Mt19937 {
  // Signed words: V8 keeps them as small integers, so a draw allocates nothing.
  readonly #words = new Int32Array(N)
  /** A seed whose words have not been computed yet, because nothing was drawn. */
  #fresh: number | null = null
  #left = 1
  #next = 0

  constructor(seed = 5489) {
    this.seed(seed)
  }

  /** Starts the stream of `seed`. */
  seed(seed: number): void {
    this.#fresh = seed >>> 0
    this.#left = 1
    this.#next = 0
  }

  /** Takes over the state of another engine. */
  become(other: Mt19937): void {
    this.#fresh = other.#fresh
    this.#left = other.#left
    this.#next = other.#next
    if (other.#fresh === null) this.#words.set(other.#words)
  }

  /** Computes the words of a seed. */
  #spread(): void {
    if (this.#fresh === null) return
    const words = this.#words
    let previous = this.#fresh
    this.#fresh = null
    words[0] = previous
    for (let j = 1; j < N; j++) {
      previous = (Math.imul(1812433253, previous ^ (previous >>> 30)) + j) | 0
      words[j] = previous
    }
  }

  /** The next word as a signed integer: cheapest if only its bits are used. */
  i32(): number {
    if (this.#left === 1) this.#refill()
    this.#left--
    return tempered(this.#words[this.#next++])
  }

  /** The next word, 0 to 2^32 - 1. */
  u32(): number {
    return this.i32() >>> 0
  }

  /** PyTorch's `random64()`: two words, the high one first. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32())
  }

  /** Writes the next `count` words of `i32` to `out`. */
  fill(out: Int32Array, count: number): void {
    const words = this.#words
    for (let i = 0; i < count; ) {
      if (this.#left === 1) this.#refill()
      const next = this.#next
      const n = Math.min(this.#left - 1, count - i)
      for (let j = 0; j < n; j++) out[i + j] = tempered(words[next + j])
      this.#next = next + n
      this.#left -= n
      i += n
    }
  }

  /** A multiple of 2^-53 in [0, 1), from the low 53 bits of `u64`. */
  u53(): number {
    return joined(this.i32(), this.i32())
  }

  /** Writes the next `count` numbers of `u53` to `out`. */
  uniforms(out: Float64Array, count: number): void {
    const words = this.#words
    for (let i = 0; i < count; i++) {
      // A number may have its words on both sides of a refill.
      if (this.#left < 3) out[i] = this.u53()
      else {
        const n = Math.min((this.#left - 1) >> 1, count - i)
        const next = this.#next
        for (let j = 0; j < 2 * n; j += 2)
          out[i + (j >> 1)] = joined(tempered(words[next + j]), tempered(words[next + j + 1]))
        this.#next = next + 2 * n
        this.#left -= 2 * n
        i += n - 1
      }
    }
  }

  /** A copy of the state. */
  getState(): EngineState {
    this.#spread()
    return { words: new Uint32Array(this.#words), left: this.#left, next: this.#next }
  }

  /** Sets the state, which the caller has checked. */
  setState(state: EngineState): void {
    this.#words.set(state.words)
    this.#fresh = null
    this.#left = state.left
    this.#next = state.next
  }

  #refill(): void {
    this.#spread()
    const words = this.#words
    let j = 0
    for (; j < N - M; j++) words[j] = words[j + M] ^ twist(words[j], words[j + 1])
    for (; j < N - 1; j++) words[j] = words[j + M - N] ^ twist(words[j], words[j + 1])
    words[N - 1] = words[M - 1] ^ twist(words[N - 1], words[0])
    this.#left = N + 1
    this.#next = 0
  }
}

/** How many numbers become others together. */
export const BLOCK = 256

const tempered = (word: number): number => {
  let y = word ^ (word >>> 11)
  y ^= (y << 7) & 0x9d2c5680
  y ^= (y << 15) & 0xefc60000
  return y ^ (y >>> 18)
}

const joined = (high: number, low: number): number => ((high & 0x1fffff) * 2 ** 32 + (low >>> 0)) * 2 ** -53

const twist = (u: number, v: number): number => (((u & 0x80000000) | (v & 0x7fffffff)) >>> 1) ^ (-(v & 1) & MATRIX)
