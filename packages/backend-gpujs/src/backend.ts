// The backend: it plans an instruction as a sequence of kernel calls and stores the result as the texture of the
// output's buffer. Only reads wait for the GPU.
import {
  type Backend,
  type Capabilities,
  checkClaims,
  checkView,
  checkWhole,
  contiguousStrides,
  copyView,
  type DType,
  HostBuffer,
  type Instr,
  isContiguous,
  highestOf,
  isFloat,
  isScalar,
  lowestOf,
  type Memory,
  newArray,
  numelOf,
  type Output,
  type Prims,
  RuntimeError,
  s,
  scalarValue,
  type Spec,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import type { Engine, Texture } from './adapter.ts'
import { Checks } from './checks.ts'
import { GlTexture } from './gl.ts'
import { type KernelLimits, Kernels } from './kernels.ts'
import type { Tried } from './modes.ts'
import type { Kernel, Plan, Source } from './plan.ts'
import { type Planned, type Planning, Plans } from './planned.ts'
import { Buffer, exactUpTo, type Marks, Textures } from './textures.ts'

/** The state and counters of the device. */
export interface Report {
  /** The gpu.js mode, and why it was chosen. */
  readonly mode: string
  readonly why: string
  /** The modes that were tried, the best first, with the reason if one was not available. */
  readonly tried: readonly Tried[]
  /** The class of gpu.js's kernels, and the driver under it. */
  readonly kernelClass: string
  readonly renderer: string
  /** Kernel calls, kernels compiled, and kernels in the cache. */
  readonly calls: number
  readonly compilations: number
  readonly kernels: number
  /** Textures uploaded from the host, read by the user or for a check, and moved to the host to make room. */
  readonly uploads: number
  readonly readbacks: number
  readonly spills: number
  /** Current textures and their bytes, including those pooled for reuse. */
  readonly textures: number
  readonly bytes: number
}

export interface Limits extends Marks {
  readonly kernels: KernelLimits
}

/**
 * A view that reaches over this many times more elements than it has is copied on the device first, if it is this
 * large.
 */
const sparse = 4
const largeRead = 1 << 16

const copyOf = new Map<DType, Prims['map']>()
function copyAttrs(dtype: DType): Prims['map'] {
  const attrs = copyOf.get(dtype) ?? { outs: [{ expr: s.input(0, dtype) }] }
  copyOf.set(dtype, attrs)
  return attrs
}

const isCopy = ({ kind, attrs, inputs }: Instr): boolean =>
  kind === 'map' && inputs.length === 1 && attrs.outs.length === 1 && attrs.outs[0].expr.step === 'input'

/** A plannable instruction, with the bound of its result. */
interface Ready {
  readonly instr: Instr
  readonly plan: Plan
  readonly entries: Planned['entries']
  readonly bound: number
}

export class GpujsBackend implements Backend {
  readonly name = 'gpujs'
  readonly variant: string
  readonly caps: Capabilities
  readonly #engine: Engine
  readonly #told: Pick<Report, 'why' | 'tried'>
  readonly #textures: Textures
  readonly #kernels: Kernels
  readonly #planning: Planning
  readonly #plans: Plans
  readonly #checks: Checks
  #disposed = false
  /** The instruction that `supports` last accepted: core runs it next. */
  #next: Ready | null = null

  constructor(engine: Engine, told: Pick<Report, 'why' | 'tried'>, planning: Planning, limits: Limits) {
    const { context } = engine
    this.#engine = engine
    this.variant = engine.mode
    this.#told = told
    const maxElements = context === null ? exactUpTo : Math.min(exactUpTo, context.maxSize ** 2)
    this.caps = {
      dtypes: new Set<DType>(['float32', 'int32', 'uint8', 'bool']),
      strided: true,
      syncRead: true,
      multiOutput: false,
      reducedPost: true,
      maxArgs: 8,
      maxElements,
      strictFloat: context === null,
      // Any other failure is that of the device, whose elements are then lost.
      certain: true,
    }
    this.#textures = new Textures(context, limits)
    this.#kernels = new Kernels(engine, limits.kernels)
    this.#planning = planning
    this.#plans = new Plans(planning, maxElements)
    this.#checks = new Checks(this.#textures, (kernel, args) => this.#call(kernel, args))
  }

  /** Whether the device can still compute. */
  get usable(): boolean {
    return !this.#disposed && this.#engine.context?.lost !== true
  }

  #demandUsable(): void {
    if (!this.#disposed) return
    throw new RuntimeError(
      "device 'gpujs' was disposed of, and with it what its tensors held",
      'Make a new one, useDevice(await gpujs()); before dispose(), move the tensors to keep: x.to("js").',
    )
  }

  supports(instr: Instr): boolean {
    this.#next = this.#ready(instr)
    return this.#next !== null
  }

  /** An instruction with its plan, or null if kernels cannot run it exactly. */
  #ready(instr: Instr): Ready | null {
    const { plan, integers, entries } = this.#plans.find(instr)
    if (plan === undefined || instr.inputs.some(isHeld)) return null
    if (!integers) return { instr, plan, entries, bound: 0 }
    const bound = this.#planning.boundOf(instr, instr.inputs.map(boundOf))
    if (bound !== Number.POSITIVE_INFINITY) return { instr, plan, entries, bound }
    return this.#measure(instr) ? this.#ready(instr) : null
  }

  /**
   * Reads the elements of integer inputs whose bounds are only possible and not measured: a truncated float may have
   * any value. Returns whether there was one.
   */
  #measure({ inputs }: Instr): boolean {
    let found = false
    for (const x of inputs) {
      if (isScalar(x) || x.dtype !== 'int32') continue
      const buffer = bufferOf(x)
      const { cell } = buffer
      if (cell.measured) continue
      found = true
      const data = this.#textures.read(buffer, 0, cell.length)
      const bound = largest(data)
      if (bound > exactUpTo) this.#textures.setHost(buffer, copied('int32', data), bound)
      else this.#textures.measured(buffer, bound)
    }
    return found
  }

  alloc(spec: Spec): Buffer {
    this.#demandUsable()
    return new Buffer(this, numelOf(spec.sizes))
  }

  write(out: Output, data: TypedArray): void {
    this.#demandUsable()
    checkWhole(out, data.length, 'the output of a write')
    const bound = out.dtype === 'int32' ? largest(data) : out.dtype === 'uint8' ? 255 : 1
    const exact = out.dtype !== 'float64' && bound <= exactUpTo
    this.#textures.setHost(bufferOf(out), exact ? Float32Array.from(data) : copied(out.dtype, data), bound)
  }

  run(instr: Instr): void {
    this.#demandUsable()
    checkClaims(instr)
    const ready = this.#next?.instr === instr ? this.#next : this.#ready(instr)
    this.#next = null
    if (ready === null) return this.#runOnHost(instr)
    const { entries, bound } = ready
    const { steps, outputs, flags } = ready.plan
    const results: (Texture | null)[] = new Array(steps.length).fill(null)
    try {
      for (let i = 0; i < steps.length; i++) {
        const { kernel, textures, numbers } = steps[i]
        const args: (Texture | number)[] = new Array(textures.length + numbers.length)
        for (let k = 0; k < textures.length; k++) args[k] = this.#source(textures[k], instr, results)
        for (let k = 0; k < numbers.length; k++) args[textures.length + k] = numbers[k](instr)
        const entry = this.#kernels.find(kernel, entries[i])
        entries[i] = entry
        const out = this.#textures.take(kernel.length)
        results[i] = out ?? null
        results[i] = entry.compiled.run(args, out)
      }
      for (const { step, error } of flags) this.#checks.add(results[step] as Texture, (value) => error(instr, value))
      for (let k = 0; k < outputs.length; k++) {
        const buffer = bufferOf(instr.outputs[k])
        const step = outputs[k]
        if (step === undefined) continue
        this.#textures.set(buffer, results[step] as Texture, steps[step].kernel.length, bound)
        results[step] = null
      }
    } finally {
      for (const texture of results) this.#textures.give(texture)
    }
    this.#textures.trim()
  }

  #source(source: Source, instr: Instr, results: readonly (Texture | null)[]): Texture {
    return 'input' in source
      ? this.#textures.of(bufferOf(instr.inputs[source.input] as View))
      : (results[source.step] as Texture)
  }

  #call(kernel: Kernel, args: readonly (Texture | number)[]): Texture {
    return this.#kernels.find(kernel, undefined).compiled.run(args, this.#textures.take(kernel.length))
  }

  /** Runs a copy of elements held on the host there, because every backend must copy every dtype. */
  #runOnHost(instr: Instr): void {
    if (!isCopy(instr)) {
      throw new RuntimeError(`device 'gpujs' cannot run ${instr.origin.name} (${instr.kind})`)
    }
    this.write(instr.outputs[0], this.readSync(instr.inputs[0] as View))
  }

  readSync(view: View): TypedArray {
    this.#demandUsable()
    checkView(view, 'the view of a read')
    this.#checks.throwFailed()
    const reach = reachOf(view)
    if (reach === null) return newArray(view.dtype, 0)
    const buffer = bufferOf(view)
    const { texture } = buffer.cell
    if (isGl(texture) && isSparse(view, reach)) return this.#readCopy(view)
    return shaped(view, reach, this.#textures.read(buffer, reach.start, reach.count), isGl(texture))
  }

  /** Waits for the GPU without blocking the page, if the browser can. */
  async read(view: View): Promise<TypedArray> {
    this.#demandUsable()
    checkView(view, 'the view of a read')
    const reach = reachOf(view)
    const { texture } = bufferOf(view).cell
    if (!this.#engine.context?.gathers || reach === null || !isGl(texture) || isSparse(view, reach))
      return this.readSync(view)
    const waiting = this.#checks.take()
    const flags = waiting === null ? [] : [{ texture: waiting.flag, start: 0, count: 2 }]
    const [data, found] = await this.#textures.readLater([{ texture, ...reach }, ...flags])
    if (waiting !== null) this.#checks.conclude(waiting, found)
    return shaped(view, reach, data, true)
  }

  #readCopy(view: View): TypedArray {
    const { sizes, dtype } = view
    const buffer = this.alloc(view)
    const output = { sizes, dtype, buffer }
    this.run({ kind: 'map', attrs: copyAttrs(dtype), inputs: [view], outputs: [output], origin: { name: 'read' } })
    const elements = this.readSync({ ...output, strides: contiguousStrides(sizes), offset: 0 })
    this.free(buffer)
    return elements
  }

  free(buffer: Buffer): void {
    this.#textures.free(buffer)
  }

  async sync(): Promise<void> {
    this.#demandUsable()
    this.#checks.throwFailed()
  }

  memory(): Memory {
    const { bytes, pooledBytes, cells } = this.#textures
    return { bytes: bytes - pooledBytes, pooled: pooledBytes, ...(this.#engine.context === null ? {} : { cells }) }
  }

  report(): Report {
    const { mode, kernelClass, context } = this.#engine
    const { calls, compilations, size } = this.#kernels
    const { uploads, readbacks, spills, count, bytes } = this.#textures
    const renderer = context?.renderer ?? 'the host'
    const counts = { calls, compilations, kernels: size, uploads, readbacks, spills, textures: count, bytes }
    return { mode, ...this.#told, kernelClass, renderer, ...counts }
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#kernels.dispose()
    this.#textures.dispose()
    this.#engine.dispose()
  }
}

const isGl = (texture: Texture | null): texture is GlTexture => texture instanceof GlTexture

/** The range of a buffer's elements that contains a view. */
interface Reach {
  readonly start: number
  readonly count: number
}

/** The range from the first to the last element of a view, or null without elements. */
function reachOf({ sizes, strides, offset }: View): Reach | null {
  if (numelOf(sizes) === 0) return null
  const start = lowestOf(sizes, strides, offset)
  return { start, count: highestOf(sizes, strides, offset) - start + 1 }
}

const isSparse = ({ sizes }: View, { count }: Reach): boolean => count > largeRead && count > sparse * numelOf(sizes)

/** The elements of a view from those in its range; `own` says that nothing else refers to the array. */
function shaped(view: View, { start, count }: Reach, data: TypedArray, own: boolean): TypedArray {
  const { sizes, dtype, offset } = view
  const n = numelOf(sizes)
  if (own && dtype === 'float32' && count === n && isContiguous(view)) return data
  const out = newArray(dtype, n)
  const there = { ...view, offset: offset - start, buffer: new HostBuffer(view.buffer.backend, data, 0, count) }
  copyView(there, out, 0, contiguousStrides(sizes))
  return out
}

const isHeld = (x: Instr['inputs'][number]): boolean => !isScalar(x) && bufferOf(x).cell.held

const bufferOf = (x: { readonly buffer: unknown }): Buffer => x.buffer as Buffer

/** The largest known absolute value of an operand's elements; 0 for floats, which may have any. */
function boundOf(x: Instr['inputs'][number]): number {
  if (isScalar(x)) return isFloat(x.dtype) ? 0 : Math.abs(scalarValue(x))
  return x.dtype === 'int32' ? bufferOf(x).cell.bound : x.dtype === 'uint8' ? 255 : x.dtype === 'bool' ? 1 : 0
}

function largest(data: TypedArray): number {
  let most = 0
  for (let i = 0; i < data.length; i++) {
    const x = data[i] < 0 ? -data[i] : data[i]
    if (x > most) most = x
  }
  return most
}

function copied(dtype: DType, data: TypedArray): TypedArray {
  const copy = newArray(dtype, data.length)
  copy.set(data)
  return copy
}
