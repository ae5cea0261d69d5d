// In-place updates of several tensors by one kernel, outside of autograd: an optimizer updates a parameter and its
// state in one pass over memory.
import type { Prims } from '../../backend/backend.ts'
import { type Expr, s, topological } from '../../expr/expr.ts'
import { operand } from '../../tensor/apply.ts'
import { applyMapInto } from '../../tensor/in-place.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { inputExprs, withDType, withOperands } from '../define/kernels.ts'

type Value = Tensor | number | (() => number)
/** Overwrites `targets`, all of one shape and dtype, with expressions of their old elements and of `values`. */
export type Update = (targets: readonly Tensor[], values: readonly Value[]) => void

/** Rounds every operand: a rule stands for several of PyTorch's operations and gives the same bits. */
function stepByStep(roots: readonly Expr[]): Expr[] {
  const steps = new Map<Expr, Expr>()
  const operands = new Map<Expr, Expr>()
  for (const x of topological(roots)) {
    const step = { ...x, args: x.args.map((arg) => operands.get(arg) as Expr) }
    steps.set(x, step)
    operands.set(x, s.rounded(step))
  }
  return roots.map((root) => steps.get(root) as Expr)
}

/**
 * An update rule. `build` gets the elements of the targets, then the values; it returns one expression per target. A
 * function among the values is read again in every run and every replay.
 *
 * @example
 * const descend = update('sgd', 1, (p, grad, lr) => [s.sub(p, s.mul(lr, grad))])
 * const parameter = ones(2)
 * const group = { lr: 0.1 }
 * descend([parameter], [tensor([1, 2]), () => group.lr])
 * parameter // tensor([0.9000, 0.8000])
 */
export function update(name: string, targets: number, build: (...x: Expr[]) => readonly Expr[]): Update {
  const kernels = new Map<number, Prims['map']>()
  return (into, values) => {
    const inputs = [...into, ...values.map(operand)]
    const { dtype } = into[0]
    const key = withOperands(withDType(0, dtype), inputs)
    let prims = kernels.get(key)
    if (prims === undefined) {
      const exprs = build(...inputExprs(inputs, dtype))
      if (exprs.length !== targets)
        throw new Error(`update ${name}: ${exprs.length} expressions for ${targets} targets`)
      prims = { outs: stepByStep(exprs).map((expr) => ({ expr })) }
      kernels.set(key, prims)
    }
    applyMapInto(name, prims, into, inputs)
  }
}
