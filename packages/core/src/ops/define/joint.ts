// The gradients of several inputs by one kernel: half the kernels of the backward pass of products, quotients, powers. It
// is how an eager step saves calls; a compiled one has its own ways to fuse, which start from single results.
import type { Prims, Spec } from '../../backend/backend.ts'
import { repeated } from '../../base/arrays.ts'
import { type DType, rankOf } from '../../base/dtype.ts'
import { sameShape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { applyAll } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import { mode } from '../../tensor/mode.ts'
import type { Input, OpDef, Vjp } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { inputExprs } from './kernels.ts'

export interface JointRule {
  readonly op: OpDef<null>
  /** The inputs whose gradients are the op's results. */
  readonly positions: readonly number[]
  /** Positions among (dy, inputs, y) that it reads, dy first. */
  readonly uses: readonly number[]
}

/** An op of several results, each elementwise over operands of one dtype, and of the first operand's shape. */
export function several(
  name: string,
  count: number,
  build: (x: readonly Expr[], dtype: DType) => readonly Expr[],
): OpDef<null> {
  const kernels: Prims['map'][] = []
  return {
    name,
    infer(inputs) {
      const { sizes, dtype } = inputs[0]
      return repeated<Spec>(count, { sizes, dtype })
    },
    to: {
      kind: 'kernel',
      prim: 'map',
      lower(_, inputs) {
        const { dtype } = inputs[0]
        const rank = rankOf(dtype)
        kernels[rank] ??= {
          outs: build(inputExprs(inputs, dtype), dtype).map((expr) => ({ expr: s.cast(expr, dtype) })),
        }
        return kernels[rank]
      },
    },
  }
}

/**
 * Computes gradients jointly and puts them where they belong, where that gives what single rules give: they are not
 * recorded themselves, nothing was broadcast and nothing promoted.
 */
export function jointly(ctx: Vjp<unknown>, arity: number, rule: JointRule | null, gradients: (Tensor | null)[]): void {
  if (rule === null || mode.grad || effects.sink !== null) return
  const { positions, uses, op } = rule
  const { dy } = ctx
  for (let k = 0; k < positions.length; k++) {
    const { sizes, dtype } = ctx.inputSpec(positions[k])
    if (dtype !== dy.dtype || !sameShape(sizes, dy.sizes)) return
  }
  const inputs = new Array<Input>(uses.length)
  for (let k = 0; k < uses.length; k++) {
    const x = uses[k] === 0 ? dy : uses[k] <= arity ? ctx.operand(uses[k] - 1) : ctx.output()
    if (x.dtype !== dy.dtype || x.wrapped === true) return
    inputs[k] = x
  }
  const made = applyAll(op, inputs, null)
  for (let k = 0; k < positions.length; k++) gradients[positions[k]] = made[k]
}
