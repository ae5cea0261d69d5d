// Ops of the compositions that backends may have as kernels (backend/composites.ts). One definition says how such an op is
// composed, what it saves and its gradient; where the kernel's result is worth another gradient, the definition says that, too.
import type { Attributes, Spec } from '../../backend/backend.ts'
import { type CompositeKind, composites, sizesOf } from '../../backend/composites.ts'
import { applyAll } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'

type Rules<A> = Pick<OpDef<A>, 'saves' | 'vjp'> & Partial<Pick<OpDef<A>, 'infer'>>

/** With the results that the table says, unless `infer` says others. */
interface Composition<K extends CompositeKind, A> extends Rules<A> {
  readonly name: string
  readonly kind: K
  /** What the kernel is told, given the first input. */
  attrs(attrs: A, x: Spec): Attributes[K]
  compose(inputs: readonly Input[], attrs: A): readonly Tensor[]
  /** What differs with the kernel: all rules, and what is computed `around` it. */
  readonly whole?: Rules<A> & {
    around?(
      inputs: readonly Input[],
      attrs: A,
      kernel: (inputs: readonly Input[]) => readonly Tensor[],
    ): readonly Tensor[]
  }
}

/** The op of a composition: its kernel where the backend has that, else composed. */
export function composite<K extends CompositeKind, A>(composition: Composition<K, A>): OpDef<A> {
  const { name, kind, attrs: attrsOf, compose, infer, saves, vjp, whole = { saves, vjp } } = composition
  const { outputs } = composites[kind]
  const ofTable: OpDef<A>['infer'] = ([x], attrs) => {
    const { axis } = attrsOf(attrs, x)
    return outputs.map(([, extent]) => ({ sizes: sizesOf(extent, x.sizes, axis), dtype: x.dtype }))
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
