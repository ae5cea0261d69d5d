// The op record: everything about an operation is in one value of this type. `infer` checks, `to` says how it runs,
// `vjp` is its gradient, written in ops so that it is differentiable and recordable itself.
import type { Check, Fused, FusedKind, Kind, Prims, Spec } from '../backend/backend.ts'
import type { DType } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import { scalarShape, type Shape } from '../base/shape.ts'
import type { Tensor } from './tensor.ts'

/** A JavaScript number beside tensors: it takes their dtype unless its category (bool, integer, float) is higher. */
export class Num implements Spec {
  readonly value: number | (() => number)
  readonly dtype: DType
  readonly shape: Shape = scalarShape
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
}

export type Gradients = readonly (Tensor | null | undefined)[]

export interface Saves {
  readonly inputs?: readonly number[]
  readonly outputs?: readonly number[]
}

export type Lowering<A> =
  | {
      readonly kind: 'kernel'
      readonly prim: Kind | FusedKind
      /** What the backend is told; the same object for the same case, so that kernels are found by identity. */
      lower(attrs: A, inputs: readonly Input[], outs: readonly Spec[]): Prims[Kind] | Fused[FusedKind]
      check?(attrs: A, inputs: readonly Input[]): Check | undefined
    }
  /** null: not a view of this layout; the input is copied first. */
  | { readonly kind: 'view'; view(layout: Layout, attrs: A): Layout | null }
  | {
      readonly kind: 'compose'
      /** Applied instead to inputs with elements where the backend has the kernel; without a rule, where nothing wants a gradient. */
      readonly fused?: { readonly kernel: FusedKind; readonly op: OpDef<A> }
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
  readonly to: Lowering<A>
}
