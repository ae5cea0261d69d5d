// Compiled programs: the launches of all instructions, recorded once as a graph, which one call replays, also several
// times. Its memory never moves, so what changes from run to run is brought there: numbers and draws from the host,
// arguments from their tensors; results are taken from there. The graph does that itself, from a table of moves
// (plans/runs.ts) which a call fills. Kernels read numbers from memory.
import {
  type Backend,
  beginnings,
  type Bindings,
  type BodyPlan,
  contiguousLayout,
  type DeviceBuffer,
  type DType,
  dtypeSize,
  type Ended,
  type Executable,
  type Instr,
  isReading,
  isRepeat,
  isUse,
  type KernelInstr,
  numelOf,
  type Operand,
  type Place,
  type Plan as ProgramPlan,
  type Program,
  type RepeatInstr,
  roundTo,
  type Scalar,
  type Spec,
  type TypedArray,
  windowOf,
  withOperands,
} from '@flambeau/core/backend'
import { mayFail } from '@flambeau/stream'
import { put } from './launches.ts'
import { type Block, CudaBuffer } from './memory.ts'
import type { Launch } from './plan.ts'
import { moveBytes, planCount, planMoves, tableHead } from './plans/runs.ts'
import type { PtxWriter } from './text/ptx.ts'

/** A recorded program, and the memory that its instructions share. */
export interface Graph {
  readonly number: number
  readonly scratch: readonly Block[]
}

/** What programs need of the backend. */
export interface Recorder extends Backend {
  /** Memory for so many bytes. */
  room(bytes: number): CudaBuffer
  /** What writes a kernel. */
  writer(): PtxWriter
  /**
   * Records instructions as a graph, between other launches. `passing` says of which nobody reads the results after a
   * failure, `numberAt` where a number is that an expression reads as a dtype. Tags count from 1.
   */
  record(
    instrs: readonly Instr[],
    passing: readonly boolean[],
    numberAt: (x: Operand, dtype: DType) => number,
    before: readonly Launch[],
    after: readonly Launch[],
  ): Graph
  /** Throws the error of what has failed. */
  settle(): void
  drop(graph: Graph): void
  upload(address: number, data: TypedArray): void
  /** Copies bytes on the device. */
  move(to: DeviceBuffer, toByte: number, from: DeviceBuffer, bytes: number): void
  /**
   * Runs a graph several times. If some of its instructions may fail, all runs are waited for; the table of moves says
   * how many were complete.
   */
  replay(graph: Graph, times: number, failing: readonly Instr[], table: number): Ended
}

const bytesOf = ({ sizes, dtype }: Spec): number => numelOf(sizes) * dtypeSize[dtype]

/** A number of a program: where in the table a run puts it, or a constant. */
interface Numbered extends Scalar {
  readonly at: number
}

/** Memory of a program that has another address in every run: its own, in which kernels find it. */
interface Moving {
  readonly buffer: CudaBuffer
  readonly bytes: number
}

/** What finds the memory of a value. */
type Find = (value: number) => CudaBuffer

/** The instructions of a program over its memory, and that memory. */
class Layout {
  readonly instrs: Instr[] = []
  /** Whether the results of each are read only by later instructions, or leave by a move. */
  readonly passing: boolean[] = []
  readonly args: Moving[] = []
  readonly draws: Moving[] = []
  readonly results: Moving[] = []
  readonly constants: number[] = []
  readonly #backend: Recorder
  readonly #arena: CudaBuffer
  /** How many numbers a run reads. */
  readings = 0

  constructor(backend: Recorder, program: Program, plan: ProgramPlan) {
    this.#backend = backend
    this.#arena = backend.room(plan.bytes)
    this.#program(program, plan, (value) => this.#find(program, plan, value), 0)
  }

  #part(at: number, length: number): CudaBuffer {
    const { block, address } = this.#arena
    return new CudaBuffer(this.#backend, length, block, address + at)
  }

  #find({ values }: Program, { places }: ProgramPlan, value: number): CudaBuffer {
    const place = places[value] as Place
    const spec = values[value]
    if (place.in === 'buffer') return place.buffer as CudaBuffer
    if (place.in === 'arena') return this.#part(place.at, numelOf(spec.sizes))
    if (place.in === 'argument') return this.#moving(this.args, place.argument, spec)
    if (place.in === 'draw') return this.#moving(this.draws, place.draw, spec)
    if (place.in === 'result') return this.#moving(this.results, place.result, spec)
    throw new Error('an operand of a body is outside of it')
  }

  #moving(list: Moving[], at: number, spec: Spec): CudaBuffer {
    const bytes = bytesOf(spec)
    const known = list[at]
    if (known !== undefined && known.bytes >= bytes) return known.buffer
    const buffer = this.#backend.room(bytes)
    list[at] = { buffer, bytes }
    return buffer
  }

  /** `first` is the position of the program's reading 0 among all. */
  #program({ values, instrs }: Program, plan: ProgramPlan, find: Find, first: number): void {
    const kernel = (instr: KernelInstr): void => {
      const inputs = instr.inputs.map((x): Operand => {
        if (isUse(x)) return { ...x, buffer: find(x.value) }
        const at = isReading(x) ? first + x.reading : -1 - (this.constants.push(x.value) - 1)
        this.readings = Math.max(this.readings, at + 1)
        const number: Numbered = { dtype: x.dtype, value: Number.NaN, at }
        return number
      })
      const outputs = instr.outputs.map((value) => ({
        ...values[value],
        ...contiguousLayout(values[value].sizes),
        buffer: find(value),
      }))
      this.instrs.push(withOperands(instr, inputs, outputs))
      this.passing.push(instr.outputs.every((value) => ['arena', 'result'].includes((plan.places[value] as Place).in)))
    }
    for (const instr of instrs) {
      if (!isRepeat(instr)) kernel(instr)
      else {
        beginnings(instr, plan).forEach(kernel)
        for (let t = 0; t < instr.attrs.times; t++) this.#turn(instr, plan, find, t, first)
      }
    }
  }

  /** An iteration of a repetition. */
  #turn(instr: RepeatInstr, { bodies }: ProgramPlan, find: Find, t: number, first: number): void {
    const { body, readings } = instr.attrs
    const { plan, at } = bodies.get(instr) as BodyPlan
    const inside = (value: number): CudaBuffer => {
      const place = plan.places[value] as Place
      const spec = body.values[value]
      const length = numelOf(spec.sizes)
      if (place.in === 'buffer') return place.buffer as CudaBuffer
      if (place.in === 'arena') return this.#part(at + place.at, length)
      const { value: whole, offset, step } = windowOf(instr, place)
      const { block, address } = find(whole)
      return new CudaBuffer(this.#backend, length, block, address + (offset + t * step) * dtypeSize[spec.dtype])
    }
    this.#program(body, plan, inside, first + t * readings)
  }
}

/** The pieces of memory that a program uses, by position: it need not use all. */
const present = (list: readonly (Moving | undefined)[]): [number, Moving][] =>
  [...list.entries()].flatMap(([i, moving]) => (moving === undefined ? [] : [[i, moving]]))

const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16

/** Graphs of programs that nothing refers to any more. */
const dropped = new FinalizationRegistry<() => void>((drop) => drop())

export class CudaProgram implements Executable {
  readonly #backend: Recorder
  readonly #layout: Layout
  /** The number of the run and the moves, then the numbers of a run, then the constants. */
  readonly #table: CudaBuffer
  /** The first two as the host writes them. */
  readonly #words: Int32Array
  readonly #numbers: Float64Array
  readonly #draws: readonly (readonly [number, Moving])[]
  readonly #args: readonly (readonly [number, Moving])[]
  readonly #results: readonly (readonly [number, Moving])[]
  /** Null if JavaScript computes some of the instructions: then they run one by one. */
  readonly #graph: Graph | null
  readonly #mayFail: boolean

  constructor(backend: Recorder, program: Program, plan: ProgramPlan) {
    this.#backend = backend
    const layout = new Layout(backend, program, plan)
    this.#layout = layout
    const { readings, constants, instrs } = layout
    this.#draws = present(layout.draws)
    this.#args = present(layout.args)
    this.#results = present(layout.results)
    const begins = 1 + this.#draws.length + this.#args.length
    const ends = this.#results.length
    const tableBytes = tableHead + moveBytes * (begins + ends)
    const memory = new ArrayBuffer(tableBytes + 8 * readings)
    this.#words = new Int32Array(memory)
    this.#numbers = new Float64Array(memory, tableBytes)
    this.#table = backend.room(tableBytes + 8 * (readings + constants.length))
    const { address } = this.#table
    /** Constants as the expressions that read them have them. */
    const rounded = Float64Array.from(constants)
    const numberAt = (x: Operand, dtype: DType): number => {
      const { at } = x as Numbered
      if (at < 0) rounded[-1 - at] = roundTo(constants[-1 - at], dtype)
      return address + tableBytes + 8 * (at >= 0 ? at : readings - 1 - at)
    }
    this.#mayFail = instrs.some(mayFail)
    this.#graph = null
    if (instrs.some(({ kind }) => kind === 'host')) return
    const bytes = (list: readonly (readonly [number, Moving])[]): number[] => list.map(([, x]) => x.bytes)
    const beginning = [8 * readings, ...bytes(this.#draws), ...bytes(this.#args)]
    const before = planMoves(backend.writer(), address, 0, beginning)
    const after = planMoves(backend.writer(), address, begins, bytes(this.#results))
    after.push(planCount(backend.writer(), address))
    const graph = backend.record(instrs, layout.passing, numberAt, before, after)
    this.#graph = graph
    if (rounded.length > 0) backend.upload(address + memory.byteLength, rounded)
    dropped.register(this, () => backend.drop(graph))
  }

  run(bindings: Bindings): void {
    const { error } = this.repeat(bindings, 1, false)
    if (error !== undefined) throw error
  }

  repeat(bindings: Bindings, times: number, stacked: boolean): Ended {
    try {
      if (this.#graph === null) return this.#repeatEach(bindings, times, stacked)
      this.#backend.settle()
      const rows = this.#fill(bindings, times, stacked)
      const ended = this.#backend.replay(
        this.#graph,
        times,
        this.#mayFail ? this.#layout.instrs : [],
        this.#table.address,
      )
      if (rows !== null) this.#backend.free(rows)
      return ended
    } catch (error) {
      return { runs: 0, error }
    }
  }

  /**
   * Brings the table of moves and what they move to the device. What one run takes from the host goes where kernels read
   * it; that of several runs goes to other memory, which is returned.
   */
  #fill({ numbers, draws, args, results }: Bindings, times: number, stacked: boolean): CudaBuffer | null {
    const backend = this.#backend
    const words = this.#words
    let at = 2
    const move = (from: number, fromStep: number, to: number, toStep: number, bytes: number, runs: number): void => {
      for (const value of [from, fromStep, to, toStep, bytes, runs]) {
        put(words, at, value)
        at += 2
      }
    }
    const own = numbers.byteLength / times
    const several = times > 1
    const drawn = this.#draws.map(([i]) => draws[i])
    const sizes = [numbers, ...drawn].map(({ byteLength }) => aligned(byteLength))
    const rows = several ? backend.room(sizes.reduce((sum, bytes) => sum + bytes, 0)) : null
    let row = rows?.address ?? 0
    const read = this.#numbers
    const runs = several ? times : 0
    move(row, own, this.#table.address + read.byteOffset, 0, read.byteLength, runs)
    // Kernels need not read the last ones.
    if (!several) read.set(numbers.subarray(0, read.length))
    else backend.upload(row, numbers)
    this.#draws.forEach(([, { buffer }], k) => {
      row += sizes[k]
      const bytes = drawn[k].byteLength / times
      backend.upload(several ? row : buffer.address, drawn[k])
      move(row, bytes, buffer.address, 0, bytes, runs)
    })
    for (const [i, { buffer, bytes }] of this.#args) {
      move((args[i] as CudaBuffer).address, 0, buffer.address, 0, bytes, 1)
    }
    for (const [i, { buffer, bytes }] of this.#results) {
      move(buffer.address, 0, (results[i] as CudaBuffer).address, stacked ? bytes : 0, bytes, times)
    }
    backend.upload(this.#table.address, several ? words.subarray(0, at) : words)
    return rows
  }

  /** The runs of a program that is no graph. */
  #repeatEach({ numbers, draws, args, results }: Bindings, times: number, stacked: boolean): Ended {
    const backend = this.#backend
    const own = numbers.length / times
    for (let t = 0; t < times; t++) {
      try {
        for (const [i, { buffer }] of this.#draws) {
          const length = draws[i].length / times
          backend.upload(buffer.address, draws[i].subarray(t * length, (t + 1) * length))
        }
        for (const [i, { buffer, bytes }] of this.#args) backend.move(buffer, 0, args[i], bytes)
        this.#runEach(numbers.subarray(t * own, (t + 1) * own))
        for (const [i, { buffer, bytes }] of this.#results)
          backend.move(results[i], stacked ? t * bytes : 0, buffer, bytes)
      } catch (error) {
        return { runs: t, error }
      }
    }
    return { runs: times }
  }

  #runEach(numbers: Float64Array): void {
    const { instrs, constants } = this.#layout
    const numbered = (x: Operand): Operand => {
      const { at } = x as Partial<Numbered>
      return at === undefined ? x : { dtype: x.dtype, value: at >= 0 ? numbers[at] : constants[-1 - at] }
    }
    for (const instr of instrs) this.#backend.run(withOperands(instr, instr.inputs.map(numbered), instr.outputs))
    this.#backend.settle()
  }
}
