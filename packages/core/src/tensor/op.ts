// The op record: everything about an operation is in one value of this type. `infer` checks, `to` says how it runs,
// `vjp` is its gradient, written in ops so that it is differentiable and recordable itself.
import type { Attributes, Check, Kind, Spec } from '../backend/backend.ts'
import type { CompositeKind } from '../backend/composites.ts'
import type { DType } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import { scalarShape, type Shape } from '../base/shape.ts'
import type { Tensor } from './tensor.ts'

/** A JavaScript number beside tensors: it takes their dtype unless its category (bool, integer, float) is higher. */
export class Num implements Spec {
  readonly value: number | (() => number)
  readonly dtype: DType
  readonly sizes: Shape = scalarShape
  readonly wrapped = true

  constructor(value: number | (() => number), dtype: DType) {
    this.value = value
    this.dtype = dtype
  }
}

export type Input = Tensor | Num

/** What a gradient rule gets. */
export interface Vjp<A> {
  readonly attrs: A
  /** What `infer` said of the outputs. */
  readonly specs: readonly Spec[]
  /** The gradient of the first output. */
  readonly dy: Tensor
  /** The gradients of all outputs, null where none arrived. */
  readonly dys: readonly (Tensor | null)[]
  /** A bit for every input that needs a gradient. */
  readonly needed: number
  needs(position: number): boolean
  inputSpec(position: number): Spec
  input(position: number): Tensor
  operand(position: number): Input
  output(position?: number): Tensor
  /** Whether a saved output is still what it was; always, unless the op says that it is to spare. */
  keeps(position: number): boolean
}

export type Gradients = readonly (Tensor | null | undefined)[]

/** `length` slices along a dimension, from `start`, every `step`. */
export interface Cut {
  readonly dim: number
  readonly start: number
  readonly length: number
  readonly step: number
}

export interface Saves {
  readonly inputs?: readonly number[]
  readonly outputs?: readonly number[]
}

export type Lowering<A> =
  | {
      readonly kind: 'kernel'
      readonly prim: Kind
      /** What the backend is told; the same object for the same case, so that kernels are found by identity. */
      lower(attrs: A, inputs: readonly Input[], outs: readonly Spec[]): Attributes[Kind]
      check?(attrs: A, inputs: readonly Input[]): Check | undefined
    }
  | {
      readonly kind: 'view'
      /** null: not a view of this layout; the input is copied first. */
      view(layout: Layout, attrs: A): Layout | null
      /** The result counts as a tensor of its own: nobody else has its input. */
      readonly own?: true
    }
  /** With a rule of its own, its results are tensors of their own, whatever made them: it never gives an input back. */
  | {
      readonly kind: 'compose'
      /** Applied instead to inputs with elements where the backend has the kernel; without a rule, where nothing wants a gradient. */
      readonly whole?: { readonly kernel: CompositeKind; readonly op: OpDef<A> }
      compose(inputs: readonly Input[], attrs: A): readonly Tensor[]
    }

export interface OpDef<A = unknown> {
  /** Its grad_fn is printed as this name, capitalised, with Backward0. */
  readonly name: string
  /** The only place where shapes and dtypes are checked. */
  infer(inputs: readonly Input[], attrs: A): readonly Spec[]
  vjp?(ctx: Vjp<A>): Gradients
  /** Positions to keep for the rule, given a bit for every input that needs a gradient. */
  saves?(needs: number): Saves
  /** The rule does without a saved output that was written to since, which it finds out by `keeps`. */
  readonly spare?: true
  /** Of a view of slices along one dimension: which. Their gradients wait for each other (autograd/pieces.ts). */
  cut?(attrs: A): Cut
  readonly to: Lowering<A>
}
