// A planned program on the host: its words are checked once, and then each run is one call. The parts that change
// between runs (arguments, results, draws) have rows of their own, which are set before each run. Numbers are read
// where core writes them.
import {
  beginnings,
  type Bindings,
  type BodyPlan,
  contiguousLayout,
  type DeviceBuffer,
  type DType,
  dtypeSize,
  type Ended,
  type Executable,
  type Expr,
  HostBuffer,
  type Instr,
  isReading,
  isRepeat,
  isUse,
  type KernelInstr,
  type MapOut,
  newArray,
  numelOf,
  type Operand,
  type Place,
  type Plan,
  type Program,
  type ProgramInstr,
  type RepeatInstr,
  type Scalar,
  Slab,
  type Spec,
  s,
  substitute,
  type Use,
  windowOf,
  withOperands,
} from '@flambeau/core/backend'
import { SlabBuffer } from './buffer.ts'
import { ended, opcodes } from './codes.ts'
import { computeElsewhere } from './elsewhere.ts'
import { encode } from './encode.ts'
import { errorOf } from './errors.ts'
import type { Arena, Handle, Host, Runner, Shared } from './host.ts'
import { anyLength, begin, end, memory, operandWords, put, type Writer } from './words.ts'

/** A number that is read in every run, by its position among them. */
export interface Read extends Scalar {
  readonly reading: number
}

/** The words of a program, and the slabs that they refer to. */
export class Words implements Writer {
  words = new Int32Array(1024)
  at = 0
  readonly slabs: Slab[] = []
  readonly #rows = new Map<Slab, number>()
  readonly #backend: Runner

  constructor(backend: Runner) {
    this.#backend = backend
  }

  reserve(words: number): void {
    if (this.at + words <= this.words.length) return
    const larger = new Int32Array(2 * (this.at + words))
    larger.set(this.words)
    this.words = larger
  }

  row(slab: Slab): number {
    let row = this.#rows.get(slab)
    if (row === undefined) {
      row = this.slabs.push(slab) - 1
      this.#rows.set(slab, row)
    }
    return row
  }

  /** The row of a slab that words refer to; -1 if they do not. */
  known(slab: Slab): number {
    return this.#rows.get(slab) ?? -1
  }

  number(x: Scalar): number {
    return -1 - (x as Read).reading
  }

  scratch(spec: Spec): HostBuffer {
    return this.#backend.alloc(spec) as HostBuffer
  }
}

/** Places in the arena are relative to multiples of this, because words have 32 bits. */
const partBytes = 2 ** 30

/** Where an encoded program finds its values. */
interface Buffers {
  buffer(value: number): HostBuffer
  /** Elements of the arena, from a byte on. */
  arena(at: number, dtype: DType, length: number): HostBuffer
}

/**
 * The memory of a program's values as buffers of the backend. Memory that changes between runs has placeholder slabs.
 */
class Places implements Buffers {
  readonly args: Slab[] = []
  readonly results: Slab[] = []
  readonly draws: Slab[] = []
  readonly program: Program
  readonly plan: Plan
  readonly backend: Runner
  readonly whole: Arena
  readonly #parts: Slab[] = []
  readonly #buffers = new Map<string, HostBuffer>()

  constructor(program: Program, plan: Plan, backend: Runner) {
    this.program = program
    this.plan = plan
    this.backend = backend
    this.whole = backend.host.arena(plan.bytes, program.instrs.some(isOnHost))
  }

  /** One buffer per place and size, so that an output that overwrites an input is recognised. */
  buffer(value: number): HostBuffer {
    const place = this.plan.places[value] as Place
    if (place.in === 'buffer') return place.buffer as HostBuffer
    if (place.in === 'operand') throw new Error('an operand of a body is outside of it')
    const { dtype, sizes } = this.program.values[value]
    const length = place.in === 'arena' ? numelOf(sizes) : anyLength
    const key = JSON.stringify([place, dtype, length])
    let buffer = this.#buffers.get(key)
    if (buffer === undefined) {
      buffer = place.in === 'arena' ? this.arena(place.at, dtype, length) : this.#changing(place)
      this.#buffers.set(key, buffer)
    }
    return buffer
  }

  /** The memory of a value in a run. */
  during(value: number, { args, results, draws }: Bindings): HostBuffer {
    const place = this.plan.places[value] as Place
    if (place.in === 'argument') return args[place.argument] as HostBuffer
    if (place.in === 'result') return results[place.result] as HostBuffer
    if (place.in === 'draw') return new HostBuffer(this.backend, draws[place.draw], 0)
    if (place.in === 'buffer') return place.buffer as HostBuffer
    const { dtype, sizes } = this.program.values[value]
    return new SlabBuffer(this.backend, this.whole.from((place as { at: number }).at, dtype), 0, numelOf(sizes))
  }

  arena(at: number, dtype: DType, length: number): HostBuffer {
    const part = Math.floor(at / partBytes)
    const slab = (this.#parts[part] ??= this.whole.from(part * partBytes, 'float64'))
    return new SlabBuffer(this.backend, slab, (at % partBytes) / dtypeSize[dtype], length)
  }

  #changing(place: Exclude<Place, { in: 'buffer' | 'arena' | 'operand' }>): HostBuffer {
    const slab = this.#slab(place)
    return new SlabBuffer(this.backend, slab, 0, anyLength)
  }

  #slab(place: Exclude<Place, { in: 'buffer' | 'arena' | 'operand' }>): Slab {
    const nobody = () => new Slab(newArray('bool', 0))
    if (place.in === 'argument') return (this.args[place.argument] ??= nobody())
    if (place.in === 'result') return (this.results[place.result] ??= nobody())
    return (this.draws[place.draw] ??= nobody())
  }
}

/** Turns the constants among an instruction's numbers into constants of its expressions. */
function withConstants(instr: KernelInstr): KernelInstr {
  const { kind, attrs, inputs, check } = instr
  const constant = (position: number, dtype: DType): Expr | undefined => {
    const x = inputs[position]
    return x === undefined || isUse(x) || isReading(x) ? undefined : s.constant(x.value, dtype)
  }
  const settled = (expr: Expr, skipped = 0): Expr =>
    substitute(expr, (x) => (x.value > 0 || skipped === 0 ? constant(x.value + skipped, x.dtype) : undefined) ?? x)
  const made = check && { ...check, expr: settled(check.expr) }
  if (kind === 'map') {
    const outs = attrs.outs.map((out): MapOut => ({ ...out, expr: settled(out.expr) }))
    return { ...instr, kind, attrs: { outs }, check: made }
  }
  // Input 0 of an epilogue is the product; the others come after both factors.
  return kind === 'contract' && attrs.post !== undefined
    ? { ...instr, kind, attrs: { ...attrs, post: settled(attrs.post, 1) }, check: made }
    : { ...instr, check: made }
}

class HostProgram implements Executable {
  readonly #backend: Runner
  readonly #host: Host
  readonly #handle: Handle
  readonly #instrs: readonly Instr[]
  readonly #arena: Arena
  /** No run has written to the arena yet, or since it was given back. */
  #resting = true
  /** The memory behind the rows lives as long as the program. */
  readonly kept: readonly Slab[]
  /** The address, the bytes and the step of every row. */
  readonly #rows: Shared<Float64Array>
  #numbers: Shared<Float64Array>
  /** The rows that stand for the same memory in every run, and the host's count of moves when they were set. */
  readonly #fixed: readonly number[]
  #moves = -1
  /** The rows of each argument, result and draw, by position; -1 if it is not used. */
  readonly #args: readonly number[]
  readonly #results: readonly number[]
  readonly #draws: readonly number[]
  /** The bytes of each result. */
  readonly #sizes: readonly number[]
  /** The memory whose contents the host keeps in another form, and how often it had been written to by the last run. */
  readonly #constant: readonly HostBuffer[]
  readonly #writes: number[]
  readonly repeatAsync: Executable['repeatAsync']

  constructor(
    words: Words,
    places: Places,
    instrs: readonly Instr[],
    numbers: number,
    sizes: readonly number[],
    constant: readonly HostBuffer[],
    backend: Runner,
  ) {
    this.#backend = backend
    this.#host = backend.host
    this.#instrs = instrs
    this.#arena = places.whole
    this.#sizes = sizes
    this.kept = words.slabs
    const rowsOf = (slabs: readonly Slab[]): number[] => Array.from(slabs, (slab) => words.known(slab))
    this.#args = rowsOf(places.args)
    this.#results = rowsOf(places.results)
    this.#draws = rowsOf(places.draws)
    this.#rows = this.#host.numbers(3 * words.slabs.length)
    this.#numbers = this.#host.numbers(numbers)
    const moving = new Set([...this.#args, ...this.#results, ...this.#draws])
    this.#fixed = [...words.slabs.keys()].filter((row) => !moving.has(row))
    this.#handle = this.#host.program(words.words.subarray(0, words.at), words.slabs.length, numbers)
    this.#host.bind(this.#handle, this.#rows, this.#numbers, numbers)
    this.#constant = constant
    this.#writes = constant.map(({ writes }) => writes)
    if (constant.length > 0) this.#host.keep?.(this.#handle, tagsOf(instrs, constant))
    if (this.#host.runAsync !== undefined) this.repeatAsync = (...run) => this.#runAsync(...run)
  }

  /** Tells the host what was written to since the last run. What another thread is writing now counts as well. */
  #check(): void {
    let changed = this.#backend.inFlight !== null
    for (let i = 0; i < this.#constant.length; i++) {
      const { writes } = this.#constant[i]
      if (writes === this.#writes[i]) continue
      this.#writes[i] = writes
      changed = true
    }
    if (changed) this.#host.forget?.(this.#handle)
  }

  #point(row: number, address: number, bytes: number): void {
    const { array } = this.#rows
    array[3 * row] = address
    array[3 * row + 1] = bytes
  }

  #pointAt(rows: readonly number[], buffers: readonly DeviceBuffer[]): void {
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] < 0) continue
      const { slab, start, length } = buffers[i] as HostBuffer
      const { unit } = slab
      this.#point(rows[i], this.#host.place(slab) + start * unit, length * unit)
    }
  }

  rest(): void {
    if (this.#resting) return
    this.#resting = true
    this.#arena.rest()
  }

  run(bindings: Bindings): void {
    this.#backend.submit()
    this.#bind(bindings, 1, false)
    if (this.#host.run(this.#handle, 1) !== ended.done) throw this.#ended(this.#backend.status).error
  }

  repeat(bindings: Bindings, times: number, stacked: boolean): Ended {
    this.#backend.submit()
    this.#bind(bindings, times, stacked)
    this.#host.run(this.#handle, times)
    return this.#ended(this.#backend.status)
  }

  async #runAsync(bindings: Bindings, times: number, stacked: boolean): Promise<Ended> {
    while (this.#backend.inFlight !== null) await this.#backend.inFlight
    this.#backend.submit()
    this.#bind(bindings, times, stacked)
    const done = (this.#host.runAsync as NonNullable<Host['runAsync']>)(this.#handle, times)
    this.#backend.inFlight = done
    // The other thread uses what the bindings refer to, even if nobody else does.
    const held = [bindings]
    try {
      return this.#ended(await done)
    } finally {
      this.#backend.inFlight = null
      held.length = 0
    }
  }

  #ended([kind, tag, value, runs]: Int32Array): Ended {
    return kind === ended.done ? { runs } : { runs, error: errorOf(kind, value, this.#instrs[tag]) }
  }

  /** Sets the rows of changing memory for the next runs. */
  #bind({ numbers, draws, args, results }: Bindings, times: number, stacked: boolean): void {
    this.#resting = false
    if (this.#constant.length > 0) this.#check()
    const host = this.#host
    host.gather()
    this.#pointAt(this.#args, args)
    this.#pointAt(this.#results, results)
    for (let i = 0; i < this.#draws.length; i++) {
      const row = this.#draws[i]
      if (row < 0) continue
      this.#point(row, host.lend(draws[i]), draws[i].byteLength)
      this.#rows.array[3 * row + 2] = draws[i].byteLength / times
    }
    if (this.#moves !== host.moves) this.#placeFixed()
    const rows = this.#rows.array
    for (let i = 0; i < this.#results.length; i++) {
      if (this.#results[i] >= 0) rows[3 * this.#results[i] + 2] = stacked ? this.#sizes[i] : 0
    }
    if (numbers.length > this.#numbers.array.length) {
      this.#numbers = host.numbers(numbers.length)
      host.bind(this.#handle, this.#rows, this.#numbers, numbers.length / times)
    }
    // There are few, except for several runs.
    const { array } = this.#numbers
    if (times > 1) array.set(numbers)
    else for (let i = 0; i < numbers.length; i++) array[i] = numbers[i]
  }

  /** Sets the rows of the other memory. The host must not move what is placed already, so they hold when all are set. */
  #placeFixed(): void {
    for (const row of this.#fixed) {
      const slab = this.kept[row]
      this.#point(row, this.#host.place(slab), slab.bytes)
    }
    this.#moves = this.#host.moves
  }
}

/** The memory of a program that a row of a body stands for: from an element on, further with every iteration. */
interface Around {
  readonly buffer: HostBuffer
  readonly dtype: DType
  readonly offset: number
  readonly step: number
}

/**
 * The words of the body of a repetition. Each piece of memory is a row of its own, which stands for memory around the
 * body.
 */
class BodyWords extends Words {
  readonly #backend: Runner
  /** By the slab of a row. */
  readonly around = new Map<Slab, Around>()

  constructor(backend: Runner) {
    super(backend)
    this.#backend = backend
  }

  standIn(length: number, around: Around): HostBuffer {
    const slab = new Slab(newArray(around.dtype, 0))
    this.around.set(slab, around)
    return new SlabBuffer(this.#backend, slab, 0, length)
  }

  override scratch(spec: Spec): HostBuffer {
    const buffer = super.scratch(spec)
    return this.standIn(buffer.length, { buffer, dtype: spec.dtype, offset: 0, step: 0 })
  }
}

/** The state of a compilation: the instructions so far, by their tags, and the number of readings. */
class Encoding {
  readonly instrs: Instr[] = []
  readonly #backend: Runner

  constructor(backend: Runner) {
    this.#backend = backend
  }

  /** Writes a program over memory; returns how many numbers it reads. */
  program(words: Words, { values, instrs }: Program, plan: Plan, places: Buffers): number {
    let numbers = 0
    const kernel = (instr: KernelInstr): void => {
      const inputs = instr.inputs.map((x): Operand => {
        if (isUse(x)) return { ...x, buffer: places.buffer(x.value) }
        if (!isReading(x)) return x
        numbers = Math.max(numbers, x.reading + 1)
        const read: Read = { ...x, value: Number.NaN }
        return read
      })
      const outputs = instr.outputs.map((value) => ({
        ...values[value],
        ...contiguousLayout(values[value].sizes),
        buffer: places.buffer(value),
      }))
      const whole = withOperands(withConstants(instr), inputs, outputs)
      encode(words, whole, this.instrs.push(whole) - 1)
    }
    for (const instr of instrs) {
      if (!isRepeat(instr)) kernel(instr)
      else {
        beginnings(instr, plan).forEach(kernel)
        numbers = Math.max(numbers, this.#repeat(words, instr, plan, places))
      }
    }
    return numbers
  }

  #repeat(words: Words, instr: RepeatInstr, { bodies }: Plan, places: Buffers): number {
    const { times, body, readings } = instr.attrs
    const { plan, at } = bodies.get(instr) as BodyPlan
    const inner = new BodyWords(this.#backend)
    const known = new Map<string, HostBuffer>()
    const buffer = (value: number): HostBuffer => {
      const place = plan.places[value] as Place
      const { dtype, sizes } = body.values[value]
      const length = numelOf(sizes)
      const key = JSON.stringify([place, dtype, length])
      let made = known.get(key)
      if (made === undefined) {
        if (place.in === 'arena') {
          const buffer = places.arena(at + place.at, dtype, length)
          made = inner.standIn(length, { buffer, dtype, offset: 0, step: 0 })
        } else {
          const { value: whole, offset, step } = windowOf(instr, place)
          made = inner.standIn(length, { buffer: places.buffer(whole), dtype, offset, step })
        }
        known.set(key, made)
      }
      return made
    }
    const tag = this.instrs.length
    const numbers = this.program(inner, body, plan, { buffer, arena: () => inBody() })
    const { slabs } = inner
    const start = begin(words, opcodes.repeat, tag, 8 + inner.at + slabs.length * (operandWords + 1), slabs.length)
    put(words, [times, slabs.length, numbers, readings, inner.at])
    put(words, inner.words.subarray(0, inner.at))
    for (const slab of slabs) {
      const { buffer, dtype, offset, step } = inner.around.get(slab) as Around
      memory(words, buffer, dtype, offset, [step])
    }
    end(words, start)
    return numbers + readings * (times - 1)
  }
}

const inBody = (): never => {
  throw new Error('a repetition is inside a repetition')
}

const firstOf = ({ kind, inputs }: Instr): DeviceBuffer | null => (kind === 'contract' ? inputs[0].buffer : null)

/**
 * The memory of first factors of contractions that was there before the step and that the step does not write to. If the
 * step returns as many elements, they may be its gradient: then it will change before the next call.
 */
function constantOf({ instrs: all, results }: Program, { places }: Plan, instrs: readonly Instr[]): HostBuffer[] {
  const buffersOf = (list: readonly (Place | undefined)[]): DeviceBuffer[] =>
    list.flatMap((place) => (place?.in === 'buffer' ? [place.buffer] : []))
  const found = new Set(buffersOf(places))
  for (const { outputs } of all)
    for (const buffer of buffersOf(outputs.map((value) => places[value]))) found.delete(buffer)
  const read = new Set(instrs.map(firstOf))
  const returned = new Set(results.map(({ sizes }) => numelOf(sizes)))
  return [...found].filter((buffer) => read.has(buffer) && !returned.has(buffer.length)) as HostBuffer[]
}

/** The tags of the contractions whose first factor is in this memory. */
const tagsOf = (instrs: readonly Instr[], memory: readonly DeviceBuffer[]): Int32Array =>
  Int32Array.from(instrs.flatMap((instr, tag) => (memory.includes(firstOf(instr) as DeviceBuffer) ? [tag] : [])))

/** Instructions of a program for the host of the words, checked. */
function hostProgram(instrs: readonly ProgramInstr[], places: Places): HostProgram {
  const { program, plan, backend } = places
  const words = new Words(backend)
  const encoding = new Encoding(backend)
  const numbers = encoding.program(words, { ...program, instrs }, plan, places)
  const { values } = program
  const sizes = plan.results.map((value) => numelOf(values[value].sizes) * dtypeSize[values[value].dtype])
  const constant = constantOf(program, plan, encoding.instrs)
  return new HostProgram(words, places, encoding.instrs, numbers, sizes, constant, backend)
}

const isOnHost = ({ kind }: ProgramInstr): boolean => kind === 'host'

/** An instruction that JavaScript computes, over the memory of a run. */
class HostStep implements Executable {
  readonly #instr: KernelInstr<'host'>
  readonly #places: Places

  constructor(instr: KernelInstr<'host'>, places: Places) {
    this.#instr = instr
    this.#places = places
  }

  run(bindings: Bindings): void {
    const { backend, program } = this.#places
    const { inputs, outputs } = this.#instr
    backend.submit()
    backend.host.gather()
    const buffer = (value: number): HostBuffer => {
      const found = this.#places.during(value, bindings)
      // An arena has no memory before its first run.
      if (found instanceof SlabBuffer) backend.host.place(found.slab)
      return found
    }
    const views = inputs.map((x): Operand => ({ ...(x as Use), buffer: buffer((x as Use).value) }))
    const outs = outputs.map((value) => ({ ...program.values[value], buffer: buffer(value) }))
    computeElsewhere(withOperands(this.#instr, views, outs) as Instr<'host'>, backend.host)
  }
}

/** A program in parts: calls of the host, and what JavaScript computes in between. */
class Parts implements Executable {
  readonly #parts: readonly Executable[]

  constructor(parts: readonly Executable[]) {
    this.#parts = parts
  }

  run(bindings: Bindings): void {
    for (const part of this.#parts) part.run(bindings)
  }

  rest(): void {
    for (const part of this.#parts) part.rest?.()
  }
}

/** The words of the program over its memory, checked. */
export function compileProgram(program: Program, plan: Plan, backend: Runner): Executable {
  const places = new Places(program, plan, backend)
  const { instrs } = program
  if (!instrs.some(isOnHost)) return hostProgram(instrs, places)
  const parts: Executable[] = []
  for (let from = 0, to = 0; from < instrs.length; from = to) {
    while (to < instrs.length && !isOnHost(instrs[to])) to++
    if (to > from) parts.push(hostProgram(instrs.slice(from, to), places))
    if (to < instrs.length) parts.push(new HostStep(instrs[to++] as KernelInstr<'host'>, places))
  }
  return new Parts(parts)
}
