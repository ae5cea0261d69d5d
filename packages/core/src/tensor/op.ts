// The op record: one value of this type defines an operation completely. `infer` checks, `to` says how it runs, and
// `vjp` is its gradient, written in ops so that it can itself be differentiated and recorded.
import type { Attributes, Check, Kind, Spec } from '../backend/backend.ts'
import type { CompositeKind } from '../backend/composites.ts'
import type { DType } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import { scalarShape, type Shape } from '../base/shape.ts'
import type { Tensor } from './tensor.ts'

/** A JavaScript number among tensors: it takes their dtype unless its category (bool, integer, float) is higher. */
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

/** The context of a gradient rule. */
export interface Vjp<A> {
  readonly attrs: A
  /** The outputs' shapes and dtypes, from `infer`. */
  readonly specs: readonly Spec[]
  /** The gradient of the first output. */
  readonly dy: Tensor
  /** The gradients of all outputs; null for one without a gradient. */
  readonly dys: readonly (Tensor | null)[]
  /** A bit for every input that needs a gradient. */
  readonly needed: number
  needs(position: number): boolean
  inputSpec(position: number): Spec
  input(position: number): Tensor
  operand(position: number): Input
  output(position?: number): Tensor
  /** Whether a saved output is unchanged; always true unless the op declares `spare`. */
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
      /** The kernel's attributes; the same object for the same case, so that kernels are found by identity. */
      lower(attrs: A, inputs: readonly Input[], outs: readonly Spec[]): Attributes[Kind]
      check?(attrs: A, inputs: readonly Input[]): Check | undefined
    }
  | {
      readonly kind: 'view'
      /** Returns null if no view of this layout exists; the input is then copied first. */
      view(layout: Layout, attrs: A): Layout | null
      /** The result counts as a tensor of its own, because nothing else refers to its input. */
      readonly own?: true
    }
  /** If it has a rule of its own, its results are new tensors, never an input. */
  | {
      readonly kind: 'compose'
      /**
       * Applied instead if the backend has the kernel and the inputs have elements; if it has no rule, only where no
       * gradient is needed.
       */
      readonly whole?: { readonly kernel: CompositeKind; readonly op: OpDef<A> }
      compose(inputs: readonly Input[], attrs: A): readonly Tensor[]
    }

export interface OpDef<A = unknown> {
  /** `grad_fn` prints this name, capitalised, with Backward0. */
  readonly name: string
  /** The only place where shapes and dtypes are checked. */
  infer(inputs: readonly Input[], attrs: A): readonly Spec[]
  vjp?(ctx: Vjp<A>): Gradients
  /** The positions to save for the rule, given a bit for every input that needs a gradient. */
  saves?(needs: number): Saves
  /** The rule works without a saved output that has been overwritten, which it detects by `keeps`. */
  readonly spare?: true
  /** For a view of slices along one dimension: the slices. Their gradients wait for each other (autograd/slices.ts). */
  cut?(attrs: A): Cut
  readonly to: Lowering<A>
}

/** A number or tensor as an operand of an op. */
export function operand(x: Tensor | number | boolean | (() => number)): Input {
  if (typeof x === 'number') return new Num(x, Number.isInteger(x) ? 'int32' : 'float32')
  if (typeof x === 'boolean') return new Num(x ? 1 : 0, 'bool')
  if (typeof x === 'function') return new Num(x, 'float32')
  return x
}
