// Launches that wait: their words, which the addon runs together when there are many, or before something is read or
// written. Until then the memory that they name stays alive.
import {
  type DType,
  dtypeSize,
  type Instr,
  type Operand,
  roundTo,
  type Scalar,
  scalarValue,
  type View,
} from '@flambeau/core/backend'
import type { CudaAddon, Handle } from './addon.ts'
import { callError, isFatal } from './errors.ts'
import type { Block, CudaBuffer } from './memory.ts'
import { isLaunch, type Kernel, type Launch, type Param, type Product } from './plan.ts'

const headWords = 8
const productParameters = 8
/** Launches that run together. */
const most = 32

/** The instruction of launches that belong to none: their parameters are addresses and numbers. */
export const alone: Instr = { kind: 'iota', attrs: { axis: 0 }, inputs: [], outputs: [], origin: { name: 'a program' } }

/** Memory that a plan shares among its launches. */
type Place = { readonly block: Block; readonly address: number }
/** Where in memory a number is, for kernels that read it there as a dtype. */
type NumberAt = (x: Operand, dtype: DType) => number

export class Launches {
  readonly #addon: CudaAddon
  readonly #device: Handle
  readonly #flag: number
  readonly #modules = new Map<string, number>()
  readonly #functions = new Map<Kernel, number>()
  readonly #named = new Map<string, number>()
  #words = new Int32Array(1 << 14)
  #doubles = new Float64Array(this.#words.buffer)
  #at = 0
  #count = 0
  #names: string[] = []
  /** The blocks of waiting launches. */
  #blocks: Block[] = []
  /** Every launch is waited for, so that an error names its op. */
  readonly #blocking: boolean
  #lost: Error | null = null
  #recording = false

  constructor(addon: CudaAddon, device: Handle, flag: number, blocking: boolean) {
    this.#addon = addon
    this.#device = device
    this.#flag = flag
    this.#blocking = blocking
  }

  /** Adds a product by the BLAS. */
  #product(product: Product, { inputs, outputs, origin }: Instr): void {
    const { a, b } = product
    const length = headWords + 2 * productParameters
    if (this.#at + length > this.#words.length) this.submit()
    const words = this.#words
    const head = [-1, product.width, product.m, product.n, product.k, product.count, productParameters]
    words.set(head, this.#at)
    words[this.#at + 7] = this.#names.push(origin.name) - 1
    let at = this.#at + headWords
    const memory = [
      addressOf(inputs[0] as View),
      addressOf(inputs[1] as View),
      (outputs[0].buffer as CudaBuffer).address,
    ]
    for (const address of memory) {
      put(words, at, address)
      at += 2
    }
    for (const { line, turned } of [a, b]) {
      words[at++] = line
      words[at++] = turned ? 1 : 0
    }
    for (const step of [a.step, b.step, product.step]) {
      put(words, at, step)
      at += 2
    }
    this.#at = at
    if (++this.#count === most || this.#blocking) this.submit()
  }

  /**
   * Adds launches of an instruction, and products by the BLAS. `tag` is the instruction's number in the error record.
   */
  add(
    works: readonly (Launch | Product)[],
    instr: Instr,
    tag: number,
    scratch: readonly Place[],
    numberAt?: NumberAt,
  ): void {
    for (const x of instr.inputs)
      if ((x as Partial<View>).buffer) this.#blocks.push(((x as View).buffer as CudaBuffer).block)
    for (const { buffer } of instr.outputs) this.#blocks.push((buffer as CudaBuffer).block)
    for (const { block } of scratch) this.#blocks.push(block)
    for (const work of works) {
      if (isLaunch(work)) this.#launch(work, instr, tag, scratch, numberAt)
      else this.#product(work, instr)
    }
  }

  #launch(launch: Launch, instr: Instr, tag: number, scratch: readonly Place[], numberAt?: NumberAt): void {
    const { kernel, grid, block, shared, params } = launch
    if (isLeftOut(launch, instr)) return
    const length = headWords + 2 * params.length
    if (this.#at + length > this.#words.length) this.submit()
    const words = this.#words
    const doubles = this.#doubles
    const at = this.#at
    words[at] = this.#functionOf(kernel, instr.origin.name)
    words[at + 1] = grid[0]
    words[at + 2] = grid[1]
    words[at + 3] = grid[2]
    words[at + 4] = block
    words[at + 5] = shared
    words[at + 6] = params.length
    words[at + 7] = this.#names.push(instr.origin.name) - 1
    this.#at = this.#params(words, doubles, at + headWords, params, instr, tag, scratch, numberAt)
    if (++this.#count === most || this.#blocking) this.submit()
  }

  /** Puts the parameters of a launch in words; returns where they end. */
  #params(
    words: Int32Array,
    doubles: Float64Array,
    start: number,
    params: readonly Param[],
    instr: Instr,
    tag: number,
    scratch: readonly Place[],
    numberAt?: NumberAt,
  ): number {
    let at = start
    for (const param of params) {
      switch (param.is) {
        case 'input':
          put(words, at, addressOf(instr.inputs[param.input] as View))
          break
        case 'output':
          put(words, at, outputOf(instr, param.output))
          break
        case 'scratch':
          put(words, at, scratch[param.scratch].address)
          break
        case 'number':
          if (numberAt !== undefined) put(words, at, numberAt(instr.inputs[param.input], param.dtype))
          else doubles[at / 2] = roundTo(scalarValue(instr.inputs[param.input] as Scalar), param.dtype)
          break
        case 'int':
          words[at] = param.value
          break
        case 'long':
          put(words, at, param.value)
          break
        case 'attribute':
          if (param.type === 'double') doubles[at / 2] = param.of(instr)
          else words[at] = param.of(instr)
          break
        case 'flag':
          put(words, at, this.#flag)
          break
        case 'tag':
          words[at] = tag
      }
      at += 2
    }
    return at
  }

  /** The words of a launch's parameters, for a kernel that reads them from memory. */
  wordsOf(launch: Launch, instr: Instr, tag: number, scratch: readonly Place[], numberAt: NumberAt): Int32Array {
    const words = new Int32Array(2 * launch.params.length)
    this.#params(words, new Float64Array(words.buffer), 0, launch.params, instr, tag, scratch, numberAt)
    return words
  }

  /** Loads the kernels of launches, which cannot be done while they are recorded. */
  prepare(launches: readonly Launch[], op: string): void {
    for (const { kernel } of launches) this.#functionOf(kernel, op)
  }

  /** Records what `add` adds instead of running it; returns the number of the graph. */
  record(add: () => void): number {
    this.submit()
    this.check(this.#addon.beginGraph(this.#device), 'recording a program')
    this.#recording = true
    try {
      add()
      this.submit()
    } catch (error) {
      this.#addon.endGraph(this.#device)
      throw error
    } finally {
      this.#recording = false
    }
    const graph = this.#addon.endGraph(this.#device)
    if (graph < 0) this.check(-graph, 'recording a program')
    return graph
  }

  #functionOf(kernel: Kernel, op: string): number {
    let number = this.#functions.get(kernel)
    if (number === undefined) {
      const key = `${kernel.name}\n${kernel.text}`
      number = this.#named.get(key) ?? this.#load(kernel, op)
      this.#named.set(key, number)
      this.#functions.set(kernel, number)
    }
    return number
  }

  #load({ text, name }: Kernel, op: string): number {
    let module = this.#modules.get(text)
    if (module === undefined) {
      const made = this.#addon.load(this.#device, text)
      if (typeof made !== 'number')
        throw callError(this.#addon, made.code, made.text === '' ? op : `${op}: ${made.text}`)
      module = made
      this.#modules.set(text, module)
    }
    const number = this.#addon.function(this.#device, module, name)
    if (number < 0) throw callError(this.#addon, -number, op)
    return number
  }

  /** Runs what waits. */
  submit(): void {
    if (this.#lost !== null) throw this.#lost
    if (this.#count === 0) return
    const count = this.#at
    const names = this.#names
    this.#at = 0
    this.#count = 0
    this.#names = []
    this.#blocks = []
    let code = this.#addon.submit(this.#device, this.#words, count)
    let failed = names[this.#words[0]]
    if (code === 0 && this.#blocking && !this.#recording) {
      code = this.#addon.synchronize(this.#device)
      failed = names[0]
    }
    this.check(code, failed ?? 'a launch')
  }

  /** Throws the error of a call, if it had one. */
  check(code: number, what: string): void {
    if (this.#lost !== null) throw this.#lost
    if (code === 0) return
    const error = callError(this.#addon, code, what)
    if (isFatal(code)) this.#lost = error
    throw error
  }
}

/** A launch that would copy memory to itself. */
export const isLeftOut = ({ unlessSame }: Launch, instr: Instr): boolean =>
  unlessSame !== undefined && addressOf(instr.inputs[unlessSame] as View) === outputOf(instr, 0)

const addressOf = ({ buffer, offset, dtype }: View): number =>
  (buffer as CudaBuffer).address + offset * dtypeSize[dtype]
const outputOf = (instr: Instr, output: number): number => (instr.outputs[output].buffer as CudaBuffer).address

/** Puts an address, or another whole number, in two words. */
export function put(words: Int32Array, at: number, value: number): void {
  words[at] = value
  words[at + 1] = Math.floor(value / 2 ** 32)
}
