// A planned program on the host's side: its words are checked once, then each run is one call. What changes from run to
// run (arguments, results, draws) has rows of its own, which are pointed anew; numbers are read where core writes them.
import {
  type Bindings,
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
  isUse,
  type MapOut,
  newArray,
  numelOf,
  type Operand,
  type Place,
  type Plan,
  type Program,
  type ProgramInstr,
  type Scalar,
  Slab,
  type Spec,
  s,
  substitute,
  withOperands,
} from '@flambeau/core/backend'
import { ended } from './codes.ts'
import { encode } from './encode.ts'
import { errorOf } from './errors.ts'
import { addressOf, type Handle, type Host, type Runner } from './host.ts'
import { anyLength, type Writer } from './words.ts'

/** A number that is read at every run, by its position among those. */
export interface Read extends Scalar {
  readonly reading: number
}

/** The words of a program, and the slabs that they name. */
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

  /** The row of a slab that words name; -1 where none does. */
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

/** Places in the arena are counted from multiples of this, because words are of 32 bits. */
const partBytes = 2 ** 30

/** The memory of a program's values as buffers of the backend; what changes has slabs that only stand for it. */
class Places {
  readonly args: Slab[] = []
  readonly results: Slab[] = []
  readonly draws: Slab[] = []
  readonly #program: Program
  readonly #plan: Plan
  readonly #backend: Runner
  readonly #arena: Float64Array
  readonly #parts: Slab[] = []
  readonly #buffers = new Map<string, HostBuffer>()

  constructor(program: Program, plan: Plan, backend: Runner) {
    this.#program = program
    this.#plan = plan
    this.#backend = backend
    // Doubles, so that it is aligned for all dtypes.
    this.#arena = new Float64Array(Math.ceil(plan.bytes / 8))
  }

  /** One buffer for what has one place and one size, so that what is written over an input is seen to be. */
  buffer(value: number): HostBuffer {
    const place = this.#plan.places[value] as Place
    if (place.in === 'buffer') return place.buffer as HostBuffer
    const { dtype, sizes } = this.#program.values[value]
    const length = place.in === 'arena' ? numelOf(sizes) : anyLength
    const key = JSON.stringify([place, dtype, length])
    let buffer = this.#buffers.get(key)
    if (buffer === undefined) {
      const slab = this.#slab(place)
      const start = place.in === 'arena' ? (place.at % partBytes) / dtypeSize[dtype] : 0
      buffer = new HostBuffer(this.#backend, slab.data, start, length, slab)
      this.#buffers.set(key, buffer)
    }
    return buffer
  }

  #slab(place: Exclude<Place, { in: 'buffer' }>): Slab {
    if (place.in === 'arena') {
      const part = Math.floor(place.at / partBytes)
      return (this.#parts[part] ??= new Slab(this.#arena.subarray((part * partBytes) / 8)))
    }
    const nobody = () => new Slab(newArray('bool', 0))
    if (place.in === 'argument') return (this.args[place.argument] ??= nobody())
    if (place.in === 'result') return (this.results[place.result] ??= nobody())
    return (this.draws[place.draw] ??= nobody())
  }
}

/** The constants among an instruction's numbers become constants of its expressions. */
function withConstants(instr: ProgramInstr): ProgramInstr {
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
  // Input 0 of an epilogue is the product; further ones come after both factors.
  return kind === 'contract' && attrs.post !== undefined
    ? { ...instr, kind, attrs: { ...attrs, post: settled(attrs.post, 1) }, check: made }
    : { ...instr, check: made }
}

class NativeProgram implements Executable {
  readonly #backend: Runner
  readonly #host: Host
  readonly #handle: Handle
  readonly #instrs: readonly Instr[]
  /** What rows point at lives as long as the program. */
  readonly kept: readonly Slab[]
  /** Address, bytes and step of every row. */
  readonly #rows: Float64Array
  #numbers: Float64Array
  /** The rows of what changes, by its position; -1 for what is not used. */
  readonly #args: readonly number[]
  readonly #results: readonly number[]
  readonly #draws: readonly number[]
  /** Bytes of each result. */
  readonly #sizes: readonly number[]

  constructor(
    words: Words,
    places: Places,
    instrs: readonly Instr[],
    numbers: number,
    sizes: readonly number[],
    backend: Runner,
  ) {
    this.#backend = backend
    this.#host = backend.host
    this.#instrs = instrs
    this.#sizes = sizes
    this.kept = words.slabs
    const rowsOf = (slabs: readonly Slab[]): number[] => Array.from(slabs, (slab) => words.known(slab))
    this.#args = rowsOf(places.args)
    this.#results = rowsOf(places.results)
    this.#draws = rowsOf(places.draws)
    this.#rows = this.#host.numbers(3 * words.slabs.length)
    this.#numbers = this.#host.numbers(numbers)
    const moving = new Set([...this.#args, ...this.#results, ...this.#draws])
    words.slabs.forEach((slab, row) => {
      if (!moving.has(row)) this.#point(row, addressOf(this.#host, slab), slab.data.byteLength)
    })
    this.#handle = this.#host.program(words.words.subarray(0, words.at), words.slabs.length, numbers)
    this.#host.bind(this.#handle, this.#rows, this.#numbers, numbers)
  }

  #point(row: number, address: number, bytes: number): void {
    this.#rows[3 * row] = address
    this.#rows[3 * row + 1] = bytes
  }

  #pointAt(rows: readonly number[], buffers: readonly DeviceBuffer[]): void {
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] < 0) continue
      const { slab, start, length } = buffers[i] as HostBuffer
      const { BYTES_PER_ELEMENT: size } = slab.data
      this.#point(rows[i], addressOf(this.#host, slab) + start * size, length * size)
    }
  }

  run(bindings: Bindings): void {
    const { error } = this.#run(bindings, 1, false)
    if (error !== undefined) throw error
  }

  repeat(bindings: Bindings, times: number, stacked: boolean): Ended {
    return this.#run(bindings, times, stacked)
  }

  async repeatAsync(bindings: Bindings, times: number, stacked: boolean): Promise<Ended> {
    while (this.#backend.inFlight !== null) await this.#backend.inFlight
    this.#backend.submit()
    this.#bind(bindings, times, stacked)
    const done = this.#host.runAsync(this.#handle, times)
    this.#backend.inFlight = done
    // The other thread computes on what the bindings hold, whoever else forgets them.
    const held = [bindings]
    try {
      return this.#ended(await done)
    } finally {
      this.#backend.inFlight = null
      held.length = 0
    }
  }

  #run(bindings: Bindings, times: number, stacked: boolean): Ended {
    this.#backend.submit()
    this.#bind(bindings, times, stacked)
    this.#host.run(this.#handle, times)
    return this.#ended(this.#backend.status)
  }

  #ended([kind, tag, value, runs]: Int32Array): Ended {
    return kind === ended.done ? { runs } : { runs, error: errorOf(kind, value, this.#instrs[tag]) }
  }

  /** Points the rows of what changes at what it is in the next runs. */
  #bind({ numbers, draws, args, results }: Bindings, times: number, stacked: boolean): void {
    this.#pointAt(this.#args, args)
    this.#pointAt(this.#results, results)
    for (let i = 0; i < this.#draws.length; i++) {
      const row = this.#draws[i]
      if (row < 0) continue
      this.#point(row, this.#host.address(draws[i]), draws[i].byteLength)
      this.#rows[3 * row + 2] = draws[i].byteLength / times
    }
    for (let i = 0; i < this.#results.length; i++) {
      if (this.#results[i] >= 0) this.#rows[3 * this.#results[i] + 2] = stacked ? this.#sizes[i] : 0
    }
    if (numbers.length > this.#numbers.length) {
      this.#numbers = this.#host.numbers(numbers.length)
      this.#host.bind(this.#handle, this.#rows, this.#numbers, numbers.length / times)
    }
    // They are few, unless they are those of several runs.
    if (times > 1) this.#numbers.set(numbers)
    else for (let i = 0; i < numbers.length; i++) this.#numbers[i] = numbers[i]
  }
}

/** The program's words over its memory, checked. */
export function compileProgram(program: Program, plan: Plan, backend: Runner): Executable {
  const words = new Words(backend)
  const places = new Places(program, plan, backend)
  const { values } = program
  let numbers = 0
  const instrs = program.instrs.map((instr, tag): Instr => {
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
    encode(words, whole, tag)
    return whole
  })
  const sizes = plan.results.map((value) => numelOf(values[value].sizes) * dtypeSize[values[value].dtype])
  return new NativeProgram(words, places, instrs, numbers, sizes, backend)
}
