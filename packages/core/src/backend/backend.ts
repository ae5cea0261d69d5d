// The kernel interface: the only file that a backend's author has to read. A backend gets one kind of value, an
// instruction, through one method, `run`; there are twelve kinds of instruction and core reduces everything to them. A few
// compositions a backend may also have whole (`Fused`).
import type { DType, TypedArray } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import type { Expr } from '../expr/expr.ts'
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

export type Kind =
  | 'map'
  | 'argReduce'
  | 'scan'
  | 'matmul'
  | 'concat'
  | 'pad'
  | 'fold'
  | 'gather'
  | 'scatter'
  | 'assign'
  | 'sort'
  | 'iota'

export type ReduceFn = 'sum' | 'prod' | 'max' | 'min'

/**
 * One output of a `map`: the expression itself, or its reduction over axes of the iterated shape. `post` is what is made
 * of a reduced element, rounded to its dtype, of which it is the only input; it has the same dtype.
 */
export interface MapOut {
  readonly expr: Expr
  readonly reduce?: { readonly fn: ReduceFn; readonly axes: readonly number[]; readonly post?: Expr }
}

/** What each kind of instruction is told besides its operands. Backends may cache by the identity of these objects. */
export interface Prims {
  map: { readonly outs: readonly MapOut[] }
  /** Index of the extreme element, flattened over axes in that order; the first wins; NaN wins. Output int32. */
  argReduce: { readonly fn: 'max' | 'min'; readonly axes: readonly number[] }
  /** Running sum, product, maximum or minimum along an axis. */
  scan: { readonly fn: ReduceFn; readonly axis: number }
  /** [..., m, k] x [..., k, n]; transposes arrive as strides. `post` reads the product as input 0, then further operands. */
  matmul: { readonly post?: Expr }
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

/**
 * Kinds of which a backend may have kernels: those that `caps.fused` names; elsewhere core composes them of the kinds
 * above. Tensors are float32 or float64 with elements. A row is what lies along the axis; what is of rows has 1 there.
 */
export interface Fused {
  /** inputs: x. The exponentials of a row, less its largest element, divided by their sum. */
  softmax: { readonly axis: number }
  /** inputs: x. The logarithm of it. */
  logSoftmax: { readonly axis: number }
  /** inputs: dy, y. (dy - the row's sum of dy y) y */
  softmaxBackward: { readonly axis: number }
  /** inputs: dy, y. dy - exp(y) times the row's sum of dy */
  logSoftmaxBackward: { readonly axis: number }
  /**
   * inputs: x, target (int32, of rows). Outputs, of rows: logSum - (x[target] - most), or 0 where the target is `ignore`;
   * most, the row's largest element; logSum, the logarithm of the sum of exp(x - most).
   */
  crossEntropy: { readonly axis: number; readonly ignore: number }
  /**
   * inputs: x, target, most, logSum, dy (of rows, or a single element). (exp(x - most - logSum) - 1 at the target) dy, or
   * that without dy times 0 where the target is `ignore`.
   */
  crossEntropyBackward: { readonly axis: number; readonly ignore: number }
  /**
   * inputs: x. For each index along the axis, over all other axes: the mean, and the sum of squared distances from it. The
   * outputs have the axes from this one on, with 1 for the others.
   */
  moments: { readonly axis: number }
}
export type FusedKind = keyof Fused

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

/** One instruction: pure, single-assignment. One of a fused kind has the attributes that `Fused` says. */
export interface Instr<K extends Kind = Kind> {
  readonly kind: K
  readonly attrs: Prims[K]
  readonly inputs: readonly Operand[]
  readonly outputs: readonly Output[]
  /** Inputs that are dead afterwards: an output may have the very buffer of one of them. */
  readonly donate?: readonly number[]
  readonly check?: Check
  readonly origin: Origin
}

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
  /** kinds that it has kernels of besides the twelve; absent: none */
  readonly fused?: ReadonlySet<FusedKind>
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
/** What a number is now: a function is called. */
export const scalarValue = (scalar: Scalar): number =>
  typeof scalar.value === 'function' ? scalar.value() : scalar.value
