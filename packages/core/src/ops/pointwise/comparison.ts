// Comparisons and logic: bool results, no gradients.
import { type Expr, s } from '../../expr/expr.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { elementwise } from '../define/elementwise.ts'
import { binary, named, type Overloaded, type TensorLike, unary } from '../define/overloads.ts'

const bool = { out: 'bool' } as const
/** PyTorch names the in-place node by whether the other operand is a tensor. */
function comparison(name: string, build: (x: Expr, y: Expr) => Expr): Overloaded<[x: TensorLike, y: TensorLike]> {
  const op = elementwise(name, build, bool)
  const compare = binary(op)
  const { resolve } = compare
  const withTensor = binary(named(`${name[0].toUpperCase()}${name[1]}Backward1`, op), name).resolve
  return Object.assign(compare, {
    resolve: (...args: Parameters<typeof resolve>) => (args[1] instanceof Tensor ? withTensor : resolve)(...args),
  })
}
/** `x == y`, element by element. */
export const eq = comparison('eq', (x, y) => s.eq(x, y))
/** `x != y`. */
export const ne = comparison('ne', (x, y) => s.ne(x, y))
/** `x < y`. */
export const lt = comparison('lt', (x, y) => s.lt(x, y))
/** `x <= y`. */
export const le = comparison('le', (x, y) => s.le(x, y))
/** `x > y`. */
export const gt = comparison('gt', (x, y) => s.gt(x, y))
/** `x >= y`. */
export const ge = comparison('ge', (x, y) => s.ge(x, y))
const truth = (x: Expr): Expr => s.cast(x, 'bool')
/** True where both are not 0. */
export const logicalAnd = binary(
  elementwise('logicalAnd', (x, y) => s.and(truth(x), truth(y)), bool),
  'logical_and',
)
/** True where at least one is not 0. */
export const logicalOr = binary(
  elementwise('logicalOr', (x, y) => s.or(truth(x), truth(y)), bool),
  'logical_or',
)
/** True where exactly one is not 0. */
export const logicalXor = binary(
  elementwise('logicalXor', (x, y) => s.xor(truth(x), truth(y)), bool),
  'logical_xor',
)
/** True where x is 0. */
export const logicalNot = unary(
  elementwise('logicalNot', (x) => s.not(truth(x)), bool),
  'logical_not',
)
/** True where x is NaN. */
export const isnan = unary(elementwise('isnan', (x) => s.isnan(x), bool))
/** True where x is neither infinite nor NaN. */
export const isfinite = unary(elementwise('isfinite', (x) => s.isfinite(x), bool))
