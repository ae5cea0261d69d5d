// The kernel interface: the only file that the author of a backend has to read. A backend receives instructions through
// one method, `run`. There are twelve kinds, and core reduces everything to them. A backend may also take a few
// compositions whole (composites.ts).
import type { DType, TypedArray } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import type { Expr } from '../expr/expr.ts'
import type { CompositeAttrs, CompositeKind, InputsOf, OutputsOf } from './composites.ts'
import type { Gpu } from './gpu.ts'
import type { BoxMuller, HostAttrs } from './host-instruction.ts'
import type { Executable, Plan, Program } from './program.ts'

export interface Spec {
  readonly sizes: Shape
  readonly dtype: DType
}

/** A handle that the backend makes and core only keeps. Whoever has the handle keeps the memory alive. */
export interface DeviceBuffer {
  readonly backend: Backend
  /** The number of elements it was allocated for. */
  readonly length: number
  /** How often core has written to it in place; core counts if a backend begins with 0. */
  writes?: number
}

export type Operand = View | Scalar

/** Elements of a buffer. In a `map` every view has the shape that is iterated over, broadcast by strides of 0. */
export interface View extends Layout {
  readonly buffer: DeviceBuffer
  readonly dtype: DType
}

/**
 * A number, rounded to the dtype that the expression gives its input. A function is a pure read, repeated in every run
 * and every replay: a learning rate, a bias correction.
 */
export interface Scalar {
  readonly value: number | (() => number)
  readonly dtype: DType
}

/** Always contiguous, from element 0 of its buffer. Its shape may contain reduced axes as 1. */
export interface Output extends Spec {
  readonly buffer: DeviceBuffer
}

export type ReduceFn = 'sum' | 'prod' | 'max' | 'min'

/**
 * One output of a `map`: the expression itself, or its reduction over axes of the iterated shape. `post` is an
 * expression over the reduced element, rounded to its dtype, as its only input; it has the same dtype.
 */
export interface MapOut {
  readonly expr: Expr
  readonly reduce?: { readonly fn: ReduceFn; readonly axes: readonly number[]; readonly post?: Expr }
}

/**
 * A view of a tensor with zeros around it that are not in memory: `low` and `high` of them before and after each
 * dimension. The layout counts them as if they were.
 */
export interface Bordered extends Layout {
  readonly low: Shape
  readonly high: Shape
}

/** Places along an axis, from one to before another. */
export type Run = readonly [from: number, to: number]

/** The attributes of each of the twelve kinds. Backends may cache by the identity of these objects. */
export interface Prims {
  map: { readonly outs: readonly MapOut[] }
  /**
   * The index of the extreme element, flattened over `axes` in that order. The first of equal elements wins; NaN wins
   * over numbers. Output int32.
   */
  argReduce: { readonly fn: 'max' | 'min'; readonly axes: readonly number[] }
  /** The running sum, product, maximum or minimum along an axis. */
  scan: { readonly fn: ReduceFn; readonly axis: number }
  /**
   * Sums of products over axes that both factors have: a is [batch..., rows..., sum...], b is [batch..., sum...,
   * columns...], and the result is [batch..., rows..., columns...]. `batch` and `sum` are the numbers of axes of those
   * classes; the others are rows and columns. A class may have any number of axes, also none. Transposes, windows,
   * diagonals and repeats arrive as strides (also 0 and negative ones). An element adds up its products in row-major
   * order of the sum axes. `post` reads the result as input 0, then further operands, which have the shape of the
   * result. Most contractions are matrix products: contraction.ts gives their loops, and if `supports` refuses a
   * contraction, core passes it as a matrix product, of copies if necessary. With `bordered`, which only compiled
   * programs of backends with `caps.borders` have, b is a whole tensor, and the view of it with zeros around is the factor.
   */
  contract: { readonly batch: number; readonly sum: number; readonly post?: Expr; readonly bordered?: Bordered }
  concat: { readonly axis: number }
  pad: { readonly low: readonly number[]; readonly high: readonly number[]; readonly value: number }
  /**
   * Adds up: the position on each output axis is offset + the sum of step * index of input axis `in`. The adjoint of
   * every view.
   */
  fold: {
    readonly out: Shape
    readonly offset: readonly number[]
    readonly axes: readonly (readonly { readonly in: number; readonly step: number }[])[]
  }
  /**
   * inputs: source, index. out[.., i, ..] = source[.., index[.., i, ..], ..]; the index has the shape of the output.
   * Here and in scatter, an index out of bounds is a RuntimeError before anything is written.
   */
  gather: { readonly axis: number }
  /** inputs: base, index, source (index and source have one shape). */
  scatter: { readonly axis: number; readonly fn: 'set' | 'add' | 'prod' | 'max' | 'min' }
  /**
   * inputs: base, source. The base with the elements of `region` (a layout in base) replaced. A source of another dtype
   * is cast.
   */
  assign: { readonly region: Layout }
  /**
   * Two outputs: values and int32 indices. Stable; NaN counts as the largest. If only some along the axis will be read,
   * `places` has runs of them, and a backend may leave the others as they are.
   */
  sort: { readonly axis: number; readonly descending: boolean; readonly places?: readonly Run[] }
  /** No inputs: the index along an axis. */
  iota: { readonly axis: number }
}
/** The kinds that every backend has. */
export type PrimKind = keyof Prims

/** The attributes of each kind: one of the twelve, a composition in `caps.fused` (composites.ts), or `host`. */
export interface Attributes extends Prims, CompositeAttrs, HostAttrs {}
export type Kind = keyof Attributes

/** The error to throw if the expression over the instruction's inputs is true for any element. */
export interface Check {
  readonly expr: Expr
  readonly error: () => Error
}

/** The operation that an instruction is part of. */
export interface Origin {
  readonly name: string
  /** The calling line, only while recording, profiling or in anomaly mode, because a stack trace takes microseconds. */
  readonly line?: string
}

/** The inputs of the twelve kinds. A contraction reads more than its factors only in its `post`. */
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
  readonly inputs: K extends CompositeKind
    ? InputsOf<K, View>
    : K extends PrimKind
      ? PrimInputs[K]
      : K extends 'host'
        ? readonly View[]
        : never
  readonly outputs: K extends CompositeKind ? OutputsOf<K, Output> : readonly Output[]
  /** Inputs that are not needed afterwards: an output may have the same buffer as one of them. */
  readonly donate?: readonly number[]
  /** Nothing has been written to the outputs since `alloc` gave their memory. */
  readonly fresh?: boolean
  readonly check?: Check
  readonly origin: Origin
}
/** One instruction: pure, single-assignment. Its kind determines its attributes and operands. */
export type Instr<K extends Kind = Kind> = { [P in K]: InstrOf<P> }[K]

export interface Capabilities {
  /** The dtypes that instructions may have; others are stored, but their instructions run elsewhere. */
  readonly dtypes: ReadonlySet<DType>
  /** The dtypes of the device's own kernels, where `dtypes` has more: a recording takes what will run elsewhere. */
  readonly ownDtypes?: ReadonlySet<DType>
  /** false: core makes inputs contiguous first. */
  readonly strided: boolean
  /** false: readSync throws, and names the async call to use instead. */
  readonly syncRead: boolean
  /** false: core splits a map into maps of one output, plain or reduced. */
  readonly multiOutput: boolean
  /** false: core gives reductions no `post`; expressions over reduced values stay maps. */
  readonly reducedPost: boolean
  /** Contractions may read a factor with zeros around it (`bordered`), if `supports` takes them. */
  readonly borders?: boolean
  /** The number of buffers that a kernel may read; limits fusion. */
  readonly maxArgs: number
  /** The largest output of an instruction; instructions with more elements run elsewhere. */
  readonly maxElements: number
  /** The compositions that it has kernels for; absent: none. */
  readonly fused?: ReadonlySet<CompositeKind>
  /** NaN and infinities behave as in IEEE 754. */
  readonly strictFloat: boolean
  /**
   * An instruction can fail only in its check or at its indices, before it writes. If absent or false, any instruction
   * may fail, so core keeps what a step changes until the step is complete.
   */
  readonly certain?: boolean
}

export interface Memory {
  readonly bytes: number
  readonly pooled: number
  /** The number of buffers with device memory, if the backend keeps a list of them. */
  readonly cells?: number
}

export interface Backend {
  readonly name: string
  /** Distinguishes backends of one name: 'cpu'. Its device then also has the name 'gpujs:cpu'. */
  readonly variant?: string
  /** If it is a GPU. */
  readonly gpu?: Gpu<Backend>
  readonly caps: Capabilities
  supports(instr: Instr): boolean
  alloc(spec: Spec): DeviceBuffer
  write(out: Output, data: TypedArray): void
  /**
   * `write` without a copy: lets a function fill an output's memory in row-major order, if that is the host's, with every
   * element. It may have a `make` with the bits of core's. If absent, core writes an array that it has filled.
   */
  fill?(out: Output, elements: (memory: TypedArray, make?: BoxMuller) => void): void
  /** `write` from another backend's memory, past the host; returns whether it did. If absent, core reads and writes. */
  receive?(out: Output, from: View): boolean
  /** Keeps the order; may queue work; never returns a value. */
  run(instr: Instr): void
  /**
   * The elements in row-major order, as a copy. Errors and failed checks of queued work appear here, with the name of
   * the op. With `inPlace` they may be the memory itself, which is read before anything else runs.
   */
  read(view: View): Promise<TypedArray>
  readSync(view: View, inPlace?: boolean): TypedArray
  /** Frees memory early: the handle must not be used afterwards. */
  free(buffer: DeviceBuffer): void
  sync(): Promise<void>
  /** Prepares a planned program to run; if absent, core replays the program through `run`. */
  compile?(program: Program, plan: Plan): Executable
  memory(): Memory
  /**
   * Collects what is garbage, if there is much: before a program runs for the first time, because its runs allocate
   * nothing, so what came before would stay for as long as it runs.
   */
  tidy?(): void
  dispose(): void
}

/**
 * Whether an operand is a number instead of elements of a buffer. Tests the strides, because on tensors the buffer is a
 * getter.
 */
export const isScalar = (operand: Operand): operand is Scalar => (operand as View).strides === undefined
/** An instruction with other operands and results, in the same number. */
export const withOperands = (
  instr: Pick<Instr, 'kind' | 'attrs' | 'check' | 'origin' | 'donate'>,
  inputs: readonly Operand[],
  outputs: readonly Output[],
): Instr => ({ ...instr, inputs, outputs }) as Instr
/** The current value of a number; calls a function. */
export const scalarValue = (scalar: Scalar): number =>
  typeof scalar.value === 'function' ? scalar.value() : scalar.value
