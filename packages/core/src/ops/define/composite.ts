// Ops for the compositions that backends may have kernels for (backend/composites.ts). One definition says how such an
// op is composed, what it saves, and its gradient; if the kernel's results suit another gradient better, it also gives
// that one.
import type { Attributes, Spec } from '../../backend/backend.ts'
import { type CompositeKind, composites, sizesOf } from '../../backend/composites.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { applyAll } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Whether a kernel over planes of float32 takes `x`, for windows without dilation. */
export const runsOnPlanes = (kind: CompositeKind, { dtype, elements, storage }: Tensor, dilation: Shape): boolean =>
  dilation.length === 2 &&
  numelOf(dilation) === 1 &&
  dtype === 'float32' &&
  elements > 0 &&
  storage.device.backend.caps.fused?.has(kind) === true

type Rules<A> = Pick<OpDef<A>, 'saves' | 'vjp'> & Partial<Pick<OpDef<A>, 'infer'>>

/** The results are those of the table, unless `infer` gives others. */
interface Composition<K extends CompositeKind, A> extends Rules<A> {
  readonly name: string
  readonly kind: K
  /** The attributes of the kernel, given the first input. */
  attrs(attrs: A, x: Spec): Attributes[K]
  compose(inputs: readonly Input[], attrs: A): readonly Tensor[]
  /** Replacements for use with the kernel: the rules, and what is computed `around` it. */
  readonly whole?: Rules<A> & {
    around?(
      inputs: readonly Input[],
      attrs: A,
      kernel: (inputs: readonly Input[]) => readonly Tensor[],
    ): readonly Tensor[]
  }
}

/** The op of a composition: a kernel if the backend has it, otherwise composed. */
export function composite<K extends CompositeKind, A>(composition: Composition<K, A>): OpDef<A> {
  const { name, kind, attrs: attrsOf, compose, infer, saves, vjp, whole = { saves, vjp } } = composition
  const { outputs } = composites[kind]
  const ofTable: OpDef<A>['infer'] = ([x], attrs) => {
    const own = attrsOf(attrs, x)
    return outputs.map(([, extent]) => ({ sizes: sizesOf(extent, x.sizes, own), dtype: x.dtype }))
  }
  const kernel: OpDef<A> = {
    name,
    infer: ofTable,
    to: { kind: 'kernel', prim: kind, lower: (attrs, [x]) => attrsOf(attrs, x) },
  }
  const { around, ...rules } = whole
  const op: OpDef<A> =
    around === undefined
      ? { ...kernel, ...rules }
      : {
          name,
          infer: ofTable,
          ...rules,
          to: {
            kind: 'compose',
            compose: (inputs, attrs) => around(inputs, attrs, (operands) => applyAll(kernel, operands, attrs)),
          },
        }
  return { name, infer: infer ?? ofTable, saves, vjp, to: { kind: 'compose', whole: { kernel: kind, op }, compose } }
}
