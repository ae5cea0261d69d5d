// The gradients of several inputs by one kernel, which halves the kernels in the backward pass of products, quotients
// and powers. It saves calls in eager steps; compiled steps fuse in their own ways, which start from single results.
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

/** The gradients of single inputs, to be computed jointly. */
interface Rules {
  readonly name: string
  readonly arity: number
  rule(position: number): { readonly uses: readonly number[]; readonly identity: boolean }
  over(position: number, uses: readonly number[], used: readonly Expr[], dtype: DType): Expr
}

interface Joint {
  readonly op: OpDef<null>
  /** The inputs whose gradients are the results of the op. */
  readonly positions: readonly number[]
  /** The positions among (dy, inputs, y) that it reads, dy first. */
  readonly uses: readonly number[]
}

/** An op with several results, each elementwise over operands of one dtype, and of the shape of the first operand. */
function several(
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

export class JointGradients {
  readonly #rules: Rules
  /** By the bits of the inputs that need a gradient; null if fewer than two gradients are computed. */
  readonly #joints: (Joint | null | undefined)[] = []

  constructor(rules: Rules) {
    this.#rules = rules
  }

  #make(needs: number): Joint | null {
    const { name, arity } = this.#rules
    const positions: number[] = []
    const used = new Set([0])
    for (let i = 0; i < arity; i++) {
      if ((needs & (1 << i)) === 0) continue
      const { uses, identity } = this.#rules.rule(i)
      if (identity || uses.length === 0) continue
      positions.push(i)
      for (const use of uses) used.add(use)
    }
    if (positions.length < 2) return null
    const uses = [...used]
    const op = several(name, positions.length, (operands, dtype) =>
      positions.map((position) => this.#rules.over(position, uses, operands, dtype)),
    )
    return { positions, uses, op }
  }

  /**
   * Computes gradients jointly and stores them at their positions, if single rules would give the same: they are not
   * recorded themselves, and nothing was broadcast or promoted.
   */
  fill(gradients: (Tensor | null)[], ctx: Vjp<unknown>): void {
    const { needed, dy } = ctx
    let joint = this.#joints[needed]
    if (joint === undefined) {
      joint = this.#make(needed)
      this.#joints[needed] = joint
    }
    if (joint === null || mode.grad || effects.sink !== null) return
    const { positions, uses, op } = joint
    for (let k = 0; k < positions.length; k++) {
      const { sizes, dtype } = ctx.inputSpec(positions[k])
      if (dtype !== dy.dtype || !sameShape(sizes, dy.sizes)) return
    }
    const { arity } = this.#rules
    const inputs = new Array<Input>(uses.length)
    for (let k = 0; k < uses.length; k++) {
      const x = uses[k] === 0 ? dy : uses[k] <= arity ? ctx.operand(uses[k] - 1) : ctx.output()
      if (x.dtype !== dy.dtype || x.wrapped === true) return
      inputs[k] = x
    }
    const made = applyAll(op, inputs, null)
    for (let k = 0; k < positions.length; k++) gradients[positions[k]] = made[k]
  }
}
