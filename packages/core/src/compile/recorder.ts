// The recorder stands in front of a backend and remembers every instruction as a program over values. A buffer that is
// written gets a new value, so a recording contains no memory, only what is computed from what. It also notes gradients,
// versions, how to undo everything, and the host state that was read. It may forward the instructions, too; if it does
// not, nothing is computed, and tensors of the step have no memory.
import type {
  Backend,
  Capabilities,
  DeviceBuffer,
  Instr,
  Memory,
  Operand,
  Output,
  Spec,
  View,
} from '../backend/backend.ts'
import { isScalar } from '../backend/backend.ts'
import type { Given, HostStep, Program, ProgramInstr, ProgramOperand, Stream, Use } from '../backend/program.ts'
import { mostElements } from '../backend/supported.ts'
import { dtypes, newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousStrides, highestOf, type Layout } from '../base/layout.ts'
import { numelOf } from '../base/shape.ts'
import { Device, type Storage, storagesMade } from '../tensor/device.ts'
import { dispatch } from '../tensor/dispatch.ts'
import type { EffectSink, Lease, Produce, Undo } from '../tensor/effects.ts'
import { callingLine } from '../tensor/line.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { UndoLog } from '../tensor/undo.ts'
import { Draws } from './draws.ts'
import { type Argument, HostNotes, type HostNotesOptions } from './host-notes.ts'
import { ended, writtenArgument } from './mistakes.ts'

/** The number of elements from the start of the buffer to the last one that a view reads. */
const reach = ({ sizes, strides, offset }: Layout): number =>
  numelOf(sizes) === 0 ? 0 : highestOf(sizes, strides, offset) + 1

export interface RecorderOptions extends Partial<HostNotesOptions> {
  /** Forward instructions to the backend. */
  readonly runs?: boolean
  /** Note the calling line of instructions, which takes time. */
  readonly withLines?: boolean
}

export class Recorder implements Backend, EffectSink {
  readonly name: string
  readonly caps: Capabilities
  readonly #backend: Backend
  readonly #device: Device
  /** The device with its backend, without the recorder. */
  readonly #behind: Device
  readonly #arguments: readonly Argument[]
  readonly #runs: boolean
  readonly #withLines: boolean
  readonly #undo = new UndoLog()
  readonly #instrs: ProgramInstr[] = []
  readonly #host: HostStep[] = []
  readonly #values: Spec[] = []
  readonly #given = new Map<number, Given>()
  /** The current value of each buffer; buffers created in the step have none until they are written. */
  readonly #holds = new WeakMap<DeviceBuffer, number>()
  readonly #made = new WeakMap<DeviceBuffer, Spec>()
  /** The buffers created in the step, if the backend has to be told when they are dead. */
  readonly #owned: Set<DeviceBuffer> | null
  readonly #lease = { over: false, refuse: ended }
  /** Storages with serial numbers from this one on are created in the step. */
  readonly #born = storagesMade()
  /** The value of a buffer from before the step when it was first met. */
  readonly #first = new Map<DeviceBuffer, number>()
  #drawn = 0
  #readings = 0
  /** Lines that created constants, by value. */
  readonly lines = new Map<number, string>()
  /** Notes of the host state. */
  readonly looks: HostNotes
  /** How often the step wrote to each storage in place. */
  readonly written = new Map<Storage, number>()
  /** Storages that last, whether the step created them or not. */
  readonly #lasting = new Set<Storage>()
  readonly draws = new Draws(this.#undo)
  /** Whether the step has created state that outlives it, and that its program does not hand out. */
  createsState = false

  /** Wraps the device's backend. */
  constructor(
    device: Device,
    { args = [], runs = true, withLines = false, first = storagesMade(), known = [] }: RecorderOptions = {},
  ) {
    this.#device = device
    this.#backend = device.backend
    this.#behind = new Device(device.backend)
    this.#arguments = args
    this.#runs = runs
    this.#withLines = withLines
    this.#owned = runs && device.backend.memory().cells !== undefined ? new Set() : null
    this.looks = new HostNotes({ args, first, known }, this.#undo)
    this.name = device.backend.name
    // Instructions that the backend does not support are recorded too.
    const { caps } = device.backend
    this.caps = { ...caps, dtypes: new Set(dtypes), ownDtypes: caps.dtypes, maxElements: mostElements }
  }

  /** Unsupported instructions are recorded unchanged, and run elsewhere now and at every replay. */
  supports(): boolean {
    return true
  }

  alloc(spec: Spec): DeviceBuffer {
    const buffer = this.#runs ? this.#backend.alloc(spec) : { backend: this.#backend, length: numelOf(spec.sizes) }
    this.#made.set(buffer, spec)
    this.#owned?.add(buffer)
    return buffer
  }

  #newValue({ sizes, dtype }: Spec, given?: Given): number {
    const value = this.#values.push({ sizes, dtype }) - 1
    if (given !== undefined) this.#given.set(value, given)
    return value
  }

  /**
   * The value of a buffer that is read before the step wrote to it: zeros if the step created it. Of memory from before
   * the step only the extent that views reach is known, so its spec says "at least that many elements".
   */
  #meet(view: View): number {
    const { buffer, dtype } = view
    const made = this.#made.get(buffer)
    const argument = this.#arguments.findIndex((x) => x.given.buffer === buffer)
    const value =
      made !== undefined
        ? this.#newValue(made, { from: 'constant', data: newArray(dtype, numelOf(made.sizes)) })
        : this.#newValue(
            { sizes: [reach(view)], dtype },
            argument >= 0 ? { from: 'argument', argument } : { from: 'buffer', buffer },
          )
    if (made === undefined) this.#first.set(buffer, value)
    this.#holds.set(buffer, value)
    return value
  }

  useOf(x: View): Use {
    const value = this.#holds.get(x.buffer) ?? this.#meet(x)
    if (this.#first.get(x.buffer) === value && reach(x) > numelOf(this.#values[value].sizes))
      this.#values[value] = { sizes: [reach(x)], dtype: x.dtype }
    return { value, dtype: x.dtype, sizes: x.sizes, strides: x.strides, offset: x.offset }
  }

  #operandOf(x: Operand): ProgramOperand {
    if (!isScalar(x)) return this.useOf(x)
    const { value, dtype } = x
    if (typeof value === 'number') return { value, dtype }
    const reading = this.#readings++
    this.#host.push({ kind: 'reading', reading, fn: value })
    return { reading, dtype }
  }

  #write(out: Output, given?: Given): number {
    // A buffer from before the step is identified by its first value, even if that is never read.
    if (!this.#holds.has(out.buffer) && !this.#made.has(out.buffer))
      this.#meet({ ...out, strides: contiguousStrides(out.sizes), offset: 0 })
    const value = this.#newValue(out, given)
    this.#holds.set(out.buffer, value)
    return value
  }

  /** Called before the elements of an output change. */
  #writing(out: Output): void {
    if (this.#made.has(out.buffer)) return
    // Also for the original tensor, captured from outside: the argument is a copy of it, which would not see the write.
    const written = this.#arguments.find(
      ({ given, passed }) => given.buffer === out.buffer || passed.buffer === out.buffer,
    )
    if (written !== undefined) throw writtenArgument(written.path, `, at ${callingLine()}`)
    if (this.#runs) this.#undo.save(this.#behind, out)
  }

  run(instr: Instr): void {
    for (const out of instr.outputs) this.#writing(out)
    if (this.#runs) dispatch(this.#behind, instr)
    const { kind, attrs, check, origin } = instr
    const inputs = instr.inputs.map((x) => this.#operandOf(x))
    const outputs = instr.outputs.map((x) => this.#write(x))
    const line = this.#withLines ? callingLine() : origin.line
    this.#instrs.push({ kind, attrs, inputs, outputs, check, origin: { name: origin.name, line } } as ProgramInstr)
  }

  write(out: Output, data: TypedArray): void
  write(out: Output, produce: () => TypedArray, stream: Stream): void
  write(out: Output, source: TypedArray | (() => TypedArray), stream?: Stream): void {
    this.#writing(out)
    if (typeof source !== 'function') {
      if (this.#runs) this.#backend.write(out, source)
      const value = this.#write(out, { from: 'constant', data: source.slice() })
      if (this.#withLines) this.lines.set(value, callingLine())
      return
    }
    const drawnFrom = stream as Stream
    if (this.draws.inProgram(drawnFrom)) return this.draw(out, [], 'draw', source, drawnFrom)
    this.draws.from(drawnFrom)
    const drawn = source()
    if (this.#runs) this.#backend.write(out, drawn)
    const draw = this.#drawn++
    this.#host.push({ kind: 'draw', draw, produce: source, stream: drawnFrom })
    this.#write(out, { from: 'draw', draw })
  }

  /** A draw that depends on elements. */
  draw(out: Output, inputs: readonly View[], op: string, produce: Produce, stream: Stream): void {
    if (!this.draws.inProgram(stream)) this.#host.push({ kind: 'stream', stream })
    this.draws.from(stream)
    const draw = { out, inputs, op, produce }
    this.run(this.draws.instrOf(draw, stream, this.#instrs.length, (spec) => this.alloc(spec)))
  }

  effect(fn: () => Undo): void {
    this.looks.checkOptions()
    this.#undo.add(fn())
    this.looks.watchOptions()
    this.#host.push({ kind: 'effect', fn })
  }

  refuse(what: string, remedy = 'Return the tensor from the step and read it outside.'): never {
    throw new RuntimeError(`${what} cannot be called inside a compiled step, at ${callingLine()}`, remedy)
  }

  #sameDevice({ device }: Storage): void {
    if (device === this.#device) return
    throw new RuntimeError(
      `a tensor on device ${device.name} is used inside a compiled step on ${this.#device.name}, at ${callingLine()}`,
      `A step is compiled for the default device: call setDevice('${device.name}') before, or move the tensors to '${this.#device.name}'.`,
    )
  }

  made(storage: Storage): Lease {
    this.#sameDevice(storage)
    return this.#lease
  }

  /** Whether the step created the memory. */
  created(storage: Storage): boolean {
    return storage.root.serial >= this.#born
  }

  wrote(storage: Storage): void {
    this.#sameDevice(storage)
    if (this.created(storage)) return
    const before = this.written.get(storage)
    this.written.set(storage, (before ?? 0) + 1)
    if (before !== undefined) return
    const version = storage.version - 1
    this.#undo.add(() => void (storage.version = version))
  }

  holds(x: Tensor): void {
    if (this.created(x.storage)) this.creates()
    this.lasts(x)
  }

  creates(): void {
    this.createsState = true
  }

  /** The tensor leaves the step. */
  lasts(x: Tensor): void {
    this.#lasting.add(x.storage.root)
  }

  restoring(restore: () => void): void {
    this.#undo.add(restore)
  }

  /** Undoes the step. */
  restore(): void {
    this.#undo.restore()
  }

  read(): never {
    return this.refuse('read()')
  }

  readSync(): never {
    return this.refuse('a read of elements')
  }

  freeing(storage: Storage): void {
    if (!this.created(storage)) this.refuse('dispose() of a tensor from outside', 'Call it before or after the step.')
  }

  free(buffer: DeviceBuffer): void {
    this.#owned?.delete(buffer)
    if (this.#runs) this.#backend.free(buffer)
  }

  sync(): Promise<void> {
    return this.#backend.sync()
  }

  memory(): Memory {
    return this.#backend.memory()
  }

  dispose(): void {}

  /**
   * Ends the step: unless `all` lasts, memory that it created for itself is dead, and a later use throws. If nothing was
   * computed, that holds for what leaves the step, too.
   */
  end(all: boolean): void {
    for (const storage of this.#runs ? this.#lasting : []) {
      if (storage.freed) continue
      storage.outlive()
      this.#owned?.delete(storage.buffer)
    }
    if (all) return
    this.#lease.over = true
    for (const buffer of this.#owned ?? []) this.#backend.free(buffer)
  }

  /** The program so far; `results` are the tensors that leave the step. */
  program(results: readonly Tensor[]): Program {
    const uses = results.map((x) => this.useOf(x))
    const kept = [...this.#first].flatMap(([buffer, first]) => {
      const last = this.#holds.get(buffer) as number
      return last === first ? [] : [{ first, last }]
    })
    return { values: this.#values, given: this.#given, host: this.#host, instrs: this.#instrs, kept, results: uses }
  }
}
