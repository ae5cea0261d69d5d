// The backend: it plans an instruction as launches of kernels, which wait until they are many or something is read. Errors
// of checks and of indices are notes on the device: kernels after a failed one do nothing, and the next read throws.
import {
  type Capabilities,
  checkClaims,
  checkView,
  checkWhole,
  contiguousLayout,
  type DeviceBuffer,
  type DType,
  descriptorOf,
  dtypeSize,
  dtypes,
  type Ended,
  type Executable,
  type Gpu,
  type GpuProperties,
  type Instr,
  isContiguous,
  type Memory,
  newArray,
  numelOf,
  type Operand,
  type Output,
  type Plan as ProgramPlan,
  type Program,
  RuntimeError,
  s,
  Slot,
  type Spec,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { ended, errorOf, mayFail } from '@flambeau/stream'
import type { CudaReport } from '../report.ts'
import type { CudaAddon, Handle } from './addon.ts'
import { blockLaunch, blocksOf, bodiesOf, recordsOf, type SmallStep, type Step } from './blocks.ts'
import { alone, isLeftOut, Launches } from './launches.ts'
import { type Block, CudaBuffer, DeviceMemory } from './memory.ts'
import { isLaunch, type Launch, type Plan, worksOf } from './plan.ts'
import { fused, planOf, plannersOf, type Texts } from './plans/index.ts'
import { CudaProgram, type Graph, type Recorder } from './program.ts'
import { PtxWriter } from './text/ptx.ts'

/** The flag is read after so many instructions that can fail, because what they name stays alive until then. */
const mostPending = 256

const copies = new Map(dtypes.map((dtype) => [dtype, { outs: [{ expr: s.input(0, dtype) }] }]))

/** A read that waits: how many instructions that may fail came before it, and the error of one that did. */
interface Reading {
  readonly after: number
  error?: Error
}

/** Plans by descriptor. */
class Plans {
  readonly #planners: ReturnType<typeof plannersOf>
  readonly #slot = new Slot<{ readonly plan: Plan | null }>()

  constructor(planners: ReturnType<typeof plannersOf>) {
    this.#planners = planners
  }

  of(instr: Instr): Plan | null {
    const descriptor = descriptorOf(instr)
    const known = this.#slot.of(descriptor) ?? this.#slot.keep(descriptor, { plan: planOf(this.#planners, instr) })
    return known.plan
  }
}

export class CudaBackend implements Recorder {
  readonly name: string
  readonly gpu: Gpu<CudaBackend>
  readonly caps: Capabilities = {
    dtypes: new Set(dtypes),
    strided: true,
    syncRead: true,
    multiOutput: true,
    reducedPost: true,
    maxArgs: 24,
    // Indices of elements, and steps beyond the last one, are int32 in kernels.
    maxElements: 2 ** 31 - 2 ** 24,
    fused,
    strictFloat: true,
    certain: true,
  }
  readonly #addon: CudaAddon
  readonly #device: Handle
  readonly #info: Omit<CudaReport, 'blas'>
  readonly #texts: Texts
  /** Plans of eager instructions, and of those of programs, whose kernels read numbers from memory. */
  readonly #eager: Plans
  readonly #recorded: Plans
  readonly #memory: DeviceMemory
  readonly #launches: Launches
  /** The error record. */
  readonly #flag: ReturnType<DeviceMemory['take']>
  /** The instructions that may have failed since the flag was read, by their tags minus one. */
  #pending: Instr[] = []
  /** How many may have failed before these. */
  #settled = 0
  readonly #readings = new Set<Reading>()
  /** The file of the BLAS that computes products; '' if kernels do. */
  #blas = ''
  #disposed = false

  /** `all` are the GPUs of this machine, and `open` opens one. */
  constructor(
    addon: CudaAddon,
    device: Handle,
    ordinal: number,
    info: Omit<CudaReport, 'blas'>,
    texts: Texts,
    all: readonly GpuProperties[] = [info],
    open: (ordinal: number) => CudaBackend = () => this,
  ) {
    this.name = `cuda:${ordinal}`
    this.gpu = this.#described(ordinal, all, open)
    this.#addon = addon
    this.#device = device
    this.#info = info
    this.#texts = texts
    this.#eager = new Plans(plannersOf(texts, false))
    this.#recorded = new Plans(plannersOf(texts, true))
    const { FLAMBEAU_CUDA_BLOCKING, FLAMBEAU_CUDA_CACHING } = process.env
    this.#memory = new DeviceMemory(addon, device, ordinal, () => this.#finish(), FLAMBEAU_CUDA_CACHING === '0')
    this.#flag = this.#memory.take(8)
    const { address } = this.#flag
    this.#launches = new Launches(addon, device, address, FLAMBEAU_CUDA_BLOCKING === '1')
    this.#launches.check(addon.clear(device, address, 8), 'opening the device')
  }

  #described(index: number, all: readonly GpuProperties[], open: (ordinal: number) => CudaBackend): Gpu<CudaBackend> {
    const positive = (number: number): number => {
      if (number < 0) this.#launches.check(-number, 'a mark')
      return number
    }
    return {
      kind: 'cuda',
      index,
      all,
      open,
      clock: {
        mark: () => {
          this.#launches.submit()
          return positive(this.#addon.mark(this.#device))
        },
        between: (from, to) => 1000 * positive(this.#addon.elapsed(this.#device, from, to)),
        reset: () => this.#addon.resetMarks(this.#device),
      },
      wait: () => {
        this.#throwFailed()
        this.#finish()
      },
      memory: () => this.#memory.account(),
      resetPeaks: () => this.#memory.resetPeaks(),
      emptyCache: () => this.#memory.empty(),
    }
  }

  /** Takes a BLAS for products: 'cublas' or a path, '' for none. Returns its file. */
  useBlas(name: string): string {
    this.#launches.submit()
    const taken = this.#addon.blas(this.#device, name)
    if (typeof taken === 'string') {
      this.#blas = taken
      return taken
    }
    this.#launches.check(taken.code, 'opening a BLAS')
    throw new RuntimeError(taken.text)
  }

  /** Runs what waits, and waits for it: the memory that it uses may go back to the driver then. */
  #finish(): void {
    // The record of failures is allocated before there can be a launch.
    this.#launches?.submit()
    this.#launches?.check(this.#addon.synchronize(this.#device), 'waiting for the device')
  }

  #demandUsable(): void {
    if (this.#disposed)
      throw new RuntimeError(`device '${this.name}' was disposed of, and with it what its tensors held`)
  }

  supports(instr: Instr): boolean {
    return instr.kind === 'host' || this.#eager.of(instr) !== null
  }

  alloc(spec: Spec): DeviceBuffer {
    this.#demandUsable()
    return this.#memory.alloc(this, spec)
  }

  run(instr: Instr): void {
    this.#demandUsable()
    if (instr.kind === 'host') return this.#computeOnHost(instr)
    checkClaims(instr)
    const plan = this.#demand(this.#eager, instr)
    const tag = mayFail(instr) ? this.#pending.push(instr) : 0
    // A BLAS computes after a failure, too: only into memory that nobody knows yet.
    const mayBlas = this.#blas !== '' && instr.fresh === true
    const needed = mayBlas && plan.byBlas !== undefined ? [] : plan.scratch
    const scratch = needed.map((bytes) => this.#memory.take(bytes))
    this.#launches.add(worksOf(plan, mayBlas), instr, tag, scratch)
    for (const { block } of scratch) this.#memory.give(block)
    if (this.#pending.length >= mostPending) this.#throwFailed()
  }

  /** What only JavaScript computes, from elements that are read and to outputs that are written. */
  #computeOnHost({ attrs, inputs, outputs }: Instr<'host'>): void {
    const data = inputs.map((view) => this.readSync(view))
    attrs.compute(data, inputs, outputs).forEach((result, k) => {
      const elements = newArray(outputs[k].dtype, result.length)
      elements.set(result)
      this.write(outputs[k], elements)
    })
  }

  #demand(plans: Plans, instr: Instr): Plan {
    const plan = plans.of(instr)
    if (plan === null) throw new RuntimeError(`device '${this.name}' has no kernel for ${instr.origin.name}`)
    return plan
  }

  // ---- what programs are made of ----

  compile(program: Program, plan: ProgramPlan): Executable {
    this.#demandUsable()
    return new CudaProgram(this, program, plan)
  }

  room(bytes: number): CudaBuffer {
    const { block, address } = this.#memory.take(bytes)
    return new CudaBuffer(this, bytes, block, address)
  }

  writer(): PtxWriter {
    return new PtxWriter(this.#texts.prelude)
  }

  record(
    instrs: readonly Instr[],
    passing: readonly boolean[],
    numberAt: (x: Operand, dtype: DType) => number,
    before: readonly Launch[],
    after: readonly Launch[],
  ): Graph {
    const plans = instrs.map((instr) => this.#demand(this.#recorded, instr))
    // Later instructions may use the same memory, because they run in order.
    const most: number[] = []
    for (const { scratch } of plans) for (const [i, bytes] of scratch.entries()) most[i] = Math.max(most[i] ?? 0, bytes)
    const scratch = most.map((bytes) => this.#memory.take(bytes))
    const around = (work: Launch): Step => ({ work, instr: alone, tag: 0 })
    const within = plans.flatMap((plan, i): Step[] =>
      worksOf(plan, this.#blas !== '' && passing[i])
        .filter((work) => !isLaunch(work) || !isLeftOut(work, instrs[i]))
        .map((work) => ({ work, instr: instrs[i], tag: i + 1 })),
    )
    const steps = [...before.map(around), ...within, ...after.map(around)]
    const blocks: Block[] = scratch.map(({ block }) => block)
    const wordsOf = ({ work, instr, tag }: SmallStep): Int32Array =>
      this.#launches.wordsOf(work, instr, tag, scratch, numberAt)
    const adds = blocksOf(steps).map((together): (() => void) => {
      if ('work' in together) {
        const { work, instr, tag } = together
        if (isLaunch(work)) this.#launches.prepare([work], instr.origin.name)
        return () => this.#launches.add([work], instr, tag, scratch, numberAt)
      }
      const bodies = bodiesOf(together)
      const records = recordsOf(together, bodies, wordsOf)
      const { block, address } = this.#memory.take(records.byteLength)
      blocks.push(block)
      this.upload(address, records)
      const launch = blockLaunch(this.#texts.prelude, bodies, address, together.length)
      this.#launches.prepare([launch], alone.origin.name)
      return () => this.#launches.add([launch], alone, 0, [])
    })
    const number = this.#launches.record(() => {
      for (const add of adds) add()
    })
    return { number, scratch: blocks }
  }

  settle(): void {
    this.#throwFailed()
  }

  drop({ number }: Graph): void {
    if (!this.#disposed) this.#addon.dropGraph(this.#device, number)
  }

  upload(address: number, data: TypedArray): void {
    this.#launches.submit()
    this.#launches.check(this.#addon.write(this.#device, address, data), 'a program')
  }

  move(to: DeviceBuffer, toByte: number, from: DeviceBuffer, bytes: number): void {
    this.#launches.submit()
    const [target, source] = [(to as CudaBuffer).address + toByte, (from as CudaBuffer).address]
    this.#launches.check(this.#addon.copy(this.#device, target, source, bytes), 'a program')
  }

  replay({ number }: Graph, times: number, failing: readonly Instr[], table: number): Ended {
    this.#demandUsable()
    this.#launches.check(this.#addon.launchGraph(this.#device, number, times), 'a program')
    if (failing.length === 0) return { runs: times }
    this.#pending = [...failing]
    try {
      this.#throwFailed()
      return { runs: times }
    } catch (error) {
      const [runs] = this.#readWords(2, table)
      return { runs, error }
    }
  }

  #readWords(count: number, address: number): Int32Array {
    const words = new Int32Array(count)
    this.#launches.check(this.#addon.read(this.#device, words, address), 'a check')
    return words
  }

  /** Throws the error of the first instruction that failed since the last call. */
  #throwFailed(): void {
    this.#launches.submit()
    const pending = this.#pending
    if (pending.length === 0) return
    this.#pending = []
    const before = this.#settled
    this.#settled += pending.length
    const [tag, value] = this.#readWords(2, this.#flag.address)
    if (tag === 0) return
    this.#launches.check(this.#addon.clear(this.#device, this.#flag.address, 8), 'a check')
    const failed = pending[tag - 1]
    const error = errorOf(failed.check === undefined ? ended.index : ended.check, value, failed)
    // Kernels after it did nothing, so reads that wait for one of these have nothing to return either.
    for (const reading of this.#readings) if (before + tag <= reading.after) reading.error ??= error
    throw error
  }

  write(out: Output, data: TypedArray): void {
    this.#demandUsable()
    checkWhole(out, data.length, 'the output of a write')
    this.#launches.submit()
    const { address } = out.buffer as CudaBuffer
    this.#launches.check(this.#addon.write(this.#device, address, data), 'a write')
  }

  readSync(view: View): TypedArray {
    this.#demandUsable()
    checkView(view, 'the view of a read')
    const data = newArray(view.dtype, numelOf(view.sizes))
    const address = this.#contiguous(view)
    this.#throwFailed()
    this.#launches.check(this.#addon.read(this.#device, data, address), 'a read')
    return data
  }

  /** The address of the elements of a view in row-major order: where they are, or of a copy. */
  #contiguous(view: View): number {
    const { dtype, sizes, offset } = view
    if (isContiguous(view) || numelOf(sizes) === 0)
      return (view.buffer as CudaBuffer).address + offset * dtypeSize[dtype]
    return (this.#copy(view).buffer as CudaBuffer).address
  }

  /** A copy of the elements of a view, in row-major order. */
  #copy(view: View): View {
    const { dtype, sizes } = view
    const out = { sizes, dtype, buffer: this.alloc({ sizes, dtype }) }
    const attrs = copies.get(dtype) as Instr<'map'>['attrs']
    this.run({ kind: 'map', attrs, inputs: [view], outputs: [out], origin: { name: 'read' } })
    return { ...out, ...contiguousLayout(sizes) }
  }

  receive(out: Output, from: View): boolean {
    this.#demandUsable()
    const other = from.buffer.backend
    if (!(other instanceof CudaBackend)) return false
    checkWhole(out, numelOf(from.sizes), 'the output of a copy')
    checkView(from, 'the view of a copy')
    this.#launches.submit()
    other.#sendTo(this, (out.buffer as CudaBuffer).address, from)
    return true
  }

  #sendTo(target: CudaBackend, to: number, view: View): void {
    const address = this.#contiguous(view)
    this.#throwFailed()
    const bytes = numelOf(view.sizes) * dtypeSize[view.dtype]
    const code = target.#addon.receive(target.#device, to, this.#device, address, bytes)
    target.#launches.check(code, 'a copy between devices')
  }

  async read(view: View): Promise<TypedArray> {
    this.#demandUsable()
    checkView(view, 'the view of a read')
    // Meanwhile other instructions may write to its memory.
    const copied = this.#copy(view)
    const reading: Reading = { after: this.#settled + this.#pending.length }
    this.#readings.add(reading)
    try {
      await this.#passed()
    } finally {
      this.#readings.delete(reading)
    }
    if (reading.error !== undefined) throw reading.error
    return this.readSync(copied)
  }

  /** Waits until the device has done what it was given before, while the event loop turns. */
  async #passed(): Promise<void> {
    this.#launches.submit()
    const fence = this.#addon.fence(this.#device)
    for (let passed = Math.min(fence, 0); passed !== 1; ) {
      if (passed < 0) this.#launches.check(-passed, 'waiting for the device')
      passed = this.#addon.passed(this.#device, fence)
      if (passed === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  free(buffer: DeviceBuffer): void {
    this.#memory.give((buffer as CudaBuffer).block)
  }

  async sync(): Promise<void> {
    await this.#passed()
    this.#throwFailed()
  }

  memory(): Memory {
    return this.#memory.report()
  }

  report(): CudaReport {
    return { ...this.#info, blas: this.#blas }
  }

  dispose(): void {
    if (this.#disposed) return
    this.#throwFailed()
    this.#disposed = true
    this.#memory.trim()
  }
}
