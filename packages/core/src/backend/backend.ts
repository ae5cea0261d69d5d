// The kernel interface: the only file that a backend's author has to read. A backend gets one kind of value, an
// instruction, through one method, `run`; there are twelve kinds of instruction and core reduces everything to them. A few
// compositions a backend may also have whole (composites.ts).
import type { DType, TypedArray } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import type { Expr } from '../expr/expr.ts'
import type { CompositeAttrs, CompositeKind, InputsOf, OutputsOf } from './composites.ts'
import type { Executable, Plan, Program } from './program.ts'

export interface Spec {
  readonly sizes: Shape
  readonly dtype: DType
}

/** A handle that the backend makes and core only holds: who holds the handle holds the memory. */
export interface DeviceBuffer {
  readonly backend: Backend
  /** Elements that it was allocated for. */
  readonly length: number
}

export type Operand = View | Scalar

/** Elements of a buffer. In a `map` every view has the shape that is iterated over, broadcast by strides of 0. */
export interface View extends Layout {
  readonly buffer: DeviceBuffer
  readonly dtype: DType
}

/** A number; it is rounded to the dtype that the expression gives its input. A function is a pure read, made anew at every run and every replay: a learning rate, a bias correction. */
export interface Scalar {
  readonly value: number | (() => number)
  readonly dtype: DType
}

/** Always contiguous, from element 0 of its buffer. Reduced axes may stay in its shape as 1. */
export interface Output extends Spec {
  readonly buffer: DeviceBuffer
}

export type ReduceFn = 'sum' | 'prod' | 'max' | 'min'

/**
 * One output of a `map`: the expression itself, or its reduction over axes of the iterated shape. `post` is what is made
 * of a reduced element, rounded to its dtype, of which it is the only input; it has the same dtype.
 */
export interface MapOut {
  readonly expr: Expr
  readonly reduce?: { readonly fn: ReduceFn; readonly axes: readonly number[]; readonly post?: Expr }
}

/** What each of the twelve kinds is told besides its operands. Backends may cache by the identity of these objects. */
export interface Prims {
  map: { readonly outs: readonly MapOut[] }
  /** Index of the extreme element, flattened over axes in that order; the first wins; NaN wins. Output int32. */
  argReduce: { readonly fn: 'max' | 'min'; readonly axes: readonly number[] }
  /** Running sum, product, maximum or minimum along an axis. */
  scan: { readonly fn: ReduceFn; readonly axis: number }
  /**
   * Sums of products over axes that both factors have: a is [batch..., rows..., sum...], b [batch..., sum..., columns...], the
   * result [batch..., rows..., columns...]. `batch` and `sum` count the axes of those classes; rows and columns have the
   * others, each any number of axes, none included. Transposes, windows, diagonals and repeats arrive as strides (0 and
   * negative ones too). An element adds up its products in row-major order of the sum axes. `post` reads the result as
   * input 0, then further operands, which have the result's shape. Most are products of matrices: contraction.ts has the
   * loops, and core hands one that `supports` refuses over as such a product, of copies where it has to.
   */
  contract: { readonly batch: number; readonly sum: number; readonly post?: Expr }
  concat: { readonly axis: number }
  pad: { readonly low: readonly number[]; readonly high: readonly number[]; readonly value: number }
  /** Adds up: position on each output axis = offset + sum of step * index of input axis `in`. The adjoint of every view. */
  fold: {
    readonly out: Shape
    readonly offset: readonly number[]
    readonly axes: readonly (readonly { readonly in: number; readonly step: number }[])[]
  }
  /**
   * inputs: source, index. out[.., i, ..] = source[.., index[.., i, ..], ..]; the index has the shape of the output. An
   * index out of bounds is a RuntimeError before anything is written, here and in scatter.
   */
  gather: { readonly axis: number }
  /** inputs: base, index, source (index and source of one shape). */
  scatter: { readonly axis: number; readonly fn: 'set' | 'add' | 'prod' | 'max' | 'min' }
  /** inputs: base, source: base with the elements of `region` (a layout in base) replaced. A source of another dtype is cast. */
  assign: { readonly region: Layout }
  /** Two outputs: values and int32 indices; stable; NaN is the largest. */
  sort: { readonly axis: number; readonly descending: boolean }
  /** No inputs: the index along an axis. */
  iota: { readonly axis: number }
}
/** The kinds that every backend has. */
export type PrimKind = keyof Prims

/** What an instruction of each kind is told: one of the twelve, or a composition that `caps.fused` names (composites.ts). */
export interface Attributes extends Prims, CompositeAttrs {}
export type Kind = keyof Attributes

/** Any element for which the expression over the instruction's inputs is true is this error. */
export interface Check {
  readonly expr: Expr
  readonly error: () => Error
}

/** Which operation an instruction is part of. */
export interface Origin {
  readonly name: string
  /** The calling line, only while recording, profiling or in anomaly mode: a stack trace costs microseconds. */
  readonly line?: string
}

/** What the twelve read; of a contraction more than the factors is read by its `post`. */
interface PrimInputs {
  map: readonly Operand[]
  argReduce: readonly [View]
  scan: readonly [View]
  contract: readonly [a: View, b: View, ...Operand[]]
  concat: readonly View[]
  pad: readonly [View]
  fold: readonly [View]
  gather: readonly [source: View, index: View]
  scatter: readonly [base: View, index: View, source: View]
  assign: readonly [base: View, source: View]
  sort: readonly [View]
  iota: readonly []
}

interface InstrOf<K extends Kind> {
  readonly kind: K
  readonly attrs: Attributes[K]
  readonly inputs: K extends CompositeKind ? InputsOf<K, View> : K extends PrimKind ? PrimInputs[K] : never
  readonly outputs: K extends CompositeKind ? OutputsOf<K, Output> : readonly Output[]
  /** Inputs that are dead afterwards: an output may have the very buffer of one of them. */
  readonly donate?: readonly number[]
  readonly check?: Check
  readonly origin: Origin
}
/** One instruction: pure, single-assignment. Its kind says what its attributes and operands are. */
export type Instr<K extends Kind = Kind> = { [P in K]: InstrOf<P> }[K]

export interface Capabilities {
  readonly dtypes: ReadonlySet<DType>
  /** false: core makes inputs contiguous first */
  readonly strided: boolean
  /** false: readSync throws, with the async call to use instead */
  readonly syncRead: boolean
  /** false: core splits a map to one output, plain or reduced */
  readonly multiOutput: boolean
  /** false: core makes no `post` of a reduction, what is made of reduced values stays a map */
  readonly reducedPost: boolean
  /** buffers that one kernel may read; bounds fusion */
  readonly maxArgs: number
  readonly maxElements: number
  /** compositions that it has kernels of; absent: none */
  readonly fused?: ReadonlySet<CompositeKind>
  /** NaN and infinities behave as IEEE 754 */
  readonly strictFloat: boolean
  /**
   * An instruction fails in its check or at its indices only, before it writes. Absent or false: any may fail, so core
   * keeps what a step changes until it has come to its end.
   */
  readonly certain?: boolean
}

export interface Memory {
  readonly bytes: number
  readonly pooled: number
  /** Where the backend keeps a list of its own. */
  readonly cells?: number
}

export interface Backend {
  readonly name: string
  /** Which of several backends of one name it is: 'cpu'. Its device is known as 'gpujs:cpu', too. */
  readonly variant?: string
  readonly caps: Capabilities
  supports(instr: Instr): boolean
  alloc(spec: Spec): DeviceBuffer
  write(out: Output, data: TypedArray): void
  /** Order is kept; work may be queued; never returns a value. */
  run(instr: Instr): void
  /** Elements in row-major order, a copy. Errors and failed checks of queued work surface here, naming the op. */
  read(view: View): Promise<TypedArray>
  readSync(view: View): TypedArray
  /** Early: the handle is dead from here on. */
  free(buffer: DeviceBuffer): void
  sync(): Promise<void>
  /** Makes a planned program ready to run; absent: core replays it through `run`. */
  compile?(program: Program, plan: Plan): Executable
  memory(): Memory
  dispose(): void
}

/** Whether an operand is a number, not elements of a buffer. Strides say so without a look at the buffer, which is a getter of tensors. */
export const isScalar = (operand: Operand): operand is Scalar => (operand as View).strides === undefined
/** An instruction with other operands and results, as many as it has. */
export const withOperands = (
  instr: Pick<Instr, 'kind' | 'attrs' | 'check' | 'origin' | 'donate'>,
  inputs: readonly Operand[],
  outputs: readonly Output[],
): Instr => ({ ...instr, inputs, outputs }) as Instr
/** What a number is now: a function is called. */
export const scalarValue = (scalar: Scalar): number =>
  typeof scalar.value === 'function' ? scalar.value() : scalar.value
