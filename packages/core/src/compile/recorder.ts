// The recorder stands in front of a backend: it forwards every instruction and remembers it. A recording that agreed
// twice is a program, which replay() runs again without any tensor, op or graph.
import type {
  Backend,
  Capabilities,
  DeviceBuffer,
  Instr,
  Memory,
  Operand,
  Output,
  Scalar,
  Spec,
  View,
} from '../backend/backend.ts'
import { isScalar } from '../backend/backend.ts'
import type { TypedArray } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousStrides } from '../base/layout.ts'
import type { Storage } from '../tensor/device.ts'
import type { EffectSink } from '../tensor/effects.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { isBuffer, isSlotView, type Program, type SlotView, type Step } from './program.ts'

export class Recorder implements Backend, EffectSink {
  readonly name: string
  readonly caps: Capabilities
  readonly #backend: Backend
  readonly #steps: Step[] = []
  readonly #slots: (DeviceBuffer | Spec)[] = []
  readonly #slotOf = new Map<DeviceBuffer, number>()
  /** Leaves that collected a gradient, in order of the first time. */
  readonly leaves = new Set<Tensor>()
  /** Storages that the step wrote in place. */
  readonly written = new Set<Storage>()

  constructor(backend: Backend) {
    this.#backend = backend
    this.name = backend.name
    this.caps = backend.caps
  }

  supports(instr: Instr): boolean {
    return this.#backend.supports(instr)
  }

  alloc(spec: Spec): DeviceBuffer {
    const buffer = this.#backend.alloc(spec)
    this.#slotOf.set(buffer, this.#slots.push({ shape: spec.shape, dtype: spec.dtype }) - 1)
    return buffer
  }

  /** The slot of a buffer; one that the recorder did not hand out existed before the step. */
  #slot(buffer: DeviceBuffer): number {
    let slot = this.#slotOf.get(buffer)
    if (slot === undefined) {
      slot = this.#slots.push(buffer) - 1
      this.#slotOf.set(buffer, slot)
    }
    return slot
  }

  viewOf(x: View): SlotView {
    return { slot: this.#slot(x.buffer), dtype: x.dtype, shape: x.shape, strides: x.strides, offset: x.offset }
  }

  #outputOf(out: Output): SlotView {
    const { shape, dtype } = out
    return { slot: this.#slot(out.buffer), dtype, shape, strides: contiguousStrides(shape), offset: 0 }
  }

  #operandOf(x: Operand): SlotView | Scalar {
    return isScalar(x) ? { value: x.value, dtype: x.dtype } : this.viewOf(x)
  }

  run(instr: Instr): void {
    this.#backend.run(instr)
    const { kind: prim, attrs, donate, check, origin } = instr
    this.#steps.push({
      kind: 'run',
      prim,
      attrs,
      inputs: instr.inputs.map((x) => this.#operandOf(x)),
      outputs: instr.outputs.map((x) => this.#outputOf(x)),
      donate,
      check,
      name: origin.name,
    })
  }

  write(out: Output, data: TypedArray): void
  write(out: Output, produce: () => TypedArray): void
  write(out: Output, source: TypedArray | (() => TypedArray)): void {
    const output = this.#outputOf(out)
    const produced = typeof source === 'function'
    const data = produced ? source() : source
    this.#backend.write(out, data)
    this.#steps.push(
      produced ? { kind: 'produce', output, produce: source } : { kind: 'constant', output, data: data.slice() },
    )
  }

  effect(fn: () => void): void {
    fn()
    this.#steps.push({ kind: 'effect', fn })
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
    return { steps: this.#steps, slots: this.#slots, results: results.map((x) => this.viewOf(x)) }
  }
}

/** A view whose buffer is bound at replay. */
interface BoundView extends View {
  buffer: DeviceBuffer
}

/**
 * Prepares a program for a backend. Every call runs the step once and returns the results' buffers: new ones for
 * results, the same memory every time for all that does not leave the step.
 */
export function replay(program: Program, backend: Backend): () => readonly DeviceBuffer[] {
  const { steps, slots, results } = program
  const leaving = new Set(results.map((x) => x.slot))
  const buffers = slots.map((slot) => (isBuffer(slot) ? slot : backend.alloc(slot)))
  const bound: BoundView[][] = slots.map(() => [])
  const bind = (x: SlotView): BoundView => {
    const view = { buffer: buffers[x.slot], dtype: x.dtype, shape: x.shape, strides: x.strides, offset: x.offset }
    bound[x.slot].push(view)
    return view
  }
  const actions = steps.map((step): (() => void) => {
    if (step.kind === 'effect') return step.fn
    if (step.kind === 'run') {
      const { prim: kind, attrs, donate, check, name } = step
      const inputs = step.inputs.map((x) => (isSlotView(x) ? bind(x) : x))
      const instr: Instr = { kind, attrs, inputs, outputs: step.outputs.map(bind), donate, check, origin: { name } }
      return () => backend.run(instr)
    }
    const output = bind(step.output)
    return step.kind === 'constant'
      ? () => backend.write(output, step.data)
      : () => backend.write(output, step.produce())
  })
  const renewed = [...leaving].filter((slot) => !isBuffer(slots[slot]))
  return () => {
    for (const slot of renewed) {
      const buffer = backend.alloc(slots[slot] as Spec)
      for (const view of bound[slot]) view.buffer = buffer
      buffers[slot] = buffer
    }
    for (const action of actions) action()
    return results.map((x) => buffers[x.slot])
  }
}
