// Derivatives of scalar expressions, by reverse accumulation over the graph. Rules at kinks and ties are PyTorch's:
// max and min split evenly over ties, |x| has slope 0 at 0, whole-number steps have slope 0.
import { isFloat } from '../base/dtype.ts'
import { type Expr, inputsOf, type Step, s, topological } from './expr.ts'

type Rule = (dy: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | undefined)[]

/** The side that loses gets nothing, equal ones half each, all of it both beside NaN. */
const share = (dy: Expr, loses: Expr, ties: Expr): Expr => s.select(loses, 0, s.select(ties, s.mul(dy, 0.5), dy))

const extreme =
  (loses: (a: Expr, b: Expr) => Expr): Rule =>
  (dy, [a, b]) => [share(dy, loses(a, b), s.eq(a, b)), share(dy, loses(b, a), s.eq(a, b))]

const rules: Partial<Record<Step, Rule>> = {
  cast: (dy, [x]) => [isFloat(x.dtype) ? s.cast(dy, x.dtype) : undefined],
  add: (dy) => [dy, dy],
  sub: (dy) => [dy, s.neg(dy)],
  mul: (dy, [a, b]) => [s.mul(dy, b), s.mul(dy, a)],
  div: (dy, [a, b], y) => [
    s.div(dy, b),
    a.step === 'const' ? s.neg(s.mul(dy, s.div(y, b))) : s.neg(s.mul(dy, s.div(s.div(a, b), b))),
  ],
  mod: (dy, [a, b]) => [dy, s.neg(s.mul(dy, s.floorDiv(a, b)))],
  pow: (dy, [x, p], y) => [
    p.step === 'const' && p.value === 2
      ? s.mul(dy, s.mul(x, 2))
      : s.select(s.eq(p, 0), s.constant(0, dy.dtype), s.mul(dy, s.mul(p, s.pow(x, s.sub(p, 1))))),
    s.select(s.and(s.eq(x, 0), s.ge(p, 0)), s.constant(0, dy.dtype), s.mul(dy, s.mul(y, s.log(x)))),
  ],
  min: extreme(s.gt),
  max: extreme(s.lt),
  fma: (dy, [a, b]) => [s.mul(dy, b), s.mul(dy, a), dy],
  neg: (dy) => [s.neg(dy)],
  abs: (dy, [x]) => [s.mul(dy, s.sign(x))],
  sqrt: (dy, _, y) => [s.div(dy, s.mul(y, 2))],
  exp: (dy, _, y) => [s.mul(dy, y)],
  expm1: (dy, _, y) => [s.mul(dy, s.add(y, 1))],
  log: (dy, [x]) => [s.div(dy, x)],
  log1p: (dy, [x]) => [s.div(dy, s.add(x, 1))],
  sin: (dy, [x]) => [s.mul(dy, s.cos(x))],
  cos: (dy, [x]) => [s.neg(s.mul(dy, s.sin(x)))],
  tanh: (dy, _, y) => [s.mul(dy, s.sub(1, s.mul(y, y)))],
  erf: (dy, [x]) => [s.mul(dy, s.mul(s.exp(s.neg(s.mul(x, x))), 2 / Math.sqrt(Math.PI)))],
}

/** The derivatives of `y` times `dy` by the inputs at the given positions; undefined where `y` does not depend on one. */
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
      // Chosen last, so that what the other branch would give (infinity times 0) is not in it.
      const [condition, a, b] = x.args
      const used = inputsOf([a, b])
      const [da, db] = [a, b].map((branch) => derive(branch, adjoint, used))
      used.forEach((p, k) => {
        if (da[k] !== undefined || db[k] !== undefined) add(p, s.select(condition, da[k] ?? 0, db[k] ?? 0))
      })
      continue
    }
    const parts = rules[x.step]?.(adjoint, x.args, x)
    parts?.forEach((part, k) => {
      if (part === undefined || !isFloat(x.args[k].dtype)) return
      const before = adjoints.get(x.args[k])
      adjoints.set(x.args[k], before === undefined ? part : s.add(before, part))
    })
  }
  return positions.map((p) => inputs.get(p))
}
