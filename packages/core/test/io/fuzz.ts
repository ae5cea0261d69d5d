// Fuzzing of readers: a target makes damaged files, mostly of the right structure with wrong numbers in it, and reads
// them. A file must be read or refused with an error of flambeau, take memory in proportion, and leave no trace in
// prototypes. `fuzz.test.ts` runs a sample; FUZZ=1000000 FUZZ_SEED=7 FUZZ_ONLY=npz before it runs more.
import { js } from '@flambeau/backend-js'
import { RuntimeError, useDevice, ValueError } from '@flambeau/core'

/** Random numbers that a seed repeats. */
export class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  /** A whole number below n. */
  int(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * n)
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]
  }
  /** Whether something that happens once in n times happens. */
  once(n: number): boolean {
    return this.int(n) === 0
  }
}

export interface Target {
  readonly name: string
  /** The share of the inputs of a run. */
  readonly share: number
  /** The most bytes of tensors for each byte of a file. */
  readonly factor: number
  input(random: Random): Uint8Array | Promise<Uint8Array>
  read(bytes: Uint8Array): Promise<unknown>
}

/** Numbers that are absurd as sizes or offsets, or that overflow. */
export const absurd = [0, 1, 7, 8, 255, 256, 65535, 2 ** 16, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1] as const

/** Bytes changed without regard to what they mean: flipped, cut off, absurd, copied, twice. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const result = bytes.slice()
  if (result.length < 8) return result
  const view = new DataView(result.buffer)
  // Headers are at the beginning, and those of archives at the end.
  const place = (size: number): number => {
    const most = result.length - size + 1
    const near = random.int(Math.min(most, 64))
    return random.once(2) ? random.int(most) : random.once(2) ? near : most - 1 - near
  }
  switch (random.int(8)) {
    case 0:
      return result.subarray(0, random.int(result.length))
    case 1:
      return result.subarray(random.int(result.length))
    case 2:
      result[place(1)] ^= 1 << random.int(8)
      break
    case 3:
      result[place(1)] = random.int(256)
      break
    case 4:
      view.setUint32(place(4), random.pick(absurd), true)
      break
    case 5:
      view.setUint16(place(2), random.pick(absurd), true)
      break
    case 6:
      result.copyWithin(place(1), place(1), place(1))
      break
    default: {
      const [from, to] = [place(1), place(1)].sort((a, b) => a - b)
      return new Uint8Array(Buffer.concat([result.subarray(0, to), result.subarray(from)]))
    }
  }
  return result
}

export interface Report {
  readonly inputs: number
  readonly refused: number
  /** The longest time of one input in milliseconds. */
  readonly slowest: number
  /** The most bytes of typed arrays alive in the process, sampled. */
  readonly most: number
  readonly messages: ReadonlyMap<string, number>
}

/** Beyond the bytes in proportion: the slabs of small buffers, which are counted by what is taken from them. */
const allowance = 4096

/** Runs a target; throws with the input, in base64, for a file that does something else than it may. */
export async function fuzz(target: Target, count: number, seed: number): Promise<Report> {
  const random = new Random(seed)
  const backend = js()
  useDevice(backend)
  const messages = new Map<string, number>()
  const names = Object.getOwnPropertyNames(Object.prototype).length
  let [refused, slowest, most] = [0, 0, 0]
  for (let i = 0; i < count; i++) {
    const bytes = await target.input(random)
    const before = backend.memory().bytes
    const begun = performance.now()
    let failure: unknown = null
    try {
      await target.read(bytes)
    } catch (error) {
      refused++
      if (error instanceof ValueError || error instanceof RuntimeError) {
        const text = error.message
          .split('\n')[0]
          .replace(/'[^']*'|"[^"]*"|(?<=the bytes ).*|-?\d[\d.e+]*/g, '#')
          .slice(0, 70)
        messages.set(text, (messages.get(text) ?? 0) + 1)
      } else failure = error
    }
    slowest = Math.max(slowest, performance.now() - begun)
    const taken = backend.memory().bytes - before
    if (taken > target.factor * bytes.length + allowance)
      failure = new Error(`takes ${taken} bytes for ${bytes.length} bytes of a file`)
    if (Object.getOwnPropertyNames(Object.prototype).length !== names) failure = new Error('changes Object.prototype')
    if (failure !== null)
      throw new Error(`${target.name}: ${Buffer.from(bytes).toString('base64')}`, { cause: failure })
    if (i % 64 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers)
  }
  return { inputs: count, refused, slowest, most, messages }
}
