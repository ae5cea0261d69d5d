// Calls: the short form of instructions that are repeated. Except for the places of operands and the values of numbers,
// the words of an instruction depend only on its descriptor. The second time a descriptor is seen, C++ receives its
// words as a numbered program, checked and planned; from then on the instruction is written as that number and the
// places of its operands.
import {
  type Descriptor,
  descriptorOf,
  type DType,
  familyOf,
  type HostBuffer,
  type Instr,
  isView,
  type Kind,
  newArray,
  type Operand,
  Slab,
  Slot,
  withOperands,
} from '@flambeau/core/backend'
import { SlabBuffer } from './buffer.ts'
import { encode, mayFail, workOf } from './encode.ts'
import type { Runner } from './host.ts'
import { type Read, Words } from './program.ts'
import { canCheck, hasKernel } from './supports.ts'
import { anyLength } from './words.ts'

/** C++ keeps at most this many programs, and a host compiles at most so many of them. */
const most = 1024
const mostCompiled = 128
/** The elements that a program has computed before it is compiled: this takes as long as to compute them. */
const worthCompiling = 1 << 22

/**
 * Whether the words of this kind do not depend on which operands share memory, and core reuses its attributes. Looking
 * a name up in a set would take ten times as long.
 */
const isRepeated = (kind: Kind): boolean =>
  kind === 'map' ||
  kind === 'contract' ||
  kind === 'gather' ||
  kind === 'concat' ||
  kind === 'argReduce' ||
  kind === 'scan'

/** Known about the instructions of one descriptor. */
export interface Call {
  readonly descriptor: Descriptor
  readonly mayFail: boolean
  readonly work: number
  /**
   * Its number in C++, and the filling of the table that the number is from. `once` and `again` before it has a number,
   * `plain` if it gets none.
   */
  program: number
  filling: number
  /** The elements that it has yet to compute before it is compiled. */
  left: number
}
/** The words of a program, and how many rows and numbers it has. */
interface Definition {
  readonly words: Int32Array
  readonly rows: number
  readonly numbers: number
}
const once = -1
const again = -2
const plain = -3

export class Calls {
  readonly #backend: Runner
  readonly #known = new Slot<Call>()
  /** Kept per family of descriptors. */
  readonly #hasKernel = new Slot<boolean>()
  #count = 0
  #compiled = 0
  #filling = 0

  constructor(backend: Runner) {
    this.#backend = backend
  }

  /** Whether C++ can run an instruction. */
  supports(instr: Instr): boolean {
    return this.#supports(instr) && (instr.check === undefined || canCheck(instr.check.expr))
  }

  #supports(instr: Instr): boolean {
    if (!isRepeated(instr.kind)) return hasKernel(instr, this.#backend.host)
    const family = familyOf(instr)
    return this.#hasKernel.of(family) ?? this.#hasKernel.keep(family, hasKernel(instr, this.#backend.host))
  }

  /** Undefined for kinds that never become calls. */
  of(instr: Instr): Call | undefined {
    if (!isRepeated(instr.kind)) return undefined
    const descriptor = descriptorOf(instr)
    return this.#known.of(descriptor) ?? this.#known.keep(descriptor, callOf(instr, descriptor))
  }

  /** Whether C++ has the words of a call. It gets them the second time. */
  has(call: Call, instr: Instr): boolean {
    if (call.program >= 0 && call.filling === this.#filling) return true
    if (call.program === once) call.program = again
    else if (call.program !== plain) this.#define(call, instr)
    return call.program >= 0
  }

  /** Counts what a call has computed, and compiles its program if that is much. Nothing waits to run. */
  ran(call: Call, instr: Instr): void {
    const { host } = this.#backend
    call.left -= call.work
    if (call.left > 0 || host.compile === undefined || call.program < 0 || call.filling !== this.#filling) return
    call.left = Number.POSITIVE_INFINITY
    if (this.#compiled === mostCompiled) return this.#refill()
    const { words, rows, numbers } = this.#wordsOf(call, instr) as Definition
    if (host.compile(call.program, words, rows, numbers)) this.#compiled++
  }

  /** Begins to number programs anew, because there are as many as the host keeps. */
  #refill(): void {
    this.#backend.submit()
    this.#count = 0
    this.#compiled = 0
    this.#filling++
  }

  /** Sends the words to C++. */
  #define(call: Call, instr: Instr): void {
    call.program = plain
    const made = this.#wordsOf(call, instr)
    if (made === undefined) return
    if (this.#count === most) this.#refill()
    this.#backend.host.define(this.#count, made.words, made.words.length, made.rows, made.numbers)
    call.filling = this.#filling
    call.left = worthCompiling
    call.program = this.#count++
  }

  /** The words with placeholders for the operands of calls; undefined if they cannot become a call. */
  #wordsOf(call: Call, instr: Instr): Definition | undefined {
    const { inputs: views, outputs: specs } = call.descriptor
    const words = new Words(this.#backend)
    const standIn = (dtype: DType): HostBuffer => {
      const slab = new Slab(newArray(dtype, 0))
      words.row(slab)
      return new SlabBuffer(this.#backend, slab, 0, anyLength)
    }
    let numbers = 0
    const inputs = views.map((view, i): Operand => {
      if (view !== null) return { ...view, offset: 0, buffer: standIn(view.dtype) }
      const read: Read = { value: Number.NaN, dtype: instr.inputs[i].dtype, reading: numbers++ }
      return read
    })
    const outputs = specs.map((spec) => ({ ...spec, buffer: standIn(spec.dtype) }))
    const rows = words.slabs.length
    // A call cannot reach elements before the first one of an operand.
    if (inputs.some((x) => isView(x) && x.strides.some((step) => step < 0))) return undefined
    encode(words, withOperands(instr, inputs, outputs), 0)
    // Memory for intermediate results belongs to a single instruction.
    if (words.slabs.length > rows) return undefined
    return { words: words.words.subarray(0, words.at), rows, numbers }
  }
}

const isBordered = ({ kind, attrs }: Instr): boolean => kind === 'contract' && attrs.bordered !== undefined

const callOf = (instr: Instr, descriptor: Descriptor): Call => ({
  descriptor,
  mayFail: mayFail(instr),
  work: workOf(instr),
  // The place of a factor with zeros around it is part of its words.
  program: isBordered(instr) ? plain : once,
  filling: 0,
  left: worthCompiling,
})
