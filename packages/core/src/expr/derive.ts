// Derivatives of scalar expressions, by reverse accumulation over the graph; the definition of each step has its slope.
// Slopes at kinks and ties are PyTorch's: max and min split evenly over ties, |x| has slope 0 at 0, integer steps have
// slope 0.
import { isFloat } from '../base/dtype.ts'
import { type Expr, inputsOf, stepDef, s, topological } from './expr.ts'

/**
 * The derivatives of `y` with respect to the inputs at the given positions, times `dy`; undefined if `y` does not
 * depend on an input.
 */
export function derive(y: Expr, dy: Expr, positions: readonly number[]): (Expr | undefined)[] {
  const adjoints = new Map<Expr, Expr>([[y, dy]])
  const inputs = new Map<number, Expr>()
  const add = (position: number, part: Expr): void => {
    const before = inputs.get(position)
    inputs.set(position, before === undefined ? part : s.add(before, part))
  }
  const order = topological([y])
  for (let i = order.length - 1; i >= 0; i--) {
    const x = order[i]
    const adjoint = adjoints.get(x)
    if (adjoint === undefined) continue
    if (x.step === 'input') {
      add(x.value, adjoint)
      continue
    }
    if (x.step === 'select') {
      // The select is outermost, so that the result of the other branch (infinity times 0) does not enter.
      const [condition, a, b] = x.args
      const used = inputsOf([a, b])
      const [da, db] = [a, b].map((branch) => derive(branch, adjoint, used))
      used.forEach((p, k) => {
        if (da[k] !== undefined || db[k] !== undefined) add(p, s.select(condition, da[k] ?? 0, db[k] ?? 0))
      })
      continue
    }
    const slopes = x.step === 'const' ? null : stepDef(x.step).slope?.(s, adjoint, x.args, x)
    slopes?.forEach((part, k) => {
      if (part === undefined || !isFloat(x.args[k].dtype)) return
      const before = adjoints.get(x.args[k])
      adjoints.set(x.args[k], before === undefined ? part : s.add(before, part))
    })
  }
  return positions.map((p) => inputs.get(p))
}
