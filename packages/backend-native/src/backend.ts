// The backend. Memory is V8's own. Instructions are written to a batch, which C++ runs when it is full or has enough
// work, before a read or a write, and right after an instruction that can fail.
import {
  type Capabilities,
  type DeviceBuffer,
  type DType,
  dtypes,
  type Executable,
  garbage,
  HostMemory,
  type Instr,
  type Memory,
  type Output,
  type Plan,
  type Program,
  readView,
  RuntimeError,
  type Spec,
  type TypedArray,
  type View,
  writeHost,
} from '@flambeau/core/backend'
import {
  Calls,
  compileProgram,
  encode,
  ended,
  errorOf,
  fused,
  type Host,
  mayFail,
  type Runner,
  workOf,
} from '@flambeau/stream'
import { type Addon, sharedNumbers } from './addon.ts'
import { Batch } from './batch.ts'
import { bytesAlive, uninitialized } from './array-buffers.ts'
import type { Report } from './report.ts'

/**
 * From this many elements on, a call into C++ costs nothing compared with the work, and waiting would only keep memory
 * alive longer.
 */
const enoughWork = 1 << 14

export class NativeBackend implements Runner {
  readonly name = 'native'
  readonly caps: Capabilities = {
    dtypes: new Set(dtypes),
    strided: true,
    syncRead: true,
    multiOutput: true,
    reducedPost: false,
    borders: true,
    maxArgs: 64,
    maxElements: 2 ** 31 - 1,
    fused,
    strictFloat: true,
    certain: true,
  }
  readonly host: Addon & Host
  /** The limit of array-buffer bytes in this thread. */
  maxBytes = Number.POSITIVE_INFINITY
  readonly #memory: HostMemory
  readonly #batch: Batch
  readonly #calls = new Calls(this)
  inFlight: Promise<unknown> | null = null
  #work = 0
  /** The bytes alive at the last look, and the bytes of slabs opened since. */
  #alive = 0
  #opened = 0

  constructor(addon: Addon) {
    this.host = { ...addon, numbers: sharedNumbers }
    const make = (dtype: DType, length: number): TypedArray => uninitialized(addon, dtype, length)
    this.#memory = new HostMemory(this, (bytes) => this.#admit(bytes), make)
    this.#batch = new Batch(this.host, this.#memory)
  }

  supports(instr: Instr): boolean {
    return this.#calls.supports(instr)
  }

  alloc(spec: Spec): DeviceBuffer {
    return this.#memory.alloc(spec)
  }

  /** Whether this many more bytes may be allocated. It looks up what is alive only if it might be too much. */
  #admit(bytes: number): boolean {
    this.#opened += bytes
    if (this.#alive + this.#opened <= this.maxBytes) return true
    this.#alive = bytesAlive()
    this.#opened = bytes
    if (this.#alive + bytes <= this.maxBytes) return true
    garbage.all()
    this.#alive = bytesAlive()
    return this.#alive + bytes <= this.maxBytes
  }

  tidy(): void {
    if (garbage.tidy()) this.host.trim()
  }

  write(out: Output, data: TypedArray): void {
    this.submit()
    writeHost(out, data)
  }

  run(instr: Instr): void {
    const batch = this.#batch
    const call = this.#calls.of(instr)
    if (call !== undefined && this.#calls.has(call, instr)) batch.call(call, instr)
    else this.#encode(instr)
    if (call === undefined ? mayFail(instr) : call.mayFail) {
      const kind = this.#submit()
      if (kind !== ended.done) throw errorOf(kind, batch.status[2], instr)
      return
    }
    this.#work += call === undefined ? workOf(instr) : call.work
    if (this.#work > enoughWork || batch.full) this.submit()
  }

  #encode(instr: Instr): void {
    const batch = this.#batch
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
    if (this.#batch.at === 0 && this.inFlight === null) return
    const kind = this.#submit()
    // Only running out of memory can fail here; an instruction that can fail otherwise runs at once.
    if (kind !== ended.done) throw new RuntimeError('an operation needs more memory than is available')
  }

  #submit(): number {
    this.#work = 0
    return this.#batch.submit()
  }

  /** How the last run ended: kind, tag, value, completed runs. */
  get status(): Int32Array {
    return this.#batch.status
  }

  readSync(view: View): TypedArray {
    this.submit()
    return readView(view)
  }

  async read(view: View): Promise<TypedArray> {
    return this.readSync(view)
  }

  /** Does nothing: V8 frees a slab once nothing refers to its buffers. */
  free(): void {}

  async sync(): Promise<void> {
    this.submit()
  }

  compile(program: Program, plan: Plan): Executable {
    return compileProgram(program, plan, this)
  }

  memory(): Memory {
    return this.#memory.report()
  }

  /** What the addon found on this machine and chose for it. */
  report(): Report {
    return this.host.report()
  }

  dispose(): void {
    this.submit()
  }
}
