// Waiting instructions: their words, and the numbers and slabs that they refer to. They go to the host together, which
// says then where the slabs are; until then the batch keeps them alive.
import {
  type DType,
  type HostBuffer,
  type Instr,
  roundTo,
  type Scalar,
  scalarValue,
  type Slab,
  type Spec,
  type View,
} from '@flambeau/core/backend'
import type { Call } from './calls.ts'
import { opcodes } from './codes.ts'
import type { Host, Shared } from './host.ts'
import { placeWords, type Writer } from './words.ts'

let batches = 0

export class Batch implements Writer {
  at = 0
  readonly #host: Host
  readonly #alloc: (spec: Spec) => HostBuffer
  #words: Shared<Int32Array>
  /** The address and the bytes of each slab. */
  #rows: Shared<Float64Array>
  #numbers: Shared<Float64Array>
  readonly #status: Shared<Int32Array>
  #slabs: Slab[] = []
  #numberCount = 0
  /** Unique, so that a slab knows whether its row is one of this batch. */
  #id = ++batches
  /** The bytes of all its slabs. */
  bytes = 0

  constructor(host: Host, alloc: (spec: Spec) => HostBuffer) {
    this.#host = host
    this.#alloc = alloc
    this.#words = host.words(1 << 14)
    this.#rows = host.numbers(2 * 1024)
    this.#numbers = host.numbers(1024)
    this.#status = host.words(4)
    this.#open()
  }

  #open(): void {
    this.#host.open(this.#words, this.#rows, this.#numbers, this.#status)
  }

  get words(): Int32Array {
    return this.#words.array
  }

  /** How the last run ended. */
  get status(): Int32Array {
    return this.#status.array
  }

  reserve(words: number, operands: number): void {
    const words1 = this.at + words
    const rows = 2 * (this.#slabs.length + operands)
    const numbers = this.#numberCount + operands
    const { array } = this.#numbers
    if (words1 <= this.words.length && rows <= this.#rows.array.length && numbers <= array.length) return
    // The batch keeps its contents, because part of an instruction may be written already.
    const { words: makeWords, numbers: makeNumbers } = this.#host
    this.#words = grown(makeWords, this.#words, words1)
    this.#rows = grown(makeNumbers, this.#rows, rows)
    this.#numbers = grown(makeNumbers, this.#numbers, numbers)
    this.#open()
  }

  row(slab: Slab): number {
    if (slab.batch !== this.#id) {
      slab.batch = this.#id
      slab.row = this.#slabs.push(slab) - 1
      this.bytes += slab.bytes
    }
    return slab.row
  }

  /** Whether waiting instructions refer to a slab. */
  has(slab: Slab): boolean {
    return slab.batch === this.#id
  }

  number(x: Scalar, dtype: DType): number {
    return this.#number(roundTo(scalarValue(x), dtype))
  }

  #number(value: number): number {
    this.#numbers.array[this.#numberCount] = value
    return -1 - this.#numberCount++
  }

  /** Writes a call of a program: where its numbers and its operands are, in the order of the instruction. */
  call({ program, descriptor: { inputs: views } }: Call, { inputs, outputs }: Instr): void {
    const operands = inputs.length + outputs.length
    this.reserve(5 + placeWords * operands, operands)
    const { words, at } = this
    words[at] = opcodes.call
    words[at + 2] = 0
    words[at + 3] = program
    words[at + 4] = this.#numberCount
    let to = at + 5
    for (let i = 0; i < inputs.length; i++) {
      if (views[i] === null) {
        this.#number(scalarValue(inputs[i] as Scalar))
        continue
      }
      const { buffer, offset } = inputs[i] as View
      const { slab, start, length } = buffer as HostBuffer
      words[to] = this.row(slab)
      words[to + 1] = start
      words[to + 2] = length
      words[to + 3] = offset
      to += placeWords
    }
    for (let i = 0; i < outputs.length; i++) {
      const { slab, start, length } = outputs[i].buffer as HostBuffer
      words[to] = this.row(slab)
      words[to + 1] = start
      words[to + 2] = length
      words[to + 3] = 0
      to += placeWords
    }
    words[at + 1] = to - at
    this.at = to
  }

  scratch(spec: Spec): HostBuffer {
    return this.#alloc(spec)
  }

  /** Whether an instruction of the usual size may not fit anymore. */
  get full(): boolean {
    return this.at > this.words.length - 2048
  }

  /** Drops the words since `at`, because their instruction could not be written completely. */
  back(at: number): void {
    this.at = at
  }

  /** Runs the written words, after what another thread is running; returns how it ended. */
  submit(): number {
    const words = this.at
    const host = this.#host
    const slabs = this.#slabs
    const count = slabs.length
    try {
      host.gather()
      for (let row = 0; row < count; row++) {
        const slab = slabs[row]
        const address = host.place(slab)
        const { array } = this.#rows
        array[2 * row] = address
        array[2 * row + 1] = slab.bytes
      }
      return host.submit(words, count, this.#numberCount)
    } finally {
      this.at = 0
      this.bytes = 0
      this.#numberCount = 0
      this.#slabs.length = 0
      this.#id = ++batches
    }
  }
}

function grown<T extends Int32Array | Float64Array>(
  make: (length: number) => Shared<T>,
  shared: Shared<T>,
  length: number,
): Shared<T> {
  if (length <= shared.array.length) return shared
  const larger = make(2 * length)
  larger.array.set(shared.array)
  return larger
}
