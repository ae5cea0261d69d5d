// A backend over a host. Instructions are written to a batch, which the host runs when it is full or has enough work,
// before a read or a write, and right after an instruction that can fail. What only JavaScript computes runs here.
import {
  type BoxMuller,
  type Capabilities,
  type DeviceBuffer,
  dtypes,
  type Executable,
  type HostMemory,
  type Instr,
  lackingMemory,
  type Memory,
  type Output,
  type Plan,
  type Program,
  readView,
  type Spec,
  type TypedArray,
  type View,
  writeHost,
  fillHost,
} from '@flambeau/core/backend'
import { Batch } from './batch.ts'
import { Calls } from './calls.ts'
import { ended } from './codes.ts'
import { computeElsewhere } from './elsewhere.ts'
import { encode, mayFail, workOf } from './encode.ts'
import { errorOf } from './errors.ts'
import type { Host, Runner } from './host.ts'
import { compileProgram } from './program.ts'

/**
 * From this many elements on, a call into the host costs nothing compared with the work, and waiting would only keep
 * memory alive longer.
 */
const enoughWork = 1 << 14

export abstract class StreamBackend<H extends Host, M extends HostMemory> implements Runner {
  abstract readonly name: string
  readonly caps: Capabilities
  readonly host: H
  inFlight: Promise<unknown> | null = null
  protected readonly slabs: M
  protected readonly batch: Batch
  /** The bytes of slabs from which on a batch does not wait. */
  protected mostBytes = Number.POSITIVE_INFINITY
  readonly #calls = new Calls(this)
  #work = 0

  constructor(host: H, memory: (backend: StreamBackend<H, M>) => M) {
    this.host = host
    this.caps = {
      dtypes: new Set(dtypes),
      strided: true,
      syncRead: true,
      multiOutput: true,
      reducedPost: false,
      borders: true,
      maxArgs: 64,
      maxElements: 2 ** 31 - 1,
      fused: host.fused,
      strictFloat: true,
      certain: true,
    }
    this.slabs = memory(this)
    this.batch = new Batch(host, (spec) => this.slabs.alloc(spec))
  }

  supports(instr: Instr): boolean {
    return instr.kind === 'host' || this.#calls.supports(instr)
  }

  alloc(spec: Spec): DeviceBuffer {
    return this.slabs.alloc(spec)
  }

  write(out: Output, data: TypedArray): void {
    this.submit()
    writeHost(out, data)
  }

  fill(out: Output, elements: (memory: TypedArray, make?: BoxMuller) => void): void {
    this.submit()
    fillHost(out, (memory) => elements(memory, this.host.normals?.(memory)))
  }

  run(instr: Instr): void {
    if (instr.kind === 'host') {
      this.submit()
      return computeElsewhere(instr, this.host)
    }
    const { batch } = this
    const call = this.#calls.of(instr)
    if (call !== undefined && this.#calls.has(call, instr)) batch.call(call, instr)
    else this.#encode(instr)
    if (call === undefined ? mayFail(instr) : call.mayFail) {
      const kind = this.#submit()
      if (kind !== ended.done) throw errorOf(kind, batch.status[2], instr)
      return
    }
    this.#work += call === undefined ? workOf(instr) : call.work
    if (this.#work > enoughWork || batch.full || batch.bytes > this.mostBytes) {
      this.submit()
      if (call !== undefined) this.#calls.ran(call, instr)
    }
  }

  #encode(instr: Instr): void {
    const { batch } = this
    const { at } = batch
    try {
      encode(batch, instr, 0)
    } catch (error) {
      batch.back(at)
      throw error
    }
  }

  /** Runs the waiting instructions. */
  submit(): void {
    if (this.batch.at === 0 && this.inFlight === null) return
    const kind = this.#submit()
    // Only running out of memory can fail here; an instruction that can fail otherwise runs at once.
    if (kind !== ended.done) throw lackingMemory('an operation')
  }

  #submit(): number {
    this.#work = 0
    return this.batch.submit()
  }

  /** How the last run ended: kind, tag, value, completed runs. */
  get status(): Int32Array {
    return this.batch.status
  }

  readSync(view: View, inPlace?: boolean): TypedArray {
    this.submit()
    return readView(view, view.dtype, inPlace)
  }

  async read(view: View): Promise<TypedArray> {
    return this.readSync(view)
  }

  abstract free(buffer: DeviceBuffer): void

  async sync(): Promise<void> {
    this.submit()
  }

  compile(program: Program, plan: Plan): Executable {
    return compileProgram(program, plan, this)
  }

  memory(): Memory {
    return this.slabs.report()
  }

  dispose(): void {
    this.submit()
  }
}
