// A backend in front of another one that times it: an event for every instruction, for data that is written and for
// elements that are read. It compiles no programs, so a program replayed on it is timed by its instructions.
import { dtypeSize, type TypedArray } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'
import type { Clock } from './gpu.ts'
import { type Backend, type Instr, isScalar, type Kind, type Operand, type Spec, type View } from './backend.ts'

declare const performance: { now(): number }

/** Something that a device did, with times in microseconds. */
export interface ProfilerEvent {
  /** The op, or the ops of a fused kernel; `write` and `read` for data that goes to the device and comes back. */
  readonly name: string
  readonly kind: Kind | 'write' | 'read'
  /** By the clock of `performance.now`. */
  readonly start: number
  /** The time until the device's function returned; on a device that queues work, the time of queueing. */
  readonly duration: number
  /** The time on a GPU, by its own clock. */
  readonly deviceDuration?: number
  readonly inputs: readonly Spec[]
  readonly outputs: readonly Spec[]
  readonly bytesRead: number
  readonly bytesWritten: number
  /** The calling line, with `withStack`. */
  readonly line?: string
}

const specOf = ({ sizes, dtype }: Spec): Spec => ({ sizes, dtype })
/** A broadcast element is read once. */
const bytesOf = ({ sizes, strides, dtype }: View): number =>
  numelOf(sizes.filter((_, i) => strides[i] !== 0)) * dtypeSize[dtype]
const sizeOf = ({ sizes, dtype }: Spec): number => numelOf(sizes) * dtypeSize[dtype]
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)

/** Marks of a GPU that are asked for together, because that waits for them. */
const together = 256

/** Times every call to `backend` and reports it to `seen`; those of a GPU later, at the latest at `finish`. */
export class ProfiledBackend implements Backend {
  readonly #backend: Backend
  readonly #clock: Clock | undefined
  /** Events of a GPU whose time is not known yet. */
  readonly #pending: { readonly event: ProfilerEvent; readonly from: number; readonly to: number }[] = []
  readonly #seen: (event: ProfilerEvent) => void
  readonly #line: (() => string) | undefined
  readonly name: string
  readonly caps: Backend['caps']

  /** `line` finds the calling line if an instruction has none. */
  constructor(backend: Backend, seen: (event: ProfilerEvent) => void, line?: () => string) {
    this.#backend = backend
    this.#clock = backend.gpu?.clock
    this.#seen = seen
    this.#line = line
    this.name = backend.name
    this.caps = backend.caps
  }

  #timed<R>(
    work: () => R,
    name: string,
    kind: ProfilerEvent['kind'],
    views: readonly View[],
    made: readonly Spec[],
    known?: string,
  ): R {
    const line = this.#line === undefined ? undefined : (known ?? this.#line())
    const clock = this.#clock
    const from = clock?.mark() ?? 0
    const start = performance.now()
    const result = work()
    const duration = (performance.now() - start) * 1000
    const to = clock?.mark() ?? 0
    const event: ProfilerEvent = {
      name,
      kind,
      start: start * 1000,
      duration,
      inputs: views.map(specOf),
      outputs: made.map(specOf),
      bytesRead: sum(views.map(bytesOf)),
      bytesWritten: sum(made.map(sizeOf)),
      ...(line === undefined ? {} : { line }),
    }
    if (clock === undefined) this.#seen(event)
    else if (this.#pending.push({ event, from, to }) >= together) this.finish()
    return result
  }

  /** Reports the events whose time was not known. */
  finish(): void {
    const clock = this.#clock
    if (clock === undefined) return
    for (const { event, from, to } of this.#pending) this.#seen({ ...event, deviceDuration: clock.between(from, to) })
    this.#pending.length = 0
    clock.reset()
  }

  run(instr: Instr): void {
    const { kind, inputs, outputs, origin } = instr
    const operands: readonly Operand[] = inputs
    const views = operands.filter((x): x is View => !isScalar(x))
    this.#timed(() => this.#backend.run(instr), origin.name, kind, views, outputs, origin.line)
  }

  write(out: Parameters<Backend['write']>[0], data: TypedArray): void {
    this.#timed(() => this.#backend.write(out, data), 'write', 'write', [], [out])
  }

  readSync(view: View): TypedArray {
    return this.#timed(() => this.#backend.readSync(view), 'read', 'read', [view], [])
  }

  read(view: View): Promise<TypedArray> {
    return this.#backend.read(view)
  }

  supports(instr: Instr): boolean {
    return this.#backend.supports(instr)
  }

  alloc(spec: Spec): ReturnType<Backend['alloc']> {
    return this.#backend.alloc(spec)
  }

  free(buffer: Parameters<Backend['free']>[0]): void {
    this.#backend.free(buffer)
  }

  sync(): Promise<void> {
    return this.#backend.sync()
  }

  memory(): ReturnType<Backend['memory']> {
    return this.#backend.memory()
  }

  dispose(): void {
    this.#backend.dispose()
  }
}
