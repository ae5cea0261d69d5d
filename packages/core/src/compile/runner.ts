// A recording ready to be called: a call consists of the host's part, one run of the executable, and new tensors for
// the results.
import type { Backend, DeviceBuffer, Spec, View } from '../backend/backend.ts'
import type { Bindings, Ended, Executable } from '../backend/program.ts'
import { type DType, dtypeSize } from '../base/dtype.ts'
import { contiguousStrides, type Layout } from '../base/layout.ts'
import { numelOf } from '../base/shape.ts'
import { type Device, Storage } from '../tensor/device.ts'
import { copyTo } from '../tensor/dispatch.ts'
import { addWrites } from '../tensor/effects.ts'
import { Tensor } from '../tensor/tensor.ts'
import { failsLate, lastFailing } from './alias.ts'
import { Host } from './host.ts'
import { build } from './nested.ts'
import { executableOn, prepare, type Prepared } from './prepare.ts'
import { type Out, type Recording, rowMajorArgument, tensorOf } from './record.ts'
import { copyOf } from './stack.ts'

/** A leaving tensor with fields for every kind, so that the loop over them sees one object shape. */
interface Leaving extends Layout {
  readonly dtype: DType
  /** The tensor itself, if it existed before. */
  readonly known: Tensor | null
  /** The index of its new buffer, or -1. */
  readonly fresh: number
  /** The index of the argument that it is or, with `view`, is a view of, or -1. */
  readonly argument: number
  readonly view: boolean
}

const nowhere = { sizes: [], strides: [], offset: 0, dtype: 'float32', known: null, fresh: -1, argument: -1 } as const

function leavingOf(out: Out, { program, plan }: Prepared): Leaving {
  if (out.kind === 'tensor') return { ...nowhere, known: out.tensor, view: false }
  if (out.kind === 'argument') return { ...nowhere, argument: out.at, view: false }
  const { value, sizes, strides, offset, dtype } = program.results[out.at]
  const place = plan.places[value]
  const lies = { ...nowhere, sizes, strides, offset, dtype, view: true }
  if (place?.in === 'result') return { ...lies, fresh: place.result }
  if (place?.in === 'argument') return { ...lies, argument: place.argument }
  throw new Error(`a result lies in ${place?.in}`)
}

/** Whether a gradient's memory is written while an instruction may still fail. */
function writesEarly({ program, plan, backend }: Prepared, { outs, gradients }: Recording): boolean {
  const last = lastFailing(program.instrs)
  const late = last >= 0 && failsLate(program.instrs[last]) ? 1 : 0
  const certain = backend.caps.certain === true ? last + late : program.instrs.length
  const places = new Set(
    gradients.flatMap(({ out }) => {
      const left = out === null ? undefined : outs[out]
      return left?.kind === 'result' ? [plan.places[program.results[left.at].value]] : []
    }),
  )
  const results = new Set([...places].flatMap((place) => (place?.in === 'result' ? [place.result] : [])))
  return program.instrs.slice(0, Math.max(0, certain)).some(({ outputs }) =>
    outputs.some((value) => {
      const place = plan.places[value]
      return place?.in === 'result' && results.has(place.result)
    }),
  )
}

/** The memory limit for inputs and results of runs prepared ahead. */
const aheadBytes = 2 ** 20

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Several runs for a backend to do in one call. */
interface Together {
  readonly executable: Executable
  readonly bindings: Bindings
  readonly times: number
  readonly stacked: boolean
}

/** Steps being repeated: the generator yields work for the backend, and continues when it is done. */
export type Repeating = Generator<Together, unknown, Ended>

const together = ({ executable, bindings, times, stacked }: Together): Ended =>
  executable.repeat?.(bindings, times, stacked) as Ended

/** Repeats steps within this call. */
export function repeated(work: Repeating): unknown {
  let next = work.next()
  while (next.done !== true) next = work.next(together(next.value))
  return next.value
}

/** Repeats steps while the event loop keeps running, if the backend can. */
export async function repeatedAsync(work: Repeating): Promise<unknown> {
  let next = work.next()
  while (next.done !== true) {
    const { executable, bindings, times, stacked } = next.value
    const ended = executable.repeatAsync?.(bindings, times, stacked)
    next = work.next(ended === undefined ? together(next.value) : await ended)
  }
  return next.value
}

export class Runner {
  readonly recording: Recording
  readonly prepared: Prepared
  readonly #backend: Backend
  readonly #device: Device
  readonly #host: Host
  readonly #leaving: readonly Leaving[]
  readonly #specs: readonly Spec[]
  readonly #sizes: readonly number[]
  /** Arguments that were the same tensor in both recordings: the recording may depend on them. */
  #fixed: Recording['leaves'] = []
  /** The storages that it writes to, and the youngest of them, because arguments are mostly younger. */
  readonly #written: ReadonlySet<Storage>
  readonly #lastWritten: number
  readonly #args: DeviceBuffer[] = []
  readonly #results: DeviceBuffer[]
  readonly #bindings: Mutable<Bindings>
  /** Whether a failing run may have written to a future gradient: then consecutive runs must not share that memory. */
  readonly #early: boolean
  /** The number of runs prepared ahead. */
  readonly #most: number
  /** Whether every run creates all returned tensors anew. */
  readonly #stackable: boolean

  constructor(recording: Recording, device: Device) {
    const prepared = prepare(recording.program, device.own)
    const { program, plan } = prepared
    this.recording = recording
    this.prepared = prepared
    this.#backend = device.own
    this.#device = device
    this.#host = new Host(program)
    this.#specs = plan.results.map((value) => program.values[value])
    this.#sizes = this.#specs.map(({ sizes }) => numelOf(sizes))
    this.#leaving = recording.outs.map((out) => leavingOf(out, prepared))
    this.#written = new Set(recording.written.map(([storage]) => storage.root))
    this.#lastWritten = recording.written.reduce((last, [{ serial }]) => Math.max(last, serial), -1)
    this.#results = new Array<DeviceBuffer>(this.#specs.length)
    this.#bindings = { numbers: this.#host.numbers, draws: this.#host.draws, args: this.#args, results: this.#results }
    const drawn = [...program.given].flatMap(([value, { from }]) => (from === 'draw' ? [program.values[value]] : []))
    const bytes = [...drawn, ...this.#specs].reduce((sum, x) => sum + numelOf(x.sizes) * dtypeSize[x.dtype], 64)
    this.#most = Math.max(1, Math.floor(aheadBytes / (bytes + this.#host.numbers.byteLength)))
    this.#early = writesEarly(prepared, recording)
    this.#stackable = this.#leaving.slice(0, recording.returned).every(({ fresh }) => fresh >= 0)
  }

  /** The first argument in memory that the step writes to, or -1. */
  writes(args: readonly Tensor[]): number {
    for (let i = 0; i < args.length; i++) {
      const { storage } = args[i]
      if (storage.serial <= this.#lastWritten && this.#written.has(storage.root)) return i
    }
    return -1
  }

  /** Another recording is equal to this one. */
  agrees({ leaves }: Recording): void {
    const fixed = this.recording.leaves.map((x, i) => (x === leaves[i] ? x : undefined))
    this.#fixed = fixed.some((x) => x !== undefined) ? fixed : []
  }

  /** Whether the recording's assumptions about arguments still hold. */
  holds(args: readonly Tensor[]): boolean {
    for (let i = 0; i < this.#fixed.length; i++) {
      const x = this.#fixed[i]
      if (x !== undefined && x !== args[i]) return false
    }
    return true
  }

  /** Gives memory back that is not needed before the next run. */
  rest(): void {
    this.prepared.executable.rest?.()
  }

  /** Runs one step. */
  run(args: readonly Tensor[]): unknown {
    this.#allocate()
    const given = this.#bind(args)
    this.#step()
    return build(this.recording.slot, this.#leave(given, args, 1))
  }

  /** Runs several steps; returns the result of the last. `seen` gets the returned elements of every step. */
  *repeat(args: readonly Tensor[], times: number, seen: ((row: readonly View[]) => void) | null): Repeating {
    const given = this.#bind(args)
    let done = 0
    this.#allocate()
    try {
      while (done < times) {
        // If all results are seen, those of the last run get their own memory, because they leave.
        const ended = yield* this.#together(seen === null ? times - done : times - done - 1, seen)
        if (ended === null) {
          const kept = this.#early ? [...this.#results] : null
          if (done > 0 && (seen !== null || this.#early)) this.#allocate()
          try {
            this.#step()
          } catch (error) {
            kept?.forEach((buffer, i) => void (this.#results[i] = buffer))
            throw error
          }
          seen?.(this.#row(given))
          done++
        } else {
          done += ended.runs
          if (ended.error !== undefined) throw ended.error
        }
      }
    } catch (error) {
      if (done > 0) this.#leave(given, args, done)
      throw error
    }
    return build(this.recording.slot, this.#leave(given, args, times))
  }

  #allocate(): void {
    const specs = this.#specs
    for (let i = 0; i < specs.length; i++) this.#results[i] = this.#backend.alloc(specs[i])
  }

  /** Binds the arguments to the executable; returns them as the program reads them. */
  #bind(args: readonly Tensor[]): readonly Tensor[] {
    if (args.length === 0) return args
    const given = args.map((x) => (x.leafRequiresGrad ? x : rowMajorArgument(x)))
    for (let i = 0; i < given.length; i++) this.#args[i] = given[i].storage.buffer
    return given
  }

  #step(): void {
    this.#host.run()
    try {
      executableOn(this.prepared, this.#device).run(this.#bindings)
    } catch (error) {
      this.#host.undo()
      throw error
    }
  }

  /** Does some of the next runs in one call of the backend; null if it cannot. */
  *#together(times: number, seen: ((row: readonly View[]) => void) | null): Generator<Together, Ended | null, Ended> {
    const executable = executableOn(this.prepared, this.#device)
    const stacked = seen !== null
    if (
      executable.repeat === undefined ||
      this.#host.drawsLate ||
      times < 2 ||
      (stacked ? !this.#stackable : this.#early)
    )
      return null
    const ahead = this.#host.ahead(Math.min(times, this.#most))
    const { runs, numbers, draws } = ahead
    const specs = this.#specs
    const results = stacked
      ? specs.map(({ sizes, dtype }) => this.#backend.alloc({ sizes: [runs, ...sizes], dtype }))
      : this.#results
    const bindings = { numbers, draws, args: this.#args, results }
    const ended = runs === 0 ? { runs } : yield { executable, bindings, times: runs, stacked }
    if (ended.runs < runs) ahead.rewind(ended.runs)
    if (stacked) this.#unstack(results, ended.runs, seen)
    return ended.runs < runs ? ended : { runs, error: ahead.error }
  }

  /** Visits the results of several runs, which are consecutive in memory; the last ones leave. */
  #unstack(results: readonly DeviceBuffer[], runs: number, seen: (row: readonly View[]) => void): void {
    for (let run = 0; run < runs; run++) {
      seen(
        this.#leaving.slice(0, this.recording.returned).map(
          ({ sizes, strides, offset, dtype, fresh }): View => ({
            buffer: results[fresh],
            sizes,
            strides,
            offset: run * this.#sizes[fresh] + offset,
            dtype,
          }),
        ),
      )
    }
    if (runs === 0) return
    results.forEach((buffer, i) => {
      const { sizes, dtype } = this.#specs[i]
      const last = { buffer, sizes, strides: contiguousStrides(sizes), offset: (runs - 1) * this.#sizes[i], dtype }
      copyTo(this.#device, last, { sizes, dtype, buffer: this.#results[i] })
    })
  }

  /** The returned values as elements that later steps do not change. */
  #row(given: readonly Tensor[]): View[] {
    return this.#leaving.slice(0, this.recording.returned).map((x): View => {
      const { sizes, strides, offset, dtype, known, fresh, argument, view } = x
      if (fresh >= 0) return { buffer: this.#results[fresh], sizes, strides, offset, dtype }
      const memory = known ?? given[argument]
      return copyOf(view ? { buffer: memory.buffer, sizes, strides, offset, dtype } : memory, this.#device)
    })
  }

  /** The leaving tensors; sets gradients and raises versions by the number of steps. */
  #leave(given: readonly Tensor[], args: readonly Tensor[], times: number): readonly Tensor[] {
    const { gradients, written } = this.recording
    const leaving = this.#leaving
    const storages = new Array<Storage>(this.#results.length)
    for (let i = 0; i < storages.length; i++) storages[i] = new Storage(this.#device, this.#results[i], this.#sizes[i])
    const tensors = new Array<Tensor>(leaving.length)
    for (let i = 0; i < leaving.length; i++) {
      const { sizes, strides, offset, dtype, known, fresh, argument, view } = leaving[i]
      if (view) {
        const storage = fresh >= 0 ? storages[fresh] : given[argument].storage
        tensors[i] = new Tensor(storage, sizes, strides, offset, dtype)
      } else tensors[i] = known ?? args[argument]
    }
    for (let i = 0; i < gradients.length; i++) {
      const { owner, out } = gradients[i]
      tensorOf(owner, args, tensors).collect(out === null ? null : tensors[out])
    }
    for (let i = 0; i < written.length; i++) {
      const [storage, count] = written[i]
      addWrites(storage, count * times)
    }
    return tensors
  }
}
