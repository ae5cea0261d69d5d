// Compiled programs: the launches of all instructions, recorded once as a graph, which one call replays. Its memory never
// moves, so what changes from run to run is brought there: numbers and draws from the host, arguments from their tensors;
// results are taken from there. Kernels read numbers from memory.
import {
  type Backend,
  beginnings,
  type Bindings,
  type BodyPlan,
  contiguousLayout,
  type DeviceBuffer,
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
  type Scalar,
  type Spec,
  type TypedArray,
  windowOf,
  withOperands,
} from '@flambeau/core/backend'
import { mayFail } from '@flambeau/stream'
import { type Block, CudaBuffer } from './memory.ts'

/** A recorded program, and the memory that its instructions share. */
export interface Graph {
  readonly number: number
  readonly scratch: readonly Block[]
}

/** What programs need of the backend. */
export interface Recorder extends Backend {
  /** Memory for so many bytes. */
  room(bytes: number): CudaBuffer
  /** Records instructions as a graph; `numberAt` says where their numbers are. Tags count from 1. */
  record(instrs: readonly Instr[], numberAt: (x: Operand) => number): Graph
  /** Throws the error of what has failed. */
  settle(): void
  drop(graph: Graph): void
  upload(address: number, data: TypedArray): void
  /** Copies bytes on the device. */
  move(to: DeviceBuffer, toByte: number, from: DeviceBuffer, bytes: number): void
  /** Runs a graph, after what may have failed before. If some of its instructions may fail, it is waited for. */
  replay(graph: Graph, failing: readonly Instr[]): void
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

/** Graphs of programs that nothing refers to any more. */
const dropped = new FinalizationRegistry<() => void>((drop) => drop())

export class CudaProgram implements Executable {
  readonly #backend: Recorder
  readonly #layout: Layout
  /** The numbers of a run, then the constants. */
  readonly #table: CudaBuffer
  /** Null if JavaScript computes some of the instructions: then they run one by one. */
  readonly #graph: Graph | null
  readonly #mayFail: boolean

  constructor(backend: Recorder, program: Program, plan: ProgramPlan) {
    this.#backend = backend
    const layout = new Layout(backend, program, plan)
    this.#layout = layout
    const { readings, constants, instrs } = layout
    this.#table = backend.room(8 * (readings + constants.length))
    const { address } = this.#table
    const numberAt = (x: Operand): number => {
      const { at } = x as Numbered
      return address + 8 * (at >= 0 ? at : readings - 1 - at)
    }
    if (constants.length > 0) backend.upload(address + 8 * readings, Float64Array.from(constants))
    this.#mayFail = instrs.some(mayFail)
    const graph = instrs.some(({ kind }) => kind === 'host') ? null : backend.record(instrs, numberAt)
    this.#graph = graph
    if (graph !== null) dropped.register(this, () => backend.drop(graph))
  }

  run(bindings: Bindings): void {
    const { error } = this.repeat(bindings, 1, false)
    if (error !== undefined) throw error
  }

  repeat({ numbers, draws, args, results }: Bindings, times: number, stacked: boolean): Ended {
    const backend = this.#backend
    const layout = this.#layout
    const { readings } = layout
    const own = numbers.length / times
    for (let t = 0; t < times; t++) {
      try {
        if (readings > 0) backend.upload(this.#table.address, numbers.subarray(t * own, (t + 1) * own))
        for (const [i, drawn] of present(layout.draws)) {
          const length = draws[i].length / times
          backend.upload(drawn.buffer.address, draws[i].subarray(t * length, (t + 1) * length))
        }
        for (const [i, { buffer, bytes }] of present(layout.args)) backend.move(buffer, 0, args[i], bytes)
        if (this.#graph === null) this.#runEach(numbers.subarray(t * own, (t + 1) * own))
        else backend.replay(this.#graph, this.#mayFail ? layout.instrs : [])
        for (const [i, { buffer, bytes }] of present(layout.results))
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
