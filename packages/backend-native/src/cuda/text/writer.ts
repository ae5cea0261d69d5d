// The verbs in which kernels are written. A dialect (ptx.ts) turns each into text and numbers the parameters; the plans
// of maps and reductions know nothing of it.
import type { Computed, DType } from '@flambeau/core/backend'
import type { Kernel, Param } from '../plan.ts'
import type { Value } from '../value.ts'

/** Arithmetic of indices. */
export type IndexOp = 'add' | 'sub' | 'mul' | 'min' | 'mulHigh' | 'shiftRight'
export type Position = 'thread' | 'block' | 'blocks'

export interface KernelWriter {
  /** Declares the next parameter: an address is i64, a number has the type of its dtype. */
  param(param: Param): Value
  /** A double, already rounded to the dtype, in the type of its elements. */
  number(x: Value, dtype: DType): Value
  position(position: Position): Value
  int(value: number): Value
  index(op: IndexOp, a: Value, b: Value): Value
  /** `a * b + c` of ints. */
  indexMad(a: Value, b: Value, c: Value): Value
  compare(relation: 'lt' | 'ge' | 'eq' | 'ne', a: Value, b: Value): Value
  both(a: Value, b: Value): Value
  constant(value: number, dtype: DType): Value
  load(dtype: DType, address: Value, index: Value): Value
  store(dtype: DType, address: Value, index: Value, value: Value): void
  /** Elements 4 * i to 4 * i + 3 behind an address that `isWhole` has found aligned. */
  loadFour(dtype: DType, address: Value, i: Value): readonly Value[]
  storeFour(dtype: DType, address: Value, i: Value, values: readonly Value[]): void
  /** Whether the addresses of elements of these dtypes are aligned to four of them, or to 16 bytes. */
  isWhole(operands: readonly { readonly address: Value; readonly dtype: DType }[]): Value
  /** Memory of the block for so many elements; its address. */
  shared(dtype: DType, elements: number): Value
  loadShared(dtype: DType, address: Value, index: Value): Value
  storeShared(dtype: DType, address: Value, index: Value, value: Value): void
  /** All threads of the block have come here, and see what the others have written. */
  barrier(): void
  /** The value of the lane of the warp whose number differs in this one bit; all lanes come here. */
  fromLane(value: Value, bit: number): Value
  /** A place whose value changes. */
  variable(initial: Value): Value
  set(variable: Value, value: Value): void
  /** Returns the index that ended it. */
  loop(from: Value, below: Value, step: Value, body: (i: Value) => void): Value
  returnIf(condition: Value): void
  when(condition: Value, body: () => void): void
  /** A step of an expression; `of` is the dtype of its operands, `dtype` that of its result. */
  step(step: Computed, dtype: DType, of: DType, args: readonly Value[]): Value
  /** Whether an instruction has failed; another thread may note a failure meanwhile. */
  hasFailed(flag: Value): Value
  /** Notes the failure of this instruction, unless another one failed before. */
  fail(flag: Value, tag: Value, value: Value): void
  /** The kernel, and the parameters in their order. */
  kernel(name: string): { readonly kernel: Kernel; readonly params: readonly Param[] }
}

export type MakeWriter = () => KernelWriter

/** The threads of a block, in every kernel. */
export const threads = 256

/** A kernel returns at once if an instruction before it has failed. */
export function begin(w: KernelWriter): Value {
  const flag = w.param({ is: 'flag' })
  w.returnIf(w.hasFailed(flag))
  return flag
}
