// Several sums over the same operands by one kernel, in gradient rules: it reads the operands once. Where a gradient of
// the gradient is recorded, each sum is an op of its own, with a rule.
import type { Prims, Spec } from '../../backend/backend.ts'
import { repeated } from '../../base/arrays.ts'
import type { Shape } from '../../base/shape.ts'
import type { Expr } from '../../expr/expr.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import { mode } from '../../tensor/mode.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Elementwise, elementwise } from './elementwise.ts'

/** Sums expressions over operands that broadcast, to one shape. */
export type Sums = (inputs: readonly Input[], sizes: Shape) => readonly Tensor[]

export function sums(name: string, ...builds: readonly ((...x: Expr[]) => Expr)[]): Sums {
  const arity = Math.max(...builds.map(({ length }) => length))
  const single = builds.map((build) => elementwise(name, build, { arity }))
  const kernels = new Map<Prims['map'], Prims['map']>()
  const joint: OpDef<Spec> = {
    name,
    infer: (_, target) => repeated<Spec>(builds.length, target),
    to: {
      kind: 'kernel',
      prim: 'map',
      lower(target, inputs, outs) {
        const each = single.map((op) => lowered(op, target, inputs, outs))
        let prims = kernels.get(each[0])
        if (prims === undefined) {
          prims = { outs: each.flatMap((one) => one.outs) }
          kernels.set(each[0], prims)
        }
        return prims
      },
    },
  }
  return (inputs, sizes) => {
    const target = { sizes, dtype: inputs[0].dtype }
    return mode.grad ? single.map((op) => apply(op, inputs, target)) : applyAll(joint, inputs, target)
  }
}

function lowered({ to }: Elementwise, target: Spec, inputs: readonly Input[], outs: readonly Spec[]): Prims['map'] {
  if (to.kind !== 'kernel') throw new Error('an elementwise op is a kernel')
  return to.lower(target, inputs, outs) as Prims['map']
}
