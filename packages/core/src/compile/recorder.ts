// The recorder stands in front of a backend: it forwards every instruction and remembers it as a program over values. A
// buffer that is written gets a new value, so that a recording has no memory in it, only what is computed from what.
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
import type { Given, HostStep, Program, ProgramInstr, ProgramOperand, Use } from '../backend/program.ts'
import { newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousStrides, type Layout } from '../base/layout.ts'
import { numelOf } from '../base/shape.ts'
import { Device, type Storage } from '../tensor/device.ts'
import { dispatch } from '../tensor/dispatch.ts'
import type { EffectSink } from '../tensor/effects.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Elements from the start of the buffer to the last one that a view reads. */
function reach({ shape, strides, offset }: Layout): number {
  if (numelOf(shape) === 0) return 0
  let last = offset
  for (let i = 0; i < shape.length; i++) last += Math.max(0, (shape[i] - 1) * strides[i])
  return last + 1
}

export class Recorder implements Backend, EffectSink {
  readonly name: string
  readonly caps: Capabilities
  readonly #backend: Backend
  readonly #device: Device
  readonly #instrs: ProgramInstr[] = []
  readonly #host: HostStep[] = []
  readonly #values: Spec[] = []
  readonly #given = new Map<number, Given>()
  /** The value that each buffer holds now; buffers made inside have none until they are written. */
  readonly #holds = new Map<DeviceBuffer, number>()
  readonly #made = new Map<DeviceBuffer, Spec>()
  /** The value that a buffer from before the step had when it was first met. */
  readonly #first = new Map<DeviceBuffer, number>()
  readonly #arguments: readonly DeviceBuffer[]
  #draws = 0
  #readings = 0
  /** Leaves that collected a gradient, in order of the first time. */
  readonly leaves = new Set<Tensor>()
  /** Storages that the step wrote in place. */
  readonly written = new Set<Storage>()

  constructor(backend: Backend, args: readonly DeviceBuffer[] = []) {
    this.#backend = backend
    this.#device = new Device(backend)
    this.#arguments = args
    this.name = backend.name
    this.caps = backend.caps
  }

  /** What the backend does not run is recorded as it is, and runs elsewhere now and at every replay. */
  supports(): boolean {
    return true
  }

  alloc(spec: Spec): DeviceBuffer {
    const buffer = this.#backend.alloc(spec)
    this.#made.set(buffer, spec)
    return buffer
  }

  #newValue({ shape, dtype }: Spec, given?: Given): number {
    const value = this.#values.push({ shape, dtype }) - 1
    if (given !== undefined) this.#given.set(value, given)
    return value
  }

  /**
   * What a buffer holds that is read before the step wrote to it: zeros where the step made it. Of memory from before
   * the step only what views reach is known, so its spec says "at least that many elements".
   */
  #meet(view: View): number {
    const { buffer, dtype } = view
    const made = this.#made.get(buffer)
    const argument = this.#arguments.indexOf(buffer)
    const value =
      made !== undefined
        ? this.#newValue(made, { from: 'constant', data: newArray(dtype, numelOf(made.shape)) })
        : this.#newValue(
            { shape: [reach(view)], dtype },
            argument >= 0 ? { from: 'argument', argument } : { from: 'buffer', buffer },
          )
    if (made === undefined) this.#first.set(buffer, value)
    this.#holds.set(buffer, value)
    return value
  }

  useOf(x: View): Use {
    const value = this.#holds.get(x.buffer) ?? this.#meet(x)
    if (this.#first.get(x.buffer) === value && reach(x) > numelOf(this.#values[value].shape))
      this.#values[value] = { shape: [reach(x)], dtype: x.dtype }
    return { value, dtype: x.dtype, shape: x.shape, strides: x.strides, offset: x.offset }
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
    // A buffer from before the step is known by its first value, also when that is never read.
    if (!this.#holds.has(out.buffer) && !this.#made.has(out.buffer))
      this.#meet({ ...out, strides: contiguousStrides(out.shape), offset: 0 })
    const value = this.#newValue(out, given)
    this.#holds.set(out.buffer, value)
    return value
  }

  run(instr: Instr): void {
    dispatch(this.#device, instr)
    const { kind, attrs, check, origin } = instr
    const inputs = instr.inputs.map((x) => this.#operandOf(x))
    const outputs = instr.outputs.map((x) => this.#write(x))
    this.#instrs.push({ kind, attrs, inputs, outputs, check, origin: { name: origin.name, line: origin.line } })
  }

  write(out: Output, data: TypedArray): void
  write(out: Output, produce: () => TypedArray): void
  write(out: Output, source: TypedArray | (() => TypedArray)): void {
    if (typeof source === 'function') {
      this.#backend.write(out, source())
      const draw = this.#draws++
      this.#host.push({ kind: 'draw', draw, produce: source })
      this.#write(out, { from: 'draw', draw })
    } else {
      this.#backend.write(out, source)
      this.#write(out, { from: 'constant', data: source.slice() })
    }
  }

  effect(fn: () => void): void {
    fn()
    this.#host.push({ kind: 'effect', fn })
  }

  refuse(what: string): never {
    throw new RuntimeError(
      `${what} cannot be called inside a compiled step`,
      'Return the tensor from the step and read it outside.',
    )
  }

  collected(leaf: Tensor): void {
    this.leaves.add(leaf)
  }

  wrote(storage: Storage): void {
    this.written.add(storage)
  }

  read(): never {
    return this.refuse('read()')
  }

  readSync(): never {
    return this.refuse('a read of elements')
  }

  free(): void {}

  sync(): Promise<void> {
    return this.#backend.sync()
  }

  memory(): Memory {
    return this.#backend.memory()
  }

  dispose(): void {}

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
