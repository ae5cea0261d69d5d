// The memory of a compiled program as its source names it. Memory that is the same in every run is a constant, a typed
// array that begins with the elements of the value, and V8 compiles its address into the loops. Memory that changes is
// a parameter.
import {
  type Backend,
  type BodyPlan,
  type DType,
  dtypeSize,
  HostBuffer,
  newArray,
  numelOf,
  type Place,
  type Plan,
  type Program,
  type RepeatInstr,
  type TypedArray,
  type Window,
  windowOf,
} from '@flambeau/core/backend'
import { sum, times } from '../text/indices.ts'

/** Where the elements of a value are: `array[start + i]`, as source. */
export interface Opened {
  readonly array: string
  readonly start: string
  readonly dtype: DType
  /** The array is a constant of the program. */
  readonly constant: boolean
}

/** Memory that differs between runs: its names, and how they are opened from the bindings. */
interface Bound {
  readonly array: string
  readonly start: string
  readonly data: string
  readonly at: string
}

function boundTo(place: Place): Bound | undefined {
  if (place.in === 'draw') return { array: `draw${place.draw}`, start: '0', data: `draws[${place.draw}]`, at: '0' }
  if (place.in === 'argument') return buffered(`argument${place.argument}`, `args[${place.argument}]`)
  return place.in === 'result' ? buffered(`result${place.result}`, `results[${place.result}]`) : undefined
}

const buffered = (name: string, buffer: string): Bound => ({
  array: name,
  start: `${name}At`,
  data: `${buffer}.data`,
  at: `${buffer}.start`,
})

/** A part of an arena has at least this many bytes, unless it is the last one. */
const leastPart = 2 ** 21

/**
 * Where the parts of an arena begin and the last one ends. No value lies in two parts, so each can be an array of its
 * own: arrays of a few megabytes find room in memory that earlier steps have freed, where the whole arena would not.
 */
export function partsOf({ values }: Program, { places, bodies, bytes }: Plan): number[] {
  const ends = new Map<number, number>()
  const taken = (at: number, length: number): void => void ends.set(at, Math.max(ends.get(at) ?? 0, at + length))
  for (const [value, place] of places.entries()) {
    const { sizes, dtype } = values[value]
    if (place?.in === 'arena') taken(place.at, numelOf(sizes) * dtypeSize[dtype])
  }
  for (const { plan, at } of bodies.values()) taken(at, plan.bytes)
  const parts = [0]
  let end = 0
  for (const [at, to] of [...ends].sort(([a], [b]) => a - b)) {
    if (at >= end && at - parts[parts.length - 1] >= leastPart) parts.push(at)
    end = Math.max(end, to)
  }
  return [...parts, bytes]
}

/** The constants of a text, shared by the program and the bodies of its repetitions. */
class Constants {
  /** The memory that the constants are in: the parts of the arena, then the slabs of earlier buffers. */
  readonly buffers: ArrayBufferLike[]
  readonly declarations: string[] = []
  readonly #parts: readonly number[]
  readonly #positions = new Map<ArrayBufferLike, number>()
  #scratch = 0

  constructor(parts: readonly number[]) {
    this.#parts = parts
    this.buffers = parts.slice(1).map((end, i) => new ArrayBuffer(Math.ceil((end - parts[i]) / 8) * 8))
    this.buffers.forEach((buffer, i) => void this.#positions.set(buffer, i))
  }

  /** The array with a byte of the arena, and the byte's place in it. */
  arena(at: number): [ArrayBufferLike, number] {
    const parts = this.#parts
    let i = 0
    while (i + 2 < parts.length && parts[i + 1] <= at) i++
    return [this.buffers[i], at - parts[i]]
  }

  declare(name: string, { constructor, buffer, byteOffset }: TypedArray): void {
    const known = this.#positions.get(buffer)
    const at = known ?? this.buffers.push(buffer) - 1
    if (known === undefined) this.#positions.set(buffer, at)
    this.declarations.push(`const ${name} = new ${constructor.name}(buffers[${at}], ${byteOffset})`)
  }

  position({ buffer }: TypedArray): number | undefined {
    return this.#positions.get(buffer)
  }

  fixed(data: TypedArray): string {
    const name = `fixed${this.buffers.length}`
    this.declare(name, data)
    return name
  }

  scratch(length: number, dtype: 'float32' | 'float64'): string {
    const name = `scratch${this.#scratch++}`
    this.declarations.push(`const ${name} = new ${dtype === 'float32' ? 'Float32Array' : 'Float64Array'}(${length})`)
    return name
  }
}

/** The place of a repetition’s body in the program around it. */
interface Around {
  readonly memory: ProgramMemory
  readonly instr: RepeatInstr
  /** Where the arena of the body begins in the arena around it, in bytes. */
  readonly at: number
  /** The prefix of the body’s names, and the variable that counts the iterations. */
  readonly prefix: string
  readonly turn: string
}

export class ProgramMemory {
  readonly constants: Constants
  readonly #program: Program
  readonly #plan: Plan
  readonly #backend: Backend
  readonly #around: Around | undefined
  readonly #opened = new Map<number, Opened>()
  /** Values whose elements are the same in every run. */
  readonly #fixed = new Map<number, TypedArray>()
  readonly #bound = new Map<string, Bound>()
  readonly #hosts = new Map<string, HostBuffer>()

  constructor(program: Program, plan: Plan, backend: Backend, around?: Around) {
    this.#program = program
    this.#plan = plan
    this.#backend = backend
    this.#around = around
    this.constants = around?.memory.constants ?? new Constants(partsOf(program, plan))
  }

  /** The memory of the body of a repetition; `prefix` is that of its names. */
  body(program: Program, instr: RepeatInstr, prefix: string): ProgramMemory {
    const { plan, at } = this.#plan.bodies.get(instr) as BodyPlan
    return new ProgramMemory(program, plan, this.#backend, { memory: this, instr, at, prefix, turn: `${prefix}turn` })
  }

  get turn(): string {
    return this.#around?.turn ?? '0'
  }

  get plan(): Plan {
    return this.#plan
  }

  place(value: number): Place {
    return this.#plan.places[value] as Place
  }

  /** The elements around a body that a value of the body stands for; undefined if it is in the arena. */
  #window(value: number): Window | undefined {
    const place = this.place(value)
    return this.#around !== undefined && place.in !== 'arena' ? windowOf(this.#around.instr, place) : undefined
  }

  /** Its memory, if that differs between runs or iterations. */
  #boundTo(value: number): Bound | undefined {
    const window = this.#window(value)
    if (window === undefined) return boundTo(this.place(value))
    const { value: whole, offset, step } = window
    const { memory, prefix, turn } = this.#around as Around
    const { array, start, constant } = memory.named(whole)
    if (step === 0 && (offset === 0 || constant)) return undefined
    const place = this.place(value)
    const name = `${prefix}${place.in}${place.in === 'operand' ? place.operand : (place as { result: number }).result}`
    return { array: name, start: `${name}At`, data: array, at: sum(start, String(offset), times(turn, step)) }
  }

  /** What `open` returns, without declaring it. Values with one name are in one place. */
  named(value: number): Opened {
    const opened = this.#opened.get(value)
    if (opened !== undefined) return opened
    const { dtype } = this.#program.values[value]
    const bound = this.#boundTo(value)
    if (bound !== undefined) return { array: bound.array, start: bound.start, dtype, constant: false }
    const window = this.#window(value)
    if (window?.offset === 0) return (this.#around as Around).memory.named(window.value)
    return { array: `${this.#around?.prefix ?? ''}v${value}`, start: '0', dtype, constant: true }
  }

  open(value: number): Opened {
    if (this.#opened.has(value)) return this.named(value)
    const opened = this.named(value)
    this.#opened.set(value, opened)
    const window = this.#window(value)
    if (window !== undefined) (this.#around as Around).memory.open(window.value)
    const bound = this.#boundTo(value)
    // Memory that moves between iterations is opened in every iteration.
    if (bound !== undefined) this.#bound.set(bound.array, bound)
    else if (window?.offset !== 0) this.constants.declare(opened.array, this.#constant(value))
    return opened
  }

  /** Whether two values are in one place. */
  same(a: number, b: number): boolean {
    return this.host(a) === this.host(b)
  }

  /** Whether a write to a value is visible if the run fails afterwards, because the value existed before. */
  visible(value: number): boolean {
    const window = this.#window(value)
    if (window !== undefined) return (this.#around as Around).memory.visible(window.value)
    const place = this.place(value)
    return place.in === 'buffer' || place.in === 'argument'
  }

  /** The name of a constant with elements that are the same in every run. */
  fixed(data: TypedArray): string {
    return this.constants.fixed(data)
  }

  /** Gives a value of the arena memory of its own, to which nothing else is written. */
  fix(value: number, data: TypedArray): void {
    const { dtype } = this.#program.values[value]
    this.#opened.set(value, { array: this.fixed(data), start: '0', dtype, constant: true })
    this.#fixed.set(value, data)
  }

  /** A constant that belongs to one loop. */
  scratch(length: number, dtype: 'float32' | 'float64'): string {
    return this.constants.scratch(length, dtype)
  }

  /** All elements from the value's first one on; only the uses tell how much of an earlier buffer is read. */
  #constant(value: number): TypedArray {
    const fixed = this.#fixed.get(value)
    if (fixed !== undefined) return fixed
    const window = this.#window(value)
    if (window !== undefined) return (this.#around as Around).memory.#constant(window.value).subarray(window.offset)
    const place = this.place(value)
    const { dtype } = this.#program.values[value]
    const make = newArray(dtype, 0).constructor as new (memory: ArrayBufferLike, at: number) => TypedArray
    if (place.in === 'arena') return new make(...this.constants.arena(this.#start + place.at))
    const { data, start } = (place as { buffer: unknown }).buffer as HostBuffer
    return new make(data.buffer, data.byteOffset + start * data.BYTES_PER_ELEMENT)
  }

  /** Where its arena begins in the arena of the whole program, in bytes. */
  get #start(): number {
    return this.#around === undefined ? 0 : this.#around.memory.#start + this.#around.at
  }

  /**
   * The memory of a value as a buffer for kernels without source: one buffer per place. `binding` points changing ones
   * to their memory.
   */
  host(value: number): HostBuffer {
    const window = this.#window(value)
    if (window !== undefined && window.offset === 0 && window.step === 0)
      return (this.#around as Around).memory.host(window.value)
    const { array, constant, dtype } = this.open(value)
    const data = constant ? this.#constant(value) : newArray(dtype, 0)
    const key = constant ? `${this.constants.position(data)} ${data.byteOffset} ${dtype}` : array
    let host = this.#hosts.get(key)
    if (host === undefined) {
      host = new HostBuffer(this.#backend, data, 0, data.length)
      this.#hosts.set(key, host)
    }
    return host
  }

  /**
   * Lines that open changing memory at the start of a run or an iteration; `hosts` collects the buffers that they set.
   */
  binding(hosts: HostBuffer[]): string[] {
    return [...this.#bound.values()].flatMap(({ array, start, data, at }) => {
      const host = this.#hosts.get(array)
      const lines = [`const ${array} = ${data}`]
      if (start !== at) lines.push(`const ${start} = ${at}`)
      if (host === undefined) return lines
      const k = hosts.push(host) - 1
      return [
        ...lines,
        `hosts[${k}].data = ${array}`,
        `hosts[${k}].start = ${start}`,
        `hosts[${k}].length = ${array}.length - ${start}`,
      ]
    })
  }
}
