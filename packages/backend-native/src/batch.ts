// Waiting instructions: their words, and the numbers and slabs that they refer to. They go to C++ together; until then
// the batch keeps the slabs alive.
import {
  type DType,
  type HostBuffer,
  type HostMemory,
  type Instr,
  roundTo,
  type Scalar,
  scalarValue,
  type Slab,
  type Spec,
  type View,
} from '@flambeau/core/backend'
import { addressOf, type Call, type Host, opcodes, placeWords, type Writer } from '@flambeau/stream'
import { type Addon, sharedNumbers, sharedWords } from './addon.ts'

let batches = 0

export class Batch implements Writer {
  words = sharedWords(1 << 14)
  at = 0
  /** How the last run ended. */
  readonly status = sharedWords(4)
  readonly #addon: Addon & Host
  readonly #memory: HostMemory
  /** The address and the bytes of each slab. */
  #rows = sharedNumbers(2 * 1024)
  #numbers = sharedNumbers(1024)
  #slabs: Slab[] = []
  #numberCount = 0
  /** Unique, so that a slab knows whether its row is one of this batch. */
  #id = ++batches

  constructor(addon: Addon & Host, memory: HostMemory) {
    this.#addon = addon
    this.#memory = memory
    this.#open()
  }

  #open(): void {
    this.#addon.open(this.words, this.#rows, this.#numbers, this.status)
  }

  reserve(words: number, operands: number): void {
    const words1 = this.at + words
    const rows = 2 * (this.#slabs.length + operands)
    const numbers = this.#numberCount + operands
    if (words1 <= this.words.length && rows <= this.#rows.length && numbers <= this.#numbers.length) return
    // The batch keeps its contents, because part of an instruction may be written already.
    this.words = grown(sharedWords, this.words, words1)
    this.#rows = grown(sharedNumbers, this.#rows, rows)
    this.#numbers = grown(sharedNumbers, this.#numbers, numbers)
    this.#open()
  }

  row(slab: Slab): number {
    if (slab.batch !== this.#id) {
      const rows = this.#rows
      slab.batch = this.#id
      slab.row = this.#slabs.push(slab) - 1
      rows[2 * slab.row] = addressOf(this.#addon, slab)
      rows[2 * slab.row + 1] = slab.data.byteLength
    }
    return slab.row
  }

  number(x: Scalar, dtype: DType): number {
    this.#numbers[this.#numberCount] = roundTo(scalarValue(x), dtype)
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
        this.#numbers[this.#numberCount++] = scalarValue(inputs[i] as Scalar)
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
    return this.#memory.alloc(spec)
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
    const rows = this.#slabs.length
    try {
      return this.#addon.submit(words, rows)
    } finally {
      this.at = 0
      this.#numberCount = 0
      this.#slabs.length = 0
      this.#id = ++batches
    }
  }
}

function grown<T extends Int32Array | Float64Array>(make: (length: number) => T, array: T, length: number): T {
  if (length <= array.length) return array
  const larger = make(2 * length)
  larger.set(array)
  return larger
}
