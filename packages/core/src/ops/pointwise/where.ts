// The choice between two tensors. It is not in the table, because its method takes other arguments (`x.where(condition,
// y)`, members.ts).
import { dtypeName } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { type Takes, required, signature, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise } from '../define/elementwise.ts'
import { operandKind, type TensorLike } from '../define/overloads.ts'

const whereOp = elementwise('where', (condition, x, y) => s.select(condition, x, y), { gradName: 'where' })
const whereArguments = signature(
  'where',
  required('condition', tensor),
  required('input', operandKind),
  required('other', operandKind),
)
/** `x` where the condition is true, `y` elsewhere. */
export function where(
  ...args: [condition: Tensor, ...Takes<[input: TensorLike, other: TensorLike], 'input other'>]
): Tensor {
  const [condition, x, y] = whereArguments(args)
  if (condition.dtype !== 'bool' && condition.dtype !== 'uint8') {
    throw new RuntimeError(
      `where expected condition to be a boolean tensor, but got a tensor with dtype ${dtypeName[condition.dtype]}`,
      'Convert it: condition.ne(0).',
    )
  }
  return apply(whereOp, [condition, operand(x), operand(y)], null)
}
